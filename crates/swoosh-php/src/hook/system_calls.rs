//! Waits of PHP and its libraries in system calls: files, pipes, processes, sockets, and the polls of client libraries.
//!
//! A hooked call cannot throw: an exception stays pending until the function that made the call returns to PHP.

use super::descriptors::{self, Purpose};
use super::{commands, exclusive, polled};
use crate::coroutine;
use crate::coroutine::hook_flags::{STDIO, flags};
use crate::coroutine::may_wait;
use crate::coroutine::wait::{self, WaitOutcome};
use crate::runtime::reactor;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Seek};
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;
use swoosh::sys::child;
use swoosh::sys::descriptor_kind::{DescriptorKind, descriptor_kind, file_identity, is_nonblocking};
use swoosh::sys::flock;
use swoosh::sys::foreign_fd::ForeignFd;
use swoosh_zend::error::pending;
use swoosh_zend::hook::{StreamWait, surround_function};
use swoosh_zend::system_calls::{Interrupt, Next, OpenWork, WaitHooks, Waited, Work, install_wait_hooks, set_starting};
use swoosh_zend::{Call, PhpResult, Zval};

/// Sets the functions that wait during module startup.
pub(super) fn start_up() {
    surround_function::<23, _, _>(
        "proc_open",
        |_: &mut Call<'_>| {
            set_starting(true);
            Ok(())
        },
        |_: &mut Call<'_>, _: &mut Zval| set_starting(false),
    );
    install_wait_hooks(WaitHooks {
        is_enabled,
        poll: polled::poll,
        unwatch: polled::unwatch,
        descriptor,
        sleep: |time| wait::sleep(time.max(Duration::from_millis(1))).unwrap_or(false),
        offload,
        offload_on,
        enter: exclusive::enter,
        leave: exclusive::leave,
        transfer,
        open,
        lock,
        spawn: commands::spawn,
        child: commands::wait_for_child,
        keep_status: child::keep_status,
        claim: commands::claim,
        kept: commands::kept,
        reaped: commands::forget,
        given_up: commands::give_up,
        before_close: descriptors::before_close,
    });
}

fn is_enabled(flag: i64) -> bool {
    flags() & flag != 0 && may_wait()
}

fn descriptor(fd: RawFd, write: bool, limit: Option<Duration>) -> Waited {
    let waited = code_of(descriptors::wait_for(fd, write, limit));
    // The exception says what is wrong; PHP would add a warning for other codes.
    waited.map_err(|code| if pending().is_some() { libc::EAGAIN } else { code })
}

fn code_of(waited: StreamWait) -> Waited {
    match waited {
        StreamWait::Ready => Ok(()),
        StreamWait::TimedOut => Err(libc::EAGAIN),
        StreamWait::Cancelled => Err(libc::ECANCELED),
        StreamWait::Closed => Err(libc::EBADF),
    }
}

/// The caller's memory may be in use by the work, so this returns only once it is done. A cancelled wait interrupts the work
/// and goes on, so that others run meanwhile. It blocks for work that cannot be interrupted, because a close of its
/// descriptor has to find it done, and at the end of the script, where nothing can wait.
fn offload(work: Work, interrupt: Interrupt<'_>) -> (isize, i32) {
    let (done, result) = mpsc::sync_channel(1);
    let Ok(mut handle) = reactor::run_blocking(move || done.send(work())) else { return (-1, libc::EAGAIN) };
    let mut cancelled = false;
    loop {
        let limit = interrupt.filter(|_| cancelled).map(|_| INTERRUPT_INTERVAL);
        match wait::future(&mut handle, limit) {
            Ok(WaitOutcome::Done(_)) => break,
            Ok(WaitOutcome::Cancelled) if interrupt.is_some() => cancelled = true,
            Ok(WaitOutcome::TimedOut) if may_wait() => {}
            _ => return finish(&result, interrupt),
        }
        // Repeated, because work that has not begun does not notice.
        if let Some(interrupt) = interrupt {
            interrupt();
        }
    }
    if cancelled && let Some(me) = coroutine::current() {
        me.mark_cancelled();
    }
    result.recv().unwrap_or((-1, libc::EAGAIN))
}

