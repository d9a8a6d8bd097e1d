//! The descriptors that `Swoole\Event` watches, and the bytes that `Event::write` has not sent yet.
//!
//! Invariant: a descriptor that may be ready is either in `maybe_ready` or armed in the event queue, which is
//! edge-triggered; otherwise an event would be lost. Nothing is borrowed while PHP code runs.

use super::reactor::{self, Watch};
use super::scheduler::call_back;
use super::script_end;
use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;
use swoosh::sys::foreign_fd::ForeignFd;
use swoosh::sys::poll::{self, PollFlags};
use swoosh_zend::{Callable, PhpResult, Zval, runtime};
use tokio::io::Interest;

/// Readable (`SWOOLE_EVENT_READ`).
pub const READ: i64 = 512;
/// Writable (`SWOOLE_EVENT_WRITE`).
pub const WRITE: i64 = 1024;

/// A watched descriptor.
pub struct Watcher {
    /// The value the user passed: given to callbacks, and held so that the descriptor stays open.
    subject: Zval,
    read: Option<Rc<Callable>>,
    write: Option<Rc<Callable>>,
    /// The watched events: [`READ`] and [`WRITE`].
    events: i64,
    /// Bytes accepted by [`write`] that the kernel has not taken yet.
    unsent: Vec<u8>,
    /// The registration with the event queue; `None` for descriptors that are always ready, such as files.
    watch: Option<Watch>,
}

impl Watcher {
    /// A watcher for [`add`]. `events` is a set of [`READ`] and [`WRITE`].
    pub fn new(fd: i32, subject: Zval, read: Option<Rc<Callable>>, write: Option<Rc<Callable>>, events: i64) -> Self {
        let watch = Watch::new(fd, Interest::READABLE | Interest::WRITABLE).ok();
        Watcher { subject, read, write, events, unsent: Vec::new(), watch }
    }

    /// Arms the event queue for the descriptor. False if it is ready already or has no registration.
    fn arm(&self, fd: i32) -> bool {
        let Some(watch) = &self.watch else { return false };
        let waker = reactor::waker(reactor::watcher_token(fd));
        let mut cx = Context::from_waker(&waker);
        let flags = self.flags();
        let mut armed = true;
        if flags.contains(PollFlags::POLLIN) {
            watch.clear_read_ready();
            armed &= watch.poll_read(&mut cx).is_pending();
        }
        if flags.contains(PollFlags::POLLOUT) {
            watch.clear_write_ready();
            armed &= watch.poll_write(&mut cx).is_pending();
        }
        armed
    }

    fn flags(&self) -> PollFlags {
        let mut flags = PollFlags::empty();
        if self.events & READ != 0 {
            flags |= PollFlags::POLLIN;
        }
        if self.events & WRITE != 0 || !self.unsent.is_empty() {
            flags |= PollFlags::POLLOUT;
        }
        flags
    }
}

#[derive(Default)]
struct Watchers {
    by_fd: BTreeMap<i32, Watcher>,
    /// Descriptors that the event queue has reported, or that are not armed yet.
    maybe_ready: BTreeSet<i32>,
    /// See [`runtime::generation`].
    generation: u32,
}

thread_local! {
    static WATCHERS: RefCell<Watchers> = RefCell::default();
}

fn with<R>(f: impl FnOnce(&mut Watchers) -> R) -> R {
    WATCHERS.with_borrow_mut(|watchers| {
        if watchers.generation != runtime::generation() {
            // Leaked: dropping would remove the descriptors from the event queue that is shared with the parent process.
            std::mem::forget(std::mem::take(watchers));
            watchers.generation = runtime::generation();
        }
        f(watchers)
    })
}

/// Watches a descriptor. False if it is watched already.
pub fn add(fd: i32, watcher: Watcher) -> bool {
    script_end::prepare();
    with(|watchers| match watchers.by_fd.entry(fd) {
        Entry::Vacant(place) => {
            place.insert(watcher);
            watchers.maybe_ready.insert(fd);
            true
        }
        Entry::Occupied(_) => false,
    })
}

/// Replaces the callbacks that are `Some`, and the events unless they are 0. False if the descriptor is not watched.
pub fn change(fd: i32, read: Option<Callable>, write: Option<Callable>, events: i64) -> bool {
    // The old callbacks are dropped outside of the borrow, since that may run destructors.
    let old = with(|watchers| {
        let watcher = watchers.by_fd.get_mut(&fd)?;
        let mut old = (None, None);
        if let Some(read) = read {
            old.0 = watcher.read.replace(Rc::new(read));
        }
        if let Some(write) = write {
            old.1 = watcher.write.replace(Rc::new(write));
        }
        if events & (READ | WRITE) != 0 {
            watcher.events = events & (READ | WRITE);
        }
        watchers.maybe_ready.insert(fd);
        Some(old)
    });
    old.is_some()
}

/// Stops watching a descriptor. False if it was not watched.
pub fn remove(fd: i32) -> bool {
    let removed = with(|watchers| watchers.by_fd.remove(&fd));
    removed.is_some()
}

/// The watched events of a descriptor; 0 if it is not watched.
pub fn events(fd: i32) -> i64 {
    with(|watchers| watchers.by_fd.get(&fd).map_or(0, |watcher| watcher.events))
}

