//! Requests in flight: how many user code handles at once.
//!
//! Invariant: only the worker itself writes its count. `max_concurrency` is compared with the sum over all workers, so a
//! killed worker takes its share with it.

use crate::proto::http1::head_index::{HeadIndex, IndexEntry};
use crate::runtime::WakeFlag;
use crate::shm::slots::WorkerSlot;
use crate::sys::process;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// The requests of one process.
pub(crate) struct InFlight {
    /// The row that publishes the count; `None` in processes that do not handle requests.
    slot: Cell<Option<&'static WorkerSlot>>,
    /// Wakes the loop where queued requests may be admitted.
    wake: Rc<WakeFlag>,
    /// Requests that have arrived and are not over.
    count: Cell<u64>,
    /// Those of them that are queued by admission control.
    queued: Cell<u64>,
    /// The request whose event is being delivered, until its handler keeps it.
    current: Cell<Option<RequestGuard>>,
    /// The packet that is being delivered, where it is long.
    packet: RefCell<Option<Rc<Vec<u8>>>>,
    /// The index of the head of the request that is being delivered. Its memory is reused unless a handler keeps it.
    head: RefCell<Rc<HeadIndex>>,
    /// Where that request is in memory; `None` if no request with an index is being delivered.
    head_of: Cell<Option<*const [u8]>>,
    /// The connection's owner found no static file for the request that is being delivered.
    files_checked: Cell<bool>,
}

impl InFlight {
    /// No requests, and no row.
    pub(crate) fn new(wake: Rc<WakeFlag>) -> Self {
        InFlight {
            slot: Cell::new(None),
            wake,
            count: Cell::new(0),
            queued: Cell::new(0),
            current: Cell::new(None),
            packet: RefCell::default(),
            head: RefCell::default(),
            head_of: Cell::new(None),
            files_checked: Cell::new(false),
        }
    }

    /// A new worker starts, without requests in flight.
    pub(crate) fn attach(&self, slot: &'static WorkerSlot) {
        self.slot.set(Some(slot));
        self.queued.set(0);
        self.set_count(0);
    }

    /// This process does not count any more: user code has forked it.
    pub(crate) fn detach(&self) {
        self.slot.set(None);
    }

    /// A request has arrived.
    pub(crate) fn begin(self: &Rc<Self>) -> RequestGuard {
        self.set_count(self.count.get() + 1);
        RequestGuard(self.clone())
    }

    /// The request whose event is being delivered, or a new one.
    pub(crate) fn keep(self: &Rc<Self>) -> RequestGuard {
        self.current.take().unwrap_or_else(|| self.begin())
    }

    fn set_count(&self, count: u64) {
        self.count.set(count);
        if let Some(slot) = self.slot.get() {
            // Sequentially consistent: of two workers that each take one more, at least one sees both.
            slot.concurrency.store(count, SeqCst);
        }
    }

    /// The memory of `data`, where that is the long packet that is being delivered.
    pub(crate) fn long_packet(&self, data: &[u8]) -> Option<Rc<Vec<u8>>> {
        self.packet.borrow().as_ref().filter(|whole| std::ptr::eq(whole.as_slice(), data)).cloned()
    }

    /// The bytes of a packet: shared where `data` is the long packet that is being delivered, else a copy.
    pub(crate) fn share_packet(&self, data: &[u8]) -> Rc<Vec<u8>> {
        self.long_packet(data).unwrap_or_else(|| Rc::new(data.to_vec()))
    }

    /// Whether the owner of the connection has looked for a static file already.
    pub(crate) fn files_checked(&self) -> bool {
        self.files_checked.get()
    }

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

    /// A packet is about to be delivered; these are the entries of its head's index, if it has one.
    pub(crate) fn offer_head(&self, data: &[u8], entries: &[IndexEntry]) {
        if entries.is_empty() {
            return;
        }
        let mut head = self.head.borrow_mut();
        match Rc::get_mut(&mut head) {
            Some(index) => index.set_entries(entries),
            None => {
                let mut index = HeadIndex::default();
                index.set_entries(entries);
                *head = Rc::new(index);
            }
        }
        self.head_of.set(Some(data));
    }

    /// The index of the head of `data`, if that is the request that is being delivered, and its head has one.
    pub(crate) fn head_index(&self, data: &[u8]) -> Option<Rc<HeadIndex>> {
        let is_same = self.head_of.get().is_some_and(|packet| std::ptr::eq(packet, data));
        is_same.then(|| self.head.borrow().clone())
    }

    /// Sets whether the owner of the connection has looked for a static file already.
    pub(crate) fn set_files_checked(&self, checked: bool) {
        self.files_checked.set(checked);
    }

    /// The event was delivered: unless its handler has kept the request, it is over.
    pub(crate) fn end_delivery(&self) {
        self.files_checked.set(false);
        drop(self.current.take());
        drop(self.packet.take());
        self.head_of.set(None);
    }
}

/// A request that a worker has taken and that is not over: it counts as in flight until this is dropped. Handlers that
/// continue a request after they have returned keep it ([`Context::keep_request`](crate::Context::keep_request)).
pub struct RequestGuard(Rc<InFlight>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        let in_flight = &self.0;
        // A process that user code has forked does not count.
        if in_flight.slot.get().is_some_and(|slot| slot.pid.load(Relaxed) == process::cached_pid()) {
            in_flight.set_count(in_flight.count.get().saturating_sub(1));
            if in_flight.queued() > 0 {
                in_flight.wake.raise();
            }
        }
    }
}

/// Bytes of a packet from which on it is shared rather than copied.
const SHARED_FROM: usize = 64 << 10;
