//! What the loop asks: which coroutines' time has come, and whether anything will wake the others.

use super::scheduler::{CoroutineTimer, find, resume_with, with};
use super::types::{Resumption, WakeReason};
use std::time::Duration;
use swoosh::sys::clock::monotonic_nanos;
use swoosh::timer::TimerWheel;
use swoosh_zend::PhpResult;

/// Runs every coroutine whose time has come.
pub fn run_due() -> PhpResult<()> {
    if with(|s| s.timers.borrow().as_ref().is_none_or(TimerWheel::is_empty)) {
        return Ok(());
    }
    let now = monotonic_nanos() / 1_000_000;
    loop {
        let due = with(|s| {
            let mut timers = s.timers.borrow_mut();
            let timers = timers.as_mut()?;
            let due = timers.next_due(now)?;
            timers.finish(due.id)
        });
        match due {
            None => return Ok(()),
            Some(CoroutineTimer::WaitKind(id, wait)) => {
                if let Some(coroutine) = find(id)
                    && coroutine.waits.get() == wait
                    && coroutine.waits_for().is_some()
                {
                    coroutine.timer.set(None);
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

/// How long the loop may sleep before some coroutine's time comes.
pub fn sleep_limit() -> Option<Duration> {
    let deadline = with(|s| s.timers.borrow().as_ref().and_then(TimerWheel::next_deadline))?;
    Some(Duration::from_nanos(deadline.saturating_mul(1_000_000).saturating_sub(monotonic_nanos())))
}

/// How many waits the clock, a descriptor or another thread will end.
#[inline]
pub fn pending_waits() -> usize {
    with(|s| s.external_waits.get() + s.timers.borrow().as_ref().map_or(0, TimerWheel::len))
}

/// How many waits a descriptor or another thread will end.
pub fn external_waits() -> usize {
    with(|s| s.external_waits.get())
}
