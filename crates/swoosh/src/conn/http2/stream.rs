//! One stream: the transport of a connection whose peer is a request of HTTP/2.

use super::body::IncomingBody;
use super::head::BodyForm;
use super::session::Session;
use crate::conn::parts::Parts;
use crate::ids::SessionId;
use crate::log;
use crate::proto::http2::response::{Fields, ResponseSink, ResponseTranslator};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http_types::header::{HeaderMap, HeaderName, HeaderValue};
use http_types::{Response, StatusCode};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// A stream of HTTP/2.
pub(crate) struct Stream {
    session: Rc<Session>,
    /// The connection's id.
    connection: SessionId,
    number: u32,
    translator: RefCell<ResponseTranslator>,
    output: RefCell<Output>,
    body: RefCell<Option<IncomingBody>>,
    is_tunnel: bool,
    /// Woken when the response has accepted the tunnel.
    reader: Cell<Option<Waker>>,
    /// The peer, or a fault, has ended it.
    is_reset: Cell<bool>,
}

/// The way to the peer.
enum Output {
    /// The head was not sent.
    Head(SendResponse<Bytes>),
    Body(SendStream<Bytes>),
    /// The stream was reset, or ended with its head.
    Closed,
}

impl Stream {
    /// A stream of a connection, whose request has that method and a body of that form.
    pub(super) fn new(
        (connection, session): (SessionId, &Rc<Session>),
        respond: SendResponse<Bytes>,
        method: &[u8],
        form: BodyForm,
        body: Option<IncomingBody>,
    ) -> Self {
        let is_tunnel = form == BodyForm::Tunnel;
        Stream {
            session: session.clone(),
            connection,
            number: respond.stream_id().as_u32(),
            translator: RefCell::new(ResponseTranslator::new(method, is_tunnel)),
            output: RefCell::new(Output::Head(respond)),
            body: RefCell::new(body),
            is_tunnel,
            reader: Cell::new(None),
            is_reset: Cell::new(false),
        }
    }

    /// The HTTP/2 side of the connection.
    pub(in crate::conn) fn session(&self) -> &Rc<Session> {
        &self.session
    }

    /// Whether the response is complete, or nothing can be sent any more.
    pub(in crate::conn) fn is_over(&self) -> bool {
        self.is_reset.get() || self.translator.borrow().is_complete()
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
        let room = self.sink(|sink| sink.room(len.min(FILE_PIECE)))?;
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
        let taken = self.sink(|sink| self.translator.borrow_mut().take(bytes, sink))?;
        if self.is_tunnel
            && self.translator.borrow().is_tunnel()
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
        let failed = match taken {
            Ok(taken) if !self.is_reset.get() => return Ok(taken),
            Ok(_) => io::ErrorKind::ConnectionReset.into(),
            Err(e) => {
                log::info!("stream {} of connection {}: {}", self.number, self.connection.0, e.0);
                io::Error::new(io::ErrorKind::InvalidData, e.0)
            }
        };
        self.reset(Reason::INTERNAL_ERROR);
        Err(failed)
    }

    fn sink<T>(&self, with: impl FnOnce(&mut Sink<'_>) -> T) -> io::Result<T> {
        if self.is_reset.get() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(with(&mut Sink { output: &mut self.output.borrow_mut(), is_reset: &self.is_reset }))
    }

    /// Waits for the peer's window.
    pub(in crate::conn) fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut output = self.output.borrow_mut();
        let Output::Body(stream) = &mut *output else { return Poll::Ready(Ok(())) };
        loop {
            if stream.capacity() > 0 {
                return Poll::Ready(Ok(()));
            }
            match stream.poll_capacity(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            }
        }
    }

    /// Whether the peer, or the end of its connection, has ended the stream.
    pub(in crate::conn) fn poll_reset(&self, cx: &mut Context<'_>) -> bool {
        let ended = match &mut *self.output.borrow_mut() {
            Output::Head(respond) => respond.poll_reset(cx).is_ready(),
            Output::Body(stream) => stream.poll_reset(cx).is_ready(),
            Output::Closed => false,
        };
        if ended && !self.is_over() {
            self.is_reset.set(true);
        }
        self.is_reset.get()
    }

