//! Sends that wait for room in a connection's output buffer.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Waiting sends of a process, by connection id, in the order of their calls.
#[derive(Default)]
pub struct SendQueues {
    pub(super) queues: RefCell<HashMap<i64, VecDeque<u64>>>,
    pub(super) next_ticket: Cell<u64>,
    /// The setting `send_yield`.
    pub enabled: Cell<bool>,
    /// The setting `send_timeout`: how long a `send` waits at most; `None`: as long as the connection is open.
    pub timeout: Cell<Option<Duration>>,
}
