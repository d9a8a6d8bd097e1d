//! The bound on bytes of a connection that wait for user code (`max_queued_bytes`): above it the connection is not read.

use super::connection::{Connection, ReadHold};
use crate::config::ServerConfig;
use std::sync::atomic::Ordering::Relaxed;

impl ServerConfig {
    /// Bytes of one connection that may wait for user code: `max_queued_bytes`, else 1 MiB where
    /// `worker_max_concurrency` makes requests wait. `None`: unbounded.
    pub fn queued_bytes_limit(&self) -> Option<u64> {
        match self.max_queued_bytes {
            0 => (self.worker_max_concurrency > 0).then_some(DEFAULT_LIMIT),
            limit => Some(limit),
        }
    }
}

impl Connection {
    /// Counts a packet that is about to be dispatched. Returns whether this exceeds the limit: the connection is not read
    /// from now on.
    pub(crate) fn note_queued(&self, limit: Option<u64>, bytes: usize) -> bool {
        let Some(limit) = limit else { return false };
        let exceeds = self.slot().unprocessed_bytes.fetch_add(bytes as u64, Relaxed) + bytes as u64 > limit;
        let starts = exceeds && !self.is_held(ReadHold::QueueLimit);
        if starts {
            self.hold(ReadHold::QueueLimit);
        }
        starts
    }
}

const DEFAULT_LIMIT: u64 = 1 << 20;
