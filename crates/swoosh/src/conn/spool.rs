//! Bodies that are too long for memory (`input_buffer_size`): written to a file without a name as they come.
//!
//! Runs in: the thread that owns the connection. A request whose connection ends meanwhile leaves nothing behind; one that
//! cannot be written is answered 500, and the cause logged.

use super::connection::{Connection, Stage};
use super::drive;
use super::owner::{Owner, Verdict};
use super::timeouts;
use crate::config::Framing;
use crate::http::incoming::{DISK_ERROR, SpoolError, SpooledRequest};
use crate::log;
use crate::proto::http1::frame::Part;
use crate::proto::http1::reply::CONTINUE;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

/// Whether the unfinished request, of which `here` bytes have come, goes to a file. `whole`: its length, where that is known.
pub(super) fn is_long(owner: &Owner, conn: &Connection, whole: Option<u64>, here: usize) -> bool {
    let most = owner.state.config.input_buffer_size;
    (whole.is_some_and(|whole| whole > most) || here as u64 > most)
        && matches!(conn.port.config.framing, Framing::Http)
        && conn.framer.borrow().part_of_request(here) == Part::Body
}

/// Begins with such a request, of which these bytes have come.
pub(super) fn begin(owner: &Rc<Owner>, conn: &Rc<Connection>, bytes: &[u8]) -> Verdict {
    let folder = &owner.state.config.upload_tmp_dir;
    let (incoming, head) = match SpooledRequest::begin(bytes, conn.port.config.package_max_length, folder) {
        Ok(handover) => handover,
        Err(fault) => return refuse(owner, conn, fault),
    };
    if conn.framer.borrow_mut().take_wish_to_continue() {
        owner.write(conn, CONTINUE, false);
    }
    *conn.spool.borrow_mut() = Some(Box::new(incoming));
    take(owner, conn, &bytes[head..])
}

/// Writes what has come of the body; what comes behind it is the next request.
pub(super) fn take(owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict {
    let Some(mut incoming) = conn.spool.take() else { return Verdict::Go };
    let end = match incoming.take(data) {
        Ok(None) => {
            conn.slot().recv_queued.store(incoming.len(), Relaxed);
            timeouts::note(conn, 0, true);
            *conn.spool.borrow_mut() = Some(incoming);
            return Verdict::Go;
        }
        Ok(Some(end)) => end,
        Err(fault) => return refuse(owner, conn, fault),
    };
    conn.slot().recv_queued.store(0, Relaxed);
    let mut framer = conn.framer.borrow_mut();
    framer.leave_rest();
    conn.deaf.set(framer.was_last());
    drop(framer);
    let (head, body) = incoming.finish();
    let told = owner.upcall().stored_packet(owner, conn, head, body);
    let verdict = drive::settle(owner, conn, told);
    if end == data.len() || conn.deaf.get() || conn.stage() != Stage::Open {
        return verdict;
    }
    match drive::take_packets(owner, conn, &data[end..]) {
        Verdict::Go => verdict,
        other => other,
    }
}

fn refuse(owner: &Rc<Owner>, conn: &Rc<Connection>, fault: SpoolError) -> Verdict {
    let refusal = match fault {
        SpoolError::Refused(refusal) => refusal,
        SpoolError::Disk(cause) => {
            log::error!("a request of connection {} is answered 500: {cause}", conn.session.0);
            DISK_ERROR
        }
    };
    drive::refuse(owner, conn, refusal).unwrap_or(Verdict::Go)
}
