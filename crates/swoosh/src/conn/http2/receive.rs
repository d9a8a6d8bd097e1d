//! Bytes of a client -> its requests.

use super::session::Session;
use crate::conn::connection::Connection;
use crate::conn::owner::{Owner, add};
use crate::log;
use crate::proto::http2::{Violation, code};
use std::rc::Rc;

/// Takes bytes of the client. The requests that they belong to are handled when the connection is polled.
pub(super) fn take_bytes(owner: &Rc<Owner>, conn: &Rc<Connection>, session: &Session, bytes: &[u8]) {
    let mut workspace = owner.http2_workspace.take();
    let received = session.receive(bytes, &mut workspace, |(stream, code, fault)| {
        let (id, peer, code) = (conn.session().0, conn.peer_name(), code::name(code));
        log::info!("connection {id} from {peer}: stream {stream} is reset with {code}: {fault}");
    });
    if workspace.capacity() <= MAX_WORKSPACE {
        owner.http2_workspace.set(workspace);
    }
    if let Err(Violation { code, reason }) = received {
        fail(owner, conn, code, format_args!("HTTP/2: {}: {reason}", code::name(code)));
    }
}

/// Closes a connection because of its client, with a GOAWAY.
pub(super) fn fail(owner: &Rc<Owner>, conn: &Rc<Connection>, code: u32, why: std::fmt::Arguments<'_>) {
    log::info!("connection {} from {} is closed: {why}", conn.session().0, conn.peer_name());
    add(&owner.slot().aborted, 1);
    owner.abort_http2(conn, code);
    owner.end_after_last_bytes(conn);
}

/// Memory for requests that a thread keeps, bytes.
const MAX_WORKSPACE: usize = 256 << 10;
