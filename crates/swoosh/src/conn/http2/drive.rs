//! Drives the HTTP/2 side of a connection, and its streams.
//!
//! Runs in: the tasks of the connection and of each stream. User code may run while a stream is accepted or read: nothing is
//! borrowed then.

use super::body::{IncomingBody, Received};
use super::head::{self, BodyForm};
use super::session::{Incoming, Next, Session};
use super::stream::Stream;
use crate::conn::connection::{Connection, ConnectionState, ReadHold};
use crate::conn::owner::{Owner, ReadAction, add};
use crate::conn::{read, write};
use crate::log;
use crate::proto::http1::request_framer::RequestRules;
use crate::proto::http2::part;
use crate::state::registry::{ConnectionRow, Flags};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

/// Drives the HTTP/2 side of a connection until nothing more can be done now.
pub(in crate::conn) fn poll(owner: &Rc<Owner>, conn: &Rc<Connection>, session: &Rc<Session>, cx: &mut Context<'_>) {
    let is_stalled =
        |stream: &Rc<Connection>| stream.state() == ConnectionState::Open && stream.is_held(ReadHold::Backlog);
    session.begin_exchange(&owner.http2_buffers);
    loop {
        session.retain_stalled(|id| owner.find(id).is_some_and(|stream| is_stalled(&stream)));
        match session.poll_next(cx) {
            Next::Stream(incoming) => {
                accept(owner, conn, session, *incoming);
                if conn.state() >= ConnectionState::Draining {
                    return;
                }
            }
            Next::Closed => return,
            Next::End => {
                report_resets(conn, session);
                owner.flush_http2(conn, session);
                session.close();
                return owner.end(conn);
            }
            Next::Failed(why) => {
                report_resets(conn, session);
                log::info!("connection {} from {} is closed: HTTP/2: {why}", conn.session().0, conn.peer_name());
                owner.flush_http2(conn, session);
                session.close();
                add(&owner.slot().aborted, 1);
                return owner.end_after_last_bytes(conn);
            }
            Next::Pending => {
                report_resets(conn, session);
                let was_blocked = session.is_blocked();
                owner.flush_http2(conn, session);
                if !conn.has_output() && session.is_done() {
                    session.close();
                    return owner.end_after_last_bytes(conn);
                }
                if !was_blocked || session.is_blocked() {
                    return session.give_back(&owner.http2_buffers);
                }
            }
        }
    }
}

/// Logs the streams that were reset because of a fault of the client.
fn report_resets(conn: &Rc<Connection>, session: &Session) {
    for (stream, reason, fault) in session.take_resets() {
        let fault = fault.unwrap_or(match reason {
            Reason::PROTOCOL_ERROR => "the request is malformed (RFC 9113 section 8.1.1)",
            Reason::FLOW_CONTROL_ERROR => "the client has sent more than the window of the stream allows",
            _ => "a frame does not fit the state of the stream (RFC 9113 section 5.1)",
        });
        let (id, peer) = (conn.session().0, conn.peer_name());
        log::info!("connection {id} from {peer}: stream {stream} is reset with {reason:?}: {fault}");
    }
}

/// Sends what the HTTP/2 connections of a worker hold, as far as their sockets take it: its event loop does not run again.
pub(crate) fn send_last(owner: &Rc<Owner>) {
    owner.refuse_streams();
    for conn in owner.all() {
        if let Some(session) = conn.http2() {
            poll(owner, &conn, &session, &mut Context::from_waker(Waker::noop()));
        }
    }
}

