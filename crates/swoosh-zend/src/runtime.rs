//! Other services of PHP: INI settings, script end, serialisation, descriptors of streams, the object store, and fork
//! detection.

use super::{Array, Object, ZStr, Zval, ffi};
use nix::sys::signal::{SigSet, SigmaskHow};
use std::cell::Cell;
use std::ffi::c_char;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The text of an INI setting.
pub fn ini_string(name: &str) -> Option<String> {
    with_ini(name, |text| text.to_string_lossy().into_owned())
}

/// The number that is the text of an INI setting; `None` if it is not set, not a number or negative.
pub fn ini_number(name: &str) -> Option<usize> {
    with_ini(name, |text| text.to_str().ok()?.trim().parse().ok())?
}

/// `max_input_vars`, the number of variables in a query, a form or a cookie.
pub fn max_input_vars() -> usize {
    // SAFETY: reads a global of PHP, in PHP's thread.
    usize::try_from(unsafe { ffi::swoosh_max_input_vars() }).unwrap_or(0)
}

fn with_ini<T>(name: &str, read: impl FnOnce(&std::ffi::CStr) -> T) -> Option<T> {
    // SAFETY: pointer and length describe `name`; PHP returns null or a C string that it owns, and `read` runs no PHP code
    // that could change it.
    unsafe {
        let mut exists = false;
        let value = ffi::zend_ini_string_ex(name.as_ptr().cast::<c_char>(), name.len(), 0, &mut exists);
        (exists && !value.is_null()).then(|| read(std::ffi::CStr::from_ptr(value)))
    }
}

/// Whether an INI setting is enabled: a nonzero number, `on`, `yes` or `true`.
pub fn ini_bool(name: &str) -> bool {
    ini_string(name).is_some_and(|value| {
        let value = value.trim();
        ["on", "yes", "true"].iter().any(|word| value.eq_ignore_ascii_case(word))
            || value.parse().is_ok_and(|n: i64| n != 0)
    })
}

/// Registers a function or static method, by name, as a shutdown function.
pub fn at_script_end(function: &str) {
    // SAFETY: pointer and length describe `function`, which PHP copies.
    unsafe { ffi::swoosh_at_script_end(function.as_ptr().cast::<c_char>(), function.len()) }
}

/// While PHP runs the shutdown functions: runs those from index `first` on that are behind the `nth` one that is called
/// `function` (counted from 1). Returns the index at which the next call begins. A fatal error in one skips all others.
pub fn call_later_shutdown_functions(function: &str, nth: u32, first: u64) -> u64 {
    // The error that ended the caller is raised again afterwards.
    let mut next = u64::MAX;
    let _ = super::callable::guarded(|| {
        let (name, length) = (function.as_ptr().cast::<c_char>(), function.len());
        // SAFETY: pointer and length describe `function`, which is only compared; runs in PHP's thread.
        next = unsafe { ffi::swoosh_call_later_shutdown_functions(name, length, nth, first) };
    });
    next
}

/// Whether PHP runs one of its own functions with one of these names.
pub fn is_running(names: &[&str]) -> bool {
    running_name().is_some_and(|running| names.contains(&running.as_str()))
}

/// File and line of the innermost PHP code that runs.
pub fn running_line() -> (String, u32) {
    let mut file = std::ptr::null();
    // SAFETY: the C function stores a C string in the local, also if no PHP code runs.
    let line = unsafe { ffi::swoosh_running_line(&mut file) };
    // SAFETY: the name lives as long as the running code, and is copied here.
    (unsafe { std::ffi::CStr::from_ptr(file) }.to_string_lossy().into_owned(), line)
}

/// The function or method that runs, if it is one of PHP's own or of an extension.
pub fn running_name() -> Option<String> {
    let mut class = std::ptr::null();
    // SAFETY: the C function reads the innermost frame, and stores null or a class's name in the local.
    let function = unsafe { ffi::swoosh_running_function(&mut class) };
    if function.is_null() {
        return None;
    }
    // SAFETY: a function's name is a C string that lives as long as the function, which runs.
    let function = unsafe { std::ffi::CStr::from_ptr(function) }.to_string_lossy();
    if class.is_null() {
        return Some(function.into_owned());
    }
    // SAFETY: a class's name is a C string that lives as long as its method, which runs.
    let class = unsafe { std::ffi::CStr::from_ptr(class) }.to_string_lossy();
    Some(format!("{class}::{function}"))
}

