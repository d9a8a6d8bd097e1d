//! Requests in flight: how many user code may handle at once.

use super::{Context, RequestGuard};
use crate::proto::http1::head_index::HeadIndex;
use std::rc::Rc;
use std::sync::atomic::Ordering::SeqCst;

impl Context {
    /// Keeps the request whose event is being delivered in flight for as long as the result lives; without this call it is
    /// over when the handler returns. Outside of such an event: a new request.
    pub fn keep_request(&self) -> RequestGuard {
        self.in_flight().keep()
    }

    /// The bytes of a packet for longer than its event: shared where `data` is a long packet that is being delivered, else a
    /// copy.
    pub fn share_packet(&self, data: &[u8]) -> Rc<Vec<u8>> {
        self.in_flight().share_packet(data)
    }

    /// The memory of `data`, where that is a long packet that is being delivered.
    pub fn long_packet(&self, data: &[u8]) -> Option<Rc<Vec<u8>>> {
        self.in_flight().long_packet(data)
    }

    /// The index of the head of the request `data`, where it is being delivered and its connection's framing has made an index.
    pub fn head_index(&self, data: &[u8]) -> Option<Rc<HeadIndex>> {
        self.in_flight().head_index(data)
    }

    /// Whether one more request may be started here (`worker_max_concurrency`).
    pub fn has_room_for_request(&self) -> bool {
        self.in_flight().admitted() < self.max_admitted()
    }

    /// Whether the owner of the connection has looked for a static file that answers the request being delivered, and found
    /// none.
    pub fn has_no_file(&self) -> bool {
        self.in_flight().files_checked()
    }

    /// `worker_max_concurrency`.
    pub(crate) fn max_admitted(&self) -> u64 {
        match self.state().config().worker_max_concurrency {
            0 => u64::MAX,
            max => max.into(),
        }
    }

    /// Whether all workers together have more requests in flight than `max_concurrency`.
    pub(crate) fn is_overloaded(&self) -> bool {
        let max = self.state().config().max_concurrency;
        let workers = self.state().request_workers();
        let all = || workers.iter().map(|worker| worker.concurrency.load(SeqCst)).sum::<u64>();
        max > 0 && all() > max.into()
    }
}
