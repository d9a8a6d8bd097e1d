//! Where a request ends.
//!
//! Two readers of the same bytes must never disagree about that, so everything that some reader might take another way
//! is refused: bare CR and LF, folded lines, space before a colon, two lengths, and numbers that are not plain digits.

use super::{MAX_HEAD, MAX_HEADERS, MAX_TARGET, Refusal, has_token, is_method, is_token_byte};
use crate::framing::FrameStatus;
use memchr::memchr;
use std::mem::MaybeUninit;

/// What is known of a connection's unfinished request, so that no byte of it is looked at twice.
#[derive(Debug, Default)]
pub struct Framer {
    stage: Stage,
    /// A request of this connection was cut before.
    begun: bool,
    /// The peer waits for `100 Continue`.
    waits: bool,
    /// The request says that no other follows.
    last: bool,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// `start`: where the request line begins; `line`: where the line does that is looked for; nothing ends before
    /// `searched`.
    Head { start: usize, line: usize, searched: usize },
    /// The body ends there.
    Body(u64),
    /// A chunk's size begins there.
    Size(usize),
    /// A chunk's data ends there, before its CRLF.
    Data(u64),
    /// The trailer section begins at the first number, a line of it at the second.
    Trailer(usize, usize),
}

/// How much of an unfinished request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing, but for empty lines.
    NotStarted,
    /// Some of its head.
    Head,
    /// All of its head, and some of its body, it may be.
    Body,
}

impl Default for Stage {
    fn default() -> Self {
        Stage::Head { start: 0, line: 0, searched: 0 }
    }
}

/// How the body of a request is delimited (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Length(u64),
    Chunked,
}

/// What a head says of the end of its request.
struct Ends {
    body: Body,
    /// The peer waits for `100 Continue`.
    waits: bool,
    /// No request follows.
    last: bool,
}

/// What is found, or the refusal of what is none.
pub(super) type Found<T> = Result<T, Refusal>;

impl Framer {
    /// Looks for the end of the request at the front of `buf`; the calling rules are those of
    /// [`framing::Framer::next`](crate::framing::Framer::next). `max`: the longest request, head and all.
    pub fn next(&mut self, max: u64, buf: &[u8]) -> Found<FrameStatus> {
        loop {
            let found = match self.stage {
                Stage::Head { start, line, searched } => self.head(start, line, searched, max, buf)?,
                Stage::Body(end) if buf.len() as u64 >= end => Some(end as usize),
                Stage::Body(end) => return Ok(FrameStatus::Incomplete(Some(end))),
                Stage::Size(at) => self.size(at, max, buf)?,
                Stage::Data(end) => self.data(end, buf)?,
                Stage::Trailer(from, line) => self.trailer(from, line, max, buf)?,
            };
            match found {
                Some(0) => {}
                Some(end) => {
                    *self = Framer { begun: true, last: self.last, ..Framer::default() };
                    return Ok(FrameStatus::Complete(end));
                }
                None => return Ok(FrameStatus::Incomplete(None)),
            }
        }
    }

    /// Whether a request of this connection was cut before: then a refusal has to wait for its answer.
    pub fn has_framed(&self) -> bool {
        self.begun
    }

    /// How much of a request is there, where the buffer has `length` bytes.
    pub fn progress(&self, length: usize) -> Progress {
        match self.stage {
            Stage::Head { start, .. } if length <= start => Progress::NotStarted,
            Stage::Head { .. } => Progress::Head,
            _ => Progress::Body,
        }
    }

    /// Whether the peer waits for `100 Continue` before it sends the body; true once for each request.
    pub fn take_expect_continue(&mut self) -> bool {
        std::mem::take(&mut self.waits)
    }

    /// Whether the request that was cut ends its connection: what comes behind it is not to be read (RFC 9112 section 9.6).
    pub fn closes_connection(&self) -> bool {
        self.last
    }

