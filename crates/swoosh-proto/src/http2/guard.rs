//! A check of a client's frames before the protocol's implementation gets them.
//!
//! The crate h2 answers most violations with PROTOCOL_ERROR, and refuses header blocks in many CONTINUATION frames. The
//! guard finds what frame heads and fixed payloads show, with the code that RFC 9113 names; it joins header blocks; and it
//! counts frames that cost the receiver work and the sender nothing; it repairs blocks with malformed fields so that h2 resets
//! their stream alone (`field_check`). Behind it, a failure of h2 with PROTOCOL_ERROR is that of
//! a header block ([`block_fault`](super::block_fault)).

use super::budget::{Flood, FrameBudget};
use super::field_check::is_well_formed;
use super::frames::{FrameHead, FrameScanner};
use super::header_block::{Block, MAX_FRAGMENT};
use super::violation::{Violation, code};

/// Checks the frames of one client.
///
/// ```
/// use swoosh_proto::http2::guard::FrameGuard;
/// use swoosh_proto::http2::{PREFACE, code, ping};
///
/// let mut guard = FrameGuard::new(16_384, 65_536);
/// let mut out = Vec::new();
/// assert_eq!(guard.take(PREFACE, 0, &mut out), Ok(()));
/// let violation = guard.take(&ping(*b"too soon"), 0, &mut out).unwrap_err();
/// assert_eq!((violation.code, out.as_slice()), (code::PROTOCOL_ERROR, &PREFACE[..]));
/// ```
#[derive(Debug)]
pub struct FrameGuard {
    scanner: FrameScanner,
    budget: FrameBudget,
    /// The longest frame, bytes.
    max_frame: u32,
    /// The longest header block, bytes.
    max_block: usize,
    /// The frame whose payload follows.
    head: Option<FrameHead>,
    /// Bytes of its payload that were seen.
    seen: u32,
    /// The last bytes of a payload with a fixed form.
    fixed: [u8; 6],
    /// The client has sent its settings.
    has_settings: bool,
    /// The server's settings were acknowledged.
    has_ack: bool,
    /// The client's last stream.
    last_stream: u32,
    /// Streams whose request is not complete, ascending.
    receiving: Vec<u32>,
    /// Of streams below this one, `receiving` says nothing.
    forgotten: u32,
    /// The last stream of the client's last GOAWAY.
    goaway: u32,
    /// A header block that is being joined.
    block: Option<Box<Block>>,
    /// Complete frames; wraps around.
    frames: u32,
    /// The stream of the last malformed message, and its fault.
    malformed: Option<(u32, &'static str)>,
}

type Checked = Result<(), Violation>;

fn protocol(reason: &'static str) -> Checked {
    Err(Violation { code: code::PROTOCOL_ERROR, reason })
}

fn size(reason: &'static str) -> Checked {
    Err(Violation { code: code::FRAME_SIZE_ERROR, reason })
}

fn calm(reason: &'static str) -> Checked {
    Err(Violation { code: code::ENHANCE_YOUR_CALM, reason })
}

impl FrameGuard {
    /// A guard before the client's preface. `max_frame`: the longest frame that the server has announced; `max_list`: the
    /// longest list of header fields.
    pub fn new(max_frame: u32, max_list: u32) -> Self {
        FrameGuard {
            scanner: FrameScanner::behind(super::PREFACE.len() as u32),
            budget: FrameBudget::default(),
            max_frame,
            max_block: max_list as usize + MAX_FRAGMENT,
            head: None,
            seen: 0,
            fixed: [0; 6],
            has_settings: false,
            has_ack: false,
            last_stream: 0,
            receiving: Vec::new(),
            forgotten: 0,
            goaway: u32::MAX,
            block: None,
            frames: 0,
            malformed: None,
        }
    }

    /// Takes the stream of the last message that h2 resets because a field of it is malformed, and the cause.
    pub fn take_malformed(&mut self) -> Option<(u32, &'static str)> {
        self.malformed.take()
    }

