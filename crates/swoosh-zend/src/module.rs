//! The module as PHP sees it: its entry, functions, constants and INI settings.

use super::class::{c_string, function};
use super::{Call, IntoZval, PhpResult, ffi, info::Info, thread};
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
    /// A function: its signature as PHP writes it, and what it does.
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

/// The module while it starts.
#[derive(Debug)]
pub struct Module {
    number: i32,
}

impl Module {
    /// Registers a constant that lives as long as the process.
    pub fn constant(&self, name: &'static str, value: Constant) {
        let (at, len, n) = (name.as_ptr().cast::<c_char>(), name.len(), self.number);
        // SAFETY: called while the module starts, with names and texts that live as long as the process.
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

    /// Registers functions beside those of the module's table. Only while it starts.
    pub fn functions(&self, mut functions: Functions) {
        // SAFETY: an entry of zeros ends the table, which lives as long as the process.
        unsafe {
            functions.0.push(zeroed());
            ffi::zend_register_functions(null_mut(), Vec::leak(functions.0).as_ptr(), null_mut(), PERSISTENT);
        }
    }

    /// Registers INI settings: name and default. They can be set anywhere (`ini_set` included).
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
        // SAFETY: an entry of zeros ends the table, which lives as long as the process.
        unsafe {
            entries.push(zeroed());
            ffi::zend_register_ini_entries(Vec::leak(entries).as_ptr(), self.number);
        }
    }
}

/// An extension: its name and what PHP asks of it. [`entry`] makes the module of it.
pub trait Extension: 'static {
    /// The name under which PHP lists the module.
    const NAME: &'static CStr;
    /// The version that `phpversion(NAME)` returns.
    const VERSION: &'static CStr;
    /// Declares the module's functions. Called before [`start_up`](Self::start_up).
    fn functions(functions: &mut Functions);
    /// The module starts, once in a process: settings, constants, classes, hooks.
    fn start_up(module: &Module);
    /// The request (for a command, the script) ends.
    fn request_end();
    /// Fills the module's part of `phpinfo()`.
    fn describe(info: &mut Info);
}

/// PHP's description of a module.
#[repr(transparent)]
pub struct ModuleEntry(ffi::zend_module_entry);

/// The result of the extension's exported function `get_module`, which PHP calls once when it loads the library.
pub fn entry<E: Extension>() -> *mut ModuleEntry {
    let mut functions = Functions::default();
    E::functions(&mut functions);
    // SAFETY: entries of zeros end a table and are right for every field that is not set; all of it lives as long as
    // the process.
    unsafe {
        functions.0.push(zeroed());
        let mut entry: ffi::zend_module_entry = zeroed();
        entry.size = size_of::<ffi::zend_module_entry>() as u16;
        entry.zend_api = ffi::ZEND_MODULE_API_NO;
        entry.build_id = (&raw const ffi::swoosh_build_id).cast::<c_char>();
        entry.name = E::NAME.as_ptr();
        entry.version = E::VERSION.as_ptr();
        entry.functions = Vec::leak(functions.0).as_ptr();
        entry.module_startup_func = Some(module_startup::<E>);
        entry.module_shutdown_func = Some(module_shutdown);
        entry.request_startup_func = Some(request_startup);
        entry.request_shutdown_func = Some(request_shutdown::<E>);
        entry.info_func = Some(module_info::<E>);
        Box::leak(Box::new(ModuleEntry(entry)))
    }
}

extern "C" fn module_startup<E: Extension>(_: i32, number: i32) -> ffi::zend_result {
    thread::enter();
    match std::panic::catch_unwind(|| E::start_up(&Module { number })) {
        Ok(()) => 0,
        Err(_) => -1,
    }
}

extern "C" fn module_shutdown(_: i32, number: i32) -> ffi::zend_result {
    // SAFETY: the number is the module's own.
    unsafe { ffi::zend_unregister_ini_entries(number) };
    0
}

extern "C" fn request_startup(_: i32, _: i32) -> ffi::zend_result {
    0
}

extern "C" fn request_shutdown<E: Extension>(_: i32, _: i32) -> ffi::zend_result {
    let _ = std::panic::catch_unwind(E::request_end);
    0
}

extern "C" fn module_info<E: Extension>(module: *mut ffi::zend_module_entry) {
    let _ = std::panic::catch_unwind(|| E::describe(&mut Info::new()));
    // SAFETY: PHP hands in its own entry of this module.
    unsafe { ffi::display_ini_entries(module) };
}

/// CONST_PERSISTENT.
const PERSISTENT: i32 = 1;
