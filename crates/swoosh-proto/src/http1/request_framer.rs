//! Finds the end of a request; rejects malformed input.
//!
//! Invariant: two readers of the same bytes never disagree about the end of a request. Bare CR and LF are rejected here,
//! other ambiguities in `request_head` and `chunked`.

use super::chunked::{BAD_CHUNK, TrailerStatus, chunk_line, trailer};
use super::head_index::HeadIndex;
use super::ordinary_head;
use super::refusal::Refusal;
use super::request_head::{BodyFraming, CheckedHead, MAX_TARGET, TOO_LARGE, check_head};
use super::token::is_token_byte;
use crate::frame_status::FrameStatus;
use memchr::memchr;

/// Finds the requests of one connection. It remembers how far it has examined an incomplete request, so that no byte is
/// examined twice.
///
/// ```
/// use swoosh_proto::framing::FrameStatus;
/// use swoosh_proto::http1::request_framer::Framer;
///
/// let mut framer = Framer::default();
/// let head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
/// assert_eq!(framer.next(1024, head), Ok(FrameStatus::Incomplete(Some(49))));
/// let request = [&head[..], b"ok"].concat();
/// assert_eq!(framer.next(1024, &request), Ok(FrameStatus::Complete(49)));
/// ```
#[derive(Debug, Default)]
pub struct Framer {
    stage: Stage,
    /// A request of this connection was framed before.
    framed: bool,
    /// The peer waits for `100 Continue`.
    expects_continue: bool,
    /// The request closes the connection.
    is_last: bool,
    /// The last complete head asks for another protocol.
    upgrades: bool,
    /// The body of the request is a form with files.
    is_form: bool,
    rules: RequestRules,
}

/// Rules that a server sets for its requests.
///
/// ```
/// use swoosh_proto::http1::request_framer::{Framer, RequestRules};
///
/// let mut framer = Framer::new(RequestRules { requires_host: true, ..RequestRules::default() });
/// assert_eq!(framer.next(1024, b"GET / HTTP/1.1\r\n\r\n").unwrap_err().status, 400);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestRules {
    /// Requests of HTTP/1.1 without a `Host` field are refused (RFC 9112 section 3.2).
    pub requires_host: bool,
    /// Bytes of the longest request with a `multipart/form-data` body, if that is more than the limit of other requests.
    pub max_form: u64,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// `start`: the start of the request line; `line`: the start of the incomplete line; no line ends before `searched`.
    Head { start: usize, line: usize, searched: usize },
    /// The body ends at this position.
    Body(u64),
    /// The size of a chunk starts at this position.
    ChunkSize(usize),
    /// The data of a chunk ends at this position, before its CRLF.
    ChunkData(u64),
    /// The trailer section starts at `start`, its incomplete line at `line`.
    Trailer { start: usize, line: usize },
}

impl Default for Stage {
    fn default() -> Self {
        Stage::Head { start: 0, line: 0, searched: 0 }
    }
}

/// The result of one stage.
enum Advance {
    /// The request ends at this position.
    End(usize),
    /// Another stage follows.
    Next,
    /// More bytes are needed.
    Wait,
}

/// The part of a request that has arrived.
///
/// ```
/// use swoosh_proto::http1::request_framer::{Framer, Progress};
///
/// let mut framer = Framer::default();
/// assert_eq!(framer.progress(0), Progress::NotStarted);
/// framer.next(1024, b"GET / HT").unwrap();
/// assert_eq!(framer.progress(8), Progress::Head);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Nothing but empty lines.
    NotStarted,
    /// A part of the head.
    Head,
    /// The head, and possibly a part of the body.
    Body,
}

impl Framer {
    /// A framer for a new connection.
    pub fn new(rules: RequestRules) -> Self {
        Framer { rules, ..Framer::default() }
    }

    /// Bytes of the longest request like the current one, where `max` is the limit of requests without files.
    pub fn max_length(&self, max: u64) -> u64 {
        if self.is_form { max.max(self.rules.max_form) } else { max }
    }

    /// Whether the last request that was framed asks for another protocol (`Upgrade`): the bytes after it may belong to
    /// that protocol.
    pub fn asks_for_upgrade(&self) -> bool {
        self.upgrades
    }

