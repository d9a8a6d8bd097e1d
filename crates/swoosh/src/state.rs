//! The exact list of what crosses a fork: settings, sockets, shared memory, doorbells.
//!
//! `server::start` makes it before the first fork; every process of the server reads the same. Nothing else may be
//! relied on after a fork.

use crate::config::{Framing, Mode, PortConfig, ServerConfig};
use crate::conn::certificates::Certificates;
use crate::conn::registry::{Registry, SlotIndex};
use crate::error::{Error, Result};
use crate::handler::{SessionId, WorkerId};
use crate::http::files::Files;
use crate::ipc::Mailbox;
use crate::ipc::handover::Handover;
use crate::shm::SharedSlice;
use crate::shm::slots::{ReactorSlot, ServerSlot, WorkerSlot};
use crate::sys::event_fd::EventFd;
use crate::sys::fd_channel::FdChannel;
use crate::sys::message_queue::MessageQueue;
use crate::tls::Acceptor;
use socket2::{SockRef, Socket, TcpKeepalive};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

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
    /// What its clients have shown, in process mode and where a port asks for it.
    pub certificates: Option<Certificates>,
    /// Its own row.
    pub server: SharedSlice<ServerSlot>,
    /// A row for each worker, task worker and user process, by [`WorkerId`].
    pub workers: SharedSlice<WorkerSlot>,
    /// A row for each reactor thread (process mode) or worker (base mode).
    pub reactors: SharedSlice<ReactorSlot>,
    /// Reactors -> worker: requests. One for each worker; none in base mode.
    pub requests: Vec<Mailbox>,
    /// Worker -> its successor: requests that the one had begun to take. By worker, as `requests`.
    pub handover: Vec<Handover>,
    /// Reactors -> worker: bodies of requests in files. By worker, as `requests`; none where no port speaks HTTP.
    pub fd_channels: Vec<FdChannel>,
    /// Any process -> process: messages, tasks, sends to another base worker's connections. By [`WorkerId`].
    pub messages: Vec<Mailbox>,
    /// Any process -> manager: messages. Nobody takes them where there is no manager.
    pub to_manager: Mailbox,
    /// Task workers -> worker: results. One for each worker and user process, by [`WorkerId`]; task workers have none.
    pub results: Vec<Option<Mailbox>>,
    /// Any process -> reactor thread: what to do with a connection. Process mode only.
    pub orders: Vec<Mailbox>,
    /// Tasks, where they travel by a System V queue.
    pub task_queue: Option<MessageQueue>,
    /// How many user processes were added.
    pub user_processes: usize,
}

/// Where the server is in its life; each state is later than the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum ServerPhase {
    /// Its processes are being forked.
    Starting = 0,
    /// It serves.
    Running = 1,
    /// It accepts nothing new; workers finish what was accepted.
    Ending = 2,
    /// Workers have ended.
    Ended = 3,
}

impl ServerState {
    /// Workers, task workers and user processes together.
    pub fn processes(&self) -> usize {
        self.workers.len()
    }

    /// What a process with that id does.
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

    /// A process's row.
    pub fn worker(&self, id: WorkerId) -> Option<&'static WorkerSlot> {
        self.workers_static().get(id.0 as usize)
    }

    fn workers_static(&self) -> &'static [WorkerSlot] {
        let slots: SharedSlice<WorkerSlot> = self.workers;
        slots.as_static()
    }

    /// A reactor's row.
    pub fn reactor_slot(&self, id: u32) -> &'static ReactorSlot {
        &self.reactors.as_static()[id as usize]
    }

    /// Where the server is in its life.
    pub fn phase(&self) -> ServerPhase {
        match self.server[0].phase.load(SeqCst) {
            0 => ServerPhase::Starting,
            1 => ServerPhase::Running,
            2 => ServerPhase::Ending,
            _ => ServerPhase::Ended,
        }
    }

    /// Enters a later part of its life.
    pub fn enter(&self, phase: ServerPhase) {
        self.server[0].phase.fetch_max(phase as u32, SeqCst);
    }

    /// Whether new connections are welcome.
    pub fn accepts(&self) -> bool {
        self.phase() <= ServerPhase::Running
    }

    /// Whether connect and close events are dispatched: in modes that spread one connection's packets over workers
    /// they would come out of order, and only `enable_unsafe_event` wants them.
    pub fn tells_life_of_connections(&self) -> bool {
        use crate::config::DispatchMode::{Idle, RoundRobin, Stream};
        self.mode == Mode::Base
            || self.config.enable_unsafe_event
            || !matches!(self.config.dispatch_mode, RoundRobin | Idle | Stream)
    }

    /// Forgets a connection, also where a worker counts it as its own.
    pub fn release_connection(&self, session: SessionId, index: SlotIndex) {
        let worker = self.registry.slot(index).worker.get();
        if self.config.dispatch_mode == crate::config::DispatchMode::ConnectionLoad
            && let Some(worker) = worker.and_then(|worker| self.workers.get(worker as usize))
        {
            let _ = worker.connections.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(1)));
        }
        self.registry.release(session, index);
    }

    /// Process id of whoever ends the whole server when asked to: the master, in base mode the manager or the only
    /// process.
    pub fn head_pid(&self) -> i32 {
        let server = &self.server[0];
        match (self.mode, server.manager_pid.load(Relaxed)) {
            (Mode::Base, manager) if manager != 0 => manager,
            _ => server.master_pid.load(Relaxed),
        }
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProcessKind {
    /// Handles requests.
    Worker,
    /// Handles tasks.
    TaskWorker,
    /// Runs what `addProcess` gave.
    User,
}

/// What kind of socket a port has (`SWOOLE_SOCK_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SocketKind {
    Tcp = 1,
    Udp = 2,
    Tcp6 = 3,
    Udp6 = 4,
    UnixStream = 5,
    UnixDatagram = 6,
}