/// Blocks until work is done that is interrupted.
fn finish(result: &Receiver<(isize, i32)>, interrupt: Interrupt<'_>) -> (isize, i32) {
    let Some(interrupt) = interrupt else { return result.recv().unwrap_or((-1, libc::EAGAIN)) };
    loop {
        interrupt();
        match result.recv_timeout(INTERRUPT_INTERVAL) {
            Err(RecvTimeoutError::Timeout) => {}
            ended => return ended.unwrap_or((-1, libc::EAGAIN)),
        }
    }
}

fn offload_on(fd: RawFd, work: Work) -> (isize, i32) {
    let mut outcome = (-1, libc::EBADF);
    // A close meanwhile cancels the wait, which goes on until the work is done.
    let _ = descriptors::registered(fd, Purpose::File, || {
        outcome = offload(work, None);
        Ok(())
    });
    outcome
}

fn open(work: OpenWork) -> io::Result<OwnedFd> {
    match wait::future(reactor::run_blocking(work)?, None) {
        Ok(WaitOutcome::Done(Ok(opened))) => opened,
        // The other thread's descriptor is closed when its open returns.
        _ => Err(io::Error::from_raw_os_error(libc::ECANCELED)),
    }
}

fn transfer(fd: RawFd, write: bool, length: usize, supported: bool) -> Next {
    match descriptor_kind(fd) {
        Ok(DescriptorKind::File) => {
            if supported && !write {
                read_ahead(fd, length);
            }
            Next::Perform
        }
        Ok(DescriptorKind::Other) if flags() & STDIO != 0 => {
            if is_nonblocking(fd) {
                return Next::Fail(libc::EAGAIN);
            }
            match code_of(descriptors::wait_for(fd, write, None)) {
                Ok(()) if supported => Next::Retry,
                // A pipe that is writable takes this much without blocking.
                Ok(()) if write => Next::PerformPart(libc::PIPE_BUF),
                Ok(()) => Next::Perform,
                // Cancelled or closed. PHP reports other codes with a notice, and this one as a transfer of nothing.
                Err(_) => {
                    commands::cancelled(fd);
                    Next::Fail(libc::EAGAIN)
                }
            }
        }
        _ => Next::Perform,
    }
}

/// The caller's own call succeeds at once behind this, or gets the error.
fn try_until_locked(fd: RawFd, exclusive: bool) -> PhpResult<Next> {
    let mut pause = FIRST_PAUSE;
    while matches!(flock::lock(&ForeignFd::new(fd), !exclusive, false), Ok(false)) {
        if !wait::sleep(pause)? {
            return Ok(Next::Fail(libc::ECANCELED));
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(Next::Retry)
}

/// A number that stands for a file among the objects that coroutines use one at a time.
fn hash(identity: (u64, u64)) -> usize {
    let mut hasher = DefaultHasher::new();
    identity.hash(&mut hasher);
    hasher.finish() as usize
}

/// Reads what the caller is about to read, so that it is in the page cache.
fn read_ahead(fd: RawFd, length: usize) {
    let Ok(copy) = ForeignFd::new(fd).duplicate() else { return };
    let mut file = File::from(copy);
    let read = move || {
        let position = file.stream_position()?;
        file.read_at(&mut vec![0; length.min(READ_AHEAD)], position)
    };
    if let Ok(handle) = reactor::run_blocking(read) {
        // After a cancelled wait the caller reads by itself.
        let _ = descriptors::registered(fd, Purpose::File, || wait::future(handle, None));
    }
}

/// The kernel reports no event for a released lock, so it is tried again after pauses that grow. Of the coroutines that wait
/// for the exclusive lock of a file one at a time tries, in the order in which they came. Those that wait for a shared lock
/// do not queue: a holder of such a lock may wait for another one.
fn lock(fd: RawFd, exclusive: bool) -> Next {
    let waited = descriptors::registered(fd, Purpose::Lock, || {
        let queue = if exclusive { file_identity(fd).ok().map(hash) } else { None };
        if queue.is_some_and(|queue| !exclusive::enter(queue)) {
            return Ok(Next::Fail(libc::ECANCELED));
        }
        let locked = try_until_locked(fd, exclusive);
        queue.into_iter().for_each(exclusive::leave);
        locked
    });
    match waited {
        Ok(Ok(next)) => next,
        Ok(Err(_)) | Err(StreamWait::Cancelled) => Next::Fail(libc::ECANCELED),
        Err(_) => Next::Fail(libc::EBADF),
    }
}

const INTERRUPT_INTERVAL: Duration = Duration::from_millis(1);
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);
/// The largest part that is read in advance at a time.
const READ_AHEAD: usize = 1024 * 1024;