    /// Resets the stream, unless its response is complete.
    pub(in crate::conn) fn reset(&self, reason: Reason) {
        let output = std::mem::replace(&mut *self.output.borrow_mut(), Output::Closed);
        if !self.translator.borrow().is_complete() {
            match output {
                Output::Head(mut respond) => respond.send_reset(reason),
                Output::Body(mut stream) => stream.send_reset(reason),
                Output::Closed => {}
            }
        }
        self.is_reset.set(true);
        self.session.wake();
    }

    /// Nothing more is sent: ends a response that ends with its connection, and resets the stream if the response is
    /// incomplete. `was_delivered`: user code may have seen the request.
    pub(in crate::conn) fn finish(&self, was_delivered: bool) {
        let ended = self.sink(|sink| self.translator.borrow_mut().close(sink));
        if !matches!(ended, Ok(true)) && !self.is_reset.get() {
            // The peer may send a request again that was not delivered.
            self.reset(if was_delivered { Reason::INTERNAL_ERROR } else { Reason::REFUSED_STREAM });
        }
        self.body.take();
        *self.output.borrow_mut() = Output::Closed;
        self.session.note_stream_end();
        self.session.wake();
    }

    /// Whether it is a tunnel, which a WebSocket is (RFC 8441).
    pub(super) fn is_tunnel(&self) -> bool {
        self.is_tunnel
    }

    /// Waits until bytes of the body may be read: those of a tunnel belong to the protocol that the response accepts.
    pub(super) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_tunnel || self.translator.borrow().is_tunnel() {
            return Poll::Ready(());
        }
        self.reader.set(Some(cx.waker().clone()));
        Poll::Pending
    }

    /// Takes the body out while user code runs, which may end the stream.
    pub(super) fn take_body(&self) -> Option<IncomingBody> {
        self.body.take()
    }

    /// Puts the body back.
    pub(super) fn put_body(&self, body: IncomingBody) {
        self.body.replace(Some(body));
    }
}

/// Passes the parts of a response to `h2`.
struct Sink<'a> {
    output: &'a mut Output,
    is_reset: &'a Cell<bool>,
}

impl Sink<'_> {
    fn check<T>(&self, result: Result<T, h2::Error>) -> Option<T> {
        if let Err(e) = &result {
            log::debug!("a stream is closed: {e}");
            self.is_reset.set(true);
        }
        result.ok()
    }
}

impl ResponseSink for Sink<'_> {
    fn interim(&mut self, status: u16, fields: &Fields<'_>) {
        if let Output::Head(respond) = self.output
            && let Some(head) = response(status, fields)
        {
            let sent = respond.send_informational(head);
            self.check(sent);
        }
    }

    fn head(&mut self, status: u16, fields: &Fields<'_>, is_end: bool) {
        let Output::Head(respond) = self.output else { return };
        let Some(head) = response(status, fields) else {
            self.is_reset.set(true);
            return respond.send_reset(Reason::INTERNAL_ERROR);
        };
        let sent = respond.send_response(head, is_end);
        *self.output = match self.check(sent) {
            Some(stream) if !is_end => Output::Body(stream),
            _ => Output::Closed,
        };
    }

    fn room(&mut self, wanted: usize) -> usize {
        let Output::Body(stream) = self.output else { return 0 };
        stream.reserve_capacity(wanted);
        stream.capacity().min(wanted)
    }

    fn data(&mut self, data: &[u8], is_end: bool) {
        let Output::Body(stream) = self.output else { return };
        let sent = stream.send_data(Bytes::copy_from_slice(data), is_end);
        self.check(sent);
    }

    fn trailers(&mut self, fields: &Fields<'_>) {
        let Output::Body(stream) = self.output else { return };
        let sent = stream.send_trailers(header_map(fields));
        self.check(sent);
    }
}

fn response(status: u16, fields: &Fields<'_>) -> Option<Response<()>> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    *response.headers_mut() = header_map(fields);
    Some(response)
}

/// The fields; those that HTTP/2 does not allow are left out.
fn header_map(fields: &Fields<'_>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            map.append(name, value);
        }
    }
    map
}

/// Bytes of a file that are read at once.
const FILE_PIECE: usize = 128 << 10;
