//! Calls into the library's PHP code.

use swoosh_zend::error::throw_error;
use swoosh_zend::{PhpResult, Zval, call_function};

/// Calls a function or static method of the library.
pub(crate) fn run(function: &str, mut arguments: Vec<Zval>) -> PhpResult<Zval> {
    match call_function(function, &mut arguments)? {
        Some(result) => Ok(result),
        None => Err(throw_error(&format!("{function}() is not available: swoole.enable_library is off"))),
    }
}
