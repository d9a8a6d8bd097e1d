//! PHP values.

use super::{Array, Object, ZStr, ffi};
use std::ffi::c_char;

/// A PHP value. An owned `Zval` owns a reference to what it points to; a `&Zval` borrows a value in place.
#[repr(transparent)]
pub struct Zval(pub(super) ffi::zval);

/// The type of a value, after dereferencing.
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

    /// Undefined: the state of a slot without a value.
    pub const fn undef() -> Self {
        Zval(raw(0, 0))
    }

    /// Borrows a value that PHP owns.
    ///
    /// # Safety
    /// `z` points to a valid zval that outlives `'a` and is not written to meanwhile.
    pub(super) unsafe fn from_ptr<'a>(z: *const ffi::zval) -> &'a Zval {
        // SAFETY: `Zval` is a transparent wrapper of a zval, which the caller guarantees to be valid and unchanged for `'a`.
        unsafe { &*z.cast::<Zval>() }
    }

    pub(super) fn as_ptr(&self) -> *const ffi::zval {
        &raw const self.0
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut ffi::zval {
        &raw mut self.0
    }

    pub(super) fn type_info(&self) -> u32 {
        // SAFETY: all members of the union `u1` are integers.
        unsafe { self.0.u1.type_info }
    }

    fn tag(&self) -> u8 {
        self.type_info() as u8
    }

    /// The name of the value's type, as PHP's own messages show it.
    pub fn type_name(&self) -> &'static str {
        const NAMES: [&str; 10] =
            ["null", "null", "bool", "bool", "int", "float", "string", "array", "object", "resource"];
        NAMES.get(usize::from(self.dereferenced().tag())).copied().unwrap_or("mixed")
    }

    /// The referenced value, if this is a PHP reference, otherwise the value itself.
    pub fn dereferenced(&self) -> &Zval {
        if self.tag() == REFERENCE {
            // SAFETY: the tag shows that `ref_` is the active member; the reference that `self` owns keeps it alive.
            unsafe { Zval::from_ptr(&raw const (*self.0.value.ref_).val) }
        } else {
            self
        }
    }

    /// The value's type.
    pub fn kind(&self) -> Kind {
        match self.dereferenced().tag() {
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

    /// Whether it is `null` or undefined.
    pub fn is_null(&self) -> bool {
        self.dereferenced().tag() <= 1
    }

    /// The integer, if it is one.
    #[inline]
    pub fn int(&self) -> Option<i64> {
        let z = self.dereferenced();
        // SAFETY: the tag shows that this member is the active one.
        if z.tag() == 4 { Some(unsafe { z.0.value.lval }) } else { None }
    }

    /// The float, if it is one.
    #[inline]
    pub fn float(&self) -> Option<f64> {
        let z = self.dereferenced();
        // SAFETY: the tag shows that this member is the active one.
        if z.tag() == 5 { Some(unsafe { z.0.value.dval }) } else { None }
    }

    /// The boolean, if it is one.
    pub fn bool(&self) -> Option<bool> {
        match self.dereferenced().tag() {
            2 => Some(false),
            3 => Some(true),
            _ => None,
        }
    }

    /// The string, if it is one.
    pub fn string(&self) -> Option<&ZStr> {
        let z = self.dereferenced();
        // SAFETY: `ZStr` is a transparent pointer, and the tag shows that this member is the active one.
        (z.tag() == 6).then(|| unsafe { &*(&raw const z.0.value.str_).cast::<ZStr>() })
    }

    /// The string's bytes, if it is one.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.string().map(ZStr::as_bytes)
    }

    /// The array, if it is one.
    pub fn array(&self) -> Option<&Array> {
        let z = self.dereferenced();
        // SAFETY: `Array` is a transparent pointer, and the tag shows that this member is the active one.
        (z.tag() == 7).then(|| unsafe { &*(&raw const z.0.value.arr).cast::<Array>() })
    }

    /// The object, if it is one.
    #[inline]
    pub fn object(&self) -> Option<&Object> {
        let z = self.dereferenced();
        // SAFETY: `Object` is a transparent pointer, and the tag shows that this member is the active one.
        (z.tag() == 8).then(|| unsafe { &*(&raw const z.0.value.obj).cast::<Object>() })
    }

    /// The id of the resource, if it is one.
    pub fn resource_id(&self) -> Option<i64> {
        let z = self.dereferenced();
        // SAFETY: the tag shows that this member is the active one; the reference that `self` owns keeps it alive.
        (z.tag() == 9).then(|| unsafe { (*z.0.value.res).handle })
    }

    /// Converts like `(int) $value`.
    pub fn to_int(&self) -> i64 {
        self.int().unwrap_or_else(|| {
            // SAFETY: `dereferenced` returns a valid zval, which the function only reads.
            unsafe { ffi::zval_get_long_func(self.dereferenced().as_ptr().cast_mut(), false) }
        })
    }

    /// Converts like `(float) $value`.
    pub fn to_float(&self) -> f64 {
        self.float().unwrap_or_else(|| {
            // SAFETY: `dereferenced` returns a valid zval, which the function only reads.
            unsafe { ffi::zval_get_double_func(self.dereferenced().as_ptr().cast_mut()) }
        })
    }

    /// Converts like `(bool) $value`.
    pub fn to_bool(&self) -> bool {
        self.bool().unwrap_or_else(|| {
            // SAFETY: `dereferenced` returns a valid zval, which the function only reads.
            let truth = unsafe { ffi::zend_is_true(self.dereferenced().as_ptr().cast_mut()) };
            // An `int` before PHP 8.4, and a `bool` since.
            truth != Default::default()
        })
    }

    /// Converts like `(string) $value`; `None` if that threw.
    pub fn to_zstr(&self) -> Option<ZStr> {
        if let Some(s) = self.string() {
            return Some(s.clone());
        }
        // SAFETY: `dereferenced` returns a valid zval; PHP returns null or an owned reference to a string.
        let s = unsafe { ffi::zval_try_get_string_func(self.dereferenced().as_ptr().cast_mut()) };
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
    /// Adds a reference to the value. A PHP reference is dereferenced.
    fn clone(&self) -> Self {
        let z = self.dereferenced();
        if z.type_info() & COUNTED_MASK != 0 {
            // SAFETY: the flag shows that the value is reference-counted, so it starts with a count.
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
        // SAFETY: the flag shows that the value is reference-counted; `self` owns one reference, released here.
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

/// Conversion to a PHP value.
pub trait IntoZval {
    /// Overwrites a slot whose current value is not reference-counted.
    fn write(self, slot: &mut Zval);

    /// Converts to an owned PHP value.
    fn into_zval(self) -> Zval
    where
        Self: Sized,
    {
        let mut z = Zval::null();
        self.write(&mut z);
        z
    }
}

/// A value, or `false` in PHP for `None`.
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
        // SAFETY: pointer and length describe `self`, which PHP copies into a new string.
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

/// Types other than [`Zval`] that convert to PHP values; keeps the blanket `From` from overlapping `From<Zval>`.
pub trait NotZval {}
macro_rules! not_zval {
    ($($t:ty),*) => {$(impl NotZval for $t {})*};
}
not_zval!((), bool, i32, i64, u16, u32, u64, usize, f64, &[u8], &str, String, Vec<u8>, ZStr, Array, Object);

const REFERENCE: u8 = 10;
/// `IS_TYPE_REFCOUNTED` and `IS_TYPE_COLLECTABLE` at their position in the type word.
pub(super) const COUNTED: u32 = 1 << 8;
pub(super) const COLLECTABLE: u32 = 1 << 9;
const COUNTED_MASK: u32 = 0xff00;
