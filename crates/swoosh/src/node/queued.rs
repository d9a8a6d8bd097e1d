//! Bytes of a connection that wait for user code, and the bound above which it is not read (`max_queued_bytes`).

use super::Node;
use crate::config::ServerConfig;
use crate::conn::connection::{Connection, HOLD_QUEUED};
use crate::handler::SessionId;
use std::sync::atomic::Ordering::Relaxed;

impl ServerConfig {
    /// Bytes of one connection that may wait for user code before it is not read any more: `max_queued_bytes`, else 1 MiB
    /// where `worker_max_concurrency` makes requests wait. `None`: as many as come.
    pub fn queued_bytes_limit(&self) -> Option<u64> {
        match self.max_queued_bytes {
            0 => (self.worker_max_concurrency > 0).then_some(IN_LINE),
            most => Some(most),
        }
    }
}

impl Connection {
    /// A packet of so many bytes is about to be given to a worker. True if the connection is not read from now on.
    pub(crate) fn note_given(&self, limit: Option<u64>, bytes: usize) -> bool {
        let Some(limit) = limit else { return false };
        let full = self.slot().unprocessed_bytes.fetch_add(bytes as u64, Relaxed) + bytes as u64 > limit;
        let first = full && !self.is_held(HOLD_QUEUED);
        if first {
            self.hold(HOLD_QUEUED);
        }
        first
    }
}

impl Node {
    /// A packet of that connection is told, or refused: so many bytes wait no more.
    pub(crate) fn note_told(&self, session: SessionId, bytes: usize) {
        let Some(limit) = self.state().config.queued_bytes_limit() else { return };
        let Some((_, slot)) = self.state().registry.find(session) else { return };
        let take = |waits: u64| Some(waits.saturating_sub(bytes as u64));
        let waited = slot.unprocessed_bytes.fetch_update(Relaxed, Relaxed, take).unwrap_or(0);
        // A connection of a reactor is released there.
        if waited.saturating_sub(bytes as u64) <= limit
            && let Some((_, conn)) = self.own_connection(session)
            && conn.is_held(HOLD_QUEUED)
        {
            conn.release_hold(HOLD_QUEUED);
        }
    }
}

const IN_LINE: u64 = 1 << 20;
