//! Objects that are kept for reuse: of classes whose objects live for one request each.
//!
//! Performance: making and freeing such an object costs several times what it takes to give it its first state again.
//!
//! Invariant: PHP code cannot tell a reused object from a new one. An object is kept only when its last reference is gone
//! and nothing else can have been attached to it (weak references, properties of its own).

use super::object::Payload;
use super::{Class, Object, PhpResult, ffi};
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;
use std::thread::LocalKey;

/// The kept objects of one class, in one thread.
pub struct Spares {
    objects: RefCell<Vec<Object>>,
    is_known: Cell<bool>,
}

thread_local! {
    /// Those that hold objects; released at the end of the PHP request.
    static KNOWN: RefCell<Vec<&'static LocalKey<Spares>>> = const { RefCell::new(Vec::new()) };
    static IS_OVER: Cell<bool> = const { Cell::new(false) };
}

impl Spares {
    /// None.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Spares { objects: RefCell::new(Vec::new()), is_known: Cell::new(false) }
    }

    /// Whether another object is kept.
    fn has_room(&self) -> bool {
        self.objects.borrow().len() < MAX_SPARES
    }
}

impl Object {
    /// Like [`Object::new`], for a class whose payload keeps [spare objects](Payload::spares).
    pub fn reused<T: Payload>(class: Class) -> PhpResult<Object> {
        let spare = T::spares().and_then(|spares| spares.with(|spares| spares.objects.borrow_mut().pop()));
        spare.map_or_else(|| Object::new(class), Ok)
    }
}

/// PHP's `dtor_obj` for classes with spare objects: called when the last reference is gone, before the object is freed. A
/// reference that is added here keeps it.
pub(super) unsafe extern "C" fn retire<T: Payload>(object: *mut ffi::zend_object) {
    let Some(all) = T::spares() else { return };
    // SAFETY: PHP passes a live object, made by `create::<T>`.
    let is_plain = unsafe { ffi::swoosh_object_is_plain(object) };
    if !is_plain || IS_OVER.get() || !all.with(Spares::has_room) {
        return;
    }
    let offset = T::handlers().offset() as usize;
    let renewed = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: as above. PHP holds the only reference while it calls this, and `ManuallyDrop` leaves it alone; nothing else
        // refers to the payload.
        unsafe {
            let last = ManuallyDrop::new(Object(NonNull::new_unchecked(object)));
            let payload = object.cast::<u8>().sub(offset).cast::<T>();
            (*payload).before_free(&last);
            (*payload).renew();
        }
    }));
    if renewed.is_err() {
        std::process::abort();
    }
    // SAFETY: as above; no value is borrowed. Destructors of property values may run PHP code, which cannot reach the object.
    unsafe { ffi::swoosh_object_renew(object) };
    // SAFETY: as above; PHP releases its reference behind this call, and `clone` adds the one that keeps the object.
    let kept = Object::clone(&ManuallyDrop::new(unsafe { Object(NonNull::new_unchecked(object)) }));
    all.with(|spares| {
        if !spares.is_known.replace(true) {
            KNOWN.with(|known| known.borrow_mut().push(all));
        }
        spares.objects.borrow_mut().push(kept);
    });
}

/// The PHP request begins: objects may be kept.
pub(super) fn begin() {
    IS_OVER.set(false);
}

/// The PHP request is over: releases what is kept, before PHP frees all objects.
pub(super) fn end() {
    IS_OVER.set(true);
    for spares in KNOWN.take() {
        let objects = spares.with(|spares| {
            spares.is_known.set(false);
            spares.objects.take()
        });
        drop(objects);
    }
}

/// Objects of a class that are kept.
const MAX_SPARES: usize = 64;
