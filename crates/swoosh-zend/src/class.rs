//! PHP classes: registration during module startup, and handles for later use.

use super::entry::{VARIADIC, entry};
use super::object::{HandlerTable, create};
use super::signature::{Signature, Type};
use super::{Call, IntoZval, Payload, PhpResult, ffi};
use std::ffi::{CString, c_char, c_void};
use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering};

/// A registered class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class(NonNull<ffi::zend_class_entry>);

impl Class {
    /// # Safety
    /// `class` points to a registered class.
    pub(super) unsafe fn from_ptr(class: *mut ffi::zend_class_entry) -> Self {
        // SAFETY: the caller guarantees a registered class, which is not null.
        Class(unsafe { NonNull::new_unchecked(class) })
    }

    pub(super) fn as_ptr(self) -> *mut ffi::zend_class_entry {
        self.0.as_ptr()
    }

    /// Its fully qualified name.
    pub fn name(self) -> String {
        // SAFETY: a registered class lives at least until the end of the request, and its name is a string.
        unsafe { (*(&raw const (*self.as_ptr()).name).cast::<super::ZStr>()).to_text().into_owned() }
    }

    /// Whether it is `other` or a subclass or implementation of it.
    pub fn is_a(self, other: Class) -> bool {
        // SAFETY: both pointers are registered classes, as `Class` guarantees.
        unsafe { ffi::swoosh_instanceof(self.as_ptr(), other.as_ptr()) }
    }

    /// The slot number of a declared property, see [`Object::slot`](super::Object::slot).
    pub fn slot(self, property: &str) -> Option<usize> {
        // SAFETY: `Class` guarantees a registered class; pointer and length describe `property`.
        let slot =
            unsafe { ffi::swoosh_property_slot(self.as_ptr(), property.as_ptr().cast::<c_char>(), property.len()) };
        usize::try_from(slot).ok()
    }

    /// Like [`slot`](Self::slot), for a string of PHP's, whose hash is mostly known.
    pub(super) fn slot_of(self, property: &super::ZStr) -> Option<usize> {
        // SAFETY: `Class` guarantees a registered class, and `ZStr` a live string.
        let slot = unsafe { ffi::swoosh_property_slot_of(self.as_ptr(), property.0.as_ptr()) };
        usize::try_from(slot).ok()
    }

    /// The number of slots of its objects.
    pub(super) fn slots(self) -> usize {
        // SAFETY: `Class` guarantees a registered class.
        usize::try_from(unsafe { (*self.as_ptr()).default_properties_count }).unwrap_or(0)
    }

    /// The class with that name, autoloaded if necessary.
    pub fn named(name: &str) -> Option<Self> {
        let name = super::ZStr::new(name.as_bytes());
        // SAFETY: `name` is a live string; PHP returns null or a registered class.
        let class = unsafe { ffi::zend_lookup_class(name.0.as_ptr()) };
        NonNull::new(class).map(Class)
    }

    /// PHP's `Exception`.
    pub fn exception() -> Self {
        // SAFETY: PHP registers its core classes before any module starts.
        unsafe { Self::from_ptr(ffi::zend_ce_exception) }
    }

    /// PHP's `RuntimeException`.
    pub fn runtime_exception() -> Self {
        // SAFETY: SPL is always built in, and PHP registers its classes before modules that are loaded later start.
        unsafe { Self::from_ptr(ffi::spl_ce_RuntimeException) }
    }

    /// PHP's `Error`.
    pub fn error() -> Self {
        // SAFETY: PHP registers its core classes before any module starts.
        unsafe { Self::from_ptr(ffi::zend_ce_error) }
    }

    /// PHP's `ArrayIterator`.
    pub fn array_iterator() -> Self {
        // SAFETY: SPL is always built in, and PHP registers its classes before modules that are loaded later start.
        unsafe { Self::from_ptr(ffi::spl_ce_ArrayIterator) }
    }

    /// PHP's `ArrayObject`.
    pub fn array_object() -> Self {
        // SAFETY: SPL is always built in, and PHP registers its classes before modules that are loaded later start.
        unsafe { Self::from_ptr(ffi::spl_ce_ArrayObject) }
    }

    /// PHP's `Countable`.
    pub fn countable() -> Self {
        // SAFETY: PHP registers its core classes before any module starts.
        unsafe { Self::from_ptr(ffi::zend_ce_countable) }
    }

    /// PHP's `Iterator`.
    pub fn iterator() -> Self {
        // SAFETY: PHP registers its core classes before any module starts.
        unsafe { Self::from_ptr(ffi::zend_ce_iterator) }
    }

