//! PHP's objects, and Rust values that live in them.

use super::zval::{COLLECTABLE, COUNTED};
use super::{Call, Class, IntoZval, PhpResult, Raised, Zval, ffi, lazy};
use std::any::type_name;
use std::ffi::c_char;
use std::ptr::NonNull;
use std::sync::OnceLock;

/// An object, held by count.
#[repr(transparent)]
#[derive(Debug)]
pub struct Object(pub(super) NonNull<ffi::zend_object>);

impl Object {
    /// A new object of a class, initialised from its declaration; no constructor is called. `Err` if that threw (an
    /// abstract class).
    pub fn new(class: Class) -> PhpResult<Object> {
        let mut z = Zval::null();
        // SAFETY: the class is a registered one; on success the slot holds the object with one count.
        let result = unsafe { ffi::object_init_ex(z.as_mut_ptr(), class.as_ptr()) };
        let object = z.object().cloned();
        if result == 0 { object.ok_or(Raised::Exception) } else { Err(Raised::Exception) }
    }

    /// Its number: what `spl_object_id` gives.
    pub fn handle(&self) -> u32 {
        // SAFETY: the object is alive.
        unsafe { (*self.0.as_ptr()).handle }
    }

    /// Whether somebody else holds it too.
    pub fn is_shared(&self) -> bool {
        // SAFETY: the object is alive.
        unsafe { (*self.0.as_ptr()).gc.refcount > 1 }
    }

    /// Its class.
    pub fn class(&self) -> Class {
        // SAFETY: the object is alive, and so is its class.
        unsafe { Class::from_ptr((*self.0.as_ptr()).ce) }
    }

    /// Whether it is a closure.
    #[inline]
    pub fn is_closure(&self) -> bool {
        // SAFETY: the object is alive; the class of closures is set before any module starts.
        unsafe { (*self.0.as_ptr()).ce == ffi::zend_ce_closure }
    }

    /// A property's value; `null` if there is none. Visibility is not asked.
    pub fn get(&self, name: &str) -> Zval {
        let mut hold = Zval::undef();
        // SAFETY: the object is alive; the result is either in the object or in `hold`, and is copied at once.
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

    /// Gives a property a value.
    pub fn set(&self, name: &str, value: impl IntoZval) {
        let mut value = value.into_zval();
        // SAFETY: the object is alive; PHP takes a count of its own.
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

    /// The value in the slot of a declared property, see [`Class::slot`]. The slot must be one of its class's.
    #[inline]
    pub fn slot(&self, slot: usize) -> &Zval {
        // SAFETY: the assertion keeps the index inside the table that follows the object.
        unsafe {
            assert!(slot < (*(*self.0.as_ptr()).ce).default_properties_count as usize);
            Zval::from_ptr((&raw const (*self.0.as_ptr()).properties_table).cast::<ffi::zval>().add(slot))
        }
    }

    /// Puts a value into the slot of a declared, untyped property.
    pub fn set_slot(&self, slot: usize, value: impl IntoZval) {
        let value = value.into_zval();
        // SAFETY: as in `slot`; what was there is dropped only after the slot is whole again, since its destructor may
        // look at this object.
        unsafe {
            assert!(slot < (*(*self.0.as_ptr()).ce).default_properties_count as usize);
            let mut at = (&raw mut (*self.0.as_ptr()).properties_table).cast::<Zval>().add(slot);
            if (*at).type_info() as u8 == 10 {
                at = (&raw mut (*(*at).0.value.ref_).val).cast::<Zval>();
            }
            drop(std::ptr::replace(at, value));
        }
    }

    /// Leaves the slot to be made when it is read: see [`Payload::lazy_property`].
    pub fn set_lazy_slot(&self, slot: usize) {
        self.set_slot(slot, Zval::undef());
    }

    /// The value in such a slot, made now where it is not made yet.
    pub fn lazy_slot<T: Payload>(&self, slot: usize) -> &Zval {
        lazy::make::<T>(self, slot);
        self.slot(slot)
    }

    /// The Rust value that lives in it; `None` if its class has none of that type.
    #[inline]
    pub fn payload<T: Payload>(&self) -> Option<&T> {
        let table = T::handlers().0.get()?;
        // SAFETY: only `create::<T>` gives an object these handlers, and it puts a `T` in front of the object.
        unsafe {
            if (*self.0.as_ptr()).handlers != &raw const table.0 {
                return None;
            }
            Some(&*self.0.as_ptr().cast::<u8>().sub(table.0.offset as usize).cast::<T>())
        }
    }

    /// Calls its constructor.
    pub fn construct(&self, args: &mut [Zval]) -> PhpResult<()> {
        // SAFETY: the object is alive; the arguments are live zvals; a class without a constructor is left alone.
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

    /// Tells the cycle collector of it, see [`Payload::trace`].
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        // Not counted: the collector only looks at it.
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
        // SAFETY: the object is alive, and every object is counted.
        unsafe { (*self.0.as_ptr()).gc.refcount += 1 };
        Object(self.0)
    }
}

impl Drop for Object {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `self` holds one count, given up here; PHP destroys the object with the last.
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

/// A Rust value that lives in each object of a class: it comes with the object and is dropped with it.
///
/// Implement it with [`payload!`](crate::payload), and name it to the class with
/// [`ClassBuilder::payload`](super::ClassBuilder::payload).
pub trait Payload: Default + 'static {
    /// Where the class's object handlers are.
    fn handlers() -> &'static HandlerTable;
    /// Declared properties of its objects cannot be unset.
    const KEEPS_PROPERTIES: bool = false;
    /// It holds values of PHP's, see [`held`](Self::held).
    const TRACES_VALUES: bool = false;
    /// Tells PHP's cycle collector of each value that it holds, as often as it holds it and no oftener: what only this
    /// object's end gives up. PHP code must not be called. What is borrowed at the moment is left out: then it is not
    /// collected this time.
    fn trace(&self, _visit: &mut dyn FnMut(&Zval)) {}
    /// Some of its declared properties are made when they are read first; see [`Object::set_lazy_slot`].
    const HAS_LAZY_PROPERTIES: bool = false;
    /// The value of such a property. PHP code must not be called.
    fn lazy_property(&self, _slot: usize) -> Zval {
        Zval::null()
    }
    /// The object, nobody's any more, is about to go; its properties are there still. PHP code must not be called.
    fn before_free(&self, _object: &Object) {}
}

/// Says that a type lives in the objects of a class, and, behind `holds`, what of PHP's it holds ([`Payload::trace`]).
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

// SAFETY: a table of function pointers and one number, never written after it is made.
unsafe impl Send for Handlers {}
// SAFETY: as above.
unsafe impl Sync for Handlers {}

impl HandlerTable {
    /// A table that is filled in when the class is registered.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        HandlerTable(OnceLock::new())
    }

    fn of<T: Payload>() -> &'static ffi::zend_object_handlers {
        &T::handlers().0.get_or_init(|| Handlers(handlers::<T>(false))).0
    }

