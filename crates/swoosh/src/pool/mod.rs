//! Processes that need no server: one child with a pipe to it ([`Process`]), and a pool of workers of which each one that
//! ends is replaced ([`Pool`]).
//!
//! ```no_run
//! use swoosh::pool::{Pool, Worker};
//!
//! fn main() -> swoosh::Result<()> {
//!     Pool::new(4).run(&|worker: &Worker| {
//!         while !worker.should_stop() {
//!             // take some work, and do it
//!         }
//!     })
//! }
//! ```
//!
//! The process that calls [`Pool::run`] supervises until SIGTERM or SIGINT, and replaces all workers, one after the other,
//! at SIGUSR1 or SIGUSR2. The rule it protects: nobody outlives it. A worker that does not end when it is told to is
//! killed, and the kernel ends those whose supervisor is killed.
//!
//! Workers that take messages get them by sockets of their own ([`Ipc::UnixSocket`]), by a System V queue that they
//! share ([`Ipc::Queue`]), or from clients ([`Ipc::Socket`]).

mod bus;
mod clients;
mod inbox;
mod pipe;
mod process;
mod supervisor;
mod worker;

pub use inbox::{Inbox, Message};
pub use pipe::{Pipe, PipeKind};
pub use process::{Child, Process, exec};
pub use supervisor::Supervisor;
pub use worker::Worker;

use crate::error::{Error, Result};
use crate::handler::Flow;
use crate::server::bind::BoundPort;
use crate::shm::SharedSlice;
use crate::shm::slots::PoolSlot;
use crate::state::SocketKind;
use crate::sys::event_fd::EventFd;
use crate::sys::queue::Queue;
use socket2::Socket;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What a pool asks of user code. The first three run in the supervisor, all others in a worker.
pub trait Work {
    /// The pool begins; no worker runs yet.
    fn start(&self, _pool: &Supervisor) -> Flow {
        Ok(())
    }
    /// The pool is over, and its last worker has ended.
    fn shutdown(&self, _pool: &Supervisor) -> Flow {
        Ok(())
    }
    /// Called whenever the supervisor has looked after its workers; gives how long it may sleep then (`None`: until
    /// something happens).
    fn turn(&self, _pool: &Supervisor) -> Flow<Option<Duration>> {
        Ok(None)
    }

    /// A worker begins. One that takes no messages ends when this returns.
    fn worker_start(&self, worker: &Worker) -> Flow;
    /// Whether [`message`](Work::message) is to be called: then a worker waits for messages until it is told to end.
    fn takes_messages(&self) -> bool {
        false
    }
    /// A message has come.
    fn message(&self, _worker: &Worker, _message: &mut Message) -> Flow {
        Ok(())
    }
    /// The worker was told to end, and waits for what it has begun.
    fn worker_exit(&self, _worker: &Worker) -> Flow {
        Ok(())
    }
    /// The worker is about to end in order.
    fn worker_stop(&self, _worker: &Worker) -> Flow {
        Ok(())
    }

    /// The whole life of a worker, which ends with the exit status that this gives. For those that have an event loop of
    /// their own.
    fn serve(&self, worker: &Worker) -> i32
    where
        Self: Sized,
    {
        worker.serve(self)
    }
}

impl<F: Fn(&Worker)> Work for F {
    fn worker_start(&self, worker: &Worker) -> Flow {
        self(worker);
        Ok(())
    }
}

/// How messages come to workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ipc {
    /// Not at all.
    #[default]
    None,
    /// Each worker has a pair of Unix sockets; [`Worker::send`] and [`Supervisor::send`] send to one of them.
    UnixSocket,
    /// From clients of [`Pool::listen`]: four bytes of length, big-endian, and so many bytes. What the worker
    /// [replies](Message::reply) goes back in the same form, and the connection is closed.
    Socket,
    /// From whoever sends to the System V message queue of this key, by any process; 0: a queue that no key finds. Each
    /// message goes to one worker, the first that is free.
    Queue(i32),
}

/// A pool in the making.
#[derive(Debug)]
pub struct Pool {
    workers: u32,
    ipc: Ipc,
    patience: Duration,
    max_requests: u64,
    max_package: usize,
    bus: bool,
    listeners: Vec<Socket>,
}

impl Pool {
    /// A pool of that many workers, at least one.
    pub fn new(workers: u32) -> Self {
        Pool {
            workers: workers.max(1),
            ipc: Ipc::None,
            patience: Duration::from_secs(3),
            max_requests: 0,
            max_package: 2 << 20,
            bus: false,
            listeners: Vec::new(),
        }
    }

    /// How messages come to workers: not at all, unless this is called.
    pub fn ipc(mut self, ipc: Ipc) -> Self {
        self.ipc = ipc;
        self
    }

