//! Timeouts of coroutines, and how many waits are pending.

use super::scheduler::{CoroutineTimer, find, with};
use super::switch::resume_with;
use super::types::{Resumption, WakeReason};
use std::time::Duration;
use swoosh::sys::clock::monotonic_nanos;
use swoosh::timer::TimerWheel;
use swoosh_zend::PhpResult;

/// Resumes every coroutine whose timeout has expired, at `until` (monotonic nanoseconds, `None`: now) at the latest.
pub(super) fn run_due(until: Option<u64>) -> PhpResult<()> {
    if with(|s| s.timers.borrow().as_ref().is_none_or(TimerWheel::is_empty)) {
        return Ok(());
    }
    let now = until.unwrap_or_else(monotonic_nanos);
    loop {
        let due = with(|s| {
            let mut timers = s.timers.borrow_mut();
            let timers = timers.as_mut()?;
            let due = timers.next_due(now)?;
            timers.finish(due.id)
        });
        match due {
            None => return Ok(()),
            Some(CoroutineTimer::Wait(id, wait)) => {
                if let Some(coroutine) = find(id)
                    && coroutine.waits.get() == wait
                    && coroutine.waits_for().is_some()
                {
                    coroutine.timer.set(None);
                    swoosh::blocking::begin();
                    resume_with(coroutine, Resumption::Wake(WakeReason::TimedOut))?;
                }
            }
            Some(CoroutineTimer::Limit(id)) => {
                if let Some(coroutine) = find(id) {
                    coroutine.time_limit.set(None);
                    if coroutine.waits_for().is_some() {
                        resume_with(coroutine, Resumption::ThrowTimeout)?;
                    }
                }
            }
        }
    }
}

/// How long the loop may sleep before a timeout expires; `None` if there are none.
pub(super) fn sleep_limit() -> Option<Duration> {
    with(|s| s.timers.borrow().as_ref()?.time_left(monotonic_nanos))
}

/// The number of waits that the clock, a descriptor or another thread will end.
#[inline]
pub(super) fn pending_waits() -> usize {
    with(|s| s.external_waits.get() + s.timers.borrow().as_ref().map_or(0, TimerWheel::len))
}

/// The number of waits that a descriptor or another thread will end.
pub(super) fn external_waits() -> usize {
    with(|s| s.external_waits.get())
}
