//! Coroutines: who runs, who waits for what, and who is to run next.
//!
//! A coroutine is resumed at once by whoever makes it ready (a push into the channel it waits on, `resume`, `cancel`), on
//! its own stack above the resumer's; when it waits again or is over, the resumer goes on. What becomes ready by the
//! kernel, the clock or another thread is resumed by the loop (`bridge/event_loop.rs`).
//!
//! Nothing of this room's state is borrowed while PHP code runs, and what a coroutine owns lies in its record, so that
//! a fatal error may jump over its frames.

pub mod channel;
mod options;
pub mod packets;
mod preempt;
pub mod socket;
mod switch;
mod table;
pub mod tls;
pub mod wait;

pub use options::{Options, options};
pub use preempt::beat;
pub use switch::{STACK, waker};

use crate::bridge::{event_loop, last_error, reactor};
use crate::zend::error::{fatal, throw, warning};
use crate::zend::machine::{self, Left};
use crate::zend::{Callable, Kind, Object, PhpResult, Raised, Zval, runtime};
use nix::time::{ClockId, clock_gettime};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use switch::{Home, Progress, Vessel};
use swoosh::node::InHand;
use swoosh::timer::{TimerId, TimerWheel};
use table::Table;

/// What a coroutine runs.
pub enum Job {
    /// A closure.
    Closure(Object, Vec<Zval>),
    /// Anything else that PHP can call.
    Call(Callable, Vec<Zval>),
    /// A callback of an event: a process that is to end waits for it. Where the event is a request, it is in hand until
    /// the coroutine is over.
    Event(Rc<Callable>, Vec<Zval>, Option<InHand>),
    /// Code of the extension's own.
    Native(Box<dyn FnOnce() -> PhpResult<()>>),
}

/// What a coroutine waits for; for reports, and for what may wake it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Wait {
    Yield,
    Sleep,
    Pop,
    Push,
    Join,
    Lock,
    Barrier,
    Io,
    Signal,
    /// Its time slice was over.
    Turn,
}

impl Wait {
    fn name(self) -> &'static str {
        match self {
            Wait::Yield => "resume()",
            Wait::Sleep => "the clock",
            Wait::Pop => "a value in a channel",
            Wait::Push => "room in a channel",
            Wait::Join => "the end of other coroutines",
            Wait::Lock => "a lock",
            Wait::Barrier => "a barrier",
            Wait::Io => "a descriptor or other threads",
            Wait::Signal => "a signal",
            Wait::Turn => "its turn",
        }
    }
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// What was waited for has come.
    Done,
    /// The time is over.
    TimedOut,
    /// [`cancel`] was called.
    Cancelled,
}

/// How a coroutine is woken; the last three never come back from [`wait`] as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Wake(Wake),
    /// A `CanceledException` is thrown.
    Throw,
    /// A `TimeoutException` is thrown: its time limit is over.
    Limit,
    /// The script ends: every frame is left.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It runs.
    Runs,
    /// It has resumed another one, and goes on when that one waits.
    Resumes,
    /// It waits.
    Waits(Wait),
    /// It is over.
    Over,
}

/// One coroutine.
pub struct Coroutine {
    /// 1, 2, 3... in the order of creation, never used twice.
    pub id: u64,
    /// Who created it; `None`: no coroutine.
    pub parent: Option<u64>,
    is_event: bool,
    /// The request that it handles.
    in_hand: Cell<Option<InHand>>,
    stage: Cell<Stage>,
    /// Counts its waits: a wake that comes too late is one for another wait.
    waits: Cell<u32>,
    signal: Cell<Signal>,
    /// Whether its last wait was cancelled.
    cancelled: Cell<bool>,
    /// What the last fatal error or exit in it was.
    outcome: Cell<Option<Raised>>,
    timer: Cell<Option<TimerId>>,
    limit: Cell<Option<TimerId>>,
    /// Whether its time slice may end.
    preemptible: Cell<bool>,
    /// Nobody wants its work any more: that it was cancelled is no error where it does not catch it.
    abandoned: Cell<bool>,
    began: u64,
    vessel: Rc<Vessel>,
    resumer: Cell<Option<Rc<Coroutine>>>,
    job: RefCell<Option<Job>>,
    defers: RefCell<Vec<Callable>>,
    context: RefCell<Option<Object>>,
    /// Who waits for its end.
    joiner: RefCell<Option<Rc<wait::Join>>>,
}

