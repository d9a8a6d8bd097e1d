//! `swoole_exec()` and `swoole_shell_exec()`: like PHP's functions, without blocking other coroutines.

use crate::api::system::shell;
use crate::coroutine::wait::run_in_coroutine;
use swoosh_zend::module::Functions;
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_exec(string $command, mixed &$output = null, mixed &$returnVar = null): string|false", exec)
        .add("swoole_shell_exec(string $cmd): string|false|null", shell_exec);
}

/// The last line that a command prints, without blanks at its end; all such lines behind what `$output` holds.
fn exec(call: &mut Call<'_>) -> PhpResult<Zval> {
    let command = call.bytes(0)?.to_vec();
    let Some((text, code, _)) = run_in_coroutine(move || shell(command, false))?.0 else {
        return Ok(false.into_zval());
    };
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let lines: Vec<&[u8]> = match text {
        [] => Vec::new(),
        text => text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end).collect(),
    };
    if call.count() > 1 {
        let mut all = call.arg(1).and_then(Zval::array).cloned().unwrap_or_default();
        lines.iter().for_each(|line| all.push(*line));
        call.assign(1, all);
    }
    if call.count() > 2 {
        call.assign(2, code);
    }
    Ok(lines.last().copied().unwrap_or_default().into_zval())
}

/// All that a command prints; `null` where that is nothing.
fn shell_exec(call: &mut Call<'_>) -> PhpResult<Zval> {
    let command = call.bytes(0)?.to_vec();
    Ok(match run_in_coroutine(move || shell(command, false))?.0 {
        None => false.into_zval(),
        Some((text, ..)) if text.is_empty() => Zval::null(),
        Some((text, ..)) => text.into_zval(),
    })
}
