//! Waiting for time, other coroutines, descriptors and futures.

use super::create::create;
use super::join::JoinCounter;
use super::scheduler::{self, Coroutine, expect_current, find, with};
use super::switch;
pub use super::timeout::{duration, limit};
use super::types::{Job, WaitKind, WakeReason};
use crate::runtime::reactor::Watch;
use crate::runtime::{event_loop, last_error, reactor};
use std::cell::RefCell;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use swoosh::sys::poll::{self, PollFlags};
use swoosh_zend::error::{throw_error, throw_object};
use swoosh_zend::vm_state::{PendingException, take_pending_exception};
use swoosh_zend::{PhpResult, Raised};
use tokio::io::Interest;

/// Sleeps. False if the wait was cancelled.
pub fn sleep(time: Duration) -> PhpResult<bool> {
    match switch::wait(WaitKind::Sleep, Some(time))? {
        WakeReason::Cancelled => {
            last_error::set(CANCELED);
            Ok(false)
        }
        _ => Ok(true),
    }
}

/// Suspends the coroutine until `resume` is called. False if the wait was cancelled.
#[inline(always)]
pub fn yield_now() -> PhpResult<bool> {
    match switch::wait(WaitKind::Yield, None)? {
        WakeReason::Done => Ok(true),
        WakeReason::Cancelled => {
            last_error::set(CANCELED);
            Ok(false)
        }
        WakeReason::TimedOut => Ok(false),
    }
}

/// Waits until all of these coroutines have ended. False, with the last error set, if none of them is alive, one is the
/// caller or is joined already, the timeout expires, or the wait is cancelled.
pub fn join(ids: &[i64], limit: Option<Duration>) -> PhpResult<bool> {
    let caller = expect_current()?;
    let mut others: Vec<Rc<Coroutine>> = Vec::new();
    for id in ids {
        let Some(other) = u64::try_from(*id).ok().and_then(find) else { continue };
        let known = others.iter().any(|o| o.id() == other.id());
        if other.id() == caller.id() || known || other.joiner.borrow().is_some() {
            last_error::set(WRONG_OPERATION);
            swoosh_zend::error::warning(&format!(
                "coroutine {id} cannot be joined: it is the caller or has been joined already"
            ));
            return Ok(false);
        }
        others.push(other);
    }
    if others.is_empty() {
        last_error::set(INVALID_PARAMS);
        return Ok(false);
    }
    let join = Rc::new(JoinCounter::new(others.len(), caller.next_token()));
    for other in &others {
        *other.joiner.borrow_mut() = Some(join.clone());
    }
    let forget = |others: &[Rc<Coroutine>]| {
        for other in others {
            let own = other.joiner.borrow().as_ref().is_some_and(|j| Rc::ptr_eq(j, &join));
            if own {
                other.joiner.take();
            }
        }
    };
    let woken = caller.wait(WaitKind::Join, limit);
    forget(&others);
    match woken? {
        WakeReason::Done => {
            // Swoole sets this code on success too.
            last_error::set(TIMED_OUT);
            Ok(true)
        }
        WakeReason::TimedOut => {
            last_error::set(TIMED_OUT);
            Ok(false)
        }
        WakeReason::Cancelled => {
            last_error::set(CANCELED);
            Ok(false)
        }
    }
}

/// Runs code that waits: directly if a coroutine or the loop runs, otherwise in a new coroutine and an event loop that ends
/// when nothing is left to wait for.
pub fn run_in_coroutine<T: 'static>(work: impl FnOnce() -> PhpResult<T> + 'static) -> PhpResult<T> {
    if scheduler::current_id().is_some() || event_loop::is_running() {
        return work();
    }
    let result = Rc::new(RefCell::new(None));
    let into = result.clone();
    let job = move || {
        let done = match work() {
            Err(Raised::Exception) => match take_pending_exception() {
                PendingException::Exception(exception) => Err(exception),
                _ => return Err(Raised::Exception),
            },
            other => Ok(other?),
        };
        *into.borrow_mut() = Some(done);
        Ok(())
    };
    event_loop::run_coroutines(move || create(Job::Native(Box::new(job))).map(drop))?;
    let done = result.borrow_mut().take();
    match done {
        Some(Ok(value)) => Ok(value),
        Some(Err(exception)) => Err(throw_object(exception)),
        None => Err(throw_error("the event loop ended before the operation")),
    }
}

/// How a wait for a value ended.
#[derive(Debug)]
pub enum WaitOutcome<T> {
    /// The value arrived.
    Done(T),
    /// The timeout expired.
    TimedOut,
    /// The wait was cancelled.
    Cancelled,
}

impl<T> WaitOutcome<T> {
    /// The value; otherwise `None`, with the last error set to `timeout_code` or the code of a cancelled wait.
    pub fn or_set_error(self, timeout_code: i32) -> Option<T> {
        last_error::set(match self {
            WaitOutcome::Done(value) => return Some(value),
            WaitOutcome::TimedOut => timeout_code,
            WaitOutcome::Cancelled => CANCELED,
        });
        None
    }
}

/// Awaits a future on the running coroutine's stack.
pub fn future<T>(future: impl Future<Output = T>, limit: Option<Duration>) -> PhpResult<WaitOutcome<T>> {
    poll(WaitKind::Io, limit, {
        let mut future = Box::pin(future);
        move |cx| future.as_mut().poll(cx)
    })
}

