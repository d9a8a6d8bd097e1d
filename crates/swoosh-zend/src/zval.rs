//! PHP's values.

use super::{Array, Object, ZStr, ffi};
use std::ffi::c_char;

/// A value of PHP's. Owned, it holds a count of what it points to; `&Zval` is a look at a value in place.
#[repr(transparent)]
pub struct Zval(pub(super) ffi::zval);

/// The type of a value, references looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Undef,
    Null,
    False,
    True,
    Int,
    Float,
    Text,
    Array,
    Object,
    Resource,
    Other,
}

impl Zval {
    /// `null`.
    pub const fn null() -> Self {
        Zval(raw(1, 0))
    }

    /// Not even `null`: what a slot holds before anything is in it.
    pub const fn undef() -> Self {
        Zval(raw(0, 0))
    }

    /// Looks at a value that PHP holds.
    ///
    /// # Safety
    /// `z` points to a valid zval that outlives `'a` and is not written to meanwhile.
    pub(super) unsafe fn from_ptr<'a>(z: *const ffi::zval) -> &'a Zval {
        // SAFETY: `Zval` is a transparent wrapper of a zval; the rest is the caller's promise.
        unsafe { &*z.cast::<Zval>() }
    }

    pub(super) fn as_ptr(&self) -> *const ffi::zval {
        &raw const self.0
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::zval {
        &raw mut self.0
    }

    pub(super) fn type_info(&self) -> u32 {
        // SAFETY: every view of `u1` is plain bits.
        unsafe { self.0.u1.type_info }
    }

    fn tag(&self) -> u8 {
        self.type_info() as u8
    }

    /// The value itself: what a reference refers to, if it is one.
    pub fn deref(&self) -> &Zval {
        if self.tag() == REFERENCE {
            // SAFETY: the tag says that `ref_` is the live one, and the count that `self` holds keeps it alive.
            unsafe { Zval::from_ptr(&raw const (*self.0.value.ref_).val) }
        } else {
            self
        }
    }

    /// The value's type.
    pub fn kind(&self) -> Kind {
        match self.deref().tag() {
            0 => Kind::Undef,
            1 => Kind::Null,
            2 => Kind::False,
            3 => Kind::True,
            4 => Kind::Int,
            5 => Kind::Float,
            6 => Kind::Text,
            7 => Kind::Array,
            8 => Kind::Object,
            9 => Kind::Resource,
            _ => Kind::Other,
        }
    }

    /// Whether it is `null` (or nothing at all).
    pub fn is_null(&self) -> bool {
        self.deref().tag() <= 1
    }

    /// The integer, if it is one.
    #[inline]
    pub fn int(&self) -> Option<i64> {
        let z = self.deref();
        // SAFETY: the tag says which member is live.
        if z.tag() == 4 { Some(unsafe { z.0.value.lval }) } else { None }
    }

    /// The float, if it is one.
    #[inline]
    pub fn float(&self) -> Option<f64> {
        let z = self.deref();
        // SAFETY: the tag says which member is live.
        if z.tag() == 5 { Some(unsafe { z.0.value.dval }) } else { None }
    }

    /// The boolean, if it is one.
    pub fn bool(&self) -> Option<bool> {
        match self.deref().tag() {
            2 => Some(false),
            3 => Some(true),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn string(&self) -> Option<&ZStr> {
        let z = self.deref();
        // SAFETY: `ZStr` is a transparent pointer, and the tag says that this pointer is the live member.
        (z.tag() == 6).then(|| unsafe { &*(&raw const z.0.value.str_).cast::<ZStr>() })
    }

    /// The string's bytes, if it is one.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.string().map(ZStr::as_bytes)
    }

    /// The array, if it is one.
    pub fn array(&self) -> Option<&Array> {
        let z = self.deref();
        // SAFETY: `Array` is a transparent pointer, and the tag says that this pointer is the live member.
        (z.tag() == 7).then(|| unsafe { &*(&raw const z.0.value.arr).cast::<Array>() })
    }

    /// The object, if it is one.
    #[inline]
    pub fn object(&self) -> Option<&Object> {
        let z = self.deref();
        // SAFETY: `Object` is a transparent pointer, and the tag says that this pointer is the live member.
        (z.tag() == 8).then(|| unsafe { &*(&raw const z.0.value.obj).cast::<Object>() })
    }

    /// The number of the resource, if it is one.
    pub fn resource_id(&self) -> Option<i64> {
        let z = self.deref();
        // SAFETY: the tag says which member is live, and it is kept alive by `self`.
        (z.tag() == 9).then(|| unsafe { (*z.0.value.res).handle })
    }

    /// What `(int) $value` gives.
    pub fn to_int(&self) -> i64 {
        self.int().unwrap_or_else(|| {
            // SAFETY: a valid zval; the function only reads it.
            unsafe { ffi::zval_get_long_func(self.deref().as_ptr().cast_mut(), false) }
        })
    }

    /// What `(float) $value` gives.
    pub fn to_float(&self) -> f64 {
        self.float().unwrap_or_else(|| {
            // SAFETY: a valid zval; the function only reads it.
            unsafe { ffi::zval_get_double_func(self.deref().as_ptr().cast_mut()) }
        })
    }

    /// What `(bool) $value` gives.
    pub fn to_bool(&self) -> bool {
        self.bool().unwrap_or_else(|| {
            // SAFETY: a valid zval; the function only reads it.
            unsafe { ffi::zend_is_true(self.deref().as_ptr().cast_mut()) != 0 }
        })
    }

    /// What `(string) $value` gives; `None` if that threw.
    pub fn to_zstr(&self) -> Option<ZStr> {
        if let Some(s) = self.string() {
            return Some(s.clone());
        }
        // SAFETY: a valid zval; the string comes with a count of its own.
        let s = unsafe { ffi::zval_try_get_string_func(self.deref().as_ptr().cast_mut()) };
        std::ptr::NonNull::new(s).map(ZStr)
    }

    /// Takes the value out and leaves `null`.
    pub fn take(&mut self) -> Zval {
        std::mem::replace(self, Zval::null())
    }
}

/// A zval of type `type_info` with `bits` as its value.
pub(super) const fn raw(type_info: u32, bits: i64) -> ffi::zval {
    ffi::zval {
        value: ffi::zend_value { lval: bits },
        u1: ffi::_zval_struct__bindgen_ty_1 { type_info },
        u2: ffi::_zval_struct__bindgen_ty_2 { next: 0 },
    }
}

impl Clone for Zval {
    /// One more holder of the value; a reference gives what it refers to.
    fn clone(&self) -> Self {
        let z = self.deref();
        if z.type_info() & COUNTED_MASK != 0 {
            // SAFETY: the flag says that the value is counted, so it begins with a count.
            unsafe { (*z.0.value.counted).gc.refcount += 1 };
        }
        Zval(z.0)
    }
}

impl Drop for Zval {
    fn drop(&mut self) {
        if self.type_info() & COUNTED_MASK == 0 {
            return;
        }
        // SAFETY: the flag says that the value is counted; `self` holds one count, given up here. The destructor that
        // the last one runs is PHP's own.
        unsafe { ffi::swoosh_zval_release(self.as_mut_ptr()) }
    }
}

impl std::fmt::Debug for Zval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind() {
            Kind::Int => write!(f, "{}", self.to_int()),
            Kind::Float => write!(f, "{}", self.to_float()),
            Kind::Text => write!(f, "{:?}", self.string()),
            other => write!(f, "{other:?}"),
        }
    }
}

