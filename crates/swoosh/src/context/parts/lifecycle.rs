//! Whether a process is to end.

use crate::context::events::{Flow, Stop};
use crate::ids::SessionId;
use crate::runtime::WakeFlag;
use std::cell::Cell;
use std::rc::Rc;

/// Whether a process is to end, and what wakes its loop.
#[derive(Debug, Default)]
pub(crate) struct Lifecycle {
    /// It is to end in order.
    stopping: Cell<bool>,
    /// It is to end because user code cannot continue.
    fatal: Cell<Option<Stop>>,
    /// The connection whose close event runs because this process closes it.
    closing: Cell<Option<SessionId>>,
    wake: Rc<WakeFlag>,
}

impl Lifecycle {
    /// Whether the process is to end in order.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Ends the process in order.
    pub(crate) fn stop(&self) {
        self.stopping.set(true);
        self.wake.raise();
    }

    /// Whether user code cannot continue in this process.
    pub(crate) fn is_fatal(&self) -> bool {
        self.fatal.get().is_some()
    }

    /// `Err` where user code cannot continue in this process.
    pub(crate) fn check(&self) -> Flow {
        self.fatal.get().map_or(Ok(()), Err)
    }

    /// Records the outcome of an event that was raised where it cannot be returned.
    pub(crate) fn record(&self, flow: Flow) {
        if let Err(stop) = flow {
            self.fatal.set(Some(stop));
            self.wake.raise();
        }
    }

    /// The flag that wakes the process's loop.
    pub(crate) fn wake(&self) -> &Rc<WakeFlag> {
        &self.wake
    }

    /// A close event starts (`Some`) or ends. Returns the connection whose close event surrounds it.
    pub(crate) fn replace_closing(&self, session: Option<SessionId>) -> Option<SessionId> {
        self.closing.replace(session)
    }

    /// The connection whose close event runs.
    pub(crate) fn closing(&self) -> Option<SessionId> {
        self.closing.get()
    }
}
