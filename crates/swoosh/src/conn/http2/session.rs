//! The HTTP/2 side of a connection.
//!
//! Runs in: the connection's own task. User code may run while a stream is accepted: nothing is borrowed then.

use super::body::IncomingBody;
use super::head::{self, BodyForm};
use super::pipe::{Pipe, PipeEnd};
use super::stream::Stream;
use crate::config::Http2Config;
use crate::conn::connection::{Connection, ConnectionState, ReadHold};
use crate::conn::drive;
use crate::conn::owner::{Owner, ReadAction, add};
use crate::conn::read;
use crate::log;
use crate::proto::http1::request_framer::RequestRules;
use crate::proto::http2 as control;
use crate::proto::http2::block_fault::{BlockFault, first_fault};
use crate::proto::http2::guard::{FrameGuard, Violation, code};
use crate::sys::clock;
use bytes::Bytes;
use h2::server::{Builder, Handshake, SendResponse};
use h2::{Reason, RecvStream};
use http_types::Request;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The state of a connection that speaks HTTP/2.
pub(crate) struct Session {
    pipe: Rc<Pipe>,
    /// The table that the client may compress its fields with, bytes.
    max_table: usize,
    state: RefCell<State>,
    /// Checks the client's frames.
    guard: RefCell<FrameGuard>,
    /// Streams whose worker has too much to do: no further ones are accepted.
    stalled: RefCell<Vec<Rc<Connection>>>,
    /// Streams that are open.
    live: Cell<u32>,
    /// The number of the last stream that was accepted.
    last_stream: Cell<u32>,
    /// The server ends the connection in order.
    is_ending: Cell<bool>,
    /// Streams are refused: the server is ending, or user code has sent GOAWAY.
    refuses: Cell<bool>,
    /// The connection ends once no stream is open: user code has sent GOAWAY.
    ends_when_idle: Cell<bool>,
    /// When a frame began, or a block of header fields, that is not complete and no part of a body: monotonic milliseconds;
    /// 0: there is none.
    incomplete_since: Cell<u64>,
    /// The socket was not read because `h2` had not taken the last bytes.
    was_full: Cell<bool>,
}

/// The connection of `h2`.
enum State {
    Preface(Handshake<PipeEnd, Bytes>),
    Open(h2::server::Connection<PipeEnd, Bytes>),
    Closed,
}

type Incoming = (Request<RecvStream>, SendResponse<Bytes>);

/// What `h2` has to say.
enum Next {
    Stream(Box<Incoming>),
    Pending,
    /// The connection has ended in order.
    End,
    /// It has failed; `h2` has written a GOAWAY.
    Failed,
    /// It was closed before.
    Closed,
}

impl Session {
    /// A session before the client's preface.
    pub(super) fn new(config: &Http2Config) -> Self {
        let pipe = Rc::new(Pipe::default());
        let mut builder = Builder::new();
        builder
            .header_table_size(config.header_table_size)
            .max_concurrent_streams(config.max_concurrent_streams)
            .initial_window_size(config.init_window_size)
            .initial_connection_window_size(config.init_window_size.max(CONNECTION_WINDOW))
            .max_frame_size(config.max_frame_size)
            .max_header_list_size(config.max_header_list_size)
            .max_send_buffer_size(MAX_SEND_BUFFER)
            .enable_connect_protocol();
        let handshake = builder.handshake(PipeEnd(pipe.clone()));
        Session {
            pipe,
            max_table: config.header_table_size as usize,
            state: RefCell::new(State::Preface(handshake)),
            guard: RefCell::new(FrameGuard::new(config.max_frame_size, config.max_header_list_size)),
            stalled: RefCell::default(),
            live: Cell::new(0),
            last_stream: Cell::new(0),
            is_ending: Cell::new(false),
            refuses: Cell::new(false),
            ends_when_idle: Cell::new(false),
            incomplete_since: Cell::new(0),
            was_full: Cell::new(false),
        }
    }