    /// PHP's `ArrayAccess`.
    pub fn array_access() -> Self {
        // SAFETY: PHP registers its core classes before any module starts.
        unsafe { Self::from_ptr(ffi::zend_ce_arrayaccess) }
    }

    /// PHP's `Stringable`.
    pub fn stringable() -> Self {
        // SAFETY: PHP registers its core classes before any module starts.
        unsafe { Self::from_ptr(ffi::zend_ce_stringable) }
    }
}

/// A static that holds the handle of one of the extension's classes.
#[derive(Debug)]
pub struct ClassSlot(AtomicPtr<ffi::zend_class_entry>);

impl ClassSlot {
    /// An empty slot, to be filled by [`ClassBuilder::register`].
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        ClassSlot(AtomicPtr::new(null_mut()))
    }

    /// The class. Panics unless it is registered.
    pub fn get(&self) -> Class {
        Class(NonNull::new(self.0.load(Ordering::Relaxed)).expect("the class is registered when the module starts"))
    }
}

/// The value of a constant, or the default of a property.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
    EmptyArray,
}

impl Value {
    fn zval(self) -> ffi::zval {
        let raw = super::zval::raw;
        match self {
            Value::Null => raw(1, 0),
            Value::Bool(value) => raw(if value { 3 } else { 2 }, 0),
            Value::Int(value) => raw(4, value),
            Value::Float(value) => raw(5, value.to_bits() as i64),
            Value::Text(text) => raw(6, permanent(text) as i64),
            Value::EmptyArray => raw(7, &raw const ffi::zend_empty_array as i64),
        }
    }
}

