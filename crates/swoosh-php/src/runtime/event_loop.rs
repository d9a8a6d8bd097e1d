//! The event loop: woken coroutines, descriptors, timers and deferred calls. A plain script runs it and sleeps in the
//! reactor; a server's process calls [`hosted_tick`] from the engine's loop.
//!
//! Invariant: no state of the loop is borrowed while PHP code runs, because that code may call the loop and may not return.
//!
//! One tick: `before` callback, sleep, woken coroutines, interrupts, signals, ready descriptors, due timers, coroutine
//! timeouts, deferred calls, `after` callback.

use super::reactor::WakeTarget;
use super::scheduler::{LoopEnd, call_back, scheduler};
use super::{blocking, object_counts, reactor, script_end, signals, timers, watchers};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::error::{fatal, raise_uncaught};
use swoosh_zend::{Callable, PhpResult, Raised, interrupt, runtime};

#[derive(Default)]
struct Loop {
    deferred: VecDeque<Callable>,
    before: Option<Rc<Callable>>,
    after: Option<Rc<Callable>>,
    /// Whether the loop runs, or a server's process hosts it.
    running: bool,
    /// [`stop`] was called.
    stopped: bool,
    /// [`run_at_end`] has run the loop.
    ran_at_end: bool,
    /// `exit` or a fatal error ended the loop; it is not entered again.
    shut_down: bool,
    /// Coroutines up to this id keep the loop no longer; see [`leave_behind`].
    left_behind: u64,
    /// See [`run_beside`].
    beside: Option<Beside>,
    /// How often PHP has called [`run_at_end`].
    end_calls: u32,
    /// See [`runtime::generation`].
    generation: u32,
    ticks: u64,
}

/// The newest coroutine and timer when [`run_beside`] began: later ones keep its loop.
#[derive(Debug, Clone, Copy)]
struct Beside {
    coroutine: u64,
    timer: u64,
}

thread_local! {
    static LOOP: RefCell<Loop> = RefCell::new(Loop::default());
}

fn with<R>(f: impl FnOnce(&mut Loop) -> R) -> R {
    LOOP.with_borrow_mut(|state| {
        if state.generation != runtime::generation() {
            // Leaked: destructors of the parent's callbacks must not run in a forked child.
            let inherited = std::mem::take(state);
            state.generation = runtime::generation();
            std::mem::forget(inherited);
        }
        f(state)
    })
}

/// How a tick may sleep.
#[derive(Debug, Clone, Copy)]
enum Sleep {
    /// In the reactor, at most this long if there is a limit.
    Reactor(Option<Duration>),
    /// Not at all: the engine's loop sleeps between ticks.
    Hosted,
}

/// Runs until nothing is left to wait for or [`stop`] is called. Does nothing if the loop runs already.
pub fn run() -> PhpResult<()> {
    if is_running() { Ok(()) } else { run_nested() }
}

/// Like [`run`], also within a running loop: for a child process that was forked in a callback.
pub fn run_nested() -> PhpResult<()> {
    let stopped = run_while(|| {
        if is_alive() {
            return Ok(Some(None));
        }
        match scheduler().loop_end()? {
            LoopEnd::Now => Ok(None),
            LoopEnd::AskAgain => Ok(Some(Some(EXIT_CONDITION_INTERVAL))),
            LoopEnd::WithoutSignals { wait_signal } => Ok(signals::keep_alive(wait_signal).then_some(None)),
        }
    })?;
    let left_behind = with(|state| state.left_behind > 0 || state.beside.is_some());
    if !stopped && !left_behind && scheduler().count() > 0 && !scheduler().in_coroutine() {
        return scheduler().report_deadlock();
    }
    Ok(())
}

