//! The state of the coroutine scheduler: the live coroutines, the running one, and timeouts.
//!
//! Invariant: none of this state is borrowed while PHP code runs, and everything that a coroutine owns is in its record, so
//! that a fatal error may jump over its frames without a leak.
//!
//! [`create`](mod@super::create) starts coroutines, [`switch`](super::switch) suspends and resumes them.

use super::join::JoinCounter;
use super::stack_pool::StackPool;
use super::table::Table;
use super::types::{CoroutineState, Job, Resumption, WaitKind, WakeReason};
use crate::runtime::reactor;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use swoosh::context::RequestGuard;
use swoosh::sys::clock::monotonic_nanos;
use swoosh::timer::{TimerId, TimerWheel};
use swoosh_zend::error::fatal;
use swoosh_zend::stack::Stack;
use swoosh_zend::thread::ThreadBound;
use swoosh_zend::{Callable, Object, PhpResult, Raised, runtime};

/// One coroutine.
pub struct Coroutine {
    id: u64,
    parent: Option<u64>,
    pub(super) is_event: bool,
    /// The request that it handles, which counts as in hand until the coroutine ends.
    pub(super) in_hand: Cell<Option<RequestGuard>>,
    pub(super) state: Cell<CoroutineState>,
    /// Numbers its waits, so that a late wake does not end a different wait.
    pub(super) waits: Cell<u32>,
    pub(super) resumption: Cell<Resumption>,
    /// Whether its last wait was cancelled.
    pub(super) cancelled: Cell<bool>,
    /// The fatal error or exit that ended it.
    pub(super) outcome: Cell<Option<Raised>>,
    pub(super) timer: Cell<Option<TimerId>>,
    pub(super) time_limit: Cell<Option<TimerId>>,
    /// Whether it may be preempted when its time slice ends.
    pub(super) preemptible: Cell<bool>,
    /// Its result is no longer needed, so an uncaught `CanceledException` is not reported.
    pub(super) abandoned: Cell<bool>,
    pub(super) created_at: u64,
    pub(super) stack: Rc<Stack>,
    pub(super) resumer: Cell<Option<Rc<Coroutine>>>,
    pub(super) job: RefCell<Option<Job>>,
    pub(super) defers: RefCell<Vec<Callable>>,
    pub(super) context: RefCell<Option<Object>>,
    /// The coroutine that waits for its end.
    pub(super) joiner: RefCell<Option<Rc<JoinCounter>>>,
}

impl Coroutine {
    pub(super) fn new(id: u64, parent: Option<u64>, stack: Rc<Stack>, mut job: Job) -> Self {
        let (is_event, in_hand) = match &mut job {
            Job::Event(_, _, in_hand) => (true, in_hand.take()),
            _ => (false, None),
        };
        Coroutine {
            id,
            parent,
            is_event,
            in_hand: Cell::new(in_hand),
            state: Cell::new(CoroutineState::Waiting(WaitKind::Turn)),
            waits: Cell::new(0),
            resumption: Cell::new(Resumption::Wake(WakeReason::Done)),
            cancelled: Cell::new(false),
            outcome: Cell::new(None),
            timer: Cell::new(None),
            time_limit: Cell::new(None),
            preemptible: Cell::new(true),
            abandoned: Cell::new(false),
            created_at: monotonic_nanos(),
            stack,
            resumer: Cell::new(None),
            job: RefCell::new(Some(job)),
            defers: RefCell::new(Vec::new()),
            context: RefCell::new(None),
            joiner: RefCell::new(None),
        }
    }

    /// Its id, which increases from 1 in order of creation and is never reused.
    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The coroutine that created it, if any.
    pub fn parent(&self) -> Option<u64> {
        self.parent
    }

    /// The kind of its current wait; `None` while it runs or has resumed another coroutine.
    pub fn waits_for(&self) -> Option<WaitKind> {
        match self.state.get() {
            CoroutineState::Waiting(kind) => Some(kind),
            _ => None,
        }
    }

    /// The token that will wake it from its next wait.
    pub fn next_token(&self) -> u64 {
        reactor::coroutine_token(self.id, self.waits.get().wrapping_add(1))
    }

    /// The token that wakes it from its current wait.
    pub fn token(&self) -> u64 {
        reactor::coroutine_token(self.id, self.waits.get())
    }

    /// Registers a function to be called when it ends, in reverse order of registration.
    pub fn defer(&self, callable: Callable) {
        self.defers.borrow_mut().push(callable);
    }

    /// Enables or disables preemption. False if that changes nothing.
    pub fn set_preemptible(&self, preemptible: bool) -> bool {
        self.preemptible.replace(preemptible) != preemptible
    }

    /// Limits its run time: when the limit expires, its wait throws a `TimeoutException`. `None` removes the limit.
    pub fn set_time_limit(&self, limit: Option<Duration>) {
        let old = self.time_limit.take();
        with(|s| {
            if let Some(old) = old {
                s.cancel_timer(old);
            }
            self.time_limit.set(limit.map(|limit| s.start_timer(limit, CoroutineTimer::Limit(self.id))));
        });
    }
}

