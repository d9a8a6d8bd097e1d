//! Error numbers, their texts, and lines for the log.

use crate::api::error_text;
use crate::runtime::last_error;
use swoosh::log::Level;
use swoosh_zend::module::Functions;
use swoosh_zend::{Call, PhpResult};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_errno(): int", errno)
        .add("swoole_last_error(): int", |_: &mut Call<'_>| Ok(last_error::get()))
        .add("swoole_clear_error(): void", |_: &mut Call<'_>| {
            last_error::set(0);
            Ok(())
        })
        .add("swoole_ignore_error(int $error): void", |call: &mut Call<'_>| {
            last_error::ignore(call.int(0)? as i32);
            Ok(())
        })
        .add("swoole_strerror(int $errno, int $error_type = SWOOLE_STRERROR_SYSTEM): string", strerror)
        .add("swoole_error_log(int $level, string $msg): void", error_log)
        .add("swoole_error_log_ex(int $level, int $error, string $msg): void", error_log_ex);
}

fn errno(_: &mut Call<'_>) -> PhpResult<i32> {
    Ok(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// The text of an error number. Numbers above the system's are the module's own.
fn strerror(call: &mut Call<'_>) -> PhpResult<String> {
    let (code, kind) = (call.int(0)?, call.int_or(1, 0)?);
    Ok(match kind {
        STRERROR_GAI => error_text::of_address_lookup(code),
        STRERROR_DNS => error_text::of_host_lookup(code),
        STRERROR_SWOOLE => error_text::of_module(code),
        _ => error_text::of_code(code),
    })
}

fn error_log(call: &mut Call<'_>) -> PhpResult<()> {
    log(call.int(0)?, &call.text(1)?);
    Ok(())
}

/// A line for the log, unless the error's number is ignored.
fn error_log_ex(call: &mut Call<'_>) -> PhpResult<()> {
    let (level, code) = (call.int(0)?, call.int(1)? as i32);
    let message = call.text(2)?;
    last_error::set(code);
    if !last_error::is_ignored(code) {
        log(level, &format!("{message}, Error: {code}"));
    }
    Ok(())
}

/// A line of the server's log: `log_file`, `log_level` and the process's mark are the same as for the engine's own.
fn log(level: i64, message: &str) {
    let level = match level {
        0 => Level::Debug,
        1 => Level::Trace,
        2 => Level::Info,
        3 => Level::Notice,
        4 => Level::Warning,
        5 => Level::Error,
        _ => return,
    };
    swoosh::log::write(level, format_args!("{message}"));
}

const STRERROR_GAI: i64 = 1;
const STRERROR_DNS: i64 = 2;
const STRERROR_SWOOLE: i64 = 9;
