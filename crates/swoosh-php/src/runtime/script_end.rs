//! Registers the event loop as a shutdown function once it has something to do, so that it runs when the script ends.

use std::cell::Cell;
use std::sync::OnceLock;
use swoosh_zend::runtime;

/// The shutdown function: it calls `event_loop::run_at_end`.
pub const FUNCTION: &str = "Swoole\\Event::rshutdown";

thread_local! {
    /// Whether the shutdown function is registered. A forked process inherits this together with PHP's shutdown functions.
    static PREPARED: Cell<bool> = const { Cell::new(false) };
    /// Whether the loop has started afresh after the latest fatal error; see `event_loop::renew`.
    static RENEWED: Cell<bool> = const { Cell::new(false) };
}

/// Starts the loop afresh after a fatal error. The loop is above this module, so it registers itself.
static RENEW: OnceLock<fn()> = OnceLock::new();

/// Registers the function that starts the loop afresh. During module startup.
pub fn on_renewal(renew: fn()) {
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

/// Records that a fatal error has ended the loop: it starts afresh if user code gives it something to do.
pub fn loop_failed() {
    RENEWED.set(false);
}

/// Whether user code gave the loop something to do after the latest fatal error.
pub fn is_renewed() -> bool {
    RENEWED.get()
}

/// Forgets the registration at the end of the request.
pub fn request_end() {
    PREPARED.set(false);
    RENEWED.set(false);
}