fn accept(owner: &Rc<Owner>, parent: &Rc<Connection>, session: &Rc<Session>, (request, mut respond): Incoming) {
    let number = respond.stream_id().as_u32();
    if session.refuses_streams() || parent.state() != ConnectionState::Open {
        return respond.send_reset(Reason::REFUSED_STREAM);
    }
    let (head, body) = request.into_parts();
    let mut message = owner.take_plaintext_buffer();
    let streams_grpc = parent.port().config().http2.is_some_and(|config| config.grpc_streams);
    let form = head::serialize(&mut message, &head, !body.is_end_stream(), streams_grpc);
    match form {
        Ok(form) => open(owner, parent, session, Opened { number, head, body, respond, form }, &message),
        Err(head::Malformed(fault)) => {
            session.note_fault(number, fault);
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
    let transport = Stream::new((parent.session(), session), respond, head.method.as_str().as_bytes(), form, body);
    let conn = Rc::new(Connection::of_stream(id, index, parent.port().clone(), transport, registry));
    let too_many = parent.port().config().http2.is_some_and(|config| head.headers.len() > config.max_headers as usize);
    drop(head);
    conn.framer.borrow_mut().set_http_rules(RequestRules { requires_host: false, max_form: owner.max_form_length() });
    owner.insert(conn.clone());
    session.note_stream(number);
    if form == BodyForm::Parts {
        conn.slot().set_flags(Flags::STREAMED);
    }
    let action = match too_many {
        true => read::refuse_head(owner, &conn),
        false => read::take_bytes(owner, &conn, message),
    };
    if action == ReadAction::Hold {
        conn.hold(ReadHold::Backlog);
        session.note_stalled(id);
    }
    owner.tasks().begin(run_stream(owner.clone(), conn));
}

/// Drives a stream until it is closed.
async fn run_stream(owner: Rc<Owner>, conn: Rc<Connection>) {
    poll_fn(|cx| {
        let Some(stream) = conn.transport.stream() else { return Poll::Ready(()) };
        conn.keep_waker(cx);
        poll_stream(&owner, &conn, stream, cx)
    })
    .await;
    owner.forget(&conn);
}

/// Reads what has arrived of a stream's body.
fn poll_read(owner: &Rc<Owner>, conn: &Rc<Connection>, stream: &Stream, cx: &mut Context<'_>) {
    for _ in 0..READS_PER_TICK {
        if !read::may_read(conn) || stream.poll_readable(cx).is_pending() {
            return;
        }
        let Some(mut body) = stream.take_body() else { return };
        let mut buffer = owner.take_plaintext_buffer();
        let received = body.poll(&mut buffer, cx);
        let is_in_parts = body.is_in_parts();
        let (action, bytes) = match &received {
            Received::Bytes(count) if is_in_parts => (read::take_part(owner, conn, &buffer), *count),
            Received::End if is_in_parts => (read::take_part(owner, conn, &buffer), 0),
            Received::Failed if is_in_parts => (read::take_part(owner, conn, &[part::LOST]), 0),
            Received::Bytes(count) => (read::take_bytes(owner, conn, &buffer), *count),
            Received::Piece(data) => (read::take_bytes(owner, conn, data), data.len()),
            Received::End if !buffer.is_empty() => (read::take_bytes(owner, conn, &buffer), 0),
            _ => (ReadAction::Continue, 0),
        };
        owner.put_plaintext_buffer(buffer);
        if bytes > 0 {
            add(&owner.slot().recv_bytes, bytes as u64);
            conn.slot().last_recv.store(owner.now(), Relaxed);
            body.release(bytes);
        }
        if action == ReadAction::Hold {
            conn.hold(ReadHold::Backlog);
        }
        match received {
            Received::Bytes(_) | Received::Piece(_) => {}
            Received::End if stream.is_tunnel() => return owner.end(conn),
            Received::End => return,
            Received::Failed => return,
            Received::Pending => {
                if conn.state() == ConnectionState::Open {
                    stream.put_body(body);
                }
                return;
            }
        }
        if conn.state() != ConnectionState::Open || conn.discard_input.get() {
            return;
        }
        stream.put_body(body);
    }
    cx.waker().wake_by_ref();
}

/// Drives a stream.
fn poll_stream(owner: &Rc<Owner>, conn: &Rc<Connection>, stream: &Stream, cx: &mut Context<'_>) -> Poll<()> {
    if conn.state() < ConnectionState::Draining && stream.poll_reset(cx) {
        if stream.take_body().is_some_and(|body| body.is_in_parts()) {
            read::take_part(owner, conn, &[part::LOST]);
        }
        let gone = io::Error::from(io::ErrorKind::ConnectionReset);
        owner.lose(conn, &gone);
    }
    if read::may_read(conn) {
        poll_read(owner, conn, stream, cx);
    }
    if conn.has_output() {
        write::poll(owner, conn, cx);
    }
    if stream.is_over() && !conn.has_output() && conn.state() == ConnectionState::Open {
        // A WebSocket ends by its close event.
        match conn.slot().flags().any(Flags::WEBSOCKET) {
            true => owner.end(conn),
            false => owner.finish(conn, false),
        }
    }
    match conn.state() {
        ConnectionState::Closed => Poll::Ready(()),
        ConnectionState::Draining if !conn.has_output() => Poll::Ready(()),
        _ => Poll::Pending,
    }
}

/// Pieces of a body that are read before other streams get their turn.
const READS_PER_TICK: usize = 16;
