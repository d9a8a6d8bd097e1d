//! State that crosses a fork: settings, sockets, shared memory, mailboxes.
//!
//! Invariant: everything here is created before the first fork, and every process of the server sees the same. Nothing
//! else may be relied on after a fork.

pub mod certificates;
mod connection_flags;
pub mod registry;
pub mod service_manager;

use crate::config::{DispatchMode, Mode, ServerConfig};
use crate::error::Result;
use crate::ids::{SessionId, WorkerId};
use crate::ipc::Mailbox;
use crate::ipc::handover::Handover;
use crate::net::Port;
use crate::shm::SharedSlice;
use crate::shm::slots::{ReactorSlot, ServerSlot, WorkerSlot};
use crate::sys::event_fd::EventFd;
use crate::sys::fd_channel::FdChannel;
use crate::sys::message_queue::MessageQueue;
use certificates::Certificates;
use registry::{ConnectionRow, Registry, SlotIndex};
use service_manager::ServiceManager;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Everything that the processes of one server share.
pub struct ServerState {
    /// Process or base mode.
    pub mode: Mode,
    /// The server's settings.
    pub config: ServerConfig,
    /// Its ports, in the order of `listen`.
    pub ports: Vec<Arc<Port>>,
    /// Its connections.
    pub registry: Registry,
    /// Client certificates, in process mode where a port verifies its clients.
    pub certificates: Option<Certificates>,
    /// Counters of the whole server.
    pub server: SharedSlice<ServerSlot>,
    /// A row for each worker, task worker and user process, by [`WorkerId`].
    pub workers: SharedSlice<WorkerSlot>,
    /// A row for each reactor thread (process mode) or worker (base mode).
    pub reactors: SharedSlice<ReactorSlot>,
    /// Reactors -> worker: requests. One per worker; none in base mode.
    pub requests: Vec<Mailbox>,
    /// Worker -> its successor: requests that were taken and not handled. One per worker; none in base mode.
    pub handover: Vec<Handover>,
    /// Reactors -> worker: request bodies stored in files. One per worker; none where no port speaks HTTP.
    pub fd_channels: Vec<FdChannel>,
    /// Any process -> owner of connections: open files that `SendFile` commands name. One per reactor thread or base worker.
    pub files_to_send: Vec<FdChannel>,
    /// Any process -> process: messages, tasks, commands for another base worker's connections. By [`WorkerId`].
    pub messages: Vec<Mailbox>,
    /// Any process -> manager: messages. Not read where there is no manager.
    pub to_manager: Mailbox,
    /// Task workers -> worker: results. By [`WorkerId`]; `None` for task workers.
    pub results: Vec<Option<Mailbox>>,
    /// Any process -> reactor thread: commands for its connections. Process mode only.
    pub commands: Vec<Mailbox>,
    /// Queue of tasks, where they travel by a System V queue.
    pub task_queue: Option<MessageQueue>,
    /// Number of user processes.
    pub user_processes: usize,
    /// The service manager that started the server, where it wants reports.
    pub service_manager: Option<ServiceManager>,
}

/// Phase of the server's life. A server only moves to a later phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum ServerPhase {
    /// Its processes are being forked.
    Starting = 0,
    /// It serves.
    Running = 1,
    /// It accepts no new connection; workers finish what was accepted.
    Ending = 2,
    /// Workers have ended.
    Ended = 3,
}

/// What another process may ask of the manager: a bit of
/// [`ServerSlot::manager_requests`](crate::shm::slots::ServerSlot::manager_requests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ManagerRequest {
    /// Workers and task workers are to be replaced.
    Reload = 1,
    /// Task workers are to be replaced.
    ReloadTaskWorkers = 2,
    /// The server is to end, in order.
    Shutdown = 4,
}

/// The kind of work of a numbered process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessKind {
    /// Handles requests.
    Worker,
    /// Handles tasks.
    TaskWorker,
    /// Runs user code added with `addProcess`.
    User,
}

/// Activity of a worker, as its row shows it. The numbers are those of `SWOOLE_WORKER_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum WorkerStatus {
    /// Handles a request.
    Busy = 1,
    /// Waits for requests.
    Idle = 2,
    /// Shuts down.
    Exiting = 3,
}

