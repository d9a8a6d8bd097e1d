//! Pools of objects, for classes whose objects live for one request each.
//!
//! Performance: making and freeing such an object costs several times what it takes to reset one.
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
pub struct ObjectPool {
    objects: RefCell<Vec<Object>>,
    /// Whether it is one of the non-empty pools.
    is_listed: Cell<bool>,
}

thread_local! {
    /// The pools that hold objects; they are emptied at the end of the PHP request.
    static NON_EMPTY_POOLS: RefCell<Vec<&'static LocalKey<ObjectPool>>> = const { RefCell::new(Vec::new()) };
    /// Whether the PHP request has ended: objects are not kept any more.
    static REQUEST_ENDED: Cell<bool> = const { Cell::new(false) };
}

impl ObjectPool {
    /// Creates an empty pool.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        ObjectPool { objects: RefCell::new(Vec::new()), is_listed: Cell::new(false) }
    }

    fn has_room(&self) -> bool {
        self.objects.borrow().len() < MAX_OBJECTS
    }
}

impl Object {
    /// An object as from [`Object::new`], taken from the class's [pool](Payload::pool) if that holds one.
    pub fn pooled<T: Payload>(class: Class) -> PhpResult<Object> {
        let kept = T::pool().and_then(|pool| pool.with(|pool| pool.objects.borrow_mut().pop()));
        kept.map_or_else(|| Object::new(class), Ok)
    }
}

/// PHP's `dtor_obj` for classes with a pool: called when the last reference is gone, before the object is freed. PHP does
/// not free an object that has a reference again afterwards.
pub(super) unsafe extern "C" fn recycle_on_free<T: Payload>(object: *mut ffi::zend_object) {
    let Some(key) = T::pool() else { return };
    // SAFETY: PHP passes a live object, of which this reads the header.
    let is_plain = unsafe { ffi::swoosh_object_is_plain(object) };
    if !is_plain || REQUEST_ENDED.get() || !key.with(ObjectPool::has_room) {
        return;
    }
    let offset = T::handlers().offset() as usize;
    let was_reset = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: only objects made by `create::<T>` have this handler, so a `T` is at `offset` bytes before the object. PHP
        // holds the only reference (`swoosh_object_is_plain`), so nothing else borrows the payload; `ManuallyDrop` leaves
        // that reference alone.
        unsafe {
            let last = ManuallyDrop::new(Object(NonNull::new_unchecked(object)));
            let payload = object.cast::<u8>().sub(offset).cast::<T>();
            (*payload).before_free(&last);
            (*payload).reset();
        }
    }));
    if was_reset.is_err() {
        std::process::abort();
    }
    // SAFETY: the object is live, and no Rust value is borrowed or owned here: destructors of its properties' values may run
    // PHP code, which cannot reach the object.
    unsafe { ffi::swoosh_object_reset(object) };
    // SAFETY: the object is live. `clone` adds the reference that keeps it; PHP's own is released behind this call.
    let kept = Object::clone(&ManuallyDrop::new(unsafe { Object(NonNull::new_unchecked(object)) }));
    key.with(|pool| {
        if !pool.is_listed.replace(true) {
            NON_EMPTY_POOLS.with(|pools| pools.borrow_mut().push(key));
        }
        pool.objects.borrow_mut().push(kept);
    });
}

/// The PHP request begins: objects may be kept.
pub(super) fn begin() {
    REQUEST_ENDED.set(false);
}

/// The PHP request has ended: releases what is kept, before PHP frees all objects.
pub(super) fn end() {
    REQUEST_ENDED.set(true);
    for pool in NON_EMPTY_POOLS.take() {
        let objects = pool.with(|pool| {
            pool.is_listed.set(false);
            pool.objects.take()
        });
        drop(objects);
    }
}

/// Objects that a pool keeps, at most.
const MAX_OBJECTS: usize = 64;
