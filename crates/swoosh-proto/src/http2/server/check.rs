//! Checks of frames by their heads, and the errors of a connection.

use super::connection::ServerConnection;
use crate::http2::frames::FrameHead;
use crate::http2::{Violation, code};

pub(super) fn fail<R>(code: u32, reason: &'static str) -> Result<R, Violation> {
    Err(Violation { code, reason })
}

pub(super) fn protocol<R>(reason: &'static str) -> Result<R, Violation> {
    fail(code::PROTOCOL_ERROR, reason)
}

fn size<R>(reason: &'static str) -> Result<R, Violation> {
    fail(code::FRAME_SIZE_ERROR, reason)
}

fn closed<R>() -> Result<R, Violation> {
    fail(code::STREAM_CLOSED, "a frame on a stream whose request has ended")
}

pub(super) fn invalid_block<R>() -> Result<R, Violation> {
    fail(code::COMPRESSION_ERROR, "a header block is invalid HPACK (RFC 7541)")
}

impl<T> ServerConnection<T> {
    /// Checks what is known with the head (RFC 9113 sections 4.2, 5.1, 6).
    pub(super) fn check_head(&self, head: &FrameHead) -> Result<(), Violation> {
        let FrameHead { length, kind, flags, stream } = *head;
        if length > self.settings.max_frame_size {
            return size("a frame is longer than SETTINGS_MAX_FRAME_SIZE");
        }
        match &self.input.block {
            Some(block) if kind != FrameHead::CONTINUATION || block.stream != stream => {
                return protocol("another frame within a header block");
            }
            None if kind == FrameHead::CONTINUATION => return protocol("CONTINUATION without a header block"),
            _ => {}
        }
        if !self.has_settings && (kind != FrameHead::SETTINGS || flags & FrameHead::ACK != 0) {
            return protocol("the first frame is not SETTINGS");
        }
        let last = self.streams.last;
        let is_idle = stream > last || stream.is_multiple_of(2);
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
            FrameHead::DATA if !self.streams.is_receiving(stream) => closed(),
            FrameHead::HEADERS if stream.is_multiple_of(2) => {
                protocol("a client has opened a stream with an even number")
            }
            FrameHead::HEADERS if stream <= last && !self.streams.is_receiving(stream) => closed(),
            FrameHead::HEADERS if stream <= last && flags & FrameHead::END_STREAM == 0 => {
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
}

/// Bytes of a payload before its data: the length of the padding, and the priority.
pub(super) fn fixed_part(head: &FrameHead) -> u32 {
    let padding = u32::from(head.flags & PADDED != 0);
    let has_priority = head.kind == FrameHead::HEADERS && head.flags & PRIORITIZED != 0;
    padding + if has_priority { 5 } else { 0 }
}

/// Flags of DATA and HEADERS.
pub(super) const PADDED: u8 = 8;
const PRIORITIZED: u8 = 32;
