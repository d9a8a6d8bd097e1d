//! Requests in flight: how many user code handles at once, and how many it may.
//!
//! Invariant: only the worker itself writes its count. `max_concurrency` is compared with the sum over all workers, so a
//! killed worker takes its share with it.

use super::Context;
use crate::sys::process;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// The requests of one process.
#[derive(Default)]
pub(crate) struct InFlight {
    /// Requests that have arrived and are not over.
    count: Cell<u64>,
    /// Those of them that are queued by admission control.
    queued: Cell<u64>,
    /// The request whose event is being delivered, until its handler keeps it.
    current: Cell<Option<RequestGuard>>,
    /// The packet that is being delivered, where it is long.
    packet: RefCell<Option<Rc<Vec<u8>>>>,
    /// The connection's owner found no static file for the request that is being delivered.
    files_checked: Cell<bool>,
}

impl InFlight {
    /// Number of queued requests.
    pub(crate) fn queued(&self) -> u64 {
        self.queued.get()
    }

    /// A request is queued.
    pub(crate) fn note_queued(&self) {
        self.queued.set(self.queued.get() + 1);
    }

    /// A queued request is about to be delivered.
    pub(crate) fn note_dequeued(&self, request: RequestGuard) {
        self.queued.set(self.queued.get() - 1);
        self.admit(request);
    }

    /// A request is about to be delivered.
    pub(crate) fn admit(&self, request: RequestGuard) {
        self.current.set(Some(request));
    }

    /// Requests that have been admitted and are not over.
    pub(crate) fn admitted(&self) -> u64 {
        self.count.get().saturating_sub(self.queued.get())
    }

    /// A long packet is about to be delivered: handlers may share it.
    pub(crate) fn offer_packet(&self, data: &Rc<Vec<u8>>) {
        if data.len() >= SHARED_FROM {
            *self.packet.borrow_mut() = Some(data.clone());
        }
    }

    /// Whether the owner of the connection has looked for a static file already.
    pub(crate) fn set_files_checked(&self, checked: bool) {
        self.files_checked.set(checked);
    }

    /// The event was delivered: unless its handler has kept the request, it is over.
    pub(crate) fn end_delivery(&self) {
        self.files_checked.set(false);
        drop(self.current.take());
        drop(self.packet.take());
    }
}

/// A request that a worker has taken and that is not over: it counts as in flight until this is dropped. Handlers that
/// continue a request after they have returned keep it ([`Context::keep_request`]).
pub struct RequestGuard(Context);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let context = &self.0;
        // A process that user code has forked does not count.
        if context.own_slot().is_some_and(|slot| slot.pid.load(Relaxed) == process::cached_pid()) {
            context.set_in_flight(context.in_flight().count.get().saturating_sub(1));
            if context.in_flight().queued() > 0 {
                context.lifecycle().wake().raise();
            }
        }
    }
}

impl Context {
    /// Keeps the request whose event is being delivered in flight for as long as the result lives; without this call it is
    /// over when the handler returns. Outside of such an event: a new request.
    pub fn keep_request(&self) -> RequestGuard {
        self.in_flight().current.take().unwrap_or_else(|| self.begin_in_flight())
    }

    /// The bytes of a packet for longer than its event: shared where `data` is a long packet that is being delivered, else a
    /// copy.
    pub fn share_packet(&self, data: &[u8]) -> Rc<Vec<u8>> {
        let shared = self.in_flight().packet.borrow();
        let is_same = |whole: &&Rc<Vec<u8>>| std::ptr::eq(whole.as_slice(), data);
        shared.as_ref().filter(is_same).map_or_else(|| Rc::new(data.to_vec()), Rc::clone)
    }

    /// Whether one more request may be started here (`worker_max_concurrency`).
    pub fn has_room_for_request(&self) -> bool {
        self.in_flight().admitted() < self.max_admitted()
    }

    /// Whether the owner of the connection has looked for a static file that answers the request being delivered, and found
    /// none.
    pub fn has_no_file(&self) -> bool {
        self.in_flight().files_checked.get()
    }

    /// A request has arrived.
    pub(crate) fn begin_in_flight(&self) -> RequestGuard {
        self.set_in_flight(self.in_flight().count.get() + 1);
        RequestGuard(self.clone())
    }

    /// `worker_max_concurrency`.
    pub(crate) fn max_admitted(&self) -> u64 {
        match self.state().config.worker_max_concurrency {
            0 => u64::MAX,
            max => max.into(),
        }
    }

    /// Whether all workers together have more requests in flight than `max_concurrency`.
    pub(crate) fn is_overloaded(&self) -> bool {
        let max = self.state().config.max_concurrency;
        let workers = self.state().request_workers();
        let all = || workers.iter().map(|worker| worker.concurrency.load(SeqCst)).sum::<u64>();
        max > 0 && all() > max.into()
    }

    /// A new process starts, without requests in flight.
    pub(crate) fn reset_in_flight(&self) {
        self.in_flight().queued.set(0);
        self.set_in_flight(0);
    }

    fn set_in_flight(&self, count: u64) {
        self.in_flight().count.set(count);
        if let Some(slot) = self.own_slot() {
            // Sequentially consistent: of two workers that each take one more, at least one sees both.
            slot.concurrency.store(count, SeqCst);
        }
    }
}

/// Bytes of a packet from which on it is shared rather than copied.
const SHARED_FROM: usize = 64 << 10;