    /// `Some(0)`: the stage is another now. `None`: more is needed.
    fn head(
        &mut self,
        mut start: usize,
        mut line: usize,
        searched: usize,
        max: u64,
        buf: &[u8],
    ) -> Found<Option<usize>> {
        let limit = MAX_HEAD.min(usize::try_from(max).unwrap_or(usize::MAX));
        let mut from = searched;
        while let Some(lf) = memchr(b'\n', &buf[from..]) {
            let lf = from + lf;
            if lf == 0 || buf[lf - 1] != b'\r' {
                return Err(Refusal::new(400, "a line ends with a bare LF"));
            }
            let empty = lf - 1 == line;
            if empty && line == start {
                // Empty lines before a request are left behind by old clients (RFC 9112 section 2.2).
                start = lf + 1;
                if start > MAX_EMPTY {
                    return Err(Refusal::new(400, "too many empty lines before the request"));
                }
            } else if empty {
                if lf + 1 - start > limit {
                    return Err(Refusal::new(431, "the head is too long"));
                }
                return self.head_found(start, lf + 1, max, buf);
            } else if line == start && lf - start > MAX_TARGET + MAX_METHOD {
                return Err(Refusal::new(414, "the target is too long"));
            }
            (line, from) = (lf + 1, lf + 1);
        }
        if buf.get(start).is_some_and(|&first| !is_token_byte(first) && first != b'\r') {
            return Err(Refusal::new(400, "it does not begin with a method"));
        }
        if line == start && buf.len() - start > MAX_TARGET + MAX_METHOD {
            return Err(Refusal::new(414, "the target is too long"));
        }
        if buf.len() - start >= limit {
            return Err(Refusal::new(431, "the head is too long"));
        }
        self.stage = Stage::Head { start, line, searched: buf.len() };
        Ok(None)
    }

    fn head_found(&mut self, start: usize, end: usize, max: u64, buf: &[u8]) -> Found<Option<usize>> {
        let Ends { body, waits, last } = look_at(&buf[start..end])?;
        self.last = last;
        match body {
            Body::Length(0) => return Ok(Some(end)),
            Body::Length(length) => {
                let whole = (end as u64).checked_add(length).filter(|&whole| whole <= max);
                self.stage = Stage::Body(whole.ok_or(TOO_LARGE)?);
            }
            Body::Chunked => self.stage = Stage::Size(end),
        }
        self.waits = waits && buf.len() == end;
        Ok(Some(0))
    }

    fn size(&mut self, at: usize, max: u64, buf: &[u8]) -> Found<Option<usize>> {
        let Some((size, line)) = chunk_line(&buf[at..])? else { return Ok(None) };
        let next = at + line;
        self.stage = if size == 0 { Stage::Trailer(next, next) } else { Stage::Data(next as u64 + size) };
        if next as u64 + size + 2 > max {
            return Err(TOO_LARGE);
        }
        Ok(Some(0))
    }

    fn data(&mut self, end: u64, buf: &[u8]) -> Found<Option<usize>> {
        let Some(rest) = usize::try_from(end).ok().and_then(|end| buf.get(end..)) else { return Ok(None) };
        match rest {
            [] | [b'\r'] => Ok(None),
            [b'\r', b'\n', ..] => {
                self.stage = Stage::Size(end as usize + 2);
                Ok(Some(0))
            }
            _ => Err(BAD_CHUNK),
        }
    }

    fn trailer(&mut self, from: usize, line: usize, max: u64, buf: &[u8]) -> Found<Option<usize>> {
        match trailer_line(&buf[from..], line - from)? {
            Ok(length) if (from + length) as u64 <= max => Ok(Some(from + length)),
            Ok(_) => Err(TOO_LARGE),
            Err(line) => {
                self.stage = Stage::Trailer(from, from + line);
                Ok(None)
            }
        }
    }

    /// The request that was being read is taken another way: the next byte that is seen begins the next one.
    pub fn skip_request(&mut self) {
        *self = Framer { begun: true, last: self.last, ..Framer::default() };
    }
}

