//! The loop runs once more when the script ends, if anything gave it something to do.

use std::cell::Cell;
use swoosh_zend::runtime;

thread_local! {
    /// Whether the script's end runs the loop. A forked process inherits that together with PHP's shutdown functions.
    static PREPARED: Cell<bool> = const { Cell::new(false) };
}

/// Sees to it that the loop runs when the script ends. Called by whatever gives the loop something to do.
#[inline]
pub fn prepare() {
    if !PREPARED.replace(true) {
        runtime::at_script_end("Swoole\\Event::rshutdown");
    }
}

/// The request ends.
pub fn request_end() {
    PREPARED.set(false);
}
