//! Errors both ways: what a call into PHP may end with, exceptions thrown, warnings raised.

use super::{Class, ffi};
use std::ffi::CString;

/// Why a call did not end with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// An exception is pending; PHP handles it as soon as the call into the extension returns.
    Exception,
    /// `exit` was called; it is pending like an exception.
    Exit,
    /// A fatal error. It has to travel up to the entry, which goes on with it.
    Bailout,
}

/// A value, or what came instead.
pub type PhpResult<T> = Result<T, Raised>;

/// What is pending in PHP, if anything is.
pub fn pending() -> Option<Raised> {
    // SAFETY: the globals belong to this one thread.
    unsafe {
        if ffi::executor_globals.exception.is_null() {
            None
        } else if ffi::swoosh_is_exit() {
            Some(Raised::Exit)
        } else {
            Some(Raised::Exception)
        }
    }
}

/// Throws an exception of a class.
#[cold]
pub fn throw(class: Class, message: &str, code: i64) -> Raised {
    let message = text(message);
    // SAFETY: the class is registered and the message a C string; PHP copies it.
    unsafe { ffi::zend_throw_exception(class.as_ptr(), message.as_ptr(), code) };
    Raised::Exception
}

/// Throws an exception object.
#[cold]
pub fn throw_object(exception: super::Object) -> Raised {
    let mut z = super::IntoZval::into_zval(exception);
    // SAFETY: an object that comes from Throwable; PHP takes its count over.
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
    // SAFETY: the format takes one C string, and it is one.
    unsafe { ffi::zend_argument_type_error(number, c"%s".as_ptr(), problem.as_ptr()) };
    Raised::Exception
}

/// Throws an `ArgumentCountError`: at least `least` and at most `most` arguments are taken.
#[cold]
pub fn argument_count_error(least: u32, most: u32) -> Raised {
    // SAFETY: called within a PHP function's call, whose name it tells.
    unsafe { ffi::zend_wrong_parameters_count_error(least, most) };
    Raised::Exception
}

/// Throws a `ValueError` about argument `number` (from 1).
#[cold]
pub fn argument_value_error(number: u32, problem: &str) -> Raised {
    let problem = text(problem);
    // SAFETY: as above.
    unsafe { ffi::zend_argument_value_error(number, c"%s".as_ptr(), problem.as_ptr()) };
    Raised::Exception
}

/// Raises an `E_WARNING` that names the running function: `f(): <message>`.
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
    // SAFETY: the format takes one C string, and it is one.
    unsafe { ffi::php_error_docref(std::ptr::null(), level, c"%s".as_ptr(), message.as_ptr()) };
}

/// Raises a fatal error. What it gives has to travel up to the entry.
#[cold]
pub fn fatal(message: &str) -> Raised {
    let message = text(message);
    super::callable::guarded(|| {
        // SAFETY: the format takes one C string, and it is one. The jump is stopped by the guard; the string is held
        // outside of it.
        unsafe { ffi::php_error_docref(std::ptr::null(), 1, c"%s".as_ptr(), message.as_ptr()) };
    })
    .err()
    .unwrap_or(Raised::Bailout)
}

/// Ends what an event's callback left: an exception that nobody can catch any more is given to the user's exception
/// handler, or else becomes PHP's own fatal `Uncaught`, and the process is to end with 255.
#[cold]
pub fn raise_uncaught(raised: Raised) -> Raised {
    if raised != Raised::Exception {
        return raised;
    }
    let handled = super::callable::guarded(|| {
        // SAFETY: called with an exception pending; both take it over.
        unsafe {
            if ffi::executor_globals.user_exception_handler.u1.type_info != 0 {
                ffi::zend_user_exception_handler();
            }
            if !ffi::executor_globals.exception.is_null() {
                let exception = ffi::executor_globals.exception;
                ffi::executor_globals.exception = std::ptr::null_mut();
                ffi::zend_exception_error(exception, 1);
            }
            ffi::executor_globals.exit_status = 255;
        }
    });
    let _ = handled;
    Raised::Bailout
}

/// Drops a pending exception.
pub fn clear() {
    // SAFETY: it is right at any time.
    unsafe { ffi::zend_clear_exception() }
}

/// A message as a C string; it ends at a zero byte.
fn text(message: &str) -> CString {
    let end = message.find('\0').unwrap_or(message.len());
    CString::new(&message[..end]).unwrap_or_default()
}