/// Runs ticks while `step`, which is called before each, returns `Some`: the longest time that tick may sleep. Returns
/// whether [`stop`] ended the loop, in which case all watchers, timers and deferred calls are dropped.
pub fn run_while(mut step: impl FnMut() -> PhpResult<Option<Option<Duration>>>) -> PhpResult<bool> {
    with(|state| state.running = true);
    blocking::ensure_started();
    object_counts::loop_begins();
    let result = loop {
        if with(|state| state.stopped) {
            break Ok(());
        }
        object_counts::tick();
        match step() {
            Ok(Some(limit)) => match run_tick(Sleep::Reactor(limit)) {
                Ok(()) => {}
                failed => break failed,
            },
            Ok(None) => break Ok(()),
            Err(raised) => break Err(raised),
        }
    };
    swoosh::blocking::end();
    let stopped = with(|state| {
        state.running = false;
        state.shut_down |= matches!(result, Err(raised) if raised != Raised::Exit);
        std::mem::replace(&mut state.stopped, false)
    });
    if matches!(result, Err(raised) if raised != Raised::Exit) {
        script_end::loop_failed();
    }
    if result == Err(Raised::Exit) {
        // Shutdown functions may start coroutines; those of the script end with it.
        leave_behind();
    }
    if stopped && result.is_ok() {
        let deferred = with(|state| std::mem::take(&mut state.deferred));
        timers::cancel_all();
        watchers::clear();
        drop(deferred);
    }
    timers::loop_ended();
    result.map(|()| stopped)
}

/// Runs `begin`, which creates coroutines, and then the loop until nothing is left. A fatal error if the loop runs already.
pub fn run_coroutines(begin: impl FnOnce() -> PhpResult<()>) -> PhpResult<()> {
    // After a fatal error this ends the hosted loop.
    script_end::prepare();
    let nested = scheduler().in_coroutine() || is_running();
    if !nested {
        blocking::ensure_started();
        object_counts::loop_begins();
        swoosh::blocking::begin();
    }
    let begun = begin();
    if !nested {
        swoosh::blocking::end();
    }
    begun?;
    if nested {
        return Err(fatal(
            "the event loop is running already: start more coroutines with go(), not with another run()",
        ));
    }
    run()
}

/// Runs the loop at the end of the script, unless `exit` or a fatal error ended it. PHP calls this twice: the first call
/// registers the second behind all other shutdown functions, and the second runs what those began
/// and unwinds the coroutines that still wait.
pub fn run_at_end() -> PhpResult<()> {
    with(|state| state.end_calls += 1);
    if runtime::has_failed() && !script_end::is_renewed() || with(|state| state.shut_down) {
        return Ok(());
    }
    if with(|state| std::mem::replace(&mut state.ran_at_end, true)) {
        // Coroutines that shutdown functions behind the first call began.
        if is_alive() {
            run()?;
        }
        let ended = scheduler().end_all();
        shut_down();
        return ended;
    }
    run()?;
    runtime::at_script_end(script_end::FUNCTION);
    Ok(())
}

/// Runs the shutdown functions behind the one that has called [`run_at_end`], because the loop has failed and PHP would skip
/// them, and then the coroutines that they began. A fatal error in one of those ends these coroutines in turn.
pub fn run_later_shutdown_functions() -> PhpResult<()> {
    let mut next = 0;
    loop {
        next = runtime::call_later_shutdown_functions(script_end::FUNCTION, with(|state| state.end_calls), next);
        if !script_end::is_renewed() {
            return Ok(());
        }
        let ended = run();
        if ended.is_ok() || script_end::is_renewed() {
            return ended;
        }
    }
}

/// Starts afresh when user code that runs after a fatal error, such as a shutdown function, gives the loop something to do.
/// The script's own coroutines, timers and watchers are leaked: they do not go on, and their destructors must not run.
#[cold]
pub fn renew() {
    scheduler().forget_all();
    timers::forget_all();
    watchers::forget_all();
    reactor::end_hosting();
    with(|state| {
        let old = std::mem::replace(state, Loop { ticks: state.ticks, ..Loop::default() });
        state.generation = old.generation;
        state.end_calls = old.end_calls;
        std::mem::forget(old);
    });
}

