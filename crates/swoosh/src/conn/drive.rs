//! The task of one connection: handshake, then reading and writing until it is closed.
//!
//! Runs in: the thread that owns the connection.

use super::connection::{Connection, ConnectionState, ReadHold};
use super::owner::{Owner, ReadAction};
use super::{handshake, http2, read, write};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Drives a connection until it is closed.
pub(super) async fn run(owner: Rc<Owner>, conn: Rc<Connection>) {
    if conn.state() == ConnectionState::Handshaking && !handshake::run(&owner, &conn).await {
        return owner.forget(&conn);
    }
    match owner.observer().connect(&owner, &conn) {
        ReadAction::Continue => {}
        ReadAction::Hold => conn.hold(ReadHold::Backlog),
        ReadAction::Close => owner.end(&conn),
    }
    poll_fn(|cx| poll(&owner, &conn, cx)).await;
    owner.forget(&conn);
}

fn poll(owner: &Rc<Owner>, conn: &Rc<Connection>, cx: &mut Context<'_>) -> Poll<()> {
    conn.keep_waker(cx);
    for round in 0.. {
        if read::may_read(conn) {
            read::poll(owner, conn, cx);
        }
        if let Some(session) = conn.http2() {
            session.keep_waker(cx.waker());
            http2::drive::poll(owner, conn, &session);
        }
        if conn.has_output() {
            write::poll(owner, conn, cx);
        }
        // The input that HTTP/2 had no room for was taken now, or its output was written: neither is reported again.
        let goes_on = conn.http2().is_some_and(|session| session.continues(conn.has_output()));
        if !goes_on {
            break;
        }
        if round == MAX_ROUNDS {
            cx.waker().wake_by_ref();
            break;
        }
    }
    match conn.state() {
        ConnectionState::Closed => Poll::Ready(()),
        ConnectionState::Draining if !conn.has_output() => Poll::Ready(()),
        _ => Poll::Pending,
    }
}

/// Rounds of reading and writing of an HTTP/2 connection before other connections get their turn.
const MAX_ROUNDS: u32 = 4;
