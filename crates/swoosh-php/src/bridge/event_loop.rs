//! The loop of a plain script: descriptors, timers, deferred calls. A server's worker has a loop of its own.
//!
//! One turn: `before` callback, wait, ready descriptors, due timers, deferred calls, `after` callback. Nothing of the
//! loop's state is borrowed while PHP code runs.

use super::timers;
use crate::zend::error::uncaught;
use crate::zend::{Callable, PhpResult, Raised, Zval, runtime};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::rc::Rc;
use std::time::Duration;

/// Ready to be read (`SWOOLE_EVENT_READ`).
pub const READ: i64 = 512;
/// Ready to be written (`SWOOLE_EVENT_WRITE`).
pub const WRITE: i64 = 1024;

/// A watched descriptor.
pub struct Watcher {
    /// What the user gave: callbacks get it back, and it keeps the descriptor open.
    pub subject: Zval,
    /// Called when there is something to read.
    pub read: Option<Rc<Callable>>,
    /// Called when there is room to write.
    pub write: Option<Rc<Callable>>,
    /// [`READ`] and [`WRITE`]: what is watched.
    pub events: i64,
    /// Bytes taken by `write`, not yet by the kernel.
    pub unsent: Vec<u8>,
}

#[derive(Default)]
struct Loop {
    watchers: BTreeMap<i32, Watcher>,
    deferred: VecDeque<Callable>,
    before: Option<Rc<Callable>>,
    after: Option<Rc<Callable>>,
    /// Within `run` at this moment.
    running: bool,
    leave: bool,
    /// Whether the script's end runs the loop.
    at_end: bool,
    /// The script left the loop by `exit` or a fatal error; it is not entered again.
    over: bool,
    generation: u32,
}

thread_local! {
    static LOOP: RefCell<Loop> = RefCell::new(Loop::default());
}

fn with<R>(f: impl FnOnce(&mut Loop) -> R) -> R {
    LOOP.with_borrow_mut(|state| {
        if state.generation != runtime::generation() {
            // What the parent watched and deferred is its own; its shutdown function was inherited with the script.
            let inherited = std::mem::take(state);
            state.generation = runtime::generation();
            state.at_end = inherited.at_end;
            std::mem::forget(inherited);
        }
        f(state)
    })
}

/// Sees to it that the loop runs when the script ends. Called by whatever gives the loop something to do.
#[inline]
pub fn prepare() {
    if !PREPARED.get() {
        PREPARED.set(true);
        if !with(|state| std::mem::replace(&mut state.at_end, true)) {
            runtime::at_script_end("Swoole\\Event::rshutdown");
        }
    }
}