/// Builds a class.
pub struct ClassBuilder {
    name: &'static str,
    parent: Option<Class>,
    interfaces: Vec<Class>,
    aliases: Vec<&'static str>,
    methods: Vec<ffi::zend_function_entry>,
    properties: Vec<(&'static str, Value, u32)>,
    constants: Vec<(&'static str, Value)>,
    flags: u32,
    create: Option<unsafe extern "C" fn(*mut ffi::zend_class_entry) -> *mut ffi::zend_object>,
    prepare: Option<fn(bool)>,
    clonable: bool,
    dynamic: bool,
    serializable: bool,
}

impl ClassBuilder {
    /// A class with that fully qualified name.
    pub fn new(name: &'static str) -> Self {
        ClassBuilder {
            name,
            parent: None,
            interfaces: Vec::new(),
            aliases: Vec::new(),
            methods: Vec::new(),
            properties: Vec::new(),
            constants: Vec::new(),
            flags: 0,
            create: None,
            prepare: None,
            clonable: false,
            dynamic: false,
            serializable: true,
        }
    }

    /// Sets the parent class.
    pub fn extends(mut self, parent: Class) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Adds an interface.
    pub fn implements(mut self, interface: Class) -> Self {
        self.interfaces.push(interface);
        self
    }

    /// Adds an alias.
    pub fn alias(mut self, name: &'static str) -> Self {
        self.aliases.push(name);
        self
    }

    /// Makes the class final.
    pub fn is_final(mut self) -> Self {
        self.flags |= 1 << 5;
        self
    }

    /// Makes the class abstract.
    pub fn is_abstract(mut self) -> Self {
        self.flags |= 1 << 6;
        self
    }

    /// Adds a method: its signature in PHP syntax and its handler.
    pub fn method<F, R>(mut self, signature: &str, handler: F) -> Self
    where
        F: Fn(&mut Call<'_>) -> PhpResult<R> + Copy + 'static,
        R: IntoZval,
    {
        self.methods.push(function(signature, handler));
        self
    }

    /// Adds an untyped public property.
    pub fn property(mut self, name: &'static str, default: Value) -> Self {
        self.properties.push((name, default, 1));
        self
    }

    /// Adds an untyped protected property.
    pub fn protected_property(mut self, name: &'static str, default: Value) -> Self {
        self.properties.push((name, default, 2));
        self
    }

    /// Adds an untyped private property.
    pub fn private_property(mut self, name: &'static str, default: Value) -> Self {
        self.properties.push((name, default, 4));
        self
    }

    /// Adds a public constant.
    pub fn constant(mut self, name: &'static str, value: Value) -> Self {
        self.constants.push((name, value));
        self
    }

    /// Embeds a `T` in each object. The objects can be neither cloned nor serialised.
    pub fn payload<T: Payload>(mut self) -> Self {
        self.create = Some(create::<T>);
        self.prepare = Some(HandlerTable::prepare::<T>);
        self.serializable = false;
        self
    }

    /// Allows cloning of objects with a payload; the clone gets a default payload.
    pub fn clonable(mut self) -> Self {
        self.clonable = true;
        self
    }

    /// Allows dynamic properties.
    pub fn allow_dynamic(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// Registers the class and stores its handle in `slot`. Only during module startup.
    pub fn register(self, slot: &ClassSlot) -> Class {
        let mut methods = self.methods;
        // SAFETY: an all-zero entry ends the method table, which is leaked; all names have static lifetime. PHP copies the
        // class entry, whose unset fields are zero as with `INIT_CLASS_ENTRY`.
        unsafe {
            methods.push(std::mem::zeroed());
            let mut entry: ffi::zend_class_entry = std::mem::zeroed();
            entry.name = permanent(self.name);
            entry.info.internal.builtin_functions = Vec::leak(methods).as_ptr();
            let parent = self.parent.map_or(null_mut(), Class::as_ptr);
            let class = ffi::zend_register_internal_class_ex(&mut entry, parent);
            (*class).ce_flags |= self.flags;
            for interface in self.interfaces {
                ffi::zend_class_implements(class, 1, interface.as_ptr());
            }
            for (name, default, access) in self.properties {
                let mut value = default.zval();
                let untyped = ffi::zend_type { ptr: null_mut(), type_mask: 0 };
                let access = access as i32;
                ffi::zend_declare_typed_property(class, permanent(name), &mut value, access, null_mut(), untyped);
            }
            for (name, value) in self.constants {
                let mut value = value.zval();
                ffi::zend_declare_class_constant_ex(class, permanent(name), &mut value, 1, null_mut());
            }
            if let Some(create) = self.create {
                if let Some(prepare) = self.prepare {
                    prepare(self.clonable);
                }
                (*class).__bindgen_anon_2.create_object = Some(create);
            }
            if self.dynamic {
                ffi::swoosh_class_allow_dynamic(class);
            }
            if !self.serializable {
                ffi::swoosh_class_not_serializable(class);
            }
            for alias in self.aliases {
                ffi::zend_register_class_alias_ex(alias.as_ptr().cast::<c_char>(), alias.len(), class, true);
            }
            slot.0.store(class, Ordering::Relaxed);
            Class::from_ptr(class)
        }
    }
}

/// The function table entry of a function or method.
pub(super) fn function<F, R>(signature: &str, _: F) -> ffi::zend_function_entry
where
    F: Fn(&mut Call<'_>) -> PhpResult<R> + Copy + 'static,
    R: IntoZval,
{
    let signature = Signature::parse(signature);
    let mut flags = signature.flags;
    let mut infos = vec![info(signature.required as *const c_char, &signature.returns, 0, None)];
    for param in &signature.params {
        let mut bits = u32::from(param.by_ref) << ffi::SWOOSH_SEND_MODE_SHIFT;
        if param.variadic {
            bits |= 1 << (ffi::SWOOSH_SEND_MODE_SHIFT + 2);
            flags |= VARIADIC;
        }
        infos.push(info(c_string(&param.name), &param.kind, bits, param.default.as_deref()));
    }
    // SAFETY: all-zero is a valid entry; its fields that are not set here are optional, and depend on PHP's version.
    let mut entry_of: ffi::zend_function_entry = unsafe { std::mem::zeroed() };
    entry_of.fname = c_string(&signature.name);
    entry_of.handler = Some(if signature.open { entry::<F, R, true> } else { entry::<F, R, false> });
    entry_of.num_args = signature.params.len() as u32;
    entry_of.arg_info = Vec::leak(infos).as_ptr();
    entry_of.flags = flags;
    entry_of
}

fn info(name: *const c_char, kind: &Type, bits: u32, default: Option<&str>) -> ffi::zend_internal_arg_info {
    let mut type_mask = kind.mask | bits;
    let mut ptr = null_mut();
    if let Some(classes) = &kind.classes {
        ptr = c_string(classes).cast_mut().cast::<c_void>();
        type_mask |= ffi::SWOOSH_TYPE_NAME_BIT;
    }
    ffi::zend_internal_arg_info {
        name,
        type_: ffi::zend_type { ptr, type_mask },
        default_value: default.map_or(null(), c_string),
    }
}

/// A leaked C string.
pub(super) fn c_string(text: &str) -> *const c_char {
    CString::new(text).expect("no zero byte in a name").into_raw()
}

/// A persistent interned string.
pub(super) fn permanent(text: &str) -> *mut ffi::zend_string {
    // SAFETY: pointer and length describe `text`; PHP allows persistent interning during module startup, when this is called.
    unsafe { ffi::swoosh_string_permanent(text.as_ptr().cast::<c_char>(), text.len()) }
}
