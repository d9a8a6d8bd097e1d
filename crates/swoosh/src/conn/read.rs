//! Reading: bytes of a socket -> packets for the observer.
//!
//! Runs in: the thread that owns the connection. An idle connection holds no buffer: bytes are read into one that all
//! connections of the thread share, and only the beginning of an incomplete packet is kept.

use super::connection::{Connection, ConnectionState, ReadHold};
use super::http2::start;
use super::http2::version::Version;
use super::owner::{Owner, READ_SIZE, ReadAction, add, is_transient};
use super::spool;
use crate::config::Framing;
use crate::proto::framing::FrameStatus;
use crate::proto::http1::Refusal;
use crate::proto::http1::head_index::HeadIndex;
use crate::proto::http1::response_writer::CONTINUE;
use crate::proto::resp;
use crate::proto::{PeerFault, websocket};
use crate::state::registry::{ConnectionRow, Flags};
use crate::sys::socket;
use crate::tls::Session;
use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::Duration;

/// Whether the connection is to be read now.
pub(super) fn may_read(conn: &Connection) -> bool {
    conn.state() == ConnectionState::Open && !conn.is_held_at_all() && !is_full(conn)
}

/// Whether the HTTP/2 side of the connection has bytes that it has not taken.
fn is_full(conn: &Connection) -> bool {
    matches!(&*conn.version.borrow(), Version::Http2(session) if session.is_full())
}

/// Reads while the socket is readable, up to [`READS_PER_TICK`] times.
pub(super) fn poll(owner: &Rc<Owner>, conn: &Rc<Connection>, cx: &mut Context<'_>) {
    let Some(io) = conn.transport.socket() else { return };
    if let Some(tls) = &conn.tls {
        // Data that arrived with the last handshake record.
        let early = tls.borrow_mut().take_early();
        if !early.is_empty() && take_bytes(owner, conn, &early) == ReadAction::Hold {
            conn.hold(ReadHold::Backlog);
        }
        if !may_read(conn) {
            return;
        }
    }
    if conn.has_deferred_input.replace(false) {
        if take_packets(owner, conn, &[]) == ReadAction::Hold {
            conn.hold(ReadHold::Backlog);
        }
        if !may_read(conn) {
            return;
        }
    }
    for _ in 0..READS_PER_TICK {
        let mut ready = match io.poll_read_ready(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(ready)) => ready,
            Poll::Ready(Err(e)) => return owner.fail(conn, &e),
        };
        let size = if conn.spool.borrow().is_some() { SPOOL_READ_SIZE } else { READ_SIZE };
        let mut buffer = owner.take_read_buffer(size);
        let result = socket::recv(conn.fd(), &mut buffer[..size]);
        if result.as_ref().is_ok_and(|n| *n < size && *n > 0) {
            // The socket is drained: the kernel will report the next readiness.
            ready.clear_ready();
        }
        match result {
            Ok(0) => owner.end(conn),
            Ok(n) => {
                add(&owner.slot().recv_bytes, n as u64);
                conn.slot().last_recv.store(owner.now(), Relaxed);
                let action = match &conn.tls {
                    None => take_bytes(owner, conn, &buffer[..n]),
                    Some(tls) => take_ciphertext(owner, conn, tls, &buffer[..n]),
                };
                if action == ReadAction::Hold {
                    conn.hold(ReadHold::Backlog);
                }
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => ready.clear_ready(),
            Err(e) if is_transient(&e) => {}
            Err(e) => owner.fail(conn, &e),
        }
        owner.put_read_buffer(buffer);
        if !may_read(conn) {
            return;
        }
    }
    // Let other connections be read, then continue.
    cx.waker().wake_by_ref();
}

