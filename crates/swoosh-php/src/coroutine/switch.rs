//! Suspending and resuming coroutines.
//!
//! Invariant: a coroutine is resumed immediately by the code that makes it ready (a push to its channel, `resume`,
//! `cancel`), on a stack of its own; its resumer continues when it waits again or ends. Only wakes by the kernel, the clock
//! or another thread go through the event loop. So `resumer` links form a chain that ends at the event loop or the script.
//!
//! Performance: every switch goes through this file; see [`swoosh_zend::stack`] for why these functions are inlined.

use super::classes::{CANCELED, TIMEOUT};
use super::scheduler::{Coroutine, CoroutineTimer, expect_current, find, scheduler, with};
use super::types::{CoroutineState, Resumption, WaitKind, WakeReason};
use crate::runtime::reactor;
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::error::throw;
use swoosh_zend::stack::Progress;
use swoosh_zend::{PhpResult, Raised, runtime, vm_state};

/// Suspends the running coroutine until it is woken, at most `limit`. `Err`: called outside of coroutines (a fatal error),
/// an exception was thrown into the wait, or the script ends.
#[inline(always)]
pub fn wait(kind: WaitKind, limit: Option<Duration>) -> PhpResult<WakeReason> {
    let coroutine = expect_current()?;
    coroutine.wait(kind, limit)
}

impl Coroutine {
    /// See [`wait`]. Call it on the running coroutine only.
    #[inline(always)]
    pub fn wait(&self, kind: WaitKind, limit: Option<Duration>) -> PhpResult<WakeReason> {
        self.cancelled.set(false);
        if scheduler().shutting_down.get() {
            return Ok(WakeReason::TimedOut);
        }
        self.waits.set(self.waits.get().wrapping_add(1));
        self.resumption.set(Resumption::Wake(WakeReason::Done));
        if let Some(limit) = limit {
            self.timer.set(Some(with(|s| s.start_timer(limit, CoroutineTimer::Wait(self.id(), self.waits.get())))));
        }
        self.state.set(CoroutineState::Waiting(kind));
        self.stack.suspend();
        if let Some(timer) = self.timer.take() {
            with(|s| s.cancel_timer(timer));
        }
        self.waits.set(self.waits.get().wrapping_add(1));
        match self.resumption.get() {
            Resumption::Wake(reason) => {
                self.cancelled.set(reason == WakeReason::Cancelled);
                Ok(reason)
            }
            resumption => Err(self.throw(resumption)),
        }
    }

    /// Throws the exception that a resumption carries.
    #[cold]
    fn throw(&self, resumption: Resumption) -> Raised {
        let (class, message) = match resumption {
            Resumption::Unwind => return vm_state::throw_graceful_exit(),
            Resumption::ThrowTimeout => (&TIMEOUT, "the coroutine's time limit has expired"),
            _ => (&CANCELED, "the coroutine was canceled"),
        };
        self.cancelled.set(true);
        match runtime::running_name() {
            Some(operation) => throw(class.get(), &format!("{message} in {operation}()"), 0),
            None => throw(class.get(), message, 0),
        }
    }
}

/// Starts a new coroutine with `entry` as its lowest frame; returns when it first waits or ends.
#[inline(always)]
pub(super) fn start(coroutine: Rc<Coroutine>, entry: fn()) -> PhpResult<()> {
    switch_to(coroutine, |coroutine| coroutine.stack.start(entry))
}

/// Resumes a waiting coroutine; returns when it waits again or ends.
#[inline(always)]
pub(super) fn resume_with(coroutine: Rc<Coroutine>, resumption: Resumption) -> PhpResult<()> {
    coroutine.resumption.set(resumption);
    switch_to(coroutine, |coroutine| coroutine.stack.resume())
}

#[inline(always)]
fn switch_to(coroutine: Rc<Coroutine>, switch: impl FnOnce(&Coroutine) -> Progress) -> PhpResult<()> {
    let s = scheduler();
    s.switches.set(s.switches.get() + 1);
    let outer = s.current.replace(Some(coroutine.clone()));
    if let Some(outer) = &outer {
        outer.state.set(CoroutineState::Resuming);
    }
    coroutine.resumer.replace(outer);
    coroutine.state.set(CoroutineState::Running);
    let progress = switch(&coroutine);
    let outer = coroutine.resumer.take();
    if let Some(outer) = &outer {
        outer.state.set(CoroutineState::Running);
    }
    s.current.replace(outer);
    match progress {
        Progress::Suspended => Ok(()),
        Progress::Finished { failed } => finish(coroutine, failed),
    }
}

/// Removes a coroutine that has ended. Runs on its resumer's stack, and returns the exit or fatal error that ended it.
#[inline(never)]
fn finish(coroutine: Rc<Coroutine>, failed: bool) -> PhpResult<()> {
    coroutine.state.set(CoroutineState::Finished);
    drop(coroutine.in_hand.take());
    let joiner = coroutine.joiner.take();
    let removed = with(|s| {
        if let Some(limit) = coroutine.time_limit.take() {
            s.cancel_timer(limit);
        }
        s.alive.set(s.alive.get().saturating_sub(1));
        s.callbacks.set(s.callbacks.get().saturating_sub(usize::from(coroutine.is_event)));
        if !failed {
            s.stacks.give(coroutine.stack.clone());
        }
        s.table.borrow_mut().remove(coroutine.id())
    });
    drop(removed);
    if let Some(joiner) = joiner {
        joiner.coroutine_finished();
    }
    let outcome = if failed { Some(Raised::Bailout) } else { coroutine.outcome.get() };
    drop(coroutine);
    match outcome {
        None => Ok(()),
        Some(Raised::Exit) => Err(vm_state::rethrow_exit()),
        Some(other) => Err(other),
    }
}

/// Wakes a waiting coroutine and runs it immediately: its condition is fulfilled.
#[inline(always)]
pub fn wake(coroutine: Rc<Coroutine>) -> PhpResult<()> {
    resume_with(coroutine, Resumption::Wake(WakeReason::Done))
}

/// Wakes a coroutine from the wait with that number; does nothing if that wait is over.
pub fn wake_from(id: u64, wait: u32) -> PhpResult<()> {
    match find(id) {
        Some(coroutine) if coroutine.waits_for().is_some() && reactor::wait_number(coroutine.waits.get()) == wait => {
            resume_with(coroutine, Resumption::Wake(WakeReason::Done))
        }
        _ => Ok(()),
    }
}

/// Resumes a coroutine that has yielded. `Some(false)` if it waits for something else, `None` if there is none with that
/// id.
#[inline(always)]
pub fn resume(id: u64) -> PhpResult<Option<bool>> {
    match find(id) {
        Some(coroutine) if coroutine.waits_for() == Some(WaitKind::Yield) => wake(coroutine).map(|()| Some(true)),
        Some(_) => Ok(Some(false)),
        None => Ok(None),
    }
}