/// Typed access to a worker's row.
pub trait WorkerRow {
    /// Records what the worker does.
    fn set_status(&self, status: WorkerStatus);
    /// Whether it waits for requests.
    fn is_idle(&self) -> bool;
    /// Whether it handles a request.
    fn is_busy(&self) -> bool;
    /// The incarnation that runs: 1 for the first process with this number.
    fn current_generation(&self) -> u32;
}

impl WorkerRow for WorkerSlot {
    fn set_status(&self, status: WorkerStatus) {
        self.status.store(status as u32, Relaxed);
    }

    fn is_idle(&self) -> bool {
        self.status.load(Relaxed) == WorkerStatus::Idle as u32
    }

    fn is_busy(&self) -> bool {
        self.status.load(Relaxed) == WorkerStatus::Busy as u32
    }

    fn current_generation(&self) -> u32 {
        self.generation.load(Relaxed)
    }
}

impl ServerState {
    /// Number of workers, task workers and user processes together.
    pub fn processes(&self) -> usize {
        self.workers.len()
    }

    /// Kind of the process with this number.
    pub fn kind_of(&self, id: WorkerId) -> ProcessKind {
        let (n, workers, tasks) = (id.0, self.config.worker_num, self.config.task_worker_num);
        if n < workers {
            ProcessKind::Worker
        } else if n < workers + tasks {
            ProcessKind::TaskWorker
        } else {
            ProcessKind::User
        }
    }

    /// A process's row; `None` where there is no such process.
    pub fn worker(&self, id: WorkerId) -> Option<&'static WorkerSlot> {
        let slots: SharedSlice<WorkerSlot> = self.workers;
        slots.as_static().get(id.0 as usize)
    }

    /// The rows of request workers, without task workers and user processes.
    pub fn request_workers(&self) -> &[WorkerSlot] {
        &self.workers[..self.config.worker_num as usize]
    }

    /// The rows of task workers.
    pub fn task_workers(&self) -> &[WorkerSlot] {
        &self.workers[self.config.worker_num as usize..][..self.config.task_worker_num as usize]
    }

    /// A reactor's row.
    pub fn reactor_slot(&self, id: u32) -> &'static ReactorSlot {
        &self.reactors.as_static()[id as usize]
    }

    /// The server's phase.
    pub fn phase(&self) -> ServerPhase {
        match self.server[0].phase.load(SeqCst) {
            0 => ServerPhase::Starting,
            1 => ServerPhase::Running,
            2 => ServerPhase::Ending,
            _ => ServerPhase::Ended,
        }
    }

    /// Moves the server to `phase`, unless it is in a later one.
    pub fn enter(&self, phase: ServerPhase) {
        self.server[0].phase.fetch_max(phase as u32, SeqCst);
    }

    /// Whether new connections are accepted.
    pub fn accepts(&self) -> bool {
        self.phase() <= ServerPhase::Running
    }

    /// Whether connect and close events are dispatched. In modes that spread one connection's packets over workers these
    /// events would arrive out of order, so only `enable_unsafe_event` dispatches them there.
    pub fn dispatches_connection_events(&self) -> bool {
        use DispatchMode::{Idle, RoundRobin, Stream};
        self.mode == Mode::Base
            || self.config.enable_unsafe_event
            || !matches!(self.config.dispatch_mode, RoundRobin | Idle | Stream)
    }

    /// Releases a connection's row, and its place in its worker's connection count.
    pub fn release_connection(&self, session: SessionId, index: SlotIndex) {
        if self.config.dispatch_mode == DispatchMode::ConnectionLoad
            && let Some(worker) = self.registry.slot(index).bound_worker().and_then(|id| self.worker(id))
        {
            let _ = worker.connections.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(1)));
        }
        self.registry.release(session, index);
    }

    /// Process id of the process that shuts the server down on SIGTERM: the master, in base mode the manager or the only
    /// process.
    pub fn head_pid(&self) -> i32 {
        let server = &self.server[0];
        match (self.mode, server.manager_pid.load(Relaxed)) {
            (Mode::Base, manager) if manager != 0 => manager,
            _ => server.master_pid.load(Relaxed),
        }
    }
}

/// Creates an event descriptor that lives as long as the process.
///
/// # Errors
/// Where no descriptors are left.
pub fn new_event_fd() -> Result<&'static EventFd> {
    Ok(Box::leak(Box::new(EventFd::new()?)))
}
