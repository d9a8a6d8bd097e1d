//! Static files that a reactor sends without a worker (`document_root`).
//!
//! Invariant: a response does not overtake those of earlier requests. A file is sent here only if every earlier request of the
//! connection is answered.

use crate::conn::connection::Connection;
use crate::conn::owner::{Owner, add};
use crate::proto::http1::request::{Request, field_buffer};
use crate::state::ServerState;
use crate::state::registry::{ConnectionRow, Flags};
use crate::static_files::{self, FileReply, Files, Lookup, ReplyPart};
use std::rc::Rc;
use std::sync::atomic::Ordering::Acquire;

/// Outcome of the search for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    /// A file was sent.
    Sent,
    /// There is no file.
    NoFile,
    /// There was no search: the worker searches.
    Unchecked,
}

/// Answers a request with a file, if it asks for one.
pub(super) fn serve(state: &ServerState, owner: &Rc<Owner>, conn: &Rc<Connection>, packet: &[u8]) -> Served {
    let Some(files) = conn.port().files() else { return Served::Unchecked };
    if !(packet.starts_with(b"GET ") || packet.starts_with(b"HEAD ")) || !is_answered(state, owner, conn) {
        return Served::Unchecked;
    }
    match lookup(files, packet) {
        Lookup::Reply(reply) => {
            add(&owner.slot().requests, 1);
            send(owner, conn, reply);
            Served::Sent
        }
        Lookup::NotFound => Served::NoFile,
        // A worker may know of more types.
        Lookup::Declined => Served::Unchecked,
    }
}

/// Whether the responses to all earlier requests were written to the socket.
fn is_answered(state: &ServerState, owner: &Owner, conn: &Connection) -> bool {
    let slot = conn.slot();
    // In this order: what a worker sent before it counted a response is in the mailbox, or carried out.
    slot.responses_completed.load(Acquire) == conn.dispatched()
        && state.mailboxes().commands()[owner.id() as usize].is_empty()
        && !conn.has_output()
        && !slot.flags().any(Flags::WEBSOCKET | Flags::STREAMED | Flags::CLOSING | Flags::CLOSED)
}

fn lookup(files: &Files, packet: &[u8]) -> Lookup {
    let mut fields = field_buffer();
    match Request::parse(packet, &mut fields) {
        Some((request, headers)) => static_files::lookup(files, &request, headers),
        None => Lookup::Declined,
    }
}

fn send(owner: &Rc<Owner>, conn: &Rc<Connection>, reply: FileReply) {
    for part in reply.parts {
        match part {
            ReplyPart::Head(text) => owner.write_before_file(conn, text.as_bytes(), false),
            ReplyPart::Text(text) => owner.write(conn, text.as_bytes(), false),
            ReplyPart::File(file, from, to) => owner.write_file(conn, file, from, to, false),
        }
    }
    if !reply.keep_alive {
        let before = conn.slot().set_flags(Flags::CLOSING);
        if !before.any(Flags::CLOSING | Flags::CLOSED) {
            owner.request_close(conn, false);
        }
    }
}
