//! The timers of a process.

use crate::sys::clock;
use crate::timer::TimerWheel;
use std::cell::{RefCell, RefMut};
use std::time::Duration;

/// The timers of one process. `T`: their code.
pub(crate) struct Timers<T>(RefCell<TimerWheel<T>>);

impl<T> Timers<T> {
    pub(crate) fn new() -> Self {
        Timers(RefCell::new(TimerWheel::new(clock::monotonic_ms())))
    }

    /// How long until the next timer expires.
    pub(crate) fn next_delay(&self) -> Option<Duration> {
        self.0.borrow().time_left(clock::monotonic_nanos)
    }

    /// Number of timers.
    pub(crate) fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// The wheel itself. The borrow must end before a timer's code runs or is dropped: that code may use timers.
    pub(crate) fn wheel(&self) -> RefMut<'_, TimerWheel<T>> {
        self.0.borrow_mut()
    }
}
