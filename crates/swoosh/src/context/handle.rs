//! [`Context`] and [`Handler`]: a process as its handlers see it, and the handlers as the engine sees them. Each refers to
//! the other, so they share a file.
//!
//! The engine calls each method of a handler in the process that its documentation names. A call that returns
//! `Err(`[`Stop`](super::handler::Stop)`)` means that user code cannot continue in this process: the engine unwinds its own
//! frames in order, and the process ends with that exit status. The other processes are not affected.
//!
//! A handler lives in one thread and is reentrant (a `send` that closes a connection calls [`Handler::close`]), so its
//! methods take `&self`.

use super::events::{ConnectionEvent, Event, FinishEvent, Flow, MessageEvent, PacketEvent, TaskEvent, WorkerError};
use super::parts::executor::Executor;
use super::parts::files::Files as ChannelFiles;
use super::parts::in_flight::InFlight;
use super::parts::lifecycle::Lifecycle;
use super::parts::mail::Mail;
use super::parts::tasks::Tasks;
use super::parts::timers::Timers;
use crate::conn::connection::Connection;
use crate::conn::owner::Owner;
use crate::ids::{SessionId, WorkerId};
use crate::ipc::Source;
use crate::proto::http1::request::reassemble;
use crate::role::Role;
use crate::shm::slots::WorkerSlot;
use crate::state::ServerState;
use crate::static_files::Files;
use crate::sys::process;
use crate::sys::temp_file::TempFile;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{self, Poll};
use std::time::Duration;

/// A timer's code: it gets the timer's number.
pub type TimerFn = Rc<dyn Fn(&Context, u64)>;

/// A process of the server, as its handlers see it. Clones refer to the same process.
///
/// ```no_run
/// use std::time::Duration;
/// use swoosh::{Mode, Server};
///
/// # fn main() -> swoosh::Result<()> {
/// Server::bind("127.0.0.1:9501", Mode::Process)?
///     .on_receive(|context, connection, data| {
///         if data.starts_with(b"later") {
///             context.after(Duration::from_millis(100), move |context, _| {
///                 let _ = context.send(connection, b"now\n");
///             });
///             return Ok(());
///         }
///         context.send(connection, data)
///     })
///     .start()
/// # }
/// ```
#[derive(Clone)]
pub struct Context(Rc<Inner>);

struct Inner {
    state: &'static ServerState,
    handler: Rc<dyn Handler>,
    role: Cell<Role>,
    id: Cell<Option<WorkerId>>,
    /// The connections of this process: in base mode only.
    owner: OnceCell<Rc<Owner>>,
    lifecycle: Rc<Lifecycle>,
    in_flight: Rc<InFlight>,
    mail: Mail,
    tasks: Tasks,
    timers: Timers<TimerFn>,
    executor: Executor,
    files: ChannelFiles,
}

impl Context {
    pub(crate) fn new(state: &'static ServerState, handler: Rc<dyn Handler>, role: Role, id: Option<WorkerId>) -> Self {
        let lifecycle: Rc<Lifecycle> = Rc::default();
        Context(Rc::new(Inner {
            in_flight: Rc::new(InFlight::new(lifecycle.wake().clone())),
            lifecycle,
            state,
            handler,
            role: Cell::new(role),
            id: Cell::new(id),
            owner: OnceCell::new(),
            mail: Mail::new(),
            tasks: Tasks::default(),
            timers: Timers::new(),
            executor: Executor::default(),
            files: ChannelFiles::default(),
        }))
    }

    /// The kind of this process.
    pub fn role(&self) -> Role {
        self.0.role.get()
    }

    /// Its number; `None` for the master and the manager.
    pub fn worker_id(&self) -> Option<WorkerId> {
        self.0.id.get()
    }

    /// The state that all processes of the server share.
    pub fn state(&self) -> &'static ServerState {
        self.0.state
    }

    /// Process id of the master (in base mode: of worker 0 or the only process).
    pub fn master_pid(&self) -> i32 {
        self.0.state.server().master_pid.load(Relaxed)
    }

    /// Process id of the manager, 0 where there is none.
    pub fn manager_pid(&self) -> i32 {
        self.0.state.server().manager_pid.load(Relaxed)
    }

    /// Detaches this process from the server: user code forked it while it handled an event. From here on it counts as a
    /// user process without a number; the server's counters are left to its parent.
    pub fn step_out(&self) {
        self.0.role.set(Role::User);
        self.0.id.set(None);
        self.in_flight().detach();
    }

    /// The row of a process; `None` where there is no such process.
    pub fn worker_slot(&self, id: WorkerId) -> Option<&'static WorkerSlot> {
        self.0.state.worker(id)
    }

    pub(crate) fn own_slot(&self) -> Option<&'static WorkerSlot> {
        self.0.state.worker(self.worker_id()?)
    }

    pub(crate) fn handler(&self) -> &dyn Handler {
        &*self.0.handler
    }

    /// The handler, for a further process.
    pub(crate) fn share_handler(&self) -> Rc<dyn Handler> {
        self.0.handler.clone()
    }

    pub(crate) fn lifecycle(&self) -> &Rc<Lifecycle> {
        &self.0.lifecycle
    }

    pub(crate) fn in_flight(&self) -> &Rc<InFlight> {
        &self.0.in_flight
    }

    pub(crate) fn mail(&self) -> &Mail {
        &self.0.mail
    }

    pub(crate) fn timers(&self) -> &Timers<TimerFn> {
        &self.0.timers
    }

    pub(crate) fn executor(&self) -> &Executor {
        &self.0.executor
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(super) fn channel_files(&self) -> &ChannelFiles {
        &self.0.files
    }

    /// The connections of this process, in base mode.
    pub(crate) fn owner(&self) -> Option<&Rc<Owner>> {
        self.0.owner.get()
    }

    /// Makes this process an owner of connections.
    pub(crate) fn set_owner(&self, owner: Rc<Owner>) {
        let _ = self.0.owner.set(owner);
    }

    /// A connection that this process owns.
    pub(crate) fn own_connection(&self, session: SessionId) -> Option<(&Rc<Owner>, Rc<Connection>)> {
        // A child that user code has forked writes through its parent, like any other process.
        let owner = self.0.owner.get().filter(|_| self.role() != Role::User)?;
        owner.find(session).map(|conn| (owner, conn))
    }

    /// This process as a sender of messages.
    pub(crate) fn source(&self) -> Source {
        match self.worker_id() {
            Some(id) => Source::process(id),
            None if self.role() == Role::User => Source::foreign_child(process::cached_pid()),
            None => Source::HEAD,
        }
    }
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
    /// Number of callbacks and coroutines that have started and can still end: a worker that is to end waits for them.
    fn unfinished(&self) -> usize {
        0
    }
    /// Number of one-shot timers of user code that expire within `limit`: a worker that is to end waits for them.
    fn due_within(&self, limit: Duration) -> usize {
        0
    }
    /// A worker ends with whatever [`unfinished`](Handler::unfinished) code and one-shot timers are left: they can be logged
    /// here.
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