    /// Takes bytes of the client, and appends those that h2 may have to `out`. `now`: monotonic milliseconds.
    ///
    /// # Errors
    /// At the first violation; the frame that violates a rule is not passed on.
    pub fn take(&mut self, mut bytes: &[u8], now: u64, out: &mut Vec<u8>) -> Checked {
        while !bytes.is_empty() {
            let is_payload = self.scanner.left_of_payload() > 0;
            let (taken, head) = self.scanner.advance(bytes);
            let piece = &bytes[..taken];
            bytes = &bytes[taken..];
            if is_payload {
                self.take_payload(piece, out)?;
            } else if let Some(head) = head {
                self.take_head(head, bytes, now, out)?;
            }
            if self.head.is_some() && self.scanner.left_of_payload() == 0 {
                self.end_frame(out);
            }
        }
        Ok(())
    }

    /// So many bytes were sent to the client.
    pub fn note_sent(&mut self, bytes: u64) {
        self.budget.note_sent(bytes);
    }

    /// Whether something other than a body is incomplete.
    pub fn is_incomplete(&self) -> bool {
        !self.scanner.is_between_frames() && self.head.is_none_or(|head| head.kind != FrameHead::DATA)
    }

    /// Complete frames so far; wraps around.
    pub fn frames(&self) -> u32 {
        self.frames
    }

    /// Registers a stream whose complete request did not come as a frame (`Upgrade: h2c`).
    pub fn note_upgraded_stream(&mut self) {
        self.last_stream = 1;
    }

    /// `payload`: the bytes that have arrived behind the head.
    fn take_head(&mut self, head: FrameHead, payload: &[u8], now: u64, out: &mut Vec<u8>) -> Checked {
        if let Err(Flood(kind)) = self.budget.count(&head, now) {
            return calm(kind);
        }
        self.check_head(&head)?;
        (self.head, self.seen) = (Some(head), 0);
        let is_trailers = head.kind == FrameHead::HEADERS && head.stream <= self.last_stream;
        match head.kind {
            FrameHead::HEADERS if is_trailers || !is_well_formed_block(&head, payload) => {
                let end_stream = head.flags & FrameHead::END_STREAM;
                self.block = Some(Box::new(Block { stream: head.stream, end_stream, is_trailers, bytes: Vec::new() }));
            }
            FrameHead::CONTINUATION => {}
            _ => out.extend_from_slice(&head.encode()),
        }
        self.follow_streams(&head);
        Ok(())
    }

