//! A header block that is joined from its fragments (RFC 9113 section 4.3).

use super::field_check::{is_well_formed, repair};
use super::frames::FrameHead;

/// A header block.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream: u32,
    /// END_STREAM, or 0.
    pub(super) end_stream: u8,
    pub(super) is_trailers: bool,
    /// Its fragments without padding; behind them the payload of the current frame.
    pub(super) bytes: Vec<u8>,
}

impl Block {
    /// Appends the block as few frames; returns the fault that makes its message malformed, if there is one.
    pub(super) fn emit(mut self, out: &mut Vec<u8>) -> Option<&'static str> {
        let repaired = if is_well_formed(&self.bytes) { None } else { repair(&self.bytes) };
        let fault = repaired.map(|repaired| {
            self.bytes = repaired.block;
            repaired.fault
        });
        if self.is_trailers {
            // A pseudo-header field behind another field is malformed, also in trailers, where h2 accepts it otherwise.
            let at = end_of_size_updates(&self.bytes);
            self.bytes.splice(at..at, MARKER.iter().copied());
        }
        let pieces = self.bytes.len().div_ceil(MAX_FRAGMENT).max(1);
        for n in 0..pieces {
            let piece = &self.bytes[n * MAX_FRAGMENT..self.bytes.len().min((n + 1) * MAX_FRAGMENT)];
            let (kind, end_stream) =
                if n == 0 { (FrameHead::HEADERS, self.end_stream) } else { (FrameHead::CONTINUATION, 0) };
            let end_headers = if n + 1 == pieces { FrameHead::END_HEADERS } else { 0 };
            let head =
                FrameHead { length: piece.len() as u32, kind, flags: end_stream | end_headers, stream: self.stream };
            out.extend_from_slice(&head.encode());
            out.extend_from_slice(piece);
        }
        fault
    }
}

/// Where the updates of the table's size end that a block begins with (RFC 7541 section 6.3).
fn end_of_size_updates(block: &[u8]) -> usize {
    let mut at = 0;
    while block.get(at).is_some_and(|byte| byte & 0xe0 == 0x20) {
        let is_long = block[at] & 0x1f == 0x1f;
        at += 1;
        while is_long && block.get(at).is_some_and(|byte| byte & 0x80 != 0) {
            at += 1;
        }
        at += usize::from(is_long);
    }
    at.min(block.len())
}

/// The field that the guard inserts into trailers, where it has no meaning: to be dropped.
pub const TRAILER_MARKER: &str = "trailer";
/// [`TRAILER_MARKER`] as a literal that does not change the table (RFC 7541 section 6.2.2).
pub(super) const MARKER: &[u8] = b"\0\x07trailer\0";
/// The longest frame that every receiver takes (RFC 9113 section 4.2).
pub(super) const MAX_FRAGMENT: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_size_updates_is_found() {
        for (block, end) in [(&b""[..], 0), (b"\x82", 0), (b"\x20", 1), (b"\x3f\x80\x80", 3), (b"\x3f", 1)] {
            assert_eq!(end_of_size_updates(block), end, "{block:?}");
        }
    }
}
