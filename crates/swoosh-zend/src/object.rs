//! PHP objects, and the Rust values (payloads) embedded in objects of the extension's classes.

use super::object_pool::{ObjectPool, recycle_on_free};
use super::zval::{COLLECTABLE, COUNTED};
use super::{Call, Class, IntoZval, PhpResult, Raised, Zval, ffi, lazy};
use std::any::type_name;
use std::ffi::c_char;
use std::ptr::NonNull;
use std::sync::OnceLock;
use std::thread::LocalKey;

/// A reference to an object.
#[repr(transparent)]
#[derive(Debug)]
pub struct Object(pub(super) NonNull<ffi::zend_object>);

impl Object {
    /// Creates an object with default properties; does not call the constructor. `Err` if PHP threw, for example because the
    /// class is abstract.
    pub fn new(class: Class) -> PhpResult<Object> {
        let mut z = Zval::null();
        // SAFETY: a `Class` is a registered class; on success PHP stores an owned reference in `z`.
        let result = unsafe { ffi::object_init_ex(z.as_mut_ptr(), class.as_ptr()) };
        let object = z.object().cloned();
        if result == 0 { object.ok_or(Raised::Exception) } else { Err(Raised::Exception) }
    }

    /// Its id, as returned by `spl_object_id`.
    pub fn handle(&self) -> u32 {
        // SAFETY: the reference that `self` owns keeps the object alive.
        unsafe { (*self.0.as_ptr()).handle }
    }

    /// Whether there are other references to it.
    pub fn is_shared(&self) -> bool {
        // SAFETY: the reference that `self` owns keeps the object alive.
        unsafe { (*self.0.as_ptr()).gc.refcount > 1 }
    }

    /// Its class.
    pub fn class(&self) -> Class {
        // SAFETY: the reference that `self` owns keeps the object alive, and its class lives longer.
        unsafe { Class::from_ptr((*self.0.as_ptr()).ce) }
    }

    /// Whether it is a closure.
    #[inline]
    pub fn is_closure(&self) -> bool {
        // SAFETY: the reference that `self` owns keeps the object alive; PHP sets `zend_ce_closure` before modules start.
        unsafe { (*self.0.as_ptr()).ce == ffi::zend_ce_closure }
    }

    /// The value of a property, `null` if there is none. Ignores visibility.
    pub fn get(&self, name: &str) -> Zval {
        let mut hold = Zval::undef();
        // SAFETY: the reference that `self` owns keeps the object alive; the result points into the object or to `hold` and
        // is cloned before either can change.
        unsafe {
            let z = ffi::zend_read_property(
                (*self.0.as_ptr()).ce,
                self.0.as_ptr(),
                name.as_ptr().cast::<c_char>(),
                name.len(),
                true,
                hold.as_mut_ptr(),
            );
            Zval::from_ptr(z).clone()
        }
    }

    /// Sets a property.
    pub fn set(&self, name: &str, value: impl IntoZval) {
        let mut value = value.into_zval();
        // SAFETY: the reference that `self` owns keeps the object alive; PHP adds a reference to `value` of its own.
        unsafe {
            ffi::zend_update_property(
                (*self.0.as_ptr()).ce,
                self.0.as_ptr(),
                name.as_ptr().cast::<c_char>(),
                name.len(),
                value.as_mut_ptr(),
            );
        }
    }

    /// The value of the declared property with that slot number, see [`Class::slot`]. Panics if the class has no such slot.
    #[inline]
    pub fn slot(&self, slot: usize) -> &Zval {
        // SAFETY: the assertion keeps the index inside the property table, which is part of the live object.
        unsafe {
            assert!(slot < (*(*self.0.as_ptr()).ce).default_properties_count as usize);
            Zval::from_ptr((&raw const (*self.0.as_ptr()).properties_table).cast::<ffi::zval>().add(slot))
        }
    }

    /// Sets the declared, untyped property with that slot number. Panics if the class has no such slot.
    pub fn set_slot(&self, slot: usize, value: impl IntoZval) {
        // The old value is dropped after the new one is in place, since its destructor may read this object.
        drop(self.replace_slot(slot, value));
    }