    /// Prepares the table; instances can be cloned (into a new default payload) only if `clonable`.
    pub(super) fn prepare<T: Payload>(clonable: bool) {
        let _ = T::handlers().0.set(Handlers(handlers::<T>(clonable)));
    }
}

fn handlers<T: Payload>(clonable: bool) -> ffi::zend_object_handlers {
    const { assert!(align_of::<T>() <= 8, "PHP's allocator aligns to 8 bytes") };
    // SAFETY: PHP's standard table is constant.
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
    if T::HAS_LAZY_PROPERTIES {
        lazy::install::<T>(&mut table);
    }
    table
}

/// PHP's `create_object` for a class with payload `T`.
pub(super) unsafe extern "C" fn create<T: Payload>(class: *mut ffi::zend_class_entry) -> *mut ffi::zend_object {
    let table = HandlerTable::of::<T>();
    let value = std::panic::catch_unwind(T::default).unwrap_or_else(|_| std::process::abort());
    // SAFETY: PHP calls this with a class that is ready; `offset` bytes in front of the object are ours and fit a `T`.
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
        // SAFETY: only objects of `create::<T>` have this handler; the buffer is PHP's, and copies what it is told of.
        let told = unsafe {
            let value = &*object.cast::<u8>().sub(offset).cast::<T>();
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                value.trace(&mut |z| ffi::swoosh_gc_add(buffer, z.as_ptr().cast_mut()))
            }))
        };
        if told.is_err() {
            std::process::abort();
        }
    }
    // SAFETY: PHP asks of a living object, and gives places to write to.
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
    // SAFETY: PHP frees an object once; it was made by `create::<T>`, so a `T` lies in front of it.
    unsafe {
        let value = object.cast::<u8>().sub(offset).cast::<T>();
        // Not counted: its count is 0 already.
        let last = std::mem::ManuallyDrop::new(Object(NonNull::new_unchecked(object)));
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (*value).before_free(&last)));
        if told.is_err() {
            std::process::abort();
        }
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| std::ptr::drop_in_place(value)));
        ffi::zend_object_std_dtor(object);
        if dropped.is_err() {
            super::error::throw_error(&format!("{} could not be dropped", type_name::<T>()));
        }
    }
}

impl<'a> Call<'a> {
    /// The payload of `$this`. A class whose objects have no `T` is a mistake of ours.
    #[inline]
    pub fn payload<T: Payload>(&self) -> &'a T {
        match self.this().and_then(|object| object.payload::<T>()) {
            Some(value) => value,
            None => panic!("$this holds no {}", type_name::<T>()),
        }
    }
}

/// GC_NOT_COLLECTABLE.
const NOT_COLLECTABLE: u32 = 1 << 4;
