//! PHP's parsing of request variables (`a[b][]=%41+b`), and its list of uploaded files.

use super::{Array, IntoZval, Zval, ffi};
use std::ffi::{CString, c_char};

/// Parses a query string such as `a=b&c[]=d` like `parse_str()`.
pub fn parse_query(bytes: &[u8]) -> Array {
    let mut result = Zval::undef();
    // SAFETY: pointer and length describe `bytes`, which PHP copies; `result` is a zval to be overwritten.
    unsafe { ffi::swoosh_parse_query(bytes.as_ptr().cast::<c_char>(), bytes.len(), result.as_mut_ptr()) };
    result.array().cloned().unwrap_or_default()
}

/// Stores a value under a name such as `a[b][]`, as PHP does with request variables. The name ends at the first zero byte.
pub fn register(array: &mut Array, name: &[u8], value: impl IntoZval) {
    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    let Ok(name) = CString::new(&name[..end]) else { return };
    let mut value = value.into_zval();
    let mut target = std::mem::take(array).into_zval();
    // SAFETY: `name` is a C string, PHP takes over the reference of `value`, and `target` is separated before PHP writes to
    // it, so no other holder sees the change.
    unsafe {
        ffi::swoosh_separate_array(target.as_mut_ptr());
        ffi::swoosh_register_variable(name.as_ptr(), value.as_mut_ptr(), target.as_mut_ptr());
    }
    std::mem::forget(value);
    if let Some(result) = target.array() {
        *array = result.clone();
    }
}

/// Registers a file for `is_uploaded_file` and `move_uploaded_file`.
pub fn register_upload(path: &str) {
    // SAFETY: pointer and length describe `path`, which PHP copies.
    unsafe { ffi::swoosh_uploaded_add(path.as_ptr().cast::<c_char>(), path.len()) };
}

/// Removes a file from the list. False if it was not registered, for example because it was moved.
pub fn unregister_upload(path: &str) -> bool {
    // SAFETY: pointer and length describe `path`.
    unsafe { ffi::swoosh_uploaded_remove(path.as_ptr().cast::<c_char>(), path.len()) }
}
