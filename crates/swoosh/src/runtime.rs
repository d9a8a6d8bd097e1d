//! The async runtime of one thread: tokio's current-thread scheduler, with hooks around its sleep.

use crate::blocking;
use crate::error::{Error, Result};
use crate::sys::event_fd::EventFd;
use crate::sys::timer_fd::TimerFd;
use crate::sys::{clock, process, watch};
use futures_util::FutureExt;
use send_wrapper::SendWrapper;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// The runtime of one thread. A forked child that forgets it closes its descriptors with [`close_inherited`].
#[derive(Debug)]
pub struct ThreadRuntime {
    /// Dropped before the runtime that it is registered with.
    alarm: Option<Alarm>,
    runtime: Option<Runtime>,
    descriptors: Vec<RawFd>,
}

impl ThreadRuntime {
    /// Shuts it down without waiting for its blocking threads.
    pub fn shutdown_background(mut self) {
        drop(self.alarm.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Sleeps for `limit`, exact to about 0.1 ms, where tokio's timers are late by up to 2 ms. One sleep at a time: it is for
    /// the loop that runs the thread.
    pub async fn sleep(&self, limit: Duration) {
        match &self.alarm {
            Some(alarm) => alarm.sleep(limit).await,
            None => std::future::pending().await,
        }
    }
}

impl Deref for ThreadRuntime {
    type Target = Runtime;

    fn deref(&self) -> &Runtime {
        self.runtime.as_ref().expect("only shutdown takes the runtime")
    }
}

impl Drop for ThreadRuntime {
    fn drop(&mut self) {
        // These descriptor numbers will be reused: they must not be closed later.
        let here = process::pid();
        let mut known = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(pid, fd)| *pid != here || !self.descriptors.contains(fd));
        drop(known);
        drop(self.alarm.take());
        // A call in a blocking thread may never return, such as the open(2) of a pipe that nobody writes to.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(LAST_BLOCKING_CALLS);
        }
    }
}

/// How long the end of a runtime waits for its blocking threads.
const LAST_BLOCKING_CALLS: Duration = Duration::from_millis(100);

/// Creates a runtime for this thread. `before_sleep` is called each time before it waits for the kernel, `after_sleep` each
/// time after.
///
/// # Errors
/// Where no descriptors are left.
#[allow(clippy::redundant_closure)] // the target of a wrapper's deref cannot be moved out of it
pub fn for_this_thread(before_sleep: impl Fn() + 'static, after_sleep: impl Fn() + 'static) -> Result<ThreadRuntime> {
    // The wrappers panic when the hooks are called in another thread. They are leaked: the last waker of this runtime may be
    // dropped in another thread.
    let before: &'static SendWrapper<_> = Box::leak(Box::new(SendWrapper::new(before_sleep)));
    let after: &'static SendWrapper<_> = Box::leak(Box::new(SendWrapper::new(after_sleep)));
    let known = process::event_fds();
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("swoosh-blocking")
        // Signals are handled by the main threads only.
        .on_thread_start(|| {
            let _ = crate::sys::signal::block_all();
        })
        .on_thread_park(move || {
            before();
            blocking::end();
        })
        .on_thread_unpark(move || {
            blocking::begin();
            after();
        })
        .build()
        .map_err(|e| Error::system("make", "an event loop", e))?;
    let mut descriptors: Vec<RawFd> = process::event_fds().into_iter().filter(|fd| !known.contains(fd)).collect();
    let alarm = {
        let _entered = runtime.enter();
        Alarm::new()?
    };
    descriptors.push(alarm.timer.as_raw_fd());
    let mut all = DESCRIPTORS.lock().unwrap_or_else(PoisonError::into_inner);
    all.extend(descriptors.iter().map(|fd| (process::pid(), *fd)));
    Ok(ThreadRuntime { alarm: Some(alarm), runtime: Some(runtime), descriptors })
}

/// Starts a task that this thread cannot do without, on the runtime that is entered. If it panics, the function given to
/// [`on_task_panic`] is called; without one the process ends with status 101. The runtime alone would drop the task, and
/// the thread would go on without it.
pub fn spawn(task: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
    tokio::spawn(SendWrapper::new(async move {
        if AssertUnwindSafe(task).catch_unwind().await.is_err() {
            crate::log::error!("a task of {} ended by a panic", std::thread::current().name().unwrap_or("a thread"));
            report_failure();
        }
    }))
}

