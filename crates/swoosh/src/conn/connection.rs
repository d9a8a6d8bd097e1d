//! A connection as its owner keeps it: the socket, what waits on either side, and where it is in its life.

use super::output::Output;
use super::registry::{Registry, SlotIndex};
use super::wire::Wire;
use crate::handler::SessionId;
use crate::http::incoming::SpooledRequest;
use crate::proto::framing::Framer;
use crate::shm::slots::ConnectionSlot;
use crate::state::Port;
use crate::sys::clock;
use crate::tls::Session;
use socket2::{SockRef, Socket};
use std::cell::{Cell, RefCell};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;
use std::time::Duration;
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
    /// What seals its bytes, on a port that speaks TLS.
    pub(super) tls: Option<Box<RefCell<Session>>>,
    pub(super) output: RefCell<Output>,
    /// Bytes of a packet that is not whole yet; no memory while there are none.
    pub(super) input: RefCell<Vec<u8>>,
    pub(super) framer: RefCell<Framer>,
    /// The request whose body goes to a file, where one does.
    pub(super) spool: RefCell<Option<Box<SpooledRequest>>>,
    /// Wakes the task that drives this connection.
    pub(super) waker: RefCell<Option<Waker>>,
    pub(super) stage: Cell<Stage>,
    /// Reasons not to read now; see `HOLD_*`.
    pub(super) hold: Cell<u8>,
    /// Whether the output is above the high watermark.
    pub(super) above: Cell<bool>,
    /// What was written last waits for what is written next: see `Owner::begin_answer`.
    pub(super) held: Cell<bool>,
    /// Packets that workers were given of it; as `answered` of its row, it begins anew behind its last number.
    pub(crate) given: Cell<u32>,
    /// What it sends is thrown away: it has been refused.
    pub(super) deaf: Cell<bool>,
    /// When the stage was entered, or output last moved: monotonic milliseconds.
    pub(super) since: Cell<u64>,
    /// It ends by a reset, not in order.
    pub(super) resets: Cell<bool>,
    /// From when on the peer is given time for the request that it has not sent whole: monotonic milliseconds.
    pub(super) asking: Cell<u64>,
    registry: Registry,
}

/// Where a connection is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// TLS is being agreed upon; user code knows nothing of it yet.
    Shaking,
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
/// As much of it waits for user code as may (`max_queued_bytes`).
pub const HOLD_QUEUED: u8 = 8;

impl Connection {
    pub(super) fn new(
        session: SessionId,
        index: SlotIndex,
        port: Arc<Port>,
        io: AsyncFd<Socket>,
        tls: Option<Session>,
        hold: u8,
        registry: Registry,
    ) -> Self {
        Connection {
            session,
            index,
            port,
            io,
            stage: Cell::new(if tls.is_some() { Stage::Shaking } else { Stage::Open }),
            tls: tls.map(|tls| Box::new(RefCell::new(tls))),
            output: RefCell::default(),
            input: RefCell::default(),
            framer: RefCell::default(),
            spool: RefCell::default(),
            waker: RefCell::default(),
            hold: Cell::new(hold),
            above: Cell::new(false),
            held: Cell::new(false),
            given: Cell::new(0),
            deaf: Cell::new(false),
            since: Cell::new(0),
            resets: Cell::new(false),
            asking: Cell::new(clock::monotonic_ms()),
            registry,
        }
    }

    /// Its row in the registry.
    pub fn slot(&self) -> &ConnectionSlot {
        self.registry.slot(self.index)
    }

    /// Its peer, for people.
    pub(super) fn from(&self) -> String {
        let peer = Registry::peer(self.slot());
        peer.ip.map_or("a Unix socket".into(), |ip| format!("{ip}:{}", peer.port))
    }

    /// Where it is in its life.
    pub fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// The socket's descriptor.
    pub fn fd(&self) -> RawFd {
        self.io.as_raw_fd()
    }

    /// The way to its peer.
    pub(super) fn wire(&self) -> Wire<'_> {
        Wire::new(self.fd(), self.tls.as_ref().map(|tls| tls.borrow_mut()))
    }

    /// Whether anything waits for its peer, sealed or not.
    pub(crate) fn has_output(&self) -> bool {
        !self.output.borrow().is_empty() || self.has_sealed_output()
    }

    /// Whether anything that is sealed waits.
    pub(super) fn has_sealed_output(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.borrow().has_output())
    }

    /// What waits will never be written.
    pub(super) fn drop_output(&self) {
        self.note_unqueued(self.output.borrow_mut().clear());
        if let Some(tls) = &self.tls {
            tls.borrow_mut().discard_output();
        }
    }

    /// What waits is dropped, and the peer will see a reset.
    pub(super) fn will_reset(&self) {
        // An end in order would come before the reset.
        self.resets.set(true);
        let _ = SockRef::from(self.io.get_ref()).set_linger(Some(Duration::ZERO));
        self.drop_output();
    }

    /// The certificate that the peer showed (DER), where TLS asked for one.
    pub fn peer_certificate(&self) -> Option<Vec<u8>> {
        let tls = self.tls.as_ref()?.borrow();
        tls.peer_certificates().first().map(|der| der.to_vec())
    }

    /// Does not read while `reason` stands.
    pub fn hold(&self, reason: u8) {
        self.hold.set(self.hold.get() | reason);
    }

    /// Whether it is not read for that reason.
    pub fn is_held(&self, reason: u8) -> bool {
        self.hold.get() & reason != 0
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
