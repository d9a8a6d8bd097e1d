//! The timers of PHP code, in one timer wheel.
//!
//! Invariant: callbacks and destructors run while the wheel is not borrowed. Timers do not survive a fork.

use super::scheduler::{Callback, callbacks_in_coroutines, scheduler};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use swoosh::sys::clock::monotonic_nanos;
use swoosh::timer::{NoSuchTimer, TimerId, TimerInfo, TimerWheel};
use swoosh_zend::error::raise_uncaught;
use swoosh_zend::{Callable, IntoZval, Object, PhpResult, Zval, runtime};

/// The callback of a timer.
#[derive(Clone)]
pub enum Job {
    /// A closure without arguments.
    Closure(Object),
    /// Any callable, with arguments.
    Call(Rc<(Callable, Vec<Zval>)>),
}

/// The counters of `Timer::stats()`.
#[derive(Debug, Default)]
pub struct Stats {
    /// Whether a timer was added since the loop last ended.
    pub initialized: bool,
    /// The number of timers.
    pub num: usize,
    /// How many times the wheel was checked for due timers.
    pub round: u64,
}

struct Timers {
    wheel: TimerWheel<Job>,
    /// When the first timer was added, in nanoseconds; `exec_msec` counts from here.
    started_at: u64,
    initialized: bool,
    /// See [`runtime::generation`].
    generation: u32,
}

thread_local! {
    static TIMERS: RefCell<Option<Timers>> = const { RefCell::new(None) };
}

/// Adds a timer that fires after `ms` milliseconds (at least 1), once or repeatedly; returns its id.
#[inline]
pub fn add(ms: u64, repeats: bool, job: Job) -> u64 {
    let now = monotonic_nanos();
    let delay = Duration::from_millis(ms.max(1));
    TIMERS.with_borrow_mut(|timers| {
        let timers = match timers {
            Some(timers) if timers.initialized && timers.generation == runtime::generation() => timers,
            other => begin(other, now),
        };
        let id = if repeats { timers.wheel.every(now, delay, job) } else { timers.wheel.after(now, delay, job) };
        id.0
    })
}

#[cold]
fn begin(timers: &mut Option<Timers>, now: u64) -> &mut Timers {
    if timers.as_ref().is_some_and(|t| t.generation != runtime::generation()) {
        std::mem::forget(timers.take());
    }
    let timers = timers.get_or_insert_with(|| Timers {
        wheel: TimerWheel::new(now),
        started_at: now,
        initialized: false,
        generation: runtime::generation(),
    });
    timers.started_at = now;
    timers.initialized = true;
    timers.wheel.restart_rounds();
    timers
}

/// Runs all due timers and returns their number. Coroutines whose timeouts expire before them are resumed first: a late loop
/// keeps the order of time. An exception of a callback ends the process, see [`raise_uncaught`].
pub fn run_due() -> PhpResult<usize> {
    let now = monotonic_nanos();
    let mut ran = 0;
    with(|timers| timers.wheel.begin_round());
    loop {
        if let Some(deadline) =
            with(|timers| timers.wheel.next_deadline()).flatten().filter(|deadline| *deadline <= now)
        {
            scheduler().run_due(Some(deadline))?;
        }
        let next = with(|timers| {
            let due = timers.wheel.next_due(now)?;
            Some((due, timers.wheel.value(due.id).cloned()))
        });
        let Some(Some((due, Some(job)))) = next else { return Ok(ran) };
        let id = due.repeats.then(|| due.id.0.into_zval());
        swoosh::blocking::begin();
        let result = if callbacks_in_coroutines() {
            scheduler().spawn(match job {
                Job::Closure(closure) => Callback::Closure(closure, id.into_iter().collect()),
                Job::Call(call) => Callback::Native(Box::new(move || {
                    let mut args: Vec<Zval> = id.into_iter().chain(call.1.iter().cloned()).collect();
                    call.0.call(&mut args).map(drop)
                })),
            })
        } else {
            let mut args: Vec<Zval> = id.into_iter().collect();
            match &job {
                Job::Closure(closure) => closure.call_closure(&mut args).map(drop),
                Job::Call(call) => {
                    args.extend(call.1.iter().cloned());
                    call.0.call(&mut args).map(drop)
                }
            }
        };
        let spent = with(|timers| timers.wheel.finish(due.id));
        drop(spent);
        result.map_err(raise_uncaught)?;
        ran += 1;
    }
}

