//! The data of events, and the return types of handlers.

use crate::ids::{SessionId, WorkerId};
use crate::ipc::ReplyTo;
use std::cell::Cell;
use std::fmt::Display;
use std::rc::Rc;

/// User code cannot continue in this process, which has to end with exit status `code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Exit status of the process, 0 to 255.
    pub code: i32,
}

/// The outcome of an event.
pub type Flow<T = ()> = Result<T, Stop>;

/// An event of a connection.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionEvent {
    /// The connection.
    pub session: SessionId,
    /// The reactor thread that owns the connection; -1 where the server itself closed it.
    pub reactor_id: i32,
    /// When the reactor dispatched it: seconds since the epoch.
    pub dispatch_time: f64,
    /// Index of the port that accepted it, in the order of `listen`.
    pub port: usize,
}

/// A datagram's sender, and the socket that received it.
#[derive(Debug, Clone)]
pub struct PacketEvent {
    /// Descriptor of the server's socket that received it.
    pub server_socket: i32,
    /// Port number of that socket, 0 for a Unix socket.
    pub server_port: u16,
    /// The sender: an address without port, or a path (empty where the sender has none).
    pub address: String,
    /// The sender's port; `None` for a Unix socket.
    pub peer_port: Option<u16>,
    /// When the reactor dispatched it: seconds since the epoch.
    pub dispatch_time: f64,
    /// Index of the port, in the order of `listen`.
    pub port: usize,
}

/// A task, as its task worker gets it. Clones refer to the same task.
#[derive(Debug, Clone)]
pub struct TaskEvent {
    /// The task's number, counted by the worker that sent it: 0, 1, 2...
    pub id: u64,
    /// Which worker sent it.
    pub source: WorkerId,
    /// The sender's own bits (whether the payload is serialised, whether a callback waits), eight at most; the engine does
    /// not read them.
    pub flags: u32,
    /// When it was sent: seconds since the epoch.
    pub dispatch_time: f64,
    /// Where its result belongs.
    pub(crate) reply: ReplyTo,
    /// Whether the task was answered.
    answered: Rc<Cell<bool>>,
}

impl TaskEvent {
    /// A task that is not answered.
    pub(crate) fn new(id: u64, source: WorkerId, flags: u32, dispatch_time: f64, reply: ReplyTo) -> Self {
        TaskEvent { id, source, flags, dispatch_time, reply, answered: Rc::default() }
    }

    /// Records that the task was answered.
    pub(crate) fn set_answered(&self) {
        self.answered.set(true);
    }

    /// Whether the task was answered.
    pub fn is_answered(&self) -> bool {
        self.answered.get()
    }
}

/// A task's result, as the sender of the task gets it.
#[derive(Debug, Clone, Copy)]
pub struct FinishEvent {
    /// The task's number.
    pub task_id: u64,
    /// The task worker that answers.
    pub task_worker: WorkerId,
    /// The answering side's own bits, see [`TaskEvent::flags`].
    pub flags: u32,
    /// When the answer was sent: seconds since the epoch.
    pub dispatch_time: f64,
}

/// A message from another process of the server.
#[derive(Debug, Clone, Copy)]
pub struct MessageEvent {
    /// Which process sent it.
    pub source: WorkerId,
    /// The sender's own bits.
    pub flags: u32,
    /// When it was sent: seconds since the epoch.
    pub dispatch_time: f64,
}

/// An abnormal end of a worker.
#[derive(Debug, Clone, Copy)]
pub struct WorkerError {
    /// Which worker.
    pub worker: WorkerId,
    /// Its process id (gone by now).
    pub pid: i32,
    /// The status word as `waitpid(2)` gave it.
    pub status: i32,
    /// Exit status, 0 if a signal ended it.
    pub exit_code: i32,
    /// The signal that ended it, or 0.
    pub signal: i32,
}

/// The return type of handlers that are closures: nothing, or a result whose error is logged.
pub trait Outcome {
    /// Logs the error, if there is one; `of` names the handler.
    fn settle(self, of: &'static str);

    /// Whether it is an error.
    fn failed(&self) -> bool {
        false
    }
}

impl Outcome for () {
    fn settle(self, _: &'static str) {}
}

impl<T, E: Display> Outcome for std::result::Result<T, E> {
    fn settle(self, of: &'static str) {
        if let Err(e) = self {
            crate::log::warn!("{of}: {e}");
        }
    }

    fn failed(&self) -> bool {
        self.is_err()
    }
}

/// The events that [`Handler::wants`](super::handler::Handler::wants) is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Event {
    Connect,
    Close,
    BufferFull,
    BufferEmpty,
    PipeMessage,
    WorkerExit,
}
