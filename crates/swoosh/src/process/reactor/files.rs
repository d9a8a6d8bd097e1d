//! Files that a reactor sends by itself (`document_root`), without a worker.
//!
//! An answer must not overtake those of earlier requests: it is given here only where workers owe the connection nothing.

use crate::conn::connection::Connection;
use crate::conn::owner::{Owner, add};
use crate::conn::registry::Flags;
use crate::http::files::{self, FileReply, Files, Lookup, ReplyPart};
use crate::proto::http1::request::{Request, room};
use std::rc::Rc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// A file has answered it.
    Done,
    /// No file does.
    NoFile,
    /// Nobody has looked: that is a worker's to do.
    NotLooked,
}

/// Answers a request with a file, where it is for one.
pub fn serve(owner: &Rc<Owner>, conn: &Rc<Connection>, packet: &[u8]) -> Served {
    let Some(files) = &conn.port.files else { return Served::NotLooked };
    if !(packet.starts_with(b"GET ") || packet.starts_with(b"HEAD ")) || !is_owed_nothing(owner, conn) {
        return Served::NotLooked;
    }
    match look(files, packet) {
        Lookup::Reply(reply) => {
            add(&owner.slot().requests, 1);
            send(owner, conn, reply);
            Served::Done
        }
        Lookup::NotFound => Served::NoFile,
        // A worker may know of more types.
        Lookup::Declined => Served::NotLooked,
    }
}

/// Whether every earlier answer has reached this thread, and the peer's socket.
fn is_owed_nothing(owner: &Owner, conn: &Connection) -> bool {
    let slot = conn.slot();
    // In this order: what a worker sent before it counted an answer is in the mailbox, or carried out.
    slot.answered.load(Acquire) == conn.given.get()
        && owner.state.orders[owner.id as usize].is_empty()
        && !conn.has_output()
        && !Flags(slot.flags.load(Relaxed)).any(Flags::WEBSOCKET | Flags::CLOSING | Flags::CLOSED)
}

fn look(files: &Files, packet: &[u8]) -> Lookup {
    let mut fields = room();
    match Request::parse(packet, &mut fields) {
        Some((request, headers)) => files::lookup(files, &request, headers),
        None => Lookup::Declined,
    }
}

fn send(owner: &Rc<Owner>, conn: &Rc<Connection>, reply: FileReply) {
    for part in reply.parts {
        match part {
            ReplyPart::Head(text) => owner.write_head(conn, text.as_bytes(), false),
            ReplyPart::Text(text) => owner.write(conn, text.as_bytes(), false),
            ReplyPart::File(file, from, to) => owner.write_file(conn, file, from, to),
        }
    }
    if !reply.keep_alive {
        let before = Flags(conn.slot().flags.fetch_or(Flags::CLOSING, Relaxed));
        if !before.any(Flags::CLOSING | Flags::CLOSED) {
            owner.want_close(conn, false);
        }
    }
}
