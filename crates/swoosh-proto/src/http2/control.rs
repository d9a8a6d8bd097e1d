//! Control frames of one direction of a connection, as they pass by.
//!
//! The protocol of clients is the crate h2's. It keeps the peer's settings and the contents of its GOAWAY frames to itself, and
//! sends no GOAWAY with a program's own code; [`FrameTracker`] reads along to know both and to find the places between two
//! frames where one more can be inserted.

use super::frames::{FrameHead, FrameScanner};
use std::io::IoSlice;

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
    scanner: FrameScanner,
    /// The frame whose payload follows.
    current: Option<FrameHead>,
    /// The beginning of the payload, of frames that are reported.
    payload: Vec<u8>,
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
    /// ([`PREFACE`](super::PREFACE)).
    pub fn new(preface: usize) -> Self {
        FrameTracker { scanner: FrameScanner::behind(preface as u32), ..FrameTracker::default() }
    }

    /// Whether another frame may be inserted here: the last one is complete, and its header block too.
    pub fn is_between_frames(&self) -> bool {
        self.scanner.is_between_frames()
    }

    /// Follows the first `written` bytes of these pieces, as a vectored write has taken them.
    pub fn follow_written(&mut self, pieces: &[IoSlice<'_>], written: usize) {
        let mut left = written;
        for piece in pieces {
            let mut bytes = &piece[..left.min(piece.len())];
            left -= bytes.len();
            while !bytes.is_empty() {
                let (used, _) = self.next(bytes);
                bytes = &bytes[used..];
            }
        }
    }

    /// Follows `bytes` up to the end of the next control frame. Returns how many bytes that are, and the frame; without one,
    /// all of them.
    pub fn next(&mut self, bytes: &[u8]) -> (usize, Option<ControlFrame>) {
        let mut used = 0;
        while used < bytes.len() {
            let is_payload = self.scanner.left_of_payload() > 0;
            let (taken, head) = self.scanner.advance(&bytes[used..]);
            if is_payload && self.current.as_ref().is_some_and(is_reported) {
                let room = Self::MAX_CAPTURED - self.payload.len();
                self.payload.extend_from_slice(&bytes[used..used + taken.min(room)]);
            }
            used += taken;
            self.current = head.or(self.current);
            if (is_payload || head.is_some())
                && self.scanner.left_of_payload() == 0
                && let Some(frame) = self.end_frame()
            {
                return (used, Some(frame));
            }
        }
        (used, None)
    }

    fn end_frame(&mut self) -> Option<ControlFrame> {
        let payload = std::mem::take(&mut self.payload);
        let head = self.current.take().filter(is_reported)?;
        let number =
            |at: usize| payload.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        if head.kind == FrameHead::GOAWAY {
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

/// Whether the frame is one of those that `next` returns. An acknowledgement of settings is not.
fn is_reported(head: &FrameHead) -> bool {
    matches!((head.kind, head.flags & FrameHead::ACK), (FrameHead::SETTINGS, 0) | (FrameHead::GOAWAY, _))
}

/// A GOAWAY frame (RFC 9113 section 6.8). Of `debug_data`, what fits into a frame of the smallest maximum size.
pub fn goaway(last_stream_id: u32, code: u32, debug_data: &[u8]) -> Vec<u8> {
    let debug_data = &debug_data[..debug_data.len().min(FrameHead::DEFAULT_MAX_LENGTH - 8)];
    let head = FrameHead { length: 8 + debug_data.len() as u32, kind: FrameHead::GOAWAY, flags: 0, stream: 0 };
    let mut frame = head.encode().to_vec();
    frame.extend_from_slice(&(last_stream_id & 0x7fff_ffff).to_be_bytes());
    frame.extend_from_slice(&code.to_be_bytes());
    frame.extend_from_slice(debug_data);
    frame
}

/// A PING frame with that payload (RFC 9113 section 6.7).
pub fn ping(payload: [u8; 8]) -> Vec<u8> {
    let head = FrameHead { length: 8, kind: FrameHead::PING, flags: 0, stream: 0 };
    [&head.encode()[..], &payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::PREFACE;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags, 0, 0, 0, 1]);
        frame.extend_from_slice(payload);
        frame
    }

    /// The reports of a tracker about bytes that arrive in pieces of that size.
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
    fn a_vectored_write_is_followed_as_far_as_it_was_taken() {
        let (ping, data) = (ping([7; 8]), frame(0, 0, b"body"));
        let pieces = [IoSlice::new(&ping), IoSlice::new(&data)];
        for written in 0..=ping.len() + data.len() {
            let mut tracker = FrameTracker::new(0);
            tracker.follow_written(&pieces, written);
            let ends = [0, ping.len(), ping.len() + data.len()];
            assert_eq!(tracker.is_between_frames(), ends.contains(&written), "{written} bytes");
        }
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
        let mut tracker = FrameTracker::new(PREFACE.len());
        assert!(!tracker.is_between_frames());
        tracker.next(PREFACE);
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
}
