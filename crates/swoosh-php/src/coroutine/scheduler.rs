//! Coroutines: the table of those that are not over, and the switch between them.
//!
//! A coroutine is resumed at once by whoever makes it ready (a push into the channel it waits on, `resume`, `cancel`), on
//! its own stack above the resumer's; when it waits again or is over, the resumer goes on. What becomes ready by the
//! kernel, the clock or another thread is resumed by the loop ([`event_loop`]).
//!
//! None of this state is borrowed while PHP code runs, and what a coroutine owns lies in its record, so that a fatal error
//! may jump over its frames.
//!
//! Everything that each switch goes through is in this file.

use super::classes::{CANCELED, TIMEOUT};
use super::join::Join;
use super::options::{Options, options};
use super::table::Table;
use super::ticker;
use super::types::{Job, Signal, Stage, Wait, Wake};
use crate::runtime::{event_loop, last_error, reactor, script_end};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use swoosh::context::RequestGuard;
use swoosh::sys::clock::monotonic_nanos;
use swoosh::timer::{TimerId, TimerWheel};
use swoosh_zend::error::{fatal, throw, warning};
use swoosh_zend::machine::{self, Left};
use swoosh_zend::switch::{Progress, Vessel};
use swoosh_zend::thread::Home;
use swoosh_zend::{Callable, Kind, Object, PhpResult, Raised, Zval, runtime};

/// One coroutine.
pub struct Coroutine {
    /// 1, 2, 3... in the order of creation, never used twice.
    pub id: u64,
    /// Who created it; `None`: no coroutine.
    pub parent: Option<u64>,
    pub(super) is_event: bool,
    /// The request that it handles.
    pub(super) in_hand: Cell<Option<RequestGuard>>,
    pub(super) stage: Cell<Stage>,
    /// Counts its waits: a wake that comes too late is one for another wait.
    pub(super) waits: Cell<u32>,
    pub(super) signal: Cell<Signal>,
    /// Whether its last wait was cancelled.
    pub(super) cancelled: Cell<bool>,
    /// What the last fatal error or exit in it was.
    pub(super) outcome: Cell<Option<Raised>>,
    pub(super) timer: Cell<Option<TimerId>>,
    pub(super) limit: Cell<Option<TimerId>>,
    /// Whether its time slice may end.
    pub(super) preemptible: Cell<bool>,
    /// Nobody wants its work any more: that it was cancelled is no error where it does not catch it.
    pub(super) abandoned: Cell<bool>,
    pub(super) began: u64,
    pub(super) vessel: Rc<Vessel>,
    pub(super) resumer: Cell<Option<Rc<Coroutine>>>,
    pub(super) job: RefCell<Option<Job>>,
    pub(super) defers: RefCell<Vec<Callable>>,
    pub(super) context: RefCell<Option<Object>>,
    /// Who waits for its end.
    pub(super) joiner: RefCell<Option<Rc<Join>>>,
}

/// When something is to be done about a coroutine.
#[derive(Debug, Clone, Copy)]
pub(super) enum Alarm {
    /// That wait of it times out.
    Wait(u64, u32),
    /// Its time limit is over.
    Limit(u64),
}

pub(super) struct Scheduler {
    /// See [`runtime::generation`].
    pub(super) generation: Cell<u32>,
    pub(super) current: Cell<Option<Rc<Coroutine>>>,
    pub(super) table: RefCell<Table<Rc<Coroutine>>>,
    pub(super) vessels: RefCell<Vec<Rc<Vessel>>>,
    pub(super) alarms: RefCell<Option<TimerWheel<Alarm>>>,
    pub(super) last_id: Cell<u64>,
    pub(super) alive: Cell<usize>,
    pub(super) peak: Cell<usize>,
    /// Callbacks of a server's events that have begun and are not over.
    pub(super) callbacks: Cell<usize>,
    /// Waits that a descriptor or another thread ends.
    pub(super) outside: Cell<usize>,
    /// Switches so far: whether there was one since somebody last looked.
    pub(super) switches: Cell<u64>,
    /// The script ends: nobody waits any more.
    pub(super) ending: Cell<bool>,
    /// The coroutine in which this process began as another one's child; 0: in none. An `exit` there ends the process.
    pub(super) cradle: Cell<u64>,
}

