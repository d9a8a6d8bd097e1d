//! What a coroutine runs, what it waits for, and how it is woken.

use std::rc::Rc;
use swoosh::context::RequestGuard;
use swoosh_zend::{Callable, Object, PhpResult, Zval};

/// What a coroutine runs.
pub enum Job {
    /// A closure.
    Closure(Object, Vec<Zval>),
    /// Anything else that PHP can call.
    Call(Callable, Vec<Zval>),
    /// A callback of an event: a process that is to end waits for it. Where the event is a request, it is in hand until
    /// the coroutine is over.
    Event(Rc<Callable>, Vec<Zval>, Option<RequestGuard>),
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
    pub(super) fn name(self) -> &'static str {
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
    /// [`cancel`](super::cancel) was called.
    Cancelled,
}

/// How a coroutine is woken; the last three never come back from [`wait`](super::wait) as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Wake(Wake),
    /// A `CanceledException` is thrown.
    Throw,
    /// A `TimeoutException` is thrown: its time limit is over.
    Limit,
    /// The script ends: every frame is left.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It runs.
    Runs,
    /// It has resumed another one, and goes on when that one waits.
    Resumes,
    /// It waits.
    Waits(Wait),
    /// It is over.
    Over,
}
