//! What the engine may ask of user code: the events of a server's life.
//!
//! The engine calls these in the process that each one names. A call that returns `Err(`[`Stop`]`)`
//! says that user code cannot go on in this process: the engine unwinds its own frames, in order,
//! and the process ends with that exit status. The other processes never notice more than that.
//!
//! A handler lives in one thread and may be entered again from within itself (a `send` that closes a
//! connection calls [`Handler::close`]), so its methods take `&self`.

use crate::http::files::Files;
use crate::node::Node;
use crate::proto::http1::request::reassemble;
use crate::sys::temp_file::TempFile;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// User code cannot go on in this process, which has to end with exit status `code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    /// Exit status of the process, 0 to 255.
    pub code: i32,
}

/// What user code says after an event.
pub type Flow<T = ()> = Result<T, Stop>;

/// A connection's public id: 1, 2, 3... in the order of acceptance, never used twice in a server's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A worker's public number: workers are `0..worker_num`, task workers follow, user processes come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u32);

/// What a connection's event carries.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionEvent {
    /// Whose event it is.
    pub session: SessionId,
    /// The reactor thread that owns the connection; -1 where the server itself closed it.
    pub reactor_id: i32,
    /// When the reactor dispatched it: seconds since the epoch.
    pub dispatch_time: f64,
    /// Index of the port that accepted it, in the order of `listen`.
    pub port: usize,
}

/// Where a datagram came from and by which socket.
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

/// A task as a task worker gets it.
#[derive(Debug, Clone, Copy)]
pub struct TaskEvent {
    /// The task's number, counted by the worker that sent it: 0, 1, 2...
    pub id: u64,
    /// Which worker sent it.
    pub source: WorkerId,
    /// The sender's own bits (whether the payload is serialised, whether a callback waits); the engine never reads
    /// the lower eight.
    pub flags: u32,
    /// When it was sent: seconds since the epoch.
    pub dispatch_time: f64,
}

