//! The error code behind `swoole_last_error()`.

use std::cell::{Cell, RefCell};
use swoosh_zend::error::warning;

thread_local! {
    static LAST: Cell<i32> = const { Cell::new(0) };
    /// The codes that are not logged.
    static IGNORED: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// The last error code; 0 if there was none.
pub fn get() -> i32 {
    LAST.get()
}

/// Sets the error code; 0 clears it.
pub fn set(code: i32) {
    LAST.set(code);
}

/// Reports wrong use of a function: raises an `E_WARNING` and sets the error code.
#[cold]
pub fn warn_misuse(message: &str) {
    set(WRONG_USE);
    warning(message);
}

/// Suppresses log messages with that code.
pub fn ignore(code: i32) {
    IGNORED.with_borrow_mut(|codes| codes.push(code));
}

/// Whether log messages with that code are suppressed.
pub fn is_ignored(code: i32) -> bool {
    IGNORED.with_borrow(|codes| codes.contains(&code))
}

/// `SWOOLE_ERROR_PHP_FATAL_ERROR`.
const WRONG_USE: i32 = 503;
