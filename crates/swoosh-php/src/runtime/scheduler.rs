//! The interface through which the loop runs coroutines. The scheduler, a layer above, implements it and registers itself
//! during module startup, so that this layer does not depend on coroutines.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;
use swoosh_zend::error::raise_uncaught;
use swoosh_zend::{Callable, Object, PhpResult, Raised, Zval};

/// User code that the loop runs.
pub enum Callback {
    /// A closure and its arguments.
    Closure(Object, Vec<Zval>),
    /// Rust code that calls PHP.
    Native(Box<dyn FnOnce() -> PhpResult<()>>),
}

/// When the loop of a plain script may end once nothing is left to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopEnd {
    /// At once: `exit_condition` returned true.
    Now,
    /// Not yet: `exit_condition` returned false and is to be called again later.
    AskAgain,
    /// When no signal handler keeps it alive.
    WithoutSignals {
        /// The setting `wait_signal`.
        wait_signal: bool,
    },
}

/// The coroutine scheduler. Called in PHP's thread only.
pub trait Scheduler: Sync {
    /// Runs a callback in a new coroutine until it first waits. `Err` if an exit or a fatal error ended it.
    fn spawn(&self, callback: Callback) -> PhpResult<()>;
    /// Wakes a coroutine from the wait with that number; does nothing if that wait is over.
    fn wake(&self, id: u64, wait: u32) -> PhpResult<()>;
    /// Resumes every coroutine whose timeout has expired, at `until` (monotonic nanoseconds, `None`: now) at the latest.
    fn run_due(&self, until: Option<u64>) -> PhpResult<()>;
    /// The number of waits that the clock, a descriptor or another thread will end.
    fn pending_waits(&self) -> usize;
    /// The number of waits that a descriptor or another thread will end.
    fn external_waits(&self) -> usize;
    /// How long the loop may sleep before a coroutine's timeout expires or unused stacks are freed; `None`: without limit.
    /// Frees the stacks that have been unused for long enough.
    fn sleep_limit(&self) -> Option<Duration>;
    /// The number of live coroutines.
    fn count(&self) -> usize;
    /// The id of the newest coroutine, 0 if there was none.
    fn newest(&self) -> u64;
    /// Returns the id of the newest coroutine that has not ended; 0 if all have ended.
    fn newest_alive(&self) -> u64;
    /// Leaks every coroutine after a fatal error: none goes on, and no destructor runs.
    fn forget_all(&self);
    /// Whether the caller runs in a coroutine.
    fn in_coroutine(&self) -> bool;
    /// Unwinds every waiting coroutine at the end of the script.
    fn end_all(&self) -> PhpResult<()>;
    /// Whether the loop may end now that nothing is left to wait for.
    fn loop_end(&self) -> PhpResult<LoopEnd>;
    /// Reports the remaining coroutines, which nothing can wake, if the deadlock check is enabled.
    fn report_deadlock(&self) -> PhpResult<()>;
}

static SCHEDULER: OnceLock<&'static dyn Scheduler> = OnceLock::new();

thread_local! {
    static IN_COROUTINES: Cell<bool> = const { Cell::new(true) };
}

/// Registers the scheduler. Call once, during module startup.
pub fn install(scheduler: &'static dyn Scheduler) {
    let _ = SCHEDULER.set(scheduler);
}

/// The scheduler. Panics before [`install`].
#[inline]
pub fn scheduler() -> &'static dyn Scheduler {
    *SCHEDULER.get().expect("the scheduler is installed during module startup")
}

/// Sets whether each callback runs in a coroutine of its own; returns the previous value.
pub fn set_callbacks_in_coroutines(enabled: bool) -> bool {
    IN_COROUTINES.replace(enabled)
}

/// Whether each callback runs in a coroutine of its own.
#[inline]
pub fn callbacks_in_coroutines() -> bool {
    IN_COROUTINES.get()
}

/// Runs the callback of an event, in a new coroutine if `in_coroutine`. An exception in a coroutine is reported as
/// uncaught and ends the process.
pub fn run_callback(in_coroutine: bool, run: impl FnOnce() -> PhpResult<()> + 'static) -> PhpResult<()> {
    swoosh::blocking::begin();
    if !in_coroutine {
        return run();
    }
    scheduler().spawn(Callback::Native(Box::new(run)))
}

/// Calls a PHP function for an event of the loop. An exception that it throws is reported as uncaught.
pub fn call_back(callback: Rc<Callable>, mut args: Vec<Zval>) -> PhpResult<()> {
    let run = move || callback.call(&mut args).map(drop);
    match run_callback(callbacks_in_coroutines(), run) {
        Err(Raised::Exception) => Err(raise_uncaught(Raised::Exception)),
        other => other,
    }
}

/// Restores the default at the end of the request.
pub fn request_end() {
    IN_COROUTINES.set(true);
}
