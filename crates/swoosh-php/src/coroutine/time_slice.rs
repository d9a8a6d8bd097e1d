//! A coroutine that has run for a whole beat of the [`ticker`] gives the others their turn between two of its
//! instructions.

use super::options::{Options, options};
use super::scheduler::{current, with};
use super::ticker;
use super::types::WaitKind;
use crate::runtime::reactor;
use std::cell::Cell;

thread_local! {
    /// The switches that were counted at the last beat.
    static SEEN: Cell<u64> = const { Cell::new(0) };
}

/// Between two instructions of PHP, after a beat of the thread.
pub fn on_interrupt() {
    if !options(Options::preemptive) {
        return ticker::stop();
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
        let _ = coroutine.wait(WaitKind::Turn, None);
    }
}
