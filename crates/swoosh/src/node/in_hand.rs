//! Requests in hand: how many user code handles at once, and how many it may.
//!
//! Only the worker itself writes its count; `max_concurrency` looks at the sum over all workers, so that a killed one
//! takes its share with it.

use super::Node;
use crate::sys::process;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// A request that a worker has taken and is not done with: counted until this is dropped. Handlers that go on with a
/// request after they have returned keep it ([`Node::keep_request`]).
pub struct InHand(Node);

impl Drop for InHand {
    fn drop(&mut self) {
        let node = &self.0;
        // A process that user code has forked does not count.
        if node.own_slot().is_some_and(|slot| slot.pid.load(Relaxed) == process::cached_pid()) {
            node.count_in_hand(node.0.in_hand.get().saturating_sub(1));
            if node.0.waiting.get() > 0 {
                node.0.wake.raise();
            }
        }
    }
}

impl Node {
    /// The request whose event is being told, for as long as the result is kept: without this it is over when the handler
    /// returns. Outside of such an event: a new one.
    pub fn keep_request(&self) -> InHand {
        self.0.arriving.take().unwrap_or_else(|| self.take_in_hand())
    }

    /// A packet's bytes for longer than its event is told: shared where `data` is a long packet that is being told, else
    /// a copy.
    pub fn share_packet(&self, data: &[u8]) -> Rc<Vec<u8>> {
        let shared = self.0.packet.borrow();
        let is_it = |whole: &&Rc<Vec<u8>>| std::ptr::eq(whole.as_slice(), data);
        shared.as_ref().filter(is_it).map_or_else(|| Rc::new(data.to_vec()), Rc::clone)
    }

    /// That packet is about to be told.
    pub(crate) fn offer_packet(&self, data: &Rc<Vec<u8>>) {
        if data.len() >= SHARED_FROM {
            *self.0.packet.borrow_mut() = Some(data.clone());
        }
    }

    /// Whether one more request may be begun here (`worker_max_concurrency`).
    pub fn has_room_for_request(&self) -> bool {
        self.requests_begun() < self.most_requests()
    }

    /// A request has come.
    pub(crate) fn take_in_hand(&self) -> InHand {
        self.count_in_hand(self.0.in_hand.get() + 1);
        InHand(self.clone())
    }

    /// Requests that have been begun and are not over.
    pub(crate) fn requests_begun(&self) -> u64 {
        self.0.in_hand.get().saturating_sub(self.0.waiting.get())
    }

    /// `worker_max_concurrency`.
    pub(crate) fn most_requests(&self) -> u64 {
        match self.0.state.config.worker_max_concurrency {
            0 => u64::MAX,
            most => most.into(),
        }
    }

    /// Whether all workers together have more in hand than `max_concurrency`.
    pub(crate) fn is_crowded(&self) -> bool {
        let config = &self.0.state.config;
        let workers = &self.0.state.workers[..config.worker_num as usize];
        let all = || workers.iter().map(|worker| worker.concurrency.load(SeqCst)).sum::<u64>();
        config.max_concurrency > 0 && all() > config.max_concurrency.into()
    }

    /// This process begins, with nothing in hand.
    pub(crate) fn begin_count(&self) {
        self.0.waiting.set(0);
        self.count_in_hand(0);
    }

    fn count_in_hand(&self, count: u64) {
        self.0.in_hand.set(count);
        if let Some(slot) = self.own_slot() {
            // Of two workers that each take one more, at least one sees both.
            slot.concurrency.store(count, SeqCst);
        }
    }
}

/// Bytes of a packet from which on it is shared rather than copied.
pub(crate) const SHARED_FROM: usize = 64 << 10;
