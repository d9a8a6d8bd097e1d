//! PHP arrays.

use super::{IntoZval, ZStr, Zval, ffi};
use std::ffi::c_char;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};

/// A reference to a PHP array. Writing to a shared array copies it first.
#[repr(transparent)]
pub struct Array(pub(super) NonNull<ffi::zend_array>);

/// The key of an element.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// An integer.
    Index(i64),
    /// A string.
    Name(&'a ZStr),
}

impl Array {
    /// An empty array.
    pub fn new() -> Self {
        Self::with_capacity(8)
    }

    /// An empty array with room for `size` elements.
    pub fn with_capacity(size: usize) -> Self {
        // SAFETY: PHP's allocator returns an array or does not return.
        unsafe { Array(NonNull::new_unchecked(ffi::swoosh_array_new(u32::try_from(size).unwrap_or(u32::MAX)))) }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        // SAFETY: the reference that `self` owns keeps the array alive.
        unsafe { ffi::zend_array_count(self.0.as_ptr()) as usize }
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element with a string key. Does not convert decimal keys to integers.
    pub fn get(&self, name: &str) -> Option<&Zval> {
        // SAFETY: the reference that `self` owns keeps the array alive, and the element cannot move while `self` is borrowed.
        unsafe {
            let z = ffi::zend_hash_str_find(self.0.as_ptr(), name.as_ptr().cast::<c_char>(), name.len());
            (!z.is_null()).then(|| Zval::from_ptr(z))
        }
    }

    /// The element with an integer key.
    pub fn at(&self, index: i64) -> Option<&Zval> {
        // SAFETY: the reference that `self` owns keeps the array alive, and the element cannot move while `self` is borrowed.
        unsafe {
            let z = ffi::zend_hash_index_find(self.0.as_ptr(), index as u64);
            (!z.is_null()).then(|| Zval::from_ptr(z))
        }
    }

    /// Iterates over the elements in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { array: self.0.as_ptr(), at: 0, of: PhantomData }
    }

    /// Adds or replaces the element with a string key.
    pub fn insert(&mut self, name: impl AsRef<[u8]>, value: impl IntoZval) {
        let name = name.as_ref();
        let mut value = value.into_zval();
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value`.
        unsafe {
            ffi::zend_hash_str_update(self.own(), name.as_ptr().cast::<c_char>(), name.len(), value.as_mut_ptr());
        }
        std::mem::forget(value);
    }

    /// Adds an element whose key is not in the array yet. Avoids copying and hashing the key and the lookup.
    pub fn append_new(&mut self, name: &ZStr, value: impl IntoZval) {
        let mut value = value.into_zval();
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value` and adds one to `name`.
        unsafe { ffi::swoosh_array_append(self.own(), name.0.as_ptr(), value.as_mut_ptr()) };
        std::mem::forget(value);
    }

    /// Like [`append_new`](Self::append_new), with an interned key.
    pub fn append_interned(&mut self, key: &InternedKey, value: impl IntoZval) {
        let mut value = value.into_zval();
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value`; the key is persistent.
        unsafe { ffi::swoosh_array_append(self.own(), key.get(), value.as_mut_ptr()) };
        std::mem::forget(value);
    }

    /// Adds an element with an interned key. `Err`: the value, if the array has an element with that key.
    pub fn add_interned(&mut self, key: &InternedKey, value: impl IntoZval) -> Result<(), Zval> {
        let mut value = value.into_zval();
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value` if it adds the element; the key
        // is persistent.
        match unsafe { ffi::swoosh_array_add(self.own(), key.get(), value.as_mut_ptr()) } {
            true => std::mem::forget(value),
            false => return Err(value),
        }
        Ok(())
    }

    /// Adds an element with the key `$array[$name]`: decimal keys become integers. `Err`: the value, if the array has an
    /// element with that key.
    pub fn add(&mut self, name: &[u8], value: impl IntoZval) -> Result<(), Zval> {
        let mut value = value.into_zval();
        if let Some(index) = index_of(name) {
            if self.at(index).is_some() {
                return Err(value);
            }
            self.set(index, value);
            return Ok(());
        }
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value` if it adds the element; pointer
        // and length describe `name`.
        let added = unsafe {
            ffi::swoosh_array_add_text(self.own(), name.as_ptr().cast::<c_char>(), name.len(), value.as_mut_ptr())
        };
        match added {
            true => std::mem::forget(value),
            false => return Err(value),
        }
        Ok(())
    }

    /// Adds or replaces an element like `$array[$name] = $value`: decimal keys become integers.
    pub fn put(&mut self, name: &[u8], value: impl IntoZval) {
        match index_of(name) {
            Some(index) => self.set(index, value),
            None => self.insert(name, value),
        }
    }

    /// The element `$array[$name]`: decimal keys become integers.
    pub fn find(&self, name: &[u8]) -> Option<&Zval> {
        match index_of(name) {
            Some(index) => self.at(index),
            // SAFETY: the reference that `self` owns keeps the array alive, and the element cannot move while `self` is borrowed.
            None => unsafe {
                let z = ffi::zend_hash_str_find(self.0.as_ptr(), name.as_ptr().cast::<c_char>(), name.len());
                (!z.is_null()).then(|| Zval::from_ptr(z))
            },
        }
    }

    /// Adds or replaces the element with an interned key, whose hash is precomputed.
    pub fn insert_interned(&mut self, key: &InternedKey, value: impl IntoZval) {
        let mut value = value.into_zval();
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value`; the key is persistent.
        unsafe { ffi::zend_hash_update(self.own(), key.get(), value.as_mut_ptr()) };
        std::mem::forget(value);
    }

