//! Exceptions, warnings and fatal errors, in both directions.

use super::{Class, ffi};
use std::ffi::CString;

/// Why a call into PHP returned no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// An exception is pending. PHP handles it when the call into the extension returns.
    Exception,
    /// An `exit` is pending, like an exception.
    Exit,
    /// A fatal error. Return it up to the C entry function, which continues PHP's jump.
    Bailout,
}

/// A value, or the reason for its absence.
pub type PhpResult<T> = Result<T, Raised>;

/// The pending exception or exit, if any.
pub fn pending() -> Option<Raised> {
    if !has_exception() {
        return None;
    }
    // SAFETY: reads a global of the calling thread, which runs PHP.
    Some(if unsafe { ffi::swoosh_is_exit() } { Raised::Exit } else { Raised::Exception })
}

/// Whether an exception or an exit is pending.
#[inline]
pub fn has_exception() -> bool {
    // SAFETY: without thread safety, PHP's globals belong to its only thread, which calls this.
    #[cfg(not(php_zts))]
    return unsafe { !ffi::executor_globals.exception.is_null() };
    // SAFETY: reads a global of the calling thread, which runs PHP.
    #[cfg(php_zts)]
    return unsafe { !ffi::swoosh_exception().is_null() };
}

/// Throws a new exception of a class.
#[cold]
pub fn throw(class: Class, message: &str, code: i64) -> Raised {
    let message = text(message);
    // SAFETY: a `Class` is a registered class; `message` is a C string that PHP copies.
    unsafe { ffi::zend_throw_exception(class.as_ptr(), message.as_ptr(), code) };
    Raised::Exception
}

/// Throws an exception object.
#[cold]
pub fn throw_object(exception: super::Object) -> Raised {
    let mut z = super::IntoZval::into_zval(exception);
    // SAFETY: `z` is an object zval whose reference PHP takes over; PHP itself rejects objects that are not Throwable.
    unsafe { ffi::zend_throw_exception_object(z.as_mut_ptr()) };
    std::mem::forget(z);
    Raised::Exception
}

/// Throws an `Error`.
#[cold]
pub fn throw_error(message: &str) -> Raised {
    throw(Class::error(), message, 0)
}

/// Throws a `TypeError` about argument `number` (from 1): `f(): Argument #1 ($name) <problem>`.
#[cold]
pub fn argument_type_error(number: u32, problem: &str) -> Raised {
    let problem = text(problem);
    // SAFETY: the format string has one `%s`, for which `problem` is a C string.
    unsafe { ffi::zend_argument_type_error(number, c"%s".as_ptr(), problem.as_ptr()) };
    Raised::Exception
}

/// Throws an `ArgumentCountError` for a function that takes `least` to `most` arguments.
#[cold]
pub fn argument_count_error(least: u32, most: u32) -> Raised {
    // SAFETY: has no memory preconditions; callers are inside a PHP function call, whose name the message contains.
    unsafe { ffi::zend_wrong_parameters_count_error(least, most) };
    Raised::Exception
}

/// Throws a `ValueError` about argument `number` (from 1).
#[cold]
pub fn argument_value_error(number: u32, problem: &str) -> Raised {
    let problem = text(problem);
    // SAFETY: the format string has one `%s`, for which `problem` is a C string.
    unsafe { ffi::zend_argument_value_error(number, c"%s".as_ptr(), problem.as_ptr()) };
    Raised::Exception
}

/// Raises an `E_WARNING` that names the running function: `f(): <message>`. The INI setting `swoole.display_errors` turns
/// these warnings off.
#[cold]
pub fn warning(message: &str) {
    if super::runtime::ini_bool("swoole.display_errors") {
        report(2, message);
    }
}

/// Raises an `E_NOTICE`.
#[cold]
pub fn notice(message: &str) {
    report(8, message);
}

/// Raises an `E_DEPRECATED`.
#[cold]
pub fn deprecated(message: &str) {
    report(8192, message);
}

fn report(level: i32, message: &str) {
    let message = text(message);
    // SAFETY: the format string has one `%s`, for which `message` is a C string.
    unsafe { ffi::php_error_docref(std::ptr::null(), level, c"%s".as_ptr(), message.as_ptr()) };
}

/// Raises a fatal error. Return the result up to the C entry function.
#[cold]
pub fn fatal(message: &str) -> Raised {
    let message = text(message);
    super::callable::guarded(|| {
        // SAFETY: the format string has one `%s`, for which `message` is a C string. The guard stops the jump, and
        // `message` is owned outside of it.
        unsafe { ffi::php_error_docref(std::ptr::null(), 1, c"%s".as_ptr(), message.as_ptr()) };
    })
    .err()
    .unwrap_or(Raised::Bailout)
}

/// Handles an exception that left an event callback, where no frame can catch it: calls the user's exception handler, or
/// raises PHP's fatal "Uncaught" error. Sets exit status 255. Other reasons are returned unchanged.
#[cold]
pub fn raise_uncaught(raised: Raised) -> Raised {
    if raised != Raised::Exception {
        return raised;
    }
    let handled = super::callable::guarded(|| {
        // SAFETY: `Raised::Exception` means that an exception is pending; the guard stops a fatal error's jump.
        unsafe { ffi::swoosh_handle_uncaught() }
    });
    let _ = handled;
    Raised::Bailout
}

/// Drops a pending exception.
pub fn clear() {
    // SAFETY: does nothing unless an exception is pending.
    unsafe { ffi::zend_clear_exception() }
}

/// A message as a C string, up to its first zero byte.
fn text(message: &str) -> CString {
    let end = message.find('\0').unwrap_or(message.len());
    CString::new(&message[..end]).unwrap_or_default()
}
