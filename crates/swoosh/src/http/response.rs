//! A response, as a handler fills it.

use super::compress::Coding;
use super::request::{Request, ResponseMode};
use super::response_head::{self, put_field};
use super::shared::Shared;
use crate::conn::Parts;
use crate::context::Context;
use crate::error::{Code, Error, Result};
use crate::handler::SessionId;
use crate::proto::http1::response_writer::{self, put_chunk};
use crate::proto::http1::{has_token, is_token_byte};
use crate::static_files::mime;
use crate::sys::open;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

/// The response to one request. It is sent when the handler returns, unless [`write`](Response::write) has sent a part
/// before.
///
/// ```no_run
/// use swoosh::http::{Request, Response};
///
/// async fn count(_: Request, response: &mut Response) -> swoosh::Result<()> {
///     response.header("Content-Type", "text/plain");
///     for number in 1..=3 {
///         response.write(format!("{number}\n")).await?;
///     }
///     Ok(())
/// }
/// ```
pub struct Response {
    pub(super) node: Context,
    pub(super) shared: Rc<Shared>,
    pub(super) conn: SessionId,
    pub(super) status: u16,
    /// The program's own fields, serialized.
    pub(super) fields: Vec<u8>,
    own: OwnFields,
    /// Fields behind the body, serialized.
    trailers: Vec<u8>,
    body: Vec<u8>,
    pub(super) progress: Progress,
    pub(super) mode: ResponseMode,
    coding: Option<Coding>,
    /// The longest message, bytes, if the connection becomes a WebSocket.
    #[cfg(feature = "websocket")]
    pub(super) max_message: u64,
}

/// Fields of the program that replace or prevent those of the server.
#[derive(Default)]
struct OwnFields {
    /// The position of the media type in `fields`.
    content_type: Option<Range<usize>>,
    has_encoding: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    NotStarted,
    /// The head and possibly parts of the body have been sent.
    Streaming,
    Ended,
}

impl Response {
    pub(super) fn new(
        node: &Context,
        shared: &Rc<Shared>,
        request: &Request,
        mode: ResponseMode,
        max_message: u64,
    ) -> Self {
        #[cfg(not(feature = "websocket"))]
        let _ = max_message;
        let accept = request.header_bytes("accept-encoding");
        Response {
            node: node.clone(),
            coding: accept.and_then(|accept| shared.rules.negotiate(accept)),
            shared: shared.clone(),
            conn: request.conn(),
            status: 200,
            fields: Vec::with_capacity(FIELDS_CAPACITY),
            own: OwnFields::default(),
            trailers: Vec::new(),
            body: Vec::new(),
            progress: Progress::NotStarted,
            mode,
            #[cfg(feature = "websocket")]
            max_message,
        }
    }

    /// The process that runs the handler: tasks, timers, other connections.
    pub fn node(&self) -> &Context {
        &self.node
    }

    /// Sets the status, 200 to 599. Default: 200.
    pub fn status(&mut self, status: u16) -> &mut Self {
        self.status = status;
        self
    }