    /// Checks what is known with the head (RFC 9113 sections 4.2, 5.1, 6).
    fn check_head(&self, head: &FrameHead) -> Checked {
        let FrameHead { length, kind, flags, stream } = *head;
        if length > self.max_frame {
            return size("a frame is longer than SETTINGS_MAX_FRAME_SIZE");
        }
        match &self.block {
            Some(block) if kind != FrameHead::CONTINUATION || block.stream != stream => {
                return protocol("another frame within a header block");
            }
            None if kind == FrameHead::CONTINUATION => return protocol("CONTINUATION without a header block"),
            _ => {}
        }
        if !self.has_settings && (kind != FrameHead::SETTINGS || flags & FrameHead::ACK != 0) {
            return protocol("the first frame is not SETTINGS");
        }
        let is_idle = stream > self.last_stream || stream.is_multiple_of(2);
        let has_known_length = |expected: u32| {
            if length == expected { Ok(()) } else { size("a frame does not have the length of its type") }
        };
        match kind {
            FrameHead::DATA | FrameHead::HEADERS | FrameHead::PRIORITY | FrameHead::RST_STREAM if stream == 0 => {
                protocol("DATA, HEADERS, PRIORITY or RST_STREAM on stream 0")
            }
            FrameHead::SETTINGS | FrameHead::PING | FrameHead::GOAWAY if stream != 0 => {
                protocol("SETTINGS, PING or GOAWAY on a stream other than 0")
            }
            FrameHead::DATA | FrameHead::RST_STREAM if is_idle => {
                protocol("DATA or RST_STREAM on a stream that is not open")
            }
            FrameHead::WINDOW_UPDATE if stream != 0 && is_idle => {
                protocol("WINDOW_UPDATE on a stream that is not open")
            }
            FrameHead::DATA | FrameHead::HEADERS if length < fixed_part(head) => {
                size("a frame is shorter than its padding and priority")
            }
            FrameHead::DATA if !self.is_receiving(stream) => closed(),
            FrameHead::HEADERS if stream.is_multiple_of(2) => {
                protocol("a client has opened a stream with an even number")
            }
            FrameHead::HEADERS if stream <= self.last_stream && !self.is_receiving(stream) => closed(),
            FrameHead::HEADERS if stream <= self.last_stream && flags & FrameHead::END_STREAM == 0 => {
                protocol("trailers without END_STREAM")
            }
            FrameHead::PRIORITY => has_known_length(5),
            FrameHead::RST_STREAM | FrameHead::WINDOW_UPDATE => has_known_length(4),
            FrameHead::PING => has_known_length(8),
            FrameHead::SETTINGS if flags & FrameHead::ACK != 0 && length > 0 => has_known_length(0),
            FrameHead::SETTINGS if flags & FrameHead::ACK != 0 && self.has_ack => {
                protocol("SETTINGS are acknowledged twice")
            }
            FrameHead::SETTINGS if !length.is_multiple_of(6) => size("the length of SETTINGS is not a multiple of 6"),
            FrameHead::GOAWAY if length < 8 => size("GOAWAY is shorter than 8 bytes"),
            FrameHead::PUSH_PROMISE => protocol("PUSH_PROMISE from a client"),
            _ => Ok(()),
        }
    }

    fn is_receiving(&self, stream: u32) -> bool {
        stream < self.forgotten || self.receiving.binary_search(&stream).is_ok()
    }

    fn follow_streams(&mut self, head: &FrameHead) {
        let ends = head.flags & FrameHead::END_STREAM != 0;
        match head.kind {
            FrameHead::SETTINGS => {
                self.has_settings = true;
                self.has_ack |= head.flags & FrameHead::ACK != 0;
            }
            FrameHead::HEADERS if head.stream > self.last_stream => {
                self.last_stream = head.stream;
                if !ends {
                    if self.receiving.len() >= MAX_RECEIVING {
                        self.receiving.clear();
                        self.forgotten = head.stream;
                    }
                    self.receiving.push(head.stream);
                }
            }
            FrameHead::HEADERS | FrameHead::DATA if ends => self.forget(head.stream),
            FrameHead::RST_STREAM => self.forget(head.stream),
            _ => {}
        }
    }

    fn forget(&mut self, stream: u32) {
        if let Ok(at) = self.receiving.binary_search(&stream) {
            self.receiving.remove(at);
        }
    }

