//! Types of single settings: process model, dispatch mode, task transport, log rotation.

use std::sync::Arc;

/// The process model of a server.
///
/// ```
/// assert_eq!(swoosh::Mode::default(), swoosh::Mode::Base);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Each worker accepts, reads and writes its own connections (`SWOOLE_BASE`).
    #[default]
    Base = 1,
    /// Reactor threads in the master own the connections and send requests to workers (`SWOOLE_PROCESS`).
    Process = 2,
}

/// The rule that selects the worker for a request (`dispatch_mode`). Modes 2, 4, 5 and 8 preserve the order within a
/// connection.
///
/// ```
/// use swoosh::config::DispatchMode;
///
/// assert_eq!(DispatchMode::default() as u8, 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DispatchMode {
    /// 1: round robin.
    RoundRobin = 1,
    /// 2: by the connection's id.
    #[default]
    Connection = 2,
    /// 3: an idle worker, if there is one.
    Idle = 3,
    /// 4: by the peer's address.
    Address = 4,
    /// 5: by the uid that was bound to the connection, or else by its id.
    Uid = 5,
    /// 6: `dispatch_func` alone decides.
    User = 6,
    /// 7: the next free worker.
    Stream = 7,
    /// 8: the worker with the fewest connections, selected once for each connection.
    ConnectionLoad = 8,
    /// 9: the worker with the fewest requests in progress.
    RequestLoad = 9,
    /// 10: the worker with the fewest running coroutines.
    Concurrency = 10,
}

/// The transport of tasks (`task_ipc_mode`).
///
/// ```
/// assert_eq!(swoosh::config::TaskIpc::default() as u8, 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskIpc {
    /// 1: shared memory; the sender selects the task worker.
    #[default]
    Direct = 1,
    /// 2: a System V queue; the sender selects the task worker.
    Queue = 2,
    /// 3: a System V queue that every free task worker reads; a selected task worker is ignored.
    Preemptive = 3,
}

/// The result of a dispatch function.
///
/// ```
/// use std::sync::Arc;
/// use swoosh::config::{Dispatch, DispatchFunc};
///
/// let by_first_byte: DispatchFunc =
///     Arc::new(|_, _, data| data.first().map_or(Dispatch::Fallback, |&byte| Dispatch::Worker(u32::from(byte) % 4)));
/// assert_eq!(by_first_byte(1, 0, b"\x05"), Dispatch::Worker(1));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// The worker with that number.
    Worker(u32),
    /// The packet is dropped (`SWOOLE_DISPATCH_RESULT_DISCARD_PACKET`).
    Discard,
    /// The connection is closed (`SWOOLE_DISPATCH_RESULT_CLOSE_CONNECTION`).
    Close,
    /// The dispatch mode decides (`SWOOLE_DISPATCH_RESULT_USERFUNC_FALLBACK`).
    Fallback,
}

/// A function for `dispatch_func`. Arguments: the session id, the event type (0 data, 4 close, 5 connect), the packet.
pub type DispatchFunc = Arc<dyn Fn(u64, u8, &[u8]) -> Dispatch + Send + Sync>;