/// Cancels a timer; false if there is none with that id.
#[inline]
pub fn cancel(id: i64) -> bool {
    let cancelled = u64::try_from(id).ok().and_then(|id| with(|timers| timers.wheel.cancel(TimerId(id))));
    // The callback is dropped here, outside of the borrow: its destructor may use timers.
    !matches!(cancelled, None | Some(Err(NoSuchTimer)))
}

/// Cancels all timers.
pub fn cancel_all() {
    let ids = ids();
    for id in ids {
        cancel(id as i64);
    }
}

/// Whether a timer with that id exists.
pub fn exists(id: i64) -> bool {
    u64::try_from(id).ok().and_then(|id| with(|timers| timers.wheel.exists(TimerId(id)))).unwrap_or(false)
}

/// The details of a timer, in milliseconds; its deadline counts from when the first timer was added.
pub fn info(id: i64) -> Option<TimerInfo> {
    let id = u64::try_from(id).ok()?;
    with(|timers| {
        let mut info = timers.wheel.info(TimerId(id))?;
        info.deadline = info.deadline.saturating_sub(timers.started_at) / NANOS_PER_MS;
        info.interval /= NANOS_PER_MS;
        Some(info)
    })?
}

/// The ids of all timers, newest first.
pub fn ids() -> Vec<u64> {
    with(|timers| timers.wheel.ids().into_iter().map(|id| id.0).collect()).unwrap_or_default()
}

/// The counters of `Timer::stats()`.
pub fn stats() -> Stats {
    with(|timers| match timers.initialized {
        true => Stats { initialized: true, num: timers.wheel.len(), round: timers.wheel.rounds() },
        false => Stats::default(),
    })
    .unwrap_or_default()
}

/// The number of timers.
pub fn count() -> usize {
    with(|timers| timers.wheel.len()).unwrap_or(0)
}

/// The largest number of a timer; 0 without timers.
pub fn newest() -> u64 {
    ids().into_iter().max().unwrap_or(0)
}

/// How many one-shot timers are due within `limit`.
pub fn due_within(limit: Duration) -> usize {
    let end = monotonic_nanos().saturating_add(u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
    let is_due = |timers: &Timers, id| {
        timers.wheel.info(id).is_some_and(|info| info.interval == 0 && !info.removed && info.deadline <= end)
    };
    with(|timers| timers.wheel.ids().into_iter().filter(|id| is_due(timers, *id)).count()).unwrap_or(0)
}

/// How long the loop may sleep before the next timer; `None` without timers.
pub fn sleep_limit() -> Option<Duration> {
    with(|timers| timers.wheel.time_left(monotonic_nanos))?
}

/// Resets the counters of [`stats`] when the loop ends.
pub fn loop_ended() {
    with(|timers| timers.initialized = false);
}

/// Drops all timers without running destructors: they belong to the parent process.
pub fn forget_all() {
    TIMERS.with_borrow_mut(|timers| std::mem::forget(timers.take()));
}

/// Drops all timers at the end of the request.
pub fn request_end() {
    drop(TIMERS.with_borrow_mut(Option::take));
}

fn with<R>(f: impl FnOnce(&mut Timers) -> R) -> Option<R> {
    TIMERS.with_borrow_mut(|timers| match timers {
        Some(timers) if timers.generation == runtime::generation() => Some(f(timers)),
        _ => None,
    })
}

const NANOS_PER_MS: u64 = 1_000_000;
