//! Wrappers around PHP's own functions and socket streams.
//!
//! Invariant: wrappers are installed during module startup only, and decide on each call whether to act. Compiled code
//! caches the handler that it saw first, so a wrapper installed later would be bypassed.

use super::{Call, IntoZval, PhpResult, Raised, Zval, ffi};
use std::ffi::{CString, c_char};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

type Handler = unsafe extern "C" fn(*mut ffi::zend_execute_data, *mut ffi::zval);

/// The number of functions that can be wrapped.
pub const MAX_WRAPPERS: usize = 64;

/// The handlers of the wrapped functions.
static ORIGINALS: [AtomicPtr<()>; MAX_WRAPPERS] = [const { AtomicPtr::new(null_mut()) }; MAX_WRAPPERS];

/// Wraps the PHP function `name`. If the wrapper returns `Some`, that is the call's result; with `None` the function itself
/// runs. `N` is the wrapper's own number, below [`MAX_WRAPPERS`]. Does nothing if PHP has no such function. Only during
/// module startup.
pub fn wrap_function<const N: usize, F, R>(name: &str, _: F)
where
    F: Fn(&mut Call<'_>) -> PhpResult<Option<R>> + Copy + 'static,
    R: IntoZval,
{
    const { assert!(N < MAX_WRAPPERS, "the wrapper's number is below MAX_WRAPPERS") };
    const { assert!(size_of::<F>() == 0, "a wrapper captures nothing") };
    let mut original: ffi::zif_handler = None;
    // SAFETY: pointer and length describe `name`; `entry` has the signature of a PHP function handler.
    let exists = unsafe {
        ffi::swoosh_replace_function(name.as_ptr().cast::<c_char>(), name.len(), Some(entry::<N, F, R>), &mut original)
    };
    if exists && let Some(original) = original {
        let other = ORIGINALS[N].swap(original as *mut (), Ordering::Relaxed);
        assert!(other.is_null(), "wrapper number {N} is used twice, now for {name}()");
    }
}

/// Like [`wrap_function`] for code around the function: `before` decides whether it runs, `after` gets its result.
pub fn surround_function<const N: usize, B, A>(name: &str, _: B, _: A)
where
    B: Fn(&mut Call<'_>) -> PhpResult<()> + Copy + 'static,
    A: Fn(&mut Call<'_>, &mut Zval) + Copy + 'static,
{
    const { assert!(N < MAX_WRAPPERS, "the wrapper's number is below MAX_WRAPPERS") };
    const { assert!(size_of::<B>() == 0 && size_of::<A>() == 0, "a wrapper captures nothing") };
    let mut original: ffi::zif_handler = None;
    let entry = entry_around::<N, B, A>;
    // SAFETY: pointer and length describe `name`; `entry` has the signature of a PHP function handler.
    let exists =
        unsafe { ffi::swoosh_replace_function(name.as_ptr().cast::<c_char>(), name.len(), Some(entry), &mut original) };
    if exists && let Some(original) = original {
        let other = ORIGINALS[N].swap(original as *mut (), Ordering::Relaxed);
        assert!(other.is_null(), "wrapper number {N} is used twice, now for {name}()");
    }
}

unsafe extern "C" fn entry_around<const N: usize, B, A>(frame: *mut ffi::zend_execute_data, result: *mut ffi::zval)
where
    B: Fn(&mut Call<'_>) -> PhpResult<()> + Copy + 'static,
    A: Fn(&mut Call<'_>, &mut Zval) + Copy + 'static,
{
    // SAFETY: PHP passes the frame of the running function and a valid result zval. The wrappers are zero-sized (asserted in
    // `surround_function`), so a dangling pointer is valid to read them from. `ORIGINALS` holds the function's own handler,
    // since this entry replaced it. No value of this function needs to be dropped when a fatal error jumps out of the original.
    unsafe {
        let before = catch_unwind(AssertUnwindSafe(|| {
            let before = std::ptr::NonNull::<B>::dangling().read();
            before(&mut Call::new(frame))
        }));
        match before {
            Ok(Ok(())) => {}
            Ok(Err(Raised::Bailout)) => ffi::swoosh_bailout(),
            Ok(Err(_)) => return,
            Err(_) => {
                super::error::throw_error("internal error in a hooked function, please report it");
                return;
            }
        }
        let original = ORIGINALS[N].load(Ordering::Relaxed);
        std::mem::transmute::<*mut (), Handler>(original)(frame, result);
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let after = std::ptr::NonNull::<A>::dangling().read();
            after(&mut Call::new(frame), &mut *result.cast::<Zval>());
        }));
    }
}

unsafe extern "C" fn entry<const N: usize, F, R>(frame: *mut ffi::zend_execute_data, result: *mut ffi::zval)
where
    F: Fn(&mut Call<'_>) -> PhpResult<Option<R>> + Copy + 'static,
    R: IntoZval,
{
    // SAFETY: PHP passes the frame of the running function and a valid result zval. `F` is zero-sized (asserted in
    // `wrap_function`), so a dangling pointer is valid to read it from. `ORIGINALS` holds null or a `Handler`.
    unsafe {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let handler = std::ptr::NonNull::<F>::dangling().read();
            handler(&mut Call::new(frame))
        }));
        match outcome {
            Ok(Ok(Some(value))) => value.write(&mut *result.cast::<Zval>()),
            Ok(Ok(None)) => {
                let original = ORIGINALS[N].load(Ordering::Relaxed);
                if !original.is_null() {
                    std::mem::transmute::<*mut (), Handler>(original)(frame, result);
                }
            }
            Ok(Err(Raised::Bailout)) => ffi::swoosh_bailout(),
            Ok(Err(_)) => {}
            Err(_) => drop(super::error::throw_error("internal error in a hooked function, please report it")),
        }
    }
}