/// A task's result as the worker that sent the task gets it.
#[derive(Debug, Clone, Copy)]
pub struct FinishEvent {
    /// The task's number.
    pub task_id: u64,
    /// Which task worker answers.
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

/// How a worker ended that should not have.
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

/// User code: one method for each event, each doing nothing unless it is given.
///
/// Order in a worker: [`worker_start`](Handler::worker_start) first,
/// [`worker_stop`](Handler::worker_stop) last; for one connection `connect`, then `receive`, then `close`.
#[allow(unused_variables)]
pub trait Handler {
    /// Master: everything runs. In base mode: the first worker, before its `worker_start`.
    fn start(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Master: the server is about to stop; its workers still run.
    fn before_shutdown(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Master: the server has stopped, every other process has ended.
    fn shutdown(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Manager: it has forked every process.
    fn manager_start(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Manager: every process it forked has ended.
    fn manager_stop(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Manager: workers are about to be replaced.
    fn before_reload(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Manager: every worker that was to be replaced has been.
    fn after_reload(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Manager: a worker ended that should not have. It is replaced afterwards.
    fn worker_error(&self, node: &Node, error: &WorkerError) -> Flow {
        Ok(())
    }
    /// Worker, task worker: the process is ready; nothing is dispatched before this returns.
    fn worker_start(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Worker, task worker: nothing is dispatched any more.
    fn worker_stop(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Worker: it is to end, but something ([`pending`](Handler::pending)) keeps its loop alive. Called once, and again
    /// each second until nothing does or `max_wait_time` is over.
    fn worker_exit(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// Worker: a connection was accepted.
    fn connect(&self, node: &Node, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Worker: bytes arrived: one packet where a framing is set, what one read gave otherwise.
    fn receive(&self, node: &Node, event: &ConnectionEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker: a request of HTTP arrived whose body is too long for memory. `head`: all of it but the body. Where nothing
    /// else is said, it is read into memory and told as any other ([`receive_whole`]).
    fn receive_stored(&self, node: &Node, event: &ConnectionEvent, head: &[u8], body: Rc<TempFile>) -> Flow {
        receive_whole(self, node, event, head, &body)
    }
    /// Worker: a request of HTTP was refused after others of its connection were handed over, whose answers go first.
    /// It is answered with that status, and the connection closed.
    fn refuse(&self, node: &Node, event: &ConnectionEvent, status: u16) -> Flow {
        node.refuse_request(event.session, status);
        Ok(())
    }
    /// Worker: a connection is closed; its id is known until this returns.
    fn close(&self, node: &Node, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Worker: a datagram arrived.
    fn packet(&self, node: &Node, event: &PacketEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker: a connection's output passed the high watermark.
    fn buffer_full(&self, node: &Node, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Worker: a connection's output fell below the low watermark again.
    fn buffer_empty(&self, node: &Node, event: &ConnectionEvent) -> Flow {
        Ok(())
    }
    /// Task worker: a task.
    fn task(&self, node: &Node, event: &TaskEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker: a task's result.
    fn finish(&self, node: &Node, event: &FinishEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// Worker, task worker: a message from another process.
    fn pipe_message(&self, node: &Node, event: &MessageEvent, data: &[u8]) -> Flow {
        Ok(())
    }
    /// User process number `index` (0 is the first that was added): runs until it returns; then it is started anew.
    fn user_process(&self, node: &Node, index: usize) -> Flow {
        Ok(())
    }

    // ---- the seam of the loop: user land may have work, and clocks, of its own ----

    /// Runs what user land has ready (due timers, deferred calls, coroutines). Called once each turn of the loop.
    fn turn(&self, node: &Node) -> Flow {
        Ok(())
    }
    /// How long the loop may sleep at most before the next `turn`; `None`: until something arrives. Zero: not at all.
    fn sleep_limit(&self) -> Option<Duration> {
        None
    }
    /// How many things of user land (timers, descriptors) keep the loop alive when the worker is to end, where user land
    /// wants to be told of it.
    fn pending(&self) -> usize {
        0
    }
    /// How many callbacks have begun and wait for something still: a worker that is to end waits for them.
    fn unfinished(&self) -> usize {
        0
    }
    /// `max_wait_time` is nearly over, and [`unfinished`](Handler::unfinished) callbacks are given up: time to say which.
    fn gave_up(&self) {}
    /// Whether a descriptor or another thread has given user land something to do since its last
    /// [`turn`](Handler::turn); if not, wakes the task of `cx` when that changes. Asked while the runtime is entered, in
    /// processes that have one ([`Node::runtime`]).
    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
    /// Whether `receive` and its like may be called while the async runtime is entered. An embedded interpreter, whose
    /// code may fork or block, says no, and is called between two waits instead.
    fn inline(&self) -> bool {
        false
    }
    /// Whether there is code for an event. The engine does not dispatch what nobody wants.
    fn wants(&self, event: Event, port: usize) -> bool {
        true
    }
    /// Files that answer requests of HTTP on a port before anybody is called. Asked once, before the first fork: in process
    /// mode reactors send them without a worker, which looks for them still where a connection's earlier requests have no
    /// answer yet.
    fn files(&self, port: usize) -> Option<Arc<Files>> {
        None
    }
    /// Called in each new process, right after the fork, before anything else: leave behind what does not survive one.
    fn after_fork(&self) {}
    /// Gives the process its title; `true` where that was done, else the engine does it.
    fn set_title(&self, title: &str) -> bool {
        false
    }
}

/// Tells a handler of a request whose body was stored as of any other: head and body in one. A body that came in chunks is
/// one chunk.
pub fn receive_whole<H: Handler + ?Sized>(
    handler: &H,
    node: &Node,
    event: &ConnectionEvent,
    head: &[u8],
    body: &TempFile,
) -> Flow {
    match body.read(0..body.len()) {
        Ok(body) => handler.receive(node, event, &reassemble(head, body)),
        Err(e) => {
            crate::log::error!("a request of connection {} is answered 500: {e}", event.session.0);
            handler.refuse(node, event, 500)
        }
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