static SCHEDULER: Home<Scheduler> = Home::new(Scheduler {
    generation: Cell::new(0),
    current: Cell::new(None),
    table: RefCell::new(Table::new()),
    vessels: RefCell::new(Vec::new()),
    alarms: RefCell::new(None),
    last_id: Cell::new(0),
    alive: Cell::new(0),
    peak: Cell::new(0),
    callbacks: Cell::new(0),
    outside: Cell::new(0),
    switches: Cell::new(0),
    ending: Cell::new(false),
    cradle: Cell::new(0),
});

#[inline(always)]
pub(super) fn scheduler() -> &'static Scheduler {
    let scheduler = SCHEDULER.get();
    if scheduler.generation.get() != runtime::generation() {
        scheduler.leave_behind();
    }
    scheduler
}

#[inline]
pub(super) fn with<R>(f: impl FnOnce(&Scheduler) -> R) -> R {
    f(scheduler())
}

/// What a cell holds, by a count of its own.
#[inline(always)]
pub(super) fn held(cell: &Cell<Option<Rc<Coroutine>>>) -> Option<Rc<Coroutine>> {
    let inside = cell.take();
    let copy = inside.clone();
    cell.set(inside);
    copy
}

/// Looks at what a cell holds.
#[inline(always)]
fn look<T>(cell: &Cell<Option<Rc<Coroutine>>>, at: impl FnOnce(&Coroutine) -> T) -> Option<T> {
    let inside = cell.take();
    let seen = inside.as_deref().map(at);
    cell.set(inside);
    seen
}

impl Scheduler {
    /// This process was forked: it has the coroutine that forked, and those that wait for that one to give control back.
    #[cold]
    fn leave_behind(&self) {
        self.generation.set(runtime::generation());
        self.cradle.set(look(&self.current, |coroutine| coroutine.id).unwrap_or(0));
        let inherited = self.table.replace(Table::new());
        let mut kept = Table::new();
        let mut count = 0;
        let mut at = held(&self.current);
        while let Some(coroutine) = at {
            at = held(&coroutine.resumer);
            coroutine.timer.set(None);
            coroutine.limit.set(None);
            kept.insert(coroutine.id, coroutine);
            count += 1;
        }
        std::mem::forget(inherited);
        std::mem::forget(self.alarms.take());
        *self.table.borrow_mut() = kept;
        self.alive.set(count);
        self.callbacks.set(0);
        self.outside.set(0);
    }

    fn alarm(&self, after: Duration, alarm: Alarm) -> TimerId {
        // Rounded up, so that none comes early.
        let now = monotonic_nanos().div_ceil(1_000_000);
        let ms = (after.as_nanos().div_ceil(1_000_000) as u64).max(1);
        let mut alarms = self.alarms.borrow_mut();
        alarms.get_or_insert_with(|| TimerWheel::new(now)).after(now, ms, alarm)
    }

    fn disarm(&self, timer: TimerId) {
        if let Some(alarms) = self.alarms.borrow_mut().as_mut() {
            let _ = alarms.cancel(timer);
        }
    }
}

// ---- to begin ----

/// Whether another coroutine can be created (`max_coroutine`).
pub fn has_room() -> bool {
    with(|s| s.alive.get()) < options(Options::max_coroutine)
}