thread_local! {
    /// A quick answer for [`prepare`].
    static PREPARED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs until nothing is left to wait for, or [`leave`] is called. Does nothing inside of itself.
pub fn run() -> PhpResult<()> {
    if with(|state| std::mem::replace(&mut state.running, true)) {
        return Ok(());
    }
    let mut result = Ok(());
    while result.is_ok() && is_alive() && !with(|state| state.leave) {
        result = turn();
    }
    let left = with(|state| {
        state.running = false;
        state.over |= result.is_err();
        let left = std::mem::replace(&mut state.leave, false);
        if result.is_ok() && left {
            return Some((std::mem::take(&mut state.watchers), std::mem::take(&mut state.deferred)));
        }
        None
    });
    if left.is_some() {
        timers::cancel_all();
    }
    drop(left);
    timers::loop_ended();
    result
}

/// Runs the loop at the script's end, unless it ended with a fatal error or out of the loop itself.
pub fn run_at_end() -> PhpResult<()> {
    if runtime::has_failed() || with(|state| state.over) {
        return Ok(());
    }
    run()
}

/// One turn of the loop.
pub fn turn() -> PhpResult<()> {
    turn_of(false)
}

fn turn_of(hosted: bool) -> PhpResult<()> {
    if let Some(before) = with(|state| state.before.clone()) {
        call(&before, &mut [])?;
    }
    for (fd, readiness) in wait(hosted)? {
        serve(fd, readiness)?;
    }
    timers::run_due()?;
    // What is deferred meanwhile waits for the next turn.
    for _ in 0..with(|state| state.deferred.len()) {
        let Some(deferred) = with(|state| state.deferred.pop_front()) else { break };
        call(&deferred, &mut [])?;
    }
    if let Some(after) = with(|state| state.after.clone()) {
        call(&after, &mut [])?;
    }
    Ok(())
}

/// From now on a server's process is the loop: it calls [`hosted_turn`], and [`run`] does nothing.
pub fn host() {
    with(|state| state.running = true);
}

/// The server is over and the script goes on; what the loop waited for is given up.
pub fn end_hosting() {
    let left = with(|state| {
        state.running = false;
        state.leave = false;
        let cycle = (state.before.take(), state.after.take());
        (std::mem::take(&mut state.watchers), std::mem::take(&mut state.deferred), cycle)
    });
    timers::cancel_all();
    drop(left);
    timers::loop_ended();
}

/// The script ends out of the loop: nothing runs it again.
pub fn give_up() {
    with(|state| state.over = true);
}

/// Runs what is ready, in a process whose loop is a server's.
#[inline]
pub fn hosted_turn() -> PhpResult<()> {
    if timers::count() == 0 && !with(|state| state.has_work()) {
        return Ok(());
    }
    turn_of(true)
}

/// How long a server's loop may sleep; `None`: until something arrives there.
#[inline]
pub fn hosted_sleep_limit() -> Option<Duration> {
    let (at_once, watches) = with(|state| (!state.deferred.is_empty(), !state.watchers.is_empty()));
    if at_once {
        return Some(Duration::ZERO);
    }
    // The server's loop does not know these descriptors.
    let look = watches.then_some(DESCRIPTOR_LOOK);
    [timers::sleep_limit(), look].into_iter().flatten().min()
}

/// How many things keep a server's process alive when it is to end.
pub fn pending() -> usize {
    timers::count() + with(|state| state.watchers.len() + state.deferred.len())
}

/// Whether there is anything to wait for.
pub fn is_alive() -> bool {
    timers::count() > 0 || with(|state| !state.watchers.is_empty() || !state.deferred.is_empty())
}

/// Ends the loop after this turn, if it runs; what it waited for is given up.
pub fn leave() {
    with(|state| state.leave |= state.running);
}

/// Watches a descriptor. False if it is watched already.
pub fn add(fd: i32, watcher: Watcher) -> bool {
    prepare();
    with(|state| match state.watchers.entry(fd) {
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(watcher);
            true
        }
        std::collections::btree_map::Entry::Occupied(_) => false,
    })
}

/// Changes callbacks (those that are given) and events (unless 0). False if the descriptor is not watched.
pub fn change(fd: i32, read: Option<Callable>, write: Option<Callable>, events: i64) -> bool {
    let old = with(|state| {
        let watcher = state.watchers.get_mut(&fd)?;
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
        Some(old)
    });
    old.is_some()
}

/// Watches a descriptor no longer. False if it was not watched.
pub fn remove(fd: i32) -> bool {
    let removed = with(|state| state.watchers.remove(&fd));
    removed.is_some()
}

/// What is watched of a descriptor; 0: nothing.
pub fn events(fd: i32) -> i64 {
    with(|state| state.watchers.get(&fd).map_or(0, |watcher| watcher.events))
}

/// Sends bytes as soon as there is room for them; the descriptor is watched until they are gone. False if the peer is
/// gone.
pub fn write(fd: i32, subject: &Zval, bytes: &[u8]) -> bool {
    prepare();
    let waits = with(|state| state.watchers.get(&fd).is_some_and(|watcher| !watcher.unsent.is_empty()));
    let sent = if waits { 0 } else { send(fd, bytes).unwrap_or(usize::MAX) };
    if sent == usize::MAX {
        return false;
    }
    if sent < bytes.len() {
        let subject = subject.clone();
        with(|state| {
            let watcher = state.watchers.entry(fd).or_insert_with(|| Watcher {
                subject,
                read: None,
                write: None,
                events: 0,
                unsent: Vec::new(),
            });
            watcher.unsent.extend_from_slice(&bytes[sent..]);
        });
    }
    true
}

/// Calls a function in the next turn.
pub fn defer(callback: Callable) {
    prepare();
    with(|state| state.deferred.push_back(callback));
}

/// Calls a function in each turn, at its beginning or its end; `None`: no longer. False if there was none to end.
pub fn cycle(callback: Option<Callable>, before: bool) -> bool {
    let callback = callback.map(Rc::new);
    let given = callback.is_some();
    let old = with(|state| {
        let place = if before { &mut state.before } else { &mut state.after };
        std::mem::replace(place, callback)
    });
    given || old.is_some()
}

/// The request ends: gives up what the loop holds.
pub fn request_end() {
    PREPARED.set(false);
    let held = with(|state| {
        let generation = state.generation;
        std::mem::replace(state, Loop { generation, ..Loop::default() })
    });
    drop(held);
}

