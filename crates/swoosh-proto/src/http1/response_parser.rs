//! Parses a response for a client: its head, then its body piece by piece (RFC 9112 section 6.3).

use std::mem::MaybeUninit;

/// Memory for the header fields of one response.
pub type HeaderBuffer<'a> = [MaybeUninit<Header<'a>>; MAX_FIELDS];

/// An uninitialised [`HeaderBuffer`].
pub fn header_buffer<'a>() -> HeaderBuffer<'a> {
    [const { MaybeUninit::uninit() }; MAX_FIELDS]
}

/// Header fields of a response, at most.
const MAX_FIELDS: usize = 512;

use super::request_framer::MAX_HEAD;
use super::token::has_token;
use httparse::{Header, ParserConfig};
use memchr::{memchr, memmem};

/// The content of the bytes at the front of a buffer.
///
/// ```
/// use swoosh_proto::http1::response_parser::{ResponseEvent, ResponseParser};
///
/// assert_eq!(ResponseParser::new(b"GET").next(b"HTTP/1.1 200"), Ok(ResponseEvent::Incomplete));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseEvent {
    /// More bytes are needed.
    Incomplete,
    /// A head of so many bytes, for [`ResponseHead::parse`].
    Head(usize),
    /// So many bytes of framing, which are to be skipped, then so many bytes of the body.
    Data(usize, usize),
    /// One field of the trailer section, so many bytes with its line end.
    Trailer(usize),
    /// The response ends after so many bytes of framing.
    End(usize),
}

/// A malformed response, and the reason.
///
/// ```
/// use swoosh_proto::http1::response_parser::ResponseParser;
///
/// assert!(ResponseParser::new(b"GET").next(b"SSH-2.0-OpenSSH\r\n").is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseError(pub &'static str);

/// Parses one response as it arrives.
///
/// ```
/// use swoosh_proto::http1::response_parser::{ResponseEvent, ResponseParser};
///
/// let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// let mut parser = ResponseParser::new(b"GET");
/// assert_eq!(parser.next(response), Ok(ResponseEvent::Head(38)));
/// assert_eq!(parser.next(&response[38..]), Ok(ResponseEvent::Data(0, 2)));
/// assert_eq!(parser.next(b""), Ok(ResponseEvent::End(0)));
/// assert!(parser.keeps_alive());
/// ```
#[derive(Debug, Default)]
pub struct ResponseParser {
    stage: Stage,
    /// The request was a HEAD request, whose response has no body.
    bodiless: bool,
    /// The connection cannot be used for another request.
    closes: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Head,
    /// So many bytes of the body follow.
    Length(u64),
    /// The size of a chunk follows.
    Size,
    /// So many bytes of the chunk follow, and its line end.
    Chunk(u64),
    Trailer,
    UntilClosed,
    End,
}

impl ResponseParser {
    /// A parser for the response to a request with that method.
    pub fn new(method: &[u8]) -> Self {
        ResponseParser { bodiless: method == b"HEAD", ..ResponseParser::default() }
    }

    /// Examines the front of `buf`. The caller removes the bytes that the event names before the next call. Interim
    /// responses (1xx other than 101) are skipped.
    ///
    /// # Errors
    /// If the bytes are not an HTTP/1 response. The connection should be closed.
    pub fn next(&mut self, buf: &[u8]) -> Result<ResponseEvent, ResponseError> {
        match self.stage {
            Stage::Head => self.head(buf),
            Stage::Length(0) | Stage::End => {
                self.stage = Stage::End;
                Ok(ResponseEvent::End(0))
            }
            Stage::Length(_) | Stage::UntilClosed if buf.is_empty() => Ok(ResponseEvent::Incomplete),
            Stage::Length(left) => {
                let available = left.min(buf.len() as u64);
                self.stage = Stage::Length(left - available);
                Ok(ResponseEvent::Data(0, available as usize))
            }
            Stage::UntilClosed => Ok(ResponseEvent::Data(0, buf.len())),
            Stage::Size => self.size(buf),
            Stage::Chunk(left) => self.chunk(left, buf),
            Stage::Trailer => self.trailer(buf),
        }
    }

    /// Whether the response is complete if the peer closes the connection now.
    pub fn may_end(&self) -> bool {
        matches!(self.stage, Stage::UntilClosed | Stage::End | Stage::Length(0))
    }

    /// Whether the response is complete.
    pub fn is_complete(&self) -> bool {
        matches!(self.stage, Stage::End | Stage::Length(0))
    }

    /// Whether the connection can be used for another request.
    pub fn keeps_alive(&self) -> bool {
        !self.closes
    }

