//! What the loop asks: which coroutines' time has come, and whether anything will wake the others.

use super::scheduler::{Alarm, find, signal, with};
use super::types::{Signal, Wake};
use std::time::Duration;
use swoosh::sys::clock::monotonic_nanos;
use swoosh::timer::TimerWheel;
use swoosh_zend::PhpResult;

/// Runs every coroutine whose time has come.
pub fn run_due() -> PhpResult<()> {
    if with(|s| s.alarms.borrow().as_ref().is_none_or(TimerWheel::is_empty)) {
        return Ok(());
    }
    let now = monotonic_nanos() / 1_000_000;
    loop {
        let due = with(|s| {
            let mut alarms = s.alarms.borrow_mut();
            let alarms = alarms.as_mut()?;
            let due = alarms.next_due(now)?;
            alarms.finish(due.id)
        });
        match due {
            None => return Ok(()),
            Some(Alarm::Wait(id, wait)) => {
                if let Some(coroutine) = find(id)
                    && coroutine.waits.get() == wait
                    && coroutine.waits_for().is_some()
                {
                    coroutine.timer.set(None);
                    signal(coroutine, Signal::Wake(Wake::TimedOut))?;
                }
            }
            Some(Alarm::Limit(id)) => {
                if let Some(coroutine) = find(id) {
                    coroutine.limit.set(None);
                    if coroutine.waits_for().is_some() {
                        signal(coroutine, Signal::Limit)?;
                    }
                }
            }
        }
    }
}

/// How long the loop may sleep before some coroutine's time comes.
pub fn sleep_limit() -> Option<Duration> {
    let deadline = with(|s| s.alarms.borrow().as_ref().and_then(TimerWheel::next_deadline))?;
    Some(Duration::from_nanos(deadline.saturating_mul(1_000_000).saturating_sub(monotonic_nanos())))
}

/// How many waits the clock, a descriptor or another thread will end.
#[inline]
pub fn waits() -> usize {
    with(|s| s.outside.get() + s.alarms.borrow().as_ref().map_or(0, TimerWheel::len))
}

/// How many waits a descriptor or another thread will end.
pub fn outside() -> usize {
    with(|s| s.outside.get())
}