    fn take_payload(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Checked {
        let Some(head) = self.head else {
            // The preface.
            out.extend_from_slice(piece);
            return Ok(());
        };
        let is_first = self.seen == 0;
        match head.kind {
            FrameHead::DATA | FrameHead::HEADERS
                if is_first && head.flags & PADDED != 0 && u32::from(piece[0]) > head.length - fixed_part(&head) =>
            {
                return protocol("the padding is longer than the payload");
            }
            FrameHead::SETTINGS | FrameHead::WINDOW_UPDATE => self.check_fixed(&head, piece, u32::MAX)?,
            FrameHead::GOAWAY => self.check_fixed(&head, piece, 4)?,
            _ => {}
        }
        self.seen += piece.len() as u32;
        match &mut self.block {
            Some(block) => {
                block.bytes.extend_from_slice(piece);
                if block.bytes.len() > self.max_block {
                    return calm("a header block is too long");
                }
            }
            None => out.extend_from_slice(piece),
        }
        Ok(())
    }

    /// Checks values in the first `limit` bytes of a payload, which may arrive in pieces.
    fn check_fixed(&mut self, head: &FrameHead, piece: &[u8], limit: u32) -> Checked {
        let unit = if head.kind == FrameHead::SETTINGS { 6 } else { 4 };
        for (&byte, at) in piece.iter().zip(self.seen..limit) {
            let place = (at % unit) as usize;
            self.fixed[place] = byte;
            if place + 1 == unit as usize {
                self.check_value(head)?;
            }
        }
        Ok(())
    }

    fn check_value(&mut self, head: &FrameHead) -> Checked {
        let [a, b, c, d, e, f] = self.fixed;
        let number = u32::from_be_bytes([a & 0x7f, b, c, d]);
        match head.kind {
            FrameHead::WINDOW_UPDATE if number == 0 => protocol("WINDOW_UPDATE with an increment of 0"),
            FrameHead::GOAWAY if number > self.goaway => {
                protocol("the last stream of a GOAWAY is above that of the GOAWAY before")
            }
            FrameHead::GOAWAY => {
                self.goaway = number;
                Ok(())
            }
            FrameHead::SETTINGS => check_setting(u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])),
            _ => Ok(()),
        }
    }

    fn end_frame(&mut self, out: &mut Vec<u8>) {
        let Some(head) = self.head.take() else { return };
        self.frames = self.frames.wrapping_add(1);
        let Some(block) = &mut self.block else { return };
        if head.kind == FrameHead::HEADERS {
            let padding = if head.flags & PADDED != 0 { usize::from(block.bytes[0]) } else { 0 };
            block.bytes.truncate(block.bytes.len() - padding);
            block.bytes.drain(..fixed_part(&head) as usize);
        }
        if head.flags & FrameHead::END_HEADERS != 0
            && let Some(block) = self.block.take()
        {
            let stream = block.stream;
            if let Some(fault) = block.emit(out) {
                self.malformed = Some((stream, fault));
            }
        }
    }
}

fn closed() -> Checked {
    Err(Violation { code: code::STREAM_CLOSED, reason: "a frame on a stream whose request has ended" })
}

/// Bytes of a payload before its data: the length of the padding, and the priority.
fn fixed_part(head: &FrameHead) -> u32 {
    let padding = u32::from(head.flags & PADDED != 0);
    let has_priority = head.kind == FrameHead::HEADERS && head.flags & PRIORITIZED != 0;
    padding + if has_priority { 5 } else { 0 }
}

/// Whether the frame has a whole header block without malformed fields, which all has arrived.
fn is_well_formed_block(head: &FrameHead, payload: &[u8]) -> bool {
    // Frames with other flags are written anew, so that they are the same however they arrive.
    let is_plain = head.flags | FrameHead::END_STREAM == FrameHead::END_STREAM | FrameHead::END_HEADERS;
    is_plain && payload.get(..head.length as usize).is_some_and(is_well_formed)
}

/// RFC 9113 section 6.5.2, RFC 8441 section 3.
fn check_setting(identifier: u16, value: u32) -> Checked {
    match identifier {
        2 | 8 if value > 1 => protocol("ENABLE_PUSH or ENABLE_CONNECT_PROTOCOL is neither 0 nor 1"),
        4 if value > 0x7fff_ffff => {
            Err(Violation { code: code::FLOW_CONTROL_ERROR, reason: "INITIAL_WINDOW_SIZE is above 2^31-1" })
        }
        5 if !(16_384..=0xff_ffff).contains(&value) => protocol("MAX_FRAME_SIZE is out of range"),
        _ => Ok(()),
    }
}

const PADDED: u8 = 8;
const PRIORITIZED: u8 = 32;
/// Incomplete requests that are followed, also those that the server has reset and the client never ends.
const MAX_RECEIVING: usize = 4096;

#[cfg(test)]
mod tests;
