//! A request, as a handler sees it.

use super::form::{self, Part};
use crate::handler::SessionId;
use crate::proto::http1::head_index::{self, HeadIndex};
use crate::proto::http1::request::{field_buffer, trailer_fields};
use crate::sys::temp_file::TempFile;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

/// A complete request: the handler of a [`Server`](super::Server) gets one.
///
/// ```no_run
/// use swoosh::http::{Request, Response};
///
/// async fn greet(request: Request, response: &mut Response) {
///     let query = request.query();
///     let name = query.iter().find(|(name, _)| name == "name").map_or("world", |(_, value)| value);
///     response.text(&format!("hello, {name}\n"));
/// }
/// ```
pub struct Request {
    bytes: Vec<u8>,
    method: Range<usize>,
    target: Range<usize>,
    fields: Vec<(Range<usize>, Range<usize>)>,
    body: Content,
    /// The trailer section.
    trailers: Range<usize>,
    conn: SessionId,
    minor: u8,
}

/// A request's body.
enum Content {
    /// In the bytes of the request.
    Inline(Range<usize>),
    /// Joined from chunks.
    Joined(Vec<u8>),
    /// On disk; also in memory after the first call of `body`.
    Disk(Rc<TempFile>, OnceCell<Vec<u8>>),
}

impl Request {
    /// Parses a complete request; `None` if it is malformed. `index`: of its head, where it is known. `stored`: the body, if it is on disk.
    pub(super) fn new(
        bytes: &[u8],
        index: Option<&HeadIndex>,
        stored: Option<Rc<TempFile>>,
        conn: SessionId,
    ) -> Option<(Self, ResponseMode)> {
        let mut buffer = field_buffer();
        let (parsed, headers) = head_index::parse(bytes, index, &mut buffer)?;
        let base = bytes.as_ptr() as usize;
        let place = |part: &[u8]| {
            let at = part.as_ptr() as usize - base;
            at..at + part.len()
        };
        let fields = headers.iter().map(|h| (place(h.name), place(h.value))).collect();
        let (method, target) = (place(parsed.method.as_bytes()), place(parsed.target.as_bytes()));
        let body = match (stored, parsed.body(headers)) {
            (Some(stored), _) => Content::Disk(stored, OnceCell::new()),
            (None, Cow::Borrowed(body)) => Content::Inline(place(body)),
            (None, Cow::Owned(body)) => Content::Joined(body),
        };
        let mode = ResponseMode {
            keep_alive: parsed.keeps_alive(headers),
            http10: parsed.minor == 0,
            head_only: parsed.method == "HEAD",
        };
        let (minor, section) = (parsed.minor, parsed.trailers(headers));
        let trailers = if section.is_empty() { 0..0 } else { place(section) };
        Some((Request { method, target, fields, body, trailers, conn, minor, bytes: bytes.to_vec() }, mode))
    }

    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }

    /// The method, such as `GET`.
    pub fn method(&self) -> &str {
        self.text(&self.method)
    }

    /// The request target: path and query, not decoded.
    pub fn target(&self) -> &str {
        self.text(&self.target)
    }

    /// The path, not decoded.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The parameters of the query, decoded, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        texts(form::pairs(query.as_bytes()))
    }

    /// The value of the first field with that name, in any case; `None` if there is none, or it is not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.header_bytes(name)?).ok()
    }

    /// Like [`header`](Self::header), as bytes.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All header fields, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.fields.iter().map(|(name, value)| (self.text(name), &self.bytes[value.clone()]))
    }

    /// The first cookie with that name, decoded.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let fields = self.headers().filter(|(own, _)| own.eq_ignore_ascii_case("cookie"));
        let mut pairs = fields.flat_map(|(_, value)| value.split(|&b| b == b';')).map(<[u8]>::trim_ascii);
        let value = pairs.find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        Some(String::from_utf8_lossy(&form::percent_decode(value)).into_owned())
    }

    /// The body without transfer coding. A body on disk is read into memory by the first call.
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Content::Inline(range) => &self.bytes[range.clone()],
            Content::Joined(body) => body,
            Content::Disk(stored, read) => read.get_or_init(|| {
                let body = stored.read(0..stored.len());
                body.inspect_err(|e| {
                    crate::log::error!("cannot read the body of a request, it is treated as empty: {e}")
                })
                .unwrap_or_default()
            }),
        }
    }

    /// The body on disk, if the request is longer than
    /// [`input_buffer_size`](crate::config::ServerConfig::input_buffer_size).
    pub fn stored_body(&self) -> Option<&TempFile> {
        match &self.body {
            Content::Disk(stored, _) => Some(stored),
            _ => None,
        }
    }

    /// The fields of an `application/x-www-form-urlencoded` body, decoded, in order; empty for any other body.
    pub fn form(&self) -> Vec<(String, String)> {
        match self.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
            Some(kind) if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
                texts(form::pairs(self.body()))
            }
            _ => Vec::new(),
        }
    }

    /// The parts of a `multipart/form-data` body; `None` for any other body. Parts of a body on disk stay there.
    pub fn parts(&self) -> Option<Vec<Part<'_>>> {
        let body = self.stored_body().map_or_else(|| form::Body::Memory(self.body()), form::Body::Disk);
        let parts = form::parts(self.header_bytes("content-type")?, body);
        parts.inspect_err(|e| crate::log::error!("cannot read the body of a form: {e}")).ok().flatten()
    }

    /// The version of HTTP: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    pub fn version(&self) -> &'static str {
        match self.minor {
            _ if self.conn.is_stream() => "HTTP/2",
            0 => "HTTP/1.0",
            _ => "HTTP/1.1",
        }
    }

    /// The fields behind a body in chunks, or behind the body of an HTTP/2 request (RFC 9110 section 6.5), in order.
    pub fn trailers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let section = match &self.body {
            Content::Inline(_) => &[],
            Content::Joined(_) | Content::Disk(..) => &self.bytes[self.trailers.clone()],
        };
        trailer_fields(section).map(|(name, value)| (std::str::from_utf8(name).unwrap_or_default(), value))
    }

    /// The connection of the request; its stream in HTTP/2.
    pub fn conn(&self) -> SessionId {
        self.conn
    }
}

/// Properties of a request that its response depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct ResponseMode {
    /// The connection stays open after the response.
    pub(super) keep_alive: bool,
    /// The client speaks HTTP/1.0.
    pub(super) http10: bool,
    /// The method is HEAD: the response has no body.
    pub(super) head_only: bool,
}

fn texts(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()
}
