//! The job of a coroutine, its states, and the reasons for which it is resumed.

use std::rc::Rc;
use swoosh::context::RequestGuard;
use swoosh_zend::{Callable, Object, PhpResult, Zval};

/// The code that a coroutine runs.
pub enum Job {
    /// A closure.
    Closure(Object, Vec<Zval>),
    /// Any other callable.
    Call(Callable, Vec<Zval>),
    /// The callback of a server event, for which a stopping process waits. If the event is a request, it counts as in hand
    /// until the coroutine ends.
    Event(Rc<Callable>, Vec<Zval>, Option<RequestGuard>),
    /// Rust code.
    Native(Box<dyn FnOnce() -> PhpResult<()>>),
}

/// The kind of a wait, which decides the operations that may end it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum WaitKind {
    Yield,
    Sleep,
    Pop,
    Push,
    Join,
    Lock,
    Barrier,
    Io,
    Signal,
    /// Its next time slice.
    Turn,
}

impl WaitKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            WaitKind::Yield => "resume()",
            WaitKind::Sleep => "the clock",
            WaitKind::Pop => "a value in a channel",
            WaitKind::Push => "room in a channel",
            WaitKind::Join => "the end of other coroutines",
            WaitKind::Lock => "a lock",
            WaitKind::Barrier => "a barrier",
            WaitKind::Io => "a descriptor or other threads",
            WaitKind::Signal => "a signal",
            WaitKind::Turn => "its next time slice",
        }
    }
}

/// Why a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeReason {
    /// Its condition is fulfilled.
    Done,
    /// The timeout expired.
    TimedOut,
    /// [`cancel`](super::cancel) was called.
    Cancelled,
}

/// The value with which a waiting coroutine is resumed. The last three make [`wait`](super::wait) return `Err`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumption {
    Wake(WakeReason),
    /// Throws a `CanceledException`.
    ThrowCanceled,
    /// Throws a `TimeoutException`: its time limit has expired.
    ThrowTimeout,
    /// Unwinds all frames at the end of the script.
    Unwind,
}

/// The state of a coroutine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CoroutineState {
    Running,
    /// It has resumed another coroutine and continues when that one waits or ends.
    Resuming,
    Waiting(WaitKind),
    Finished,
}
