//! Writing: what the socket takes at once is written, the rest is queued.

use super::connection::{Connection, ConnectionState};
use super::http2::session::Session;
use super::http2::stream::Stream;
use super::owner::{Owner, add, is_transient};
use super::parts::Parts;
use super::transport::Transport;
use crate::error::{Code, Error, Result};
use crate::ids::SessionId;
use crate::sys;
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

/// Writes queued output while the socket is writable.
pub(super) fn poll(owner: &Rc<Owner>, conn: &Rc<Connection>, cx: &mut Context<'_>) {
    let io = match &conn.transport {
        Transport::Socket(io) => io,
        Transport::Stream(stream) => return poll_stream(owner, conn, stream),
    };
    loop {
        let mut ready = match io.poll_write_ready(cx) {
            Poll::Pending => return,
            Poll::Ready(Ok(ready)) => ready,
            Poll::Ready(Err(e)) => return owner.lose(conn, &e),
        };
        if owner.flush(conn) {
            return;
        }
        ready.clear_ready();
    }
}

/// Writes queued output while the peer's window is open.
fn poll_stream(owner: &Rc<Owner>, conn: &Rc<Connection>, stream: &Stream) {
    loop {
        match stream.may_send() {
            Ok(true) => {}
            Ok(false) => return,
            Err(e) => return owner.lose(conn, &e),
        }
        if owner.flush(conn) {
            return;
        }
    }
}