/// Whether the loop runs, or a server's process hosts it.
pub fn is_running() -> bool {
    with(|state| state.running)
}

/// Runs one tick.
pub fn tick() -> PhpResult<()> {
    run_tick(Sleep::Reactor(None))
}

fn run_tick(sleep: Sleep) -> PhpResult<()> {
    if let Some(before) = with(|state| state.before.clone()) {
        call_back(before, Vec::new())?;
    }
    if let Sleep::Reactor(limit) = sleep {
        wait(limit);
    }
    run_woken()?;
    if interrupt::is_pending() {
        interrupt::handle_pending().map_err(raise_uncaught)?;
    }
    signals::run_due()?;
    watchers::run_ready()?;
    timers::run_due()?;
    scheduler().run_due(None)?;
    // Calls that are deferred meanwhile run in the next tick.
    for _ in 0..with(|state| state.deferred.len()) {
        let Some(deferred) = with(|state| state.deferred.pop_front()) else { break };
        call_back(Rc::new(deferred), Vec::new())?;
    }
    if let Some(after) = with(|state| state.after.clone()) {
        call_back(after, Vec::new())?;
    }
    if let Sleep::Hosted = sleep {
        watchers::arm();
    }
    Ok(())
}

/// Resumes woken coroutines. Those that are woken meanwhile are resumed in the next tick.
fn run_woken() -> PhpResult<()> {
    for _ in 0..reactor::collect() {
        match reactor::next() {
            Some(WakeTarget::Coroutine(id, wait)) => {
                swoosh::blocking::begin();
                scheduler().wake(id, wait)?;
            }
            Some(WakeTarget::Watcher(fd)) => watchers::mark_ready(fd),
            None => break,
        }
    }
    Ok(())
}

/// Sleeps until something is ready or a timer is due, at most `limit`.
fn wait(limit: Option<Duration>) {
    watchers::arm();
    let (stays_awake, ticks) = with(|state| {
        state.ticks += 1;
        (!state.deferred.is_empty() || state.stopped, state.ticks)
    });
    if stays_awake || watchers::any_maybe_ready() || reactor::is_ready() {
        // Polls the event queue from time to time, so that ready work does not starve descriptors.
        if watchers::count() > 0 || ticks % TICKS_BETWEEN_POLLS == 0 {
            reactor::wait(Some(Duration::ZERO));
        }
        return;
    }
    match [sleep_limit(), limit].into_iter().flatten().min() {
        Some(Duration::ZERO) if scheduler().external_waits() == 0 => {}
        limit => reactor::wait(limit),
    }
}

fn sleep_limit() -> Option<Duration> {
    [timers::sleep_limit(), scheduler().sleep_limit()].into_iter().flatten().min()
}

/// Makes a server's process the host of the loop: it calls [`hosted_tick`], and [`run`] does nothing.
pub fn host() {
    with(|state| state.running = true);
}

/// Ends hosting when the server has ended and the script continues. Watchers, timers and callbacks are dropped.
pub fn end_hosting() {
    let callbacks = with(|state| {
        state.running = false;
        state.stopped = false;
        state.left_behind = 0;
        (state.before.take(), state.after.take(), std::mem::take(&mut state.deferred))
    });
    reactor::end_hosting();
    timers::cancel_all();
    watchers::clear();
    drop(callbacks);
    timers::loop_ended();
}

/// Ends hosting for an event or a shutdown function that ends a process, so that it may run a loop of its own. That loop ends
/// with the coroutines and timers that begin from now on; older coroutines do not keep it.
pub fn leave_behind() {
    end_hosting();
    let newest = scheduler().newest();
    with(|state| state.left_behind = newest);
}

/// Runs code of an event behind which the process goes on hosting, with a loop of its own: that ends with the coroutines and
/// timers that the code began. Others go on meanwhile.
pub fn run_beside(body: impl FnOnce() -> PhpResult<()>) -> PhpResult<()> {
    let node = reactor::pause_hosting();
    let beside = Beside { coroutine: scheduler().newest(), timer: timers::newest() };
    with(|state| {
        state.running = false;
        state.beside = Some(beside);
    });
    let ended = body().and_then(|()| run());
    with(|state| {
        state.running = true;
        state.beside = None;
    });
    if let Some(node) = node {
        reactor::host(&node);
    }
    ended
}

