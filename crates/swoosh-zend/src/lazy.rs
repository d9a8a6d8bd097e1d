//! Properties that are made when they are read first. A slot without a value asks for it; PHP's own code looks into slots
//! that have one by itself, and asks these handlers about the others. Nobody can tell such an object from one that was
//! made whole.

use super::object::Payload;
use super::{Class, Object, ZStr, Zval, ffi};
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

type Cache = *mut *mut c_void;

/// Makes the slot's value where it has none.
pub(super) fn make<T: Payload>(object: &Object, slot: usize) {
    if object.slot(slot).type_info() != 0 {
        return;
    }
    let Some(payload) = object.payload::<T>() else { return };
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| payload.lazy_property(slot)));
    // What was made is never without a value: it would be made again and again.
    object.set_slot(slot, made.ok().filter(|value| value.type_info() != 0).unwrap_or_else(Zval::null));
}

/// Looks at an object that PHP holds.
///
/// # Safety
/// `object` is a living object whose class has the payload `T`.
unsafe fn make_of<T: Payload>(object: *mut ffi::zend_object, name: Option<*mut ffi::zend_string>) {
    // SAFETY: alive, says the caller; its count stays PHP's. A `ZStr` is a pointer to a string.
    let (object, class) = unsafe {
        let object = ManuallyDrop::new(Object(NonNull::new_unchecked(object)));
        let class: Class = object.class();
        (object, class)
    };
    match name {
        Some(name) => {
            // SAFETY: PHP's name of a property is a living string.
            let text = unsafe { (*(&raw const name).cast::<ZStr>()).to_text() };
            if let Some(slot) = class.slot(&text) {
                make::<T>(&object, slot);
            }
        }
        None => (0..class.slots()).for_each(|slot| make::<T>(&object, slot)),
    }
}

/// Puts the handlers into a class's table.
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
    // SAFETY: PHP gives a living object of this table's class, and what its own handler wants.
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
    // SAFETY: as in `read`.
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
    // SAFETY: as in `read`.
    unsafe {
        make_of::<T>(object, Some(name));
        ffi::zend_std_has_property(object, name, how, cache)
    }
}

unsafe extern "C" fn all<T: Payload>(object: *mut ffi::zend_object) -> *mut ffi::HashTable {
    // SAFETY: as in `read`.
    unsafe {
        make_of::<T>(object, None);
        ffi::zend_std_get_properties(object)
    }
}

/// The collector of cycles sees what there is, and has nothing made.
unsafe extern "C" fn collect(
    object: *mut ffi::zend_object,
    table: *mut *mut ffi::zval,
    count: *mut c_int,
) -> *mut ffi::HashTable {
    // SAFETY: PHP gives a living object and two places to write to. A table of properties, where there is one, points to
    // the slots itself.
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
    // SAFETY: PHP gives two living values, one of them at least an object of this table's class.
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
