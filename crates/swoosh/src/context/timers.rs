//! Timers of programs in Rust.

use super::{Context, TimerFn};
use crate::sys::clock;
use crate::timer::TimerId;
use std::rc::Rc;
use std::time::Duration;

impl Context {
    /// Runs `code` every `interval` (at least 1 ms), first after one interval, until the timer is cleared. Returns the
    /// timer's number.
    pub fn tick(&self, interval: Duration, code: impl Fn(&Context, u64) + 'static) -> u64 {
        self.add_timer(interval, true, Rc::new(code))
    }

    /// Runs `code` once, after `delay` (at least 1 ms). Returns the timer's number.
    pub fn after(&self, delay: Duration, code: impl Fn(&Context, u64) + 'static) -> u64 {
        self.add_timer(delay, false, Rc::new(code))
    }

    /// Clears a timer; `false` where there is no timer with that number.
    pub fn clear_timer(&self, id: u64) -> bool {
        // The timer's code is dropped after the borrow has ended: it may use timers.
        let cleared = self.timers().wheel().cancel(TimerId(id));
        cleared.is_ok()
    }

    fn add_timer(&self, delay: Duration, repeat: bool, code: TimerFn) -> u64 {
        let delay = delay.max(MIN_DELAY);
        let now = clock::monotonic_nanos();
        let mut timers = self.timers().wheel();
        let id = if repeat { timers.every(now, delay, code) } else { timers.after(now, delay, code) };
        drop(timers);
        self.lifecycle().wake().raise();
        id.0
    }

    /// Runs the timers of this process that have expired.
    pub(crate) fn run_due_timers(&self) {
        loop {
            let now = clock::monotonic_nanos();
            let due = {
                let mut timers = self.timers().wheel();
                let due = timers.next_due(now);
                due.and_then(|due| timers.value(due.id).cloned().map(|code| (due.id, code)))
            };
            let Some((id, code)) = due else { return };
            code(self, id.0);
            let finished = self.timers().wheel().finish(id);
            drop(finished);
        }
    }
}

/// The shortest delay of a timer.
const MIN_DELAY: Duration = Duration::from_millis(1);