    /// How long a worker may take to end once it is told to, before it is killed: 3 seconds unless this is called.
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// After so many messages a worker ends and is replaced; 0, and unless this is called: never.
    pub fn max_requests(mut self, messages: u64) -> Self {
        self.max_requests = messages;
        self
    }

    /// Bytes of the longest message, 2 MiB unless this is called. A longer one is not sent; a client that announces one
    /// is disconnected. Messages of queues are as long as the kernel allows.
    pub fn max_package(mut self, bytes: usize) -> Self {
        self.max_package = bytes;
        self
    }

    /// Whether messages between workers may have any length: they are cut, and put together where they arrive. Without it
    /// one must fit a datagram (about 200 KiB).
    pub fn message_bus(mut self, on: bool) -> Self {
        self.bus = on;
        self
    }

    /// Clients may connect to `host`:`port`, or to the path that follows `unix:`. Gives the port's number: where 0 was
    /// given, the one that the kernel chose.
    ///
    /// Fails where the pool takes no clients, or the address is in use or cannot be understood.
    pub fn listen(&mut self, host: &str, port: i64, backlog: i32) -> Result<u16> {
        if self.ipc != Ipc::Socket {
            return Err(Error::State {
                operation: "listen",
                reason: "the pool takes no clients: make it with Ipc::Socket (SWOOLE_IPC_SOCKET)".into(),
            });
        }
        let (kind, host) = match host.strip_prefix("unix:") {
            Some(path) => (SocketKind::UnixStream, format!("/{}", path.trim_start_matches('/'))),
            None if host.contains(':') => (SocketKind::Tcp6, host.to_owned()),
            None => (SocketKind::Tcp, host.to_owned()),
        };
        let bound = BoundPort::bind(kind, &host, port)?;
        let failed = |e| Error::system("listen on", bound.name(), e);
        bound.socket.set_nonblocking(true).map_err(failed)?;
        bound.socket.listen(backlog).map_err(failed)?;
        let number = bound.number;
        self.listeners.push(bound.socket);
        Ok(number)
    }

    /// Starts the workers and supervises them until this process is told to end; returns when the last of them has
    /// ended. Only from a process that has no other thread.
    ///
    /// Fails where the workers' pipes or queue cannot be made; and where [`Work`] stopped, with its status as code.
    pub fn run(self, work: &impl Work) -> Result<()> {
        supervisor::run(self.shared()?, work)
    }

    fn shared(self) -> Result<Shared> {
        let pipes = match self.ipc {
            Ipc::UnixSocket => (0..self.workers).map(|_| Pipe::pair(PipeKind::Datagram)).collect::<Result<_>>()?,
            _ => Vec::new(),
        };
        let queue = match self.ipc {
            Ipc::Queue(key) => Some(Queue::open(key)?),
            _ => None,
        };
        let owns_queue = self.ipc == Ipc::Queue(0);
        let slots = SharedSlice::new(self.workers as usize, "a pool's workers")?;
        Ok(Shared {
            supervisor: crate::sys::process::pid(),
            pipes,
            queue,
            owns_queue,
            slots,
            event_fd: EventFd::new()?,
            pool: self,
        })
    }
}

/// What the processes of a pool share.
struct Shared {
    pool: Pool,
    supervisor: i32,
    /// Of each worker: the end that others send to, and its own.
    pipes: Vec<(Pipe, Pipe)>,
    queue: Option<Queue>,
    /// The queue is found by no key: it ends with the pool.
    owns_queue: bool,
    slots: SharedSlice<PoolSlot>,
    /// Rung by a worker that has said something in its slot.
    event_fd: EventFd,
}

impl Shared {
    fn pid(&self, id: u32) -> Option<i32> {
        let pid = self.slots.get(id as usize)?.pid.load(Relaxed);
        (pid > 0).then_some(pid)
    }

    fn send(&self, to: u32, data: &[u8]) -> Result<()> {
        let Some((entrance, _)) = self.pipes.get(to as usize) else {
            let why = match self.pool.ipc {
                Ipc::UnixSocket => format!("there is no worker {to}"),
                _ => "workers of this pool have no sockets: make it with Ipc::UnixSocket (SWOOLE_IPC_UNIXSOCK)".into(),
            };
            return Err(Error::State { operation: "send to a worker", reason: why });
        };
        if self.pool.bus {
            return bus::send(entrance, data);
        }
        if data.len() > self.pool.max_package {
            let why = format!("{} bytes are more than max_package_size allows", data.len());
            return Err(Error::State { operation: "send to a worker", reason: why });
        }
        entrance.send_within(data, bus::PATIENCE)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("pool", &self.pool)
            .field("event_fd", &self.event_fd.as_fd())
            .finish_non_exhaustive()
    }
}
