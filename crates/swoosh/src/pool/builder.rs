//! A pool to be configured and run.

use super::ipc::Ipc;
use super::shared::{Options, Shared};
use super::supervise;
use super::work::Work;
use crate::error::{Error, Result};
use crate::net::SocketKind;
use crate::net::listener::BoundPort;
use std::time::Duration;

/// A pool of worker processes, to be configured and run.
///
/// ```no_run
/// use swoosh::pool::{Pool, Worker};
///
/// Pool::new(4).run(&|worker: &Worker| println!("worker {} runs once", worker.id()))?;
/// # Ok::<(), swoosh::Error>(())
/// ```
#[derive(Debug)]
pub struct Pool(Options);

impl Pool {
    /// A pool of that many workers, at least one.
    pub fn new(workers: u32) -> Self {
        Pool(Options {
            workers: workers.max(1),
            ipc: Ipc::None,
            shutdown_timeout: Duration::from_secs(3),
            max_requests: 0,
            max_package: 2 << 20,
            message_bus: false,
            listeners: Vec::new(),
        })
    }

    /// Sets the way in which messages reach workers. Default: [`Ipc::None`].
    pub fn ipc(mut self, ipc: Ipc) -> Self {
        self.0.ipc = ipc;
        self
    }

    /// Sets the time that a worker may take to end before it is killed. Default: 3 seconds.
    pub fn shutdown_timeout(mut self, time: Duration) -> Self {
        self.0.shutdown_timeout = time;
        self
    }

    /// Sets the number of messages after which a worker is replaced. Default: 0, never.
    pub fn max_requests(mut self, messages: u64) -> Self {
        self.0.max_requests = messages;
        self
    }

    /// Sets the length of the longest message, bytes. A longer one is not sent; a client that announces one is disconnected.
    /// The kernel bounds the messages of queues (msgop(2)). Default: 2 MiB.
    pub fn max_package(mut self, bytes: usize) -> Self {
        self.0.max_package = bytes;
        self
    }

    /// Allows messages of any length between workers, sent in fragments. Without it a message must fit a datagram, about
    /// 200 KiB. Default: false.
    pub fn message_bus(mut self, on: bool) -> Self {
        self.0.message_bus = on;
        self
    }

    /// Listens for clients on `host`:`port`, or on the path that follows `unix:`. Returns the port number; for port 0 the
    /// one that the kernel chose.
    ///
    /// # Errors
    /// If the pool's [`Ipc`] is not [`Ipc::Socket`], or the address is in use or malformed.
    pub fn listen(&mut self, host: &str, port: i64, backlog: i32) -> Result<u16> {
        if self.0.ipc != Ipc::Socket {
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
        let number = bound.number();
        self.0.listeners.push(bound.listen(backlog)?);
        Ok(number)
    }

    /// Starts the workers and supervises them; returns when this process was asked to end and the last worker has ended.
    /// Call it from a process with one thread.
    ///
    /// # Errors
    /// If the workers' pipes or queue cannot be made, or [`Work`] stopped the pool with an exit status.
    pub fn run(self, work: &impl Work) -> Result<()> {
        supervise::run(Shared::new(self.0)?, work)
    }
}