/// Like [`take_bytes`], for TLS ciphertext. All plaintext is taken at once: no readiness would report a remainder.
fn take_ciphertext(owner: &Rc<Owner>, conn: &Rc<Connection>, tls: &RefCell<Session>, ciphertext: &[u8]) -> ReadAction {
    let mut plaintext = owner.take_plaintext_buffer();
    let outcome = tls.borrow_mut().receive(ciphertext, &mut plaintext);
    let action = if plaintext.is_empty() { ReadAction::Continue } else { take_bytes(owner, conn, &plaintext) };
    owner.put_plaintext_buffer(plaintext);
    if conn.has_tls_output() {
        // An alert, or a key update.
        owner.flush(conn);
    }
    match outcome {
        Err(e) => owner.abort(conn, format_args!("TLS: {e}")),
        Ok(()) if tls.borrow_mut().is_closed_by_peer() => owner.end(conn),
        Ok(()) => {}
    }
    action
}

/// Takes bytes that were received.
pub(super) fn take_bytes(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> ReadAction {
    if conn.discard_input.get() {
        return ReadAction::Continue;
    }
    if let Some(action) = start::take_bytes(owner, conn, data) {
        return action;
    }
    if let Framing::None = conn.port().config().framing {
        let action = owner.observer().packet(owner, conn, data, &[]);
        return owner.apply(conn, action);
    }
    if conn.spool.borrow().is_some() {
        return take_body(owner, conn, data);
    }
    take_packets(owner, conn, data)
}

/// Passes on a part of the body of a request that is handled already.
pub(super) fn take_part(owner: &Rc<Owner>, conn: &Rc<Connection>, part: &[u8]) -> ReadAction {
    let action = owner.observer().packet(owner, conn, part, &[]);
    owner.apply(conn, action)
}

/// Refuses a request of HTTP/2 that has too many header fields.
pub(super) fn refuse_head(owner: &Rc<Owner>, conn: &Rc<Connection>) -> ReadAction {
    owner.reject(conn, Refusal::new(431, "it has too many header fields"))
}

/// Writes bytes of a long body to its file. Bytes behind the body belong to the next request.
fn take_body(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> ReadAction {
    let request = match spool::take(conn, data) {
        Ok(None) => return ReadAction::Continue,
        Ok(Some(request)) => request,
        Err(refusal) => return owner.reject(conn, refusal),
    };
    let action = owner.observer().stored_packet(owner, conn, request.head, request.body);
    let action = owner.apply(conn, action);
    if request.end == data.len() || conn.discard_input.get() || conn.state() != ConnectionState::Open {
        return action;
    }
    action.then(take_packets(owner, conn, &data[request.end..]))
}

/// Kept and new bytes of a connection, and how many of them are consumed.
struct Input<'a> {
    /// Bytes that were kept, with the new ones behind them; empty where none were kept.
    kept: Vec<u8>,
    new: &'a [u8],
    is_joined: bool,
    consumed: usize,
    /// The framing has requests and replies: replies to pipelined requests are corked.
    has_replies: bool,
    action: ReadAction,
}

/// How cutting continues.
enum Step {
    /// With the next packet.
    Next,
    /// The rest is an incomplete packet, or is discarded.
    Stop,
    /// All bytes were passed on.
    Return(ReadAction),
}

impl<'a> Input<'a> {
    fn new(conn: &Connection, new: &'a [u8]) -> Self {
        // Taken out while user code runs: it may close this very connection.
        let mut kept = conn.input.take();
        let is_joined = !kept.is_empty();
        if is_joined {
            kept.extend_from_slice(new);
        }
        let has_replies = conn.port().config().framing.expects_replies();
        Input { kept, new, is_joined, consumed: 0, has_replies, action: ReadAction::Continue }
    }

    fn all(&self) -> &[u8] {
        if self.is_joined { &self.kept } else { self.new }
    }

    fn rest(&self) -> &[u8] {
        &self.all()[self.consumed..]
    }

    fn consume(&mut self, conn: &Connection, length: usize) {
        self.consumed = if conn.discard_input.get() { self.all().len() } else { self.consumed + length };
    }
}

/// Cuts bytes into packets and passes each to the observer.
fn take_packets(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> ReadAction {
    let mut input = Input::new(conn, data);
    while !input.rest().is_empty() && conn.state() == ConnectionState::Open {
        let step = if conn.slot().flags().any(Flags::WEBSOCKET) {
            take_frame(owner, conn, &mut input)
        } else {
            take_packet(owner, conn, &mut input)
        };
        match step {
            Step::Next => {}
            Step::Stop => break,
            Step::Return(action) => return action,
        }
    }
    owner.end_reply(false);
    keep_rest(conn, input)
}

/// Passes on the next WebSocket frame (RFC 6455 section 5).
fn take_frame(owner: &Rc<Owner>, conn: &Rc<Connection>, input: &mut Input<'_>) -> Step {
    let max = conn.port().config().package_max_length;
    let deflate = conn.slot().flags().any(Flags::DEFLATE);
    let length = match websocket::next_frame(websocket::FrameRules { max, masked: true, deflate }, input.rest()) {
        Ok(FrameStatus::Complete(length)) => length,
        Ok(FrameStatus::Incomplete(_)) => return Step::Stop,
        Err(length) => {
            // The worker reports the protocol error, behind what it has still to send.
            conn.discard_input.set(true);
            length
        }
    };
    let action = owner.observer().packet(owner, conn, &input.rest()[..length], &[]);
    input.consume(conn, length);
    input.action = input.action.then(owner.apply(conn, action));
    Step::Next
}

/// Passes on the next packet of the port's framing.
fn take_packet(owner: &Rc<Owner>, conn: &Rc<Connection>, input: &mut Input<'_>) -> Step {
    let config = conn.port().config();
    // Taken out while user code runs: it may read another connection.
    let mut index = owner.head_index.take();
    let max = config.package_max_length;
    let cut = conn.framer.borrow_mut().next_indexed(&config.framing, max, input.rest(), &mut index);
    let step = take_cut(owner, conn, input, cut, &index);
    owner.head_index.set(index);
    step
}

/// Acts on what the framing found at the front of the input. `index`: of the head of a request, where it was found.
fn take_cut(
    owner: &Rc<Owner>,
    conn: &Rc<Connection>,
    input: &mut Input<'_>,
    cut: Result<FrameStatus, PeerFault>,
    index: &HeadIndex,
) -> Step {
    match cut {
        Ok(FrameStatus::Complete(length))
            if input.is_joined && length == input.all().len() && length >= PASS_BUFFER_FROM =>
        {
            conn.slot().recv_queued.store(0, Relaxed);
            let mut packet = std::mem::take(&mut input.kept);
            packet.shrink_to_fit();
            conn.note_command(&packet);
            let action = owner.observer().whole_packet(owner, conn, packet);
            Step::Return(owner.apply(conn, action))
        }
        Ok(FrameStatus::Complete(length))
            if conn.framer.borrow().asks_for_upgrade() && start::upgrade(owner, conn, &input.rest()[..length]) =>
        {
            input.consumed += length;
            // At once, so that the client's settings are not waited for before it sends them.
            let action = take_bytes(owner, conn, input.rest());
            Step::Return(input.action.then(action))
        }
        Ok(FrameStatus::Complete(length)) => {
            conn.discard_input.set(conn.framer.borrow().closes_connection());
            // A reply that is ready at once is corked with the replies to the requests behind this one.
            let more_follow = input.has_replies && length < input.rest().len() && !conn.discard_input.get();
            owner.begin_reply(Some(conn.session()), more_follow);
            conn.note_command(&input.rest()[..length]);
            let action = owner.observer().packet(owner, conn, &input.rest()[..length], index.entries());
            owner.end_reply(more_follow);
            input.consume(conn, length);
            input.action = input.action.then(owner.apply(conn, action));
            if input.has_replies && !input.rest().is_empty() && awaits_upgrade(conn) {
                owner.wait_for_upgrade(conn);
                return Step::Stop;
            }
            Step::Next
        }
        Ok(FrameStatus::Incomplete(whole)) => wait_for_rest(owner, conn, input, whole),
        Err(PeerFault::Refused(refusal)) => {
            input.consumed = input.all().len();
            input.action = input.action.then(owner.reject(conn, refusal));
            Step::Stop
        }
        Err(fault) => {
            owner.abort_malformed(conn, &fault);
            Step::Stop
        }
    }
}

/// Whether the bytes behind the last request have to wait for its response: it may change the protocol.
fn awaits_upgrade(conn: &Connection) -> bool {
    conn.framer.borrow().asks_for_upgrade() && !conn.slot().flags().any(Flags::WEBSOCKET)
}

impl Connection {
    /// A packet is delivered; a Redis command with arguments is to be replied to.
    fn note_command(&self, packet: &[u8]) {
        if matches!(self.port().config().framing, Framing::Redis) && resp::has_arguments(packet) {
            self.unanswered.set(self.unanswered.get() + 1);
        }
    }
}

impl Owner {
    /// Reads no more before the request for another protocol is answered. Polls, because workers answer through shared
    /// memory; few clients send behind such a request at once.
    fn wait_for_upgrade(self: &Rc<Self>, conn: &Rc<Connection>) {
        conn.hold(ReadHold::Upgrade);
        let conn = conn.clone();
        let sent_before = conn.slot().last_send.load(Relaxed);
        self.tasks().begin(async move {
            let mut pause = UPGRADE_POLL_MIN;
            while conn.state() == ConnectionState::Open {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(UPGRADE_POLL_MAX);
                let flags = conn.slot().flags();
                let is_answered = conn.slot().last_send.load(Relaxed) != sent_before && !flags.any(Flags::HANDLING);
                if flags.any(Flags::WEBSOCKET) || is_answered {
                    return conn.release_hold(ReadHold::Upgrade);
                }
            }
        });
    }
}

/// The packet is incomplete: a long HTTP body goes to a file from here on. `whole`: the packet's length, where known.
fn wait_for_rest(owner: &Rc<Owner>, conn: &Rc<Connection>, input: &mut Input<'_>, whole: Option<u64>) -> Step {
    if input.has_replies && spool::is_long(owner, conn, whole, input.rest().len()) {
        owner.end_reply(false);
        let action = match spool::begin(owner, conn, input.rest()) {
            Ok(head) => take_body(owner, conn, &input.rest()[head..]),
            Err(refusal) => owner.reject(conn, refusal),
        };
        return Step::Return(input.action.then(action));
    }
    if conn.framer.borrow_mut().take_expect_continue() {
        owner.write(conn, CONTINUE, false);
    }
    Step::Stop
}

/// Keeps the bytes of an incomplete packet.
fn keep_rest(conn: &Connection, mut input: Input<'_>) -> ReadAction {
    let rest = input.rest().len();
    conn.slot().recv_queued.store(rest as u64, Relaxed);
    if input.has_replies && rest > 0 {
        let is_start = !input.is_joined || input.consumed > 0;
        conn.note_request_bytes(rest, is_start);
    }
    if conn.state() == ConnectionState::Open && rest > 0 {
        *conn.input.borrow_mut() = if input.is_joined {
            input.kept.drain(..input.consumed);
            input.kept
        } else {
            input.rest().to_vec()
        };
    }
    input.action
}

/// Bytes of a packet from which on its buffer is passed on rather than copied.
const PASS_BUFFER_FROM: usize = 64 << 10;
/// Bytes read at once of a body that goes to a file, where each write is a system call.
const SPOOL_READ_SIZE: usize = 256 << 10;
/// Intervals between two checks whether a request for another protocol is answered, doubled from the first to the last.
const UPGRADE_POLL_MIN: Duration = Duration::from_millis(1);
const UPGRADE_POLL_MAX: Duration = Duration::from_millis(64);
/// Reads from one connection before the others are read.
const READS_PER_TICK: usize = 16;