    /// Like [`set_slot`](Self::set_slot); returns the old value.
    pub fn replace_slot(&self, slot: usize, value: impl IntoZval) -> Zval {
        let value = value.into_zval();
        // SAFETY: the assertion keeps the index inside the property table of the live object.
        unsafe {
            assert!(slot < (*(*self.0.as_ptr()).ce).default_properties_count as usize);
            let mut at = (&raw mut (*self.0.as_ptr()).properties_table).cast::<Zval>().add(slot);
            if (*at).type_info() as u8 == 10 {
                at = (&raw mut (*(*at).0.value.ref_).val).cast::<Zval>();
            }
            std::ptr::replace(at, value)
        }
    }

    /// Marks a slot as lazy: its value is created on the first read, see [`Payload::lazy_property`].
    pub fn set_lazy_slot(&self, slot: usize) {
        self.set_slot(slot, Zval::undef());
    }

    /// The value of a lazy slot, created now if necessary.
    pub fn lazy_slot<T: Payload>(&self, slot: usize) -> &Zval {
        lazy::make::<T>(self, slot);
        self.slot(slot)
    }

    /// The embedded Rust value; `None` if the class has no payload of that type.
    #[inline]
    pub fn payload<T: Payload>(&self) -> Option<&T> {
        let table = T::handlers().0.get()?;
        // SAFETY: only `create::<T>` sets these handlers, and it stores a `T` at `offset` bytes before the object.
        unsafe {
            if (*self.0.as_ptr()).handlers != &raw const table.0 {
                return None;
            }
            Some(&*self.0.as_ptr().cast::<u8>().sub(table.0.offset as usize).cast::<T>())
        }
    }

    /// Calls its constructor, if the class has one.
    pub fn construct(&self, args: &mut [Zval]) -> PhpResult<()> {
        // SAFETY: the reference that `self` owns keeps the object alive; the constructor is not null, and `args` are valid
        // zvals that PHP copies.
        unsafe {
            let constructor = (*(*self.0.as_ptr()).ce).constructor;
            if !constructor.is_null() {
                ffi::zend_call_known_function(
                    constructor,
                    self.0.as_ptr(),
                    (*self.0.as_ptr()).ce,
                    std::ptr::null_mut(),
                    args.len() as u32,
                    args.as_mut_ptr().cast::<ffi::zval>(),
                    std::ptr::null_mut(),
                );
            }
        }
        super::error::pending().map_or(Ok(()), Err)
    }

    /// Visits this reference for PHP's cycle collector, see [`Payload::trace`].
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        // A temporary zval that owns no reference; `ManuallyDrop` keeps it from releasing one.
        let word = super::zval::raw(8 | COUNTED | COLLECTABLE, self.0.as_ptr() as i64);
        visit(&std::mem::ManuallyDrop::new(Zval(word)));
    }

    #[inline]
    pub(super) fn into_raw(self) -> *mut ffi::zend_object {
        let raw = self.0.as_ptr();
        std::mem::forget(self);
        raw
    }
}

impl Clone for Object {
    #[inline]
    fn clone(&self) -> Self {
        // SAFETY: the reference that `self` owns keeps the object alive; all objects are reference-counted.
        unsafe { (*self.0.as_ptr()).gc.refcount += 1 };
        Object(self.0)
    }
}

impl Drop for Object {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `self` owns one reference, released here. The count may be decremented directly if it is not the last one
        // and the object cannot be part of a cycle.
        unsafe {
            let object = self.0.as_ptr();
            if (*object).gc.refcount > 1 && (*object).gc.u.type_info & NOT_COLLECTABLE != 0 {
                (*object).gc.refcount -= 1;
            } else {
                ffi::swoosh_object_release(object);
            }
        }
    }
}

