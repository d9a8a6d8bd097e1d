//! A client that writes frames by hand, and reads the server's.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The outcome of a case; the error says what the server did instead.
pub type Verdict = Result<(), String>;

/// Types of frames (RFC 9113 section 6).
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PUSH_PROMISE: u8 = 5;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
/// A type that no RFC assigns.
pub const UNKNOWN: u8 = 0xee;

/// Flags of frames. ACK is the same bit as END_STREAM.
pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
pub const PRIORITIZED: u8 = 32;

/// Error codes (RFC 9113 section 7).
pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const STREAM_CLOSED: u32 = 5;
pub const FRAME_SIZE_ERROR: u32 = 6;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const COMPRESSION_ERROR: u32 = 9;

/// Identifiers of settings (RFC 9113 section 6.5.2).
pub const HEADER_TABLE_SIZE: u16 = 1;
pub const ENABLE_PUSH: u16 = 2;
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const MAX_FRAME_SIZE: u16 = 5;

/// The connection preface of a client (RFC 9113 section 3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A frame that has arrived.
#[derive(Debug, Clone)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The error code of RST_STREAM and GOAWAY.
    fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }

    /// Whether this HEADERS frame is a response with that status, which every server here encodes by the static table
    /// (RFC 7541 appendix A) or as a literal.
    pub fn has_status(&self, status: &str) -> bool {
        const INDEXED: [&str; 7] = ["200", "204", "206", "304", "400", "404", "500"];
        let block = &self.payload[..];
        // Behind size updates of the dynamic table.
        let start = block.iter().position(|byte| byte & 0xe0 != 0x20).unwrap_or(0);
        match INDEXED.iter().position(|s| *s == status) {
            Some(at) if block[start] == 0x88 + at as u8 => true,
            _ => block.windows(status.len()).any(|w| w == status.as_bytes()),
        }
    }
}

/// The octets of a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A SETTINGS frame.
pub fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> =
        values.iter().flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat()).collect();
    frame(SETTINGS, 0, 0, &payload)
}

/// A WINDOW_UPDATE frame.
pub fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

/// A RST_STREAM frame.
pub fn rst_stream(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// A HEADERS frame with a whole field block that ends the stream.
pub fn get(stream: u32, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, block)
}

/// A HEADERS frame with a whole field block; DATA follows.
pub fn post(stream: u32, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, block)
}

/// A DATA frame that ends the stream.
pub fn last_data(stream: u32, data: &[u8]) -> Vec<u8> {
    frame(DATA, END_STREAM, stream, data)
}

/// A field that is encoded as a literal without indexing, its name and value uncompressed (RFC 7541 section 6.2.2).
pub fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    literal(0, name, value)
}

/// A literal field with a new name; `kind` is its first octet: 0 without indexing, 0x10 never indexed, 0x40 indexed.
pub fn literal(kind: u8, name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    for text in [name, value] {
        if text.len() < 127 {
            bytes.push(text.len() as u8);
        } else {
            bytes.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                bytes.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            bytes.push(rest as u8);
        }
        bytes.extend(text);
    }
    bytes
}

/// The field block of a request.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(name.as_bytes(), value.as_bytes())).collect()
}

/// The pseudo-header fields of a request, with `more` fields behind them.
pub fn request(method: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![(":method", method), (":scheme", "http"), (":path", "/"), (":authority", "localhost")];
    fields.extend(more);
    block(&fields)
}

/// One connection to the server.
pub struct Peer {
    stream: TcpStream,
    /// Settings that the server has sent.
    pub server_settings: Vec<(u16, u32)>,
    connection_window: usize,
}

