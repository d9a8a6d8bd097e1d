//! How a connection ends: by the peer, by the server, by a fault, by a rejected request.
//!
//! Invariant: the close event reaches user code exactly once, before the id becomes invalid. The order is
//! [`end`](Owner::end) (or [`request_close`](Owner::request_close)) -> close event -> [`finish`](Owner::finish) -> `forget`.

use super::connection::{Connection, ConnectionState};
use super::owner::{Owner, ReadAction, add};
use crate::config::Framing;
use crate::log;
use crate::proto::PeerFault;
use crate::proto::http1::Refusal;
use crate::proto::http2::code;
use crate::state::registry::{ConnectionRow, Flags};
use crate::sys::clock;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

impl Owner {
    /// The socket failed: the peer is gone.
    pub(super) fn fail(self: &Rc<Self>, conn: &Rc<Connection>, cause: &io::Error) {
        conn.slot().close_errno.store(cause.raw_os_error().unwrap_or(0), Relaxed);
        // Sends fail from here on. A handler that sends until it fails would otherwise never return to the event loop.
        conn.slot().set_flags(Flags::BROKEN);
        conn.drop_output();
        self.end(conn);
    }

    /// Queued output cannot be written any more: the peer is gone, or a file became shorter.
    pub(super) fn lose(self: &Rc<Self>, conn: &Rc<Connection>, cause: &io::Error) {
        self.fail(conn, cause);
        if conn.state() == ConnectionState::Draining {
            conn.enter(ConnectionState::Closed);
        }
    }

    /// Stops reading; raises the close event, unless the server closes the connection already.
    pub fn end(self: &Rc<Self>, conn: &Rc<Connection>) {
        match conn.state() {
            ConnectionState::Handshaking => return self.finish(conn, false),
            ConnectionState::Open => {}
            _ => return,
        }
        conn.enter(ConnectionState::Closing);
        *conn.input.borrow_mut() = Vec::new();
        drop(conn.spool.take());
        if let Some(session) = conn.http2() {
            session.close();
        }
        if conn.is_request_stream() {
            return self.finish(conn, false);
        }
        self.sweep_later();
        let before = Flags(conn.slot().flags.fetch_or(Flags::PEER_CLOSED, SeqCst));
        if !before.any(Flags::CLOSING) {
            self.observer().close(self, conn);
        }
        conn.wake();
    }

    /// The server closes the connection: its worker gets the close event first, as if the peer had closed it.
    pub fn request_close(self: &Rc<Self>, conn: &Rc<Connection>, reset: bool) {
        match conn.state() {
            ConnectionState::Handshaking => return self.finish(conn, reset),
            ConnectionState::Open => {}
            _ => return,
        }
        if reset {
            conn.reset_on_close();
        }
        conn.enter(ConnectionState::Closing);
        self.abort_http2(conn, code::NO_ERROR);
        if conn.is_request_stream() {
            return self.finish(conn, false);
        }
        self.sweep_later();
        self.observer().close(self, conn);
    }

    /// User code is done with the connection: writes what is queued (with `reset`: drops it and resets the connection),
    /// closes it and releases its id.
    pub fn finish(self: &Rc<Self>, conn: &Rc<Connection>, reset: bool) {
        if conn.state() == ConnectionState::Closed {
            return;
        }
        if reset {
            conn.reset_on_close();
        }
        if conn.corked.get() {
            self.uncork(conn);
        }
        self.abort_http2(conn, code::NO_ERROR);
        if conn.state() == ConnectionState::Handshaking || !conn.has_output() {
            self.forget(conn);
        } else {
            conn.enter(ConnectionState::Draining);
            conn.slot().set_flags(Flags::CLOSING | Flags::CLOSED);
            self.sweep_later();
        }
        conn.wake();
    }

    /// Releases a connection and its id. The socket is closed when the connection's task ends.
    pub(super) fn forget(&self, conn: &Connection) {
        conn.enter(ConnectionState::Closed);
        if !self.remove(conn) {
            return;
        }
        if let Some(stream) = conn.transport.stream() {
            stream.finish(conn.slot().last_dispatch.load(Relaxed) != 0);
            return self.state.release_connection(conn.session(), conn.index());
        }
        if let Some(session) = conn.http2() {
            session.close();
        }
        if !conn.resets.get() {
            send_close_notify(conn);
            // Bytes that the kernel has taken are still sent; only a reset drops them.
            conn.shutdown(Shutdown::Both);
        }
        let slot = self.slot();
        add(&slot.closed, 1);
        slot.connections.store(slot.connections.load(Relaxed).saturating_sub(1), Relaxed);
        self.state.release_connection(conn.session(), conn.index());
    }

    /// Ends the HTTP/2 side of a connection, if it has one, with a GOAWAY where the socket takes it.
    pub(super) fn abort_http2(self: &Rc<Self>, conn: &Rc<Connection>, code: u32) {
        if let Some(session) = conn.http2() {
            session.abort(code);
            self.flush_http2(conn, &session);
            session.close();
        }
    }

    /// Closes a connection whose peer is silent.
    pub(super) fn close_idle(self: &Rc<Self>, conn: &Rc<Connection>) {
        add(&self.slot().aborted, 1);
        self.end(conn);
    }

    /// Closes a connection because of its peer's fault, which is logged as information: nothing is to be done about it.
    pub fn abort(self: &Rc<Self>, conn: &Rc<Connection>, why: std::fmt::Arguments<'_>) {
        log::info!("connection {} from {} is closed: {why}", conn.session().0, conn.peer_name());
        add(&self.slot().aborted, 1);
        self.end(conn);
    }