/// Creates a coroutine and runs it until it first waits; its id. `None`, after a warning, where there are too many.
/// `Err`: it ended, or whom it resumed, by an exit or a fatal error.
pub fn create(mut job: Job) -> PhpResult<Option<u64>> {
    script_end::prepare();
    if event_loop::is_over() && current_id().is_none() && !event_loop::is_running() {
        drop(job);
        return Err(fatal("the script has ended: nobody would run the coroutine on"));
    }
    let most = options(Options::max_coroutine);
    let Some((vessel, id, parent)) = with(|s| {
        if s.alive.get() >= most {
            return None;
        }
        let vessel = s.vessels.borrow_mut().pop();
        s.last_id.set(s.last_id.get() + 1);
        let parent = look(&s.current, |c| c.id);
        Some((vessel, s.last_id.get(), parent))
    }) else {
        drop(job);
        last_error::set(WRONG_USE);
        warning(&format!("there are {most} coroutines already (max_coroutine)"));
        return Ok(None);
    };
    let Some(vessel) = vessel.or_else(|| Vessel::new().map(Rc::new)) else {
        drop(job);
        return Err(fatal("no memory for the stack of another coroutine"));
    };
    let (is_event, in_hand) = match &mut job {
        Job::Event(_, _, in_hand) => (true, in_hand.take()),
        _ => (false, None),
    };
    let coroutine = Rc::new(Coroutine {
        id,
        is_event,
        in_hand: Cell::new(in_hand),
        parent,
        stage: Cell::new(Stage::Waits(Wait::Turn)),
        waits: Cell::new(0),
        signal: Cell::new(Signal::Wake(Wake::Done)),
        cancelled: Cell::new(false),
        outcome: Cell::new(None),
        timer: Cell::new(None),
        limit: Cell::new(None),
        preemptible: Cell::new(true),
        abandoned: Cell::new(false),
        began: monotonic_nanos(),
        vessel,
        resumer: Cell::new(None),
        job: RefCell::new(Some(job)),
        defers: RefCell::new(Vec::new()),
        context: RefCell::new(None),
        joiner: RefCell::new(None),
    });
    with(|s| {
        s.table.borrow_mut().insert(id, coroutine.clone());
        s.alive.set(s.alive.get() + 1);
        s.peak.set(s.peak.get().max(s.alive.get()));
        s.callbacks.set(s.callbacks.get() + usize::from(is_event));
    });
    ticker::begin();
    switch_to(coroutine, true)?;
    Ok(Some(id))
}

/// Runs a coroutine until it waits or is over.
#[inline(always)]
fn switch_to(coroutine: Rc<Coroutine>, begins: bool) -> PhpResult<()> {
    let s = scheduler();
    s.switches.set(s.switches.get() + 1);
    let outer = s.current.replace(Some(coroutine.clone()));
    if let Some(outer) = &outer {
        outer.stage.set(Stage::Resumes);
    }
    coroutine.resumer.replace(outer);
    coroutine.stage.set(Stage::Runs);
    let progress = if begins { coroutine.vessel.start(bottom) } else { coroutine.vessel.resume() };
    let outer = coroutine.resumer.take();
    if let Some(outer) = &outer {
        outer.stage.set(Stage::Runs);
    }
    s.current.replace(outer);
    match progress {
        Progress::Waits => Ok(()),
        Progress::Over { failed } => over(coroutine, failed),
    }
}

/// The end of a coroutine, told on its resumer's stack.
#[inline(never)]
fn over(coroutine: Rc<Coroutine>, failed: bool) -> PhpResult<()> {
    coroutine.stage.set(Stage::Over);
    drop(coroutine.in_hand.take());
    let joiner = coroutine.joiner.take();
    let kept = with(|s| {
        if let Some(limit) = coroutine.limit.take() {
            s.disarm(limit);
        }
        s.alive.set(s.alive.get().saturating_sub(1));
        s.callbacks.set(s.callbacks.get().saturating_sub(usize::from(coroutine.is_event)));
        let mut vessels = s.vessels.borrow_mut();
        if vessels.len() < SPARE_VESSELS && !failed {
            vessels.push(coroutine.vessel.clone());
        }
        s.table.borrow_mut().remove(coroutine.id)
    });
    drop(kept);
    if let Some(joiner) = joiner {
        joiner.one_ended();
    }
    let outcome = if failed { Some(Raised::Bailout) } else { coroutine.outcome.get() };
    drop(coroutine);
    match outcome {
        None => Ok(()),
        Some(Raised::Exit) => Err(machine::throw_exit()),
        Some(other) => Err(other),
    }
}

