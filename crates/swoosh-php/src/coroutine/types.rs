//! What a coroutine runs, what it waits for, and how it is woken.

use std::rc::Rc;
use swoosh::node::InHand;
use swoosh_zend::{Callable, Object, PhpResult, Zval};

/// What a coroutine runs.
pub enum Job {
    /// A closure.
    Closure(Object, Vec<Zval>),
    /// Anything else that PHP can call.
    Call(Callable, Vec<Zval>),
    /// A callback of an event: a process that is to end waits for it. Where the event is a request, it is in hand until
    /// the coroutine is over.
    Event(Rc<Callable>, Vec<Zval>, Option<InHand>),
    /// ErrorCode of the extension's own.
    Native(Box<dyn FnOnce() -> PhpResult<()>>),
}

/// What a coroutine waits for; for reports, and for what may wake it.
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
    /// Its time slice was over.
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
            WaitKind::Turn => "its turn",
        }
    }
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeReason {
    /// What was waited for has come.
    Done,
    /// The time is over.
    TimedOut,
    /// [`cancel`](super::cancel) was called.
    Cancelled,
}

/// How a coroutine is woken; the last three never come back from [`wait`](super::wait) as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resumption {
    Wake(WakeReason),
    /// A `CanceledException` is thrown.
    ThrowCanceled,
    /// A `TimeoutException` is thrown: its time limit is over.
    ThrowTimeout,
    /// The script ends: every frame is left.
    Unwind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CoroutineState {
    /// It runs.
    Running,
    /// It has resumed another one, and goes on when that one waits.
    Resuming,
    /// It waits.
    Waiting(WaitKind),
    /// It is over.
    Finished,
}