    /// Closes a connection whose input is malformed. The peer sees a reset: its bytes are not handled, and an orderly end would
    /// look like an answer. A Redis client gets an error reply first.
    pub(super) fn abort_malformed(self: &Rc<Self>, conn: &Rc<Connection>, fault: &PeerFault) {
        if let (Framing::Redis, PeerFault::Malformed(reason)) = (&conn.port().config().framing, fault) {
            log::info!("connection {} from {} is closed: {fault}", conn.session().0, conn.peer_name());
            conn.discard_input.set(true);
            let reply = format!("-ERR Protocol error: {reason}\r\n").into_bytes();
            return self.reply_last(conn, reply);
        }
        conn.reset_after_output();
        self.abort(conn, format_args!("{fault}"));
    }

    /// Carries out what the observer answered to an event.
    pub(super) fn apply(self: &Rc<Self>, conn: &Rc<Connection>, action: ReadAction) -> ReadAction {
        if action == ReadAction::Close {
            self.end(conn);
        }
        action
    }

    /// Rejects a request: what follows it is discarded. Behind earlier requests the rejection is a packet for the worker,
    /// which knows when they are answered; else the error response is sent here.
    pub(super) fn reject(self: &Rc<Self>, conn: &Rc<Connection>, refusal: Refusal) -> ReadAction {
        conn.discard_input.set(true);
        if conn.framer.borrow().has_framed() {
            let action = self.observer().packet(self, conn, &refusal.to_packet(), &[]);
            return self.apply(conn, action);
        }
        self.refuse_request(conn, refusal);
        ReadAction::Continue
    }

    /// Sends an error response and closes the connection. What the peer still sends is read and discarded for a while: a
    /// socket that is closed with unread bytes sends a reset, and the peer might lose the response (RFC 9112 section 9.6).
    fn refuse_request(self: &Rc<Self>, conn: &Rc<Connection>, refusal: Refusal) {
        let peer = conn.peer_name();
        log::info!("connection {} from {peer}: answered with {}: {}", conn.session().0, refusal.status, refusal.reason);
        self.reply_and_close(conn, &Refusal::response(refusal.status));
    }

    /// Sends a last reply behind those that earlier commands still get, and closes the connection.
    fn reply_last(self: &Rc<Self>, conn: &Rc<Connection>, reply: Vec<u8>) {
        if conn.unanswered.get() == 0 {
            return self.reply_and_close(conn, &reply);
        }
        *conn.last_reply.borrow_mut() = Some(reply);
        // A command whose handler never replies does not keep the connection.
        let (owner, conn) = (self.clone(), conn.clone());
        self.tasks().begin(async move {
            tokio::time::sleep(Duration::from_millis(LINGER_MS)).await;
            owner.send_last_reply(&conn);
        });
    }

    /// A command was replied to.
    pub(super) fn note_reply(self: &Rc<Self>, conn: &Rc<Connection>) {
        conn.unanswered.set(conn.unanswered.get().saturating_sub(1));
        if conn.unanswered.get() == 0 {
            self.send_last_reply(conn);
        }
    }

    fn send_last_reply(self: &Rc<Self>, conn: &Rc<Connection>) {
        let reply = conn.last_reply.borrow_mut().take();
        if let Some(reply) = reply.filter(|_| conn.state() == ConnectionState::Open) {
            self.reply_and_close(conn, &reply);
        }
    }

    /// Sends a last reply and closes the connection.
    fn reply_and_close(self: &Rc<Self>, conn: &Rc<Connection>, reply: &[u8]) {
        add(&self.slot().aborted, 1);
        self.write(conn, reply, false);
        self.end_after_last_bytes(conn);
    }

    /// Closes a connection whose last bytes are written: a refusal, or a GOAWAY. Its input is read and discarded for a
    /// while.
    pub(super) fn end_after_last_bytes(self: &Rc<Self>, conn: &Rc<Connection>) {
        conn.discard_input.set(true);
        if conn.has_output() || conn.is_stream() || conn.state() != ConnectionState::Open {
            return self.end(conn);
        }
        send_close_notify(conn);
        conn.shutdown(Shutdown::Write);
        let (owner, conn) = (self.clone(), conn.clone());
        // The reply may be sent by user code, outside of the async runtime.
        self.tasks().begin(async move {
            tokio::time::sleep(REFUSED_LINGER).await;
            owner.end(&conn);
        });
    }

    /// Starts a task that closes connections which stay in a closing state without progress: their user code never
    /// finishes them, or their peer never reads.
    fn sweep_later(self: &Rc<Self>) {
        if self.sweeping.replace(true) {
            return;
        }
        let owner = self.clone();
        self.tasks().begin(async move {
            loop {
                tokio::time::sleep(SWEEP_INTERVAL).await;
                let now = clock::monotonic_ms();
                let mut closing = owner.all();
                closing.retain(|conn| conn.state() >= ConnectionState::Closing);
                if closing.is_empty() {
                    owner.sweeping.set(false);
                    return;
                }
                for conn in closing.iter().filter(|conn| conn.stalled_for(now) > LINGER_MS) {
                    conn.drop_output();
                    owner.finish(conn, false);
                }
            }
        });
    }
}

/// Sends the close_notify alert, as far as the socket takes it now (RFC 8446 section 6.1).
fn send_close_notify(conn: &Connection) {
    if let Some(tls) = &conn.tls
        && !tls.borrow().is_handshaking()
    {
        tls.borrow_mut().close();
        let _ = conn.wire().flush();
    }
}

/// How long the input of a rejected peer is read.
const REFUSED_LINGER: Duration = Duration::from_secs(1);
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How long a connection may stay in a closing state without progress.
const LINGER_MS: u64 = 10_000;
