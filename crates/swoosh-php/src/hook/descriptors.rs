//! Which coroutines wait for the descriptors of PHP's streams.
//!
//! Invariant: at most one coroutine waits for each direction of a stream, and none is left waiting for a descriptor when it
//! is closed, since the kernel may reuse its number and the stream is freed.

use crate::coroutine;
use crate::coroutine::wait;
use crate::coroutine::wait::WaitOutcome;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;
use swoosh_zend::PhpResult;
use swoosh_zend::error::{self, throw_error};
use swoosh_zend::hook::StreamWait;

/// The purpose of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    Read,
    Write,
    Lock,
    /// Work of another thread.
    File,
}

impl Purpose {
    /// That of a transfer.
    pub(super) fn of(write: bool) -> Self {
        if write { Purpose::Write } else { Purpose::Read }
    }

    /// Whether one coroutine at a time may wait.
    fn is_exclusive(self) -> bool {
        matches!(self, Purpose::Read | Purpose::Write)
    }
}

/// The coroutines that wait for a descriptor.
type Waiters = SmallVec<[u64; 2]>;

thread_local! {
    static WAITING: RefCell<HashMap<(i32, Purpose), Waiters>> = RefCell::default();
    /// The descriptors that are being closed while waiting coroutines run.
    static CLOSING: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// Waits until a descriptor is readable (or writable).
pub(super) fn wait_for(descriptor: i32, write: bool, limit: Option<Duration>) -> StreamWait {
    let waited = registered(descriptor, Purpose::of(write), || wait::descriptor(descriptor, !write, write, limit));
    match waited {
        Err(early) => early,
        Ok(Ok(WaitOutcome::Done(_))) => StreamWait::Ready,
        Ok(Ok(WaitOutcome::TimedOut)) => StreamWait::TimedOut,
        // A pending exception is thrown when the stream operation returns.
        Ok(Ok(WaitOutcome::Cancelled) | Err(_)) => StreamWait::Cancelled,
    }
}

/// Performs a wait that the close of the descriptor cancels. `Err`: it did not begin, or the descriptor was closed.
pub(super) fn registered<T>(
    descriptor: i32,
    purpose: Purpose,
    wait: impl FnOnce() -> PhpResult<T>,
) -> Result<PhpResult<T>, StreamWait> {
    let key = (descriptor, purpose);
    let Some(me) = coroutine::current_id() else { return Err(StreamWait::Ready) };
    if is_closing(descriptor) {
        return Err(StreamWait::Closed);
    }
    if purpose.is_exclusive() && !is_free(descriptor, purpose, me) {
        return Err(StreamWait::Cancelled);
    }
    WAITING.with_borrow_mut(|waiting| waiting.entry(key).or_default().push(me));
    let waited = wait();
    WAITING.with_borrow_mut(|waiting| {
        if let Some(users) = waiting.get_mut(&key) {
            users.retain(|&mut user| user != me);
            if users.is_empty() {
                waiting.remove(&key);
            }
        }
    });
    if is_closing(descriptor) { Err(StreamWait::Closed) } else { Ok(waited) }
}

/// Whether the caller may read, write or both. Throws if another coroutine waits for that.
pub(super) fn may_use(descriptor: i32, read: bool, write: bool) -> bool {
    if WAITING.with_borrow(HashMap::is_empty) {
        return true;
    }
    let me = coroutine::current_id().unwrap_or(0);
    (!read || is_free(descriptor, Purpose::Read, me)) && (!write || is_free(descriptor, Purpose::Write, me))
}

/// Whether no coroutine but `me` waits. Otherwise an exception is pending until the stream operation returns.
fn is_free(descriptor: i32, purpose: Purpose, me: u64) -> bool {
    // Entries of the parent process are stale in a forked child; `find` does not know their coroutines.
    let is_other = |&user: &u64| user != me && coroutine::find(user).is_some();
    let other = WAITING.with_borrow(|waiting| waiting.get(&(descriptor, purpose))?.iter().copied().find(is_other));
    // A client may try again and again after the first error.
    if let Some(other) = other.filter(|_| error::pending().is_none()) {
        let operation = if purpose == Purpose::Write { "writing" } else { "reading" };
        // The text is Swoole's.
        let _ = throw_error(&format!(
            "Socket#{descriptor} has already been bound to another coroutine#{other}, {operation} of the same socket in \
             coroutine#{me} at the same time is not allowed"
        ));
    }
    other.is_none()
}

/// Ends all waits for a descriptor that is about to be closed. Each waiting coroutine runs before this returns, so that it
/// does not come back to a freed stream.
pub(super) fn before_close(descriptor: i32) {
    if WAITING.with_borrow(HashMap::is_empty) {
        return;
    }
    for purpose in [Purpose::Read, Purpose::Write, Purpose::Lock, Purpose::File] {
        let users = WAITING.with_borrow(|waiting| waiting.get(&(descriptor, purpose)).cloned()).unwrap_or_default();
        for other in users.into_iter().filter(|&other| coroutine::current_id() != Some(other)) {
            CLOSING.with_borrow_mut(|closing| closing.push(descriptor));
            // Its exceptions are handled in that coroutine.
            let _ = coroutine::cancel(other, false);
            CLOSING.with_borrow_mut(|closing| {
                if let Some(at) = closing.iter().rposition(|&fd| fd == descriptor) {
                    closing.remove(at);
                }
            });
        }
    }
}

fn is_closing(descriptor: i32) -> bool {
    CLOSING.with_borrow(|closing| closing.contains(&descriptor))
}
