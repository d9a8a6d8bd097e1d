//! The loop: coroutines that were woken, descriptors, timers, deferred calls. In a plain script it runs by itself and waits
//! in the reactor; a server's process calls [`hosted_tick`] from a loop of its own.
//!
//! One turn: `before` callback, wait, woken coroutines, ready descriptors, due timers, deferred calls, `after` callback.
//! Each callback runs in a coroutine of its own. Nothing of the loop's state is borrowed while PHP code runs.

use super::reactor::{WakeTarget, Watch};
use super::scheduler::{LoopEnd, callbacks_in_coroutines, run_callback, scheduler};
use super::{reactor, script_end, signals, timers};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::rc::Rc;
use std::task::Context;
use std::time::Duration;
use swoosh::sys::foreign_fd::ForeignFd;
use swoosh::sys::poll::{self, PollFlags};
use swoosh_zend::error::{fatal, raise_uncaught};
use swoosh_zend::{Callable, PhpResult, Raised, Zval, interrupt, runtime};
use tokio::io::Interest;

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
    /// Its place in the event queue; `None` for what is always ready, as a file.
    watch: Option<Watch>,
}

#[derive(Default)]
struct Loop {
    watchers: BTreeMap<i32, Watcher>,
    /// Those that may be ready: the event queue reported them, or was not asked to yet.
    maybe_ready: BTreeSet<i32>,
    deferred: VecDeque<Callable>,
    before: Option<Rc<Callable>>,
    after: Option<Rc<Callable>>,
    /// Within `run` at this moment.
    running: bool,
    stop: bool,
    /// The script's end has run it.
    ended: bool,
    /// The script left the loop by `exit` or a fatal error; it is not entered again.
    shut_down: bool,
    generation: u32,
    ticks: u64,
}

thread_local! {
    static LOOP: RefCell<Loop> = RefCell::new(Loop::default());
}

fn with<R>(f: impl FnOnce(&mut Loop) -> R) -> R {
    LOOP.with_borrow_mut(|state| {
        if state.generation != runtime::generation() {
            // What the parent watched and deferred is its own.
            let inherited = std::mem::take(state);
            state.generation = runtime::generation();
            std::mem::forget(inherited);
        }
        f(state)
    })
}

thread_local! {
    /// Whether `over` may be set: a quick answer for [`is_shut_down`].
    static SHUT_DOWN: Cell<bool> = const { Cell::new(false) };
}

/// Runs until nothing is left to wait for, or [`stop`] is called. Does nothing inside of itself.
pub fn run() -> PhpResult<()> {
    if is_running() { Ok(()) } else { run_nested() }
}

/// The same, in whatever runs already: for a process that was forked there, and ends when nothing is left.
pub fn run_nested() -> PhpResult<()> {
    let left = run_while(|| {
        if is_alive() {
            return Ok(Some(None));
        }
        match scheduler().loop_end()? {
            LoopEnd::Now => Ok(None),
            LoopEnd::AskAgain => Ok(Some(Some(EXIT_CONDITION_INTERVAL))),
            LoopEnd::WithoutSignals { wait_signal } => Ok(signals::keep_alive(wait_signal).then_some(None)),
        }
    })?;
    if !left && scheduler().count() > 0 && !scheduler().in_coroutine() {
        return scheduler().report_deadlock();
    }
    Ok(())
}

/// Runs as long as `step`, which is called before each turn, gives how long that one may sleep at most; whether [`stop`]
/// was called.
pub fn run_while(mut step: impl FnMut() -> PhpResult<Option<Option<Duration>>>) -> PhpResult<bool> {
    with(|state| state.running = true);
    let result = loop {
        if with(|state| state.stop) {
            break Ok(());
        }
        match step() {
            Ok(Some(limit)) => match run_tick(Some(limit)) {
                Ok(()) => {}
                failed => break failed,
            },
            Ok(None) => break Ok(()),
            Err(raised) => break Err(raised),
        }
    };
    let left = with(|state| {
        state.running = false;
        state.shut_down |= result.is_err();
        SHUT_DOWN.set(state.shut_down);
        let left = std::mem::replace(&mut state.stop, false);
        if result.is_ok() && left {
            state.maybe_ready.clear();
            return Some((std::mem::take(&mut state.watchers), std::mem::take(&mut state.deferred)));
        }
        None
    });
    let was_left = left.is_some();
    if was_left {
        timers::cancel_all();
    }
    drop(left);
    timers::loop_ended();
    result.map(|()| was_left)
}