/// Registers PHP's function `of` under a second name, both in lower case. Does nothing if PHP has no such function. Only
/// during module startup.
pub fn alias_function(name: &str, of: &str) {
    // SAFETY: pointers and lengths describe the texts, which PHP copies.
    unsafe {
        ffi::swoosh_alias_function(name.as_ptr().cast::<c_char>(), name.len(), of.as_ptr().cast::<c_char>(), of.len())
    };
}

/// Whether a module of PHP with this name, in lower case, is loaded.
pub fn is_module_loaded(name: &str) -> bool {
    // SAFETY: pointer and length describe `name`.
    unsafe { ffi::swoosh_module_loaded(name.as_ptr().cast::<c_char>(), name.len()) }
}

/// How a stream's wait for its descriptor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamWait {
    /// The descriptor is ready.
    Ready,
    /// The timeout expired.
    TimedOut,
    /// The wait was cancelled; the stream operation fails.
    Cancelled,
    /// The stream was closed during the wait.
    Closed,
}

/// How the host of a stream was resolved.
#[derive(Debug)]
pub enum Resolution {
    /// It is an address already.
    NotNeeded,
    /// Its address, with the port.
    Address(SocketAddr),
    /// The addresses of a service, to be tried in order.
    Service(Vec<SocketAddr>),
    /// It has no address.
    NotFound,
}

/// The functions that socket streams call in place of blocking system calls.
pub struct StreamHooks {
    /// Waits until a descriptor is readable (or writable). A negative number of seconds means no timeout.
    pub wait: fn(descriptor: i32, write: bool, seconds: f64) -> StreamWait,
    /// Whether new streams of a kind (a `SWOOLE_HOOK_*` bit) are hooked; for 0: whether the caller may wait.
    pub is_enabled: fn(flag: i64) -> bool,
    /// Resolves `host:port`.
    pub resolve: fn(name: &str) -> Resolution,
    /// A descriptor is about to be closed: ends all waits for it before it returns.
    pub before_close: fn(descriptor: i32),
    /// Whether the caller may read, write or both; throws if another coroutine waits for that.
    pub may_use: fn(descriptor: i32, read: bool, write: bool) -> bool,
    /// Whether the caller's last wait was cancelled.
    pub was_cancelled: fn() -> bool,
}

static STREAM_HOOKS: OnceLock<StreamHooks> = OnceLock::new();

/// Hooks the socket streams. Only during module startup.
pub fn install_stream_hooks(hooks: StreamHooks) {
    let _ = STREAM_HOOKS.set(hooks);
    // SAFETY: all six are functions with the declared signatures and static lifetime.
    unsafe {
        ffi::swoosh_install_stream_hooks(
            Some(wait),
            Some(is_enabled),
            Some(resolve),
            Some(before_close),
            Some(may_use),
            Some(was_cancelled),
        )
    }
}

unsafe extern "C" fn wait(descriptor: i32, write: bool, seconds: f64) -> i32 {
    let waited = STREAM_HOOKS
        .get()
        .and_then(|hooks| catch_unwind(|| (hooks.wait)(descriptor, write, seconds)).ok())
        .unwrap_or(StreamWait::Cancelled);
    match waited {
        StreamWait::Ready => 1,
        StreamWait::TimedOut => 0,
        StreamWait::Cancelled => -1,
        StreamWait::Closed => -2,
    }
}

