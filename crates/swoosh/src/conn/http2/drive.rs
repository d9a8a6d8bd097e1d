//! Drives the HTTP/2 side of a connection, and its streams.
//!
//! Runs in: the tasks of the connection and of each stream. User code may run while a request is accepted or read: nothing is
//! borrowed then.

use super::body::Request;
use super::receive;
use super::session::Session;
use super::stream::Stream;
use crate::conn::connection::{Connection, ConnectionState, ReadHold};
use crate::conn::owner::{Owner, ReadAction, add};
use crate::conn::{read, write};
use crate::proto::http1::request_framer::RequestRules;
use crate::proto::http2::server::BodyForm;
use crate::proto::http2::{code, part};
use crate::state::registry::{ConnectionRow, Flags};
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// Accepts requests, and passes on what has arrived of them.
fn handle(owner: &Rc<Owner>, conn: &Rc<Connection>, session: &Rc<Session>) {
    while let Some(request) = session.next_request() {
        accept(owner, conn, session, &request);
        if conn.state() >= ConnectionState::Draining {
            return;
        }
    }
    while let Some(request) = session.next_arrival() {
        if let Some(stream) = request.connection().and_then(|id| owner.find(id)) {
            take_arrived(owner, &stream, session, &request);
        }
    }
}

/// Drives the HTTP/2 side of a connection until nothing more can be done now.
pub(in crate::conn) fn poll(owner: &Rc<Owner>, conn: &Rc<Connection>, session: &Rc<Session>) {
    if session.is_closed() {
        return;
    }
    let is_stalled =
        |stream: &Rc<Connection>| stream.state() == ConnectionState::Open && stream.is_held(ReadHold::Backlog);
    session.note_exchange();
    loop {
        session.retain_stalled(|id| owner.find(id).is_some_and(|stream| is_stalled(&stream)));
        handle(owner, conn, session);
        owner.flush_http2(conn, session);
        session.wake_writers();
        if session.is_closed() || !session.can_go_on() {
            break;
        }
        receive::take_bytes(owner, conn, session, &[]);
    }
    if session.is_closed() {
        return;
    }
    session.give_back();
    if !conn.has_output() && session.is_done() {
        session.close();
        owner.end_after_last_bytes(conn);
    }
}

/// The last flush of a worker that ends: writes what the HTTP/2 connections hold, as far as their sockets take it.
pub(crate) fn send_last(owner: &Rc<Owner>) {
    owner.refuse_streams();
    for conn in owner.all() {
        if let Some(session) = conn.http2() {
            poll(owner, &conn, &session);
        }
    }
}

/// Makes a connection of a request's stream, and passes its head on.
fn accept(owner: &Rc<Owner>, parent: &Rc<Connection>, session: &Rc<Session>, request: &Rc<Request>) {
    let number = request.number;
    if request.is_reset() {
        return;
    }
    if session.refuses_streams() || parent.state() != ConnectionState::Open {
        return session.with(|http2| http2.reset(number, code::REFUSED_STREAM));
    }
    let registry = owner.registry();
    let Some((id, index)) = registry.open_stream(parent.session(), parent.index(), number) else {
        add(&owner.slot().aborted, 1);
        return session.with(|http2| http2.reset(number, code::REFUSED_STREAM));
    };
    let transport = Stream::new(session, request.clone(), parent.session());
    let conn = Rc::new(Connection::of_stream(id, index, parent.port().clone(), transport, registry));
    conn.framer.borrow_mut().set_http_rules(RequestRules { requires_host: false, max_form: owner.max_form_length() });
    owner.insert(conn.clone());
    request.set_connection(id);
    if request.form == BodyForm::Parts {
        conn.slot().set_flags(Flags::STREAMED);
    }
    if request.is_too_large {
        read::refuse_head(owner, &conn);
    } else if let Some(head) = request.take_head() {
        if read::take_bytes(owner, &conn, &head) == ReadAction::Hold {
            hold(&conn, session);
        }
    } else {
        take_arrived(owner, &conn, session, request);
    }
    owner.tasks().begin(run_stream(owner.clone(), conn));
}

/// The backlog of the stream's worker is full.
fn hold(conn: &Rc<Connection>, session: &Session) {
    conn.hold(ReadHold::Backlog);
    session.note_stalled(conn.session());
}

/// Drives a stream until it is closed.
async fn run_stream(owner: Rc<Owner>, conn: Rc<Connection>) {
    poll_fn(|cx| {
        let Some(stream) = conn.transport.stream() else { return Poll::Ready(()) };
        conn.keep_waker(cx);
        stream.request().keep_waker(cx.waker());
        poll_stream(&owner, &conn, stream, cx)
    })
    .await;
    owner.forget(&conn);
}

/// Passes on what has arrived of a request, unless its stream is not read now.
fn take_arrived(owner: &Rc<Owner>, conn: &Rc<Connection>, session: &Session, request: &Rc<Request>) {
    let Some(stream) = conn.transport.stream() else { return };
    if !read::may_read(conn) || conn.discard_input.get() || !stream.is_readable() {
        return;
    }
    let Some(arrived) = request.take() else { return };
    let is_in_parts = request.form == BodyForm::Parts;
    let action = match arrived.bytes.is_empty() {
        true => ReadAction::Continue,
        false if is_in_parts => read::take_part(owner, conn, &[&[part::DATA], &arrived.bytes[..]].concat()),
        false => read::take_bytes(owner, conn, &arrived.bytes),
    };
    if arrived.of_body > 0 {
        add(&owner.slot().recv_bytes, arrived.of_body as u64);
        conn.slot().last_recv.store(owner.now(), Relaxed);
        session.release(request.number, arrived.of_body);
        session.wake();
    }
    if action == ReadAction::Hold {
        hold(conn, session);
    }
    if arrived.is_complete && conn.state() == ConnectionState::Open {
        match request.form {
            BodyForm::Parts => _ = read::take_part(owner, conn, &[part::END]),
            BodyForm::Tunnel => owner.end(conn),
            _ => {}
        }
    }
}

/// Drives a stream.
fn poll_stream(owner: &Rc<Owner>, conn: &Rc<Connection>, stream: &Stream, cx: &mut Context<'_>) -> Poll<()> {
    if conn.state() < ConnectionState::Draining && stream.is_lost() {
        if stream.request().lacks_last_part() {
            read::take_part(owner, conn, &[part::LOST]);
        }
        let gone = io::Error::from(io::ErrorKind::ConnectionReset);
        owner.lose(conn, &gone);
    }
    take_arrived(owner, conn, stream.session(), stream.request());
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
