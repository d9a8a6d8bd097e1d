//! Notes where state is written that may outlive a request, for `swoole.state_leaks`.

use std::cell::RefCell;
use std::collections::HashMap;
use swoosh_zend::hook::{watch_static_writes, wrap_function};
use swoosh_zend::module::Functions;
use swoosh_zend::runtime::ini_bool;
use swoosh_zend::vm_state::backtrace;
use swoosh_zend::{Array, Call, PhpResult, Zval};

thread_local! {
    /// The last place where something was written, by its name: `$property` or `function()`.
    static WRITES: RefCell<HashMap<String, String>> = RefCell::default();
}

/// Installs the watchers if the setting is on. Without it, nothing is slower.
pub(super) fn start_up() {
    if !ini_bool("swoole.state_leaks") {
        return;
    }
    watch_static_writes(|name, file, line| {
        if !file.starts_with("@swoole/") {
            note(format!("${name}"), format!("{file}:{line}"));
        }
    });
    wrap_function::<53, _, _>("ini_set", |_: &mut Call<'_>| called("ini_set()"));
    wrap_function::<54, _, _>("setlocale", |_: &mut Call<'_>| called("setlocale()"));
    wrap_function::<55, _, _>("date_default_timezone_set", |_: &mut Call<'_>| called("date_default_timezone_set()"));
    wrap_function::<56, _, _>("set_error_handler", |_: &mut Call<'_>| called("set_error_handler()"));
    wrap_function::<57, _, _>("set_exception_handler", |_: &mut Call<'_>| called("set_exception_handler()"));
    wrap_function::<58, _, _>("ob_start", |_: &mut Call<'_>| called("ob_start()"));
    wrap_function::<59, _, _>("putenv", |_: &mut Call<'_>| called("putenv()"));
    wrap_function::<60, _, _>("error_reporting", |_: &mut Call<'_>| called("error_reporting()"));
}

/// Adds the functions that `Swoole\Internal\StateLeaks` calls.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("Swoole\\Internal\\state_writes(): array", |_: &mut Call<'_>| {
            let mut all = Array::new();
            WRITES.with_borrow(|writes| writes.iter().for_each(|(name, place)| all.insert(name, place.as_str())));
            Ok(all)
        })
        .add("Swoole\\Internal\\log_warning(string $message): void", |call: &mut Call<'_>| {
            let message = call.text(0)?;
            swoosh::log::warn!("{message}");
            Ok(())
        });
}

fn note(name: String, place: String) {
    WRITES.with_borrow_mut(|writes| {
        if writes.len() < MAX_WRITES || writes.contains_key(&name) {
            writes.insert(name, place);
        }
    });
}

/// Notes the caller of a function, which then runs.
fn called(name: &str) -> PhpResult<Option<Zval>> {
    let frames = backtrace(IGNORE_ARGUMENTS, 1);
    if let Some(frame) = frames.array().and_then(|frames| frames.at(0)).and_then(Zval::array) {
        let file =
            frame.get("file").and_then(Zval::to_zstr).map(|file| file.to_text().into_owned()).unwrap_or_default();
        if !file.starts_with("@swoole/") {
            note(name.to_owned(), format!("{file}:{}", frame.get("line").map_or(0, Zval::to_int)));
        }
    }
    Ok(None)
}

/// `DEBUG_BACKTRACE_IGNORE_ARGS`.
const IGNORE_ARGUMENTS: i64 = 2;
/// Names that are remembered at most.
const MAX_WRITES: usize = 100_000;
