//! What a handler can ask of its process: send, close, tasks, messages, timers, statistics.
//!
//! Runs in: every process of the server. A [`Context`] is handed to every event of its process. Calls that make no sense in
//! that process fail with an error that says where they work.
//!
//! | module | contents |
//! |---|---|
//! | [`handler`] | the events that user code handles |
//! | `connections`, `send`, `close` | connections: queries, output, closing |
//! | `tasks`, `messages` | tasks and messages between processes |
//! | `lifecycle` | stopping, reloading, faults |
//! | `in_flight` | requests that are being handled |
//! | `timers`, `executor` | timers; the async runtime and its futures |
//! | `stats`, `files` | statistics; request bodies that arrive in files |

mod close;
mod connections;
mod executor;
mod files;
pub mod handler;
mod in_flight;
mod lifecycle;
mod messages;
mod send;
mod stats;
mod tasks;
mod timers;

pub use connections::ClientInfo;
pub use in_flight::RequestGuard;
pub use stats::Stats;
pub(crate) use tasks::finish_event;
pub use tasks::{TaskReply, TaskResult, pack_task, unpack_task};
pub use timers::TimerFn;

pub use crate::ipc::Reading;

use crate::conn::connection::Connection;
use crate::conn::owner::Owner;
use crate::ids::{SessionId, WorkerId};
use crate::ipc::Source;
use crate::shm::slots::WorkerSlot;
use crate::state::ServerState;
use crate::sys::process;
use executor::Executor;
use files::Files;
use handler::Handler;
use in_flight::InFlight;
use lifecycle::Lifecycle;
use messages::Mail;
use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use tasks::Tasks;
use timers::Timers;

/// The kind of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Accepts connections and owns the reactor threads.
    Master,
    /// Forks, reaps and replaces the others.
    Manager,
    /// Handles requests.
    Worker,
    /// Handles tasks.
    TaskWorker,
    /// Runs a process that user code added.
    User,
}

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
    /// The connection whose close event runs because this process closes it.
    closing: Cell<Option<SessionId>>,
    lifecycle: Lifecycle,
    in_flight: InFlight,
    mail: Mail,
    tasks: Tasks,
    timers: Timers,
    executor: Executor,
    files: Files,
}

impl Context {
    pub(crate) fn new(state: &'static ServerState, handler: Rc<dyn Handler>, role: Role, id: Option<WorkerId>) -> Self {
        Context(Rc::new(Inner {
            state,
            handler,
            role: Cell::new(role),
            id: Cell::new(id),
            owner: OnceCell::new(),
            closing: Cell::new(None),
            lifecycle: Lifecycle::default(),
            in_flight: InFlight::default(),
            mail: Mail::new(),
            tasks: Tasks::default(),
            timers: Timers::new(),
            executor: Executor::default(),
            files: Files::default(),
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
        self.0.state.server[0].master_pid.load(Relaxed)
    }

    /// Process id of the manager, 0 where there is none.
    pub fn manager_pid(&self) -> i32 {
        self.0.state.server[0].manager_pid.load(Relaxed)
    }

    /// Detaches this process from the server: user code forked it while it handled an event. From here on it counts as a
    /// user process without a number; the server's counters are left to its parent.
    pub fn step_out(&self) {
        self.0.role.set(Role::User);
        self.0.id.set(None);
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

    pub(crate) fn lifecycle(&self) -> &Lifecycle {
        &self.0.lifecycle
    }

    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }

    pub(crate) fn mail(&self) -> &Mail {
        &self.0.mail
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.0.timers
    }

    pub(crate) fn executor(&self) -> &Executor {
        &self.0.executor
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