    fn head(&mut self, buf: &[u8]) -> Result<ResponseEvent, ResponseError> {
        if !b"HTTP/1.".starts_with(&buf[..buf.len().min(7)]) {
            return Err(ResponseError("the response does not start with a version of HTTP/1"));
        }
        let Some(end) = memmem::find(buf, b"\r\n\r\n").map(|at| at + 4) else {
            return if buf.len() > MAX_HEAD {
                Err(ResponseError("the response head is too long"))
            } else {
                Ok(ResponseEvent::Incomplete)
            };
        };
        let mut buffer = header_buffer();
        let Some((head, headers)) = ResponseHead::parse(&buf[..end], &mut buffer) else {
            return Err(ResponseError("the response head is malformed"));
        };
        if (100..200).contains(&head.status) && head.status != 101 {
            // The final response follows (RFC 9110 section 15.2).
            return Ok(ResponseEvent::Data(end, 0));
        }
        self.closes = !head.keeps_alive(headers);
        self.stage = self.body(&head, headers)?;
        Ok(ResponseEvent::Head(end))
    }

    /// How the body is delimited.
    fn body(&mut self, head: &ResponseHead<'_>, headers: &[Header<'_>]) -> Result<Stage, ResponseError> {
        if self.bodiless || matches!(head.status, 101 | 204 | 304) {
            return Ok(Stage::End);
        }
        let (mut length, mut coded, mut chunked) = (None, false, false);
        for header in headers {
            if header.name.eq_ignore_ascii_case("transfer-encoding") {
                let last = header.value.rsplit(|&byte| byte == b',').next().unwrap_or_default();
                (coded, chunked) = (true, last.trim_ascii().eq_ignore_ascii_case(b"chunked"));
            } else if header.name.eq_ignore_ascii_case("content-length") {
                for item in header.value.split(|&byte| byte == b',') {
                    let text = std::str::from_utf8(item.trim_ascii()).unwrap_or_default();
                    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
                    let value: Option<u64> = text.parse().ok().filter(|_| digits);
                    let value = value.ok_or(ResponseError("the response length is not a number"))?;
                    if length.replace(value).is_some_and(|before| before != value) {
                        return Err(ResponseError("the response has two lengths"));
                    }
                }
            }
        }
        Ok(match length {
            // A response with both a length and a transfer coding closes the connection (RFC 9112 section 6.3).
            _ if chunked => {
                self.closes |= length.is_some();
                Stage::Size
            }
            Some(length) if !coded => Stage::Length(length),
            _ => {
                self.closes = true;
                Stage::UntilClosed
            }
        })
    }

    fn size(&mut self, buf: &[u8]) -> Result<ResponseEvent, ResponseError> {
        const BAD: ResponseError = ResponseError("a chunk of the response is malformed");
        let Some(end) = memchr(b'\n', &buf[..buf.len().min(MAX_SIZE_LINE)]) else {
            return if buf.len() >= MAX_SIZE_LINE { Err(BAD) } else { Ok(ResponseEvent::Incomplete) };
        };
        let digits = buf[..end].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let extension = buf[digits..end].trim_ascii();
        let text = std::str::from_utf8(&buf[..digits]).map_err(|_| BAD)?;
        let good = (1..=15).contains(&digits) && (extension.is_empty() || extension[0] == b';');
        let size = u64::from_str_radix(text, 16).ok().filter(|_| good).ok_or(BAD)?;
        self.stage = if size == 0 { Stage::Trailer } else { Stage::Chunk(size) };
        Ok(ResponseEvent::Data(end + 1, 0))
    }

    fn chunk(&mut self, left: u64, buf: &[u8]) -> Result<ResponseEvent, ResponseError> {
        if left > 0 {
            let available = left.min(buf.len() as u64);
            self.stage = Stage::Chunk(left - available);
            return Ok(if available == 0 {
                ResponseEvent::Incomplete
            } else {
                ResponseEvent::Data(0, available as usize)
            });
        }
        match buf {
            [b'\r', b'\n', ..] => {
                self.stage = Stage::Size;
                Ok(ResponseEvent::Data(2, 0))
            }
            [] | [b'\r'] => Ok(ResponseEvent::Incomplete),
            _ => Err(ResponseError("a chunk of the response does not end where its size says")),
        }
    }

    fn trailer(&mut self, buf: &[u8]) -> Result<ResponseEvent, ResponseError> {
        match memchr(b'\n', buf) {
            Some(end) if buf[..end].trim_ascii_end().is_empty() => {
                self.stage = Stage::End;
                Ok(ResponseEvent::End(end + 1))
            }
            Some(end) => Ok(ResponseEvent::Trailer(end + 1)),
            None if buf.len() > MAX_HEAD => Err(ResponseError("the response trailer is too long")),
            None => Ok(ResponseEvent::Incomplete),
        }
    }
}

/// The head of a response.
///
/// ```
/// use swoosh_proto::http1::response_parser::{ResponseHead, header_buffer};
///
/// let mut buffer = header_buffer();
/// let (head, headers) = ResponseHead::parse(b"HTTP/1.1 404 Not Found\r\n\r\n", &mut buffer).unwrap();
/// assert_eq!((head.status, head.reason, headers.len()), (404, "Not Found", 0));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct ResponseHead<'a> {
    /// The status: 200.
    pub status: u16,
    /// The minor version: 0 for HTTP/1.0, 1 for HTTP/1.1.
    pub minor: u8,
    /// The reason phrase, which may be empty.
    pub reason: &'a str,
}

