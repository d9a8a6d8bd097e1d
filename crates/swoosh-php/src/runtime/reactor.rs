//! The reactor: the only place where PHP's thread blocks, until a descriptor, another thread or the clock wakes it.
//!
//! PHP code runs outside of the async runtime, which is entered only to sleep. A plain script has a runtime of its own; in
//! a server's process the engine's runtime is used and the engine's loop sleeps. A wait registers a waker that carries a
//! token; waking it puts the token on the ready queue, which the event loop empties.
//!
//! Invariant: a forked process drops nothing that it inherited, because that would remove descriptors from the event queue
//! that it shares with its parent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;
use swoosh::context::{Context, Role};
use swoosh::runtime::ThreadRuntime;
use swoosh::sys::foreign_fd::ForeignFd;
use swoosh_zend::waker::Wake;
use swoosh_zend::{interrupt, runtime, thread};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// The receiver of a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeTarget {
    /// A coroutine's id and the number of its wait.
    Coroutine(u64, u32),
    /// The watcher of a descriptor.
    Watcher(RawFd),
}

#[derive(Default)]
struct Reactor {
    /// See [`runtime::generation`].
    generation: u32,
    /// See [`epoch`].
    epoch: u64,
    /// The runtime of a plain script.
    own: Option<Rc<ThreadRuntime>>,
    /// The server's process that hosts the loop.
    node: Option<Context>,
    ready: VecDeque<u64>,
    /// The task that sleeps in the runtime; the first wake wakes it.
    sleeper: Option<Waker>,
}

thread_local! {
    static REACTOR: RefCell<Reactor> = RefCell::default();
}

/// Tokens from other threads, and the sleeping task to wake.
static INJECTED: Mutex<(Vec<u64>, Option<Waker>)> = Mutex::new((Vec::new(), None));
/// Whether there are tokens from other threads; read without the lock.
static ANY_INJECTED: AtomicBool = AtomicBool::new(false);

fn with<R>(f: impl FnOnce(&mut Reactor) -> R) -> R {
    REACTOR.with_borrow_mut(|reactor| {
        if reactor.generation != runtime::generation() {
            reset_after_fork(reactor);
        }
        f(reactor)
    })
}

/// Starts with empty state in a forked process.
#[cold]
fn reset_after_fork(reactor: &mut Reactor) {
    let inherited = std::mem::take(reactor);
    reactor.generation = runtime::generation();
    reactor.epoch = inherited.epoch + 1;
    std::mem::forget(inherited);
    swoosh::runtime::close_inherited();
    if let Ok(mut injected) = INJECTED.try_lock() {
        injected.0.clear();
        std::mem::forget(injected.1.take());
    }
}

/// Uses the runtime of a server's process from now on.
pub fn host(node: &Context) {
    with(|reactor| {
        if reactor.node.is_none() && matches!(node.role(), Role::Worker | Role::TaskWorker | Role::Master) {
            reactor.node = Some(node.clone());
            reactor.epoch += 1;
        }
    });
}

/// Stops using the runtime of a server's process.
pub fn end_hosting() {
    drop(pause_hosting());
}

/// Uses the thread's own runtime until [`host`] is called with the server's process, if one is returned.
pub fn pause_hosting() -> Option<Context> {
    with(|reactor| {
        reactor.epoch += 1;
        reactor.node.take()
    })
}

/// Changes with the runtime: a registration made in one epoch is invalid in another.
pub fn epoch() -> u64 {
    with(|reactor| reactor.epoch)
}

/// The runtime to register with. Fails if the process is out of descriptors.
fn handle() -> io::Result<Handle> {
    let node = with(|reactor| reactor.node.clone());
    match node {
        Some(node) => node.runtime().map_err(|e| io::Error::other(e.to_string())),
        None => own().map(|runtime| runtime.handle().clone()),
    }
}

fn own() -> io::Result<Rc<ThreadRuntime>> {
    if let Some(own) = with(|reactor| reactor.own.clone()) {
        return Ok(own);
    }
    // PHP's signal handlers run in the event loop, so an interrupt must end the sleep.
    let after = || {
        if interrupt::is_pending() {
            let sleeper = REACTOR.with(|r| r.try_borrow_mut().ok().and_then(|mut r| r.sleeper.take()));
            if let Some(sleeper) = sleeper {
                sleeper.wake();
            }
        }
    };
    let made = swoosh::runtime::for_this_thread(|| {}, after).map_err(|e| io::Error::other(e.to_string()))?;
    let made = Rc::new(made);
    with(|reactor| reactor.own = Some(made.clone()));
    Ok(made)
}

