//! Parses a complete request that [`request_framer`](super::request_framer) has found.
//!
//! Performance: the framer has checked every byte of the head, so that only the ends of names and values are left to find.
//! [`HeadIndex`](super::head_index::HeadIndex) keeps them, for programs that read a request several times.

use super::token::ConnectionOptions;
use memchr::memchr;
use smallvec::SmallVec;
use std::borrow::Cow;

/// A header field of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name as it was sent, a token (RFC 9110 section 5.1).
    pub name: &'a [u8],
    /// The value without the blanks around it.
    pub value: &'a [u8],
}

impl Field<'_> {
    /// Whether it has that name, in any case.
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Memory for the header fields of one request.
pub type FieldBuffer<'a> = SmallVec<[Field<'a>; 24]>;

/// An empty [`FieldBuffer`].
pub fn field_buffer<'a>() -> FieldBuffer<'a> {
    SmallVec::new()
}

/// A complete request, borrowed from its bytes.
///
/// ```
/// use swoosh_proto::http1::request::{Request, field, field_buffer};
///
/// let mut buffer = field_buffer();
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
    pub(super) bytes: &'a [u8],
    /// Whether the connection stays open after the response, where that is known.
    pub(super) keeps_alive: Option<bool>,
}

/// The request line of a request (RFC 9112 section 3).
///
/// ```
/// use swoosh_proto::http1::request::RequestLine;
///
/// let line = RequestLine { method: b"GET", target: b"/search?q=1", minor: 1 };
/// assert_eq!(line.path_and_query(), (&b"/search"[..], Some(&b"q=1"[..])));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct RequestLine<'a> {
    /// The method: `GET`.
    pub method: &'a [u8],
    /// The target as it was sent.
    pub target: &'a [u8],
    /// The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor: u8,
}

impl<'a> RequestLine<'a> {
    /// The target before and after its `?`.
    pub fn path_and_query(&self) -> (&'a [u8], Option<&'a [u8]>) {
        match memchr(b'?', self.target) {
            Some(at) => (&self.target[..at], Some(&self.target[at + 1..])),
            None => (self.target, None),
        }
    }
}

