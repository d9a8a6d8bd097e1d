//! A thread that asks for an interrupt of PHP code at each beat, as long as time slices are wanted.

use super::options::{Options, options};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swoosh_zend::{interrupt, runtime};

thread_local! {
    /// The process whose thread beats, see [`runtime::generation`], plus one; 0: none does.
    static TICKER_PROCESS: Cell<u32> = const { Cell::new(0) };
}

/// Whether the thread is to go on.
static WANTED: AtomicBool = AtomicBool::new(false);

/// A coroutine begins: sees to it that the thread beats, where slices are wanted.
#[inline]
pub fn begin() {
    if options(Options::preemptive) && TICKER_PROCESS.get() != runtime::generation() + 1 {
        start();
    }
}

#[cold]
fn start() {
    TICKER_PROCESS.set(runtime::generation() + 1);
    WANTED.store(true, Ordering::Relaxed);
    let beats = || {
        let _ = swoosh::sys::signal::block_all();
        while WANTED.load(Ordering::Relaxed) {
            std::thread::sleep(TICK_INTERVAL);
            interrupt::request();
        }
    };
    if std::thread::Builder::new().name("swoosh-ticker".to_owned()).spawn(beats).is_err() {
        TICKER_PROCESS.set(0);
    }
}

/// Ends the thread after its next beat.
pub fn stop() {
    WANTED.store(false, Ordering::Relaxed);
    TICKER_PROCESS.set(0);
}

const TICK_INTERVAL: Duration = Duration::from_millis(5);