/// What can be given to PHP.
pub trait IntoZval {
    /// Writes the value into a slot that holds nothing that is counted.
    fn write(self, slot: &mut Zval);

    /// The value as one of PHP's.
    fn into_zval(self) -> Zval
    where
        Self: Sized,
    {
        let mut z = Zval::null();
        self.write(&mut z);
        z
    }
}

/// A value, or PHP's `false` in its place.
pub struct OrFalse<T>(pub Option<T>);

impl<T: IntoZval> IntoZval for OrFalse<T> {
    #[inline]
    fn write(self, slot: &mut Zval) {
        match self.0 {
            Some(value) => value.write(slot),
            None => false.write(slot),
        }
    }
}

impl<T: IntoZval> IntoZval for Option<T> {
    #[inline]
    fn write(self, slot: &mut Zval) {
        match self {
            Some(value) => value.write(slot),
            None => slot.0 = raw(1, 0),
        }
    }
}

impl IntoZval for () {
    #[inline]
    fn write(self, slot: &mut Zval) {
        slot.0 = raw(1, 0);
    }
}

impl IntoZval for bool {
    #[inline]
    fn write(self, slot: &mut Zval) {
        slot.0 = raw(if self { 3 } else { 2 }, 0);
    }
}

macro_rules! integers {
    ($($t:ty)*) => {$(
        impl IntoZval for $t {
            #[inline]
            fn write(self, slot: &mut Zval) {
                slot.0 = raw(4, self as i64);
            }
        }
    )*};
}
integers!(i32 i64 u16 u32 u64 usize);