/// Whether a fatal error has ended the script.
pub fn has_failed() -> bool {
    // SAFETY: reads globals, which belong to the thread that runs PHP.
    unsafe { ffi::swoosh_has_failed() }
}

/// Serialises a value like `serialize()`; `None` if that threw.
pub fn serialize(value: &Zval) -> Option<ZStr> {
    let mut result = Zval::undef();
    // SAFETY: `value` is a valid zval that PHP only reads; `result` is a zval to be overwritten.
    unsafe { ffi::swoosh_serialize(value.as_ptr().cast_mut(), result.as_mut_ptr()) };
    result.string().cloned()
}

/// Restores a serialised value like `unserialize()`; `None` if the input is invalid.
pub fn unserialize(bytes: &[u8]) -> Option<Zval> {
    let mut result = Zval::undef();
    // SAFETY: pointer and length describe `bytes`; `result` is a zval to be overwritten.
    let good = unsafe { ffi::swoosh_unserialize(result.as_mut_ptr(), bytes.as_ptr().cast::<c_char>(), bytes.len()) };
    good.then_some(result)
}

/// Restores a serialised value like `unserialize($bytes, $options)`. Warnings name `function`.
pub fn unserialize_with(bytes: &[u8], options: Option<&Array>, function: &std::ffi::CStr) -> Zval {
    let mut result = Zval::null();
    // SAFETY: pointer and length describe `bytes`; `options` is null or a live array, `function` a C string, and `result` a
    // zval to be overwritten.
    unsafe {
        ffi::php_unserialize_with_options(
            result.as_mut_ptr(),
            bytes.as_ptr().cast::<c_char>(),
            bytes.len(),
            options.map_or(std::ptr::null_mut(), |array| array.0.as_ptr()),
            function.as_ptr(),
        );
    }
    result
}

/// Parses JSON like `json_decode()`; `null` if the input is invalid.
pub fn json_decode(bytes: &ZStr, flags: i64, depth: i64) -> Zval {
    let mut result = Zval::null();
    let bytes = bytes.as_bytes();
    // SAFETY: a PHP string ends with a zero byte, which the parser reads; `result` is a zval to be overwritten.
    unsafe {
        ffi::php_json_decode_ex(result.as_mut_ptr(), bytes.as_ptr().cast::<c_char>(), bytes.len(), flags, depth);
    }
    result
}

/// Looks up a class, which loads it if it is not declared yet. The caller checks for a pending exception.
pub fn load_class(name: &[u8]) {
    // SAFETY: pointer and length describe `name`, which PHP copies.
    unsafe { ffi::swoosh_load_class(name.as_ptr().cast::<c_char>(), name.len()) }
}

/// The descriptor of a stream or of a Socket object.
pub fn descriptor(value: &Zval) -> Option<i32> {
    if value.resource_id().is_some() {
        // SAFETY: the check before shows a valid resource zval; PHP verifies that it is a stream.
        let fd = unsafe { ffi::swoosh_stream_descriptor(value.dereferenced().as_ptr().cast_mut()) };
        return (fd >= 0).then_some(fd);
    }
    let object = value.object()?;
    if object.class().name() == "Socket" {
        // SAFETY: the name is that of the final class of ext/sockets, whose objects start with the descriptor.
        let fd = unsafe { ffi::swoosh_socket_descriptor(object.0.as_ptr()) };
        return (fd >= 0).then_some(fd);
    }
    None
}

/// The number of live objects.
pub fn count_objects() -> u32 {
    // SAFETY: reads the object store, which belongs to the thread that runs PHP.
    unsafe { ffi::swoosh_count_objects() }
}

/// The number of live resources.
pub fn count_resources() -> u32 {
    // SAFETY: reads the resource list, which belongs to the thread that runs PHP.
    unsafe { ffi::swoosh_count_resources() }
}

