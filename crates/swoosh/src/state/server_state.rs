//! The state of one server.

use super::certificates::Certificates;
use super::mailboxes::Mailboxes;
use super::phase::ServerPhase;
use super::registry::{ConnectionRow, Registry, SlotIndex};
use super::service_manager::ServiceManager;
use super::worker::ProcessKind;
use crate::config::{DispatchMode, Framing, Mode, ServerConfig, TaskIpc};
use crate::error::{Error, Result};
use crate::ids::{SessionId, WorkerId};
use crate::ipc::message;
use crate::net::Port;
use crate::shm::SharedSlice;
use crate::shm::slots::{ReactorSlot, ServerSlot, WorkerSlot};
use crate::sys::message_queue::MessageQueue;
use crate::sys::user;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Everything that the processes of one server share. It is filled before the first fork, and only its shared memory changes
/// from then on.
pub struct ServerState {
    mode: Mode,
    config: ServerConfig,
    ports: Vec<Arc<Port>>,
    registry: Registry,
    /// In process mode, where a port verifies its clients.
    certificates: Option<Certificates>,
    server: &'static ServerSlot,
    /// By [`WorkerId`].
    workers: &'static [WorkerSlot],
    /// By reactor thread (process mode) or worker (base mode).
    reactors: &'static [ReactorSlot],
    mailboxes: Mailboxes,
    task_queue: Option<MessageQueue>,
    user_processes: usize,
    service_manager: Option<ServiceManager>,
}

impl ServerState {
    /// Reserves everything that the processes will share.
    ///
    /// # Errors
    /// Where there is no port, there are too many processes, or shared memory, descriptors or the queue of tasks cannot be
    /// reserved.
    pub(crate) fn reserve(
        mode: Mode,
        config: ServerConfig,
        ports: Vec<Arc<Port>>,
        user_processes: usize,
    ) -> Result<Self> {
        if ports.is_empty() {
            return Err(Error::State { operation: "start", reason: "the server has no port to listen on".into() });
        }
        let workers = config.worker_num as usize;
        let tasks = config.task_worker_num as usize;
        let processes = workers + tasks + user_processes;
        if processes >= message::MAX_PROCESSES {
            return Err(Error::State {
                operation: "start",
                reason: format!("{processes} processes are more than 32767"),
            });
        }
        let owners = if mode == Mode::Process { config.reactor_num as usize } else { workers };
        let server = SharedSlice::<ServerSlot>::new(1, "the server's counters")?;
        server[0].next_session.store(config.start_session_id, Relaxed);
        let worker_slots = SharedSlice::<WorkerSlot>::new(processes, "workers' counters")?.as_static();
        let reactor_slots = SharedSlice::<ReactorSlot>::new(owners, "reactors' counters")?.as_static();
        let speaks_http2 = ports.iter().any(|port| port.config().http2.is_some());
        let registry =
            Registry::new(config.max_conn, if speaks_http2 { max_streams(config.max_conn) } else { 0 }, server)?;
        let server = &server.as_static()[0];
        let verifies_clients = |port: &Arc<Port>| port.config().tls.as_ref().is_some_and(|tls| tls.verify_peer);
        let has_certificates = mode == Mode::Process && ports.iter().any(verifies_clients);
        let certificates = has_certificates.then(|| Certificates::new(&registry)).transpose()?;
        let stores_bodies = ports.iter().any(|port| matches!(port.config().framing, Framing::Http));
        let mailboxes = Mailboxes::reserve(mode, workers, tasks, stores_bodies, server, worker_slots, reactor_slots)?;
        let task_queue = match config.task_ipc {
            TaskIpc::Direct => None,
            _ if tasks == 0 => None,
            _ => Some(MessageQueue::open(config.message_queue_key)?),
        };
        if let (Some(queue), Some(user)) = (&task_queue, &config.user) {
            queue.give_to(user::id_of(user)?)?;
        }
        Ok(ServerState {
            mode,
            config,
            ports,
            registry,
            certificates,
            server,
            workers: worker_slots,
            reactors: reactor_slots,
            mailboxes,
            task_queue,
            user_processes,
            service_manager: ServiceManager::from_env(),
        })
    }

    /// Process or base mode.
    #[inline]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The server's settings.
    #[inline]
    pub fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Its ports, in the order of `listen`.
    #[inline]
    pub fn ports(&self) -> &[Arc<Port>] {
        &self.ports
    }

    /// Its connections.
    #[inline]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Client certificates, in process mode where a port verifies its clients.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// The row of the whole server.
    #[inline]
    pub fn server(&self) -> &'static ServerSlot {
        self.server
    }

    /// A row for each worker, task worker and user process, by [`WorkerId`].
    #[inline]
    pub fn workers(&self) -> &'static [WorkerSlot] {
        self.workers
    }

    /// A row for each reactor thread (process mode) or worker (base mode).
    #[inline]
    pub fn reactors(&self) -> &'static [ReactorSlot] {
        self.reactors
    }

    /// Mailboxes and descriptor channels between its processes.
    #[inline]
    pub fn mailboxes(&self) -> &Mailboxes {
        &self.mailboxes
    }

    /// The System V queue of tasks, where `task_ipc_mode` asks for one.
    pub fn task_queue(&self) -> Option<&MessageQueue> {
        self.task_queue.as_ref()
    }

    /// The number of user processes.
    pub fn user_processes(&self) -> usize {
        self.user_processes
    }

    /// The service manager that started the server, where it wants reports.
    pub fn service_manager(&self) -> Option<&ServiceManager> {
        self.service_manager.as_ref()
    }

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
        self.workers.get(id.0 as usize)
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
        &self.reactors[id as usize]
    }

    /// The server's phase.
    pub fn phase(&self) -> ServerPhase {
        match self.server.phase.load(SeqCst) {
            0 => ServerPhase::Starting,
            1 => ServerPhase::Running,
            2 => ServerPhase::Ending,
            _ => ServerPhase::Ended,
        }
    }

    /// Moves the server to `phase`, unless it is in a later one.
    pub fn enter(&self, phase: ServerPhase) {
        self.server.phase.fetch_max(phase as u32, SeqCst);
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
        let server = self.server;
        match (self.mode, server.manager_pid.load(Relaxed)) {
            (Mode::Base, manager) if manager != 0 => manager,
            _ => server.master_pid.load(Relaxed),
        }
    }
}

/// Streams of HTTP/2 that may be open at once in all connections; more are refused, and clients send them again. A row takes
/// 256 bytes once it is used.
fn max_streams(max_conn: u32) -> u32 {
    max_conn.saturating_mul(4).clamp(16_384, 1 << 20)
}