/// This thread cannot serve any more: does what a panic of one of its tasks does, see [`spawn`].
pub fn report_failure() {
    ON_TASK_PANIC.with_borrow(|hook| match hook {
        Some(hook) => hook(),
        None => process::exit_now(PANICKED),
    });
}

/// Sets the function that is called when a task of this thread panics, see [`spawn`].
pub fn on_task_panic(hook: impl Fn() + 'static) {
    ON_TASK_PANIC.set(Some(Box::new(hook)));
}

thread_local! {
    static ON_TASK_PANIC: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// The exit status after a panic, as in the standard library.
const PANICKED: i32 = 101;

/// Closes, by number, the descriptors of the runtimes that this process inherited. For a child that has forgotten them without
/// dropping them: a drop would remove their sockets from the parent's event queue, which both share.
pub fn close_inherited() {
    // A thread that did not survive the fork may have held the lock: then it is never released.
    let Ok(mut known) = DESCRIPTORS.try_lock() else { return };
    let here = process::pid();
    known.retain(|&(pid, fd)| {
        if pid != here {
            process::close_descriptor(fd);
        }
        pid == here
    });
}

/// The event queues and event descriptors of runtimes, with the process that created each.
static DESCRIPTORS: Mutex<Vec<(i32, RawFd)>> = Mutex::new(Vec::new());
/// Blocking threads of each runtime.
const BLOCKING_THREADS: usize = 64;

/// The timer on which the loop of a thread sleeps.
#[derive(Debug)]
struct Alarm {
    timer: AsyncFd<TimerFd>,
    /// The time for which the timer is set, in monotonic nanoseconds; 0 once it has expired.
    set_for: Cell<u64>,
}

impl Alarm {
    /// An alarm on the runtime that is entered.
    fn new() -> Result<Self> {
        let timer = watch::watch(TimerFd::new()?, tokio::io::Interest::READABLE)
            .map_err(|e| Error::system("watch", "a timer descriptor", e))?;
        Ok(Alarm { timer, set_for: Cell::new(0) })
    }

    /// The timer is only set for an earlier time than before: timeouts are mostly cancelled before they expire, and then an
    /// early expiry now and then costs less than a system call for each.
    async fn sleep(&self, limit: Duration) {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let deadline = clock::monotonic_nanos().saturating_add(nanos);
        loop {
            let set_for = self.set_for.get();
            if set_for == 0 || set_for > deadline {
                if let Err(e) = self.timer.get_ref().set(deadline) {
                    crate::log::error!("{e}");
                    return tokio::time::sleep(limit).await;
                }
                self.set_for.set(deadline);
            }
            if readable(&self.timer).await.is_err() {
                return;
            }
            self.set_for.set(0);
            if clock::monotonic_nanos() >= deadline {
                return;
            }
        }
    }
}

/// An event descriptor that a runtime watches.
pub type WatchedEventFd = AsyncFd<StaticEventFd>;

/// An event descriptor that is never closed.
#[derive(Debug)]
pub struct StaticEventFd(&'static EventFd);

impl AsFd for StaticEventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for StaticEventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Watches an event descriptor on the runtime that is entered. It need not be drained: each notification is a new edge.
///
/// # Errors
/// Where the kernel cannot watch it.
pub fn watch(event_fd: &'static EventFd) -> Result<WatchedEventFd> {
    watch::watch(StaticEventFd(event_fd), tokio::io::Interest::READABLE)
        .map_err(|e| Error::system("watch", "an event descriptor", e))
}

/// Waits for a notification. One task at a time: only the waker of the last one is kept.
pub async fn notified(event_fd: &WatchedEventFd) {
    readable(event_fd).await.ok();
}

/// Waits for the next edge of a descriptor. One task at a time: only the waker of the last one is kept, which costs less
/// than a list.
async fn readable(fd: &AsyncFd<impl AsRawFd>) -> std::io::Result<()> {
    poll_fn(|cx| fd.poll_read_ready(cx).map(|ready| ready.map(|mut ready| ready.clear_ready()))).await
}

/// A flag that one side raises and the other waits for, within one thread.
#[derive(Debug, Default)]
pub struct WakeFlag {
    state: RefCell<(bool, Option<Waker>)>,
}

impl WakeFlag {
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
        poll_fn(|cx| {
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
