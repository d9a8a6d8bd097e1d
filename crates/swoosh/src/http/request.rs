//! A request as a handler gets it.

use super::form::{self, Part};
use crate::handler::SessionId;
use crate::proto::http1::request::{Request as Parsed, header_buffer};
use crate::sys::temp_file::TempFile;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

/// A whole request: head and body.
pub struct Request {
    bytes: Vec<u8>,
    method: Range<usize>,
    target: Range<usize>,
    fields: Vec<(Range<usize>, Range<usize>)>,
    body: Content,
    conn: SessionId,
}

/// A request's body.
enum Content {
    /// It is there, in the request's bytes.
    Here(Range<usize>),
    /// It came in chunks.
    Joined(Vec<u8>),
    /// It is on disk, and in memory too once that was asked for.
    Stored(Rc<TempFile>, OnceCell<Vec<u8>>),
}

impl Request {
    /// Reads what the framing found whole; `None` where it is no request. `stored`: its body, where `bytes` has none.
    pub(super) fn new(bytes: &[u8], stored: Option<Rc<TempFile>>, conn: SessionId) -> Option<(Self, Head)> {
        let bytes = bytes.to_vec();
        let mut room = header_buffer();
        let (parsed, headers) = Parsed::parse(&bytes, &mut room)?;
        let base = bytes.as_ptr() as usize;
        let place = |part: &[u8]| {
            let at = part.as_ptr() as usize - base;
            at..at + part.len()
        };
        let fields = headers.iter().map(|h| (place(h.name.as_bytes()), place(h.value))).collect();
        let (method, target) = (place(parsed.method.as_bytes()), place(parsed.target.as_bytes()));
        let body = match (stored, parsed.body(headers)) {
            (Some(stored), _) => Content::Stored(stored, OnceCell::new()),
            (None, Cow::Borrowed(body)) => Content::Here(place(body)),
            (None, Cow::Owned(body)) => Content::Joined(body),
        };
        let head =
            Head { keep: parsed.keeps_alive(headers), old: parsed.minor == 0, bodiless: parsed.method == "HEAD" };
        Some((Request { method, target, fields, body, conn, bytes }, head))
    }

    fn text(&self, range: &Range<usize>) -> &str {
        std::str::from_utf8(&self.bytes[range.clone()]).unwrap_or_default()
    }

    /// `GET`, `POST`...
    pub fn method(&self) -> &str {
        self.text(&self.method)
    }

    /// The target as it was sent: path and query, not decoded.
    pub fn target(&self) -> &str {
        self.text(&self.target)
    }

    /// The target before its `?`, not decoded.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// The parameters behind the `?`, decoded, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.target().split_once('?').map_or("", |(_, query)| query);
        texts(form::pairs(query.as_bytes()))
    }

    /// The first field of that name, in any case; `None` where there is none, or it is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.header_bytes(name)?).ok()
    }

    /// The same, whatever bytes it has.
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        self.headers().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All fields, in order.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> + Clone {
        self.fields.iter().map(|(name, value)| (self.text(name), &self.bytes[value.clone()]))
    }

    /// The first cookie of that name, decoded.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let fields = self.headers().filter(|(own, _)| own.eq_ignore_ascii_case("cookie"));
        let mut pairs = fields.flat_map(|(_, value)| value.split(|&b| b == b';')).map(<[u8]>::trim_ascii);
        let value = pairs.find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))?;
        Some(String::from_utf8_lossy(&form::percent_decode(value)).into_owned())
    }

    /// The body, without its transfer coding, in memory: one that is on disk is read with the first call.
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Content::Here(range) => &self.bytes[range.clone()],
            Content::Joined(body) => body,
            Content::Stored(stored, read) => read.get_or_init(|| {
                let body = stored.read(0..stored.len());
                body.inspect_err(|e| crate::log::error!("a request's body is taken for empty: {e}")).unwrap_or_default()
            }),
        }
    }

    /// The body on disk, where the request is longer than
    /// [`input_buffer_size`](crate::config::ServerConfig::input_buffer_size).
    pub fn stored_body(&self) -> Option<&TempFile> {
        match &self.body {
            Content::Stored(stored, _) => Some(stored),
            _ => None,
        }
    }

    /// The fields of a form that was sent by `POST` as browsers do, decoded, in order; none where the body is none.
    pub fn form(&self) -> Vec<(String, String)> {
        match self.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
            Some(kind) if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => {
                texts(form::pairs(self.body()))
            }
            _ => Vec::new(),
        }
    }

    /// The parts of a form with files (`multipart/form-data`); `None` where the body is none. Of a body on disk they are
    /// left there ([`Piece`](form::Piece)).
    pub fn parts(&self) -> Option<Vec<Part<'_>>> {
        let body = self.stored_body().map_or_else(|| form::Body::Here(self.body()), form::Body::Stored);
        let parts = form::parts(self.header_bytes("content-type")?, body);
        parts.inspect_err(|e| crate::log::error!("a form is taken for none: {e}")).ok().flatten()
    }

    /// The connection that it came by.
    pub fn conn(&self) -> SessionId {
        self.conn
    }
}

/// What a request's head says of its answer.
pub(super) struct Head {
    /// The connection stays open behind it.
    pub keep: bool,
    /// The client speaks HTTP/1.0.
    pub old: bool,
    /// The answer has no body.
    pub bodiless: bool,
}

fn texts(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()
}
