//! Preemption: a coroutine that has run for a whole interval of the [`ticker`] yields between two of its instructions.

use super::options::{Options, options};
use super::scheduler::{current, with};
use super::ticker;
use super::types::WaitKind;
use crate::runtime::reactor;
use std::cell::Cell;

thread_local! {
    /// The number of switches at the last interrupt.
    static LAST_SWITCHES: Cell<u64> = const { Cell::new(0) };
}

/// The interrupt handler: runs between two PHP instructions after a tick of the thread.
pub fn on_interrupt() {
    if !options(Options::preemptive) {
        return ticker::stop();
    }
    let switches = with(|s| s.switches.get());
    if LAST_SWITCHES.replace(switches) != switches {
        return;
    }
    if let Some(coroutine) = current()
        && coroutine.preemptible.get()
    {
        reactor::wake(coroutine.next_token());
        // An exception thrown into the wait stays pending until the next instruction.
        let _ = coroutine.wait(WaitKind::Turn, None);
    }
}
