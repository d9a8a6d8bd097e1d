//! Translates an HTTP/1 response, as it is written, into the parts of an HTTP/2 response.
//!
//! A worker answers a stream as it answers an HTTP/1.1 connection; the connection's owner passes the bytes through a
//! [`ResponseTranslator`]. The sink says how much it takes (flow control), so nothing is kept but an incomplete head.

use crate::http1::response_parser::{ResponseError, ResponseEvent, ResponseHead, ResponseParser, header_buffer};
use smallvec::SmallVec;

/// Takes the parts of a response.
pub trait ResponseSink {
    /// An interim response (1xx), with its fields.
    fn interim(&mut self, status: u16, fields: &Fields<'_>);
    /// The final head. `is_end`: the response has no body. Fields that belong to an HTTP/1 connection are left out already.
    fn head(&mut self, status: u16, fields: &Fields<'_>, is_end: bool);
    /// How much of `wanted` bytes of the body it takes now; 0: none.
    fn send_capacity(&mut self, wanted: usize) -> usize;
    /// Bytes of the body, no more than it had room for. `is_end`: the response ends.
    fn data(&mut self, data: &[u8], is_end: bool);
    /// The fields behind the body: the response ends.
    fn trailers(&mut self, fields: &Fields<'_>);
}

/// Fields of a head: names as they were written, and values.
pub type Fields<'a> = [(&'a [u8], &'a [u8])];

/// Translates one response.
///
/// ```
/// use swoosh_proto::http2::response::{Fields, ResponseSink, ResponseTranslator};
///
/// #[derive(Default)]
/// struct Log(String);
///
/// impl ResponseSink for Log {
///     fn interim(&mut self, status: u16, _: &Fields<'_>) {
///         self.0 += &format!("{status};");
///     }
///     fn head(&mut self, status: u16, _: &Fields<'_>, is_end: bool) {
///         self.0 += &format!("{status} {is_end};");
///     }
///     fn send_capacity(&mut self, wanted: usize) -> usize {
///         wanted
///     }
///     fn data(&mut self, data: &[u8], is_end: bool) {
///         self.0 += &format!("{} {is_end};", data.len());
///     }
///     fn trailers(&mut self, _: &Fields<'_>) {}
/// }
///
/// let (mut log, mut translator) = (Log::default(), ResponseTranslator::new(b"GET", false));
/// let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/// assert_eq!(translator.take(response, &mut log), Ok(response.len()));
/// assert_eq!((log.0.as_str(), translator.is_complete()), ("200 false;2 true;", true));
/// ```
#[derive(Debug, Default)]
pub struct ResponseTranslator {
    parser: ResponseParser,
    /// The beginning of a head or of a chunk's size.
    partial: Vec<u8>,
    /// Bytes of the body that follow at the front.
    granted: usize,
    /// Serialized fields of the trailer section.
    trailers: Vec<u8>,
    /// The request asks for a tunnel, as a WebSocket is over HTTP/2 (RFC 8441).
    is_connect: bool,
    stage: Stage,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Head,
    Body,
    /// The peer has accepted the tunnel: bytes follow until it is closed.
    Tunnel,
    Complete,
}

impl ResponseTranslator {
    /// A translator for the response to a request with that method. `is_connect`: the request asks for a tunnel, which a
    /// response with status 101 opens.
    pub fn new(method: &[u8], is_connect: bool) -> Self {
        ResponseTranslator { parser: ResponseParser::new(method), is_connect, ..ResponseTranslator::default() }
    }

    /// Whether the response has ended.
    pub fn is_complete(&self) -> bool {
        self.stage == Stage::Complete
    }

    /// Whether the final head was passed on.
    pub fn has_head(&self) -> bool {
        self.stage != Stage::Head
    }

    /// Whether the response is a tunnel.
    pub fn is_tunnel(&self) -> bool {
        self.stage == Stage::Tunnel
    }

    /// Ends a response whose end is that of its connection, or a tunnel; whether that was a regular end.
    pub fn close(&mut self, sink: &mut impl ResponseSink) -> bool {
        let may_end = match self.stage {
            Stage::Complete => return true,
            Stage::Head => false,
            Stage::Tunnel => true,
            Stage::Body => self.granted == 0 && self.parser.may_end(),
        };
        if may_end {
            self.stage = Stage::Complete;
            sink.data(&[], true);
        }
        may_end
    }

    /// Takes bytes of the response; returns how many. Fewer than all: the sink has no room, and the rest is to be passed
    /// again. What follows a complete response is ignored.
    ///
    /// # Errors
    /// If the bytes are no HTTP/1 response.
    pub fn take(&mut self, bytes: &[u8], sink: &mut impl ResponseSink) -> Result<usize, ResponseError> {
        match self.stage {
            Stage::Complete => return Ok(bytes.len()),
            Stage::Tunnel => return Ok(send_some(bytes, sink)),
            _ => {}
        }
        if self.partial.is_empty() {
            return self.translate(bytes, sink);
        }
        // An incomplete part has no data in it: whatever is left over belongs to the new bytes.
        let mut joined = std::mem::take(&mut self.partial);
        let kept = joined.len();
        joined.extend_from_slice(bytes);
        let taken = self.translate(&joined, sink)?;
        Ok(taken.saturating_sub(kept))
    }

    fn translate(&mut self, bytes: &[u8], sink: &mut impl ResponseSink) -> Result<usize, ResponseError> {
        let mut at = 0;
        // Data that the sink has room for, passed on once it is known whether it is the last.
        let mut ready: &[u8] = &[];
        loop {
            let rest = &bytes[at..];
            if self.granted > 0 {
                flush(&mut ready, sink);
                let wanted = self.granted.min(rest.len());
                let room = if wanted == 0 { 0 } else { sink.send_capacity(wanted).min(wanted) };
                if room == 0 {
                    return Ok(at);
                }
                ready = &rest[..room];
                self.granted -= room;
                at += room;
                continue;
            }
            match self.parser.next(rest)? {
                ResponseEvent::Incomplete => {
                    flush(&mut ready, sink);
                    self.partial.extend_from_slice(rest);
                    return Ok(bytes.len());
                }
                ResponseEvent::Head(length) => {
                    at += length;
                    self.head(&rest[..length], sink)?;
                    match self.stage {
                        Stage::Complete => return Ok(bytes.len()),
                        Stage::Tunnel => return Ok(at + send_some(&bytes[at..], sink)),
                        _ => {}
                    }
                }
                ResponseEvent::Data(length, 0) if self.stage == Stage::Head => {
                    at += length;
                    with_fields(&rest[..length], |status, fields| sink.interim(status, fields))?;
                }
                ResponseEvent::Data(framing, data) => {
                    at += framing;
                    self.granted = data;
                }
                ResponseEvent::Trailer(length) => {
                    at += length;
                    self.trailers.extend_from_slice(&rest[..length]);
                }
                ResponseEvent::End(_) => {
                    self.stage = Stage::Complete;
                    match self.trailers.is_empty() {
                        true => sink.data(ready, true),
                        false => {
                            flush(&mut ready, sink);
                            self.end_with_trailers(sink);
                        }
                    }
                    return Ok(bytes.len());
                }
            }
        }
    }

    fn head(&mut self, head: &[u8], sink: &mut impl ResponseSink) -> Result<(), ResponseError> {
        let is_end = self.parser.is_complete();
        let is_connect = self.is_connect;
        self.stage = with_fields(head, |status, fields| match status {
            101 if is_connect => {
                sink.head(200, fields, false);
                Stage::Tunnel
            }
            // Without a tunnel there is no other protocol to switch to.
            101 => {
                sink.head(500, &[], true);
                Stage::Complete
            }
            _ => {
                sink.head(status, fields, is_end);
                if is_end { Stage::Complete } else { Stage::Body }
            }
        })?;
        Ok(())
    }

    fn end_with_trailers(&mut self, sink: &mut impl ResponseSink) {
        let lines = self.trailers.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
        let fields: Vec<(&[u8], &[u8])> = lines
            .filter_map(|line| {
                let colon = memchr::memchr(b':', line)?;
                Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()))
            })
            .collect();
        sink.trailers(&fields);
    }
}

fn flush(ready: &mut &[u8], sink: &mut impl ResponseSink) {
    if !ready.is_empty() {
        sink.data(std::mem::take(ready), false);
    }
}

/// Sends as much as the sink has room for; returns how much.
fn send_some(bytes: &[u8], sink: &mut impl ResponseSink) -> usize {
    let mut sent = 0;
    while sent < bytes.len() {
        let room = sink.send_capacity(bytes.len() - sent).min(bytes.len() - sent);
        if room == 0 {
            break;
        }
        sink.data(&bytes[sent..sent + room], false);
        sent += room;
    }
    sent
}

/// Parses a head and calls `take` with the fields that mean something to the peer of an HTTP/2 connection (RFC 9113 section
/// 8.2.2).
fn with_fields<T>(head: &[u8], take: impl FnOnce(u16, &Fields<'_>) -> T) -> Result<T, ResponseError> {
    let mut buffer = header_buffer();
    let Some((parsed, headers)) = ResponseHead::parse(head, &mut buffer) else {
        return Err(ResponseError("the response head is malformed"));
    };
    let own = headers.iter().filter(|header| !belongs_to_connection(header.name));
    let fields: SmallVec<[_; 32]> = own.map(|header| (header.name.as_bytes(), header.value)).collect();
    Ok(take(parsed.status, &fields))
}

fn belongs_to_connection(name: &str) -> bool {
    const NAMES: [&str; 6] =
        ["connection", "transfer-encoding", "keep-alive", "upgrade", "proxy-connection", "sec-websocket-accept"];
    NAMES.iter().any(|own| name.eq_ignore_ascii_case(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `room` bytes before it has to be emptied.
    struct Log {
        parts: Vec<String>,
        body: Vec<u8>,
        room: usize,
        size: usize,
    }

    impl Log {
        fn new(size: usize) -> Self {
            Log { parts: Vec::new(), body: Vec::new(), room: size, size }
        }
    }

    fn text(fields: &Fields<'_>) -> String {
        let pair = |(name, value): &(&[u8], &[u8])| {
            format!(" {}={}", String::from_utf8_lossy(name).to_lowercase(), String::from_utf8_lossy(value))
        };
        fields.iter().map(pair).collect()
    }

    impl ResponseSink for Log {
        fn interim(&mut self, status: u16, fields: &Fields<'_>) {
            self.parts.push(format!("interim {status}{}", text(fields)));
        }
        fn head(&mut self, status: u16, fields: &Fields<'_>, is_end: bool) {
            self.parts.push(format!("{status}{}{}", text(fields), if is_end { " end" } else { "" }));
        }
        fn send_capacity(&mut self, wanted: usize) -> usize {
            wanted.min(self.room)
        }
        fn data(&mut self, data: &[u8], is_end: bool) {
            self.room = self.room.checked_sub(data.len()).expect("at most `room` bytes");
            self.body.extend_from_slice(data);
            if is_end {
                self.parts.push("end".into());
            }
        }
        fn trailers(&mut self, fields: &Fields<'_>) {
            self.parts.push(format!("trailers{}", text(fields)));
        }
    }

    /// Passes `bytes` in pieces of `step`, with room for `size` bytes at a time.
    fn translate(method: &str, bytes: &[u8], step: usize, size: usize) -> Result<(String, String), ResponseError> {
        let (mut log, mut translator) =
            (Log::new(size), ResponseTranslator::new(method.as_bytes(), method == "CONNECT"));
        for piece in bytes.chunks(step) {
            let mut rest = piece;
            while !rest.is_empty() {
                let taken = translator.take(rest, &mut log)?;
                rest = &rest[taken..];
                log.room = log.size;
            }
        }
        if !translator.is_complete() {
            let regular = translator.close(&mut log);
            log.parts.push(if regular { "closed".into() } else { "broken".into() });
        }
        Ok((log.parts.join("; "), String::from_utf8(log.body).unwrap()))
    }

    #[test]
    fn responses_are_translated_alike_however_they_are_written() {
        let chunks = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n";
        for (method, response, parts, body) in [
            ("GET", "HTTP/1.1 200 OK\r\nServer: s\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello".into(), "200 server=s content-length=5; end", "hello"),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".into(), "200 content-length=0 end", ""),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".into(), "200 content-length=5 end", ""),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n".into(), "204 end", ""),
            ("GET", format!("HTTP/1.1 200 OK\r\n{chunks}\r\n"), "200; end", "hello world"),
            ("GET", format!("HTTP/1.1 200 OK\r\nTrailer: x\r\n{chunks}X: 1\r\ngrpc-status:  0 \r\n\r\n"), "200 trailer=x; trailers x=1 grpc-status=0", "hello world"),
            ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ngrpc-status: 5\r\n\r\n".into(), "200; trailers grpc-status=5", ""),
            ("GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into(), "interim 100; interim 103 link=</a>; 200 content-length=2; end", "ok"),
            ("GET", "HTTP/1.0 200 OK\r\n\r\nuntil the end".into(), "200; end; closed", "until the end"),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into(), "200 content-length=9; broken", "half"),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok, and more".into(), "200 content-length=2; end", "ok"),
            ("CONNECT", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\nframes".into(), "200 sec-websocket-protocol=chat; end; closed", "frames"),
            ("CONNECT", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno".into(), "403 content-length=2; end", "no"),
            ("GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n".into(), "500 end", ""),
        ] {
            let response: String = response;
            for step in [1, 2, 3, 7, response.len()] {
                for size in [1, 3, 100] {
                    let found = translate(method, response.as_bytes(), step, size).unwrap();
                    assert_eq!(found, (parts.into(), body.into()), "{response} by {step}, room for {size}");
                }
            }
        }
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [
            "hello",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ] {
            assert!(translate("GET", bytes.as_bytes(), bytes.len(), 9).is_err(), "{bytes}");
        }
    }
}
