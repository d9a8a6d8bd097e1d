//! PHP's strings: bytes with a length, shared by count.

use super::ffi;
use std::ffi::c_char;
use std::ptr::NonNull;

/// A string of PHP's, held by count. Its bytes never change while it is shared.
#[repr(transparent)]
pub struct ZStr(pub(super) NonNull<ffi::zend_string>);

impl ZStr {
    /// A copy of the bytes.
    pub fn new(bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        // SAFETY: the pointer and the length are those of one slice; PHP's allocator gives a string or does not return.
        unsafe { ZStr(NonNull::new_unchecked(ffi::swoosh_string_new(bytes.as_ptr().cast::<c_char>(), bytes.len()))) }
    }

    /// A string of that length, whose bytes `fill` writes.
    pub fn filled<E>(length: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        // SAFETY: PHP's allocator gives a string or does not return.
        let made = unsafe { ZStr(NonNull::new_unchecked(ffi::swoosh_string_alloc(length))) };
        // SAFETY: the string is new, so nobody else has it; it holds `length` bytes at `val`, which are written here first.
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
        // SAFETY: a zend_string holds `len` bytes at `val` and is kept alive by the count that `self` holds.
        unsafe {
            let s = self.0.as_ptr();
            std::slice::from_raw_parts((&raw const (*s).val).cast::<u8>(), (*s).len)
        }
    }

    /// Its text, where bytes that are no UTF-8 are replaced.
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }

    /// Whether it lives as long as the process (or request) and is not counted.
    fn is_interned(&self) -> bool {
        // SAFETY: the string is alive; the flags are in its header.
        unsafe { (*self.0.as_ptr()).gc.u.type_info & INTERNED != 0 }
    }

    /// Gives the pointer away together with the count that it holds.
    pub(super) fn into_raw(self) -> *mut ffi::zend_string {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }

    /// What a zval has to say of it: the type with the flag of being counted.
    pub(super) fn type_info(&self) -> u32 {
        if self.is_interned() { 6 } else { 6 | super::zval::COUNTED }
    }
}

impl Clone for ZStr {
    fn clone(&self) -> Self {
        if !self.is_interned() {
            // SAFETY: the string is alive and counted.
            unsafe { (*self.0.as_ptr()).gc.refcount += 1 };
        }
        ZStr(self.0)
    }
}

impl Drop for ZStr {
    fn drop(&mut self) {
        // SAFETY: `self` holds one count, given up here.
        unsafe { ffi::swoosh_string_release(self.0.as_ptr()) }
    }
}

impl std::fmt::Debug for ZStr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.to_text())
    }
}

/// IS_STR_INTERNED, which is GC_IMMUTABLE.
const INTERNED: u32 = 1 << 6;
