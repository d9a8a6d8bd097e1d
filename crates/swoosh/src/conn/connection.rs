//! One connection: its socket, what is queued in either direction, and its state.
//!
//! Runs in: the thread that owns the connection.

use super::http2::session::Session as Http2Session;
use super::http2::stream::Stream;
use super::http2::version::Version;
use super::incoming::SpooledRequest;
use super::output::Output;
use super::transport::Transport;
use super::wire::Wire;
use crate::ids::SessionId;
use crate::net::Port;
use crate::proto::framing::Framer;
use crate::proto::http1::request_framer::Progress;
use crate::shm::slots::ConnectionSlot;
use crate::state::registry::{ConnectionRow, Flags, Registry, SlotIndex};
use crate::sys::clock;
use crate::tls::Session;
use socket2::{SockRef, Socket};
use std::cell::{Cell, RefCell};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// One connection, in the thread that owns it.
pub struct Connection {
    session: SessionId,
    index: SlotIndex,
    port: Arc<Port>,
    pub(super) transport: Transport,
    /// The version of HTTP.
    pub(super) version: RefCell<Version>,
    /// The TLS session, on a port with TLS.
    pub(super) tls: Option<Box<RefCell<Session>>>,
    pub(super) output: RefCell<Output>,
    /// Bytes of an incomplete packet; no memory while there are none.
    pub(super) input: RefCell<Vec<u8>>,
    pub(super) framer: RefCell<Framer>,
    /// The request whose body is being written to a file, if any.
    pub(super) spool: RefCell<Option<Box<SpooledRequest>>>,
    /// Wakes the task that drives this connection.
    pub(super) waker: RefCell<Option<Waker>>,
    state: Cell<ConnectionState>,
    /// When the state was entered, or output last progressed: monotonic milliseconds.
    progressed_at: Cell<u64>,
    /// Set of [`ReadHold`]: it is read while this is 0.
    holds: Cell<u8>,
    /// The output is above the high watermark.
    pub(super) above_high_watermark: Cell<bool>,
    /// The last reply is queued until the next one is written: see `Owner::begin_reply`.
    pub(super) corked: Cell<bool>,
    /// Input is read and discarded: the connection was rejected, or its last request has arrived.
    pub(super) discard_input: Cell<bool>,
    /// `input` holds bytes behind a request for another protocol, which has been answered since.
    pub(super) has_deferred_input: Cell<bool>,
    /// It ends by a reset (RST), not in order.
    pub(super) resets: Cell<bool>,
    /// Redis: commands that were delivered, and not replied to.
    pub(super) unanswered: Cell<u32>,
    /// The reply that ends the connection, once those before it were sent.
    pub(super) last_reply: RefCell<Option<Vec<u8>>>,
    /// When the timeout of an incomplete request started: monotonic milliseconds.
    request_started_at: Cell<u64>,
    /// Packets of this connection that were dispatched to workers; wraps around, like `answered` of its row.
    dispatched: Cell<u32>,
    registry: Registry,
}

/// State of a connection. A connection only moves to a later state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionState {
    /// The TLS handshake is in progress; user code does not know the connection yet.
    Handshaking,
    /// It is read and written.
    Open,
    /// It is not read any more: the peer closed it, it failed, or the server closes it. User code handles the close event;
    /// replies are still written.
    Closing,
    /// User code is done with it: queued output is written, then it is closed.
    Draining,
    /// It is closed.
    Closed,
}

/// A reason not to read a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ReadHold {
    /// `enable_delay_receive`: not confirmed yet.
    Confirm = 1,
    /// `pause`.
    Pause = 2,
    /// The backlog of its worker is too long.
    Backlog = 4,
    /// Too many of its bytes wait for user code (`max_queued_bytes`).
    QueueLimit = 8,
    /// A request for another protocol is not answered: the bytes behind it may belong to that protocol.
    Upgrade = 16,
}

impl Connection {
    pub(super) fn new(
        session: SessionId,
        index: SlotIndex,
        port: Arc<Port>,
        io: AsyncFd<Socket>,
        tls: Option<Session>,
        registry: Registry,
    ) -> Self {
        let state = if tls.is_some() { ConnectionState::Handshaking } else { ConnectionState::Open };
        let version = Version::initial(port.config().http2.is_some());
        Self::with(session, index, port, Transport::Socket(io), version, state, tls, registry)
    }

    /// A stream of an HTTP/2 connection.
    pub(super) fn of_stream(
        session: SessionId,
        index: SlotIndex,
        port: Arc<Port>,
        stream: Stream,
        registry: Registry,
    ) -> Self {
        let transport = Transport::Stream(Box::new(stream));
        Self::with(session, index, port, transport, Version::Http1, ConnectionState::Open, None, registry)
    }