/// When something is to be done about a coroutine.
#[derive(Debug, Clone, Copy)]
enum Alarm {
    /// That wait of it times out.
    Wait(u64, u32),
    /// Its time limit is over.
    Limit(u64),
}

struct Scheduler {
    /// See [`runtime::generation`].
    generation: Cell<u32>,
    current: Cell<Option<Rc<Coroutine>>>,
    table: RefCell<Table>,
    vessels: RefCell<Vec<Rc<Vessel>>>,
    alarms: RefCell<Option<TimerWheel<Alarm>>>,
    last_id: Cell<u64>,
    alive: Cell<usize>,
    peak: Cell<usize>,
    /// Callbacks of a server's events that have begun and are not over.
    callbacks: Cell<usize>,
    /// Waits that a descriptor or another thread ends.
    outside: Cell<usize>,
    /// Switches so far: whether there was one since somebody last looked.
    switches: Cell<u64>,
    /// The script ends: nobody waits any more.
    ending: Cell<bool>,
    /// The coroutine in which this process began as another one's child; 0: in none. An `exit` there ends the process.
    cradle: Cell<u64>,
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
fn scheduler() -> &'static Scheduler {
    let scheduler = SCHEDULER.get();
    if scheduler.generation.get() != runtime::generation() {
        scheduler.leave_behind();
    }
    scheduler
}

#[inline]
fn with<R>(f: impl FnOnce(&Scheduler) -> R) -> R {
    f(scheduler())
}

