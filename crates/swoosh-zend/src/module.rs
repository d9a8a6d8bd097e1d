//! The module entry, and registration of functions, constants and INI settings.

use super::class::{c_string, function};
use super::{Call, IntoZval, PhpResult, ffi, info::Info, object_pool, thread};
use std::ffi::{CStr, c_char};
use std::mem::zeroed;
use std::ptr::null_mut;

/// The value of a global constant.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Constant {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
}

/// The functions of the module.
#[derive(Default)]
pub struct Functions(Vec<ffi::zend_function_entry>);

impl Functions {
    /// Adds a function: its signature in PHP syntax and its handler.
    pub fn add<F, R>(&mut self, signature: &str, handler: F) -> &mut Self
    where
        F: Fn(&mut Call<'_>) -> PhpResult<R> + Copy + 'static,
        R: IntoZval,
    {
        let mut entry = function(signature, handler);
        entry.flags = 0;
        self.0.push(entry);
        self
    }
}

/// The module during its startup.
#[derive(Debug)]
pub struct Module {
    number: i32,
}

impl Module {
    /// Registers a persistent constant.
    pub fn constant(&self, name: &'static str, value: Constant) {
        let (at, len, n) = (name.as_ptr().cast::<c_char>(), name.len(), self.number);
        // SAFETY: a `Module` exists during module startup only; names and texts have static lifetime.
        unsafe {
            match value {
                Constant::Bool(value) => ffi::zend_register_bool_constant(at, len, value, PERSISTENT, n),
                Constant::Int(value) => ffi::zend_register_long_constant(at, len, value, PERSISTENT, n),
                Constant::Float(value) => ffi::zend_register_double_constant(at, len, value, PERSISTENT, n),
                Constant::Text(text) => {
                    ffi::zend_register_stringl_constant(at, len, text.as_ptr().cast(), text.len(), PERSISTENT, n);
                }
            }
        }
    }

    /// Registers functions in addition to those of the module's table.
    pub fn functions(&self, mut functions: Functions) {
        // SAFETY: an all-zero entry ends the table, which is leaked and so has static lifetime.
        unsafe {
            functions.0.push(zeroed());
            ffi::zend_register_functions(null_mut(), Vec::leak(functions.0).as_ptr(), null_mut(), PERSISTENT);
        }
    }

    /// Registers INI settings with their defaults. They can be set everywhere, also with `ini_set`.
    pub fn settings(&self, settings: &[(&str, &str)]) {
        let mut entries: Vec<ffi::zend_ini_entry_def> = settings
            .iter()
            .map(|(name, value)| ffi::zend_ini_entry_def {
                name: c_string(name),
                on_modify: None,
                mh_arg1: null_mut(),
                mh_arg2: null_mut(),
                mh_arg3: null_mut(),
                value: c_string(value),
                displayer: None,
                value_length: value.len() as u32,
                name_length: name.len() as u16,
                modifiable: 7,
            })
            .collect();
        // SAFETY: an all-zero entry ends the table, which is leaked and so has static lifetime.
        unsafe {
            entries.push(zeroed());
            ffi::zend_register_ini_entries(Vec::leak(entries).as_ptr(), self.number);
        }
    }
}

/// An extension. [`entry`] creates PHP's description of it.
pub trait Extension: 'static {
    /// The module's name.
    const NAME: &'static CStr;
    /// The version that `phpversion(NAME)` returns.
    const VERSION: &'static CStr;
    /// Modules that start before this one if they are loaded.
    const STARTS_AFTER: &'static [&'static CStr];
    /// Declares the module's functions. Called before [`start_up`](Self::start_up).
    fn functions(functions: &mut Functions);
    /// Module startup, once per process: registers settings, constants, classes and hooks.
    fn start_up(module: &Module);
    /// Request shutdown: in the command-line PHP, the end of the script.
    fn request_end();
    /// Fills the module's section of `phpinfo()`.
    fn describe(info: &mut Info);
}

