//! The state that the processes of a pool share, and sending to one of its workers.

use super::fragments;
use super::ipc::Ipc;
use super::pipe::{Pipe, PipeKind};
use crate::error::{Error, Result};
use crate::shm::SharedSlice;
use crate::shm::slots::PoolSlot;
use crate::sys::event_fd::EventFd;
use crate::sys::message_queue::MessageQueue;
use socket2::Socket;
use std::os::fd::AsFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The settings of a pool.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) workers: u32,
    pub(super) ipc: Ipc,
    /// The time that a worker may take to end before it is killed.
    pub(super) shutdown_timeout: Duration,
    /// Messages after which a worker is replaced; 0: never.
    pub(super) max_requests: u64,
    /// Bytes of one message.
    pub(super) max_package: usize,
    /// Messages between workers are cut into fragments.
    pub(super) message_bus: bool,
    pub(super) listeners: Vec<Socket>,
}

/// The two ends of a worker's pipe.
pub(super) struct WorkerPipe {
    /// The end that other processes send to.
    pub(super) remote: Pipe,
    /// The end that the worker reads.
    pub(super) local: Pipe,
}

/// The state that the processes of a pool share: made by the supervisor, inherited by its workers.
pub(super) struct Shared {
    pub(super) options: Options,
    /// The supervisor's process id.
    pub(super) supervisor: i32,
    /// By worker; empty without [`Ipc::UnixSocket`].
    pub(super) pipes: Vec<WorkerPipe>,
    pub(super) queue: Option<MessageQueue>,
    /// By worker, in shared memory.
    pub(super) slots: SharedSlice<PoolSlot>,
    /// Wakes the supervisor after a worker has changed its slot.
    pub(super) event_fd: EventFd,
}

impl Shared {
    pub(super) fn new(options: Options) -> Result<Self> {
        let pipe = |_| Pipe::pair(PipeKind::Datagram).map(|(remote, local)| WorkerPipe { remote, local });
        let pipes = match options.ipc {
            Ipc::UnixSocket => (0..options.workers).map(pipe).collect::<Result<_>>()?,
            _ => Vec::new(),
        };
        let queue = match options.ipc {
            Ipc::Queue(key) => Some(MessageQueue::open(key)?),
            _ => None,
        };
        let slots = SharedSlice::new(options.workers as usize, "a pool's workers")?;
        let event_fd = EventFd::new()?;
        Ok(Shared { supervisor: crate::sys::process::pid(), pipes, queue, slots, event_fd, options })
    }

    /// Whether the queue has no key, so that it must be removed with the pool.
    pub(super) fn has_private_queue(&self) -> bool {
        self.options.ipc == Ipc::Queue(0)
    }

    /// The process id of a worker, if it runs.
    pub(super) fn pid(&self, id: u32) -> Option<i32> {
        let pid = self.slots.get(id as usize)?.pid.load(Relaxed);
        (pid > 0).then_some(pid)
    }

    /// Sends a message to a worker; waits at most one second for room in its socket.
    pub(super) fn send(&self, to: u32, data: &[u8]) -> Result<()> {
        let refused = |reason| Err(Error::State { operation: "send to a worker", reason });
        let Some(pipe) = self.pipes.get(to as usize) else {
            return refused(match self.options.ipc {
                Ipc::UnixSocket => format!("there is no worker {to}"),
                _ => "workers of this pool have no sockets: make it with Ipc::UnixSocket (SWOOLE_IPC_UNIXSOCK)".into(),
            });
        };
        if self.options.message_bus {
            return fragments::send(&pipe.remote, data);
        }
        if data.len() > self.options.max_package {
            return refused(format!("{} bytes are more than max_package_size allows", data.len()));
        }
        pipe.remote.send_within(data, fragments::SEND_TIMEOUT)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("options", &self.options)
            .field("event_fd", &self.event_fd.as_fd())
            .finish_non_exhaustive()
    }
}
