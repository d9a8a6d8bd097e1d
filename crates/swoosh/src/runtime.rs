//! The async runtime of one thread: tokio's current-thread scheduler, told when the thread is about to sleep.

use crate::error::{Error, Result};
use crate::sys::event_fd::EventFd;
use crate::sys::{process, watch};
use send_wrapper::SendWrapper;
use std::cell::RefCell;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Runtime};

/// The runtime of one thread. A child that forgets it closes its descriptors by [`close_inherited`].
#[derive(Debug)]
pub struct ThreadRuntime {
    runtime: Option<Runtime>,
    descriptors: Vec<RawFd>,
}

impl ThreadRuntime {
    /// Ends it without waiting for threads that are in the middle of something.
    pub fn shutdown_background(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Deref for ThreadRuntime {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        self.runtime.as_ref().expect("only its end takes it")
    }
}

impl Drop for ThreadRuntime {
    fn drop(&mut self) {
        // What comes under these numbers next is not to be closed for them.
        let here = process::pid();
        let mut known = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(pid, fd)| *pid != here || !self.descriptors.contains(fd));
        drop(known);
        drop(self.runtime.take());
    }
}

/// A runtime for this thread. `before_sleep` is called each time it is about to wait for the kernel, `after_sleep` each
/// time it has.
#[allow(clippy::redundant_closure)] // what a wrapper derefs to cannot be moved out of it
pub fn for_this_thread(before_sleep: impl Fn() + 'static, after_sleep: impl Fn() + 'static) -> Result<ThreadRuntime> {
    // The hooks are called in this thread only; the wrappers hold that true. They are never dropped: whoever holds a
    // waker of this runtime last may be another thread.
    let before: &'static SendWrapper<_> = Box::leak(Box::new(SendWrapper::new(before_sleep)));
    let after: &'static SendWrapper<_> = Box::leak(Box::new(SendWrapper::new(after_sleep)));
    let known = process::event_fds();
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("swoosh-blocking")
        // Signals are for the threads that know what to do with them.
        .on_thread_start(|| {
            let _ = crate::sys::signal::block_all();
        })
        .on_thread_park(move || before())
        .on_thread_unpark(move || after())
        .build()
        .map_err(|e| Error::system("make", "an event loop", e))?;
    let descriptors: Vec<RawFd> = process::event_fds().into_iter().filter(|fd| !known.contains(fd)).collect();
    let mut all = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    all.extend(descriptors.iter().map(|fd| (process::pid(), *fd)));
    Ok(ThreadRuntime { runtime: Some(runtime), descriptors })
}

/// Closes, by number, the descriptors of the runtimes that this process inherited. For a child that has left them behind
/// without dropping them: dropping one would take its sockets out of the parent's event queue, which both share.
pub fn close_inherited() {
    // A thread that the fork left behind may have held the lock: then nobody ever lets it go.
    let Ok(mut known) = DESCRIPTORS.try_lock() else { return };
    let here = process::pid();
    known.retain(|&(pid, fd)| {
        if pid != here {
            process::close_descriptor(fd);
        }
        pid == here
    });
}

/// The event queues and bells of this process's runtimes, with the process that made each.
static DESCRIPTORS: Mutex<Vec<(i32, RawFd)>> = Mutex::new(Vec::new());
/// Threads for work that blocks, in each runtime.
const BLOCKING_THREADS: usize = 64;

/// A bell as a runtime watches it.
pub type WatchedBell = AsyncFd<LastingBell>;

/// A bell that is never closed.
#[derive(Debug)]
pub struct LastingBell(&'static EventFd);

impl AsFd for LastingBell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for LastingBell {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Watches a bell from inside a runtime. The bell need not be silenced: each ring is a new edge.
pub fn watch(event_fd: &'static EventFd) -> Result<WatchedBell> {
    watch::watch(LastingBell(event_fd), tokio::io::Interest::READABLE)
        .map_err(|e| Error::system("watch", "a event_fd", e))
}

/// Waits for one ring of a watched bell.
pub async fn rung(event_fd: &WatchedBell) {
    if let Ok(mut ready) = event_fd.readable().await {
        ready.clear_ready();
    }
}

/// A flag that one side raises and the other waits for, within one thread.
#[derive(Debug, Default)]
pub struct Signal {
    state: RefCell<(bool, Option<Waker>)>,
}

impl Signal {
    /// Raises it.
    pub fn raise(&self) {
        let mut state = self.state.borrow_mut();
        if !std::mem::replace(&mut state.0, true)
            && let Some(waker) = state.1.take()
        {
            waker.wake();
        }
    }

    /// Waits until it is raised, and lowers it.
    pub async fn raised(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.state.borrow_mut();
            if std::mem::take(&mut state.0) {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
