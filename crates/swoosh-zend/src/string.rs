//! PHP strings: reference-counted byte strings.

use super::ffi;
use std::ffi::c_char;
use std::ptr::NonNull;

/// A reference to a PHP string, whose bytes do not change.
#[repr(transparent)]
pub struct ZStr(pub(super) NonNull<ffi::zend_string>);

impl ZStr {
    /// A new string with a copy of the bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        // SAFETY: pointer and length describe `bytes`; PHP's allocator returns a string or does not return.
        unsafe { ZStr(NonNull::new_unchecked(ffi::swoosh_string_new(bytes.as_ptr().cast::<c_char>(), bytes.len()))) }
    }

    /// A new string of a given length that `fill` writes, starting from zero bytes.
    pub fn filled<E>(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        // SAFETY: PHP's allocator returns a string or does not return.
        let made = unsafe { ZStr(NonNull::new_unchecked(ffi::swoosh_string_alloc(length))) };
        // SAFETY: the string is new and not shared, and has `length` bytes at `val`, which are initialised here.
        let bytes = unsafe {
            let begin = (&raw mut (*made.0.as_ptr()).val).cast::<u8>();
            begin.write_bytes(0, length);
            std::slice::from_raw_parts_mut(begin, length)
        };
        fill(bytes)?;
        Ok(made)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: a zend_string has `len` bytes at `val`; the reference that `self` owns keeps it alive.
        unsafe {
            let s = self.0.as_ptr();
            std::slice::from_raw_parts((&raw const (*s).val).cast::<u8>(), (*s).len)
        }
    }

    /// Its text; invalid UTF-8 is replaced.
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// Whether it is interned: lives until the end of the request or process and has no reference count.
    fn is_interned(&self) -> bool {
        // SAFETY: the reference that `self` owns keeps the string alive; the flags are in its header.
        unsafe { (*self.0.as_ptr()).gc.u.type_info & INTERNED != 0 }
    }

    /// Converts to a raw pointer that owns the reference.
    pub(super) fn into_raw(self) -> *mut ffi::zend_string {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }

    /// The type word for a zval that holds it.
    pub(super) fn type_info(&self) -> u32 {
        if self.is_interned() { 6 } else { 6 | super::zval::COUNTED }
    }
}

impl Clone for ZStr {
    fn clone(&self) -> Self {
        if !self.is_interned() {
            // SAFETY: the reference that `self` owns keeps the string alive, and it has a reference count.
            unsafe { (*self.0.as_ptr()).gc.refcount += 1 };
        }
        ZStr(self.0)
    }
}

impl AsRef<[u8]> for ZStr {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Drop for ZStr {
    fn drop(&mut self) {
        // SAFETY: `self` owns one reference, released here.
        unsafe { ffi::swoosh_string_release(self.0.as_ptr()) }
    }
}

impl std::fmt::Debug for ZStr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

/// `IS_STR_INTERNED`, which equals `GC_IMMUTABLE`.
const INTERNED: u32 = 1 << 6;
