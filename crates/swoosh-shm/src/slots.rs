//! The slots that every process of a server can read: connections, workers, reactors and the server itself.
//!
//! A slot is all atomics. Its comment names the process that writes it; everyone reads it, so related fields may be seen
//! at different moments.

use super::shared::Shareable;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

/// An optional index in one shared word, read and written with relaxed ordering.
///
/// The word holds the index plus one, so that zeroed memory means `None`.
///
/// ```
/// use swoosh_shm::slots::OptionalIndex;
///
/// let worker = OptionalIndex::default();
/// assert_eq!(worker.get(), None);
/// worker.set(Some(0));
/// assert_eq!(worker.get(), Some(0));
/// ```
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

/// One connection. Written by the reactor that owns it; some fields also by workers, as their comments say.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::slots::ConnectionSlot;
///
/// let slot = ConnectionSlot::default();
/// assert_eq!((slot.session.load(Relaxed), slot.worker.get()), (0, None));
/// ```
#[derive(Default)]
#[repr(C, align(64))]
pub struct ConnectionSlot {
    /// The connection's id; 0 while the slot is free. A reader of several fields compares it before and after.
    pub session: AtomicU64,
    /// Flag bits, which the engine defines. Workers set some of them.
    pub flags: AtomicU32,
    /// The socket's descriptor in the process that owns the connection.
    pub fd: AtomicI32,
    /// Index of the port that accepted it.
    pub port: AtomicU32,
    /// Reactor thread (process mode) or worker (base mode) that owns it.
    pub reactor: AtomicU32,
    /// The worker that handles the connection; `None` before its first dispatch.
    pub worker: OptionalIndex,
    /// The user id that a worker has bound to the connection; 0 before.
    pub uid: AtomicU32,
    /// Address family of the peer: 4, 6 or 0 (Unix).
    pub family: AtomicU32,
    /// The peer's port.
    pub peer_port: AtomicU32,
    /// The peer's address as a number, high word first. An IPv4 address is in the first word.
    pub address: [AtomicU64; 2],
    /// The connection's local address, like `address`; zero where its port is bound to that one address.
    pub local_address: [AtomicU64; 2],
    /// The errno of the failure that closed the connection; 0 if there was none.
    pub close_errno: AtomicI32,
    /// While this slot is free: the next free slot plus one; 0 if there is none.
    pub next_free: AtomicU32,
    /// When the connection was accepted, seconds since the epoch.
    pub connect_time: AtomicU64,
    /// When bytes were received last, nanoseconds since the epoch.
    pub last_recv: AtomicU64,
    /// When bytes were sent last, nanoseconds since the epoch.
    pub last_send: AtomicU64,
    /// When a packet was dispatched to a worker last, nanoseconds since the epoch.
    pub last_dispatch: AtomicU64,
    /// Bytes that workers have sent and the kernel has not accepted yet. Workers add, the owner subtracts.
    pub send_queued: AtomicU64,
    /// Ranges of files on their way to the peer, each an open descriptor of its owner. Senders add, the owner subtracts.
    pub files_queued: AtomicU32,
    /// Bytes received that do not form a whole packet yet.
    pub recv_queued: AtomicU64,
    /// Bytes of packets dispatched to a worker whose user code has not received them, if their number is limited. The
    /// owner adds, workers subtract.
    pub unprocessed_bytes: AtomicU64,
    /// Requests that workers have not finished, in servers without close events: the slot is not freed before they are.
    pub in_flight: AtomicU32,
    /// HTTP requests whose response is complete; wraps around. Workers add.
    pub responses_completed: AtomicU32,
    /// Of a stream of HTTP/2: the id of its connection. 0 for connections.
    pub parent: AtomicU64,
    /// Of a stream of HTTP/2: its number within its connection (RFC 9113 section 5.1.1). 0 for connections.
    pub stream: AtomicU32,
}
// SAFETY: atomics only; zero is a free slot.
unsafe impl Shareable for ConnectionSlot {}

/// The certificate of a connection's TLS peer in DER, up to 8184 bytes. Written by the reactor that owns the connection.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::SharedSlice;
/// use swoosh_shm::slots::CertificateRow;
///
/// let rows: SharedSlice<CertificateRow> = SharedSlice::new(16, "certificates")?;
/// assert_eq!(rows[0].length.load(Relaxed), 0);
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[repr(C, align(4096))]
pub struct CertificateRow {
    /// Length in bytes; 0: no certificate.
    pub length: AtomicU64,
    /// The bytes, eight per word.
    pub words: [AtomicU64; 1023],
}
// SAFETY: atomics only; zero is no certificate.
unsafe impl Shareable for CertificateRow {}

/// One worker, task worker or user process. Written by itself; its `pid` by the manager.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::slots::WorkerSlot;
///
/// assert_eq!(WorkerSlot::default().pid.load(Relaxed), 0);
/// ```
#[derive(Default)]
#[repr(C, align(64))]
pub struct WorkerSlot {
    /// The process id; 0 while the process does not run.
    pub pid: AtomicI32,
    /// 1 busy, 2 idle, 3 exiting (`SWOOLE_WORKER_*`).
    pub status: AtomicU32,
    /// 1 while it waits for its eventfd: a sender has to notify it.
    pub sleeping: AtomicU32,
    /// How often the process has been started.
    pub generation: AtomicU32,
    /// The last generation whose start callback has returned.
    pub ready: AtomicU32,
    /// Requests, datagrams and tasks handled, by all generations together.
    pub requests: AtomicU64,
    /// Responses sent.
    pub responses: AtomicU64,
    /// Requests and datagrams dispatched to it.
    pub dispatched: AtomicU64,
    /// Connections bound to it, in the dispatch mode that balances connections.
    pub connections: AtomicU64,
    /// Requests received and not finished, including those waiting for admission.
    pub concurrency: AtomicU64,
    /// Tasks sent to it that have no result yet.
    pub tasking: AtomicU64,
}
// SAFETY: atomics only; zero is a worker that was never started.
unsafe impl Shareable for WorkerSlot {}

