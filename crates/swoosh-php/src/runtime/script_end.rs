//! Registers the event loop as a shutdown function once it has something to do, so that it runs when the script ends.

use std::cell::Cell;
use std::sync::OnceLock;
use swoosh_zend::runtime;

/// The shutdown function: it calls `event_loop::run_at_end`.
pub const FUNCTION: &str = "Swoole\\Event::rshutdown";

thread_local! {
    /// Whether the shutdown function is registered. A forked process inherits this together with PHP's shutdown functions.
    static PREPARED: Cell<bool> = const { Cell::new(false) };
    /// Whether the loop has started afresh after a fatal error.
    static RENEWED: Cell<bool> = const { Cell::new(false) };
}

static RENEW: OnceLock<fn()> = OnceLock::new();

/// Sets the function that makes the loop start afresh after a fatal error. Call once, during module startup.
pub fn install(renew: fn()) {
    let _ = RENEW.set(renew);
}

/// Makes the loop run at the end of the script. Call it before the loop gets something to do.
#[inline]
pub fn prepare() {
    if !PREPARED.replace(true) || runtime::has_failed() {
        register();
    }
}

#[cold]
fn register() {
    if runtime::has_failed() {
        if RENEWED.replace(true) {
            return;
        }
        if let Some(renew) = RENEW.get() {
            renew();
        }
    }
    runtime::at_script_end(FUNCTION);
}

/// Whether user code gave the loop something to do after a fatal error.
pub fn is_renewed() -> bool {
    RENEWED.get()
}

/// Forgets the registration at the end of the request.
pub fn request_end() {
    PREPARED.set(false);
    RENEWED.set(false);
}
