//! PHP's own reading of requests: names such as `a[b][]`, `%41+b`, uploaded files.

use super::{Array, IntoZval, Zval, ffi};
use std::ffi::{CString, c_char};

/// What `parse_str` makes of `a=b&c[]=d`.
pub fn parse_query(bytes: &[u8]) -> Array {
    let mut result = Zval::undef();
    // SAFETY: the bytes of one slice, which PHP copies, and a place for the array.
    unsafe { ffi::swoosh_parse_query(bytes.as_ptr().cast::<c_char>(), bytes.len(), result.as_mut_ptr()) };
    result.array().cloned().unwrap_or_default()
}

/// Puts a value under a name such as `a[b][]`, as PHP does with the variables of a request. A name ends at a zero byte.
pub fn register(array: &mut Array, name: &[u8], value: impl IntoZval) {
    let end = name.iter().position(|&b| b == 0).unwrap_or(name.len());
    let Ok(name) = CString::new(&name[..end]) else { return };
    let mut value = value.into_zval();
    let mut target = std::mem::take(array).into_zval();
    // SAFETY: a C string, a value whose count PHP takes over, and an array that nobody else holds.
    unsafe {
        ffi::swoosh_separate_array(target.as_mut_ptr());
        ffi::swoosh_register_variable(name.as_ptr(), value.as_mut_ptr(), target.as_mut_ptr());
    }
    std::mem::forget(value);
    if let Some(result) = target.array() {
        *array = result.clone();
    }
}

/// Makes a file one that `is_uploaded_file` and `move_uploaded_file` know.
pub fn add_upload(path: &str) {
    // SAFETY: the bytes of one slice, which PHP copies.
    unsafe { ffi::swoosh_uploaded_add(path.as_ptr().cast::<c_char>(), path.len()) };
}

/// Makes it none; whether it was one still.
pub fn remove_upload(path: &str) -> bool {
    // SAFETY: the bytes of one slice.
    unsafe { ffi::swoosh_uploaded_remove(path.as_ptr().cast::<c_char>(), path.len()) }
}