unsafe extern "C" fn is_enabled(flag: i32) -> bool {
    STREAM_HOOKS.get().is_some_and(|hooks| catch_unwind(|| (hooks.is_enabled)(i64::from(flag))).unwrap_or(false))
}

unsafe extern "C" fn resolve(name: *const c_char, length: usize, addresses: *mut c_char, room: usize) -> isize {
    // SAFETY: `stream.c` passes the stream's own name and its length, and keeps it for the duration of the call.
    let name = unsafe { std::slice::from_raw_parts(name.cast::<u8>(), length) };
    let resolution = std::str::from_utf8(name).ok().zip(STREAM_HOOKS.get()).and_then(|(name, hooks)| {
        // Copied, because other coroutines run during the lookup and may change the stream.
        let name = name.to_owned();
        catch_unwind(|| (hooks.resolve)(&name)).ok()
    });
    let text = match resolution {
        Some(Resolution::Address(address)) => address.to_string(),
        Some(Resolution::Service(addresses)) => lines(&addresses, room - 1),
        Some(Resolution::NotFound) => return -1,
        Some(Resolution::NotNeeded) | None => return 0,
    };
    assert!(text.len() < room, "an address fits into the buffer");
    // SAFETY: `addresses` has room for `room` bytes, and the assertion leaves one for the terminating zero byte.
    unsafe {
        std::ptr::copy_nonoverlapping(text.as_ptr(), addresses.cast::<u8>(), text.len());
        *addresses.add(text.len()) = 0;
    }
    text.len() as isize
}

unsafe extern "C" fn before_close(descriptor: i32) {
    if let Some(hooks) = STREAM_HOOKS.get() {
        let _ = catch_unwind(|| (hooks.before_close)(descriptor));
    }
}

unsafe extern "C" fn may_use(descriptor: i32, read: bool, write: bool) -> bool {
    STREAM_HOOKS.get().is_none_or(|hooks| catch_unwind(|| (hooks.may_use)(descriptor, read, write)).unwrap_or(false))
}

unsafe extern "C" fn was_cancelled() -> bool {
    STREAM_HOOKS.get().is_some_and(|hooks| catch_unwind(hooks.was_cancelled).unwrap_or(false))
}

/// One line for each address, as many as fit into `room` bytes.
fn lines(addresses: &[SocketAddr], room: usize) -> String {
    let mut lines = String::new();
    for line in addresses.iter().map(|address| format!("{address}\n")) {
        if lines.len() + line.len() <= room {
            lines += &line;
        }
    }
    lines
}

/// Whether a stream has bytes in its read buffer.
pub fn stream_has_buffered(stream: &Zval) -> bool {
    // SAFETY: the check before shows a live resource zval; the C function verifies that it is a stream.
    stream.resource_id().is_some()
        && unsafe { ffi::swoosh_stream_has_buffered(stream.dereferenced().as_ptr().cast_mut()) }
}

/// Whether a flow of execution may load a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Autoload {
    /// It calls the autoloader.
    Load,
    /// Another one has ended its load: the class is looked up again.
    LookUp,
    /// The class counts as not found.
    NotFound,
}

/// The functions that are called around the autoloader.
pub struct AutoloadHooks {
    /// The class with this name, in lower case, is about to be loaded. May suspend the caller.
    pub begin: fn(name: &[u8]) -> Autoload,
    /// The load that `begin` allowed is over.
    pub end: fn(name: &[u8]) -> PhpResult<()>,
    /// Whether the running coroutine is loading the class. It then loads what the class needs before it declares it.
    pub is_loader: fn(name: &[u8]) -> bool,
}

static AUTOLOAD_HOOKS: OnceLock<AutoloadHooks> = OnceLock::new();

/// Hooks the autoloader. PHP's own guard against a class that needs itself to be loaded is replaced by `begin`. Only during
/// module startup.
pub fn install_autoload_hooks(hooks: AutoloadHooks) {
    let _ = AUTOLOAD_HOOKS.set(hooks);
    // SAFETY: these are functions with the declared signatures and static lifetime.
    unsafe {
        ffi::swoosh_install_autoload_hooks(Some(autoload_begin), Some(autoload_end), Some(autoload_is_loader));
    }
}

unsafe extern "C" fn autoload_begin(name: *const c_char, length: usize) -> i32 {
    // SAFETY: `shim.c` passes a string's bytes and length, and keeps the string for the duration of the call.
    let name = unsafe { std::slice::from_raw_parts(name.cast::<u8>(), length) };
    let answer = AUTOLOAD_HOOKS.get().and_then(|hooks| catch_unwind(|| (hooks.begin)(name)).ok());
    match answer {
        Some(Autoload::Load) => 1,
        Some(Autoload::LookUp) => 0,
        Some(Autoload::NotFound) | None => -1,
    }
}

