//! WebSocket (RFC 6455): frames, their order, the handshake's key; compression of messages in [`deflate`].

pub mod deflate;

use crate::base64;
use crate::framing::FrameStatus;
use crate::http1::has_token;

/// A frame's opcode (section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// What a peer did wrong, and the code of the close frame that tells it (section 7.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebSocketError {
    /// 1002, 1007 or 1009.
    pub code: u16,
    /// In words.
    pub reason: &'static str,
}

const fn fault<T>(code: u16, reason: &'static str) -> Result<T, WebSocketError> {
    Err(WebSocketError { code, reason })
}

/// What a connection's frames may be.
#[derive(Debug, Clone, Copy)]
pub struct FrameRules {
    /// Bytes of a message, and so of a frame, at most.
    pub max: u64,
    /// A client's frames are masked, a server's are not (section 5.1).
    pub masked: bool,
    /// Messages may be compressed: it was agreed on.
    pub deflate: bool,
}

/// A frame's head.
#[derive(Debug, Clone, Copy)]
struct Head {
    fin: bool,
    opcode: Opcode,
    /// The message is compressed (RFC 7692 section 6).
    compressed: bool,
    mask: [u8; 4],
    /// Bytes of the head.
    head: usize,
    /// Bytes of the payload.
    payload: u64,
}

/// Reads a head; `None`: more is needed.
fn head(bytes: &[u8], expect: FrameRules) -> Result<Option<Head>, WebSocketError> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    let opcode = match first & 15 {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return fault(1002, "the opcode is reserved"),
    };
    let compressed = first & 0x40 != 0;
    if first & 0x30 != 0 || compressed && !(expect.deflate && matches!(opcode, Opcode::Text | Opcode::Binary)) {
        return fault(1002, "a reserved bit is set");
    }
    let (fin, short) = (first & 0x80 != 0, second & 0x7F);
    if opcode as u8 >= 8 && (!fin || short > 125) {
        return fault(1002, "a control frame is in one piece of 125 bytes at most");
    }
    if (second & 0x80 != 0) != expect.masked {
        return fault(1002, "a client masks its frames, and a server does not");
    }
    let (width, least) = match short {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let Some(length) = bytes.get(2..2 + width) else { return Ok(None) };
    let payload = match width {
        0 => u64::from(short),
        _ => length.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)),
    };
    if payload < least || payload >> 63 != 0 {
        return fault(1002, "the length is not written in the shortest way");
    }
    if payload > expect.max {
        return fault(1009, "the frame is longer than package_max_length");
    }
    let head = 2 + width + if expect.masked { 4 } else { 0 };
    let Some(mask) = bytes.get(2 + width..head) else { return Ok(None) };
    let mask = mask.first_chunk().copied().unwrap_or([0; 4]);
    Ok(Some(Head { fin, opcode, compressed, mask, head, payload }))
}

/// Where the frame at the front of `bytes` ends. `Err`: it is none; so many of its bytes tell what is wrong.
pub fn next_frame(expect: FrameRules, bytes: &[u8]) -> Result<FrameStatus, usize> {
    match head(bytes, expect) {
        Ok(Some(head)) => {
            let whole = head.head as u64 + head.payload;
            Ok(if bytes.len() as u64 >= whole {
                FrameStatus::Complete(whole as usize)
            } else {
                FrameStatus::Incomplete(Some(whole))
            })
        }
        Ok(None) => Ok(FrameStatus::Incomplete(None)),
        Err(_) => Err(bytes.len().min(10)),
    }
}

/// What a peer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole message: text that is UTF-8, or binary; `true`: it came compressed.
    Message(Opcode, Vec<u8>, bool),
    /// It wants a pong with the same bytes.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// It ends the conversation: code (1005: none was given) and reason.
    Close(u16, Vec<u8>),
}

/// The beginning of a message.
#[derive(Debug)]
struct Open {
    kind: Opcode,
    compressed: bool,
    data: Vec<u8>,
}

/// Joins the fragments of one connection's messages.
#[derive(Debug, Default)]
pub struct MessageAssembler {
    open: Option<Open>,
}