impl SocketKind {
    /// The kind of that public number.
    pub fn from_number(n: i64) -> Option<Self> {
        use SocketKind::{Tcp, Tcp6, Udp, Udp6, UnixDatagram, UnixStream};
        [Tcp, Udp, Tcp6, Udp6, UnixStream, UnixDatagram].into_iter().find(|k| *k as i64 == n)
    }

    /// Whether it has connections.
    pub fn is_stream(self) -> bool {
        matches!(self, SocketKind::Tcp | SocketKind::Tcp6 | SocketKind::UnixStream)
    }

    /// Whether its addresses are paths.
    pub fn is_unix(self) -> bool {
        matches!(self, SocketKind::UnixStream | SocketKind::UnixDatagram)
    }
}

/// A port as it is served.
pub struct Port {
    /// Its place in the order of `listen`.
    pub index: usize,
    /// What kind of socket it has.
    pub kind: SocketKind,
    /// The port number, 0 for a Unix socket.
    pub number: u16,
    /// Its address for people: `0.0.0.0:9501`, `/run/app.sock`.
    pub address: String,
    /// Its settings.
    pub config: PortConfig,
    /// Its socket: listening, or bound where it has datagrams.
    pub socket: Socket,
    /// What makes its connections speak TLS, where it does.
    pub tls: Option<Arc<Acceptor>>,
    /// Files that its reactors send by themselves, in process mode.
    pub files: Option<Arc<Files>>,
    /// Whoever started this program holds it open too, and hands it to the next one: it is never shut down.
    pub inherited: bool,
    /// Base mode with `enable_reuse_port`: the same address once more for each worker but the first, so that the kernel
    /// spreads connections.
    pub siblings: Vec<Arc<Port>>,
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Port {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Port {
    /// The listening socket; `None` on a port of datagrams.
    pub fn stream_socket(&self) -> Option<&Socket> {
        self.kind.is_stream().then_some(&self.socket)
    }

    /// Begins to listen.
    pub fn listen(&self) -> Result<()> {
        if !self.kind.is_stream() {
            return Ok(());
        }
        self.socket.listen(self.config.backlog).map_err(|e| Error::system("listen", &self.address, e))
    }

    /// Sets on an accepted socket what the port's settings say. A kernel that refuses one of them serves on.
    pub fn tune(&self, socket: &Socket) {
        let _ = socket.set_nonblocking(true);
        let config = &self.config;
        let socket = SockRef::from(socket);
        if config.recv_buffer > 0 {
            let _ = socket.set_recv_buffer_size(config.recv_buffer as usize);
        }
        if config.send_buffer > 0 {
            let _ = socket.set_send_buffer_size(config.send_buffer as usize);
        }
        if self.kind == SocketKind::UnixStream {
            return;
        }
        if config.tcp_nodelay {
            let _ = socket.set_tcp_nodelay(true);
        }
        if config.tcp_keepalive {
            let seconds = |n: u32| Duration::from_secs(u64::from(n));
            let mut keepalive = TcpKeepalive::new();
            if config.tcp_keepidle > 0 {
                keepalive = keepalive.with_time(seconds(config.tcp_keepidle));
            }
            if config.tcp_keepinterval > 0 {
                keepalive = keepalive.with_interval(seconds(config.tcp_keepinterval));
            }
            if config.tcp_keepcount > 0 {
                keepalive = keepalive.with_retries(config.tcp_keepcount);
            }
            let _ = socket.set_tcp_keepalive(&keepalive);
        }
        if config.tcp_user_timeout > 0 {
            let _ = socket.set_tcp_user_timeout(Some(Duration::from_millis(u64::from(config.tcp_user_timeout))));
        }
    }
}

impl PortConfig {
    /// Bytes of waiting output above which `bufferFull` comes.
    pub fn high_watermark(&self) -> u64 {
        match self.high_watermark {
            0 => self.socket_buffer_size / 5 * 4,
            n => n,
        }
    }

    /// What makes connections speak TLS, where they do. On a port of HTTP that is agreed upon too.
    pub(crate) fn acceptor(&self) -> Result<Option<Arc<Acceptor>>> {
        let Some(mut tls) = self.tls.clone() else { return Ok(None) };
        if tls.alpn.is_empty() && matches!(self.framing, Framing::Http) {
            tls.alpn = vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()];
        }
        Acceptor::new(&tls).map(|acceptor| Some(Arc::new(acceptor)))
    }

    /// Whether bytes are cut into packets at all.
    pub fn has_framing(&self) -> bool {
        !matches!(self.framing, Framing::None)
    }
}

/// Makes a bell that lives as long as the process.
pub fn new_event_fd() -> Result<&'static EventFd> {
    Ok(Box::leak(Box::new(EventFd::new()?)))
}
