//! The one place where PHP's thread waits: descriptors, work of other threads, and the clock's limit.
//!
//! PHP code runs outside of the async runtime, which is entered only to wait. A plain script has a runtime of its own; in
//! a server's process it is the engine's, and the engine's loop does the waiting. Whoever waits leaves a waker with a
//! token behind; a wake puts the token on the ready queue, which the loop empties.
//!
//! A process that was forked leaves all of it behind: nothing inherited is dropped, since that would take descriptors out
//! of the event queue that it shares with its parent.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use swoosh::node::{Node, Role};
use swoosh::runtime::ThreadRuntime;
use swoosh::sys::foreign_fd::ForeignFd;
use swoosh_zend::waker::Wake;
use swoosh_zend::{interrupt, runtime, thread};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// What a wake says: who is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeTarget {
    /// A coroutine, and which of its waits.
    Coroutine(u64, u32),
    /// Whoever watches a descriptor.
    Watcher(RawFd),
}

#[derive(Default)]
struct Reactor {
    /// See [`runtime::generation`].
    generation: u32,
    /// See [`epoch`].
    epoch: u64,
    own: Option<Rc<ThreadRuntime>>,
    node: Option<Node>,
    ready: VecDeque<u64>,
    /// The task that sleeps in the runtime, to be woken by the first wake.
    sleeper: Option<Waker>,
}

thread_local! {
    static REACTOR: RefCell<Reactor> = RefCell::default();
}

/// Wakes of other threads, and the task they wake.
static INJECTED: Mutex<(Vec<u64>, Option<Waker>)> = Mutex::new((Vec::new(), None));
/// Whether there are any: a look without the lock.
static ANY_INJECTED: AtomicBool = AtomicBool::new(false);

fn with<R>(f: impl FnOnce(&mut Reactor) -> R) -> R {
    REACTOR.with_borrow_mut(|reactor| {
        if reactor.generation != runtime::generation() {
            reset_after_fork(reactor);
        }
        f(reactor)
    })
}

/// This process was forked: the parent's runtime is the parent's.
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

/// From now on the loop is that process's of a server.
pub fn host(node: &Node) {
    with(|reactor| {
        if reactor.node.is_none() && matches!(node.role(), Role::Worker | Role::TaskWorker | Role::Master) {
            reactor.node = Some(node.clone());
            reactor.epoch += 1;
        }
    });
}

/// The loop is no server's any more.
pub fn end_hosting() {
    let node = with(|reactor| {
        reactor.epoch += 1;
        reactor.node.take()
    });
    drop(node);
}

/// Another number after each change of the runtime: what lives on one must not be used on another.
pub fn epoch() -> u64 {
    with(|reactor| reactor.epoch)
}

/// The runtime to register with. Fails where the kernel gives no descriptors.
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
    // A signal's handler of PHP's is run by the loop, so the sleep must end.
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

/// Waits until something is ready, or `limit` is over. Zero: only looks.
pub fn wait(limit: Option<Duration>) {
    // Without a runtime nobody could be ready: then even a look is too much.
    let Ok(runtime) = own() else {
        std::thread::sleep(limit.unwrap_or(NO_RUNTIME).min(NO_RUNTIME));
        return;
    };
    runtime.block_on(async {
        match limit {
            Some(Duration::ZERO) => tokio::task::yield_now().await,
            Some(limit) => drop(tokio::time::timeout(limit, poll_fn(poll_ready)).await),
            None => poll_fn(poll_ready).await,
        }
    });
}