/// A Rust value embedded in each object of a class; it is created and dropped with the object.
///
/// Implement it with [`payload!`](crate::payload), and attach it to the class with
/// [`ClassBuilder::payload`](super::ClassBuilder::payload).
pub trait Payload: Default + 'static {
    /// The object handlers of the class.
    fn handlers() -> &'static HandlerTable;
    /// Whether declared properties cannot be unset.
    const KEEPS_PROPERTIES: bool = false;
    /// Whether it owns PHP values, see `held`.
    const TRACES_VALUES: bool = false;
    /// Visits, for PHP's cycle collector, each PHP value that is released when this payload is dropped, exactly once for
    /// each reference that it owns. Must not call PHP code. Values that are currently borrowed may be omitted; cycles
    /// through them are then not collected in this run.
    fn trace(&self, _visit: &mut dyn FnMut(&Zval)) {}
    /// Whether some declared properties are lazy, see [`Object::set_lazy_slot`].
    const HAS_LAZY_PROPERTIES: bool = false;
    /// Creates the value of a lazy property. Must not call PHP code.
    fn lazy_property(&self, _slot: usize) -> Zval {
        Zval::null()
    }
    /// Called before the object is freed, while its properties still exist. Must not call PHP code.
    fn before_free(&self, _object: &Object) {}
    /// The pool in which objects of the class are kept for reuse; `None` if they are not. The defaults of their properties must
    /// be numbers, booleans or null.
    fn pool() -> Option<&'static LocalKey<ObjectPool>> {
        None
    }
    /// Gives the payload of an object for the pool the state of a new one. Must not call PHP code.
    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Implements [`Payload`] for a type; `traces` gives the body of [`Payload::trace`].
///
/// ```
/// #[derive(Default)]
/// struct Handler(std::cell::RefCell<Option<swoosh_zend::Callable>>);
/// swoosh_zend::payload!(Handler: traces |handler, visit| {
///     if let Ok(callable) = handler.0.try_borrow() {
///         callable.iter().for_each(|callable| callable.trace(visit));
///     }
/// });
/// ```
#[macro_export]
macro_rules! payload {
    ($type:ty $(: traces |$payload:ident, $visit:ident| $trace:expr)?) => {
        impl $crate::Payload for $type {
            fn handlers() -> &'static $crate::object::HandlerTable {
                static TABLE: $crate::object::HandlerTable = $crate::object::HandlerTable::new();
                &TABLE
            }
            $(
                const TRACES_VALUES: bool = true;
                fn trace(&self, $visit: &mut dyn FnMut(&$crate::Zval)) {
                    let $payload = self;
                    $trace
                }
            )?
        }
    };
}

/// The object handlers of a class with a payload.
pub struct HandlerTable(OnceLock<Handlers>);

struct Handlers(ffi::zend_object_handlers);

// SAFETY: the table consists of function pointers and an integer and is not tied to a thread.
unsafe impl Send for Handlers {}
// SAFETY: the table is written only before it is shared through `OnceLock`.
unsafe impl Sync for Handlers {}

impl HandlerTable {
    /// An empty table, to be filled when the class is registered.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        HandlerTable(OnceLock::new())
    }

    /// Bytes between the payload and the object.
    pub(super) fn offset(&self) -> i32 {
        self.0.get().map_or(0, |table| table.0.offset)
    }

    fn of<T: Payload>() -> &'static ffi::zend_object_handlers {
        &T::handlers().0.get_or_init(|| Handlers(handlers::<T>(false))).0
    }

    /// Fills the table. With `clonable`, objects can be cloned; the clone gets a default payload.
    pub(super) fn prepare<T: Payload>(clonable: bool) {
        let _ = T::handlers().0.set(Handlers(handlers::<T>(clonable)));
    }
}

fn handlers<T: Payload>(clonable: bool) -> ffi::zend_object_handlers {
    const { assert!(align_of::<T>() <= 8, "PHP's allocator aligns to 8 bytes") };
    // SAFETY: PHP never writes to its standard handler table after startup.
    let mut table = unsafe { ffi::std_object_handlers };
    table.offset = size_of::<T>().next_multiple_of(8) as i32;
    table.free_obj = Some(free::<T>);
    if !clonable {
        table.clone_obj = None;
    }
    if T::TRACES_VALUES {
        table.get_gc = Some(get_gc::<T>);
    }
    if T::KEEPS_PROPERTIES {
        table.unset_property = Some(refuse_unset);
    }
    if T::pool().is_some() {
        table.dtor_obj = Some(recycle_on_free::<T>);
    }
    if T::HAS_LAZY_PROPERTIES {
        lazy::install::<T>(&mut table);
    }
    table
}

