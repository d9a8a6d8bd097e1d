//! The rows that every process of a server can read: connections, workers, reactors, the server itself.

use super::Shareable;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// An optional index in one shared word, read and written with relaxed ordering.
///
/// The word holds the index plus one, so that zeroed memory means `None`.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct OptionalIndex(AtomicU32);

impl OptionalIndex {
    /// The index, if there is one.
    #[inline]
    pub fn get(&self) -> Option<u32> {
        self.0.load(Ordering::Relaxed).checked_sub(1)
    }

    /// Replaces the index. `u32::MAX` cannot be stored and counts as `None`.
    #[inline]
    pub fn set(&self, index: Option<u32>) {
        self.0.store(index.map_or(0, |index| index.wrapping_add(1)), Ordering::Relaxed);
    }
}
// SAFETY: one atomic; zero is `None`.
unsafe impl Shareable for OptionalIndex {}

/// One connection. Written by the reactor that owns it; a few fields also by workers, as their comments say.
#[derive(Default)]
#[repr(C, align(64))]
pub struct ConnectionSlot {
    /// The connection's id, 0 while the slot is free. Whoever reads a slot compares this before and after.
    pub session: AtomicU64,
    /// Bits of `conn::registry::Flags`. Workers set CLOSING, CLOSED and PROTECTED.
    pub flags: AtomicU32,
    /// The socket's descriptor in its owner.
    pub fd: AtomicI32,
    /// Index of the port that accepted it.
    pub port: AtomicU32,
    /// Reactor thread (process mode) or worker (base mode) that owns it.
    pub reactor: AtomicU32,
    /// The worker that handles the connection; `None` before its first dispatch.
    pub worker: OptionalIndex,
    /// What `bind` gave it, 0 before. Written by workers.
    pub uid: AtomicU32,
    /// Address family of the peer: 4, 6 or 0 (Unix).
    pub family: AtomicU32,
    /// The peer's port.
    pub peer_port: AtomicU32,
    /// The peer's address, in network order.
    pub address: [AtomicU64; 2],
    /// errno of the failure that closed it.
    pub close_errno: AtomicI32,
    /// Next free slot plus one, while this one is free.
    pub next_free: AtomicU32,
    /// Seconds since the epoch.
    pub connect_time: AtomicU64,
    /// Nanoseconds since the epoch.
    pub last_recv: AtomicU64,
    /// Nanoseconds since the epoch.
    pub last_send: AtomicU64,
    /// Nanoseconds since the epoch.
    pub last_dispatch: AtomicU64,
    /// Bytes that workers have sent and the kernel has not taken yet. Workers add, the owner subtracts.
    pub send_queued: AtomicU64,
    /// Bytes read that are not a whole packet yet.
    pub recv_queued: AtomicU64,
    /// Bytes of packets that a worker was given and has not told its user code, where they are bounded. The owner adds,
    /// workers subtract.
    pub unprocessed_bytes: AtomicU64,
    /// Requests that workers have not handled yet, where no close event comes behind them: the connection lasts as long.
    pub in_flight: AtomicU32,
    /// Requests of HTTP that workers have answered whole; it begins anew behind its last number. Workers add.
    pub responses_completed: AtomicU32,
}
// SAFETY: atomics only; zero is a free slot.
unsafe impl Shareable for ConnectionSlot {}

/// The certificate that a connection's peer has shown, in two pages at most. Written by the reactor that owns the connection.
#[repr(C, align(4096))]
pub struct CertificateRow {
    /// Bytes of it; 0: none.
    pub length: AtomicU64,
    /// The bytes, eight in a word.
    pub words: [AtomicU64; 1023],
}
// SAFETY: atomics only; zero is no certificate.
unsafe impl Shareable for CertificateRow {}

