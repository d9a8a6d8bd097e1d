//! Where the input of a connection is.

use crate::http2::frames::FrameHead;

/// Where the input is: within the preface, the head of a frame, or its payload.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Bytes of the preface that were received.
    pub(super) preface: usize,
    pub(super) head: [u8; FrameHead::LENGTH],
    /// Bytes of the head that were received.
    pub(super) have: usize,
    pub(super) frame: Option<FrameHead>,
    /// The payload of a frame, as far as it has arrived.
    pub(super) payload: Vec<u8>,
    /// Bytes of the payload that follow, where it is not collected.
    pub(super) left: usize,
    /// Bytes of padding at its end.
    pub(super) padding: usize,
    /// The length of the padding follows.
    pub(super) awaits_padding: bool,
    /// The DATA belongs to a stream that is received.
    pub(super) is_delivered: bool,
    pub(super) block: Option<Box<Block>>,
    /// Complete frames and header blocks; wraps around.
    pub(super) frames: u32,
}

/// A header block of several frames (RFC 9113 section 4.3).
#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream: u32,
    pub(super) is_end: bool,
    pub(super) bytes: Vec<u8>,
}
