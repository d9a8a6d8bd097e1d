//! Types of single settings: process model, dispatch mode, task transport, log rotation.

use std::sync::Arc;

/// How processes share the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Each worker accepts, reads and writes for itself (`SWOOLE_BASE`).
    #[default]
    Base = 1,
    /// Reactor threads in the master own the connections and hand requests to workers (`SWOOLE_PROCESS`).
    Process = 2,
}

/// Which worker gets a request (`dispatch_mode`). Modes 2, 4 and 5 keep the order within a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DispatchMode {
    /// 1: one after the other.
    RoundRobin = 1,
    /// 2: fixed by the connection's id.
    #[default]
    Connection = 2,
    /// 3: an idle worker first.
    Idle = 3,
    /// 4: fixed by the peer's address.
    Address = 4,
    /// 5: fixed by the uid that `bind` gave the connection, else by its id.
    Uid = 5,
    /// 6: only `dispatch_func` decides.
    User = 6,
    /// 7: whichever worker is free takes the next.
    Stream = 7,
    /// 8: the worker with the fewest connections, chosen once for each connection.
    ConnectionLoad = 8,
    /// 9: the worker with the fewest requests in hand.
    RequestLoad = 9,
    /// 10: the worker with the fewest running coroutines.
    Concurrency = 10,
}

/// How tasks travel to task workers (`task_ipc_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskIpc {
    /// 1: shared memory, the task worker chosen by the sender.
    #[default]
    Direct = 1,
    /// 2: a System V queue, the task worker chosen by the sender.
    Queue = 2,
    /// 3: a System V queue, whichever task worker is free takes the next; a chosen one is not honoured.
    Preemptive = 3,
}

/// When the log file is renamed and begun anew (`log_rotation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum LogRotation {
    #[default]
    Single = 0,
    Monthly = 1,
    Daily = 2,
    Hourly = 3,
    EveryMinute = 4,
}

/// What a dispatch function answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// To this worker.
    Worker(u32),
    /// The packet is dropped (`SWOOLE_DISPATCH_RESULT_DISCARD_PACKET`).
    Discard,
    /// The connection is closed (`SWOOLE_DISPATCH_RESULT_CLOSE_CONNECTION`).
    Close,
    /// As the dispatch mode says (`SWOOLE_DISPATCH_RESULT_USERFUNC_FALLBACK`).
    Fallback,
}

/// `dispatch_func`: session id, event type (0 data, 4 close, 5 connect), the packet's bytes.
pub type DispatchFunc = Arc<dyn Fn(u64, u8, &[u8]) -> Dispatch + Send + Sync>;
