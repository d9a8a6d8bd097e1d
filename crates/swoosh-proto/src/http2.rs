//! HTTP/2 (RFC 9113): the frames of one direction of a connection, followed but not decoded.
//!
//! The protocol itself is the crate h2's. It keeps the peer's settings and the contents of its GOAWAY frames to itself, and
//! sends no GOAWAY with a program's own code; [`FrameTracker`] reads along to know both and to find the places between two
//! frames where one more can be inserted.

/// Finds the frames in a stream of bytes, however the network has split them. Keeps at most
/// [`MAX_CAPTURED`](FrameTracker::MAX_CAPTURED) bytes of a payload.
///
/// ```
/// use swoosh_proto::http2::{ControlFrame, FrameTracker, goaway};
///
/// let mut tracker = FrameTracker::new(0);
/// let frame = goaway(5, 11, b"calm down");
/// assert_eq!(tracker.next(&frame[..4]), (4, None));
/// assert!(!tracker.is_between_frames());
/// let (used, event) = tracker.next(&frame[4..]);
/// assert_eq!(used, frame.len() - 4);
/// let code = 11;
/// assert_eq!(event, Some(ControlFrame::GoAway { last_stream_id: 5, code, debug_data: b"calm down".to_vec() }));
/// ```
#[derive(Debug, Default)]
pub struct FrameTracker {
    /// Bytes before the first frame that were not seen yet.
    preface: usize,
    head: [u8; HEAD],
    /// Bytes of `head` that have arrived.
    arrived: usize,
    /// Bytes of the payload that are missing.
    missing: usize,
    /// The beginning of the payload, of frames that are reported.
    payload: Vec<u8>,
    /// A header block continues in the next frame (RFC 9113 section 6.10).
    in_header_block: bool,
}

/// A frame that concerns the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlFrame {
    /// SETTINGS: identifiers and values, in order (RFC 9113 section 6.5.1).
    Settings(Vec<(u16, u32)>),
    /// GOAWAY (RFC 9113 section 6.8).
    GoAway {
        /// The last stream that its sender has processed or may process.
        last_stream_id: u32,
        /// The error code.
        code: u32,
        /// Its beginning.
        debug_data: Vec<u8>,
    },
}

impl FrameTracker {
    /// Bytes of a payload that are kept at most.
    pub const MAX_CAPTURED: usize = 1024;

    /// Follows a direction that begins with that many bytes before its first frame, as a client's does
    /// ([`PREFACE`](Self::PREFACE)).
    pub fn new(preface: usize) -> Self {
        FrameTracker { preface, ..FrameTracker::default() }
    }

    /// The length of a client's connection preface (RFC 9113 section 3.4), bytes.
    pub const PREFACE: usize = 24;

    /// Whether another frame may be inserted here: the last one is complete, and its header block too.
    pub fn is_between_frames(&self) -> bool {
        self.preface == 0 && self.arrived == 0 && !self.in_header_block
    }

    /// Follows `bytes` up to the end of the next control frame. Returns how many bytes that are, and the frame; without one,
    /// all of them.
    pub fn next(&mut self, bytes: &[u8]) -> (usize, Option<ControlFrame>) {
        let mut used = self.preface.min(bytes.len());
        self.preface -= used;
        while used < bytes.len() {
            if self.arrived < HEAD {
                let count = (HEAD - self.arrived).min(bytes.len() - used);
                self.head[self.arrived..self.arrived + count].copy_from_slice(&bytes[used..used + count]);
                self.arrived += count;
                used += count;
                if self.arrived < HEAD {
                    break;
                }
                self.missing =
                    usize::from(self.head[0]) << 16 | usize::from(self.head[1]) << 8 | usize::from(self.head[2]);
            }
            let count = self.missing.min(bytes.len() - used);
            if self.is_reported() {
                let room = Self::MAX_CAPTURED - self.payload.len();
                self.payload.extend_from_slice(&bytes[used..used + count.min(room)]);
            }
            self.missing -= count;
            used += count;
            if self.missing == 0
                && let Some(frame) = self.end_frame()
            {
                return (used, Some(frame));
            }
        }
        (used, None)
    }

    /// Whether the frame is one of those that `next` returns. An acknowledgement of settings is not.
    fn is_reported(&self) -> bool {
        matches!((self.head[3], self.head[4] & ACK), (SETTINGS, 0) | (GOAWAY, _))
    }

    fn end_frame(&mut self) -> Option<ControlFrame> {
        let payload = std::mem::take(&mut self.payload);
        self.arrived = 0;
        match self.head[3] {
            HEADERS | PUSH_PROMISE | CONTINUATION => self.in_header_block = self.head[4] & END_HEADERS == 0,
            _ => {}
        }
        if !self.is_reported() {
            return None;
        }
        let number =
            |at: usize| payload.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        if self.head[3] == GOAWAY {
            let (last, code) = (number(0)?, number(4)?);
            return Some(ControlFrame::GoAway {
                last_stream_id: last & 0x7fff_ffff,
                code,
                debug_data: payload[8..].to_vec(),
            });
        }
        let settings = payload.chunks_exact(6).map(|setting| {
            let value = [setting[2], setting[3], setting[4], setting[5]];
            (u16::from_be_bytes([setting[0], setting[1]]), u32::from_be_bytes(value))
        });
        Some(ControlFrame::Settings(settings.collect()))
    }
}