/// The size of a chunk, and the bytes of its line; `None`: the line is not whole.
pub(super) fn chunk_line(bytes: &[u8]) -> Found<Option<(u64, usize)>> {
    let Some(lf) = memchr(b'\n', &bytes[..bytes.len().min(MAX_CHUNK_LINE)]) else {
        return if bytes.len() >= MAX_CHUNK_LINE { Err(BAD_CHUNK) } else { Ok(None) };
    };
    let line = bytes[..lf].strip_suffix(b"\r").ok_or(BAD_CHUNK)?;
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let (digits, extension) = line.split_at(digits);
    if digits.is_empty() || digits.len() > 15 || !is_extension(extension) {
        return Err(BAD_CHUNK);
    }
    let value = |digit: u8| u64::from((digit as char).to_digit(16).unwrap_or(0));
    Ok(Some((digits.iter().fold(0, |size, &digit| size << 4 | value(digit)), lf + 1)))
}

/// Bytes of a trailer section; the inner `Err`: it is not whole, and this is where the line begins that is not. `line`:
/// where a line begins.
pub(super) fn trailer_line(bytes: &[u8], mut line: usize) -> Found<Result<usize, usize>> {
    while let Some(lf) = memchr(b'\n', &bytes[line..]) {
        let lf = line + lf;
        if lf == line || bytes[lf - 1] != b'\r' {
            return Err(Refusal::new(400, "a line of the trailer ends with a bare LF"));
        }
        if lf - 1 == line {
            let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
            return match httparse::parse_headers(&bytes[..=lf], &mut fields) {
                Ok(_) => Ok(Ok(lf + 1)),
                Err(httparse::Error::TooManyHeaders) => Err(Refusal::new(431, "too many trailer fields")),
                Err(_) => Err(Refusal::new(400, "the trailer is malformed")),
            };
        }
        line = lf + 1;
    }
    if bytes.len() > MAX_TRAILER {
        return Err(Refusal::new(431, "the trailer is too long"));
    }
    Ok(Err(line))
}

fn look_at(head: &[u8]) -> Found<Ends> {
    let mut room = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut room) {
        Ok(httparse::Status::Complete(end)) if end == head.len() => {}
        Ok(_) => return Err(Refusal::new(400, "the head is malformed")),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::new(431, "too many header fields")),
        Err(_) => return Err(bad_head(head)),
    }
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Refusal::new(400, "the head is malformed"));
    };
    check_target(method, target)?;
    let (mut length, mut chunked, mut hosts, mut waits) = (None, false, 0, false);
    let (mut closes, mut stays) = (false, minor == 1);
    for field in &*request.headers {
        match field.name.len() {
            4 if field.name.eq_ignore_ascii_case("host") => {
                hosts += 1;
                if hosts > 1 || !is_host(field.value) {
                    return Err(Refusal::new(400, "the Host field is not one host"));
                }
            }
            6 if field.name.eq_ignore_ascii_case("expect") => {
                if !field.value.trim_ascii().eq_ignore_ascii_case(b"100-continue") {
                    return Err(Refusal::new(417, "it expects what is not known"));
                }
                waits = minor == 1;
            }
            10 if field.name.eq_ignore_ascii_case("connection") => {
                closes |= has_token(field.value, "close");
                stays |= has_token(field.value, "keep-alive") || has_token(field.value, "upgrade");
            }
            14 if field.name.eq_ignore_ascii_case("content-length") => {
                let value = plain_number(field.value)?;
                if length.replace(value).is_some() {
                    return Err(Refusal::new(400, "it has two lengths"));
                }
            }
            17 if field.name.eq_ignore_ascii_case("transfer-encoding") => {
                let value = field.value.trim_ascii();
                if chunked || minor == 0 {
                    return Err(Refusal::new(400, "its transfer codings are not what a request may have"));
                }
                if !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(coding(value));
                }
                chunked = true;
            }
            _ => {}
        }
    }
    let body = match (length, chunked) {
        (Some(_), true) => return Err(Refusal::new(400, "it has a length and a transfer coding")),
        (_, true) => Body::Chunked,
        (length, false) => Body::Length(length.unwrap_or(0)),
    };
    if !is_method(method) {
        return Err(Refusal::new(501, "its method is not known"));
    }
    Ok(Ends { body, waits, last: closes || !stays })
}