/// Sleeps until something is ready, at most `limit`. A limit of zero polls the event queue once.
pub fn wait(limit: Option<Duration>) {
    // Without a runtime nothing can become ready.
    let Ok(runtime) = own() else {
        std::thread::sleep(limit.unwrap_or(NO_RUNTIME).min(NO_RUNTIME));
        return;
    };
    runtime.block_on(async {
        match limit {
            Some(Duration::ZERO) => tokio::task::yield_now().await,
            Some(limit) => tokio::select! {
                biased;
                () = poll_fn(poll_ready) => {}
                () = runtime.sleep(limit) => {}
            },
            None => poll_fn(poll_ready).await,
        }
    });
}

/// Ready if a token is on the ready queue or PHP has an interrupt to handle; otherwise registers the task's waker.
pub fn poll_ready(cx: &mut std::task::Context<'_>) -> Poll<()> {
    let ready = with(|reactor| {
        if reactor.ready.is_empty() {
            reactor.sleeper = Some(cx.waker().clone());
        }
        !reactor.ready.is_empty()
    });
    if ready || ANY_INJECTED.load(Ordering::Acquire) || interrupt::is_pending() {
        return Poll::Ready(());
    }
    let mut injected = INJECTED.lock().unwrap_or_else(PoisonError::into_inner);
    injected.1 = Some(cx.waker().clone());
    if injected.0.is_empty() { Poll::Pending } else { Poll::Ready(()) }
}

/// Whether a token is on the ready queue.
#[inline]
pub fn is_ready() -> bool {
    with(|reactor| !reactor.ready.is_empty()) || ANY_INJECTED.load(Ordering::Acquire)
}

/// A waker that puts a token on the ready queue. Usable in any thread.
pub fn waker(token: u64) -> Waker {
    struct ReadyQueue;
    impl Wake for ReadyQueue {
        fn wake(token: u64) {
            wake(token);
        }
    }
    swoosh_zend::waker::waker::<ReadyQueue>(token)
}

/// Puts a token on the ready queue. May be called from any thread.
pub fn wake(token: u64) {
    if thread::is_php_thread() {
        let sleeper = with(|reactor| {
            reactor.ready.push_back(token);
            reactor.sleeper.take()
        });
        if let Some(sleeper) = sleeper {
            sleeper.wake();
        }
        return;
    }
    let mut injected = INJECTED.lock().unwrap_or_else(PoisonError::into_inner);
    injected.0.push(token);
    ANY_INJECTED.store(true, Ordering::Release);
    let sleeper = injected.1.take();
    drop(injected);
    if let Some(sleeper) = sleeper {
        sleeper.wake();
    }
}

/// Moves the tokens of other threads to the ready queue and returns its length.
pub fn collect() -> usize {
    if ANY_INJECTED.load(Ordering::Acquire) {
        let injected = {
            let mut injected = INJECTED.lock().unwrap_or_else(PoisonError::into_inner);
            ANY_INJECTED.store(false, Ordering::Release);
            std::mem::take(&mut injected.0)
        };
        with(|reactor| reactor.ready.extend(injected));
    }
    with(|reactor| reactor.ready.len())
}

/// Takes the next token off the ready queue.
#[inline]
pub fn next() -> Option<WakeTarget> {
    let token = with(|reactor| reactor.ready.pop_front())?;
    Some(match token & WATCHER {
        0 => WakeTarget::Coroutine(token >> WAIT_BITS, (token & WAIT_MASK) as u32),
        _ => WakeTarget::Watcher((token & !WATCHER) as RawFd),
    })
}

/// The token of a coroutine's wait.
#[inline]
pub fn coroutine_token(id: u64, wait: u32) -> u64 {
    (id << WAIT_BITS | u64::from(wait) & WAIT_MASK) & !WATCHER
}

/// The part of a wait's number that fits into a token.
#[inline]
pub fn wait_number(wait: u32) -> u32 {
    wait & WAIT_MASK as u32
}

/// The wait's number in a coroutine's token.
#[inline]
pub fn token_wait_number(token: u64) -> u32 {
    (token & WAIT_MASK) as u32
}

/// The token of a descriptor's watcher.
pub fn watcher_token(fd: RawFd) -> u64 {
    WATCHER | fd as u64
}

/// Runs blocking code on the runtime's thread pool. Fails without a runtime.
pub fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<tokio::task::JoinHandle<T>> {
    Ok(handle()?.spawn_blocking(work))
}

/// Spawns a future on the runtime. Fails without a runtime.
pub fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> io::Result<tokio::task::JoinHandle<T>> {
    Ok(handle()?.spawn(future))
}

