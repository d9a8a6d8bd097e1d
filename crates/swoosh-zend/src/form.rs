//! PHP's parsing of request variables (`a[b][]=%41+b`), and its list of uploaded files.

use super::{Array, IntoZval, Zval, ffi, runtime};
use std::ffi::{CString, c_char};
use std::sync::OnceLock;

/// Parses a query string such as `a=b&c[]=d` like `parse_str()`.
pub fn parse_query(bytes: &[u8]) -> Array {
    if let Some(array) = parse_plain_query(bytes) {
        return array;
    }
    let mut result = Zval::undef();
    // SAFETY: pointer and length describe `bytes`, which PHP copies; `result` is a zval to be overwritten.
    unsafe { ffi::swoosh_parse_query(bytes.as_ptr().cast::<c_char>(), bytes.len(), result.as_mut_ptr()) };
    result.array().cloned().unwrap_or_default()
}

/// Parses a query of names and values that PHP's parser takes as they are, several times faster; `None` for another one.
fn parse_plain_query(bytes: &[u8]) -> Option<Array> {
    if !bytes.iter().all(|&byte| PLAIN[usize::from(byte)]) || !has_usual_settings() {
        return None;
    }
    let mut array = Array::new();
    let mut left = runtime::max_input_vars();
    for pair in bytes.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty()) {
        left = left.checked_sub(1)?;
        let (name, value) = match pair.iter().position(|&byte| byte == b'=') {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &b""[..]),
        };
        // PHP writes `_` for a dot in a name.
        if name.contains(&b'.') {
            return None;
        }
        if !name.is_empty() {
            array.put(name, value);
        }
    }
    Some(array)
}

/// Whether queries are parsed as PHP does without settings of its own: separated by `&`, not filtered, not converted.
fn has_usual_settings() -> bool {
    // PHP_INI_PERDIR: they do not change in a process of the command line.
    static USUAL: OnceLock<bool> = OnceLock::new();
    *USUAL.get_or_init(|| {
        let is =
            |name: &str, usual: &[&str]| runtime::ini_string(name).is_none_or(|text| usual.contains(&text.as_str()));
        is("arg_separator.input", &["&"])
            && is("filter.default", &["unsafe_raw", ""])
            && is("mbstring.encoding_translation", &["0", ""])
    })
}

/// Letters, digits, `-`, `_`, `.`, and the separators of pairs.
static PLAIN: [bool; 256] = {
    let mut set = [false; 256];
    let mut byte = 0;
    while byte < set.len() {
        set[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'_' | b'.' | b'&' | b'=');
        byte += 1;
    }
    set
};

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
