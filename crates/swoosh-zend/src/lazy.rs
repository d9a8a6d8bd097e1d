//! Lazy properties, whose values are created on the first read.
//!
//! Invariant: PHP reads slots that have a value directly and calls these handlers for undefined ones, so every handler that
//! can observe a property creates its value first. PHP code cannot distinguish such an object from a complete one.

use super::object::Payload;
use super::{Class, Object, ZStr, Zval, ffi};
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

type Cache = *mut *mut c_void;

/// Creates the value of a slot, if it has none.
pub(super) fn make<T: Payload>(object: &Object, slot: usize) {
    if object.slot(slot).type_info() != 0 {
        return;
    }
    let Some(payload) = object.payload::<T>() else { return };
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| payload.lazy_property(slot)));
    // Never left undefined, or it would be created again on each read.
    object.set_slot(slot, made.ok().filter(|value| value.type_info() != 0).unwrap_or_else(Zval::null));
}

/// Creates the value of the property `name`, or those of all properties.
///
/// # Safety
/// `object` is a live object whose class has the payload `T`, and `name` a live string.
unsafe fn make_of<T: Payload>(object: *mut ffi::zend_object, name: Option<*mut ffi::zend_string>) {
    // SAFETY: the caller passes a live object; `ManuallyDrop` leaves its reference count unchanged.
    let (object, class) = unsafe {
        let object = ManuallyDrop::new(Object(NonNull::new_unchecked(object)));
        let class: Class = object.class();
        (object, class)
    };
    match name {
        Some(name) => {
            // SAFETY: `ZStr` is a transparent pointer to a string, which the caller guarantees to be live.
            let name = unsafe { &*(&raw const name).cast::<ZStr>() };
            if let Some(slot) = class.slot_of(name) {
                make::<T>(&object, slot);
            }
        }
        None => (0..class.slots()).for_each(|slot| make::<T>(&object, slot)),
    }
}

/// Sets the handlers in the table of a class.
pub(super) fn install<T: Payload>(table: &mut ffi::zend_object_handlers) {
    table.read_property = Some(read::<T>);
    table.get_property_ptr_ptr = Some(point::<T>);
    table.has_property = Some(has::<T>);
    table.get_properties = Some(all::<T>);
    table.get_gc = Some(collect);
    table.compare = Some(compare::<T>);
}

unsafe extern "C" fn read<T: Payload>(
    object: *mut ffi::zend_object,
    name: *mut ffi::zend_string,
    kind: c_int,
    cache: Cache,
    value: *mut ffi::zval,
) -> *mut ffi::zval {
    // SAFETY: PHP calls the handler with a live object of this class and with arguments valid for its standard handler.
    unsafe {
        make_of::<T>(object, Some(name));
        ffi::zend_std_read_property(object, name, kind, cache, value)
    }
}

unsafe extern "C" fn point<T: Payload>(
    object: *mut ffi::zend_object,
    name: *mut ffi::zend_string,
    kind: c_int,
    cache: Cache,
) -> *mut ffi::zval {
    // SAFETY: PHP calls the handler with a live object of this class and with arguments valid for its standard handler.
    unsafe {
        make_of::<T>(object, Some(name));
        ffi::zend_std_get_property_ptr_ptr(object, name, kind, cache)
    }
}

unsafe extern "C" fn has<T: Payload>(
    object: *mut ffi::zend_object,
    name: *mut ffi::zend_string,
    how: c_int,
    cache: Cache,
) -> c_int {
    // SAFETY: PHP calls the handler with a live object of this class and with arguments valid for its standard handler.
    unsafe {
        make_of::<T>(object, Some(name));
        ffi::zend_std_has_property(object, name, how, cache)
    }
}

unsafe extern "C" fn all<T: Payload>(object: *mut ffi::zend_object) -> *mut ffi::HashTable {
    // SAFETY: PHP calls the handler with a live object of this class and with arguments valid for its standard handler.
    unsafe {
        make_of::<T>(object, None);
        ffi::zend_std_get_properties(object)
    }
}

/// `get_gc`: visits existing values; the cycle collector must not create any.
unsafe extern "C" fn collect(
    object: *mut ffi::zend_object,
    table: *mut *mut ffi::zval,
    count: *mut c_int,
) -> *mut ffi::HashTable {
    // SAFETY: PHP passes a live object and two valid result pointers. If the object has a property table, it refers to the
    // slots, which must then not be visited twice.
    unsafe {
        if !(*object).properties.is_null() {
            *table = std::ptr::null_mut();
            *count = 0;
            return (*object).properties;
        }
        *table = (&raw mut (*object).properties_table).cast::<ffi::zval>();
        *count = (*(*object).ce).default_properties_count;
        std::ptr::null_mut()
    }
}

unsafe extern "C" fn compare<T: Payload>(one: *mut ffi::zval, other: *mut ffi::zval) -> c_int {
    // SAFETY: PHP passes two live values; the payload check shows which of them are objects of this class.
    unsafe {
        for value in [one, other] {
            if let Some(object) = Zval::from_ptr(value).object()
                && object.payload::<T>().is_some()
            {
                make_of::<T>(object.0.as_ptr(), None);
            }
        }
        ffi::zend_std_compare_objects(one, other)
    }
}
