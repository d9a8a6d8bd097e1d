//! VM interrupts: code that runs in PHP's thread between two instructions, requested from any thread.

use super::ffi;

/// Calls `handler` between two PHP instructions after each [`request`]. Call once, during module startup.
pub fn set_handler(handler: fn()) {
    static HANDLER: std::sync::OnceLock<fn()> = std::sync::OnceLock::new();
    unsafe extern "C" fn call() {
        if let Some(handler) = HANDLER.get() {
            let _ = std::panic::catch_unwind(handler);
        }
    }
    let _ = HANDLER.set(handler);
    // SAFETY: stores function pointers in globals; module startup is single-threaded.
    unsafe { ffi::swoosh_set_interrupt_handler(Some(call)) }
}

/// Calls `before`, and `after` with its result, around each call of a function that is not written in PHP, in code that is
/// compiled from now on. The second and later calls do nothing.
pub fn watch_internal_calls(before: fn() -> u64, after: fn(u64)) {
    static BEFORE: std::sync::OnceLock<fn() -> u64> = std::sync::OnceLock::new();
    static AFTER: std::sync::OnceLock<fn(u64)> = std::sync::OnceLock::new();
    unsafe extern "C" fn begin() -> u64 {
        BEFORE.get().map_or(0, |before| before())
    }
    unsafe extern "C" fn end(began: u64) {
        if let Some(after) = AFTER.get() {
            let _ = std::panic::catch_unwind(|| after(began));
        }
    }
    if BEFORE.set(before).is_ok() && AFTER.set(after).is_ok() {
        // SAFETY: stores function pointers in globals that PHP's thread reads, which calls this.
        unsafe { ffi::swoosh_watch_internal_calls(Some(begin), Some(end)) }
    }
}

/// Requests a call of the handler. May be called from any thread.
pub fn request() {
    // SAFETY: stores to two atomics with static lifetime.
    unsafe { ffi::swoosh_interrupt() }
}

/// Like [`request`], with C linkage: async-signal-safe, so it can be installed as a signal handler.
pub extern "C" fn request_from_signal_handler() {
    request();
}

/// Whether PHP has an interrupt to handle, for example a received signal.
#[inline]
pub fn is_pending() -> bool {
    // SAFETY: reads an atomic with static lifetime.
    unsafe { ffi::swoosh_is_interrupted() }
}

/// Handles a pending interrupt while no PHP code runs, as the VM does between two instructions.
pub fn handle_pending() -> super::PhpResult<()> {
    super::callable::guarded(|| {
        // SAFETY: runs in PHP's thread outside of the VM; the guard stops a fatal error's jump.
        unsafe { ffi::swoosh_handle_interrupt() }
    })
}
