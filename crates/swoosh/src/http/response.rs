//! An answer as a handler fills it.

use super::compress::Coding;
use super::mime;
use super::request::{Head, Request};
use super::service::Service;
use super::websocket::{self, WebSocket};
use crate::error::{Code, Error, Result};
use crate::handler::SessionId;
use crate::node::Node;
use crate::proto::http1::reply::{self, put_chunk, put_number};
use crate::proto::http1::{has_token, is_token_byte};
use crate::sys::open;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

/// The answer to one request. What was set is sent when the handler returns, unless [`write`](Response::write) has begun
/// to send it before.
pub struct Response {
    node: Node,
    service: Rc<Service>,
    conn: SessionId,
    status: u16,
    /// The program's own fields, as they are sent.
    fields: Vec<u8>,
    own: Own,
    body: Vec<u8>,
    stage: Stage,
    keep: bool,
    old: bool,
    bodiless: bool,
    coding: Option<Coding>,
    /// Bytes of a message, should it become a WebSocket.
    longest: u64,
}

/// Which fields the program gave itself.
#[derive(Default)]
struct Own {
    /// Where its type is in the fields.
    content_type: Option<Range<usize>>,
    encoding: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Handover,
    Ended,
}

impl Response {
    pub(super) fn new(node: &Node, service: &Rc<Service>, request: &Request, head: &Head, longest: u64) -> Self {
        let accept = request.header_bytes("accept-encoding");
        Response {
            node: node.clone(),
            coding: accept.and_then(|accept| service.rules.negotiate(accept)),
            service: service.clone(),
            conn: request.conn(),
            status: 200,
            fields: Vec::with_capacity(ROOM),
            own: Own::default(),
            body: Vec::new(),
            stage: Stage::New,
            keep: head.keep,
            old: head.old,
            bodiless: head.bodiless,
            longest,
        }
    }

    /// This process: tasks, timers, other connections.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Sets the status, 200 to 599 (default: 200).
    pub fn status(&mut self, status: u16) -> &mut Self {
        self.status = status;
        self
    }