/// Runs one coroutine and the loop until nothing is left. A fatal error where the loop runs already.
pub fn run_coroutines(begin: impl FnOnce() -> PhpResult<()>) -> PhpResult<()> {
    let nested = scheduler().in_coroutine() || with(|state| state.running);
    begin()?;
    if nested {
        return Err(fatal("coroutines run already: start others with go(), not with another run()"));
    }
    run()
}

/// Runs the loop at the script's end, unless it ended with a fatal error or out of the loop itself. Called again after
/// every other shutdown function, it ends the coroutines that wait still.
pub fn run_at_end() -> PhpResult<()> {
    if runtime::has_failed() || with(|state| state.shut_down) {
        return Ok(());
    }
    if with(|state| std::mem::replace(&mut state.ended, true)) {
        let ended = scheduler().end_all();
        shut_down();
        return ended;
    }
    run()?;
    runtime::at_script_end("Swoole\\Event::rshutdown");
    Ok(())
}

/// How many descriptors are watched.
pub fn watcher_count() -> usize {
    with(|state| state.watchers.len())
}

/// Whether the loop runs at this moment.
pub fn is_running() -> bool {
    with(|state| state.running)
}

/// Whether the script's end is past: nobody would run a coroutine on.
#[inline]
pub fn is_shut_down() -> bool {
    SHUT_DOWN.get() && with(|state| state.shut_down)
}

/// One turn of the loop.
pub fn tick() -> PhpResult<()> {
    run_tick(Some(None))
}

/// A turn that sleeps for so long at most; `None`: the server's loop does the sleeping.
fn run_tick(sleeps: Option<Option<Duration>>) -> PhpResult<()> {
    if let Some(before) = with(|state| state.before.clone()) {
        call(before, Vec::new())?;
    }
    if let Some(limit) = sleeps {
        wait(limit);
    }
    for _ in 0..reactor::collect() {
        match reactor::next() {
            Some(WakeTarget::Coroutine(id, wait)) => scheduler().wake(id, wait)?,
            Some(WakeTarget::Watcher(fd)) => with(|state| {
                let _ = state.maybe_ready.insert(fd);
            }),
            None => break,
        }
    }
    if interrupt::is_pending() {
        interrupt::handle_pending().map_err(raise_uncaught)?;
    }
    signals::run_due()?;
    for (fd, readiness) in poll_watchers(false) {
        dispatch(fd, readiness)?;
    }
    timers::run_due()?;
    scheduler().run_due()?;
    // What is deferred meanwhile waits for the next turn.
    for _ in 0..with(|state| state.deferred.len()) {
        let Some(deferred) = with(|state| state.deferred.pop_front()) else { break };
        call(Rc::new(deferred), Vec::new())?;
    }
    if let Some(after) = with(|state| state.after.clone()) {
        call(after, Vec::new())?;
    }
    if sleeps.is_none() {
        arm();
    }
    Ok(())
}

/// From now on a server's process is the loop: it calls [`hosted_tick`], and [`run`] does nothing.
pub fn host() {
    with(|state| state.running = true);
}

/// The server is over and the script goes on; what the loop waited for is given up.
pub fn end_hosting() {
    let left = with(|state| {
        state.running = false;
        state.stop = false;
        let cycle = (state.before.take(), state.after.take());
        state.maybe_ready.clear();
        (std::mem::take(&mut state.watchers), std::mem::take(&mut state.deferred), cycle)
    });
    reactor::end_hosting();
    timers::cancel_all();
    drop(left);
    timers::loop_ended();
}

/// The script ends out of the loop: nothing runs it again.
pub fn shut_down() {
    SHUT_DOWN.set(true);
    with(|state| state.shut_down = true);
}