/// Prevents the loop from being entered again: `exit` or a fatal error ended the script.
pub fn shut_down() {
    with(|state| state.shut_down = true);
}

/// Ends hosting by an `exit` or a fatal error in a callback. After an `exit` shutdown functions may run a loop of their own.
pub fn end_by(raised: Raised) {
    match raised {
        Raised::Exit => leave_behind(),
        _ => shut_down(),
    }
}

/// Runs a tick without sleeping, in a process that hosts the loop.
#[inline]
pub fn hosted_tick() -> PhpResult<()> {
    object_counts::tick();
    let idle = timers::count() == 0
        && scheduler().pending_waits() == 0
        && !reactor::is_ready()
        && !signals::is_due()
        && !with(|state| state.has_callbacks())
        && watchers::count() == 0;
    if idle { Ok(()) } else { run_tick(Sleep::Hosted) }
}

/// How long the engine's loop may sleep before the next [`hosted_tick`]; `None`: until an event arrives.
#[inline]
pub fn hosted_sleep_limit() -> Option<Duration> {
    if reactor::is_ready() || with(|state| !state.deferred.is_empty()) || watchers::any_maybe_ready() {
        return Some(Duration::ZERO);
    }
    sleep_limit()
}

/// How many timers, waits, watchers and deferred calls delay the end of a server's process.
pub fn pending_count() -> usize {
    timers::count() + scheduler().pending_waits() + watchers::count() + with(|state| state.deferred.len())
}

/// Whether there is anything to wait for.
pub fn is_alive() -> bool {
    if let Some(beside) = with(|state| state.beside) {
        return scheduler().newest_alive() > beside.coroutine && scheduler().pending_waits() > 0
            || timers::newest() > beside.timer
            || with(|state| !state.deferred.is_empty())
            || reactor::is_ready();
    }
    timers::count() > 0
        || has_waits()
        || watchers::count() > 0
        || with(|state| !state.deferred.is_empty())
        || reactor::is_ready()
}

/// Whether a coroutine waits for the clock, a descriptor or another thread, of those that keep the loop.
fn has_waits() -> bool {
    let left_behind = with(|state| state.left_behind);
    scheduler().pending_waits() > 0 && (left_behind == 0 || scheduler().newest_alive() > left_behind)
}

/// Ends the loop after the current tick, if it runs.
pub fn stop() {
    with(|state| state.stopped |= state.running);
}

/// Calls a function in the next tick.
pub fn defer(callback: Callable) {
    script_end::prepare();
    with(|state| state.deferred.push_back(callback));
}

/// Sets the function that is called at the beginning (`before`) or end of each tick; `None` removes it. False if there was
/// none to remove.
pub fn set_cycle_callback(callback: Option<Callable>, before: bool) -> bool {
    let callback = callback.map(Rc::new);
    let is_set = callback.is_some();
    let old = with(|state| {
        let slot = if before { &mut state.before } else { &mut state.after };
        std::mem::replace(slot, callback)
    });
    is_set || old.is_some()
}

/// Drops the loop's state at the end of the request.
pub fn request_end() {
    let state = with(|state| {
        let generation = state.generation;
        std::mem::replace(state, Loop { generation, ..Loop::default() })
    });
    drop(state);
    watchers::clear();
}

impl Loop {
    fn has_callbacks(&self) -> bool {
        !self.deferred.is_empty() || self.before.is_some() || self.after.is_some()
    }
}

/// How often `exit_condition` is called while nothing else happens.
const EXIT_CONDITION_INTERVAL: Duration = Duration::from_millis(100);
/// Ticks with ready work after which the event queue is polled.
const TICKS_BETWEEN_POLLS: u64 = 61;