    /// Adds a field. One that would end its line early, or is no name, is left out and logged; lengths and transfer
    /// codings are the server's to say.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let good = !name.is_empty() && name.bytes().all(is_token_byte) && reply::is_value(value.as_bytes());
        if !good || is("content-length") || is("transfer-encoding") {
            crate::log::warn!("the header field {name:?} is left out: it cannot be one of an answer");
            return self;
        }
        if is("content-type") {
            self.set_type(value);
            return self;
        }
        self.own.encoding |= is("content-encoding");
        if is("connection") && has_token(value.as_bytes(), "close") {
            self.keep = false;
            return self;
        }
        put_field(&mut self.fields, name.as_bytes(), value.as_bytes());
        self
    }

    /// The last one counts.
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

    /// Sets the body, whole.
    pub fn body(&mut self, body: impl Into<Vec<u8>>) -> &mut Self {
        self.body = body.into();
        self
    }

    /// A body of plain text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.header("Content-Type", "text/plain; charset=utf-8").body(text)
    }

    /// A page.
    pub fn html(&mut self, page: &str) -> &mut Self {
        self.header("Content-Type", "text/html; charset=utf-8").body(page)
    }

    /// A body that is JSON already.
    pub fn json(&mut self, json: &str) -> &mut Self {
        self.header("Content-Type", "application/json").body(json)
    }

    /// Sends the client elsewhere, with status 302 unless another one of redirection was set.
    pub fn redirect(&mut self, location: &str) -> &mut Self {
        if !(300..400).contains(&self.status) {
            self.status = 302;
        }
        self.header("Location", location)
    }

    /// Sends a part of the body at once; the first one sends the head before it. Waits while the client is behind in
    /// reading.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn write(&mut self, part: impl AsRef<[u8]>) -> Result<()> {
        let mut out = Vec::new();
        self.begin(&mut out)?;
        if self.has_body() {
            match self.old {
                true => out.extend_from_slice(part.as_ref()),
                false => put_chunk(&mut out, part.as_ref()),
            }
        }
        if out.is_empty() { Ok(()) } else { self.send_patiently(&out, false).await }
    }

    /// Sends a file as the whole body; the kernel reads it as the client takes it. Its type is its name's, unless one
    /// was set.
    ///
    /// # Errors
    /// Where it cannot be read: nothing is sent then. Where the connection is gone.
    pub async fn send_file(&mut self, path: &str) -> Result<()> {
        let refused = |e| Error::system("send the file", path, e);
        let file = open::any(path.as_ref()).map_err(refused)?;
        let about = file.metadata().map_err(refused)?;
        if !about.is_file() {
            let why = format!("{path} is no file");
            return Err(Error::State { operation: "send the file", reason: why });
        }
        self.expect_new()?;
        if self.own.content_type.is_none() {
            self.set_type(&mime::of_file(path));
        }
        let mut out = Vec::new();
        self.put_head(&mut out, Some(about.len()), None);
        self.stage = Stage::Ended;
        let follows = about.len() > 0 && self.has_body();
        let mut sent = self.send_patiently(&out, follows).await;
        if sent.is_ok() && follows {
            sent = self.node.send_open_file(self.conn, &Rc::new(file), 0, about.len());
        }
        // What the head promised cannot be taken back.
        self.keep &= sent.is_ok();
        self.leave();
        sent
    }

    /// Tells the client, before the answer, what it will want (103 Early Hints, RFC 8297): `Link` fields mostly.
    ///
    /// # Errors
    /// Where the answer has begun, or the connection is gone.
    pub fn early_hints(&mut self, fields: &[(&str, &str)]) -> Result<()> {
        self.expect_new()?;
        if self.old {
            return Ok(());
        }
        let mut out = b"HTTP/1.1 103 Early Hints\r\n".to_vec();
        for (name, value) in fields {
            if name.bytes().all(is_token_byte) && reply::is_value(value.as_bytes()) {
                put_field(&mut out, name.as_bytes(), value.as_bytes());
            }
        }
        out.extend_from_slice(b"\r\n");
        self.node.send(self.conn, &out)
    }

    /// Speaks WebSocket from here on, where the request asks for it as RFC 6455 says. Where it does not, the answer is 400
    /// (or 426, for another version), unless the handler says more.
    ///
    /// # Errors
    /// Where it does not, and where the connection is gone.
    pub fn upgrade(&mut self, request: &Request) -> Result<WebSocket> {
        self.expect_new()?;
        let compresses = self.service.websocket_compression;
        let (fields, agreed) = match websocket::handshake(request, u8::from(!self.old), compresses) {
            Ok(found) => found,
            Err(status) => {
                self.status = status;
                if status == 426 {
                    self.header("Sec-WebSocket-Version", "13");
                }
                let why = "the request does not ask for WebSocket as the standard says".to_owned();
                return Err(Error::State { operation: "upgrade", reason: why });
            }
        };
        let mut out = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        out.extend_from_slice(&fields);
        out.extend_from_slice(&self.fields);
        out.extend_from_slice(b"\r\n");
        self.stage = Stage::Ended;
        self.keep = true;
        let socket = self.service.open_socket(self.conn, self.longest);
        self.node.begin_websocket(self.conn, agreed);
        let sent = self.node.send(self.conn, &out);
        self.leave();
        sent.map(|()| WebSocket::new(self.node.clone(), self.conn, socket))
    }

    fn expect_new(&self) -> Result<()> {
        match self.stage {
            Stage::New => Ok(()),
            _ => Err(Error::State { operation: "begin an answer", reason: "it has handover already".to_owned() }),
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.stage {
            Stage::New => {
                self.put_head(out, None, None);
                self.stage = Stage::Handover;
                Ok(())
            }
            Stage::Handover => Ok(()),
            Stage::Ended => Err(Error::State { operation: "write", reason: "the answer has been ended".to_owned() }),
        }
    }

    /// `before_file`: one comes behind them at once.
    async fn send_patiently(&self, bytes: &[u8], before_file: bool) -> Result<()> {
        let mut pause = SHORTEST;
        loop {
            let offered = match before_file {
                true => self.node.offer_head(self.conn, bytes),
                false => self.node.offer(self.conn, bytes),
            };
            match offered {
                Err(e) if e.code() == Code::OutputBufferOverflow as i32 => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST);
                }
                sent => return sent,
            }
        }
    }

    fn has_body(&self) -> bool {
        reply::has_body(if self.bodiless { "HEAD" } else { "" }, self.status)
    }

    /// `length`: of the body, bytes; `None`: it comes in parts.
    fn put_head(&mut self, out: &mut Vec<u8>, length: Option<u64>, coding: Option<Coding>) {
        let status = self.status;
        match status {
            200 => out.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
            _ => {
                out.extend_from_slice(b"HTTP/1.1 ");
                put_number(out, u64::from(status));
                out.extend_from_slice(b" ");
                out.extend_from_slice(reply::reason(status).as_bytes());
                out.extend_from_slice(b"\r\n");
            }
        }
        if length.is_none() && self.old {
            self.keep = false;
        }
        out.extend_from_slice(&self.fields);
        put_field(out, b"Date", &super::now());
        if !self.keep {
            put_field(out, b"Connection", b"close");
        } else if self.old {
            put_field(out, b"Connection", b"keep-alive");
        }
        let bare = (100..200).contains(&status) || status == 204;
        if let Some(coding) = coding {
            put_field(out, b"Content-Encoding", coding.name().as_bytes());
            put_field(out, b"Vary", b"Accept-Encoding");
        }
        match length {
            // No body, no length (RFC 9110 section 8.6).
            _ if bare || status == 304 => {}
            Some(length) => {
                out.extend_from_slice(b"Content-Length: ");
                put_number(out, length);
                out.extend_from_slice(b"\r\n");
            }
            None if self.old || self.bodiless => {}
            None => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Sends what is still to be sent. `failed`: the handler says that it could not do what it was to do.
    pub(super) fn finish(&mut self, failed: bool) {
        let mut out = Vec::with_capacity(192 + self.body.len());
        match self.stage {
            Stage::Ended => return,
            Stage::New => {
                if failed {
                    (self.status, self.body) = (500, Vec::new());
                }
                self.put_whole(&mut out);
            }
            // Half an answer must not look like a whole one.
            Stage::Handover if failed => self.keep = false,
            Stage::Handover if self.has_body() && !self.old => {
                put_chunk(&mut out, &std::mem::take(&mut self.body));
                out.extend_from_slice(b"0\r\n\r\n");
            }
            Stage::Handover => out.append(&mut self.body),
        }
        self.stage = Stage::Ended;
        if !out.is_empty()
            && let Err(e) = self.node.send_answer(self.conn, &out)
        {
            crate::log::info!("{e}");
            // Whatever came behind it would be taken for its end.
            self.keep = false;
        }
        self.leave();
    }

    fn put_whole(&mut self, out: &mut Vec<u8>) {
        let mut body = std::mem::take(&mut self.body);
        let rules = &self.service.rules;
        let wanted = |_: &Coding| {
            let kind = self.own.content_type.clone().map_or(&b""[..], |place| &self.fields[place]);
            !self.own.encoding
                && self.status != 206
                && reply::has_body("", self.status)
                && rules.suits(kind, body.len())
        };
        let coding = self.coding.filter(wanted);
        let short = coding.and_then(|coding| rules.compress(coding, &body));
        let coding = coding.filter(|_| short.is_some());
        if let Some(short) = short {
            body = short;
        }
        self.put_head(out, Some(body.len() as u64), coding);
        if self.has_body() {
            out.append(&mut body);
        }
    }

    /// The answer is whole, or never will be.
    fn leave(&self) {
        self.node.end_request(self.conn);
        if !self.keep {
            // Where the peer was faster there is nothing to close.
            let _ = self.node.close(self.conn, false);
        }
    }
}

/// A handler that is dropped where it waits leaves an answer all the same, or a broken one.
impl Drop for Response {
    fn drop(&mut self) {
        match self.stage {
            Stage::Ended => {}
            Stage::New => {
                (self.status, self.keep) = (self.service.fallback.get(), false);
                self.body.clear();
                self.finish(false);
            }
            Stage::Handover => self.finish(true),
        }
    }
}

pub(super) fn put_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    for part in [name, b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

const TYPE: &[u8] = b"Content-Type: ";
/// Bytes of fields for which there is room at once.
const ROOM: usize = 128;
/// Between two looks whether a client that is behind has read.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(50);