/// Polls `ready` until it returns a value, each time after its waker was woken.
pub fn poll<T>(
    kind: WaitKind,
    limit: Option<Duration>,
    mut ready: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> PhpResult<WaitOutcome<T>> {
    let coroutine = expect_current()?;
    let end = limit.map(|limit| Instant::now() + limit);
    loop {
        let waker = reactor::waker(coroutine.next_token());
        if let Poll::Ready(value) = ready(&mut Context::from_waker(&waker)) {
            return Ok(WaitOutcome::Done(value));
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        with(|s| s.external_waits.set(s.external_waits.get() + 1));
        let woken = coroutine.wait(kind, left);
        with(|s| s.external_waits.set(s.external_waits.get().saturating_sub(1)));
        match woken? {
            WakeReason::Done => {}
            WakeReason::TimedOut => return Ok(WaitOutcome::TimedOut),
            WakeReason::Cancelled => return Ok(WaitOutcome::Cancelled),
        }
    }
}

/// Waits until a descriptor is readable or writable; returns which of the two it is.
pub fn descriptor(fd: RawFd, read: bool, write: bool, limit: Option<Duration>) -> PhpResult<WaitOutcome<(bool, bool)>> {
    let look = || ready_now(fd, read, write);
    if let Some(ready) = look() {
        return Ok(WaitOutcome::Done(ready));
    }
    let interest = match (read, write) {
        (true, true) => Interest::READABLE | Interest::WRITABLE,
        (false, true) => Interest::WRITABLE,
        _ => Interest::READABLE,
    };
    let Ok(watch) = Watch::new(fd, interest) else { return Ok(WaitOutcome::Done((read, write))) };
    let waited = poll(WaitKind::Io, limit, |cx| {
        loop {
            if let Some(ready) = look() {
                return Poll::Ready(ready);
            }
            if read {
                watch.clear_read_ready();
            }
            if write {
                watch.clear_write_ready();
            }
            let readable = read && watch.poll_read(cx).is_ready();
            let writable = write && watch.poll_write(cx).is_ready();
            if !readable && !writable {
                return Poll::Pending;
            }
        }
    })?;
    Ok(match waited {
        // A loop that is late finds the timeout before the event.
        WaitOutcome::TimedOut => look().map_or(WaitOutcome::TimedOut, WaitOutcome::Done),
        ended => ended,
    })
}

/// Waits until one of several descriptors has one of its events, or the timeout expires.
pub fn any_of(wanted: &[(i32, PollFlags)], limit: Option<Duration>) -> PhpResult<()> {
    let is_ready =
        || poll::ready(wanted, Some(Duration::ZERO)).is_ok_and(|found| found.iter().any(|events| !events.is_empty()));
    if is_ready() {
        return Ok(());
    }
    let interest = Interest::READABLE | Interest::WRITABLE;
    let watches: Vec<(Watch, PollFlags)> =
        wanted.iter().filter_map(|&(fd, flags)| Some((Watch::new(fd, interest).ok()?, flags))).collect();
    let waited = poll(WaitKind::Io, limit, |cx| {
        if is_ready() {
            return Poll::Ready(());
        }
        for (watch, flags) in &watches {
            if flags.contains(PollFlags::POLLOUT) {
                watch.clear_write_ready();
                let _ = watch.poll_write(cx);
            } else {
                watch.clear_read_ready();
                let _ = watch.poll_read(cx);
            }
        }
        Poll::Pending
    });
    waited.map(drop)
}

/// Waits until one of several watched descriptors, of which none was ready, may have one of its events. May also return
/// early: the caller looks at them again.
pub fn events(watches: &[(&Watch, PollFlags)], limit: Option<Duration>) -> PhpResult<WaitOutcome<()>> {
    for (watch, _) in watches {
        // Earlier events; a new watch has none, and reports what is ready now.
        watch.clear_read_ready();
        watch.clear_write_ready();
    }
    poll(WaitKind::Io, limit, |cx| {
        let ready = watches.iter().filter(|(watch, flags)| {
            let reads = flags.intersects(PollFlags::POLLIN | PollFlags::POLLPRI);
            let readable = reads && watch.poll_read(cx).is_ready();
            let writable = flags.contains(PollFlags::POLLOUT) && watch.poll_write(cx).is_ready();
            readable || writable
        });
        if ready.count() > 0 { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// Whether a descriptor is readable or writable now; `None` if neither.
pub(super) fn ready_now(fd: RawFd, read: bool, write: bool) -> Option<(bool, bool)> {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::POLLIN, read);
    flags.set(PollFlags::POLLOUT, write);
    let found = poll::ready(&[(fd, flags)], Some(Duration::ZERO)).ok()?[0];
    if found.is_empty() {
        return None;
    }
    let broken = found.intersects(PollFlags::POLLERR | PollFlags::POLLHUP | PollFlags::POLLNVAL);
    let ready = (
        read && (broken || found.contains(PollFlags::POLLIN)),
        write && (broken || found.contains(PollFlags::POLLOUT)),
    );
    (ready.0 || ready.1).then_some(ready)
}

/// SWOOLE_ERROR_CO_CANCELED.
pub const CANCELED: i32 = 10017;
/// SWOOLE_ERROR_CO_TIMEDOUT.
pub const TIMED_OUT: i32 = 10018;
/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i32 = 505;
/// SWOOLE_ERROR_WRONG_OPERATION.
const WRONG_OPERATION: i32 = 509;
