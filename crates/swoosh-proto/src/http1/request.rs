//! Parses a complete request that [`request_framer`](super::request_framer) has found.

pub use super::header_buffer::{HeaderBuffer, header_buffer};

use super::token::ConnectionOptions;
use httparse::Header;
use memchr::memchr;
use std::borrow::Cow;

/// A complete request, borrowed from its bytes.
///
/// ```
/// use swoosh_proto::http1::request::{Request, field, header_buffer};
///
/// let mut buffer = header_buffer();
/// let bytes = b"GET /search?q=1 HTTP/1.1\r\nHost: example.com\r\n\r\n";
/// let (request, headers) = Request::parse(bytes, &mut buffer).unwrap();
/// assert_eq!(request.path_and_query(), ("/search", Some("q=1")));
/// assert_eq!(field(headers, "host"), Some(&b"example.com"[..]));
/// ```
pub struct Request<'a> {
    /// The method: `GET`.
    pub method: &'a str,
    /// The target as in the request line.
    pub target: &'a str,
    /// The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor: u8,
    /// Bytes of the head, including its empty line.
    pub head: usize,
    bytes: &'a [u8],
}

impl<'a> Request<'a> {
    /// Parses a request and its header fields, in order. `None` if the bytes do not start with a complete head.
    pub fn parse<'r>(bytes: &'a [u8], buffer: &'r mut HeaderBuffer<'a>) -> Option<(Self, &'r [Header<'a>])> {
        let mut parsed = httparse::Request::new(&mut []);
        let Ok(httparse::Status::Complete(head)) = parsed.parse_with_uninit_headers(bytes, buffer) else { return None };
        let request = Request { method: parsed.method?, target: parsed.path?, minor: parsed.version?, head, bytes };
        Some((request, parsed.headers))
    }

    /// The target before and after its `?`.
    pub fn path_and_query(&self) -> (&'a str, Option<&'a str>) {
        match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
    }

    /// The body, decoded if it is chunked.
    pub fn body(&self, headers: &[Header<'_>]) -> Cow<'a, [u8]> {
        let body = &self.bytes[self.head..];
        match field(headers, "transfer-encoding") {
            Some(_) => Cow::Owned(dechunk(body)),
            None => Cow::Borrowed(body),
        }
    }

    /// Whether the connection stays open after the response (RFC 9112 section 9.3).
    pub fn keeps_alive(&self, headers: &[Header<'_>]) -> bool {
        let mut options = ConnectionOptions::default();
        for field in headers.iter().filter(|h| h.name.eq_ignore_ascii_case("connection")) {
            options.add(field.value);
        }
        !options.close && (self.minor == 1 || options.keep_alive)
    }
}

/// The value of the first field with that name, in any case.
pub fn field<'v>(headers: &[Header<'v>], name: &str) -> Option<&'v [u8]> {
    headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value)
}

/// Joins a head and a decoded body to a request that may have been sent: with one chunk if the head announces chunks.
pub fn reassemble(head: &[u8], mut body: Vec<u8>) -> Vec<u8> {
    let mut fields = header_buffer();
    let parsed = Request::parse(head, &mut fields);
    let chunked = parsed.is_some_and(|(_, headers)| field(headers, "transfer-encoding").is_some());
    if chunked {
        let size = if body.is_empty() { String::new() } else { format!("{:x}\r\n", body.len()) };
        body.splice(0..0, [head, size.as_bytes()].concat());
        body.extend_from_slice(if size.is_empty() { b"0\r\n\r\n" } else { b"\r\n0\r\n\r\n" });
    } else {
        body.splice(0..0, head.iter().copied());
    }
    body
}

/// The data of chunks that the framer has checked.
fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(bytes.len());
    while let Some(lf) = memchr(b'\n', bytes) {
        let digits = bytes[..lf].iter().take_while(|b| b.is_ascii_hexdigit());
        let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as usize;
        let size = digits.fold(0usize, |size, &digit| size << 4 | value(digit));
        let rest = &bytes[lf + 1..];
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { break };
        data.extend_from_slice(chunk);
        bytes = rest.get(size + 2..).unwrap_or_default();
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_parsed() {
        let bytes = b"POST /a?b=c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n";
        let mut room = header_buffer();
        let (request, headers) = Request::parse(bytes, &mut room).unwrap();
        assert_eq!((request.method, request.target, request.minor), ("POST", "/a?b=c", 1));
        assert_eq!(request.path_and_query(), ("/a", Some("b=c")));
        assert_eq!(request.body(headers).as_ref(), b"abc0123456789");
        assert_eq!(field(headers, "HOST"), Some(&b"h"[..]));
    }

    #[test]
    fn head_and_body_are_joined_as_they_may_have_been_sent() {
        for head in
            ["POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"]
        {
            for body in [&b"abc"[..], b""] {
                let whole = reassemble(head.as_bytes(), body.to_vec());
                let mut room = header_buffer();
                let (request, headers) = Request::parse(&whole, &mut room).unwrap();
                assert_eq!(request.body(headers).as_ref(), body, "{head}");
                assert!(whole.starts_with(head.as_bytes()));
            }
        }
    }

    #[test]
    fn a_connection_is_kept_alive_according_to_its_tokens() {
        for (minor, value, keep) in [
            (0, "", false),
            (0, "Keep-Alive", true),
            (0, "keep-alive, Upgrade", true),
            (0, "odd", false),
            (1, "", true),
            (1, "CLOSE", false),
            (1, "x , close", false),
            (1, "closed", true),
        ] {
            let bytes = format!("GET / HTTP/1.{minor}\r\nConnection: {value}\r\n\r\n");
            let mut room = header_buffer();
            let (request, headers) = Request::parse(bytes.as_bytes(), &mut room).unwrap();
            assert_eq!(request.keeps_alive(headers), keep, "1.{minor} {value}");
        }
    }
}
