//! Files that a reactor sends by itself (`document_root`), without a worker.
//!
//! An answer must not overtake those of earlier requests: it is given here only where workers owe the connection nothing.

use crate::conn::connection::Connection;
use crate::conn::owner::{Owner, add};
use crate::conn::registry::Flags;
use crate::http::files::{self, Answer, Files, Looked, Piece};
use crate::proto::http1::request::{Request, header_buffer};
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
        Looked::Answer(answer) => {
            add(&owner.slot().requests, 1);
            send(owner, conn, answer);
            Served::Done
        }
        Looked::Nothing => Served::NoFile,
        // A worker may know of more types.
        Looked::Callbacks => Served::NotLooked,
    }
}

/// Whether every earlier answer has reached this thread, and the peer's socket.
fn is_owed_nothing(owner: &Owner, conn: &Connection) -> bool {
    let slot = conn.slot();
    // In this order: what a worker sent before it counted an answer is in the mailbox, or carried out.
    slot.responses_completed.load(Acquire) == conn.given.get()
        && owner.state.orders[owner.id as usize].is_empty()
        && !conn.has_output()
        && !Flags(slot.flags.load(Relaxed)).any(Flags::WEBSOCKET | Flags::CLOSING | Flags::CLOSED)
}

fn look(files: &Files, packet: &[u8]) -> Looked {
    let mut fields = header_buffer();
    match Request::parse(packet, &mut fields) {
        Some((request, headers)) => files::look(files, &request, headers),
        None => Looked::Callbacks,
    }
}

fn send(owner: &Rc<Owner>, conn: &Rc<Connection>, answer: Answer) {
    for piece in answer.pieces {
        match piece {
            Piece::Head(words) => owner.write_head(conn, words.as_bytes(), false),
            Piece::Words(words) => owner.write(conn, words.as_bytes(), false),
            Piece::File(file, from, to) => owner.write_file(conn, file, from, to),
        }
    }
    if !answer.keep {
        let before = Flags(conn.slot().flags.fetch_or(Flags::CLOSING, Relaxed));
        if !before.any(Flags::CLOSING | Flags::CLOSED) {
            owner.want_close(conn, false);
        }
    }
}