/// Sleeps until a descriptor is ready or a timer due, and gives the ready ones.
fn wait(hosted: bool) -> PhpResult<Vec<(i32, PollFlags)>> {
    if hosted && with(|state| state.watchers.is_empty()) {
        return Ok(Vec::new());
    }
    let (wanted, busy) = with(|state| {
        let wanted: Vec<(i32, PollFlags)> = state.watchers.iter().map(|(&fd, w)| (fd, w.flags())).collect();
        (wanted, !state.deferred.is_empty() || state.leave)
    });
    let limit = if busy || hosted { Some(Duration::ZERO) } else { timers::sleep_limit() };
    let limit = match limit {
        None => PollTimeout::NONE,
        // Rounded up: waking early would be waking twice.
        Some(limit) => PollTimeout::try_from(limit.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32)
            .unwrap_or(PollTimeout::MAX),
    };
    let mut fds: Vec<PollFd<'_>> = wanted.iter().map(|&(fd, flags)| PollFd::new(descriptor(fd), flags)).collect();
    if poll(&mut fds, limit).is_err() {
        // EINTR: the signal's handler runs with the next PHP code.
        return Ok(Vec::new());
    }
    Ok(fds
        .iter()
        .zip(&wanted)
        .filter_map(|(ready, &(fd, _))| ready.revents().filter(|r| !r.is_empty()).map(|r| (fd, r)))
        .collect())
}

/// Calls whoever waits for a descriptor.
fn serve(fd: i32, readiness: PollFlags) -> PhpResult<()> {
    if readiness.contains(PollFlags::POLLNVAL) {
        // Closed without `del`: nothing will ever come of it.
        remove(fd);
        return Ok(());
    }
    let broken = readiness.intersects(PollFlags::POLLERR | PollFlags::POLLHUP);
    if broken || readiness.contains(PollFlags::POLLOUT) {
        flush(fd);
    }
    let Some((mut subject, read, write)) = with(|state| {
        let w = state.watchers.get(&fd)?;
        let read = w.read.clone().filter(|_| w.events & READ != 0 && (broken || readiness.contains(PollFlags::POLLIN)));
        let room = readiness.contains(PollFlags::POLLOUT) || (broken && w.events & READ == 0);
        let write = w.write.clone().filter(|_| w.events & WRITE != 0 && room);
        Some(([w.subject.clone()], read, write))
    }) else {
        return Ok(());
    };
    if let Some(read) = read {
        call(&read, &mut subject)?;
    }
    if let Some(write) = write
        && events(fd) & WRITE != 0
    {
        call(&write, &mut subject)?;
    }
    Ok(())
}

/// Sends what `write` has left; a descriptor that was watched only for that is watched no longer.
fn flush(fd: i32) {
    let done = with(|state| {
        let watcher = state.watchers.get_mut(&fd)?;
        if watcher.unsent.is_empty() {
            return None;
        }
        match send(fd, &watcher.unsent) {
            Some(sent) => drop(watcher.unsent.drain(..sent)),
            None => watcher.unsent.clear(),
        }
        if watcher.unsent.is_empty() && watcher.events == 0 { state.watchers.remove(&fd) } else { None }
    });
    drop(done);
}

/// How many bytes the kernel took; `None` if the peer is gone.
fn send(fd: i32, bytes: &[u8]) -> Option<usize> {
    use nix::errno::Errno;
    use nix::sys::socket::{MsgFlags, send};
    match send(fd, bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
        Ok(sent) => Some(sent),
        Err(Errno::EAGAIN | Errno::EINTR) => Some(0),
        Err(Errno::ENOTSOCK) => match nix::unistd::write(descriptor(fd), bytes) {
            Ok(sent) => Some(sent),
            Err(Errno::EAGAIN | Errno::EINTR) => Some(0),
            Err(_) => None,
        },
        Err(_) => None,
    }
}

impl Loop {
    fn has_work(&self) -> bool {
        !self.deferred.is_empty() || !self.watchers.is_empty() || self.before.is_some() || self.after.is_some()
    }
}

impl Watcher {
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

fn call(callback: &Callable, args: &mut [Zval]) -> PhpResult<()> {
    match callback.call(args) {
        Ok(_) => Ok(()),
        Err(Raised::Exception) => Err(uncaught(Raised::Exception)),
        Err(other) => Err(other),
    }
}

/// A descriptor of the user's, for the length of one system call.
fn descriptor<'a>(fd: i32) -> BorrowedFd<'a> {
    crate::zend::runtime::borrow_descriptor(fd)
}

/// How often a server's process looks at descriptors of the user's.
const DESCRIPTOR_LOOK: Duration = Duration::from_millis(5);
