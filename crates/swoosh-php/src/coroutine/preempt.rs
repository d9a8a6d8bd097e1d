//! Time slices: a thread beats, and a coroutine that has run for a whole beat gives the others their turn between two
//! of its instructions.

use super::{Options, Wait, current, options, with};
use crate::bridge::reactor;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swoosh_zend::{machine, runtime};

thread_local! {
    /// The process whose thread beats, see [`runtime::generation`], plus one; 0: none does.
    static BEATS: Cell<u32> = const { Cell::new(0) };
    /// The switches that were counted at the last beat.
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Whether the thread is to go on.
static WANTED: AtomicBool = AtomicBool::new(false);

/// A coroutine begins: sees to it that the thread beats, where slices are wanted.
#[inline]
pub fn begin() {
    if options(Options::preemptive) && BEATS.get() != runtime::generation() + 1 {
        start();
    }
}

#[cold]
fn start() {
    BEATS.set(runtime::generation() + 1);
    WANTED.store(true, Ordering::Relaxed);
    let beats = || {
        let _ = swoosh::sys::signal::block_all();
        while WANTED.load(Ordering::Relaxed) {
            std::thread::sleep(BEAT);
            machine::interrupt();
        }
    };
    if std::thread::Builder::new().name("swoosh-beat".to_owned()).spawn(beats).is_err() {
        BEATS.set(0);
    }
}

/// Between two instructions of PHP, after a beat of the thread.
pub fn beat() {
    if !options(Options::preemptive) {
        WANTED.store(false, Ordering::Relaxed);
        BEATS.set(0);
        return;
    }
    let switches = with(|s| s.switches.get());
    if SEEN.replace(switches) != switches {
        return;
    }
    if let Some(coroutine) = current()
        && coroutine.preemptible.get()
    {
        reactor::wake(coroutine.next_token());
        // Its exceptions wait for its next instruction, like everybody's.
        let _ = coroutine.wait(Wait::Turn, None);
    }
}

const BEAT: Duration = Duration::from_millis(5);
