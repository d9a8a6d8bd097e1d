//! The task of one connection: handshake, then reading and writing until it is closed.
//!
//! Runs in: the thread that owns the connection.

use super::connection::{Connection, ConnectionState, ReadHold};
use super::owner::{Owner, ReadAction};
use super::{handshake, read, write};
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
    if !conn.waker.borrow().as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
        *conn.waker.borrow_mut() = Some(cx.waker().clone());
    }
    if read::may_read(conn) {
        read::poll(owner, conn, cx);
    }
    if conn.has_output() {
        write::poll(owner, conn, cx);
    }
    match conn.state() {
        ConnectionState::Closed => Poll::Ready(()),
        ConnectionState::Draining if !conn.has_output() => Poll::Ready(()),
        _ => Poll::Pending,
    }
}