/// The lowest frame of every coroutine.
fn bottom() {
    let Some(coroutine) = current() else { return };
    let mut job = coroutine.job.take();
    let mut raised = None;
    let mut result = Zval::null();
    match &mut job {
        Some(Job::Closure(closure, args)) => result = closure.call_closure_bare(args),
        Some(Job::Call(callable, args)) => result = callable.call_bare(args),
        Some(Job::Event(callable, args, _)) => result = callable.call_bare(args),
        Some(Job::Native(_)) => {
            if let Some(Job::Native(run)) = job.take() {
                raised = run().err().filter(|raised| *raised == Raised::Bailout);
            }
        }
        None => {}
    }
    if result.kind() == Kind::Undef {
        result = Zval::null();
    }
    let mut left = machine::take_exception();
    loop {
        if raised.is_some() || matches!(left, Left::Exit) {
            break;
        }
        let Some(deferred) = coroutine.defers.borrow_mut().pop() else { break };
        match deferred.call(&mut [result.clone()]) {
            Ok(_) => {}
            Err(Raised::Bailout) => raised = Some(Raised::Bailout),
            Err(_) => {
                left = machine::take_exception();
                break;
            }
        }
    }
    // All of these may run destructors, which may wait.
    drop(result);
    drop(job);
    drop(coroutine.defers.take());
    drop(coroutine.context.take());
    if let later @ (Left::Exception(_) | Left::Exit) = machine::take_exception() {
        left = later;
    }
    machine::end_output();
    match left {
        _ if raised.is_some() => coroutine.outcome.set(raised),
        Left::Nothing => {}
        // At the script's end every frame is left that way, and that is all there is to it.
        Left::Exit if with(|s| s.ending.get()) => {}
        Left::Exception(exception) if coroutine.abandoned.get() && exception.class().is_a(CANCELED.get()) => {}
        Left::Exit => coroutine.outcome.set(Some(Raised::Exit)),
        Left::Exception(exception) => coroutine.outcome.set(Some(machine::report_uncaught(exception))),
    }
}

// ---- to wait and to be woken ----

/// The coroutine that runs.
#[inline(always)]
pub fn current() -> Option<Rc<Coroutine>> {
    held(&scheduler().current)
}

/// The id of the coroutine that runs.
#[inline]
pub fn current_id() -> Option<u64> {
    look(&scheduler().current, |c| c.id)
}

/// Whether a coroutine runs that may wait.
#[inline]
pub fn may_wait() -> bool {
    let s = scheduler();
    look(&s.current, |_| ()).is_some() && !s.ending.get()
}

/// The coroutine that runs; a fatal error outside of one.
#[inline(always)]
pub fn expect_current() -> PhpResult<Rc<Coroutine>> {
    current().ok_or_else(|| fatal("this waits, so it must be called in a coroutine"))
}

/// A coroutine that is not over.
#[inline(always)]
pub fn find(id: u64) -> Option<Rc<Coroutine>> {
    with(|s| s.table.borrow().get(id))
}

/// Waits until the running coroutine is woken; `limit`: at most that long. `Err`: outside of coroutines (a fatal error),
/// and where being woken means an exception, or the end of the script.
#[inline(always)]
pub fn wait(what: Wait, limit: Option<Duration>) -> PhpResult<Wake> {
    let coroutine = expect_current()?;
    coroutine.wait(what, limit)
}

impl Coroutine {
    /// See [`wait`]; of the running coroutine.
    #[inline(always)]
    pub fn wait(&self, what: Wait, limit: Option<Duration>) -> PhpResult<Wake> {
        self.cancelled.set(false);
        if scheduler().ending.get() {
            return Ok(Wake::TimedOut);
        }
        self.waits.set(self.waits.get().wrapping_add(1));
        self.signal.set(Signal::Wake(Wake::Done));
        if let Some(limit) = limit {
            self.timer.set(Some(with(|s| s.alarm(limit, Alarm::Wait(self.id, self.waits.get())))));
        }
        self.stage.set(Stage::Waits(what));
        self.vessel.suspend();
        if let Some(timer) = self.timer.take() {
            with(|s| s.disarm(timer));
        }
        self.waits.set(self.waits.get().wrapping_add(1));
        match self.signal.get() {
            Signal::Wake(wake) => {
                self.cancelled.set(wake == Wake::Cancelled);
                Ok(wake)
            }
            signal => Err(self.thrown(signal)),
        }
    }

