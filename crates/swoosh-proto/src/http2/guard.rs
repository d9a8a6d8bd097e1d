//! A check of a client's frames before the protocol's implementation gets them.
//!
//! The crate h2 answers most violations with PROTOCOL_ERROR, and refuses header blocks in many CONTINUATION frames. The
//! guard finds what frame heads and fixed payloads show, with the code that RFC 9113 names; it joins header blocks; and it
//! counts frames that cost the receiver work and the sender nothing. Behind it, a failure of h2 with PROTOCOL_ERROR is that of
//! a header block ([`block_fault`](super::block_fault)).

use super::budget::{Flood, FrameBudget};
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
        }
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
                self.take_head(head, now, out)?;
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

    fn take_head(&mut self, head: FrameHead, now: u64, out: &mut Vec<u8>) -> Checked {
        if let Err(Flood(kind)) = self.budget.count(&head, now) {
            return calm(kind);
        }
        self.check_head(&head)?;
        (self.head, self.seen) = (Some(head), 0);
        let is_trailers = head.kind == FrameHead::HEADERS && head.stream <= self.last_stream;
        match head.kind {
            FrameHead::HEADERS if is_trailers || head.flags & FrameHead::END_HEADERS == 0 => {
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
            return size("a frame is longer than the server allows");
        }
        match &self.block {
            Some(block) if kind != FrameHead::CONTINUATION || block.stream != stream => {
                return protocol("a header block is interrupted");
            }
            None if kind == FrameHead::CONTINUATION => return protocol("CONTINUATION without a header block"),
            _ => {}
        }
        if !self.has_settings && (kind != FrameHead::SETTINGS || flags & FrameHead::ACK != 0) {
            return protocol("the first frame is not SETTINGS");
        }
        let is_idle = stream > self.last_stream || stream.is_multiple_of(2);
        let has_known_length = |expected: u32| {
            if length == expected { Ok(()) } else { size("a frame has another length than its type") }
        };
        match kind {
            FrameHead::DATA | FrameHead::HEADERS | FrameHead::PRIORITY | FrameHead::RST_STREAM if stream == 0 => {
                protocol("a frame of a stream has no stream")
            }
            FrameHead::SETTINGS | FrameHead::PING | FrameHead::GOAWAY if stream != 0 => {
                protocol("a frame of the connection has a stream")
            }
            FrameHead::DATA | FrameHead::RST_STREAM if is_idle => protocol("a frame of an idle stream"),
            FrameHead::WINDOW_UPDATE if stream != 0 && is_idle => protocol("WINDOW_UPDATE of an idle stream"),
            FrameHead::DATA | FrameHead::HEADERS if length < fixed_part(head) => size("a frame without its padding"),
            FrameHead::DATA if !self.is_receiving(stream) => closed(),
            FrameHead::HEADERS if stream.is_multiple_of(2) => protocol("the number of a stream is even"),
            FrameHead::HEADERS if stream <= self.last_stream && !self.is_receiving(stream) => closed(),
            FrameHead::HEADERS if stream <= self.last_stream && flags & FrameHead::END_STREAM == 0 => {
                protocol("trailers do not end their request")
            }
            FrameHead::PRIORITY => has_known_length(5),
            FrameHead::RST_STREAM | FrameHead::WINDOW_UPDATE => has_known_length(4),
            FrameHead::PING => has_known_length(8),
            FrameHead::SETTINGS if flags & FrameHead::ACK != 0 && length > 0 => has_known_length(0),
            FrameHead::SETTINGS if flags & FrameHead::ACK != 0 && self.has_ack => {
                protocol("settings are acknowledged that were not sent")
            }
            FrameHead::SETTINGS if !length.is_multiple_of(6) => size("SETTINGS are cut"),
            FrameHead::GOAWAY if length < 8 => size("GOAWAY is cut"),
            FrameHead::PUSH_PROMISE => protocol("a client pushes"),
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
                return protocol("the padding is longer than its frame");
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
                    return calm("a header block");
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
            FrameHead::WINDOW_UPDATE if number == 0 => protocol("a window grows by 0"),
            FrameHead::GOAWAY if number > self.goaway => protocol("the last stream of GOAWAY has grown"),
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
            block.emit(out);
        }
    }
}

fn closed() -> Checked {
    Err(Violation { code: code::STREAM_CLOSED, reason: "a frame behind the end of its request" })
}

/// Bytes of a payload before its data: the length of the padding, and the priority.
fn fixed_part(head: &FrameHead) -> u32 {
    let padding = u32::from(head.flags & PADDED != 0);
    let has_priority = head.kind == FrameHead::HEADERS && head.flags & PRIORITIZED != 0;
    padding + if has_priority { 5 } else { 0 }
}

