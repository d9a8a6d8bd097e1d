//! Bodies that are too long for memory (`input_buffer_size`): written to a file without a name as they come.
//!
//! Runs in: the thread that owns the connection. A request whose connection ends meanwhile leaves nothing behind; one that
//! cannot be written is answered 500, and the cause logged.

use super::connection::{Connection, Stage};
use super::drive;
use super::owner::{Owner, Verdict};
use super::patience;
use crate::config::Framing;
use crate::log;
use crate::proto::http1::Refusal;
use crate::proto::http1::body::Reader;
use crate::proto::http1::frame::Part;
use crate::proto::http1::reply::CONTINUE;
use crate::proto::http1::request::{Request, room};
use crate::sys::stored::Stored;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

/// One request on its way to a file.
pub(super) struct Spool {
    head: Vec<u8>,
    body: Reader,
    file: Stored,
}

/// Whether the unfinished request, of which `here` bytes have come, goes to a file. `whole`: its length, where that is known.
pub(super) fn is_long(owner: &Owner, conn: &Connection, whole: Option<u64>, here: usize) -> bool {
    let most = owner.heritage.config.input_buffer_size;
    (whole.is_some_and(|whole| whole > most) || here as u64 > most)
        && matches!(conn.port.config.framing, Framing::Http)
        && conn.framer.borrow().part_of_request(here) == Part::Body
}

/// Begins with such a request, of which these bytes have come.
pub(super) fn begin(owner: &Rc<Owner>, conn: &Rc<Connection>, bytes: &[u8]) -> Verdict {
    let mut fields = room();
    let Some((request, headers)) = Request::parse(bytes, &mut fields) else {
        return refuse(owner, conn, Refusal::new(400, "the head is malformed"));
    };
    let body = Reader::of(&request, headers, conn.port.config.package_max_length);
    let file = match Stored::new(&owner.heritage.config.upload_tmp_dir) {
        Ok(file) => file,
        Err(e) => return cannot(owner, conn, &e),
    };
    if conn.framer.borrow_mut().take_wish_to_continue() {
        owner.write(conn, CONTINUE, false);
    }
    let (head, rest) = bytes.split_at(request.head);
    *conn.spool.borrow_mut() = Some(Box::new(Spool { head: head.to_vec(), body, file }));
    take(owner, conn, rest)
}

/// Writes what has come of the body; what comes behind it is the next request.
pub(super) fn take(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict {
    let Some(mut spool) = conn.spool.take() else { return Verdict::Go };
    let Spool { body, file, .. } = &mut *spool;
    let mut failed = None;
    let taken = body.take(data, |piece| {
        file.push(piece).map_err(|e| {
            failed = Some(e);
            Refusal::new(500, "its body cannot be written to disk")
        })
    });
    let end = match taken {
        Ok(None) => {
            conn.slot().recv_queued.store(file.len(), Relaxed);
            patience::note(conn, 0, true);
            *conn.spool.borrow_mut() = Some(spool);
            return Verdict::Go;
        }
        Ok(Some(end)) => end,
        Err(refusal) => {
            return match failed {
                Some(e) => cannot(owner, conn, &e),
                None => refuse(owner, conn, refusal),
            };
        }
    };
    conn.slot().recv_queued.store(0, Relaxed);
    let mut framer = conn.framer.borrow_mut();
    framer.leave_rest();
    conn.deaf.set(framer.was_last());
    drop(framer);
    let told = owner.upcall().stored_packet(owner, conn, spool.head, spool.file);
    let verdict = drive::settle(owner, conn, told);
    if end == data.len() || conn.deaf.get() || conn.stage() != Stage::Open {
        return verdict;
    }
    match drive::take_packets(owner, conn, &data[end..]) {
        Verdict::Go => verdict,
        other => other,
    }
}

fn cannot(owner: &Rc<Owner>, conn: &Rc<Connection>, cause: &crate::Error) -> Verdict {
    log::error!("a request of connection {} is answered 500: {cause}", conn.session.0);
    refuse(owner, conn, Refusal::new(500, "its body cannot be kept"))
}

fn refuse(owner: &Rc<Owner>, conn: &Rc<Connection>, refusal: Refusal) -> Verdict {
    drive::refuse(owner, conn, refusal).unwrap_or(Verdict::Go)
}