/// Whether anything is ready or PHP has a signal to handle; if not, the task is woken when that changes.
pub fn poll_ready(cx: &mut Context<'_>) -> Poll<()> {
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

/// Whether anything is ready.
#[inline]
pub fn is_ready() -> bool {
    with(|reactor| !reactor.ready.is_empty()) || ANY_INJECTED.load(Ordering::Acquire)
}

/// A waker that puts a token on the ready queue. From any thread.
pub fn waker(token: u64) -> Waker {
    struct ReadyQueue;
    impl Wake for ReadyQueue {
        fn wake(token: u64) {
            wake(token);
        }
    }
    swoosh_zend::waker::waker::<ReadyQueue>(token)
}

/// Puts a token on the ready queue. From any thread.
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

/// How many wakes lie on the ready queue, those of other threads among them.
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

/// Takes the next wake.
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

/// The number of a wait as a token carries it.
#[inline]
pub fn wait_number(wait: u32) -> u32 {
    wait & WAIT_MASK as u32
}

/// The number of the wait that a coroutine's token names.
#[inline]
pub fn token_wait_number(token: u64) -> u32 {
    (token & WAIT_MASK) as u32
}

/// The token of a descriptor's watcher.
pub fn watcher_token(fd: RawFd) -> u64 {
    WATCHER | fd as u64
}

/// Runs something that blocks in a thread of the pool. Fails where there is no runtime.
pub fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<tokio::task::JoinHandle<T>> {
    Ok(handle()?.spawn_blocking(work))
}

/// Runs a future beside the loop. Fails where there is no runtime.
pub fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> io::Result<tokio::task::JoinHandle<T>> {
    Ok(handle()?.spawn(future))
}

/// A descriptor in the event queue, edge-triggered.
pub struct Watch {
    /// `None` only while it is dropped.
    fd: Option<AsyncFd<WatchedFd>>,
    generation: u32,
    /// See [`epoch`].
    epoch: u64,
}

/// What is watched: a number that somebody else closes, or a descriptor of our own.
#[derive(Debug)]
pub enum WatchedFd {
    /// Owned by PHP code, or by a socket of ours.
    Borrowed(ForeignFd),
    /// A duplicate: the number itself was in the event queue already.
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
    /// Watches a descriptor. Fails for what cannot be waited for, as a file, which is always ready (EPERM).
    pub fn new(fd: RawFd, interest: Interest) -> io::Result<Self> {
        let handle = handle()?;
        let _entered = handle.enter();
        let watch = |what| swoosh::sys::watch::watch(what, interest);
        let fd = ForeignFd::new(fd);
        let fd = match watch(WatchedFd::Borrowed(fd)) {
            Err(e) if e.raw_os_error() == Some(libc::EEXIST) => watch(WatchedFd::Owned(fd.duplicate()?)),
            other => other,
        }?;
        Ok(Watch { fd: Some(fd), generation: runtime::generation(), epoch: epoch() })
    }

    /// Whether the event queue that it is in is asked still.
    pub fn is_current(&self) -> bool {
        self.epoch == epoch()
    }

    /// Ready when there is something to read, or the peer is gone. Remembered until [`clear_read_ready`](Self::clear_read_ready).
    pub fn poll_read(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.fd.as_ref().map_or(Poll::Ready(()), |fd| fd.poll_read_ready(cx).map(drop))
    }

    /// Ready when there is room to write, or the peer is gone. Remembered until [`clear_write_ready`](Self::clear_write_ready).
    pub fn poll_write(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.fd.as_ref().map_or(Poll::Ready(()), |fd| fd.poll_write_ready(cx).map(drop))
    }

    /// Whether something was told of since it was forgotten.
    pub fn can_read(&self) -> bool {
        self.poll_read(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// A read found nothing: the next wait waits.
    pub fn clear_read_ready(&self) {
        let mut cx = Context::from_waker(Waker::noop());
        if let Some(Poll::Ready(Ok(mut ready))) = self.fd.as_ref().map(|fd| fd.poll_read_ready(&mut cx)) {
            ready.clear_ready();
        }
    }

    /// A write found no room: the next wait waits.
    pub fn clear_write_ready(&self) {
        let mut cx = Context::from_waker(Waker::noop());
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

/// The request ends: the runtime of the script goes.
pub fn request_end() {
    let own = with(|reactor| {
        reactor.ready.clear();
        reactor.sleeper = None;
        reactor.epoch += 1;
        reactor.own.take()
    });
    // Threads of the pool may be in the middle of something that never ends.
    if let Some(Ok(own)) = own.map(Rc::try_unwrap) {
        own.shutdown_background();
    }
}

const WATCHER: u64 = 1 << 63;
const WAIT_BITS: u32 = 23;
const WAIT_MASK: u64 = (1 << WAIT_BITS) - 1;
/// How long a loop sleeps at a time that cannot have a runtime.
const NO_RUNTIME: Duration = Duration::from_millis(20);