impl<'a> ResponseHead<'a> {
    /// Parses a head and its fields, in order. `None` if it is malformed.
    pub fn parse<'r>(bytes: &'a [u8], buffer: &'r mut HeaderBuffer<'a>) -> Option<(Self, &'r [Header<'a>])> {
        let mut parsed = httparse::Response::new(&mut []);
        let config = ParserConfig::default();
        let Ok(httparse::Status::Complete(_)) = config.parse_response_with_uninit_headers(&mut parsed, bytes, buffer)
        else {
            return None;
        };
        let (status, minor) = (parsed.code?, parsed.version?);
        Some((ResponseHead { status, minor, reason: parsed.reason.unwrap_or_default() }, parsed.headers))
    }

    fn keeps_alive(&self, headers: &[Header<'_>]) -> bool {
        let fields = headers.iter().filter(|header| header.name.eq_ignore_ascii_case("connection"));
        let has = |token| fields.clone().any(|field| has_token(field.value, token));
        !has("close") && (self.minor == 1 || has("keep-alive"))
    }
}

/// Bytes of the line with the size of a chunk, at most.
const MAX_SIZE_LINE: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `bytes`, `step` at a time: status, body, whether it is complete, whether the connection stays open, and the bytes
    /// left.
    fn read(method: &str, bytes: &[u8], step: usize) -> Result<(u16, Vec<u8>, bool, bool, usize), ResponseError> {
        let (mut reader, mut buf, mut status, mut body) =
            (ResponseParser::new(method.as_bytes()), Vec::new(), 0, Vec::new());
        let mut parts = bytes.chunks(step);
        let mut whole = false;
        loop {
            match reader.next(&buf)? {
                ResponseEvent::Incomplete => match parts.next() {
                    Some(part) => buf.extend_from_slice(part),
                    None => return Ok((status, body, whole || reader.may_end(), reader.keeps_alive(), 0)),
                },
                ResponseEvent::Head(length) => {
                    let mut room = header_buffer();
                    status = ResponseHead::parse(&buf[..length], &mut room).unwrap().0.status;
                    buf.drain(..length);
                }
                ResponseEvent::Data(form, length) => {
                    body.extend_from_slice(&buf[form..form + length]);
                    buf.drain(..form + length);
                }
                ResponseEvent::Trailer(length) => {
                    assert!(buf[..length].ends_with(b"\r\n") && length > 2);
                    buf.drain(..length);
                }
                ResponseEvent::End(length) => {
                    buf.drain(..length);
                    whole = true;
                    let left = buf.len() + parts.map(<[u8]>::len).sum::<usize>();
                    return Ok((status, body, whole, reader.keeps_alive(), left));
                }
            }
        }
    }

    #[test]
    fn responses_are_parsed_alike_wherever_the_reads_end() {
        let chunks = "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n";
        for (name, method, text, wanted) in [
            ("6.3 length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello+".into(), (200, "hello", true, true, 1)),
            ("6.3 equal lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok".into(), (200, "ok", true, true, 0)),
            ("6.3 HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".into(), (200, "", true, true, 0)),
            ("6.3 204", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n".into(), (204, "", true, true, 0)),
            ("6.3 304", "GET", "HTTP/1.1 304 Not Modified\r\n\r\n".into(), (304, "", true, true, 0)),
            ("7.1 chunks", "GET", format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}\r\n"), (200, "hello world", true, true, 0)),
            ("7.1.2 trailer", "GET", format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}T: 1\r\nU: 2\r\n\r\n"), (200, "hello world", true, true, 0)),
            ("6.3 until closed", "GET", "HTTP/1.1 200 OK\r\n\r\nrest".into(), (200, "rest", true, false, 0)),
            ("9.3 close", "GET", "HTTP/1.1 200\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok".into(), (200, "ok", true, false, 0)),
            ("9.3 1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok".into(), (200, "ok", true, false, 0)),
            ("9.3 1.0 kept", "GET", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok".into(), (200, "ok", true, true, 0)),
            ("6.1 both", "GET", format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}\r\n"), (200, "hello world", true, false, 0)),
            ("9110 15.2 continue", "POST", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into(), (200, "ok", true, true, 0)),
            ("15.2.2 upgrade", "GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n\x01\x02".into(), (101, "", true, true, 2)),
            ("8 half of it", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe".into(), (200, "he", false, true, 0)),
            ("8 half a chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe".into(), (200, "he", false, true, 0)),
            ("8 half a head", "GET", "HTTP/1.1 200 OK\r\nContent-".into(), (0, "", false, true, 0)),
        ] {
            let (status, body, whole, keeps, left) = wanted;
            for step in [1, 2, 7, 1000] {
                let found = read(method, text.as_bytes(), step);
                assert_eq!(found, Ok((status, body.as_bytes().to_vec(), whole, keeps, left)), "{name}, by {step}");
            }
        }
    }

    #[test]
    fn malformed_responses_are_refused() {
        for bad in [
            "what is this\r\n\r\n",
            "HTTP/2 200\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        ] {
            for step in [1, 1000] {
                assert!(read("GET", bad.as_bytes(), step).is_err(), "{bad:?} by {step}");
            }
        }
    }
}