    #[allow(clippy::too_many_arguments)] // both kinds of connections begin here
    fn with(
        session: SessionId,
        index: SlotIndex,
        port: Arc<Port>,
        transport: Transport,
        version: Version,
        state: ConnectionState,
        tls: Option<Session>,
        registry: Registry,
    ) -> Self {
        Connection {
            session,
            index,
            port,
            transport,
            version: RefCell::new(version),
            state: Cell::new(state),
            tls: tls.map(|tls| Box::new(RefCell::new(tls))),
            output: RefCell::default(),
            input: RefCell::default(),
            framer: RefCell::default(),
            spool: RefCell::default(),
            waker: RefCell::default(),
            progressed_at: Cell::new(0),
            holds: Cell::new(0),
            above_high_watermark: Cell::new(false),
            corked: Cell::new(false),
            discard_input: Cell::new(false),
            has_deferred_input: Cell::new(false),
            resets: Cell::new(false),
            unanswered: Cell::new(0),
            last_reply: RefCell::default(),
            request_started_at: Cell::new(clock::monotonic_ms()),
            dispatched: Cell::new(0),
            registry,
        }
    }

    /// Its public id.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Index of its row in the registry.
    pub fn index(&self) -> SlotIndex {
        self.index
    }

    /// The port that accepted it.
    pub fn port(&self) -> &Arc<Port> {
        &self.port
    }

    /// Its row in the registry.
    pub fn slot(&self) -> &ConnectionSlot {
        self.registry.slot(self.index)
    }

    /// Its state.
    pub fn state(&self) -> ConnectionState {
        self.state.get()
    }

    /// The socket's descriptor; -1 for a stream of HTTP/2.
    pub fn fd(&self) -> RawFd {
        self.transport.socket().map_or(-1, AsRawFd::as_raw_fd)
    }

    /// Whether this is a stream of an HTTP/2 connection.
    pub(crate) fn is_stream(&self) -> bool {
        self.transport.stream().is_some()
    }

    /// Whether this is a stream of which the response is complete: its task ends it.
    pub(super) fn is_over(&self) -> bool {
        self.transport.stream().is_some_and(Stream::is_over)
    }

    /// Whether this is a stream for requests alone: user code knows no connection of it.
    pub(super) fn is_request_stream(&self) -> bool {
        self.is_stream() && !self.slot().flags().any(Flags::WEBSOCKET)
    }

    /// Its HTTP/2 side, if it speaks HTTP/2.
    pub(super) fn http2(&self) -> Option<Rc<Http2Session>> {
        match &*self.version.borrow() {
            Version::Http2(session) => Some(session.clone()),
            _ => None,
        }
    }

    /// Whether it is a request of HTTP/2, or has open streams: it ends by itself once the last response is sent.
    pub(crate) fn has_streams(&self) -> bool {
        self.is_request_stream() || self.http2().is_some_and(|session| session.has_streams())
    }

    /// Whether it is an HTTP/2 connection whose last response is sent, and whose close event is not dispatched.
    pub(crate) fn is_idle_http2(&self) -> bool {
        let is_idle = self.http2().is_some_and(|session| session.is_idle() && !session.awaits_client());
        is_idle && self.state() <= ConnectionState::Closing && !self.has_output()
    }

    /// Whether it was upgraded to HTTP/2, and its client has not spoken it yet.
    pub(super) fn is_upgrading(&self) -> bool {
        matches!(&*self.version.borrow(), Version::Upgrading(_))
    }

    /// Whether it is an HTTP/2 connection, and no stream of one.
    pub(crate) fn speaks_http2(&self) -> bool {
        matches!(&*self.version.borrow(), Version::Http2(_))
    }

    /// Bytes of a request, or of a preface, have begun to arrive.
    pub(super) fn note_start(&self, length: usize) {
        self.note_request_bytes(length, true);
    }

    /// The peer's address for display.
    pub(super) fn peer_name(&self) -> String {
        let peer = Registry::peer(self.slot());
        peer.ip.map_or("a Unix socket".into(), |ip| format!("{ip}:{}", peer.port))
    }

    pub(super) fn enter(&self, state: ConnectionState) {
        debug_assert!(state >= self.state.get(), "{:?} -> {state:?}", self.state.get());
        self.state.set(state);
        self.note_progress();
    }

    /// Output has progressed, or the state has changed.
    pub(super) fn note_progress(&self) {
        self.progressed_at.set(clock::monotonic_ms());
    }

    /// Milliseconds without progress.
    pub(super) fn stalled_for(&self, now: u64) -> u64 {
        now.saturating_sub(self.progressed_at.get())
    }

