//! Polls of client libraries. A library polls the same connection for each request, so its descriptors stay watched until it
//! closes them.
//!
//! Invariant: no watch is kept for a number that has been closed, since the kernel may reuse it for another file, whose
//! events the old watch does not see.

use crate::coroutine::wait::{self, WaitOutcome};
use crate::runtime::reactor::Watch;
use std::cell::RefCell;
use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use swoosh::sys::poll::PollFlags;
use swoosh_zend::system_calls::{PollEntry, Waited};
use tokio::io::Interest;

thread_local! {
    /// The watches that no coroutine waits with.
    static KEPT: RefCell<HashMap<RawFd, Watch>> = RefCell::default();
}

/// Descriptors that other threads have closed or are about to close.
static CLOSED_ELSEWHERE: Mutex<Vec<RawFd>> = Mutex::new(Vec::new());
/// Whether there are any; read without the lock.
static ANY_CLOSED_ELSEWHERE: AtomicBool = AtomicBool::new(false);

/// Waits until one of the descriptors may have one of its events.
pub(super) fn poll(wanted: &[PollEntry], limit: Option<Duration>, keeps: bool) -> Waited {
    forget_closed();
    let mut watches = Vec::with_capacity(wanted.len());
    for &(fd, _) in wanted {
        let kept = if keeps { KEPT.with_borrow_mut(|kept| kept.remove(&fd)) } else { None };
        let watch = match kept.filter(Watch::is_current) {
            Some(watch) => watch,
            None => match Watch::new(fd, Interest::READABLE | Interest::WRITABLE) {
                Ok(watch) => watch,
                // A regular file is always ready.
                Err(e) if e.raw_os_error() == Some(libc::EPERM) => return Ok(()),
                Err(e) => return Err(e.raw_os_error().unwrap_or(libc::ENOMEM)),
            },
        };
        watches.push(watch);
    }
    let events = |&(_, events): &PollEntry| PollFlags::from_bits_truncate(events);
    let watched: Vec<_> = watches.iter().zip(wanted.iter().map(events)).collect();
    let outcome = wait::events(&watched, limit);
    if keeps && matches!(outcome, Ok(WaitOutcome::Done(()))) {
        KEPT.with_borrow_mut(|kept| {
            if kept.len() > MOST_KEPT {
                kept.clear();
            }
            let borrowed = watches.into_iter().zip(wanted).filter(|(watch, _)| watch.is_borrowed());
            kept.extend(borrowed.map(|(watch, &(fd, _))| (fd, watch)));
        });
    }
    match outcome {
        Ok(WaitOutcome::Done(()) | WaitOutcome::TimedOut) => Ok(()),
        Ok(WaitOutcome::Cancelled) | Err(_) => Err(libc::ECANCELED),
    }
}

/// Drops all watches at the end of the request, before the runtime that they are registered with.
pub(super) fn request_end() {
    drop(KEPT.take());
}

/// A library is about to close a descriptor, possibly in a thread of its own.
pub(super) fn unwatch(fd: RawFd, in_php_thread: bool) {
    if in_php_thread {
        let kept = KEPT.with_borrow_mut(|kept| kept.remove(&fd));
        drop(kept);
    } else {
        CLOSED_ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner).push(fd);
        ANY_CLOSED_ELSEWHERE.store(true, Ordering::Release);
    }
}

fn forget_closed() {
    if ANY_CLOSED_ELSEWHERE.swap(false, Ordering::Acquire) {
        let closed = std::mem::take(&mut *CLOSED_ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner));
        KEPT.with_borrow_mut(|kept| closed.iter().for_each(|fd| drop(kept.remove(fd))));
    }
}

/// Watches that are kept at once; beyond that all are dropped, which costs a registration each.
const MOST_KEPT: usize = 4096;