/// The settings of one side as they are in force (RFC 9113 section 6.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerSettings {
    /// SETTINGS_HEADER_TABLE_SIZE, bytes.
    pub header_table_size: u32,
    /// SETTINGS_INITIAL_WINDOW_SIZE, bytes.
    pub initial_window_size: u32,
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub max_concurrent_streams: u32,
    /// SETTINGS_MAX_FRAME_SIZE, bytes.
    pub max_frame_size: u32,
    /// SETTINGS_MAX_HEADER_LIST_SIZE, bytes.
    pub max_header_list_size: u32,
}

impl Default for PeerSettings {
    /// The initial values; `u32::MAX` for no limit.
    fn default() -> Self {
        PeerSettings {
            header_table_size: 4096,
            initial_window_size: 65_535,
            max_concurrent_streams: u32::MAX,
            max_frame_size: 16_384,
            max_header_list_size: u32::MAX,
        }
    }
}

impl PeerSettings {
    /// Applies the settings of a frame. Unknown ones are ignored (RFC 9113 section 6.5.2).
    pub fn apply(&mut self, settings: &[(u16, u32)]) {
        for &(identifier, value) in settings {
            match identifier {
                1 => self.header_table_size = value,
                3 => self.max_concurrent_streams = value,
                4 => self.initial_window_size = value,
                5 => self.max_frame_size = value,
                6 => self.max_header_list_size = value,
                _ => {}
            }
        }
    }
}

/// A GOAWAY frame (RFC 9113 section 6.8). Of `debug_data`, what fits into a frame of the smallest maximum size.
pub fn goaway(last_stream_id: u32, code: u32, debug_data: &[u8]) -> Vec<u8> {
    let debug_data = &debug_data[..debug_data.len().min(16_384 - 8)];
    let length = (8 + debug_data.len()) as u32;
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend_from_slice(&[GOAWAY, 0, 0, 0, 0, 0]);
    frame.extend_from_slice(&(last_stream_id & 0x7fff_ffff).to_be_bytes());
    frame.extend_from_slice(&code.to_be_bytes());
    frame.extend_from_slice(debug_data);
    frame
}

/// The length of a frame's head (RFC 9113 section 4.1), bytes.
const HEAD: usize = 9;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags, 0, 0, 0, 1]);
        frame.extend_from_slice(payload);
        frame
    }

    /// What a tracker reports of bytes that arrive in pieces of that size.
    fn reported(bytes: &[u8], size: usize) -> Vec<ControlFrame> {
        let mut tracker = FrameTracker::new(0);
        let mut all = Vec::new();
        for mut piece in bytes.chunks(size) {
            while !piece.is_empty() {
                let (used, frame) = tracker.next(piece);
                piece = &piece[used..];
                all.extend(frame);
            }
        }
        all
    }

    #[test]
    fn control_frames_are_found_wherever_the_stream_is_split() {
        let settings = [0, 4, 0, 0, 0x4e, 0x20, 0, 99, 0, 0, 0, 1];
        let bytes = [
            frame(4, 0, &settings),
            frame(4, 1, b""),
            frame(0, 0, &[7; 300]),
            goaway(3, 2, b"why"),
            frame(77, 0, b"x"),
        ]
        .concat();
        let expected = vec![
            ControlFrame::Settings(vec![(4, 20_000), (99, 1)]),
            ControlFrame::GoAway { last_stream_id: 3, code: 2, debug_data: b"why".to_vec() },
        ];
        for size in [1, 2, 7, 9, 10, 100, bytes.len()] {
            assert_eq!(reported(&bytes, size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn nothing_is_inserted_into_a_frame_a_header_block_or_the_preface() {
        let mut tracker = FrameTracker::new(FrameTracker::PREFACE);
        assert!(!tracker.is_between_frames());
        tracker.next(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert!(tracker.is_between_frames());
        tracker.next(&frame(1, 0, b"block"));
        assert!(!tracker.is_between_frames(), "its CONTINUATION must follow");
        tracker.next(&frame(9, 4, b"end"));
        assert!(tracker.is_between_frames());
        let data = frame(0, 0, b"data");
        tracker.next(&data[..11]);
        assert!(!tracker.is_between_frames());
        tracker.next(&data[11..]);
        assert!(tracker.is_between_frames());
    }

    #[test]
    fn a_long_payload_is_not_kept_and_a_short_goaway_is_not_reported() {
        let long = goaway(1, 0, &[b'x'; 9000]);
        let frames = reported(&long, 1000);
        let [ControlFrame::GoAway { debug_data, .. }] = &frames[..] else { panic!("{frames:?}") };
        assert_eq!(debug_data.len(), FrameTracker::MAX_CAPTURED - 8);
        assert_eq!(reported(&frame(7, 0, b"short"), 3), vec![]);
    }

    #[test]
    fn settings_replace_each_other() {
        let mut settings = PeerSettings::default();
        settings.apply(&[(3, 100), (4, 1), (4, 2), (8, 1)]);
        assert_eq!(
            settings,
            PeerSettings { max_concurrent_streams: 100, initial_window_size: 2, ..PeerSettings::default() }
        );
    }
}
