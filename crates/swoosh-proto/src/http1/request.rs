//! Reading a request that [`request_framer`](super::request_framer) found whole.

use super::{MAX_HEADERS, has_token};
use httparse::Header;
use memchr::memchr;
use std::borrow::Cow;
use std::mem::MaybeUninit;

/// A whole request.
pub struct Request<'a> {
    /// `GET`.
    pub method: &'a str,
    /// As the request line has it.
    pub target: &'a str,
    /// 0 of HTTP/1.0, 1 of HTTP/1.1.
    pub minor: u8,
    /// Bytes of the head, with its empty line.
    pub head: usize,
    bytes: &'a [u8],
}

/// Room for a request's header fields.
pub type HeaderBuffer<'a> = [MaybeUninit<Header<'a>>; MAX_HEADERS];

/// Such room.
pub fn header_buffer<'a>() -> HeaderBuffer<'a> {
    [const { MaybeUninit::uninit() }; MAX_HEADERS]
}

impl<'a> Request<'a> {
    /// The request and its header fields in order; `None` where the bytes begin with no whole head.
    pub fn parse<'r>(bytes: &'a [u8], room: &'r mut HeaderBuffer<'a>) -> Option<(Self, &'r [Header<'a>])> {
        let mut parsed = httparse::Request::new(&mut []);
        let Ok(httparse::Status::Complete(head)) = parsed.parse_with_uninit_headers(bytes, room) else { return None };
        let request = Request { method: parsed.method?, target: parsed.path?, minor: parsed.version?, head, bytes };
        Some((request, parsed.headers))
    }

    /// The target before its `?`, and behind it.
    pub fn path_and_query(&self) -> (&'a str, Option<&'a str>) {
        match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
    }

    /// The body, without its transfer coding.
    pub fn body(&self, headers: &[Header<'_>]) -> Cow<'a, [u8]> {
        let body = &self.bytes[self.head..];
        match field(headers, "transfer-encoding") {
            Some(_) => Cow::Owned(dechunk(body)),
            None => Cow::Borrowed(body),
        }
    }

    /// Whether the connection stays open after the answer (RFC 9112 section 9.3).
    pub fn keeps_alive(&self, headers: &[Header<'_>]) -> bool {
        let mut keep = self.minor == 1;
        for field in headers.iter().filter(|h| h.name.eq_ignore_ascii_case("connection")) {
            if has_token(field.value, "close") {
                return false;
            }
            keep |= has_token(field.value, "keep-alive");
        }
        keep
    }
}

/// The first field of that name.
pub fn field<'v>(headers: &[Header<'v>], name: &str) -> Option<&'v [u8]> {
    headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value)
}

/// Head and body as they might have come: in one chunk, where the head says so.
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

/// The data of chunks that are known to be well-formed.
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
    fn a_request_is_read() {
        let bytes = b"POST /a?b=c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n";
        let mut room = header_buffer();
        let (request, headers) = Request::parse(bytes, &mut room).unwrap();
        assert_eq!((request.method, request.target, request.minor), ("POST", "/a?b=c", 1));
        assert_eq!(request.path_and_query(), ("/a", Some("b=c")));
        assert_eq!(request.body(headers).as_ref(), b"abc0123456789");
        assert_eq!(field(headers, "HOST"), Some(&b"h"[..]));
    }

    #[test]
    fn a_stored_request_is_joined_as_it_may_have_come() {
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
    fn a_connection_is_kept_as_its_tokens_say() {
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