/// RFC 9113 section 6.5.2, RFC 8441 section 3.
fn check_setting(identifier: u16, value: u32) -> Checked {
    match identifier {
        2 | 8 if value > 1 => protocol("a setting is neither 0 nor 1"),
        4 if value > 0x7fff_ffff => {
            Err(Violation { code: code::FLOW_CONTROL_ERROR, reason: "the initial window is too large" })
        }
        5 if !(16_384..=0xff_ffff).contains(&value) => protocol("the longest frame is out of range"),
        _ => Ok(()),
    }
}

const PADDED: u8 = 8;
const PRIORITIZED: u8 = 32;
/// Incomplete requests that are followed, also those that the server has reset and the client never ends.
const MAX_RECEIVING: usize = 4096;

#[cfg(test)]
mod tests {
    use super::super::header_block::MARKER;
    use super::super::{PREFACE, goaway, ping};
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let head = FrameHead { length: payload.len() as u32, kind, flags, stream };
        [&head.encode()[..], payload].concat()
    }

    fn begun() -> Vec<u8> {
        [&PREFACE[..], &frame(4, 0, 0, &[])].concat()
    }

    /// The bytes that h2 gets of frames behind a preface, however they arrive, and the violation.
    fn outcome(frames: &[Vec<u8>]) -> (Vec<u8>, Checked) {
        let bytes = [begun(), frames.concat()].concat();
        let outcomes = [1, 2, 5, 9, 11, 1000].map(|size| {
            let (mut guard, mut out) = (FrameGuard::new(16_384, 1000), Vec::new());
            let checked = bytes.chunks(size).try_for_each(|piece| guard.take(piece, 0, &mut out));
            (out, checked)
        });
        assert!(outcomes.iter().all(|one| one.1 == outcomes[0].1), "{outcomes:?}");
        if outcomes[0].1.is_ok() {
            assert!(outcomes.iter().all(|one| one.0 == outcomes[0].0), "{outcomes:?}");
        }
        let [.., whole] = outcomes;
        whole
    }

    impl Default for FrameGuard {
        fn default() -> Self {
            FrameGuard::new(16_384, 1000)
        }
    }

    #[test]
    fn frames_without_a_fault_pass_unchanged() {
        let frames = [
            frame(1, 5, 1, b"block"),
            frame(1, 4, 3, b"block"),
            frame(0, 8, 3, b"\x02data\0\0"),
            frame(0, 1, 3, b""),
            frame(4, 0, 0, &[0, 4, 0x7f, 0xff, 0xff, 0xff, 0, 2, 0, 0, 0, 1]),
            frame(4, 1, 0, b""),
            frame(8, 0, 0, &[0, 0, 0, 1]),
            ping(*b"12345678"),
            frame(99, 7, 5, b"anything"),
            frame(2, 0, 9, &[0; 5]),
            goaway(0, 0, b"bye"),
        ];
        assert_eq!(outcome(&frames), ([begun(), frames.concat()].concat(), Ok(())));
    }

    #[test]
    fn header_blocks_are_joined_without_padding_and_priority() {
        let frames = [
            frame(1, 1 | 8 | 32, 1, b"\x03\0\0\0\0\x10on\0\0\0"),
            frame(9, 0, 1, b""),
            frame(9, 0, 1, b"e b"),
            frame(9, 4, 1, b"lock"),
        ];
        assert_eq!(outcome(&frames), ([begun(), frame(1, 5, 1, b"one block")].concat(), Ok(())));
        let long = [frame(1, 0, 1, &[b'a'; 800]), frame(9, 4, 1, &[b'b'; 16_384])];
        let joined = [[b'a'; 800].as_slice(), &[b'b'; 16_384]].concat();
        let wanted = [begun(), frame(1, 0, 1, &joined[..16_384]), frame(9, 4, 1, &joined[16_384..])].concat();
        assert_eq!(outcome(&long), (wanted, Ok(())));
        let endless = [vec![frame(1, 0, 1, b"x")], vec![frame(9, 0, 1, &[b'x'; 9000]); 2]].concat();
        assert_eq!(outcome(&endless).1, calm("a header block"));
    }

    #[test]
    fn a_field_precedes_those_of_trailers_but_follows_size_updates() {
        let frames = [frame(1, 4, 1, b"head"), frame(1, 5, 1, b"\x3f\xe1\x1f\x20fields")];
        let trailers = [b"\x3f\xe1\x1f\x20", MARKER, b"fields"].concat();
        assert_eq!(outcome(&frames), ([begun(), frame(1, 4, 1, b"head"), frame(1, 5, 1, &trailers)].concat(), Ok(())));
    }

    #[test]
    fn each_violation_has_its_code() {
        use code::*;
        let request = || frame(1, 5, 1, b"block");
        let upload = || frame(1, 4, 1, b"block");
        for (frames, code) in [
            (vec![frame(0, 0, 0, b"")], PROTOCOL_ERROR),
            (vec![frame(0, 0, 1, b"")], PROTOCOL_ERROR),
            (vec![frame(1, 5, 2, b"")], PROTOCOL_ERROR),
            (vec![frame(1, 5, 0, b"")], PROTOCOL_ERROR),
            (vec![frame(5, 4, 1, b"")], PROTOCOL_ERROR),
            (vec![frame(9, 4, 1, b"")], PROTOCOL_ERROR),
            (vec![frame(1, 1, 1, b""), frame(1, 5, 3, b"")], PROTOCOL_ERROR),
            (vec![frame(1, 1, 1, b""), frame(9, 4, 3, b"")], PROTOCOL_ERROR),
            (vec![request(), frame(0, 1, 1, b"x")], STREAM_CLOSED),
            (vec![request(), frame(1, 5, 1, b"x")], STREAM_CLOSED),
            (vec![upload(), frame(3, 0, 1, &[0; 4]), frame(0, 1, 1, b"x")], STREAM_CLOSED),
            (vec![upload(), frame(1, 4, 1, b"x")], PROTOCOL_ERROR),
            (vec![upload(), frame(0, 8, 1, b"\x05data")], PROTOCOL_ERROR),
            (vec![upload(), frame(0, 8, 1, b"")], FRAME_SIZE_ERROR),
            (vec![frame(1, 4 | 8 | 32, 1, b"\x02\0\0\0\0\x10x")], PROTOCOL_ERROR),
            (vec![frame(1, 4 | 32, 1, b"1234")], FRAME_SIZE_ERROR),
            (vec![frame(2, 0, 1, b"1234")], FRAME_SIZE_ERROR),
            (vec![frame(2, 0, 0, b"12345")], PROTOCOL_ERROR),
            (vec![frame(3, 0, 1, b"1234")], PROTOCOL_ERROR),
            (vec![request(), frame(3, 0, 1, b"12345")], FRAME_SIZE_ERROR),
            (vec![frame(4, 0, 1, b"")], PROTOCOL_ERROR),
            (vec![frame(4, 0, 0, b"12345")], FRAME_SIZE_ERROR),
            (vec![frame(4, 1, 0, b"123456")], FRAME_SIZE_ERROR),
            (vec![frame(4, 1, 0, b""), frame(4, 1, 0, b"")], PROTOCOL_ERROR),
            (vec![frame(4, 0, 0, &[0, 4, 0x80, 0, 0, 0])], FLOW_CONTROL_ERROR),
            (vec![frame(4, 0, 0, &[0, 5, 0, 0, 0x3f, 0xff])], PROTOCOL_ERROR),
            (vec![frame(4, 0, 0, &[0, 9, 0, 0, 0, 9, 0, 2, 0, 0, 0, 2])], PROTOCOL_ERROR),
            (vec![frame(6, 0, 0, b"1234567")], FRAME_SIZE_ERROR),
            (vec![frame(6, 0, 1, b"12345678")], PROTOCOL_ERROR),
            (vec![frame(7, 0, 0, b"1234567")], FRAME_SIZE_ERROR),
            (vec![goaway(1, 0, b""), goaway(3, 0, b"")], PROTOCOL_ERROR),
            (vec![frame(8, 0, 0, b"123")], FRAME_SIZE_ERROR),
            (vec![frame(8, 0, 0, &[0; 4])], PROTOCOL_ERROR),
            (vec![frame(8, 0, 1, &[0, 0, 0, 1])], PROTOCOL_ERROR),
            (vec![frame(99, 0, 0, &[0; 16_385])], FRAME_SIZE_ERROR),
            (vec![ping([0; 8]); 1000], ENHANCE_YOUR_CALM),
        ] {
            let violation = outcome(&frames).1.expect_err("a violation");
            assert_eq!(violation.code, code, "{}: {frames:?}", violation.reason);
        }
        let mut guard = FrameGuard::default();
        let first = [&PREFACE[..], &frame(4, 1, 0, b"")].concat();
        assert_eq!(guard.take(&first, 0, &mut Vec::new()).unwrap_err().code, PROTOCOL_ERROR);
    }

    #[test]
    fn requests_that_never_end_are_forgotten_and_bodies_are_not_incomplete() {
        let (mut guard, mut out) = (FrameGuard::default(), Vec::new());
        guard.take(&begun(), 0, &mut out).unwrap();
        for n in 0..3 * MAX_RECEIVING as u32 {
            guard.take(&frame(1, 4, 2 * n + 1, b""), 0, &mut out).unwrap();
        }
        assert!(guard.receiving.len() <= MAX_RECEIVING);
        guard.take(&frame(0, 1, 1, b"late"), 0, &mut out).unwrap();
        assert!(!guard.is_incomplete());
        let last = 6 * MAX_RECEIVING as u32 - 1;
        guard.take(&frame(0, 0, last, b"data")[..11], 0, &mut out).unwrap();
        assert!(!guard.is_incomplete());
        guard.take(b"ta", 0, &mut out).unwrap();
        guard.take(&frame(1, 5, last + 2, b"block")[..11], 0, &mut out).unwrap();
        assert!(guard.is_incomplete());
    }
}