    /// Examines the request at the front of `buf`; called like
    /// [`framing::Framer::next`](crate::framing::Framer::next). `max`: bytes of the longest request, head included.
    ///
    /// # Errors
    /// If the request is malformed or too long: the status to answer with, before the connection is closed.
    pub fn next(&mut self, max: u64, buf: &[u8]) -> Result<FrameStatus, Refusal> {
        self.next_indexed(max, buf, &mut HeadIndex::default())
    }

    /// Like [`next`](Self::next); `index` becomes the index of a complete request whose head this call has found, or
    /// empty.
    ///
    /// # Errors
    /// Like [`next`](Self::next).
    pub fn next_indexed(&mut self, max: u64, buf: &[u8], index: &mut HeadIndex) -> Result<FrameStatus, Refusal> {
        let is_at_start = matches!(self.stage, Stage::Head { start: 0, line: 0, searched: 0 });
        let ordinary = || ordinary_head::check(buf, head_limit(max), self.rules.requires_host, index);
        let entered = match is_at_start.then(ordinary).flatten() {
            Some((head, end)) => self.enter_body(head, end, max, buf),
            None => {
                index.clear();
                Ok(())
            }
        };
        let status = entered.and_then(|()| self.advance(max, buf));
        if !matches!(status, Ok(FrameStatus::Complete(_))) {
            index.clear();
        }
        status
    }

    /// Goes from stage to stage, as far as the bytes allow.
    fn advance(&mut self, max: u64, buf: &[u8]) -> Result<FrameStatus, Refusal> {
        loop {
            let max = self.max_length(max);
            let advance = match self.stage {
                Stage::Head { start, line, searched } => self.head(start, line, searched, max, buf)?,
                Stage::Body(end) if buf.len() as u64 >= end => Advance::End(end as usize),
                Stage::Body(end) => return Ok(FrameStatus::Incomplete(Some(end))),
                Stage::ChunkSize(at) => self.chunk_size(at, max, buf)?,
                Stage::ChunkData(end) => self.chunk_data(end, buf)?,
                Stage::Trailer { start, line } => self.trailer(start, line, max, buf)?,
            };
            match advance {
                Advance::Next => {}
                Advance::Wait => return Ok(FrameStatus::Incomplete(None)),
                Advance::End(end) => {
                    self.skip_request();
                    return Ok(FrameStatus::Complete(end));
                }
            }
        }
    }

    /// Whether a request of this connection was framed before: a refusal then has to wait for its response.
    pub fn has_framed(&self) -> bool {
        self.framed
    }

    /// The part of a request that has arrived, if the buffer holds `length` bytes.
    pub fn progress(&self, length: usize) -> Progress {
        match self.stage {
            Stage::Head { start, .. } if length <= start => Progress::NotStarted,
            Stage::Head { .. } => Progress::Head,
            _ => Progress::Body,
        }
    }

    /// Whether the peer waits for `100 Continue` before it sends the body; `true` once per request.
    pub fn take_expect_continue(&mut self) -> bool {
        std::mem::take(&mut self.expects_continue)
    }

    /// Whether the last request that was framed closes the connection: the bytes after it are not to be read (RFC 9112
    /// section 9.6).
    pub fn closes_connection(&self) -> bool {
        self.is_last
    }

    /// Forgets the incomplete request, whose rest the caller reads by itself. The next byte that this framer gets is the
    /// first one of the next request.
    pub fn skip_request(&mut self) {
        let (is_last, upgrades, rules) = (self.is_last, self.upgrades, self.rules);
        *self = Framer { framed: true, is_last, upgrades, rules, ..Framer::default() };
    }