/// Spawns a future of this thread on the runtime. Fails without a runtime.
pub fn spawn_local(future: impl Future<Output = ()> + 'static) -> io::Result<()> {
    let handle = handle()?;
    let _entered = handle.enter();
    drop(swoosh::runtime::spawn(future));
    Ok(())
}

/// An edge-triggered registration of a descriptor with the event queue.
pub struct Watch {
    /// `None` only during drop.
    fd: Option<AsyncFd<WatchedFd>>,
    generation: u32,
    /// See [`epoch`].
    epoch: u64,
}

/// The registered descriptor.
#[derive(Debug)]
pub enum WatchedFd {
    /// Owned by PHP or by a socket object.
    Borrowed(ForeignFd),
    /// A duplicate, because the descriptor itself was registered already.
    Owned(OwnedFd),
}

impl AsRawFd for WatchedFd {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            WatchedFd::Borrowed(fd) => fd.as_raw_fd(),
            WatchedFd::Owned(fd) => fd.as_raw_fd(),
        }
    }
}

impl AsFd for WatchedFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            WatchedFd::Borrowed(fd) => fd.as_fd(),
            WatchedFd::Owned(fd) => fd.as_fd(),
        }
    }
}

impl Watch {
    /// Registers a descriptor. Fails with EPERM for regular files (epoll_ctl(2)), which are always ready.
    pub fn new(fd: RawFd, interest: Interest) -> io::Result<Self> {
        let handle = handle()?;
        let _entered = handle.enter();
        let watch = |fd| swoosh::sys::watch::watch(fd, interest);
        let fd = ForeignFd::new(fd);
        let fd = match watch(WatchedFd::Borrowed(fd)) {
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) => watch(WatchedFd::Owned(fd.duplicate()?)),
            other => other,
        }?;
        Ok(Watch { fd: Some(fd), generation: runtime::generation(), epoch: epoch() })
    }

    /// Whether it watches the descriptor itself, and not a duplicate that stays open when the descriptor is closed.
    pub fn is_borrowed(&self) -> bool {
        matches!(self.fd.as_ref().map(AsyncFd::get_ref), Some(WatchedFd::Borrowed(_)))
    }

    /// Whether the runtime that it is registered with is still in use.
    pub fn is_current(&self) -> bool {
        self.epoch == epoch()
    }

    /// Ready when the descriptor is readable or the peer has closed. Stays ready until [`Self::clear_read_ready`].
    pub fn poll_read(&self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        self.fd.as_ref().map_or(Poll::Ready(()), |fd| fd.poll_read_ready(cx).map(drop))
    }

    /// Ready when the descriptor is writable or the peer has closed. Stays ready until [`Self::clear_write_ready`].
    pub fn poll_write(&self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        self.fd.as_ref().map_or(Poll::Ready(()), |fd| fd.poll_write_ready(cx).map(drop))
    }

    /// Whether the event queue has reported readability since the last [`Self::clear_read_ready`].
    pub fn can_read(&self) -> bool {
        self.poll_read(&mut std::task::Context::from_waker(Waker::noop())).is_ready()
    }

    /// Clears readability after a read would have blocked, so that the next wait sleeps.
    pub fn clear_read_ready(&self) {
        let mut cx = std::task::Context::from_waker(Waker::noop());
        if let Some(Poll::Ready(Ok(mut ready))) = self.fd.as_ref().map(|fd| fd.poll_read_ready(&mut cx)) {
            ready.clear_ready();
        }
    }

    /// Clears writability after a write would have blocked, so that the next wait sleeps.
    pub fn clear_write_ready(&self) {
        let mut cx = std::task::Context::from_waker(Waker::noop());
        if let Some(Poll::Ready(Ok(mut ready))) = self.fd.as_ref().map(|fd| fd.poll_write_ready(&mut cx)) {
            ready.clear_ready();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.generation != runtime::generation() {
            std::mem::forget(self.fd.take());
        }
    }
}

/// Shuts the script's runtime down at the end of the request.
pub fn request_end() {
    let own = with(|reactor| {
        reactor.ready.clear();
        reactor.sleeper = None;
        reactor.epoch += 1;
        reactor.own.take()
    });
    // Does not wait for pool threads, whose blocking calls may never return.
    if let Some(Ok(own)) = own.map(Rc::try_unwrap) {
        own.shutdown_background();
    }
}

const WATCHER: u64 = 1 << 63;
const WAIT_BITS: u32 = 23;
const WAIT_MASK: u64 = (1 << WAIT_BITS) - 1;
/// The longest sleep without a runtime.
const NO_RUNTIME: Duration = Duration::from_millis(20);