/// Runs what is ready, in a process whose loop is a server's.
#[inline]
pub fn hosted_tick() -> PhpResult<()> {
    if timers::count() == 0
        && scheduler().pending_waits() == 0
        && !reactor::is_ready()
        && !with(|state| state.has_work())
    {
        return Ok(());
    }
    run_tick(None)
}

/// How long a server's loop may sleep; `None`: until something arrives there.
#[inline]
pub fn hosted_sleep_limit() -> Option<Duration> {
    if reactor::is_ready() || with(|state| !state.deferred.is_empty() || !state.maybe_ready.is_empty()) {
        return Some(Duration::ZERO);
    }
    sleep_limit()
}

fn sleep_limit() -> Option<Duration> {
    [timers::sleep_limit(), scheduler().sleep_limit()].into_iter().flatten().min()
}

/// How many things keep a server's process alive when it is to end.
pub fn pending_count() -> usize {
    timers::count() + scheduler().pending_waits() + with(|state| state.watchers.len() + state.deferred.len())
}

/// Whether there is anything to wait for.
pub fn is_alive() -> bool {
    timers::count() > 0
        || scheduler().pending_waits() > 0
        || with(|state| !state.watchers.is_empty() || !state.deferred.is_empty())
        || reactor::is_ready()
}

/// Ends the loop after this turn, if it runs; what it waited for is given up.
pub fn stop() {
    with(|state| state.stop |= state.running);
}