unsafe extern "C" fn autoload_is_loader(name: *const c_char, length: usize) -> bool {
    // SAFETY: as in `autoload_begin`.
    let name = unsafe { std::slice::from_raw_parts(name.cast::<u8>(), length) };
    AUTOLOAD_HOOKS.get().is_some_and(|hooks| catch_unwind(|| (hooks.is_loader)(name)).unwrap_or(false))
}

unsafe extern "C" fn autoload_end(name: *const c_char, length: usize) {
    // SAFETY: as in `autoload_begin`.
    let name = unsafe { std::slice::from_raw_parts(name.cast::<u8>(), length) };
    if let Some(hooks) = AUTOLOAD_HOOKS.get() {
        let ended = catch_unwind(|| (hooks.end)(name));
        if let Ok(Err(Raised::Bailout)) = ended {
            // SAFETY: runs inside PHP; no frame between here and PHP's guard has anything to drop.
            unsafe { ffi::swoosh_bailout() }
        }
    }
}

/// How a class of the extension's library comes into being.
pub enum LibraryClass {
    /// By running a file: its name, and its source without the opening tag.
    Source(CString, String),
    /// As another name of a class.
    Alias(String),
}

/// Finds a class of the library by its name in lower case; `None` if there is none.
pub type FindLibraryClass = fn(class: &[u8]) -> Option<LibraryClass>;

static LIBRARY: OnceLock<FindLibraryClass> = OnceLock::new();

/// Makes classes that are written in PHP part of the extension: `find` is asked before the autoloader. Only during module
/// startup, after [`install_autoload_hooks`].
pub fn install_library(find: FindLibraryClass) {
    let _ = LIBRARY.set(find);
    // SAFETY: a function with the declared signature and static lifetime.
    unsafe {
        ffi::swoosh_install_library(Some(library_load));
        ffi::swoosh_install_early_binding(Some(library_load));
    }
}

unsafe extern "C" fn library_load(name: *const c_char, length: usize) -> bool {
    // SAFETY: `shim.c` passes a string's bytes and length, and keeps the string for the duration of the call.
    let name = unsafe { std::slice::from_raw_parts(name.cast::<u8>(), length) };
    let Some(class) = LIBRARY.get().and_then(|find| catch_unwind(|| find(name)).ok()).flatten() else {
        return false;
    };
    let mut is_there = true;
    let failed = super::callable::guarded(|| match &class {
        // SAFETY: pointer and length describe `source`, which like the C string `file` outlives the guarded call.
        LibraryClass::Source(file, source) => unsafe {
            ffi::swoosh_run_source(source.as_ptr().cast::<c_char>(), source.len(), file.as_ptr());
        },
        // SAFETY: pointers and lengths describe `target` and `name`, which outlive the call.
        LibraryClass::Alias(target) => unsafe {
            is_there = ffi::swoosh_alias_class(
                target.as_ptr().cast::<c_char>(),
                target.len(),
                name.as_ptr().cast::<c_char>(),
                name.len(),
            );
        },
    });
    drop(class);
    if let Err(Raised::Bailout) = failed {
        // SAFETY: runs inside PHP; no frame between here and PHP's guard has anything to drop.
        unsafe { ffi::swoosh_bailout() }
    }
    is_there
}

/// Gets the name of a static property without its dollar sign, and the file and line that are about to write it. Must not call
/// PHP code.
pub type StaticWrite = fn(name: &str, file: &str, line: u32);

static STATIC_WRITE: OnceLock<StaticWrite> = OnceLock::new();

/// Reports every write to a static property. Only during module startup.
pub fn watch_static_writes(report: StaticWrite) {
    let _ = STATIC_WRITE.set(report);
    // SAFETY: a function with the declared signature and static lifetime.
    unsafe { ffi::swoosh_watch_static_writes(Some(write_seen)) }
}

unsafe extern "C" fn write_seen(
    name: *const c_char,
    length: usize,
    file: *const c_char,
    file_length: usize,
    line: u32,
) {
    // SAFETY: `state_writes.c` passes the bytes and lengths of two strings, and keeps them for the duration of the call.
    let (name, file) = unsafe {
        (
            std::slice::from_raw_parts(name.cast::<u8>(), length),
            std::slice::from_raw_parts(file.cast::<u8>(), file_length),
        )
    };
    if let Some(report) = STATIC_WRITE.get() {
        let _ = catch_unwind(|| report(&String::from_utf8_lossy(name), &String::from_utf8_lossy(file), line));
    }
}
