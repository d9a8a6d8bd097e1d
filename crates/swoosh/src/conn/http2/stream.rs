//! One stream: the transport of a connection whose peer is a request of HTTP/2.

use super::body::Request;
use super::session::Session;
use crate::conn::parts::Parts;
use crate::ids::SessionId;
use crate::log;
use crate::proto::http2::code;
use crate::proto::http2::response::{Fields, ResponseSink, ResponseTranslator};
use crate::proto::http2::server::BodyForm;
use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// A stream of HTTP/2.
pub(crate) struct Stream {
    session: Rc<Session>,
    request: Rc<Request>,
    /// The connection's id.
    connection: SessionId,
    translator: RefCell<ResponseTranslator>,
}

impl Stream {
    /// The stream of a request. `connection`: the id of its connection.
    pub(super) fn new(session: &Rc<Session>, request: Rc<Request>, connection: SessionId) -> Self {
        let method: &[u8] = match request.form {
            _ if request.is_head => b"HEAD",
            BodyForm::None if request.is_connect() => b"CONNECT",
            _ => b"GET",
        };
        let is_tunnel = request.form == BodyForm::Tunnel;
        let translator = RefCell::new(ResponseTranslator::new(method, is_tunnel));
        Stream { session: session.clone(), request, connection, translator }
    }

    /// The HTTP/2 side of the connection.
    pub(in crate::conn) fn session(&self) -> &Rc<Session> {
        &self.session
    }

    /// The client's side.
    pub(super) fn request(&self) -> &Rc<Request> {
        &self.request
    }

    /// Whether the response is complete, or nothing can be sent any more.
    pub(in crate::conn) fn is_over(&self) -> bool {
        self.request.is_reset() || self.translator.borrow().is_complete()
    }

    /// Whether the stream was reset before its response was complete.
    pub(super) fn is_lost(&self) -> bool {
        self.request.is_reset() && !self.translator.borrow().is_complete()
    }

    /// Sends a prefix of `parts`; its length.
    ///
    /// # Errors
    /// `WouldBlock` while the peer's window is closed; others if the stream was reset.
    pub(in crate::conn) fn send(&self, parts: Parts<'_>) -> io::Result<usize> {
        let mut sent = 0;
        for part in parts.slices() {
            let taken = self.take(part)?;
            sent += taken;
            if taken < part.len() {
                break;
            }
        }
        if sent == 0 && !parts.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(sent) }
    }

    /// Sends at most `len` bytes of a file from `offset`, and advances it. 0: the file ends here.
    ///
    /// # Errors
    /// Those of [`send`](Stream::send), and the file's.
    pub(in crate::conn) fn send_file(&self, file: &File, offset: &mut u64, len: usize) -> io::Result<usize> {
        if self.request.is_reset() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let room = self.session.send_capacity(&self.request, len.min(FILE_PIECE));
        if room == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut piece = vec![0; room];
        let read = file.read_at(&mut piece, *offset)?;
        let sent = if read == 0 { 0 } else { self.take(&piece[..read])? };
        *offset += sent as u64;
        Ok(sent)
    }

    fn take(&self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.request.is_reset() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let was_tunnel = self.translator.borrow().is_tunnel();
        let taken = self.translator.borrow_mut().take(bytes, &mut self.sink());
        if !was_tunnel && self.translator.borrow().is_tunnel() {
            // Bytes of the client may be read now.
            self.request.wake();
        }
        match taken {
            Ok(taken) => {
                if taken > 0 {
                    self.session.wake();
                }
                Ok(taken)
            }
            Err(e) => {
                log::info!("stream {} of connection {}: {}", self.request.number, self.connection.0, e.0);
                self.reset(code::INTERNAL_ERROR);
                Err(io::Error::new(io::ErrorKind::InvalidData, e.0))
            }
        }
    }

    fn sink(&self) -> Sink<'_> {
        Sink { session: &self.session, request: &self.request }
    }

    /// Whether something may be sent; if not, the stream's task is woken once it may.
    ///
    /// # Errors
    /// If the stream was reset.
    pub(in crate::conn) fn may_send(&self) -> io::Result<bool> {
        if self.request.is_reset() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(!self.translator.borrow().has_head() || self.session.may_send(&self.request))
    }

    /// Resets the stream, unless its response is complete.
    pub(in crate::conn) fn reset(&self, code: u32) {
        if !self.translator.borrow().is_complete() {
            self.session.with(|http2| http2.reset(self.request.number, code));
        }
        self.request.note_reset();
        self.session.wake();
    }

    /// Nothing more is sent: ends a response that ends with its connection, and resets the stream if the response is
    /// incomplete. `was_delivered`: user code may have seen the request.
    pub(in crate::conn) fn finish(&self, was_delivered: bool) {
        let number = self.request.number;
        let is_ended = self.request.is_reset() || self.translator.borrow_mut().close(&mut self.sink());
        if is_ended {
            self.session.with(|http2| http2.close(number));
        } else {
            // The peer may send a request again that was not delivered.
            self.reset(if was_delivered { code::INTERNAL_ERROR } else { code::REFUSED_STREAM });
        }
        self.request.take();
        self.session.wake();
    }

    /// Whether bytes of the body may be read: those of a tunnel belong to the protocol that the response accepts.
    pub(super) fn is_readable(&self) -> bool {
        self.request.form != BodyForm::Tunnel || self.translator.borrow().is_tunnel()
    }
}

/// Passes the parts of a response to the connection.
struct Sink<'a> {
    session: &'a Session,
    request: &'a Request,
}

impl ResponseSink for Sink<'_> {
    fn interim(&mut self, status: u16, fields: &Fields<'_>) {
        self.session.with(|http2| http2.send_interim(self.request.number, status, fields));
    }

    fn head(&mut self, status: u16, fields: &Fields<'_>, is_end: bool) {
        self.session.with(|http2| http2.send_head(self.request.number, status, fields, is_end));
    }

    fn send_capacity(&mut self, wanted: usize) -> usize {
        self.session.send_capacity(self.request, wanted)
    }

    fn data(&mut self, data: &[u8], is_end: bool) {
        self.session.send_data(self.request, data, is_end);
    }

    fn trailers(&mut self, fields: &Fields<'_>) {
        self.session.with(|http2| http2.send_trailers(self.request.number, fields));
    }
}

/// Bytes of a file that are read at once.
const FILE_PIECE: usize = 128 << 10;