    /// Adds a header field. An invalid name or value is left out and logged, as are `Content-Length` and
    /// `Transfer-Encoding`, which the server sets.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let is_valid =
            !name.is_empty() && name.bytes().all(is_token_byte) && response_writer::is_field_value(value.as_bytes());
        if !is_valid || is("content-length") || is("transfer-encoding") {
            crate::log::warn!("header field {name:?} is not valid in a response; left out");
            return self;
        }
        if is("content-type") {
            self.set_type(value);
            return self;
        }
        self.own.has_encoding |= is("content-encoding");
        if is("connection") && has_token(value.as_bytes(), "close") {
            self.mode.keep_alive = false;
            return self;
        }
        put_field(&mut self.fields, name.as_bytes(), value.as_bytes());
        self
    }

    /// Replaces an earlier type.
    fn set_type(&mut self, kind: &str) {
        if let Some(old) = self.own.content_type.take() {
            self.fields.drain(old.start - TYPE.len()..old.end + 2);
        }
        self.fields.extend_from_slice(TYPE);
        let from = self.fields.len();
        self.fields.extend_from_slice(kind.as_bytes());
        self.own.content_type = Some(from..self.fields.len());
        self.fields.extend_from_slice(b"\r\n");
    }

    /// Adds a field behind the body (RFC 9110 section 6.5): by HTTP/1.1 the body is sent in chunks then, HTTP/1.0 has none. An
    /// invalid name or value is left out and logged.
    pub fn trailer(&mut self, name: &str, value: &str) -> &mut Self {
        if !name.is_empty() && name.bytes().all(is_token_byte) && response_writer::is_field_value(value.as_bytes()) {
            put_field(&mut self.trailers, name.as_bytes(), value.as_bytes());
        } else {
            crate::log::warn!("trailer field {name:?} is not valid in a response; left out");
        }
        self
    }

    /// Sets the whole body.
    pub fn body(&mut self, body: impl Into<Vec<u8>>) -> &mut Self {
        self.body = body.into();
        self
    }

    /// Sets a body of plain text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.header("Content-Type", "text/plain; charset=utf-8").body(text)
    }

    /// Sets a body of HTML.
    pub fn html(&mut self, page: &str) -> &mut Self {
        self.header("Content-Type", "text/html; charset=utf-8").body(page)
    }

    /// Sets a body of serialized JSON.
    pub fn json(&mut self, json: &str) -> &mut Self {
        self.header("Content-Type", "application/json").body(json)
    }

    /// Redirects the client, with status 302 unless another 3xx status was set.
    pub fn redirect(&mut self, location: &str) -> &mut Self {
        if !(300..400).contains(&self.status) {
            self.status = 302;
        }
        self.header("Location", location)
    }

    /// Sends a part of the body now; the first call sends the head too. Waits while the output buffer is full.
    ///
    /// # Errors
    /// If the connection is closed.
    pub async fn write(&mut self, part: impl AsRef<[u8]>) -> Result<()> {
        let mut out = Vec::new();
        self.start_streaming(&mut out)?;
        if self.has_body() {
            match self.mode.http10 {
                true => out.extend_from_slice(part.as_ref()),
                false => put_chunk(&mut out, part.as_ref()),
            }
        }
        if out.is_empty() { Ok(()) } else { self.send_when_possible(&out, false).await }
    }

    /// Sends the head now, unless it was sent.
    #[cfg(feature = "tower")]
    pub(super) async fn send_head(&mut self) -> Result<()> {
        let mut out = Vec::new();
        self.start_streaming(&mut out)?;
        if out.is_empty() { Ok(()) } else { self.send_when_possible(&out, false).await }
    }

    /// Sends a file as the whole body, by sendfile(2). The media type follows from the name unless one was set.
    ///
    /// # Errors
    /// If the file cannot be read, and then nothing is sent; if the connection is closed.
    pub async fn send_file(&mut self, path: &str) -> Result<()> {
        let refused = |e| Error::system("send the file", path, e);
        let file = open::nonblocking(path.as_ref()).map_err(refused)?;
        let metadata = file.metadata().map_err(refused)?;
        if !metadata.is_file() {
            let reason = format!("{path} is not a regular file");
            return Err(Error::State { operation: "send the file", reason });
        }
        self.expect_not_started()?;
        if self.own.content_type.is_none() {
            self.set_type(&mime::of_file(path));
        }
        let mut out = Vec::new();
        self.put_head(&mut out, Some(metadata.len()), None);
        self.progress = Progress::Ended;
        let follows = metadata.len() > 0 && self.has_body();
        let mut sent = self.send_when_possible(&out, follows).await;
        if sent.is_ok() && follows {
            sent = self.node.send_open_file(self.conn, &Rc::new(file), 0, metadata.len());
        }
        // After the head only the promised body can follow.
        self.mode.keep_alive &= sent.is_ok();
        self.complete();
        sent
    }

    /// Sends 103 Early Hints (RFC 8297) before the response, mostly `Link` fields.
    ///
    /// # Errors
    /// If the response has started, or the connection is closed.
    pub fn early_hints(&mut self, fields: &[(&str, &str)]) -> Result<()> {
        self.expect_not_started()?;
        if self.mode.http10 {
            return Ok(());
        }
        let mut out = b"HTTP/1.1 103 Early Hints\r\n".to_vec();
        for (name, value) in fields {
            if name.bytes().all(is_token_byte) && response_writer::is_field_value(value.as_bytes()) {
                put_field(&mut out, name.as_bytes(), value.as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
        self.node.send(self.conn, &out)
    }

    pub(super) fn expect_not_started(&self) -> Result<()> {
        match self.progress {
            Progress::NotStarted => Ok(()),
            _ => Err(Error::State { operation: "start a response", reason: "it has started already".to_owned() }),
        }
    }

    fn start_streaming(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.progress {
            Progress::NotStarted => {
                self.put_head(out, None, None);
                self.progress = Progress::Streaming;
                Ok(())
            }
            Progress::Streaming => Ok(()),
            Progress::Ended => Err(Error::State { operation: "write", reason: "the response has ended".to_owned() }),
        }
    }

    /// `before_file`: a file follows at once.
    async fn send_when_possible(&self, bytes: &[u8], before_file: bool) -> Result<()> {
        let mut pause = MIN_RETRY;
        loop {
            let offered = match before_file {
                true => self.node.offer_head(self.conn, bytes),
                false => self.node.offer(self.conn, bytes),
            };
            match offered {
                Err(e) if e.code() == Code::OutputBufferOverflow as i32 => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_RETRY);
                }
                sent => return sent,
            }
        }
    }

    fn has_body(&self) -> bool {
        response_writer::has_body(if self.mode.head_only { "HEAD" } else { "" }, self.status)
    }

    /// Appends the head. `length` of the body, bytes; `None`: the body is streamed.
    fn put_head(&mut self, out: &mut Vec<u8>, length: Option<u64>, coding: Option<Coding>) {
        if length.is_none() && self.mode.http10 || self.status != 101 && self.node.ends_connection(self.conn) {
            self.mode.keep_alive = false;
        }
        response_head::put(out, self.status, &self.fields, self.mode, length, coding);
    }

    /// Sends the rest of the response. `failed`: the handler returned an error.
    pub(super) fn finish(&mut self, failed: bool) {
        let mut out = Vec::with_capacity(192 + Parts::room_for(self.body.len()));
        let mut rest = Vec::new();
        match self.progress {
            Progress::Ended => return,
            Progress::NotStarted => {
                if failed {
                    (self.status, self.body) = (500, Vec::new());
                }
                // Only a body in chunks has fields behind it.
                if self.trailers.is_empty() || failed || self.mode.http10 || !self.has_body() {
                    rest = self.put_complete(&mut out);
                } else {
                    self.put_head(&mut out, None, None);
                    self.put_last_chunks(&mut out);
                }
            }
            // An incomplete response must not look complete.
            Progress::Streaming if failed => self.mode.keep_alive = false,
            Progress::Streaming if self.has_body() && !self.mode.http10 => {
                self.put_last_chunks(&mut out);
            }
            Progress::Streaming => out.append(&mut self.body),
        }
        self.progress = Progress::Ended;
        let parts = Parts::new(&out, &rest);
        if !parts.is_empty()
            && let Err(e) = self.node.send_answer(self.conn, parts)
        {
            crate::log::info!("{e}");
            // The client would take the next response for the end of this one.
            self.mode.keep_alive = false;
        }
        self.complete();
    }

    /// Appends the rest of the body, the end of the chunks, and the trailer section (RFC 9112 section 7.1).
    fn put_last_chunks(&mut self, out: &mut Vec<u8>) {
        put_chunk(out, &std::mem::take(&mut self.body));
        out.extend_from_slice(b"0\r\n");
        out.append(&mut self.trailers);
        out.extend_from_slice(b"\r\n");
    }

    /// Appends a complete response, or its head: then the body, which is too long to be copied, is returned.
    fn put_complete(&mut self, out: &mut Vec<u8>) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.body);
        let rules = &self.shared.rules;
        let suitable = |_: &Coding| {
            let kind = self.own.content_type.clone().map_or(&b""[..], |place| &self.fields[place]);
            !self.own.has_encoding
                && self.status != 206
                && response_writer::has_body("", self.status)
                && rules.suits(kind, body.len())
        };
        let coding = self.coding.filter(suitable);
        let compressed = coding.and_then(|coding| rules.compress(coding, &body));
        let coding = coding.filter(|_| compressed.is_some());
        if let Some(compressed) = compressed {
            body = compressed;
        }
        self.put_head(out, Some(body.len() as u64), coding);
        if !self.has_body() {
            return Vec::new();
        }
        if body.len() < Parts::MIN_UNCOPIED {
            out.append(&mut body);
        }
        body
    }

    /// Ends the request: its response is complete, or never will be.
    pub(super) fn complete(&self) {
        self.node.end_request(self.conn);
        if !self.mode.keep_alive {
            // An error means that the connection is closed already.
            let _ = self.node.close(self.conn, false);
        }
    }
}

/// A handler that is dropped while it waits still gets a response: an error, or an incomplete one.
impl Drop for Response {
    fn drop(&mut self) {
        match self.progress {
            Progress::Ended => {}
            Progress::NotStarted => {
                (self.status, self.mode.keep_alive) = (self.shared.fallback.get(), false);
                self.body.clear();
                self.finish(false);
            }
            Progress::Streaming => self.finish(true),
        }
    }
}

const TYPE: &[u8] = b"Content-Type: ";
/// The initial capacity for fields, bytes.
const FIELDS_CAPACITY: usize = 128;
/// The pause before another attempt to send while the output buffer is full.
const MIN_RETRY: Duration = Duration::from_millis(1);
const MAX_RETRY: Duration = Duration::from_millis(50);
