//! The rest of PHP that the extension asks: settings, the script's end, serialising, streams, the store of objects.

use super::{Array, Object, ZStr, Zval, ffi};
use nix::sys::signal::{SigSet, SigmaskHow};
use std::cell::Cell;
use std::ffi::c_char;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// An INI setting as text.
pub fn ini_string(name: &str) -> Option<String> {
    // SAFETY: the bytes of one slice; the result is a C string that PHP holds.
    unsafe {
        let mut exists = false;
        let value = ffi::zend_ini_string_ex(name.as_ptr().cast::<c_char>(), name.len(), 0, &mut exists);
        (exists && !value.is_null()).then(|| std::ffi::CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

/// An INI setting as a switch: `1`, `on`, `yes` and `true` say yes.
pub fn ini_bool(name: &str) -> bool {
    ini_string(name).is_some_and(|value| {
        let value = value.trim();
        ["on", "yes", "true"].iter().any(|word| value.eq_ignore_ascii_case(word))
            || value.parse().is_ok_and(|n: i64| n != 0)
    })
}

/// Calls a function or static method of that name when the script ends.
pub fn at_script_end(function: &str) {
    // SAFETY: the bytes of one slice; PHP copies the name.
    unsafe { ffi::swoosh_at_script_end(function.as_ptr().cast::<c_char>(), function.len()) }
}

/// Whether the script ended with a fatal error already.
pub fn has_failed() -> bool {
    // SAFETY: reads globals of this one thread.
    unsafe { ffi::swoosh_has_failed() }
}

/// What `serialize` gives; `None` if that threw.
pub fn serialize(value: &Zval) -> Option<ZStr> {
    let mut result = Zval::undef();
    // SAFETY: a live zval, which PHP only reads, and a place for the result.
    unsafe { ffi::swoosh_serialize(value.as_ptr().cast_mut(), result.as_mut_ptr()) };
    result.string().cloned()
}

/// What `unserialize` gives; `None` where the bytes are no serialised value.
pub fn unserialize(bytes: &[u8]) -> Option<Zval> {
    let mut result = Zval::undef();
    // SAFETY: the bytes of one slice, and a place for the result.
    let good = unsafe { ffi::swoosh_unserialize(result.as_mut_ptr(), bytes.as_ptr().cast::<c_char>(), bytes.len()) };
    good.then_some(result)
}

/// What `unserialize($bytes, $options)` gives, with its warnings in the name of `function`.
pub fn unserialize_with(bytes: &[u8], options: Option<&Array>, function: &std::ffi::CStr) -> Zval {
    let mut result = Zval::null();
    // SAFETY: the bytes of one slice, a live array or none, a C string, and a place for the result.
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

/// What `json_decode` gives; `null` where the bytes are no JSON. `bytes` must be followed by a byte that PHP may read.
pub fn json_decode(bytes: &ZStr, flags: i64, depth: i64) -> Zval {
    let mut result = Zval::null();
    let bytes = bytes.as_bytes();
    // SAFETY: the bytes of one string of PHP's, which a zero byte ends, and a place for the result.
    unsafe {
        ffi::php_json_decode_ex(result.as_mut_ptr(), bytes.as_ptr().cast::<c_char>(), bytes.len(), flags, depth);
    }
    result
}

/// The descriptor of a stream or of a Socket object.
pub fn descriptor(value: &Zval) -> Option<i32> {
    if value.resource_id().is_some() {
        // SAFETY: a live zval; PHP checks that the resource is a stream.
        let fd = unsafe { ffi::swoosh_stream_descriptor(value.deref().as_ptr().cast_mut()) };
        return (fd >= 0).then_some(fd);
    }
    let object = value.object()?;
    if object.class().name() == "Socket" {
        // SAFETY: `Socket` is a final class of ext/sockets, whose objects begin with the descriptor.
        let fd = unsafe { ffi::swoosh_socket_descriptor(object.0.as_ptr()) };
        return (fd >= 0).then_some(fd);
    }
    None
}

/// How many objects live.
pub fn count_objects() -> u32 {
    // SAFETY: reads the store of this one thread.
    unsafe { ffi::swoosh_count_objects() }
}

/// How many resources live.
pub fn count_resources() -> u32 {
    // SAFETY: as above.
    unsafe { ffi::swoosh_count_resources() }
}

/// The living object with that handle.
pub fn object_by_handle(handle: u64) -> Option<Object> {
    // SAFETY: what is found is alive; `clone` takes a count of our own.
    unsafe {
        let object = ffi::swoosh_object_by_handle(handle);
        (!object.is_null()).then(|| (*(&raw const object).cast::<Object>()).clone())
    }
}

/// One more than the highest handle in use.
pub fn object_handles() -> u32 {
    // SAFETY: reads a number of this one thread.
    unsafe { ffi::swoosh_object_handles() }
}

/// PHP's own hash of a string.
pub fn string_hash(bytes: &[u8]) -> u64 {
    // SAFETY: the bytes of one slice.
    unsafe { ffi::swoosh_string_hash(bytes.as_ptr().cast::<c_char>(), bytes.len()) }
}

/// How many forks lie between the process that loaded the module and this one. Holders of things that do not survive a
/// fork compare it with what it was.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// What [`install_fork_hooks`] asks of the extension. Both run inside fork(2): they must neither wait for a lock nor panic.
#[derive(Clone, Copy)]
pub struct ForkHooks {
    /// Whether the fork that is going on is one of the extension's own, which prepares its child itself.
    pub is_managed: fn() -> bool,
    /// Called in every other child, before its code goes on and before any signal reaches it.
    pub child: fn(),
}

/// Begins to count forks. Once, when the module starts.
pub fn install_fork_hooks(hooks: ForkHooks) {
    fn is_managed() -> bool {
        FORK_HOOKS.get().is_none_or(|hooks| (hooks.is_managed)())
    }
    extern "C" fn before() {
        if !is_managed() {
            HELD_BACK.set(SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).ok());
        }
    }
    extern "C" fn after() {
        if let Some(mask) = HELD_BACK.take() {
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
    // SAFETY: pthread_atfork(3); the handlers touch atomics, cells of this thread and its signal mask, and call hooks that
    // promise to do no more.
    unsafe { libc::pthread_atfork(Some(before), Some(after), Some(child)) };
}

thread_local! {
    /// The signals that this thread held back before the fork that is going on.
    static HELD_BACK: Cell<Option<SigSet>> = const { Cell::new(None) };
}
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// See [`install_fork_hooks`].
static FORK_HOOKS: OnceLock<ForkHooks> = OnceLock::new();

/// Ends this process at once: its output is sent, but no shutdown function and no destructor runs. For processes whose
/// script is their parent's.
pub fn end_process(code: i32) -> ! {
    // SAFETY: ends PHP's output buffers under a guard of its own.
    unsafe { ffi::swoosh_flush_output() };
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Ends the script, as its end does: shutdown functions, destructors, output; and then this process at once. For processes
/// that are programs of their own, but have their parent's loop below them.
pub fn end_script(code: i32) -> ! {
    super::error::clear();
    let _ = super::callable::guarded(|| {
        // SAFETY: nothing of PHP's below this runs on; it stops what jumps by guards of its own.
        unsafe { ffi::swoosh_end_script() }
    });
    let ended_with = exit_status();
    end_process(if ended_with == 0 { code } else { ended_with })
}

/// The exit status that `exit` or a fatal error chose.
pub fn exit_status() -> i32 {
    // SAFETY: reads a global of this one thread.
    unsafe { ffi::swoosh_exit_status() }
}
