//! What the loop asks of the scheduler of coroutines, which is a layer above and registers itself when the module starts;
//! and the choice whether callbacks run in coroutines of their own.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::Duration;
use swoosh_zend::{Object, PhpResult, Zval};

/// User code that the loop has to run.
pub enum Callback {
    /// A closure and its arguments.
    Closure(Object, Vec<Zval>),
    /// Anything else.
    Native(Box<dyn FnOnce() -> PhpResult<()>>),
}

/// When the loop of a plain script may end, once nothing is left to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoopEnd {
    /// At once: `exit_condition` holds.
    Now,
    /// Not yet: `exit_condition` does not hold, and is asked again after a while.
    AskAgain,
    /// When no signal keeps it alive.
    WithoutSignals {
        /// The setting `wait_signal`.
        wait_signal: bool,
    },
}

/// The scheduler, as the loop sees it. Called in PHP's thread only.
pub trait Scheduler: Sync {
    /// Runs a callback in a coroutine of its own until it first waits. `Err`: it ended by an exit or a fatal error.
    fn spawn(&self, callback: Callback) -> PhpResult<()>;
    /// Wakes a coroutine out of its wait of that number; nothing if it is not in that wait any more.
    fn wake(&self, id: u64, wait: u32) -> PhpResult<()>;
    /// Runs every coroutine whose time has come.
    fn run_due(&self) -> PhpResult<()>;
    /// How many waits the clock, a descriptor or another thread will end.
    fn pending_waits(&self) -> usize;
    /// How many waits a descriptor or another thread will end.
    fn external_waits(&self) -> usize;
    /// How long the loop may sleep before some coroutine's time comes.
    fn sleep_limit(&self) -> Option<Duration>;
    /// How many coroutines are not over.
    fn count(&self) -> usize;
    /// Whether a coroutine runs now.
    fn in_coroutine(&self) -> bool;
    /// Ends every coroutine that waits, at the end of the script.
    fn end_all(&self) -> PhpResult<()>;
    /// Whether the loop may end now that nothing is left to wait for.
    fn loop_end(&self) -> PhpResult<LoopEnd>;
    /// Nothing can wake the coroutines that are left: reports them, if that is wanted.
    fn report_deadlock(&self) -> PhpResult<()>;
}

static SCHEDULER: OnceLock<&'static dyn Scheduler> = OnceLock::new();

thread_local! {
    static IN_COROUTINES: Cell<bool> = const { Cell::new(true) };
}

/// Registers the scheduler. Once, when the module starts.
pub fn install(scheduler: &'static dyn Scheduler) {
    let _ = SCHEDULER.set(scheduler);
}

/// The scheduler. Panics before [`install`].
#[inline]
pub fn scheduler() -> &'static dyn Scheduler {
    *SCHEDULER.get().expect("the scheduler is installed when the module starts")
}

/// Sets whether callbacks run in coroutines of their own; the result is the choice before.
pub fn set_callbacks_in_coroutines(apart: bool) -> bool {
    IN_COROUTINES.replace(apart)
}

/// Whether callbacks run in coroutines of their own.
#[inline]
pub fn callbacks_in_coroutines() -> bool {
    IN_COROUTINES.get()
}

/// Runs a callback of an event: in a coroutine of its own where `apart`, else here. What it leaves behind uncaught ends
/// the process.
pub fn run_callback(apart: bool, run: impl FnOnce() -> PhpResult<()> + 'static) -> PhpResult<()> {
    if !apart {
        return run();
    }
    scheduler().spawn(Callback::Native(Box::new(run)))
}

/// The request ends.
pub fn request_end() {
    IN_COROUTINES.set(true);
}