/// Only a chunked body's end can be found; `chunked` must be the last coding and appear once (RFC 9112 section 6.1).
fn coding(value: &[u8]) -> Refusal {
    let last = value.rsplit(|&b| b == b',').next().unwrap_or_default().trim_ascii();
    let count = value.split(|&b| b == b',').filter(|c| c.trim_ascii().eq_ignore_ascii_case(b"chunked")).count();
    let tokens = |c: &[u8]| !c.is_empty() && c.iter().all(|&b| is_token_byte(b) || b"; =\"".contains(&b));
    let well_formed = value.split(|&b| b == b',').all(|c| tokens(c.trim_ascii()));
    match last.eq_ignore_ascii_case(b"chunked") && count == 1 && well_formed {
        true => Refusal::new(501, "its transfer codings are not known"),
        false => Refusal::new(400, "its body has no end that can be known"),
    }
}

/// The answer to a head that httparse refuses.
fn bad_head(head: &[u8]) -> Refusal {
    let line = head.split(|&b| b == b'\r').next().unwrap_or_default();
    if let [.., b' ', b'H', b'T', b'T', b'P', b'/', major, b'.', minor] = line
        && major.is_ascii_digit()
        && minor.is_ascii_digit()
        && !(*major == b'1' && (b'0'..=b'1').contains(minor))
    {
        return Refusal::new(505, "its version of HTTP is not served");
    }
    Refusal::new(400, "the head is malformed")
}

/// The four forms of RFC 9112 section 3.2. A fragment is no part of a target; old clients send it, and it does no harm.
fn check_target(method: &str, target: &str) -> Found<()> {
    if target.len() > MAX_TARGET {
        return Err(Refusal::new(414, "the target is too long"));
    }
    let plain = target.bytes().all(|b| b.is_ascii_graphic());
    let scheme = |name: &str| target.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    // A host is never empty (RFC 9110 section 4.2.1).
    let absolute = |name: &str| scheme(name) && target[name.len()..].starts_with(|first| !"/?#".contains(first));
    let form = match method {
        "CONNECT" => is_authority(target),
        "OPTIONS" if target == "*" => true,
        _ => target.starts_with('/') || absolute("http://") || absolute("https://"),
    };
    match plain && form {
        true => Ok(()),
        false => Err(Refusal::new(400, "the target is malformed")),
    }
}

/// `uri-host ":" port` with a port that is one (RFC 9110 section 9.3.6).
fn is_authority(target: &str) -> bool {
    let Some((host, port)) = target.rsplit_once(':') else { return false };
    let is_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse().is_ok_and(|port: u16| port > 0);
    !host.is_empty() && is_host(host.as_bytes()) && is_port
}

/// Digits and nothing else (RFC 9110 section 8.6); a list of lengths is refused even where they are equal.
fn plain_number(value: &[u8]) -> Found<u64> {
    let value = value.trim_ascii();
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::new(400, "its length is no number"));
    }
    let digit = |sum: u64, &b: &u8| sum.checked_mul(10)?.checked_add(u64::from(b - b'0'));
    value.iter().try_fold(0u64, digit).ok_or(TOO_LARGE)
}

/// `uri-host [ ":" port ]`, in its letters only. It may be empty.
fn is_host(value: &[u8]) -> bool {
    value.iter().all(|&b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%:[]".contains(&b))
}

/// What follows a chunk's size: nothing, or extensions, which mean nothing here (RFC 9112 section 7.1.1).
fn is_extension(bytes: &[u8]) -> bool {
    let begins = bytes.trim_ascii_start().first().is_none_or(|&b| b == b';');
    begins && (bytes.is_empty() || bytes.contains(&b';')) && bytes.iter().all(|&b| b == b'\t' || b >= 32 && b != 127)
}

pub(super) const TOO_LARGE: Refusal = Refusal::new(413, "it is longer than package_max_length");
pub(super) const BAD_CHUNK: Refusal = Refusal::new(400, "a chunk is malformed");
/// Bytes of empty lines before a request.
const MAX_EMPTY: usize = 8;
/// Bytes of a request line beside its target.
const MAX_METHOD: usize = 64;
/// Bytes of a line with a chunk's size and extensions.
const MAX_CHUNK_LINE: usize = 1024;
/// Bytes of a trailer section.
const MAX_TRAILER: usize = 16 << 10;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