/// A timeout of a coroutine.
#[derive(Debug, Clone, Copy)]
pub(super) enum CoroutineTimer {
    /// Of the wait with that number.
    Wait(u64, u32),
    /// Of its run time.
    Limit(u64),
}

pub(super) struct Scheduler {
    /// See [`runtime::generation`].
    pub(super) generation: Cell<u32>,
    pub(super) current: Cell<Option<Rc<Coroutine>>>,
    pub(super) table: RefCell<Table<Rc<Coroutine>>>,
    pub(super) stacks: StackPool,
    pub(super) timers: RefCell<Option<TimerWheel<CoroutineTimer>>>,
    pub(super) last_id: Cell<u64>,
    pub(super) alive: Cell<usize>,
    pub(super) peak: Cell<usize>,
    /// Unfinished callbacks of server events.
    pub(super) callbacks: Cell<usize>,
    /// Waits that a descriptor or another thread ends.
    pub(super) external_waits: Cell<usize>,
    /// Switches so far; the preemption check compares it with the last count.
    pub(super) switches: Cell<u64>,
    /// The script ends: waits return at once.
    pub(super) shutting_down: Cell<bool>,
    /// The coroutine in which this process was forked, 0 if none. An `exit` in it ends the process.
    pub(super) fork_origin: Cell<u64>,
}

static SCHEDULER: ThreadBound<Scheduler> = ThreadBound::new(Scheduler {
    generation: Cell::new(0),
    current: Cell::new(None),
    table: RefCell::new(Table::new()),
    stacks: StackPool::new(),
    timers: RefCell::new(None),
    last_id: Cell::new(0),
    alive: Cell::new(0),
    peak: Cell::new(0),
    callbacks: Cell::new(0),
    external_waits: Cell::new(0),
    switches: Cell::new(0),
    shutting_down: Cell::new(false),
    fork_origin: Cell::new(0),
});

#[inline(always)]
pub(super) fn scheduler() -> &'static Scheduler {
    let scheduler = SCHEDULER.get();
    if scheduler.generation.get() != runtime::generation() {
        scheduler.reset_after_fork();
    }
    scheduler
}

#[inline]
pub(super) fn with<R>(f: impl FnOnce(&Scheduler) -> R) -> R {
    f(scheduler())
}

/// Another reference to the coroutine in a cell.
#[inline(always)]
pub(super) fn clone_cell(cell: &Cell<Option<Rc<Coroutine>>>) -> Option<Rc<Coroutine>> {
    let inside = cell.take();
    let copy = inside.clone();
    cell.set(inside);
    copy
}

/// Reads from the coroutine in a cell, without touching its reference count.
#[inline(always)]
pub(super) fn peek_cell<T>(cell: &Cell<Option<Rc<Coroutine>>>, read: impl FnOnce(&Coroutine) -> T) -> Option<T> {
    let inside = cell.take();
    let value = inside.as_deref().map(read);
    cell.set(inside);
    value
}

impl Scheduler {
    /// Keeps, in a forked process, the coroutine that forked and the chain of its resumers; all others are leaked.
    #[cold]
    fn reset_after_fork(&self) {
        self.generation.set(runtime::generation());
        self.fork_origin.set(peek_cell(&self.current, |coroutine| coroutine.id).unwrap_or(0));
        let inherited = self.table.replace(Table::new());
        let mut kept = Table::new();
        let mut count = 0;
        let mut next = clone_cell(&self.current);
        while let Some(coroutine) = next {
            next = clone_cell(&coroutine.resumer);
            coroutine.timer.set(None);
            coroutine.time_limit.set(None);
            kept.insert(coroutine.id, coroutine);
            count += 1;
        }
        std::mem::forget(inherited);
        std::mem::forget(self.timers.take());
        *self.table.borrow_mut() = kept;
        self.alive.set(count);
        self.callbacks.set(0);
        self.external_waits.set(0);
    }

    pub(super) fn start_timer(&self, after: Duration, timer: CoroutineTimer) -> TimerId {
        let now = monotonic_nanos();
        let mut timers = self.timers.borrow_mut();
        timers.get_or_insert_with(|| TimerWheel::new(now)).after(now, after, timer)
    }

    pub(super) fn cancel_timer(&self, timer: TimerId) {
        if let Some(timers) = self.timers.borrow_mut().as_mut() {
            let _ = timers.cancel(timer);
        }
    }
}

/// The running coroutine.
#[inline(always)]
pub fn current() -> Option<Rc<Coroutine>> {
    clone_cell(&scheduler().current)
}

/// The id of the running coroutine.
#[inline]
pub fn current_id() -> Option<u64> {
    peek_cell(&scheduler().current, |c| c.id)
}

/// Whether the caller runs in a coroutine and may wait.
#[inline]
pub fn may_wait() -> bool {
    let s = scheduler();
    peek_cell(&s.current, |_| ()).is_some() && !s.shutting_down.get()
}

/// The running coroutine; a fatal error outside of coroutines.
#[inline(always)]
pub fn expect_current() -> PhpResult<Rc<Coroutine>> {
    current().ok_or_else(|| fatal("API must be called in the coroutine"))
}

/// The live coroutine with that id.
#[inline(always)]
pub fn find(id: u64) -> Option<Rc<Coroutine>> {
    with(|s| s.table.borrow().get(id))
}