/// Sends bytes now or when the descriptor becomes writable; it stays watched until they are sent. False if the peer has
/// closed the connection.
pub fn write(fd: i32, subject: &Zval, bytes: &[u8]) -> bool {
    script_end::prepare();
    let queued = with(|watchers| watchers.by_fd.get(&fd).is_some_and(|watcher| !watcher.unsent.is_empty()));
    let sent = if queued { Some(0) } else { send(fd, bytes) };
    let Some(sent) = sent else { return false };
    if sent < bytes.len() {
        let subject = subject.clone();
        with(|watchers| {
            let watcher = watchers.by_fd.entry(fd).or_insert_with(|| Watcher::new(fd, subject, None, None, 0));
            watcher.unsent.extend_from_slice(&bytes[sent..]);
            watchers.maybe_ready.insert(fd);
        });
    }
    true
}

/// How many descriptors are watched.
pub fn count() -> usize {
    with(|watchers| watchers.by_fd.len())
}

/// Whether a descriptor may be ready, so that the loop must not sleep.
pub fn any_maybe_ready() -> bool {
    with(|watchers| !watchers.maybe_ready.is_empty())
}

/// Notes that the event queue has reported a descriptor.
pub fn mark_ready(fd: i32) {
    with(|watchers| {
        watchers.maybe_ready.insert(fd);
    });
}

/// Runs the callbacks of all descriptors that are ready now.
pub fn run_ready() -> PhpResult<()> {
    for (fd, readiness) in poll_now(false) {
        dispatch(fd, readiness)?;
    }
    Ok(())
}

/// Arms the event queue for every descriptor that is not ready now. Call it before the loop sleeps.
pub fn arm() {
    if count() == 0 {
        return;
    }
    let ready: BTreeSet<i32> = poll_now(true).into_iter().map(|(fd, _)| fd).collect();
    with(|watchers| {
        let (maybe_ready, by_fd) = (&mut watchers.maybe_ready, &mut watchers.by_fd);
        maybe_ready.extend(ready.iter());
        maybe_ready.retain(|fd| {
            let Some(watcher) = by_fd.get(fd) else { return false };
            ready.contains(fd) || !watcher.arm(*fd)
        });
    });
}

/// Stops watching all descriptors.
pub fn clear() {
    // Dropped outside of the borrow, since that may run destructors.
    let removed = with(|watchers| {
        watchers.maybe_ready.clear();
        std::mem::take(&mut watchers.by_fd)
    });
    drop(removed);
}

/// Leaks all watchers: after a fatal error their destructors must not run.
pub fn forget_all() {
    with(|watchers| std::mem::forget(std::mem::take(watchers)));
}

/// Polls the descriptors in `maybe_ready`. With `all`, also polls those that are armed while there are few of them: the
/// event queue never reports a descriptor that was closed without `del`.
fn poll_now(all: bool) -> Vec<(i32, PollFlags)> {
    let wanted: Vec<(i32, PollFlags)> = with(|watchers| {
        let all = all && watchers.by_fd.len() <= FULL_POLL_LIMIT;
        let wanted = watchers.by_fd.iter().filter(|(fd, _)| all || watchers.maybe_ready.contains(fd));
        wanted.map(|(&fd, watcher)| (fd, watcher.flags())).collect()
    });
    if wanted.is_empty() {
        return Vec::new();
    }
    let found = poll::ready(&wanted, Some(Duration::ZERO)).unwrap_or_default();
    wanted.iter().zip(found).filter(|(_, ready)| !ready.is_empty()).map(|(&(fd, _), ready)| (fd, ready)).collect()
}

/// Runs the callbacks of one descriptor.
fn dispatch(fd: i32, readiness: PollFlags) -> PhpResult<()> {
    if readiness.contains(PollFlags::POLLNVAL) {
        // Closed without `del`: no further event can arrive.
        remove(fd);
        return Ok(());
    }
    let broken = readiness.intersects(PollFlags::POLLERR | PollFlags::POLLHUP);
    if broken || readiness.contains(PollFlags::POLLOUT) {
        flush(fd);
    }
    let Some((subject, read, write)) = with(|watchers| {
        let w = watchers.by_fd.get(&fd)?;
        let read = w.read.clone().filter(|_| w.events & READ != 0 && (broken || readiness.contains(PollFlags::POLLIN)));
        let writable = readiness.contains(PollFlags::POLLOUT) || (broken && w.events & READ == 0);
        let write = w.write.clone().filter(|_| w.events & WRITE != 0 && writable);
        Some((w.subject.clone(), read, write))
    }) else {
        return Ok(());
    };
    if let Some(read) = read {
        call_back(read, vec![subject.clone()])?;
    }
    // The read callback may have changed what is watched.
    if let Some(write) = write
        && events(fd) & WRITE != 0
    {
        call_back(write, vec![subject])?;
    }
    Ok(())
}

/// Sends bytes queued by [`write`], and stops watching a descriptor that was watched only for them.
fn flush(fd: i32) {
    let done = with(|watchers| {
        let watcher = watchers.by_fd.get_mut(&fd)?;
        if watcher.unsent.is_empty() {
            return None;
        }
        match send(fd, &watcher.unsent) {
            Some(sent) => drop(watcher.unsent.drain(..sent)),
            None => watcher.unsent.clear(),
        }
        if watcher.unsent.is_empty() && watcher.events == 0 { watchers.by_fd.remove(&fd) } else { None }
    });
    drop(done);
}

/// How many bytes the kernel took; `None` if the peer has closed the connection.
fn send(fd: i32, bytes: &[u8]) -> Option<usize> {
    match ForeignFd::new(fd).send_or_write(bytes) {
        Ok(sent) => Some(sent),
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Some(0),
        Err(_) => None,
    }
}

/// Up to this many descriptors are all polled in each tick.
const FULL_POLL_LIMIT: usize = 64;