/// PHP's `create_object` for a class with payload `T`.
pub(super) unsafe extern "C" fn create<T: Payload>(class: *mut ffi::zend_class_entry) -> *mut ffi::zend_object {
    let table = HandlerTable::of::<T>();
    let value = std::panic::catch_unwind(T::default).unwrap_or_else(|_| std::process::abort());
    // SAFETY: PHP passes a linked class. `swoosh_object_alloc` reserves `offset` bytes before the object, which is at least
    // the size of `T`, aligned to 8 bytes (asserted in `handlers`).
    unsafe {
        let object = ffi::swoosh_object_alloc(table.offset as usize, class);
        object.cast::<u8>().sub(table.offset as usize).cast::<T>().write(value);
        (*object).handlers = table;
        object
    }
}

unsafe extern "C" fn get_gc<T: Payload>(
    object: *mut ffi::zend_object,
    table: *mut *mut ffi::zval,
    count: *mut i32,
) -> *mut ffi::HashTable {
    unsafe extern "C" fn trace<T: Payload>(object: *mut ffi::zend_object, buffer: *mut std::ffi::c_void) {
        let offset = HandlerTable::of::<T>().offset as usize;
        // SAFETY: only objects made by `create::<T>` have this handler, so a `T` is at `offset` bytes before the object; the
        // buffer is PHP's, which copies each zval.
        let traced = unsafe {
            let value = &*object.cast::<u8>().sub(offset).cast::<T>();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                value.trace(&mut |z| ffi::swoosh_gc_add(buffer, z.as_ptr().cast_mut()))
            }))
        };
        if traced.is_err() {
            std::process::abort();
        }
    }
    // SAFETY: PHP passes a live object and valid pointers for the results.
    unsafe { ffi::swoosh_gc(object, Some(trace::<T>), table, count) }
}

unsafe extern "C" fn refuse_unset(
    object: *mut ffi::zend_object,
    name: *mut ffi::zend_string,
    cache: *mut *mut std::ffi::c_void,
) {
    // SAFETY: PHP gives a living object and a living name; what is not declared goes PHP's own way.
    unsafe {
        let text = (*(&raw const name).cast::<super::ZStr>()).to_text().into_owned();
        if Class::from_ptr((*object).ce).slot(&text).is_none() {
            if let Some(unset) = ffi::std_object_handlers.unset_property {
                unset(object, name, cache);
            }
            return;
        }
        let class = Class::from_ptr((*object).ce).name();
        super::error::throw_error(&format!("property {text} of class {class} cannot be unset"));
    }
}

unsafe extern "C" fn free<T: Payload>(object: *mut ffi::zend_object) {
    let offset = HandlerTable::of::<T>().offset as usize;
    // SAFETY: PHP frees an object once; `create::<T>` made it, so a `T` is at `offset` bytes before it and is dropped once.
    unsafe {
        let value = object.cast::<u8>().sub(offset).cast::<T>();
        // The reference count is 0, so this must not release a reference.
        let last = std::mem::ManuallyDrop::new(Object(NonNull::new_unchecked(object)));
        let notified = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (*value).before_free(&last)));
        if notified.is_err() {
            std::process::abort();
        }
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| std::ptr::drop_in_place(value)));
        ffi::zend_object_std_dtor(object);
        if dropped.is_err() {
            super::error::throw_error(&format!("{} panicked while it was dropped", type_name::<T>()));
        }
    }
}

impl<'a> Call<'a> {
    /// The payload of `$this`. Panics if the class of `$this` has no payload `T`.
    #[inline]
    pub fn payload<T: Payload>(&self) -> &'a T {
        match self.this().and_then(|object| object.payload::<T>()) {
            Some(value) => value,
            None => panic!("$this has no payload {}", type_name::<T>()),
        }
    }
}

/// `GC_NOT_COLLECTABLE`.
const NOT_COLLECTABLE: u32 = 1 << 4;
