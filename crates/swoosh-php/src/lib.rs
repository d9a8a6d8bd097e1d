//! The PHP extension.
#[allow(unsafe_code)]
pub mod zend { pub mod ffi; }