impl MessageAssembler {
    /// Takes one frame as [`next_frame`] cut it; `None` where its message goes on.
    pub fn take(&mut self, frame: &[u8], expect: FrameRules) -> Result<Option<Event>, WebSocketError> {
        let Some(Head { fin, opcode, compressed, mask, head, .. }) = head(frame, expect)? else {
            return fault(1002, "the frame is not whole");
        };
        let mut data = frame[head..].to_vec();
        if expect.masked {
            unmask(&mut data, mask);
        }
        match opcode {
            Opcode::Ping => return Ok(Some(Event::Ping(data))),
            Opcode::Pong => return Ok(Some(Event::Pong(data))),
            Opcode::Close => return close(data).map(Some),
            _ => {}
        }
        let whole = match (self.open.take(), opcode) {
            (None, Opcode::Continuation) => return fault(1002, "nothing is to be continued"),
            (None, kind) => Open { kind, compressed, data },
            (Some(_), Opcode::Text | Opcode::Binary) => return fault(1002, "the last message is not whole yet"),
            (Some(mut open), _) => {
                if (open.data.len() + data.len()) as u64 > expect.max {
                    return fault(1009, "the message is longer than package_max_length");
                }
                open.data.extend_from_slice(&data);
                open
            }
        };
        if !fin {
            self.open = Some(whole);
            return Ok(None);
        }
        let Open { kind, compressed, mut data } = whole;
        if compressed {
            data = deflate::inflate(&data, expect.max)?;
        }
        if kind == Opcode::Text && simdutf8::basic::from_utf8(&data).is_err() {
            return fault(1007, "the text is not UTF-8");
        }
        Ok(Some(Event::Message(kind, data, compressed)))
    }

    /// Whether nothing waits for its rest.
    pub fn is_empty(&self) -> bool {
        self.open.is_none()
    }
}

fn close(mut data: Vec<u8>) -> Result<Event, WebSocketError> {
    if data.is_empty() {
        return Ok(Event::Close(1005, data));
    }
    let Some(code) = data.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)) else {
        return fault(1002, "a close frame's code has two bytes");
    };
    if !is_close_code(code) {
        return fault(1002, "a close frame's code is none that may be sent");
    }
    data.drain(..2);
    match std::str::from_utf8(&data) {
        Ok(_) => Ok(Event::Close(code, data)),
        Err(_) => fault(1007, "a close frame's reason is not UTF-8"),
    }
}

/// Whether a close frame may carry that code (section 7.4, and IANA's register).
pub fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Masks or unmasks: the same (section 5.3).
pub fn unmask(data: &mut [u8], mask: [u8; 4]) {
    let wide = u64::from_ne_bytes([mask[0], mask[1], mask[2], mask[3], mask[0], mask[1], mask[2], mask[3]]);
    let mut chunks = data.chunks_exact_mut(8);
    for chunk in &mut chunks {
        let eight: [u8; 8] = (&*chunk).try_into().expect("eight bytes");
        chunk.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

/// Appends a frame. `first`: its first byte; `mask`: as a client writes it.
pub fn put_frame(out: &mut Vec<u8>, first: u8, mask: Option<[u8; 4]>, data: &[u8]) {
    out.push(first);
    let bit = if mask.is_some() { 0x80 } else { 0 };
    match data.len() {
        short @ 0..=125 => out.push(bit | short as u8),
        medium @ 126..=65_535 => {
            out.push(bit | 126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(bit | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    let Some(mask) = mask else { return out.extend_from_slice(data) };
    out.extend_from_slice(&mask);
    let begin = out.len();
    out.extend_from_slice(data);
    unmask(&mut out[begin..], mask);
}

/// A server's close frame.
pub fn close_frame(code: u16, reason: &[u8]) -> Vec<u8> {
    masked_close_frame(code, reason, None)
}

/// A close frame, masked where a client writes it; 1005 stands for no code at all.
pub fn masked_close_frame(code: u16, reason: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + reason.len());
    let data = if code == 1005 { Vec::new() } else { [&code.to_be_bytes()[..], reason].concat() };
    put_frame(&mut out, 0x88, mask, &data);
    out
}

/// Looks at a request that wants to speak WebSocket (section 4.2.1): the answer's `Sec-WebSocket-Accept`, else the status
/// that refuses it, 400, or 426 where it speaks another version.
pub fn accept_handshake<'h>(
    method: &str,
    minor: u8,
    headers: impl Iterator<Item = (&'h str, &'h [u8])> + Clone,
) -> Result<String, u16> {
    let values = |name: &'static str| headers.clone().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
    let has = |name, token| values(name).any(|(_, value)| has_token(value, token));
    let asks = method == "GET" && minor > 0 && has("upgrade", "websocket") && has("connection", "upgrade");
    let first = |name| values(name).next().map(|(_, value)| value);
    let accept = first("sec-websocket-key").and_then(accept_key).filter(|_| asks).ok_or(400u16)?;
    if first("sec-websocket-version") == Some(b"13") { Ok(accept) } else { Err(426) }
}

/// `Sec-WebSocket-Accept` for a client's key; `None` where the key is not 16 bytes in Base64 (section 4.2.1).
pub fn accept_key(key: &[u8]) -> Option<String> {
    let letters = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let good = key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(letters);
    good.then(|| {
        let mut hash = sha1_smol::Sha1::new();
        hash.update(key);
        hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        base64(&hash.digest().bytes())
    })
}

#[cfg(test)]
mod tests;