    /// Adds or replaces the element with an integer key.
    pub fn set(&mut self, index: i64, value: impl IntoZval) {
        let mut value = value.into_zval();
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value`.
        unsafe { ffi::zend_hash_index_update(self.own(), index as u64, value.as_mut_ptr()) };
        std::mem::forget(value);
    }

    /// Appends an element.
    pub fn push(&mut self, value: impl IntoZval) {
        let mut value = value.into_zval();
        // SAFETY: `own` returns an unshared array, which takes over the reference of `value` unless it has no next index.
        unsafe {
            if !ffi::zend_hash_next_index_insert(self.own(), value.as_mut_ptr()).is_null() {
                std::mem::forget(value);
            }
        }
    }

    /// Removes the element with a string key.
    pub fn remove(&mut self, name: &str) {
        // SAFETY: `own` returns an unshared array; pointer and length describe `name`.
        unsafe { ffi::zend_hash_str_del(self.own(), name.as_ptr().cast::<c_char>(), name.len()) };
    }

    /// The array, copied first if it is shared or immutable.
    fn own(&mut self) -> *mut ffi::zend_array {
        // SAFETY: the reference that `self` owns keeps the array alive. PHP copies a shared array and releases that reference;
        // `self` then owns the copy.
        unsafe {
            if (*self.0.as_ptr()).gc.refcount > 1 || self.is_immutable() {
                let mut z = Zval(super::zval::raw(self.type_info(), self.0.as_ptr() as i64));
                self.0 = NonNull::new_unchecked(ffi::swoosh_separate_array(z.as_mut_ptr()));
                std::mem::forget(z);
            }
        }
        self.0.as_ptr()
    }

    fn is_immutable(&self) -> bool {
        // SAFETY: the reference that `self` owns keeps the array alive.
        unsafe { (*self.0.as_ptr()).gc.u.type_info & IMMUTABLE != 0 }
    }

    pub(super) fn into_raw(self) -> *mut ffi::zend_array {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }

    pub(super) fn type_info(&self) -> u32 {
        if self.is_immutable() { 7 } else { 7 | super::zval::COUNTED | super::zval::COLLECTABLE }
    }
}

impl Default for Array {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Array {
    fn clone(&self) -> Self {
        if !self.is_immutable() {
            // SAFETY: the reference that `self` owns keeps the array alive, and it is reference-counted.
            unsafe { (*self.0.as_ptr()).gc.refcount += 1 };
        }
        Array(self.0)
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        drop(Zval(super::zval::raw(self.type_info(), self.0.as_ptr() as i64)));
    }
}

impl<'a> IntoIterator for &'a Array {
    type Item = (Key<'a>, &'a Zval);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<T: IntoZval> FromIterator<T> for Array {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        let mut array = Array::new();
        for item in items {
            array.push(item);
        }
        array
    }
}

/// An iterator over the elements of an array.
pub struct Iter<'a> {
    array: *const ffi::zend_array,
    at: u32,
    of: PhantomData<&'a Array>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Key<'a>, &'a Zval);

    fn next(&mut self) -> Option<Self::Item> {
        let mut name = std::ptr::null_mut();
        let mut index = 0;
        // SAFETY: the array is borrowed for `'a`, so it stays alive and unchanged. `ZStr` is a transparent pointer, read from
        // the bucket, which lives as long as the array.
        unsafe {
            let value = ffi::swoosh_array_next(self.array, &mut self.at, &mut name, &mut index);
            if value.is_null() {
                return None;
            }
            let key = if name.is_null() {
                Key::Index(index as i64)
            } else {
                // `at` is the position behind the element that was returned.
                let bucket = (*self.array).__bindgen_anon_1.arData.add(self.at as usize - 1);
                Key::Name(&*(&raw const (*bucket).key).cast::<ZStr>())
            };
            Some((key, Zval::from_ptr(value)))
        }
    }
}

/// An interned, persistent key that is created during module startup.
pub struct InternedKey {
    name: &'static str,
    string: AtomicPtr<ffi::zend_string>,
}

impl InternedKey {
    /// A key that is not created yet.
    pub const fn new(name: &'static str) -> Self {
        InternedKey { name, string: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Creates the string. Only during module startup.
    pub fn make(&self) {
        self.string.store(super::class::permanent(self.name), Ordering::Relaxed);
    }

    /// Its text.
    pub fn name(&self) -> &'static str {
        self.name
    }

    fn get(&self) -> *mut ffi::zend_string {
        let string = self.string.load(Ordering::Relaxed);
        assert!(!string.is_null(), "interned keys are created during module startup");
        string
    }
}

/// The integer for a key in canonical decimal form, as in `ZEND_HANDLE_NUMERIC_STR`.
fn index_of(name: &[u8]) -> Option<i64> {
    let digits = name.strip_prefix(b"-").unwrap_or(name);
    let plain = matches!(digits, [b'1'..=b'9', ..] if digits.len() < 20) || name == b"0";
    if !plain || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(name).ok()?.parse().ok()
}

/// `GC_IMMUTABLE`.
const IMMUTABLE: u32 = 1 << 6;