impl<'a> Request<'a> {
    /// The request line.
    pub fn line(&self) -> RequestLine<'a> {
        RequestLine { method: self.method.as_bytes(), target: self.target.as_bytes(), minor: self.minor }
    }

    /// Parses a request and its header fields, in order. `None` if the bytes do not start with a complete head. A head that
    /// the framer has not checked may give fields that it would refuse.
    pub fn parse<'r>(bytes: &'a [u8], buffer: &'r mut FieldBuffer<'a>) -> Option<(Self, &'r [Field<'a>])> {
        buffer.clear();
        let mut at = 0;
        // Empty lines before a request (RFC 9112 section 2.2).
        while bytes[at..].starts_with(b"\r\n") {
            at += 2;
        }
        let end = at + memchr(b'\n', &bytes[at..])?;
        let (method, target, minor) = request_line(bytes[at..end].strip_suffix(b"\r")?)?;
        at = end + 1;
        loop {
            let rest = &bytes[at..];
            if let [b'\r', b'\n', ..] = rest {
                return Some((
                    Request { method, target, minor, head: at + 2, bytes, keeps_alive: None },
                    buffer.as_slice(),
                ));
            }
            // Names are short: a loop finds the colon before a vector search has begun.
            let colon = rest.iter().position(|&byte| byte == b':')?;
            let line = colon + memchr(b'\n', &rest[colon..])?;
            let value = rest[colon + 1..line].strip_suffix(b"\r")?;
            buffer.push(Field { name: &rest[..colon], value: trim_blanks(value) });
            at += line + 1;
        }
    }

    /// The target before and after its `?`.
    pub fn path_and_query(&self) -> (&'a str, Option<&'a str>) {
        match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target, None),
        }
    }

    /// Whether nothing follows the head.
    pub fn is_head_only(&self) -> bool {
        self.bytes.len() == self.head
    }

    /// The body, decoded if it is chunked.
    pub fn body(&self, headers: &[Field<'_>]) -> Cow<'a, [u8]> {
        let body = &self.bytes[self.head..];
        match field(headers, "transfer-encoding") {
            Some(_) => Cow::Owned(dechunk(body)),
            None => Cow::Borrowed(body),
        }
    }

    /// The trailer section of a body in chunks (RFC 9112 section 7.1.2), for [`trailer_fields`]; empty for other bodies.
    pub fn trailers(&self, headers: &[Field<'_>]) -> &'a [u8] {
        match field(headers, "transfer-encoding") {
            Some(_) => each_chunk(&self.bytes[self.head..], |_| ()),
            None => &[],
        }
    }

    /// Whether the connection stays open after the response (RFC 9112 section 9.3).
    pub fn keeps_alive(&self, headers: &[Field<'_>]) -> bool {
        if let Some(known) = self.keeps_alive {
            return known;
        }
        let mut options = ConnectionOptions::default();
        for field in headers.iter().filter(|field| field.is("connection")) {
            options.add(field.value);
        }
        !options.close && (self.minor == 1 || options.keep_alive)
    }
}

/// The method, the target and the minor version of a request line.
fn request_line(line: &[u8]) -> Option<(&str, &str, u8)> {
    let text = std::str::from_utf8(line).ok()?;
    let (method, rest) = text.split_once(' ')?;
    let (target, version) = rest.split_once(' ')?;
    let minor = match version {
        "HTTP/1.1" => 1,
        "HTTP/1.0" => 0,
        _ => return None,
    };
    Some((method, target, minor))
}

/// A field's value without the spaces and tabs around it.
fn trim_blanks(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The value of the first field with that name, in any case.
pub fn field<'v>(headers: &[Field<'v>], name: &str) -> Option<&'v [u8]> {
    headers.iter().find(|field| field.is(name)).map(|field| field.value)
}

/// Joins a head and a decoded body to a request that may have been sent: with one chunk if the head announces chunks.
pub fn reassemble(head: &[u8], mut body: Vec<u8>) -> Vec<u8> {
    let mut fields = field_buffer();
    let parsed = Request::parse(head, &mut fields);
    let chunked = parsed.filter(|(_, headers)| field(headers, "transfer-encoding").is_some());
    if let Some((request, _)) = chunked {
        // Trailers are kept behind the head, as the end of a body without data.
        let (head, end) = head.split_at(request.head);
        let size = if body.is_empty() { String::new() } else { format!("{:x}\r\n", body.len()) };
        body.splice(0..0, [head, size.as_bytes()].concat());
        if !size.is_empty() {
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(if end.is_empty() { b"0\r\n\r\n" } else { end });
    } else {
        body.splice(0..0, head.iter().copied());
    }
    body
}

/// The data of chunks that the framer has checked.
fn dechunk(bytes: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(bytes.len());
    each_chunk(bytes, |chunk| data.extend_from_slice(chunk));
    data
}

/// Calls `take` with the data of each chunk; returns the bytes behind the last chunk: the trailer section.
fn each_chunk(mut bytes: &[u8], mut take: impl FnMut(&[u8])) -> &[u8] {
    while let Some(lf) = memchr(b'\n', bytes) {
        let digits = bytes[..lf].iter().take_while(|b| b.is_ascii_hexdigit());
        let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as usize;
        let size = digits.fold(0usize, |size, &digit| size << 4 | value(digit));
        let rest = &bytes[lf + 1..];
        let Some(chunk) = rest.get(..size).filter(|_| size > 0) else { return rest };
        take(chunk);
        bytes = rest.get(size + 2..).unwrap_or_default();
    }
    &[]
}

/// The fields of a trailer section: names as they were sent, and values.
///
/// ```
/// use swoosh_proto::http1::request::trailer_fields;
///
/// let fields: Vec<_> = trailer_fields(b"Sum: 42\r\nx-y:z\r\n\r\n").collect();
/// assert_eq!(fields, [(&b"Sum"[..], &b"42"[..]), (b"x-y", b"z")]);
/// ```
pub fn trailer_fields(section: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    section.split(|&byte| byte == b'\n').filter_map(|line| {
        let colon = memchr(b':', line)?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::head_index::HeadIndex;

    #[test]
    fn a_request_is_parsed() {
        let bytes = b"POST /a?b=c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n";
        let mut room = field_buffer();
        let (request, headers) = Request::parse(bytes, &mut room).unwrap();
        assert_eq!((request.method, request.target, request.minor), ("POST", "/a?b=c", 1));
        assert_eq!(request.path_and_query(), ("/a", Some("b=c")));
        assert_eq!(request.body(headers).as_ref(), b"abc0123456789");
        assert_eq!(field(headers, "HOST"), Some(&b"h"[..]));
        assert_eq!(trailer_fields(request.trailers(headers)).collect::<Vec<_>>(), [(&b"T"[..], &b"1"[..])]);
    }

    #[test]
    fn a_stored_request_is_put_together_with_its_trailers() {
        let head = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (end, body, wanted) in [
            (&b""[..], &b"abc"[..], &b"3\r\nabc\r\n0\r\n\r\n"[..]),
            (b"0\r\nT: 1\r\n\r\n", b"abc", b"3\r\nabc\r\n0\r\nT: 1\r\n\r\n"),
            (b"0\r\nT: 1\r\n\r\n", b"", b"0\r\nT: 1\r\n\r\n"),
        ] {
            let whole = reassemble(&[head, end].concat(), body.to_vec());
            assert_eq!(whole, [head, wanted].concat());
            let mut room = field_buffer();
            let (request, headers) = Request::parse(&whole, &mut room).unwrap();
            assert_eq!(request.body(headers).as_ref(), body);
        }
    }

    #[test]
    fn parsing_agrees_with_httparse_on_every_head_that_the_framer_accepts() {
        let heads: [&[u8]; 9] = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"\r\n\r\nGET /a?b=%20 HTTP/1.0\r\nHost: a\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost:a\r\nX:\r\nY: \t \r\nZ: a b\t\r\n\r\n",
            b"GET http://a/b#c HTTP/1.1\r\nHost:  \t  a:80 \t \r\nX: a:b:c\r\n\r\n",
            b"GET /\x7e HTTP/1.1\r\nHost: a\r\nX: caf\xe9 \xff\r\nX: again\r\n\r\n",
            b"M-SEARCH / HTTP/1.1\r\n\r\n",
            b"PURGE /x HTTP/1.1\r\nA!#$%&'*+-.^_`|~9: 1\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
        ];
        for bytes in heads {
            let mut framer = crate::http1::request_framer::Framer::default();
            if !matches!(framer.next(1 << 20, bytes), Ok(crate::framing::FrameStatus::Complete(_))) {
                assert!(bytes.starts_with(b"M-SEARCH"), "{bytes:?}");
            }
            let mut room = [httparse::EMPTY_HEADER; 32];
            let mut expected = httparse::Request::new(&mut room);
            let length = expected.parse(bytes).unwrap().unwrap();
            let mut room = field_buffer();
            let (request, headers) = Request::parse(bytes, &mut room).unwrap();
            assert_eq!(Some((request.method, request.target)), expected.method.zip(expected.path));
            assert_eq!((Some(request.minor), request.head), (expected.version, length));
            let expected: Vec<_> = expected.headers.iter().map(|h| (h.name.as_bytes(), h.value)).collect();
            assert_eq!(headers.iter().map(|field| (field.name, field.value)).collect::<Vec<_>>(), expected);
            let index = HeadIndex::of(&request, headers);
            assert_eq!(index.is_empty(), bytes.starts_with(b"\r\n"));
            if index.is_empty() {
                continue;
            }
            let mut room = field_buffer();
            let (again, fields) = index.request(bytes, &mut room).unwrap();
            assert_eq!((again.method, again.target, again.minor), (request.method, request.target, request.minor));
            assert_eq!((again.head, fields), (request.head, headers));
            assert!(index.request(b"", &mut field_buffer()).is_none());
        }
    }

    #[test]
    fn incomplete_and_malformed_heads_are_not_parsed() {
        let mut room = field_buffer();
        let malformed: [&[u8]; 10] = [
            b"",
            b"\r\n",
            b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n",
            b"GET / HTTP/1.1\r\nA: b\r\n",
            b"GET / HTTP/1.1\n\n",
            b"GET / HTTP/2.0\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"\xff / HTTP/1.1\r\n\r\n",
        ];
        for bytes in malformed {
            assert!(Request::parse(bytes, &mut room).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn head_and_body_are_joined_as_they_may_have_been_sent() {
        for head in
            ["POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"]
        {
            for body in [&b"abc"[..], b""] {
                let whole = reassemble(head.as_bytes(), body.to_vec());
                let mut room = field_buffer();
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
            let mut room = field_buffer();
            let (request, headers) = Request::parse(bytes.as_bytes(), &mut room).unwrap();
            assert_eq!(request.keeps_alive(headers), keep, "1.{minor} {value}");
        }
    }
}