impl Owner {
    /// Writes bytes. `counted`: they are part of the row's `send_queued` already.
    pub fn write<'a>(self: &Rc<Self>, conn: &Rc<Connection>, data: impl Into<Parts<'a>>, counted: bool) {
        self.write_parts(conn, data.into(), counted, false);
    }

    /// Like [`write`](Self::write), for bytes that a file follows at once ([`write_file`](Owner::write_file)).
    pub fn write_before_file(self: &Rc<Self>, conn: &Rc<Connection>, data: &[u8], counted: bool) {
        self.write_parts(conn, Parts::from(data), counted, true);
    }

    fn write_parts(self: &Rc<Self>, conn: &Rc<Connection>, data: Parts<'_>, counted: bool, more: bool) {
        let slot = conn.slot();
        if conn.state() >= ConnectionState::Draining {
            if counted {
                conn.note_unqueued(data.len() as u64);
            }
            return;
        }
        add(&self.slot().responses, 1);
        slot.last_send.store(self.now(), Relaxed);
        if conn.corked.get() {
            return self.cork(conn, data, counted, false);
        }
        let mut rest = data;
        if conn.output.borrow().is_empty() {
            // The wire borrows the TLS session, which a failure drops the output of.
            let sent = conn.wire().send(data, more);
            match sent {
                Ok(n) => {
                    add(&self.slot().send_bytes, n as u64);
                    rest = data.after(n);
                    if counted {
                        conn.note_unqueued(n as u64);
                    }
                }
                Err(e) if is_transient(&e) || e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => {
                    if counted {
                        conn.note_unqueued(data.len() as u64);
                    }
                    return self.fail(conn, &e);
                }
            }
        }
        if rest.is_empty() {
            if conn.has_tls_output() || conn.is_over() {
                conn.wake();
            }
            return;
        }
        if !counted {
            slot.send_queued.fetch_add(rest.len() as u64, Relaxed);
        }
        if conn.output.borrow().is_empty() {
            // The peer is given time from now on.
            conn.note_progress();
        }
        conn.output.borrow_mut().push(rest);
        self.note_output_growth(conn);
    }

    /// Writes what the HTTP/2 side has to send, in one system call. While the socket takes no more it stays there, where it is
    /// bounded.
    pub(super) fn flush_http2(self: &Rc<Self>, conn: &Rc<Connection>, session: &Session) {
        if !conn.has_output()
            && let Some(output) = session.take_output()
        {
            self.write(conn, &output[..], false);
            session.recycle(output);
        }
    }

    /// A request of this connection (`None`: something else) is about to be handled. `more_follow`: another request of the
    /// same connection comes right behind it. Replies to pipelined requests are corked and leave together.
    pub fn begin_reply(self: &Rc<Self>, session: Option<SessionId>, more_follow: bool) {
        let ended = self.batch.begin(session, more_follow);
        self.uncork_session(ended);
    }

    /// The request was handled. Corked replies are written unless `more_follow`.
    pub fn end_reply(self: &Rc<Self>, more_follow: bool) {
        let ended = self.batch.end(more_follow);
        self.uncork_session(ended);
    }

    fn uncork_session(self: &Rc<Self>, session: Option<SessionId>) {
        if let Some(conn) = session.and_then(|session| self.find(session)) {
            self.uncork(&conn);
        }
    }

    /// Writes the last bytes of a reply; they are corked where another reply follows at once.
    pub fn write_reply<'a>(self: &Rc<Self>, conn: &Rc<Connection>, data: impl Into<Parts<'a>>, counted: bool) {
        let data = data.into();
        if !self.batch.holds(conn.session()) || conn.state() >= ConnectionState::Draining {
            self.write(conn, data, counted);
        } else {
            add(&self.slot().responses, 1);
            conn.slot().last_send.store(self.now(), Relaxed);
            self.cork(conn, data, counted, true);
        }
        self.note_reply(conn);
    }

    /// Queues bytes, and writes the queue unless `hold`.
    fn cork(self: &Rc<Self>, conn: &Rc<Connection>, data: Parts<'_>, counted: bool, hold: bool) {
        if !counted {
            conn.slot().send_queued.fetch_add(data.len() as u64, Relaxed);
        }
        conn.output.borrow_mut().push(data);
        conn.corked.set(hold && conn.output.borrow().len() <= CORK_LIMIT);
        if !conn.corked.get() {
            self.uncork(conn);
        }
    }

    /// Writes corked replies.
    pub(super) fn uncork(self: &Rc<Self>, conn: &Rc<Connection>) {
        conn.corked.set(false);
        if !self.flush(conn) {
            self.note_output_growth(conn);
        }
    }

    /// Writes a range of a file, behind queued output. `counted`: it is part of the row's `files_queued` already, which its
    /// sender has kept within the limit of queued files.
    pub fn write_file(self: &Rc<Self>, conn: &Rc<Connection>, file: Rc<File>, offset: u64, end: u64, counted: bool) {
        if !counted {
            conn.slot().files_queued.fetch_add(1, Relaxed);
        }
        if conn.state() >= ConnectionState::Draining {
            return conn.note_files_unqueued(1);
        }
        add(&self.slot().responses, 1);
        let is_idle = !conn.has_output();
        if is_idle && conn.is_stream() {
            conn.note_progress();
        }
        conn.output.borrow_mut().push_file(file, offset, end);
        if !is_idle || !self.flush(conn) {
            self.note_output_growth(conn);
        }
    }

    fn note_output_growth(self: &Rc<Self>, conn: &Rc<Connection>) {
        let queued = conn.output.borrow().len();
        if !conn.above_high_watermark.get() && queued > conn.port().config().high_watermark() {
            conn.above_high_watermark.set(true);
            self.observer().watermark(self, conn, true);
        }
        conn.wake();
    }

    /// Writes what the socket takes now; `false` where output remains queued and the socket takes no more.
    pub(super) fn flush(self: &Rc<Self>, conn: &Rc<Connection>) -> bool {
        let files_before = conn.output.borrow().files();
        let (written, result) = conn.output.borrow_mut().write_to(&mut conn.wire());
        conn.note_files_unqueued(files_before - conn.output.borrow().files());
        if written.all > 0 {
            add(&self.slot().send_bytes, written.all);
            conn.note_unqueued(written.from_memory);
            conn.note_progress();
        }
        let queued = conn.output.borrow().len();
        if conn.above_high_watermark.get() && queued <= conn.port().config().low_watermark {
            conn.above_high_watermark.set(false);
            self.observer().watermark(self, conn, false);
        }
        if conn.is_over() {
            conn.wake();
        }
        match result {
            Ok(()) => true,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => false,
            Err(e) => {
                self.lose(conn, &e);
                true
            }
        }
    }

    /// Writes what the socket takes now. Returns whether output remains queued.
    pub fn write_now(self: &Rc<Self>, conn: &Rc<Connection>) -> bool {
        self.flush(conn);
        conn.has_output()
    }

    /// Opens a file for [`write_file`](Self::write_file): the file, its first byte and its end. `length` 0: to its end.
    ///
    /// # Errors
    /// Where the file cannot be opened or is not a regular one, and where the range does not lie within it. The errors have
    /// the codes that `sendfile` shows.
    pub fn open_file(path: &str, offset: u64, length: u64) -> Result<(Rc<File>, u64, u64)> {
        let refused = |cause: io::Error| match cause.raw_os_error() {
            _ if path.contains('\0') => Error::refused("send file", format!("{path:?}"), Code::SystemCallFail),
            _ => Error::system("open", path, cause),
        };
        let file = sys::open::nonblocking(path.as_ref()).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if !metadata.is_file() {
            return Err(Error::refused("send file", path, Code::ServerNotRegularFile));
        }
        if offset >= metadata.len() {
            let subject = format!("{path} from byte {offset} of {}", metadata.len());
            return Err(Error::refused("send file", subject, Code::SystemCallFail));
        }
        let end = if length == 0 { metadata.len() } else { offset.saturating_add(length) };
        if end > metadata.len() {
            let subject = format!("{path} from byte {offset} to {end} of {}", metadata.len());
            return Err(Error::refused("send file", subject, Code::InvalidParams));
        }
        Ok((Rc::new(file), offset, end))
    }
}

/// Files queued for one peer, at most: each is an open descriptor.
pub(crate) const MAX_FILES_QUEUED: u32 = 256;
/// Bytes for one peer that may be corked.
const CORK_LIMIT: u64 = 64 << 10;
