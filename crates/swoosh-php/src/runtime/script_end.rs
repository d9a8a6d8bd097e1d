//! Registers the event loop as a shutdown function once it has something to do, so that it runs when the script ends.

use std::cell::Cell;
use swoosh_zend::runtime;

thread_local! {
    /// Whether the shutdown function is registered. A forked process inherits this together with PHP's shutdown functions.
    static PREPARED: Cell<bool> = const { Cell::new(false) };
}

/// Makes the loop run at the end of the script. Call it whenever the loop gets something to do.
#[inline]
pub fn prepare() {
    if !PREPARED.replace(true) {
        runtime::at_script_end("Swoole\\Event::rshutdown");
    }
}

/// Forgets the registration at the end of the request.
pub fn request_end() {
    PREPARED.set(false);
}