/// What a cell holds, by a count of its own.
#[inline(always)]
fn held(cell: &Cell<Option<Rc<Coroutine>>>) -> Option<Rc<Coroutine>> {
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
        let now = now_ns().div_ceil(1_000_000);
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

/// Creates a coroutine and runs it until it first waits; its id. `None`, after a warning, where there are too many.
/// `Err`: it ended, or whom it resumed, by an exit or a fatal error.
pub fn create(mut job: Job) -> PhpResult<Option<u64>> {
    event_loop::prepare();
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
        began: now_ns(),
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
    preempt::begin();
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
        Left::Exception(exception)
            if coroutine.abandoned.get() && exception.class().is_a(crate::class::coroutine::CANCELED.get()) => {}
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
            Signal::Limit => (&crate::class::coroutine::TIMEOUT, "the coroutine's time limit is over"),
            _ => (&crate::class::coroutine::CANCELED, "the coroutine was cancelled"),
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

    /// Whether its last wait was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Milliseconds since it was created.
    pub fn elapsed(&self) -> u64 {
        now_ns().saturating_sub(self.began) / 1_000_000
    }

    /// Bytes of its native stack in use.
    pub fn stack_usage(&self) -> usize {
        let running = self.stage.get() == Stage::Runs;
        self.vessel.stack_usage(running)
    }

    /// Its frames as `debug_backtrace` gives them.
    pub fn backtrace(&self, options: i64, limit: i64) -> Zval {
        match self.stage.get() {
            Stage::Waits(_) => self.vessel.machine().backtrace(false, options, limit),
            // Whom it has resumed keeps its frames for it.
            Stage::Resumes => match self.resumed() {
                Some(resumed) => resumed.vessel.machine().backtrace(true, options, limit),
                None => Zval::from(crate::zend::Array::new()),
            },
            Stage::Runs | Stage::Over => machine::backtrace(options, limit),
        }
    }

    /// Whom it has resumed and waits for.
    fn resumed(&self) -> Option<Rc<Coroutine>> {
        let mut at = current()?;
        loop {
            let resumer = held(&at.resumer)?;
            if resumer.id == self.id {
                return Some(at);
            }
            at = resumer;
        }
    }

    /// Its context, made when it is first asked for.
    pub fn context(&self) -> PhpResult<Object> {
        if let Some(context) = self.context.borrow().as_ref() {
            return Ok(context.clone());
        }
        let context = Object::new(crate::class::coroutine::CONTEXT.get())?;
        *self.context.borrow_mut() = Some(context.clone());
        Ok(context)
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
fn signal(coroutine: Rc<Coroutine>, signal: Signal) -> PhpResult<()> {
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

/// Ends the wait of one: its wait gives [`Wake::Cancelled`], or an exception is thrown out of it. `false`, and a code,
/// where that cannot be.
pub fn cancel(id: u64, throws: bool) -> PhpResult<bool> {
    let Some(coroutine) = find(id) else {
        last_error::set(NOT_EXISTS);
        return Ok(false);
    };
    if coroutine.waits_for().is_none_or(|what| what == Wait::Turn) {
        last_error::set(CANNOT_CANCEL);
        return Ok(false);
    }
    signal(coroutine, if throws { Signal::Throw } else { Signal::Wake(Wake::Cancelled) })?;
    Ok(true)
}

/// Ends one whose work nobody wants any more by an exception out of its wait, which it may leave uncaught. Nothing, where
/// it is over or does not wait.
pub fn abandon(id: u64) -> PhpResult<()> {
    match find(id).filter(|coroutine| coroutine.waits_for().is_some()) {
        Some(coroutine) => {
            coroutine.abandoned.set(true);
            signal(coroutine, Signal::Throw)
        }
        None => Ok(()),
    }
}

// ---- for the loop ----

/// Runs every coroutine whose time has come.
pub fn run_due() -> PhpResult<()> {
    if with(|s| s.alarms.borrow().as_ref().is_none_or(TimerWheel::is_empty)) {
        return Ok(());
    }
    let now = now_ns() / 1_000_000;
    loop {
        let due = with(|s| {
            let mut alarms = s.alarms.borrow_mut();
            let alarms = alarms.as_mut()?;
            let due = alarms.next_due(now)?;
            alarms.finish(due.id)
        });
        match due {
            None => return Ok(()),
            Some(Alarm::Wait(id, wait)) => {
                if let Some(coroutine) = find(id)
                    && coroutine.waits.get() == wait
                    && coroutine.waits_for().is_some()
                {
                    coroutine.timer.set(None);
                    signal(coroutine, Signal::Wake(Wake::TimedOut))?;
                }
            }
            Some(Alarm::Limit(id)) => {
                if let Some(coroutine) = find(id) {
                    coroutine.limit.set(None);
                    if coroutine.waits_for().is_some() {
                        signal(coroutine, Signal::Limit)?;
                    }
                }
            }
        }
    }
}

/// How long the loop may sleep before some coroutine's time comes.
pub fn sleep_limit() -> Option<Duration> {
    let deadline = with(|s| s.alarms.borrow().as_ref().and_then(TimerWheel::next_deadline))?;
    Some(Duration::from_nanos(deadline.saturating_mul(1_000_000).saturating_sub(now_ns())))
}

/// How many waits the clock, a descriptor or another thread will end.
#[inline]
pub fn waits() -> usize {
    with(|s| s.outside.get() + s.alarms.borrow().as_ref().map_or(0, TimerWheel::len))
}

/// How many waits a descriptor or another thread will end.
pub fn outside() -> usize {
    with(|s| s.outside.get())
}

/// Says which coroutines wait, and where, when nothing can wake them any more.
#[cold]
pub fn tell_of_deadlock() -> PhpResult<()> {
    let ids = ids();
    let mut text =
        format!("\nDeadlock: {} coroutines wait for what can never come (all are asleep - deadlock!)\n", ids.len());
    for id in ids.iter().take(MOST_TOLD) {
        let Some(coroutine) = find(*id) else { continue };
        let what = coroutine.waits_for().map_or("nothing", Wait::name);
        text.push_str(&format!("\ncoroutine {id} waits for {what}\n"));
        text.push_str(&crate::class::coroutine::trace_as_text(&coroutine.backtrace(IGNORE_ARGS, 0)));
    }
    if ids.len() > MOST_TOLD {
        text.push_str(&format!("\nand {} more\n", ids.len() - MOST_TOLD));
    }
    machine::write(text.as_bytes())
}

/// Ends every coroutine that waits: `finally` blocks and destructors run, and nothing waits meanwhile. `for_good`: nor
/// afterwards, since the script ends.
pub fn end_all(for_good: bool) -> PhpResult<()> {
    with(|s| s.ending.set(true));
    let mut result = Ok(());
    for id in ids() {
        if let Some(coroutine) = find(id)
            && coroutine.waits_for().is_some()
            && result.is_ok()
        {
            result = signal(coroutine, Signal::End);
        }
    }
    with(|s| s.ending.set(for_good));
    result
}

/// The request ends. What waits still is left as it is: a fatal error ended the script, and nothing of PHP can run.
pub fn request_end() {
    let held = with(|s| {
        let (table, alarms) = (s.table.replace(Table::new()), s.alarms.take());
        s.alive.set(0);
        s.callbacks.set(0);
        s.outside.set(0);
        s.last_id.set(0);
        s.peak.set(0);
        s.ending.set(false);
        std::mem::forget(table);
        (alarms, s.vessels.take())
    });
    drop(held);
    options::reset();
}

// ---- to look at ----

/// The ids of all that are not over, in order.
pub fn ids() -> Vec<u64> {
    with(|s| s.table.borrow().ids())
}

/// How many there are.
pub fn count() -> usize {
    with(|s| s.alive.get())
}

/// The most there were at once.
pub fn peak() -> usize {
    with(|s| s.peak.get())
}

/// The last id that was given.
pub fn last_id() -> u64 {
    with(|s| s.last_id.get())
}

/// How many callbacks of a server's events are not over.
pub fn callbacks() -> usize {
    with(|s| s.callbacks.get())
}

/// Runs a callback of an event: in a coroutine of its own where `apart`, else here. What it leaves behind uncaught ends
/// the process.
pub fn run_callback(apart: bool, run: impl FnOnce() -> PhpResult<()> + 'static) -> PhpResult<()> {
    if !apart {
        return run();
    }
    create(Job::Native(Box::new(run))).map(drop)
}

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

/// Says which callbacks of events wait still, and where, when nobody waits for them any longer.
#[cold]
pub fn tell_of_callbacks() {
    for coroutine in ids().into_iter().filter_map(find).filter(|coroutine| coroutine.is_event).take(MOST_TOLD) {
        let what = coroutine.waits_for().map_or("nothing", Wait::name);
        let trace = crate::class::coroutine::trace_as_text(&coroutine.backtrace(IGNORE_ARGS, 0));
        swoosh::log::warn!("coroutine {} waits for {what} still\n{}", coroutine.id, trace.trim_end());
    }
}

/// The monotonic clock, in nanoseconds.
#[inline]
fn now_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(0, |t| t.tv_sec() as u64 * 1_000_000_000 + t.tv_nsec() as u64)
}

/// The module starts.
pub fn start_up() {
    machine::watch_exit(exit_in_coroutine);
}

/// `exit` in a coroutine: an `ExitException`, which the coroutine may catch.
fn exit_in_coroutine(status: &Zval) -> bool {
    if current_id().is_none_or(|id| with(|s| s.ending.get() || s.cradle.get() == id)) {
        return false;
    }
    let class = crate::class::exception::EXIT.get();
    let Ok(exception) = Object::new(class) else { return true };
    exception.set("message", "exit in a coroutine");
    if let (Some(flags), Some(at)) = (class.slot("flags"), class.slot("status")) {
        exception.set_slot(flags, EXIT_IN_COROUTINE);
        exception.set_slot(at, status.clone());
    }
    crate::zend::error::throw_object(exception);
    true
}

/// SWOOLE_EXIT_IN_COROUTINE.
const EXIT_IN_COROUTINE: i64 = 2;
/// SWOOLE_ERROR_WRONG_OPERATION's neighbour that Swoole gives: SWOOLE_ERROR_PHP_FATAL_ERROR.
const WRONG_USE: i32 = 503;
/// SWOOLE_ERROR_CO_CANNOT_CANCEL.
const CANNOT_CANCEL: i32 = 10015;
/// SWOOLE_ERROR_CO_NOT_EXISTS.
const NOT_EXISTS: i32 = 10016;
/// DEBUG_BACKTRACE_IGNORE_ARGS.
const IGNORE_ARGS: i64 = 2;
/// Coroutines of which a deadlock's report tells.
const MOST_TOLD: usize = 32;
/// Vessels that are kept for the next coroutines.
const SPARE_VESSELS: usize = 256;