    /// Takes bytes of the client.
    ///
    /// # Errors
    /// If it breaks a rule that the guard knows: the connection is to be closed.
    pub(super) fn receive(&self, bytes: &[u8]) -> Result<(), Violation> {
        let now = clock::monotonic_ms();
        let mut guard = self.guard.borrow_mut();
        let frames_before = guard.frames();
        let outcome = self.pipe.receive(|input| guard.take(bytes, now, input));
        if !guard.is_incomplete() {
            self.incomplete_since.set(0);
        } else if self.incomplete_since.get() == 0 || guard.frames() != frames_before {
            self.incomplete_since.set(now);
        }
        outcome
    }

    /// Inserts the frames of stream 1, which the client has sent as a request of HTTP/1.1.
    pub(super) fn receive_upgraded(&self, frames: &[u8]) {
        self.guard.borrow_mut().note_upgraded_stream();
        self.pipe.receive(|input| input.extend_from_slice(frames));
    }

    /// Whether no more is to be read before `h2` has taken what is here.
    pub(in crate::conn) fn is_full(&self) -> bool {
        let is_full = self.pipe.has_input();
        self.was_full.set(self.was_full.get() || is_full);
        is_full
    }

    /// Whether the connection is to be read or written once more: the input that was not taken was taken now, or output of
    /// `h2` can be written now. Neither is reported by the socket.
    pub(in crate::conn) fn continues(&self, conn: &Connection) -> bool {
        if matches!(&*self.state.borrow(), State::Closed) {
            return false;
        }
        let was_full = self.was_full.replace(false);
        was_full && !self.pipe.has_input() && read::may_read(conn) || !conn.has_output() && self.pipe.has_output()
    }

    /// Milliseconds for which a frame, or a block of header fields, has been incomplete; `None`: none is. Bodies do not count.
    pub(in crate::conn) fn incomplete_for(&self, now: u64) -> Option<u64> {
        Some(self.incomplete_since.get()).filter(|since| *since > 0).map(|since| now.saturating_sub(since))
    }

    /// Has the client open no more streams; those that were accepted are answered, then the connection ends. Streams that
    /// are on the way are accepted too, unless `refuses`: then they are refused in the way that clients send their requests
    /// again elsewhere.
    pub(in crate::conn) fn end_in_order(&self, refuses: bool) {
        self.refuses.set(self.refuses.get() || refuses);
        if !self.is_ending.replace(true)
            && let State::Open(h2) = &mut *self.state.borrow_mut()
        {
            h2.graceful_shutdown();
        }
    }

    /// Whether the client may still open streams after [`end_in_order`](Self::end_in_order), because it may not know yet.
    pub(in crate::conn) fn awaits_client(&self) -> bool {
        // The first GOAWAY names no stream, the second one the last: the client has answered in between.
        self.is_ending.get() && self.pipe.goaways() < 2 && matches!(&*self.state.borrow(), State::Open(_))
    }

    /// Whether streams are open.
    pub(in crate::conn) fn has_streams(&self) -> bool {
        self.live.get() > 0
    }

    /// Sends a PING that is answered by the client alone.
    pub(in crate::conn) fn ping(&self, data: [u8; 8]) {
        self.pipe.insert(&control::ping(data));
    }

    /// Sends a GOAWAY with an error code and a reason for the client's log. Streams that follow are refused, and the
    /// connection ends once no stream is open.
    pub(in crate::conn) fn go_away(&self, code: u32, debug: &[u8]) {
        self.pipe.insert(&control::goaway(self.last_stream.get(), code, &debug[..debug.len().min(MAX_DEBUG)]));
        self.refuses.set(true);
        self.ends_when_idle.set(true);
    }