/// One worker, task worker or user process. Written by itself, its pid by the manager.
#[derive(Default)]
#[repr(C, align(64))]
pub struct WorkerSlot {
    /// Process id of its present incarnation; 0 while there is none.
    pub pid: AtomicI32,
    /// 1 busy, 2 idle, 3 about to end (`SWOOLE_WORKER_*`).
    pub status: AtomicU32,
    /// 1 while it waits for its bell: whoever gives it something has to ring.
    pub sleeping: AtomicU32,
    /// How often it has been started.
    pub generation: AtomicU32,
    /// The generation whose `worker_start` has returned last.
    pub ready: AtomicU32,
    /// Requests, datagrams and tasks it has handled, all incarnations together.
    pub requests: AtomicU64,
    /// Answers it has sent.
    pub responses: AtomicU64,
    /// What was dispatched to it.
    pub dispatched: AtomicU64,
    /// Connections fixed to it (dispatch mode 8).
    pub connections: AtomicU64,
    /// Requests that it has taken and is not done with, those that wait for a place included.
    pub concurrency: AtomicU64,
    /// Tasks sent to it and not answered yet.
    pub tasking: AtomicU64,
}
// SAFETY: atomics only; zero is a worker that was never started.
unsafe impl Shareable for WorkerSlot {}

/// One owner of connections: a reactor thread, or a worker in base mode. Only it writes here.
#[derive(Default)]
#[repr(C, align(64))]
pub struct ReactorSlot {
    /// 1 while it waits for its bell.
    pub sleeping: AtomicU32,
    /// Connections it has now.
    pub connections: AtomicU32,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections closed.
    pub closed: AtomicU64,
    /// Connections refused or broken off by the server.
    pub aborted: AtomicU64,
    /// Packets dispatched.
    pub requests: AtomicU64,
    /// Sends carried out.
    pub responses: AtomicU64,
    /// Bytes received.
    pub recv_bytes: AtomicU64,
    /// Bytes sent.
    pub send_bytes: AtomicU64,
}
// SAFETY: atomics only; zero is a reactor that has done nothing.
unsafe impl Shareable for ReactorSlot {}

/// The server itself.
#[derive(Default)]
#[repr(C, align(64))]
pub struct ServerSlot {
    /// See `heritage::Life`.
    pub phase: AtomicU32,
    /// Process id of the master (base mode: of worker 0, or of the only process).
    pub master_pid: AtomicI32,
    /// Process id of the manager; 0 where there is none.
    pub manager_pid: AtomicI32,
    /// Seconds since the epoch.
    pub start_time: AtomicU64,
    /// The next connection's id.
    pub next_session: AtomicU64,
    /// Connections open now.
    pub connections: AtomicU64,
    /// Free connection slots: the first one plus one, below a tag that changes with each take.
    pub free_slots: AtomicU64,
    /// Slots that were never used begin here.
    pub fresh_slots: AtomicU32,
    /// The next worker of round-robin dispatch.
    pub next_worker: AtomicU32,
    /// 1 while a reload wanted by a worker waits for the manager; 2 where only task workers are to be replaced.
    pub reload_requested: AtomicU32,
    /// How often the workers have been replaced.
    pub reloads: AtomicU32,
    /// Tasks sent.
    pub tasks: AtomicU64,
    /// Tasks sent and not answered yet.
    pub tasking: AtomicU64,
    /// Messages between processes, for their ids.
    pub messages: AtomicU64,
    /// 1 while the manager sleeps.
    pub manager_sleeping: AtomicU32,
}
// SAFETY: atomics only; zero is a server that has not started.
unsafe impl Shareable for ServerSlot {}

/// An entry of the map from session id to slot: the id's low 40 bits above the slot's 24.
#[derive(Default)]
#[repr(transparent)]
pub struct MapEntry(pub AtomicU64);
// SAFETY: one atomic; zero is empty.
unsafe impl Shareable for MapEntry {}

/// One worker of a pool.
#[derive(Default)]
#[repr(C, align(64))]
pub struct PoolSlot {
    /// Process id of its present incarnation; 0 while there is none. Written by the supervisor, and by itself.
    pub pid: AtomicI32,
    /// The process that is to be left alone from now on. Written by itself.
    pub detached: AtomicI32,
    /// How many were started with this number. Written by the supervisor.
    pub starts: AtomicU32,
    /// Which of those starts serves. Written by the worker.
    pub serves: AtomicU32,
    /// Messages that those of this number have handled. Written by the worker.
    pub handled: AtomicU64,
}
// SAFETY: atomics only; zero is a worker that was never started.
unsafe impl Shareable for PoolSlot {}