    /// Throws what it was woken with.
    #[cold]
    fn thrown(&self, signal: Signal) -> Raised {
        let (class, message) = match signal {
            Signal::End => return machine::throw_graceful_exit(),
            Signal::Limit => (&TIMEOUT, "the coroutine's time limit is over"),
            _ => (&CANCELED, "the coroutine was cancelled"),
        };
        self.cancelled.set(true);
        throw(class.get(), message, 0)
    }

    /// What it waits for; `None` while it runs or resumes another one.
    pub fn waits_for(&self) -> Option<Wait> {
        match self.stage.get() {
            Stage::Waits(what) => Some(what),
            _ => None,
        }
    }

    /// The token that wakes it out of the wait it is about to begin.
    pub fn next_token(&self) -> u64 {
        reactor::token_of(self.id, self.waits.get().wrapping_add(1))
    }

    /// The token that wakes it out of the wait it is in.
    pub fn token(&self) -> u64 {
        reactor::token_of(self.id, self.waits.get())
    }

    /// Calls a function when it ends, the last one first.
    pub fn defer(&self, callable: Callable) {
        self.defers.borrow_mut().push(callable);
    }

    /// Lets its time slice end, or not. False if that was so already.
    pub fn set_preemptible(&self, preemptible: bool) -> bool {
        self.preemptible.replace(preemptible) != preemptible
    }

    /// After that time it leaves its wait with an exception; `None`: never.
    pub fn set_time_limit(&self, limit: Option<Duration>) {
        let old = self.limit.take();
        with(|s| {
            if let Some(old) = old {
                s.disarm(old);
            }
            self.limit.set(limit.map(|limit| s.alarm(limit, Alarm::Limit(self.id))));
        });
    }
}

/// Wakes a coroutine that waits, at once, on its own stack.
#[inline(always)]
pub(super) fn signal(coroutine: Rc<Coroutine>, signal: Signal) -> PhpResult<()> {
    coroutine.signal.set(signal);
    switch_to(coroutine, false)
}

/// Wakes a coroutine that waits: what it waited for has come. Runs it at once.
#[inline(always)]
pub fn wake(coroutine: Rc<Coroutine>) -> PhpResult<()> {
    signal(coroutine, Signal::Wake(Wake::Done))
}

/// Wakes one out of that wait; nothing if it is not in it any more.
pub fn wake_from(id: u64, wait: u32) -> PhpResult<()> {
    match find(id) {
        Some(coroutine) if coroutine.waits_for().is_some() && reactor::wait_number(coroutine.waits.get()) == wait => {
            signal(coroutine, Signal::Wake(Wake::Done))
        }
        _ => Ok(()),
    }
}

/// Resumes one that yielded. `false` where it does not wait for that, `None` where there is no such one.
#[inline(always)]
pub fn resume(id: u64) -> PhpResult<Option<bool>> {
    match find(id) {
        Some(coroutine) if coroutine.waits_for() == Some(Wait::Yield) => wake(coroutine).map(|()| Some(true)),
        Some(_) => Ok(Some(false)),
        None => Ok(None),
    }
}

// ---- for callbacks ----

/// Runs code in a coroutine of its own for an event: a process that is to end waits for it.
pub fn run_event(run: impl FnOnce() -> PhpResult<()> + 'static) -> PhpResult<()> {
    with(|s| s.callbacks.set(s.callbacks.get() + 1));
    let run = || {
        let result = run();
        with(|s| s.callbacks.set(s.callbacks.get().saturating_sub(1)));
        result
    };
    create(Job::Native(Box::new(run))).map(drop)
}

/// SWOOLE_ERROR_WRONG_OPERATION's neighbour that Swoole gives: SWOOLE_ERROR_PHP_FATAL_ERROR.
const WRONG_USE: i32 = 503;
/// Vessels that are kept for the next coroutines.
const SPARE_VESSELS: usize = 256;
