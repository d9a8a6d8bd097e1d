//! Messages: fragments joined, unmasked, decompressed and checked (sections 5.4 to 5.6).

#[cfg(feature = "compression")]
use super::deflate;
use super::error::{TOO_LONG, WebSocketError, error};
use super::frame::{FrameHead, FrameRules, Opcode, frame_head, unmask};

/// A message or control frame of the peer.
///
/// ```
/// use swoosh_proto::websocket::{Event, FrameRules, MessageAssembler};
///
/// let from_server = FrameRules { max: 1024, masked: false, deflate: false };
/// let event = MessageAssembler::default().take(b"\x88\x02\x03\xe8", from_server);
/// assert_eq!(event, Ok(Some(Event::Close(1000, Vec::new()))));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A complete message: [`Opcode::Text`], checked to be UTF-8, or [`Opcode::Binary`]; `true` if it was compressed.
    Message(Opcode, Vec<u8>, bool),
    /// A ping, to be answered by a pong with the same bytes.
    Ping(Vec<u8>),
    /// The answer to a ping.
    Pong(Vec<u8>),
    /// The peer closes the connection: code (1005 if it sent none) and reason.
    Close(u16, Vec<u8>),
}

/// A message whose fragments have not all arrived.
#[derive(Debug)]
struct Partial {
    kind: Opcode,
    compressed: bool,
    data: Vec<u8>,
}

/// Joins the fragments of one connection's messages.
///
/// ```
/// use swoosh_proto::websocket::{Event, FrameRules, MessageAssembler, Opcode};
///
/// let from_server = FrameRules { max: 1024, masked: false, deflate: false };
/// let mut assembler = MessageAssembler::default();
/// assert_eq!(assembler.take(b"\x01\x03Hel", from_server), Ok(None));
/// let message = assembler.take(b"\x80\x02lo", from_server);
/// assert_eq!(message, Ok(Some(Event::Message(Opcode::Text, b"Hello".to_vec(), false))));
/// ```
#[derive(Debug, Default)]
pub struct MessageAssembler {
    partial: Option<Partial>,
}

impl MessageAssembler {
    /// Takes one frame that [`next_frame`](super::next_frame) has found; `None` if its message is not complete.
    ///
    /// # Errors
    /// If the frame violates the protocol. The connection should be closed with the code of the error.
    pub fn take(&mut self, frame: &[u8], rules: FrameRules) -> Result<Option<Event>, WebSocketError> {
        let Some(FrameHead { fin, opcode, compressed, mask, length, .. }) = frame_head(frame, rules)? else {
            return error(1002, "the frame is incomplete");
        };
        let mut data = frame[length..].to_vec();
        if rules.masked {
            unmask(&mut data, mask);
        }
        match opcode {
            Opcode::Ping => return Ok(Some(Event::Ping(data))),
            Opcode::Pong => return Ok(Some(Event::Pong(data))),
            Opcode::Close => return close_event(data).map(Some),
            _ => {}
        }
        let whole = match (self.partial.take(), opcode) {
            (None, Opcode::Continuation) => return error(1002, "a continuation frame without a message"),
            (None, kind) => Partial { kind, compressed, data },
            (Some(_), Opcode::Text | Opcode::Binary) => {
                return error(1002, "a new message before the last one is complete");
            }
            (Some(mut partial), _) => {
                if (partial.data.len() + data.len()) as u64 > rules.max {
                    return error(1009, TOO_LONG);
                }
                partial.data.extend_from_slice(&data);
                partial
            }
        };
        if !fin {
            self.partial = Some(whole);
            return Ok(None);
        }
        let Partial { kind, compressed, data } = whole;
        let data = if compressed { inflate(data, rules.max)? } else { data };
        if kind == Opcode::Text && simdutf8::basic::from_utf8(&data).is_err() {
            return error(1007, "the text is not UTF-8");
        }
        Ok(Some(Event::Message(kind, data, compressed)))
    }

    /// Whether no message is incomplete.
    pub fn is_empty(&self) -> bool {
        self.partial.is_none()
    }
}

#[cfg(feature = "compression")]
fn inflate(data: Vec<u8>, max: u64) -> Result<Vec<u8>, WebSocketError> {
    deflate::inflate(&data, max)
}

/// `frame_head` rejects compressed frames, so that this is never called.
#[cfg(not(feature = "compression"))]
fn inflate(_: Vec<u8>, _: u64) -> Result<Vec<u8>, WebSocketError> {
    error(1002, "a reserved bit is set")
}

fn close_event(mut data: Vec<u8>) -> Result<Event, WebSocketError> {
    if data.is_empty() {
        return Ok(Event::Close(1005, data));
    }
    let Some(code) = data.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)) else {
        return error(1002, "the code of a close frame has one byte only");
    };
    if !is_close_code(code) {
        return error(1002, "the code of a close frame must not be sent");
    }
    data.drain(..2);
    match std::str::from_utf8(&data) {
        Ok(_) => Ok(Event::Close(code, data)),
        Err(_) => error(1007, "the reason of a close frame is not UTF-8"),
    }
}

/// Whether a close frame may carry a code (section 7.4, and IANA's register).
pub fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
