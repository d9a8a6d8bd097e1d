//! Frames: their heads, masking and encoding (section 5).

use super::error::{WebSocketError, error};
use crate::frame_status::FrameStatus;

/// The opcode of a frame (section 5.2).
///
/// ```
/// use swoosh_proto::websocket::{Opcode, put_frame};
///
/// let mut out = Vec::new();
/// put_frame(&mut out, 0x80 | Opcode::Text as u8, None, b"Hello");
/// assert_eq!(out, b"\x81\x05Hello");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment of a message.
    Continuation = 0,
    /// A message of UTF-8 text, or its first fragment.
    Text = 1,
    /// A binary message, or its first fragment.
    Binary = 2,
    /// Closes the connection.
    Close = 8,
    /// Asks for a pong.
    Ping = 9,
    /// Answers a ping.
    Pong = 10,
}

/// The rules that a peer's frames have to follow.
///
/// ```
/// use swoosh_proto::websocket::FrameRules;
///
/// let from_clients = FrameRules { max: 2 << 20, masked: true, deflate: false };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FrameRules {
    /// The longest message, and so the longest frame, bytes.
    pub max: u64,
    /// Frames are masked: those of clients are, those of servers are not (section 5.1).
    pub masked: bool,
    /// Messages may be compressed, as negotiated. Without the feature `compression` it has no effect.
    pub deflate: bool,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHead {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    /// The message is compressed (RFC 7692 section 6).
    pub(super) compressed: bool,
    pub(super) mask: [u8; 4],
    /// Bytes of the head.
    pub(super) length: usize,
    /// Bytes of the payload.
    pub(super) payload: u64,
}

/// Examines the frame at the front of `bytes`; called like
/// [`framing::Framer::next`](crate::framing::Framer::next).
///
/// ```
/// use swoosh_proto::framing::FrameStatus;
/// use swoosh_proto::websocket::{FrameRules, next_frame};
///
/// let from_server = FrameRules { max: 1024, masked: false, deflate: false };
/// assert_eq!(next_frame(from_server, b"\x81\x05Hel"), Ok(FrameStatus::Incomplete(Some(7))));
/// assert_eq!(next_frame(from_server, b"\x81\x05Hello"), Ok(FrameStatus::Complete(7)));
/// ```
///
/// # Errors
/// If the head is invalid: the number of bytes, at most 10, that [`MessageAssembler::take`](super::MessageAssembler::take)
/// needs to report the violation.
pub fn next_frame(rules: FrameRules, bytes: &[u8]) -> Result<FrameStatus, usize> {
    match frame_head(bytes, rules) {
        Ok(Some(head)) => {
            let total = head.length as u64 + head.payload;
            Ok(if bytes.len() as u64 >= total {
                FrameStatus::Complete(total as usize)
            } else {
                FrameStatus::Incomplete(Some(total))
            })
        }
        Ok(None) => Ok(FrameStatus::Incomplete(None)),
        Err(_) => Err(bytes.len().min(10)),
    }
}

/// Appends a frame. `first`: the first byte, with FIN, reserved bits and opcode; `mask`: the masking key of a client's
/// frame.
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
    let start = out.len();
    out.extend_from_slice(data);
    unmask(&mut out[start..], mask);
}

/// A close frame of a server; see [`masked_close_frame`].
pub fn close_frame(code: u16, reason: &[u8]) -> Vec<u8> {
    masked_close_frame(code, reason, None)
}

/// A close frame (section 5.5.1), masked if a client sends it. Code 1005 means a frame without code and reason.
pub fn masked_close_frame(code: u16, reason: &[u8], mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + reason.len());
    let data = if code == 1005 { Vec::new() } else { [&code.to_be_bytes()[..], reason].concat() };
    put_frame(&mut out, 0x88, mask, &data);
    out
}

/// Masks or unmasks data, which is the same operation (section 5.3).
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

/// Parses a head; `None` while it is incomplete.
pub(super) fn frame_head(bytes: &[u8], rules: FrameRules) -> Result<Option<FrameHead>, WebSocketError> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    let opcode = match first & 15 {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        _ => return error(1002, "the opcode is reserved"),
    };
    let compressed = first & 0x40 != 0;
    if first & 0x30 != 0
        || compressed && !(allows_compression(rules) && matches!(opcode, Opcode::Text | Opcode::Binary))
    {
        return error(1002, "a reserved bit is set");
    }
    let (fin, short) = (first & 0x80 != 0, second & 0x7F);
    if opcode as u8 >= 8 && (!fin || short > 125) {
        return error(1002, "a control frame is fragmented or longer than 125 bytes");
    }
    if (second & 0x80 != 0) != rules.masked {
        return error(1002, "a client has to mask its frames, and a server must not");
    }
    let (width, least) = match short {
        126 => (2, 126),
        127 => (8, 65_536),
        _ => (0, 0),
    };
    let Some(extended) = bytes.get(2..2 + width) else { return Ok(None) };
    let payload = match width {
        0 => u64::from(short),
        _ => extended.iter().fold(0, |sum, &b| sum << 8 | u64::from(b)),
    };
    if payload < least || payload >> 63 != 0 {
        return error(1002, "the length is not encoded in the shortest form");
    }
    if payload > rules.max {
        return error(1009, "the frame is longer than package_max_length");
    }
    let head_length = 2 + width + if rules.masked { 4 } else { 0 };
    let Some(mask) = bytes.get(2 + width..head_length) else { return Ok(None) };
    let mask = mask.first_chunk().copied().unwrap_or([0; 4]);
    Ok(Some(FrameHead { fin, opcode, compressed, mask, length: head_length, payload }))
}

/// Whether a frame may be compressed.
fn allows_compression(rules: FrameRules) -> bool {
    cfg!(feature = "compression") && rules.deflate
}