/// Watches a descriptor. False if it is watched already.
pub fn add(fd: i32, watcher: Watcher) -> bool {
    script_end::prepare();
    with(|state| match state.watchers.entry(fd) {
        std::collections::btree_map::Entry::Vacant(place) => {
            place.insert(watcher);
            state.maybe_ready.insert(fd);
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
        state.maybe_ready.insert(fd);
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
    script_end::prepare();
    let waits = with(|state| state.watchers.get(&fd).is_some_and(|watcher| !watcher.unsent.is_empty()));
    let sent = if waits { 0 } else { send(fd, bytes).unwrap_or(usize::MAX) };
    if sent == usize::MAX {
        return false;
    }
    if sent < bytes.len() {
        let subject = subject.clone();
        with(|state| {
            let watcher = state.watchers.entry(fd).or_insert_with(|| Watcher::new(fd, subject, None, None, 0));
            watcher.unsent.extend_from_slice(&bytes[sent..]);
            state.maybe_ready.insert(fd);
        });
    }
    true
}

/// Calls a function in the next turn.
pub fn defer(callback: Callable) {
    script_end::prepare();
    with(|state| state.deferred.push_back(callback));
}

/// Calls a function in each turn, at its beginning or its end; `None`: no longer. False if there was none to end.
pub fn set_cycle_callback(callback: Option<Callable>, before: bool) -> bool {
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
    SHUT_DOWN.set(false);
    let held = with(|state| {
        let generation = state.generation;
        std::mem::replace(state, Loop { generation, ..Loop::default() })
    });
    drop(held);
}

/// Sleeps until something is ready or a timer due, `most` at most.
fn wait(most: Option<Duration>) {
    arm();
    let (busy, ticks) = with(|state| {
        state.ticks += 1;
        (!state.deferred.is_empty() || !state.maybe_ready.is_empty() || state.stop, state.ticks)
    });
    if busy || reactor::is_ready() {
        // While there is always something, the event queue has its turn now and then.
        if with(|state| !state.watchers.is_empty()) || ticks % TICKS_BETWEEN_POLLS == 0 {
            reactor::wait(Some(Duration::ZERO));
        }
        return;
    }
    match [sleep_limit(), most].into_iter().flatten().min() {
        Some(Duration::ZERO) if scheduler().external_waits() == 0 => {}
        limit => reactor::wait(limit),
    }
}

/// Asks the event queue about descriptors that are not ready now; those that are stay maybe_ready.
fn arm() {
    if with(|state| state.watchers.is_empty()) {
        return;
    }
    let ready: BTreeSet<i32> = poll_watchers(true).into_iter().map(|(fd, _)| fd).collect();
    with(|state| {
        let (maybe_ready, watchers) = (&mut state.maybe_ready, &mut state.watchers);
        maybe_ready.extend(ready.iter());
        maybe_ready.retain(|fd| {
            let Some(watcher) = watchers.get(fd) else { return false };
            ready.contains(fd) || !watcher.arm(*fd)
        });
    });
}

/// Which descriptors are ready at this moment, of those that may be. `all`: also of those that the event queue knows,
/// where there are few: one that was closed without a word is never reported.
fn poll_watchers(all: bool) -> Vec<(i32, PollFlags)> {
    let wanted: Vec<(i32, PollFlags)> = with(|state| {
        let all = all && state.watchers.len() <= FULL_SCAN_LIMIT;
        let wanted = state.watchers.iter().filter(|(fd, _)| all || state.maybe_ready.contains(fd));
        wanted.map(|(&fd, w)| (fd, w.flags())).collect()
    });
    if wanted.is_empty() {
        return Vec::new();
    }
    let found = poll::ready(&wanted, Some(Duration::ZERO)).unwrap_or_default();
    wanted.iter().zip(found).filter(|(_, ready)| !ready.is_empty()).map(|(&(fd, _), ready)| (fd, ready)).collect()
}

/// Calls whoever waits for a descriptor.
fn dispatch(fd: i32, readiness: PollFlags) -> PhpResult<()> {
    if readiness.contains(PollFlags::POLLNVAL) {
        // Closed without `del`: nothing will ever come of it.
        remove(fd);
        return Ok(());
    }
    let broken = readiness.intersects(PollFlags::POLLERR | PollFlags::POLLHUP);
    if broken || readiness.contains(PollFlags::POLLOUT) {
        flush(fd);
    }
    let Some((subject, read, write)) = with(|state| {
        let w = state.watchers.get(&fd)?;
        let read = w.read.clone().filter(|_| w.events & READ != 0 && (broken || readiness.contains(PollFlags::POLLIN)));
        let room = readiness.contains(PollFlags::POLLOUT) || (broken && w.events & READ == 0);
        let write = w.write.clone().filter(|_| w.events & WRITE != 0 && room);
        Some((w.subject.clone(), read, write))
    }) else {
        return Ok(());
    };
    if let Some(read) = read {
        call(read, vec![subject.clone()])?;
    }
    if let Some(write) = write
        && events(fd) & WRITE != 0
    {
        call(write, vec![subject])?;
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
    match ForeignFd::new(fd).send_or_write(bytes) {
        Ok(sent) => Some(sent),
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Some(0),
        Err(_) => None,
    }
}

impl Loop {
    fn has_work(&self) -> bool {
        !self.deferred.is_empty()
            || !self.watchers.is_empty()
            || !self.maybe_ready.is_empty()
            || self.before.is_some()
            || self.after.is_some()
    }
}

impl Watcher {
    /// Watches a descriptor, see [`add`].
    pub fn new(fd: i32, subject: Zval, read: Option<Rc<Callable>>, write: Option<Rc<Callable>>, events: i64) -> Self {
        let watch = Watch::new(fd, Interest::READABLE | Interest::WRITABLE).ok();
        Watcher { subject, read, write, events, unsent: Vec::new(), watch }
    }

    /// Has the event queue tell when there is something. False where it is so already.
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

fn call(callback: Rc<Callable>, mut args: Vec<Zval>) -> PhpResult<()> {
    let run = move || callback.call(&mut args).map(drop);
    match run_callback(callbacks_in_coroutines(), run) {
        Err(Raised::Exception) => Err(raise_uncaught(Raised::Exception)),
        other => other,
    }
}

/// How often `exit_condition` is asked while nothing else happens.
const EXIT_CONDITION_INTERVAL: Duration = Duration::from_millis(100);
/// Turns with something ready before the event queue is asked.
const TICKS_BETWEEN_POLLS: u64 = 61;
/// As many descriptors are looked at one by one in each turn.
const FULL_SCAN_LIMIT: usize = 64;
