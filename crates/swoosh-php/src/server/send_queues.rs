//! Sends that wait for room in a connection's output buffer.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Waiting sends of a process, by connection id, in the order of their calls.
#[derive(Default)]
pub struct SendQueues {
    pub(super) queues: RefCell<HashMap<i64, VecDeque<u64>>>,
    pub(super) next_ticket: Cell<u64>,
    pub(super) enabled: Cell<bool>,
    pub(super) timeout: Cell<Option<Duration>>,
}

impl SendQueues {
    /// Applies the settings `send_yield` and `send_timeout`. `timeout`: how long a `send` waits at most; `None`: as long as
    /// the connection is open.
    pub(super) fn configure(&self, enabled: bool, timeout: Option<Duration>) {
        self.enabled.set(enabled);
        self.timeout.set(timeout);
    }
}