    fn head(
        &mut self,
        mut start: usize,
        mut line: usize,
        searched: usize,
        max: u64,
        buf: &[u8],
    ) -> Result<Advance, Refusal> {
        let limit = head_limit(max);
        let mut from = searched;
        while let Some(lf) = memchr(b'\n', &buf[from..]) {
            let lf = from + lf;
            if lf == 0 || buf[lf - 1] != b'\r' {
                return Err(Refusal::new(400, "a line ends with a bare LF"));
            }
            let empty = lf - 1 == line;
            if empty && line == start {
                // Old clients send empty lines before a request (RFC 9112 section 2.2).
                start = lf + 1;
                if start > MAX_EMPTY_LINES {
                    return Err(Refusal::new(400, "too many empty lines before the request"));
                }
            } else if empty {
                if lf + 1 - start > limit {
                    return Err(Refusal::new(431, "the head is too long"));
                }
                return self.head_complete(start, lf + 1, max, buf);
            } else if line == start && lf - start > MAX_TARGET + MAX_LINE_OVERHEAD {
                return Err(Refusal::new(414, "the target is too long"));
            }
            (line, from) = (lf + 1, lf + 1);
        }
        if buf.get(start).is_some_and(|&first| !is_token_byte(first) && first != b'\r') {
            return Err(Refusal::new(400, "the request does not start with a method"));
        }
        if line == start && buf.len() - start > MAX_TARGET + MAX_LINE_OVERHEAD {
            return Err(Refusal::new(414, "the target is too long"));
        }
        if buf.len() - start >= limit {
            return Err(Refusal::new(431, "the head is too long"));
        }
        self.stage = Stage::Head { start, line, searched: buf.len() };
        Ok(Advance::Wait)
    }

    fn head_complete(&mut self, start: usize, end: usize, max: u64, buf: &[u8]) -> Result<Advance, Refusal> {
        let head = check_head(&buf[start..end], self.rules.requires_host)?;
        self.enter_body(head, end, max, buf)?;
        Ok(Advance::Next)
    }

    /// The head ends at `end`; the body follows.
    fn enter_body(&mut self, head: CheckedHead, end: usize, max: u64, buf: &[u8]) -> Result<(), Refusal> {
        let CheckedHead { body, expects_continue, is_last, upgrades, is_form, keeps_alive: _ } = head;
        (self.is_last, self.upgrades, self.is_form) = (is_last, upgrades, is_form);
        let max = self.max_length(max);
        self.stage = match body {
            BodyFraming::Length(length) => {
                let total = (end as u64).checked_add(length).filter(|&total| total <= max);
                Stage::Body(total.ok_or(TOO_LARGE)?)
            }
            BodyFraming::Chunked => Stage::ChunkSize(end),
        };
        self.expects_continue = expects_continue && buf.len() == end;
        Ok(())
    }

    fn chunk_size(&mut self, at: usize, max: u64, buf: &[u8]) -> Result<Advance, Refusal> {
        let Some((size, line)) = chunk_line(&buf[at..])? else { return Ok(Advance::Wait) };
        let next = at + line;
        self.stage = match size {
            0 => Stage::Trailer { start: next, line: next },
            _ => Stage::ChunkData(next as u64 + size),
        };
        if next as u64 + size + 2 > max {
            return Err(TOO_LARGE);
        }
        Ok(Advance::Next)
    }

    fn chunk_data(&mut self, end: u64, buf: &[u8]) -> Result<Advance, Refusal> {
        let Some(rest) = usize::try_from(end).ok().and_then(|end| buf.get(end..)) else { return Ok(Advance::Wait) };
        match rest {
            [] | [b'\r'] => Ok(Advance::Wait),
            [b'\r', b'\n', ..] => {
                self.stage = Stage::ChunkSize(end as usize + 2);
                Ok(Advance::Next)
            }
            _ => Err(BAD_CHUNK),
        }
    }

    fn trailer(&mut self, start: usize, line: usize, max: u64, buf: &[u8]) -> Result<Advance, Refusal> {
        match trailer(&buf[start..], line - start)? {
            TrailerStatus::Complete(length) if (start + length) as u64 <= max => Ok(Advance::End(start + length)),
            TrailerStatus::Complete(_) => Err(TOO_LARGE),
            TrailerStatus::Incomplete(line) => {
                self.stage = Stage::Trailer { start, line: start + line };
                Ok(Advance::Wait)
            }
        }
    }
}

/// Bytes of a head in a request of at most `max` bytes.
fn head_limit(max: u64) -> usize {
    usize::try_from(max).map_or(MAX_HEAD, |max| MAX_HEAD.min(max))
}

/// Bytes of a request's head, at most.
pub const MAX_HEAD: usize = 64 << 10;
/// Bytes of empty lines before a request, at most.
const MAX_EMPTY_LINES: usize = 8;
/// Bytes of a request line beside its target, at most.
const MAX_LINE_OVERHEAD: usize = 64;

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod tests;