    /// Ends the connection at once, with a GOAWAY where the socket takes it.
    pub(in crate::conn) fn abort(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, reason: Reason) {
        let _ = self.poll_handshake(&mut Context::from_waker(Waker::noop()));
        if let State::Open(h2) = &mut *self.state.borrow_mut() {
            h2.abrupt_shutdown(reason);
            // Has the frame written to the pipe; its outcome is the end that was asked for.
            let _ = h2.poll_closed(&mut Context::from_waker(Waker::noop()));
        }
        if !conn.has_output() {
            self.flush(owner, conn);
        }
        self.close();
    }

    /// Nothing more is exchanged: the streams end.
    pub(in crate::conn) fn close(&self) {
        self.pipe.end_input();
        let state = std::mem::replace(&mut *self.state.borrow_mut(), State::Closed);
        drop(state);
    }

    /// A stream is closed.
    pub(super) fn note_stream_end(&self) {
        self.live.set(self.live.get().saturating_sub(1));
    }

    /// The fault of the header blocks that were received last.
    fn last_block_fault(&self) -> Option<BlockFault> {
        let input = self.pipe.last_input();
        first_fault(input.strip_prefix(&control::PREFACE[..]).unwrap_or(&input), self.max_table)
    }

    /// Exchanges the prefaces. `false`: the client's is wrong.
    fn poll_handshake(&self, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = self.state.borrow_mut();
        let State::Preface(handshake) = &mut *state else { return Poll::Ready(true) };
        match Pin::new(handshake).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(mut h2)) => {
                if self.is_ending.get() {
                    h2.graceful_shutdown();
                }
                *state = State::Open(h2);
                Poll::Ready(true)
            }
            Poll::Ready(Err(e)) => {
                log::debug!("HTTP/2: {e}");
                Poll::Ready(false)
            }
        }
    }

    /// Exchanges frames; returns the next stream, or the reason why there is none.
    fn poll_next(&self, cx: &mut Context<'_>) -> Next {
        match self.poll_handshake(cx) {
            Poll::Pending => return Next::Pending,
            Poll::Ready(false) => return Next::Failed,
            Poll::Ready(true) => {}
        }
        let mut state = self.state.borrow_mut();
        let State::Open(h2) = &mut *state else { return Next::Closed };
        let waits = |conn: &Rc<Connection>| conn.state() == ConnectionState::Open && conn.is_held(ReadHold::Backlog);
        self.stalled.borrow_mut().retain(waits);
        let next = match self.stalled.borrow().is_empty() {
            true => h2.poll_accept(cx),
            // Frames are still exchanged, but no stream is accepted.
            false => h2.poll_closed(cx).map(|closed| closed.err().map(Err)),
        };
        match next {
            Poll::Pending => Next::Pending,
            Poll::Ready(Some(Ok(incoming))) => Next::Stream(Box::new(incoming)),
            Poll::Ready(None) => Next::End,
            Poll::Ready(Some(Err(e))) => {
                log::debug!("HTTP/2: {e}");
                // The guard has found every other cause of this code.
                if e.is_library()
                    && e.reason() == Some(Reason::PROTOCOL_ERROR)
                    && self.last_block_fault() != Some(BlockFault::Field)
                {
                    self.pipe.change_code_of_goaway(code::PROTOCOL_ERROR, code::COMPRESSION_ERROR);
                }
                Next::Failed
            }
        }
    }

    /// Writes what `h2` has written, in one system call. While the socket takes no more, it stays in the pipe, which is
    /// bounded.
    fn flush(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) {
        if conn.has_output() || !self.pipe.has_output() {
            return;
        }
        let output = self.pipe.take_output();
        self.guard.borrow_mut().note_sent(output.len() as u64);
        owner.write(conn, &output[..], false);
        self.pipe.recycle(output);
    }

    /// Whether user code has ended the connection and the last response was sent.
    fn is_done(&self, conn: &Connection) -> bool {
        self.ends_when_idle.get() && self.live.get() == 0 && !self.pipe.has_output() && !conn.has_output()
    }
}