    /// `length` bytes of an incomplete request are here. The timeout of a head starts with its first byte
    /// (`is_start`), that of a body with each byte.
    pub(super) fn note_request_bytes(&self, length: usize, is_start: bool) {
        if is_start || self.framer.borrow().request_progress(length) == Progress::Body {
            self.restart_request_timeout(clock::monotonic_ms());
        }
    }

    pub(super) fn restart_request_timeout(&self, now: u64) {
        self.request_started_at.set(now);
    }

    /// Milliseconds since the request timeout started.
    pub(super) fn request_age(&self, now: u64) -> u64 {
        now.saturating_sub(self.request_started_at.get())
    }

    /// One more packet is dispatched to a worker.
    pub(crate) fn count_dispatched(&self) {
        self.dispatched.set(self.dispatched.get().wrapping_add(1));
    }

    /// Number of packets dispatched to workers, modulo 2^32.
    pub(crate) fn dispatched(&self) -> u32 {
        self.dispatched.get()
    }

    pub(super) fn wire(&self) -> Wire<'_> {
        match &self.transport {
            Transport::Socket(io) => Wire::new(io.as_raw_fd(), self.tls.as_ref().map(|tls| tls.borrow_mut())),
            Transport::Stream(stream) => Wire::Stream(stream),
        }
    }

    /// Whether output is queued, as plaintext or as TLS records.
    pub(crate) fn has_output(&self) -> bool {
        !self.output.borrow().is_empty() || self.has_tls_output()
    }

    /// Whether TLS records are queued.
    pub(super) fn has_tls_output(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.borrow().has_output())
    }

    /// Drops queued output.
    pub(super) fn drop_output(&self) {
        self.note_files_unqueued(self.output.borrow().files());
        self.note_unqueued(self.output.borrow_mut().clear());
        if let Some(tls) = &self.tls {
            tls.borrow_mut().discard_output();
        }
    }

    /// Ends the socket's sending side, or both (shutdown(2)).
    pub(super) fn shutdown(&self, how: Shutdown) {
        if let Some(io) = self.transport.socket() {
            let _ = SockRef::from(io.get_ref()).shutdown(how);
        }
    }

    /// Makes the close a reset, behind queued output.
    pub(super) fn reset_after_output(&self) {
        // A shutdown in order would precede the reset.
        self.resets.set(true);
        if let Some(io) = self.transport.socket() {
            let _ = SockRef::from(io.get_ref()).set_linger(Some(Duration::ZERO));
        }
    }

    /// Drops queued output and makes the close a reset.
    pub(super) fn reset_on_close(&self) {
        self.reset_after_output();
        self.drop_output();
    }

    /// The client certificate (DER), where the port asks for one.
    pub fn peer_certificate(&self) -> Option<Vec<u8>> {
        let tls = self.tls.as_ref()?.borrow();
        tls.peer_certificates().first().map(|der| der.to_vec())
    }

    /// Stops reading for `reason`.
    pub fn hold(&self, reason: ReadHold) {
        self.holds.set(self.holds.get() | reason as u8);
    }

    /// Whether it is not read for `reason`.
    pub fn is_held(&self, reason: ReadHold) -> bool {
        self.holds.get() & reason as u8 != 0
    }

    /// Whether it is not read for any reason.
    pub(super) fn is_held_at_all(&self) -> bool {
        self.holds.get() != 0
    }

    /// Ends a hold; reads again if no other reason remains.
    pub fn release_hold(&self, reason: ReadHold) {
        self.holds.set(self.holds.get() & !(reason as u8));
        self.has_deferred_input.set(self.has_deferred_input.get() || reason == ReadHold::Upgrade);
        self.wake();
        if let Some(stream) = self.transport.stream() {
            // It accepts no streams while one waits for the backlog of its worker.
            stream.session().wake();
        }
    }

    /// Has [`wake`](Self::wake) wake the task that is polled.
    pub(super) fn keep_waker(&self, cx: &Context<'_>) {
        if !self.waker.borrow().as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            *self.waker.borrow_mut() = Some(cx.waker().clone());
        }
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// `bytes` have left the queue, by being written or dropped.
    pub(super) fn note_unqueued(&self, bytes: u64) {
        let queued = &self.slot().send_queued;
        let _ = queued.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(bytes)));
    }

    /// `count` ranges of files have left the queue, by being written or dropped.
    pub(super) fn note_files_unqueued(&self, count: usize) {
        if count > 0 {
            let queued = &self.slot().files_queued;
            let _ = queued.fetch_update(Relaxed, Relaxed, |n| Some(n.saturating_sub(count as u32)));
        }
    }
}
