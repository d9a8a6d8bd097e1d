//! A connection as its owner keeps it: the socket, what waits on either side, and where it is in its life.

use super::output::Output;
use super::registry::{Registry, SlotIndex};
use crate::handler::SessionId;
use crate::heritage::Port;
use crate::proto::framing::Framer;
use crate::shm::slots::ConnectionSlot;
use socket2::Socket;
use std::cell::{Cell, RefCell};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use tokio::io::unix::AsyncFd;

/// One connection, in the thread that owns it.
pub struct Connection {
    /// Its public id.
    pub session: SessionId,
    /// Its row in the registry.
    pub index: SlotIndex,
    /// The port that accepted it.
    pub port: Arc<Port>,
    pub(super) io: AsyncFd<Socket>,
    pub(super) output: RefCell<Output>,
    /// Bytes of a packet that is not whole yet; no memory while there are none.
    pub(super) input: RefCell<Vec<u8>>,
    pub(super) framer: RefCell<Framer>,
    /// Wakes the task that drives this connection.
    pub(super) waker: RefCell<Option<Waker>>,
    pub(super) stage: Cell<Stage>,
    /// Reasons not to read now; see `HOLD_*`.
    pub(super) hold: Cell<u8>,
    /// Whether the output is above the high watermark.
    pub(super) above: Cell<bool>,
    /// What was written last waits for what is written next: see `Owner::expect_more`.
    pub(super) held: Cell<bool>,
    /// What it sends is thrown away: it has been refused.
    pub(super) deaf: Cell<bool>,
    /// When the stage was entered, or output last moved: monotonic milliseconds.
    pub(super) since: Cell<u64>,
    registry: Registry,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reads and writes.
    Open,
    /// The peer has closed or failed, or broke a rule; user code is told. Writes may go on.
    Ending,
    /// User code is done with it: what waits is still written, then it closes.
    Finishing,
    /// It closes at once.
    Dead,
}

/// `enable_delay_receive`: not confirmed yet.
pub const HOLD_CONFIRM: u8 = 1;
/// `pause`.
pub const HOLD_PAUSE: u8 = 2;
/// The worker it is dispatched to has too much in hand.
pub const HOLD_STALL: u8 = 4;

impl Connection {
    pub(super) fn new(
        session: SessionId,
        index: SlotIndex,
        port: Arc<Port>,
        io: AsyncFd<Socket>,
        hold: u8,
        registry: Registry,
    ) -> Self {
        Connection {
            session,
            index,
            port,
            io,
            output: RefCell::default(),
            input: RefCell::default(),
            framer: RefCell::default(),
            waker: RefCell::default(),
            stage: Cell::new(Stage::Open),
            hold: Cell::new(hold),
            above: Cell::new(false),
            held: Cell::new(false),
            deaf: Cell::new(false),
            since: Cell::new(0),
            registry,
        }
    }

    /// Its row in the registry.
    pub fn slot(&self) -> &ConnectionSlot {
        self.registry.slot(self.index)
    }

    /// Where it is in its life.
    pub fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// The socket's descriptor.
    pub fn fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }

    /// Does not read while `reason` stands.
    pub fn hold(&self, reason: u8) {
        self.hold.set(self.hold.get() | reason);
    }

    /// Reads again once no other reason stands.
    pub fn release_hold(&self, reason: u8) {
        self.hold.set(self.hold.get() & !reason);
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    pub(super) fn note_unqueued(&self, bytes: u64) {
        let queued = &self.slot().send_queued;
        let _ = queued.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(bytes)));
    }
}