impl IntoZval for f64 {
    #[inline]
    fn write(self, slot: &mut Zval) {
        slot.0 = raw(5, self.to_bits() as i64);
    }
}

impl IntoZval for &[u8] {
    fn write(self, slot: &mut Zval) {
        // SAFETY: the pointer and the length are those of one slice, which PHP copies into a new string.
        unsafe { ffi::swoosh_zval_stringl(slot.as_mut_ptr(), self.as_ptr().cast::<c_char>(), self.len()) }
    }
}

impl IntoZval for &str {
    fn write(self, slot: &mut Zval) {
        self.as_bytes().write(slot);
    }
}

impl IntoZval for String {
    fn write(self, slot: &mut Zval) {
        self.as_bytes().write(slot);
    }
}

impl IntoZval for Vec<u8> {
    fn write(self, slot: &mut Zval) {
        self.as_slice().write(slot);
    }
}

impl IntoZval for ZStr {
    fn write(self, slot: &mut Zval) {
        let info = self.type_info();
        slot.0 = raw(info, self.into_raw() as i64);
    }
}

impl IntoZval for Array {
    fn write(self, slot: &mut Zval) {
        let info = self.type_info();
        slot.0 = raw(info, self.into_raw() as i64);
    }
}

impl IntoZval for Object {
    #[inline]
    fn write(self, slot: &mut Zval) {
        slot.0 = raw(8 | COUNTED | COLLECTABLE, self.into_raw() as i64);
    }
}

impl IntoZval for Zval {
    #[inline]
    fn write(self, slot: &mut Zval) {
        slot.0 = self.0;
        std::mem::forget(self);
    }
}

impl<T: IntoZval> From<T> for Zval
where
    T: NotZval,
{
    fn from(value: T) -> Self {
        value.into_zval()
    }
}

/// Everything that is given to PHP by conversion.
pub trait NotZval {}
macro_rules! not_zval {
    ($($t:ty),*) => {$(impl NotZval for $t {})*};
}
not_zval!((), bool, i32, i64, u16, u32, u64, usize, f64, &[u8], &str, String, Vec<u8>, ZStr, Array, Object);

const REFERENCE: u8 = 10;
/// IS_TYPE_REFCOUNTED and IS_TYPE_COLLECTABLE as they lie in a type's word.
pub(super) const COUNTED: u32 = 1 << 8;
pub(super) const COLLECTABLE: u32 = 1 << 9;
const COUNTED_MASK: u32 = 0xff00;