/// Drives the HTTP/2 side of a connection until nothing more can be done now.
pub(in crate::conn) fn poll(owner: &Rc<Owner>, conn: &Rc<Connection>, session: &Rc<Session>, cx: &mut Context<'_>) {
    loop {
        match session.poll_next(cx) {
            Next::Stream(incoming) => {
                accept(owner, conn, session, *incoming);
                if conn.state() >= ConnectionState::Draining {
                    return;
                }
            }
            Next::Closed => return,
            Next::End => {
                session.flush(owner, conn);
                session.close();
                return owner.end(conn);
            }
            Next::Failed => {
                session.flush(owner, conn);
                session.close();
                add(&owner.slot().aborted, 1);
                return owner.end_after_last_bytes(conn);
            }
            Next::Pending => {
                let was_blocked = session.pipe.is_blocked();
                session.flush(owner, conn);
                if session.is_done(conn) {
                    session.close();
                    return owner.end_after_last_bytes(conn);
                }
                if !was_blocked || session.pipe.is_blocked() {
                    return session.pipe.shrink();
                }
            }
        }
    }
}

fn accept(owner: &Rc<Owner>, parent: &Rc<Connection>, session: &Rc<Session>, (request, mut respond): Incoming) {
    let number = respond.stream_id().as_u32();
    if session.refuses.get() || parent.state() != ConnectionState::Open {
        return respond.send_reset(Reason::REFUSED_STREAM);
    }
    session.last_stream.set(number);
    let (head, body) = request.into_parts();
    let mut message = owner.take_plaintext_buffer();
    let form = head::serialize(&mut message, &head, !body.is_end_stream());
    match form {
        Ok(form) => open(owner, parent, session, Opened { number, head, body, respond, form }, &message),
        Err(head::Malformed) => {
            log::info!("connection {}: stream {number} is reset: its head is malformed", parent.session().0);
            respond.send_reset(Reason::PROTOCOL_ERROR);
        }
    }
    owner.put_plaintext_buffer(message);
}

/// A stream that is accepted.
struct Opened {
    number: u32,
    head: http_types::request::Parts,
    body: RecvStream,
    respond: SendResponse<Bytes>,
    form: BodyForm,
}

/// Makes a connection of the stream and reads its request.
fn open(owner: &Rc<Owner>, parent: &Rc<Connection>, session: &Rc<Session>, stream: Opened, message: &[u8]) {
    let Opened { number, head, body, mut respond, form } = stream;
    let registry = owner.registry();
    let Some((id, index)) = registry.open_stream(parent.session(), parent.index(), number) else {
        add(&owner.slot().aborted, 1);
        return respond.send_reset(Reason::REFUSED_STREAM);
    };
    let body = (form != BodyForm::None).then(|| IncomingBody::new(body, form));
    let transport = Stream::new(parent, respond, head.method.as_str().as_bytes(), form, body);
    let conn = Rc::new(Connection::of_stream(id, index, transport, registry));
    let too_many = parent.port().config.http2.is_some_and(|config| head.headers.len() > config.max_headers as usize);
    drop(head);
    conn.framer.borrow_mut().set_http_rules(RequestRules { requires_host: false, max_form: owner.max_form_length() });
    owner.insert(conn.clone());
    session.live.set(session.live.get() + 1);
    let action = match too_many {
        true => read::refuse_head(owner, &conn),
        false => read::take_bytes(owner, &conn, message),
    };
    if action == ReadAction::Hold {
        conn.hold(ReadHold::Backlog);
        session.stalled.borrow_mut().push(conn.clone());
    }
    owner.tasks.begin(drive::run_stream(owner.clone(), conn));
}

/// The window of the whole connection: it bounds what is received of all bodies together.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Bytes of one response that `h2` keeps. The rest waits where the limits of output count it.
const MAX_SEND_BUFFER: usize = 128 << 10;
/// Bytes of a GOAWAY's text.
const MAX_DEBUG: usize = 1024;
