//! The events that user code handles.
//!
//! The engine calls each method in the process that its documentation names. A call that returns `Err(`[`Stop`]`)` means that
//! user code cannot continue in this process: the engine unwinds its own frames in order, and the process ends with that
//! exit status. The other processes are not affected.
//!
//! A handler lives in one thread and is reentrant (a `send` that closes a connection calls [`Handler::close`]), so its
//! methods take `&self`.

use super::Context;
pub use crate::ids::{SessionId, WorkerId};
use crate::ipc::ReplyTo;
use crate::proto::http1::request::reassemble;
use crate::static_files::Files;
use crate::sys::temp_file::TempFile;
use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Poll};
use std::time::Duration;

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

/// A task, as its task worker gets it.
#[derive(Debug, Clone, Copy)]
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

/// User code: one method per event. The default of each does nothing.
///
/// Programs in Rust usually give closures to [`Server`](crate::Server) instead; an embedded interpreter implements this
/// trait.
///
/// ```
/// use swoosh::Context;
/// use swoosh::handler::{ConnectionEvent, Flow, Handler};
///
/// struct Echo;
///
/// impl Handler for Echo {
///     fn receive(&self, context: &Context, event: &ConnectionEvent, data: &[u8]) -> Flow {
///         // The peer may be gone: then there is nobody to answer.
///         let _ = context.send(event.session, data);
///         Ok(())
///     }
/// }
/// ```
///
/// Order in a worker: [`worker_start`](Handler::worker_start) first,
/// [`worker_stop`](Handler::worker_stop) last; for one connection `connect`, then `receive`, then `close`.
#[allow(unused_variables)]
pub trait Handler {
    /// Master: everything runs. In base mode: the first worker, before its `worker_start`.
    fn start(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Master: the server is about to stop; its workers still run.
    fn before_shutdown(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Master: the server has stopped, every other process has ended.
    fn shutdown(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Manager: it has forked every process.
    fn manager_start(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Manager: every process it forked has ended.
    fn manager_stop(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Manager: workers are about to be replaced.
    fn before_reload(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Manager: every worker that was to be replaced has been.
    fn after_reload(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Manager: a worker ended abnormally. It is replaced afterwards.
    fn worker_error(&self, context: &Context, error: &WorkerError) -> Flow {
        Ok(())
    }
    /// Worker, task worker: the process is ready; nothing is dispatched before this returns.
    fn worker_start(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Worker, task worker: nothing is dispatched any more.
    fn worker_stop(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Worker: it is to end, but something ([`pending`](Handler::pending)) keeps its loop alive. Called once, and again
    /// each second until nothing does or `max_wait_time` is over.
    fn worker_exit(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// Worker: a connection was accepted.
    fn connect(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Worker: bytes arrived: one packet where a framing is set, else the bytes of one read.
    fn receive(&self, context: &Context, event: &ConnectionEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker: an HTTP request arrived whose body is too long for memory. `head`: the request without its body. The default
    /// reads the body into memory and calls [`receive`](Handler::receive) ([`receive_whole`]).
    fn receive_stored(&self, context: &Context, event: &ConnectionEvent, head: &[u8], body: Rc<TempFile>) -> Flow {
        receive_whole(self, context, event, head, &body)
    }
    /// Worker: an HTTP request was rejected behind earlier requests of its connection, whose responses go first. It is
    /// answered with `status`, and the connection is closed.
    fn refuse(&self, context: &Context, event: &ConnectionEvent, status: u16) -> Flow {
        context.refuse_request(event.session, status);
        Ok(())
    }
    /// Worker: a connection is closed; its id is valid until this returns.
    fn close(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Worker: a datagram arrived.
    fn packet(&self, context: &Context, event: &PacketEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker: a connection's output passed the high watermark.
    fn buffer_full(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Worker: a connection's output fell below the low watermark again.
    fn buffer_empty(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Task worker: a task.
    fn task(&self, context: &Context, event: &TaskEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker: a task's result.
    fn finish(&self, context: &Context, event: &FinishEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker, task worker: a message from another process.
    fn pipe_message(&self, context: &Context, event: &MessageEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// User process number `index` (0 is the first that was added): runs until it returns; then it is started anew.
    fn user_process(&self, context: &Context, index: usize) -> Flow {
        Ok(())
    }

    // ---- integration of an embedded event loop: user code may have work and timers of its own ----

    /// Runs what user code has ready (expired timers, deferred calls, coroutines). Called once per tick of the loop.
    fn tick(&self, context: &Context) -> Flow {
        Ok(())
    }
    /// How long the loop may sleep at most before the next [`tick`](Handler::tick); `None`: until something arrives. Zero: not at all.
    fn sleep_limit(&self) -> Option<Duration> {
        None
    }
    /// Number of timers and descriptors of user code that keep the loop alive when the worker is to end, for user code that
    /// handles [`worker_exit`](Handler::worker_exit).
    fn pending(&self) -> usize {
        0
    }
    /// Number of callbacks that have started and not ended: a worker that is to end waits for them.
    fn unfinished(&self) -> usize {
        0
    }
    /// `max_wait_time` is nearly over, and [`unfinished`](Handler::unfinished) callbacks are abandoned: they can be logged here.
    fn gave_up(&self) {}
    /// Whether a descriptor or another thread has given user code something to do since its last
    /// [`tick`](Handler::tick); if not, wakes the task of `cx` when that changes. Called while the runtime is entered, in
    /// processes that have one ([`Context::runtime`]).
    fn poll_ready(&self, cx: &mut task::Context<'_>) -> Poll<()> {
        Poll::Pending
    }
    /// Whether events may be delivered while the async runtime is entered. An embedded interpreter, whose code may fork or
    /// block, answers `false`, and gets its events between two waits instead.
    fn inline(&self) -> bool {
        false
    }
    /// Whether there is code for an event. The engine does not dispatch events without code.
    fn wants(&self, event: Event, port: usize) -> bool {
        true
    }
    /// Static files of an HTTP port. Called once, before the first fork: in process mode reactors send them without a worker;
    /// the worker looks for them where earlier requests of the connection are unanswered.
    fn files(&self, port: usize) -> Option<Arc<Files>> {
        None
    }
    /// Called in each new process right after the fork, before anything else: abandons what does not survive a fork.
    fn after_fork(&self) {}
    /// Sets the process title; `false`: the engine does it.
    fn set_title(&self, title: &str) -> bool {
        false
    }
}

/// Delivers a request with a stored body like any other: head and body in one. A chunked body becomes one chunk.
pub fn receive_whole<H: Handler + ?Sized>(
    handler: &H,
    context: &Context,
    event: &ConnectionEvent,
    head: &[u8],
    body: &TempFile,
) -> Flow {
    match body.read(0..body.len()) {
        Ok(body) => handler.receive(context, event, &reassemble(head, body)),
        Err(e) => {
            crate::log::error!("a request of connection {} is answered 500: {e}", event.session.0);
            handler.refuse(context, event, 500)
        }
    }
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

/// The events that [`Handler::wants`] is asked about.
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
