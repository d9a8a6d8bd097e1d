//! HTTP bodies that are too long for memory (`input_buffer_size`): written to an unnamed file as they arrive.
//!
//! Runs in: the thread that owns the connection. A request whose connection ends early leaves no file; one that cannot be
//! written is answered 500, and the cause is logged.

use super::connection::Connection;
use super::incoming::{DISK_ERROR, SpoolError, SpooledRequest};
use super::owner::Owner;
use crate::config::Framing;
use crate::log;
use crate::proto::http1::Refusal;
use crate::proto::http1::request_framer::Progress;
use crate::proto::http1::response_writer::CONTINUE;
use crate::sys::temp_file::TempFile;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

/// A complete request with a stored body.
pub(super) struct StoredRequest {
    /// The request without its body.
    pub(super) head: Vec<u8>,
    pub(super) body: TempFile,
    /// Where the body ends in the bytes that completed it.
    pub(super) end: usize,
}

/// Whether an incomplete request, of which `here` bytes have arrived, is to be stored. `whole`: its length, where known.
pub(super) fn is_long(owner: &Owner, conn: &Connection, whole: Option<u64>, here: usize) -> bool {
    // Only a form with files may exceed the length of a packet; it is never kept in memory.
    let limit = owner.state.config().input_buffer_size.min(conn.port().config().package_max_length);
    (whole.is_some_and(|whole| whole > limit) || here as u64 > limit)
        && matches!(conn.port().config().framing, Framing::Http)
        && conn.framer.borrow().request_progress(here) == Progress::Body
}

/// Starts to store a request, of which `bytes` have arrived. Returns the length of its head.
pub(super) fn begin(owner: &Rc<Owner>, conn: &Rc<Connection>, bytes: &[u8]) -> Result<usize, Refusal> {
    let folder = &owner.state.config().upload_tmp_dir;
    let max = conn.framer.borrow().max_request_length(conn.port().config().package_max_length);
    let begun = SpooledRequest::begin(bytes, max, folder);
    let (incoming, head) = begun.map_err(|fault| refusal_of(conn, fault))?;
    if conn.framer.borrow_mut().take_expect_continue() {
        owner.write(conn, CONTINUE, false);
    }
    *conn.spool.borrow_mut() = Some(Box::new(incoming));
    Ok(head)
}

/// Writes bytes of the body; the request, once it is complete.
pub(super) fn take(conn: &Connection, data: &[u8]) -> Result<Option<StoredRequest>, Refusal> {
    let Some(mut incoming) = conn.spool.take() else { return Ok(None) };
    let Some(end) = incoming.take(data).map_err(|fault| refusal_of(conn, fault))? else {
        conn.slot().recv_queued.store(incoming.len(), Relaxed);
        conn.note_request_bytes(0, true);
        *conn.spool.borrow_mut() = Some(incoming);
        return Ok(None);
    };
    conn.slot().recv_queued.store(0, Relaxed);
    let mut framer = conn.framer.borrow_mut();
    framer.skip_request();
    conn.discard_input.set(framer.closes_connection());
    let (head, body) = incoming.finish();
    Ok(Some(StoredRequest { head, body, end }))
}

fn refusal_of(conn: &Connection, fault: SpoolError) -> Refusal {
    match fault {
        SpoolError::Refused(refusal) => refusal,
        SpoolError::Disk(cause) => {
            log::error!("a request of connection {} is answered 500: {cause}", conn.session().0);
            DISK_ERROR
        }
    }
}