/// PHP's description of a module (`zend_module_entry`).
#[repr(transparent)]
pub struct ModuleEntry(ffi::zend_module_entry);

/// Creates the result of the exported function `get_module`, which PHP calls once when it loads the library.
pub fn entry<E: Extension>() -> *mut ModuleEntry {
    let mut functions = Functions::default();
    E::functions(&mut functions);
    // SAFETY: an all-zero entry ends the function table, and zero is valid for each field of the module entry that is not
    // set; table and entry are leaked and so have static lifetime.
    unsafe {
        functions.0.push(zeroed());
        let mut entry: ffi::zend_module_entry = zeroed();
        entry.size = size_of::<ffi::zend_module_entry>() as u16;
        entry.zend_api = ffi::ZEND_MODULE_API_NO;
        entry.build_id = (&raw const ffi::swoosh_build_id).cast::<c_char>();
        entry.name = E::NAME.as_ptr();
        entry.version = E::VERSION.as_ptr();
        entry.functions = Vec::leak(functions.0).as_ptr();
        entry.deps = dependencies(E::STARTS_AFTER);
        entry.module_startup_func = Some(module_startup::<E>);
        entry.module_shutdown_func = Some(module_shutdown);
        entry.request_startup_func = Some(request_startup);
        entry.request_shutdown_func = Some(request_shutdown::<E>);
        entry.info_func = Some(module_info::<E>);
        Box::leak(Box::new(ModuleEntry(entry)))
    }
}

/// PHP's description of modules that start earlier; leaked, because PHP keeps the pointer.
fn dependencies(names: &[&'static CStr]) -> *const ffi::zend_module_dep {
    let optional = |name: &&'static CStr| ffi::zend_module_dep {
        name: name.as_ptr(),
        rel: std::ptr::null(),
        version: std::ptr::null(),
        type_: ffi::MODULE_DEP_OPTIONAL as u8,
    };
    let mut all: Vec<ffi::zend_module_dep> = names.iter().map(optional).collect();
    // SAFETY: an all-zero entry ends the list.
    all.push(unsafe { zeroed() });
    Vec::leak(all).as_ptr()
}

extern "C" fn module_startup<E: Extension>(_: i32, number: i32) -> ffi::zend_result {
    thread::enter();
    // SAFETY: called in the thread that starts the module, whose globals PHP has created.
    unsafe { ffi::swoosh_enter_thread() };
    match std::panic::catch_unwind(|| E::start_up(&Module { number })) {
        Ok(()) => 0,
        Err(_) => -1,
    }
}

extern "C" fn module_shutdown(_: i32, number: i32) -> ffi::zend_result {
    // SAFETY: PHP passes the number of this module, and no PHP code runs any more.
    unsafe { ffi::zend_unregister_ini_entries(number) };
    0
}

extern "C" fn request_startup(_: i32, _: i32) -> ffi::zend_result {
    // SAFETY: called in a thread that runs PHP, whose globals PHP has created.
    unsafe { ffi::swoosh_enter_thread() };
    // SAFETY: called in PHP's thread, before the script opens a connection.
    unsafe { ffi::swoosh_guard_mysqlnd() };
    object_pool::begin();
    0
}

extern "C" fn request_shutdown<E: Extension>(_: i32, _: i32) -> ffi::zend_result {
    let _ = std::panic::catch_unwind(E::request_end);
    object_pool::end();
    // SAFETY: resets variables of the C side, in PHP's thread.
    unsafe { ffi::swoosh_file_hooks_request_end() };
    0
}

extern "C" fn module_info<E: Extension>(module: *mut ffi::zend_module_entry) {
    let _ = std::panic::catch_unwind(|| E::describe(&mut Info::new()));
    // SAFETY: PHP passes the entry of this module.
    unsafe { ffi::display_ini_entries(module) };
}

/// `CONST_PERSISTENT`.
const PERSISTENT: i32 = 1;