/// The live object with that handle.
pub fn object_by_handle(handle: u64) -> Option<Object> {
    // SAFETY: PHP returns null or a live object, to which `clone` adds a reference.
    unsafe {
        let object = ffi::swoosh_object_by_handle(handle);
        (!object.is_null()).then(|| (*(&raw const object).cast::<Object>()).clone())
    }
}

/// One more than the highest handle in use.
pub fn object_handles() -> u32 {
    // SAFETY: reads the object store, which belongs to the thread that runs PHP.
    unsafe { ffi::swoosh_object_handles() }
}

/// PHP's hash of a string.
pub fn string_hash(bytes: &[u8]) -> u64 {
    // SAFETY: pointer and length describe `bytes`.
    unsafe { ffi::swoosh_string_hash(bytes.as_ptr().cast::<c_char>(), bytes.len()) }
}

/// The number of forks between the process that loaded the module and this one. State that does not survive a fork stores
/// this number and is stale if it has changed.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Hooks of [`install_fork_hooks`]. Both run inside fork(2), so they must neither take a lock nor panic.
#[derive(Clone, Copy)]
pub struct ForkHooks {
    /// Whether the extension itself performs the current fork, and prepares the child.
    pub is_managed: fn() -> bool,
    /// Called in every other child before it continues and before it receives any signal.
    pub child: fn(),
}

/// Starts counting forks. Call once, during module startup.
pub fn install_fork_hooks(hooks: ForkHooks) {
    fn is_managed() -> bool {
        FORK_HOOKS.get().is_none_or(|hooks| (hooks.is_managed)())
    }
    extern "C" fn before() {
        if !is_managed() {
            SAVED_MASK.set(SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).ok());
        }
    }
    extern "C" fn after() {
        if let Some(mask) = SAVED_MASK.take() {
            let _ = mask.thread_set_mask();
        }
    }
    extern "C" fn child() {
        GENERATION.fetch_add(1, Ordering::Relaxed);
        if !is_managed()
            && let Some(hooks) = FORK_HOOKS.get()
        {
            (hooks.child)();
        }
        after();
    }
    let _ = FORK_HOOKS.set(hooks);
    // SAFETY: pthread_atfork(3): the handlers access only atomics, thread-local cells and the signal mask, and call hooks that
    // take no lock, so they are safe in the child of a multithreaded process.
    unsafe { libc::pthread_atfork(Some(before), Some(after), Some(child)) };
}

thread_local! {
    /// The signal mask before the current fork, during which all signals are blocked.
    static SAVED_MASK: Cell<Option<SigSet>> = const { Cell::new(None) };
}
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// See [`install_fork_hooks`].
static FORK_HOOKS: OnceLock<ForkHooks> = OnceLock::new();

/// Flushes PHP's output and exits without running shutdown functions or destructors. For forked processes that do not own
/// the script.
pub fn end_process(code: i32) -> ! {
    // SAFETY: runs in PHP's thread; the C function sets a bailout guard.
    unsafe { ffi::swoosh_flush_output() };
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Runs the script's end (shutdown functions, destructors, output) and exits without returning through the caller's frames.
/// For forked processes that own a copy of the script but have their parent's loop below them.
pub fn end_script(code: i32) -> ! {
    super::error::clear();
    let _ = super::callable::guarded(|| {
        // SAFETY: runs in PHP's thread; no PHP frame below this continues, since the process exits afterwards.
        unsafe { ffi::swoosh_end_script() }
    });
    let status = exit_status();
    end_process(if status == 0 { code } else { status })
}

/// The exit status set by `exit` or a fatal error.
pub fn exit_status() -> i32 {
    // SAFETY: reads a global, which belongs to the thread that runs PHP.
    unsafe { ffi::swoosh_exit_status() }
}

/// Sets the exit status of the script.
pub fn set_exit_status(status: i32) {
    // SAFETY: writes a global, which belongs to the thread that runs PHP.
    unsafe { ffi::swoosh_set_exit_status(status) }
}
