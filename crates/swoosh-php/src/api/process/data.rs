//! The state behind a `Swoole\Process` object: both pipe ends live in the parent until the child takes its own.

use crate::api::exception::Constructed;
use crate::runtime::last_error;
use std::cell::{Cell, RefCell};
use swoosh::pool::Pipe;
use swoosh::sys::message_queue::MessageQueue;
use swoosh_zend::error::warning;
use swoosh_zend::{ClassSlot, Object, PhpResult, Raised};

/// The class.
pub static PROCESS: ClassSlot = ClassSlot::new();

/// The pipe of a process. Both ends live in the parent until the child takes its own.
#[derive(Default)]
pub(super) struct Holder {
    pub(super) kind: Cell<i64>,
    /// Runs in a coroutine.
    pub(super) coroutine: Cell<bool>,
    /// A time was set for reads and writes.
    pub(super) timed: Cell<bool>,
    pub(super) queue: Cell<Option<Messages>>,
    /// The cached result of `exportSocket`.
    pub(super) exported: RefCell<Option<Object>>,
    pub(super) redirects: Cell<bool>,
    pub(super) parents: RefCell<Option<Pipe>>,
    pub(super) childs: RefCell<Option<Pipe>>,
    /// This is the child.
    pub(super) in_child: Cell<bool>,
    /// The constructor was called, or a pool made the object.
    pub(super) constructed: Cell<bool>,
}

impl Constructed for Holder {
    fn is_constructed(&self) -> bool {
        self.constructed.get()
    }
}

swoosh_zend::payload!(Holder: traces |holder, tell| {
    if let Ok(exported) = holder.exported.try_borrow() {
        exported.iter().for_each(|socket| socket.trace(tell));
    }
});

/// The message queue of a process.
#[derive(Clone, Copy)]
pub(super) struct Messages {
    pub(super) queue: MessageQueue,
    /// Each message is addressed to one process; otherwise any process may take it.
    pub(super) addressed: bool,
    pub(super) waits: bool,
}

pub(super) fn slot(property: &str) -> PhpResult<usize> {
    PROCESS.get().slot(property).ok_or(Raised::Exception)
}

/// The value; on an error, sets the error code and warns.
pub(super) fn ok_or_warn<T, E: Into<swoosh::Error>>(result: Result<T, E>) -> Option<T> {
    result
        .map_err(|error| {
            let error = error.into();
            last_error::set(error.code());
            warning(&error.to_string());
        })
        .ok()
}

pub(super) const PIPE_STREAM: i64 = 1;
pub(super) const PIPE_DGRAM: i64 = 2;