impl Peer {
    /// Connects, and sends nothing.
    pub fn connect(server: SocketAddr) -> std::io::Result<Peer> {
        let stream = TcpStream::connect(server)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Peer { stream, server_settings: Vec::new(), connection_window: 65_535 })
    }

    /// Sends octets. A server that has already closed the connection is noticed at the next read.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Reads octets that are no frames.
    pub fn skip(&mut self, count: usize) {
        self.stream.read_exact(&mut vec![0; count]).unwrap();
    }

    /// Sends several frames in one write.
    pub fn send_all(&mut self, frames: &[Vec<u8>]) {
        self.send(&frames.concat());
    }

    /// Sends the preface with `values`, and waits until both sides have confirmed the settings.
    pub fn open_with(&mut self, values: &[(u16, u32)]) -> Verdict {
        self.send_all(&[PREFACE.to_vec(), settings(values)]);
        let (mut has_settings, mut has_ack) = (false, false);
        while !(has_settings && has_ack) {
            let frame = self.read()?.ok_or("the server closed the connection in its preface")?;
            match (frame.kind, frame.flags & ACK) {
                (SETTINGS, 0) => {
                    for pair in frame.payload.chunks(6) {
                        let id = u16::from_be_bytes([pair[0], pair[1]]);
                        self.server_settings.push((id, u32::from_be_bytes(pair[2..6].try_into().unwrap())));
                    }
                    self.send(&self::frame(SETTINGS, ACK, 0, &[]));
                    has_settings = true;
                }
                (SETTINGS, _) => has_ack = true,
                (WINDOW_UPDATE, _) if frame.stream == 0 => {
                    self.connection_window += u32::from_be_bytes(frame.payload[..4].try_into().unwrap()) as usize;
                }
                (GOAWAY, _) => return Err(format!("GOAWAY in the preface: {frame:?}")),
                _ => {}
            }
        }
        Ok(())
    }

    /// [`Peer::open_with`] without settings.
    pub fn open(&mut self) -> Verdict {
        self.open_with(&[])
    }

    /// Bytes that the server takes in the connection, as of its preface.
    pub fn connection_window(&self) -> usize {
        self.connection_window
    }

    /// A setting that the server has sent, or its initial value.
    pub fn server_setting(&self, id: u16, initial: u32) -> u32 {
        self.server_settings.iter().rev().find(|(i, _)| *i == id).map_or(initial, |(_, value)| *value)
    }

    /// The next frame; `None` when the connection has been closed.
    pub fn read(&mut self) -> Result<Option<Frame>, String> {
        let mut head = [0; 9];
        match self.stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err("the server sent nothing more, and kept the connection open".into());
            }
            Err(_) => return Ok(None),
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let mut payload = vec![0; length];
        if self.stream.read_exact(&mut payload).is_err() {
            return Ok(None);
        }
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap()) & 0x7fff_ffff;
        Ok(Some(Frame { kind: head[3], flags: head[4], stream, payload }))
    }

    /// The next frame that `wanted` accepts. A GOAWAY with an error, a reset, or the end of the connection is an error.
    pub fn wait(&mut self, name: &str, wanted: impl Fn(&Frame) -> bool) -> Result<Frame, String> {
        loop {
            let frame = self.read()?.ok_or_else(|| format!("the connection was closed before {name}"))?;
            if wanted(&frame) {
                return Ok(frame);
            }
            if frame.kind == RST_STREAM || frame.kind == GOAWAY && frame.code() != NO_ERROR {
                return Err(format!("{frame:?} before {name}"));
            }
        }
    }

    /// The frame that ends a stream.
    pub fn wait_for_end(&mut self, stream: u32) -> Result<Frame, String> {
        loop {
            let frame = self.read()?.ok_or("the connection was closed before the end of the stream")?;
            let ends = frame.kind == RST_STREAM || frame.kind <= HEADERS && frame.flags & END_STREAM != 0;
            if frame.stream == stream && ends {
                return Ok(frame);
            }
        }
    }

    /// The server responds with 200 on that stream, to its end.
    pub fn expect_response(&mut self, stream: u32) -> Verdict {
        let head = self.wait("a response", |f| f.kind == HEADERS && f.stream == stream)?;
        if !head.has_status("200") {
            return Err(format!("the response is not 200: {:02x?}", head.payload));
        }
        if head.flags & END_STREAM == 0 {
            self.wait("the end of the response", |f| {
                f.kind == DATA && f.stream == stream && f.flags & END_STREAM != 0
            })?;
        }
        Ok(())
    }

    /// The server answers a PING: what came before it was no error of the connection.
    pub fn expect_alive(&mut self) -> Verdict {
        self.send(&frame(PING, 0, 0, b"is alive"));
        self.wait("the answer of PING", |f| f.kind == PING && f.flags & ACK != 0 && f.payload == b"is alive").map(drop)
    }

    /// The server ends the connection by GOAWAY with one of these codes, and closes it.
    pub fn expect_connection_error(&mut self, codes: &[u32]) -> Verdict {
        let code = self.wait_for_goaway()?.code();
        if codes.contains(&code) { self.expect_close() } else { Err(format!("GOAWAY with code {code}, not {codes:?}")) }
    }

    /// The GOAWAY of a connection error.
    pub fn wait_for_goaway(&mut self) -> Result<Frame, String> {
        loop {
            let frame = self.read()?.ok_or("the connection was closed without GOAWAY")?;
            if frame.kind == GOAWAY && frame.code() != NO_ERROR {
                return Ok(frame);
            }
        }
    }

    /// The server ends the stream or the connection with one of these codes.
    pub fn expect_stream_error(&mut self, stream: u32, codes: &[u32]) -> Verdict {
        loop {
            let frame = self.read()?.ok_or("the connection was closed without GOAWAY")?;
            let is_stream = frame.kind == RST_STREAM && frame.stream == stream;
            // A response that was sent before the error ends with NO_ERROR (RFC 9113 section 8.1).
            if is_stream && frame.code() == NO_ERROR && !codes.contains(&NO_ERROR) {
                continue;
            }
            if is_stream || frame.kind == GOAWAY && frame.code() != NO_ERROR {
                let code = frame.code();
                return if codes.contains(&code) { Ok(()) } else { Err(format!("code {code}, not {codes:?}")) };
            }
        }
    }

    /// The server refuses a malformed request: PROTOCOL_ERROR or, before it, status 400 (RFC 9113 section 8.1.1).
    pub fn expect_malformed(&mut self, stream: u32) -> Verdict {
        loop {
            let frame = self.read()?.ok_or("the connection was closed without GOAWAY")?;
            match frame.kind {
                HEADERS if frame.stream == stream => {
                    return if frame.has_status("400") { Ok(()) } else { Err("the request was answered".into()) };
                }
                RST_STREAM if frame.stream == stream && frame.code() == PROTOCOL_ERROR => return Ok(()),
                GOAWAY if frame.code() == PROTOCOL_ERROR => return Ok(()),
                RST_STREAM | GOAWAY => return Err(format!("code {}, not PROTOCOL_ERROR", frame.code())),
                _ => {}
            }
        }
    }

    /// The connection ends.
    pub fn expect_close(&mut self) -> Verdict {
        while self.read()?.is_some() {}
        Ok(())
    }
}