/// One owner of connections: a reactor thread, or a worker in base mode. Written by it only.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::slots::ReactorSlot;
///
/// assert_eq!(ReactorSlot::default().connections.load(Relaxed), 0);
/// ```
#[derive(Default)]
#[repr(C, align(64))]
pub struct ReactorSlot {
    /// 1 while it waits for its eventfd.
    pub sleeping: AtomicU32,
    /// Open connections.
    pub connections: AtomicU32,
    /// Connections accepted.
    pub accepted: AtomicU64,
    /// Connections closed.
    pub closed: AtomicU64,
    /// Connections that the server refused or aborted.
    pub aborted: AtomicU64,
    /// Packets dispatched.
    pub requests: AtomicU64,
    /// Send operations carried out.
    pub responses: AtomicU64,
    /// Bytes received.
    pub recv_bytes: AtomicU64,
    /// Bytes sent.
    pub send_bytes: AtomicU64,
    /// When the reactor's loop ran last, monotonic milliseconds. Kept while a service manager watches the server.
    pub alive_at: AtomicU64,
}
// SAFETY: atomics only; zero is a reactor that has done nothing.
unsafe impl Shareable for ReactorSlot {}

/// The server itself. Written by the master, the manager, reactors and workers.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::slots::ServerSlot;
///
/// assert_eq!(ServerSlot::default().next_session.load(Relaxed), 0);
/// ```
#[derive(Default)]
#[repr(C, align(64))]
pub struct ServerSlot {
    /// The phase of the server's life, which the engine defines.
    pub phase: AtomicU32,
    /// Process id of the master; in base mode of worker 0 or of the only process.
    pub master_pid: AtomicI32,
    /// Process id of the manager; 0 if there is none.
    pub manager_pid: AtomicI32,
    /// When the server started, seconds since the epoch.
    pub start_time: AtomicU64,
    /// The id of the next connection.
    pub next_session: AtomicU64,
    /// Open connections.
    pub connections: AtomicU64,
    /// The number of streams of HTTP/2 so far, from which their ids are made.
    pub next_stream: AtomicU64,
    /// Open streams of HTTP/2, in all connections.
    pub streams: AtomicU64,
    /// Head of the list of free connection slots: the first one plus one in the low half, and above it a tag that changes
    /// with each removal, against the ABA problem.
    pub free_slots: AtomicU64,
    /// The first slot that was never used.
    pub fresh_slots: AtomicU32,
    /// The next worker of round-robin dispatch.
    pub next_worker: AtomicU32,
    /// The requests of other processes to the manager, as bits that the engine defines. Workers may have given up the right to send
    /// it signals.
    pub manager_requests: AtomicU32,
    /// Reloads that the manager has begun.
    pub reloads_begun: AtomicU32,
    /// Completed reloads.
    pub reloads: AtomicU32,
    /// Tasks sent.
    pub tasks: AtomicU64,
    /// Tasks that have no result yet.
    pub tasking: AtomicU64,
    /// Messages between processes so far, from which their ids are made.
    pub messages: AtomicU64,
    /// 1 while the manager waits for its eventfd.
    pub manager_sleeping: AtomicU32,
    /// When the manager's loop ran last, monotonic milliseconds. Kept while a service manager watches the server.
    pub manager_alive_at: AtomicU64,
}
// SAFETY: atomics only; zero is a server that has not started.
unsafe impl Shareable for ServerSlot {}

/// An entry of the map from session id to slot: the low 40 bits of the id above the 24 bits of the slot.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::slots::MapEntry;
///
/// assert_eq!(MapEntry::default().0.load(Relaxed), 0, "empty");
/// ```
#[derive(Default)]
#[repr(transparent)]
pub struct MapEntry(pub AtomicU64);
// SAFETY: one atomic; zero is empty.
unsafe impl Shareable for MapEntry {}

/// One worker of a process pool.
///
/// ```
/// use std::sync::atomic::Ordering::Relaxed;
/// use swoosh_shm::slots::PoolSlot;
///
/// assert_eq!(PoolSlot::default().starts.load(Relaxed), 0);
/// ```
#[derive(Default)]
#[repr(C, align(64))]
pub struct PoolSlot {
    /// The process id; 0 while the process does not run. Written by the supervisor and by itself.
    pub pid: AtomicI32,
    /// The id of a process that the supervisor leaves alone from now on; 0: none. Written by itself.
    pub detached: AtomicI32,
    /// Processes started for this slot. Written by the supervisor.
    pub starts: AtomicU32,
    /// The number of the start that serves. Written by the worker.
    pub serves: AtomicU32,
    /// Messages that the processes of this slot have handled. Written by the worker.
    pub handled: AtomicU64,
}
// SAFETY: atomics only; zero is a worker that was never started.
unsafe impl Shareable for PoolSlot {}
