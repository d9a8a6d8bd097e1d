//! The number behind `swoole_last_error()`.

use std::cell::{Cell, RefCell};
use swoosh_zend::error::warning;

thread_local! {
    static LAST: Cell<i32> = const { Cell::new(0) };
    /// Codes that are not to be logged.
    static IGNORED: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// The last refusal's code; 0 if there was none.
pub fn get() -> i32 {
    LAST.get()
}

/// Sets the code; 0 clears it.
pub fn set(code: i32) {
    LAST.set(code);
}

/// A call is refused because it was used wrongly: an `E_WARNING`, and the code for it.
#[cold]
pub fn warn_misuse(message: &str) {
    set(WRONG_USE);
    warning(message);
}

/// No log line is written for that code any more.
pub fn ignore(code: i32) {
    IGNORED.with_borrow_mut(|codes| codes.push(code));
}

/// Whether log lines for that code are not wanted.
pub fn is_ignored(code: i32) -> bool {
    IGNORED.with_borrow(|codes| codes.contains(&code))
}

/// SWOOLE_ERROR_PHP_FATAL_ERROR.
const WRONG_USE: i32 = 503;
