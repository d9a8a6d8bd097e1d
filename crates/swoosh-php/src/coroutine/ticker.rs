//! A thread that requests a VM interrupt at a fixed interval while the preemptive scheduler is enabled.

use super::options::{Options, options};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swoosh_zend::{interrupt, runtime};

thread_local! {
    /// The generation ([`runtime::generation`]) of the process that runs the thread, plus one; 0 if none does.
    static TICKER_PROCESS: Cell<u32> = const { Cell::new(0) };
}

/// Whether the thread should continue.
static ENABLED: AtomicBool = AtomicBool::new(false);

/// Starts the thread if preemption is enabled and it does not run yet in this process.
#[inline]
pub(super) fn ensure_started() {
    if options(Options::preemptive) && TICKER_PROCESS.get() != runtime::generation() + 1 {
        start();
    }
}

#[cold]
fn start() {
    TICKER_PROCESS.set(runtime::generation() + 1);
    ENABLED.store(true, Ordering::Relaxed);
    let tick = || {
        let _ = swoosh::sys::signal::block_all();
        while ENABLED.load(Ordering::Relaxed) {
            std::thread::sleep(TICK_INTERVAL);
            interrupt::request();
        }
    };
    if std::thread::Builder::new().name("swoosh-ticker".to_owned()).spawn(tick).is_err() {
        TICKER_PROCESS.set(0);
    }
}

/// Ends the thread after its next tick.
pub(super) fn stop() {
    ENABLED.store(false, Ordering::Relaxed);
    TICKER_PROCESS.set(0);
}

/// The time slice of a coroutine.
const TICK_INTERVAL: Duration = Duration::from_millis(5);
