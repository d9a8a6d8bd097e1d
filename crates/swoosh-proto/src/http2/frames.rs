//! Finds the heads of frames (RFC 9113 section 4.1) in bytes that arrive in any pieces.

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHead {
    /// Bytes of its payload.
    pub length: u32,
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 for the connection.
    pub stream: u32,
}

impl FrameHead {
    /// Types of frames (RFC 9113 section 6).
    pub const DATA: u8 = 0;
    /// See [`DATA`](Self::DATA).
    pub const HEADERS: u8 = 1;
    /// See [`DATA`](Self::DATA).
    pub const PRIORITY: u8 = 2;
    /// See [`DATA`](Self::DATA).
    pub const RST_STREAM: u8 = 3;
    /// See [`DATA`](Self::DATA).
    pub const SETTINGS: u8 = 4;
    /// See [`DATA`](Self::DATA).
    pub const PUSH_PROMISE: u8 = 5;
    /// See [`DATA`](Self::DATA).
    pub const PING: u8 = 6;
    /// See [`DATA`](Self::DATA).
    pub const GOAWAY: u8 = 7;
    /// See [`DATA`](Self::DATA).
    pub const WINDOW_UPDATE: u8 = 8;
    /// See [`DATA`](Self::DATA).
    pub const CONTINUATION: u8 = 9;
    /// Bytes of the longest payload that every receiver takes (RFC 9113 section 4.2).
    pub const DEFAULT_MAX_LENGTH: usize = 16_384;
    /// The length of a head, bytes.
    pub const LENGTH: usize = 9;
    /// The flag ACK of SETTINGS and PING.
    pub const ACK: u8 = 1;
    /// The flag END_STREAM of DATA and HEADERS.
    pub const END_STREAM: u8 = 1;
    /// The flag END_HEADERS of HEADERS and CONTINUATION.
    pub const END_HEADERS: u8 = 4;

    /// The head as bytes.
    ///
    /// ```
    /// use swoosh_proto::http2::frames::FrameHead;
    ///
    /// let ping = FrameHead { length: 8, kind: FrameHead::PING, flags: 0, stream: 0 };
    /// assert_eq!(ping.encode(), [0, 0, 8, 6, 0, 0, 0, 0, 0]);
    /// ```
    pub fn encode(&self) -> [u8; Self::LENGTH] {
        let (length, stream) = (self.length.to_be_bytes(), self.stream.to_be_bytes());
        [length[1], length[2], length[3], self.kind, self.flags, stream[0], stream[1], stream[2], stream[3]]
    }

    pub(super) fn decode(bytes: &[u8; Self::LENGTH]) -> Self {
        FrameHead {
            length: u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]),
            kind: bytes[3],
            flags: bytes[4],
            stream: u32::from_be_bytes([bytes[5] & 0x7f, bytes[6], bytes[7], bytes[8]]),
        }
    }
}

/// Appends a header block as HEADERS and as many CONTINUATION as it needs, each of at most `max_frame` bytes (RFC 9113
/// section 4.3).
pub(super) fn put_header_block(out: &mut Vec<u8>, stream: u32, is_end: bool, block: &[u8], max_frame: usize) {
    let count = block.len().div_ceil(max_frame);
    out.reserve(block.len() + FrameHead::LENGTH * count);
    for (n, piece) in block.chunks(max_frame).enumerate() {
        let kind = if n == 0 { FrameHead::HEADERS } else { FrameHead::CONTINUATION };
        let end_stream = if n == 0 && is_end { FrameHead::END_STREAM } else { 0 };
        let end_headers = if n + 1 == count { FrameHead::END_HEADERS } else { 0 };
        let head = FrameHead { length: piece.len() as u32, kind, flags: end_stream | end_headers, stream };
        out.extend_from_slice(&head.encode());
        out.extend_from_slice(piece);
    }
}

/// Finds the heads of frames; it looks at no payload.
///
/// ```
/// use swoosh_proto::http2::frames::{FrameHead, FrameScanner};
///
/// let mut scanner = FrameScanner::default();
/// let mut kinds = Vec::new();
/// scanner.scan(&[0, 0, 1, 9, 0, 0, 0, 0, 5, 99, 0, 0], |head| kinds.push((head.kind, head.stream)));
/// assert_eq!(kinds, [(FrameHead::CONTINUATION, 5)]);
/// assert!(!scanner.is_between_frames());
/// ```
#[derive(Debug, Default, Clone, Copy)]
pub struct FrameScanner {
    head: [u8; FrameHead::LENGTH],
    /// Bytes of the head that are here.
    have: u8,
    /// Bytes of the payload that follow.
    payload: u32,
    /// A header block continues in the next frame (RFC 9113 section 6.10).
    in_header_block: bool,
}

impl FrameScanner {
    /// A scanner for bytes whose first `skipped` ones are no frames.
    pub fn behind(skipped: u32) -> Self {
        FrameScanner { payload: skipped, ..FrameScanner::default() }
    }

    /// Whether another frame may be inserted here: the last one is complete, and its header block too.
    pub fn is_between_frames(&self) -> bool {
        self.have == 0 && self.payload == 0 && !self.in_header_block
    }

    /// Bytes up to the end of the frame whose head was found last.
    pub fn left_of_payload(&self) -> u32 {
        self.payload
    }

    /// Takes the next bytes, and calls `found` for each head that is complete with them.
    pub fn scan(&mut self, bytes: &[u8], mut found: impl FnMut(FrameHead)) {
        self.scan_with_payload(bytes, |head, _| found(head));
    }

    /// Like [`scan`](Self::scan); `found` also gets the bytes behind the head, which may be fewer or more than its payload.
    pub fn scan_with_payload(&mut self, mut bytes: &[u8], mut found: impl FnMut(FrameHead, &[u8])) {
        while !bytes.is_empty() {
            let (taken, head) = self.advance(bytes);
            bytes = &bytes[taken..];
            if let Some(head) = head {
                found(head, bytes);
            }
        }
    }

    /// Takes bytes of a payload up to its end, or bytes of a head up to its end. Returns their number, and the head that is
    /// complete with them.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> (usize, Option<FrameHead>) {
        if self.payload > 0 {
            let skipped = bytes.len().min(self.payload as usize);
            self.payload -= skipped as u32;
            return (skipped, None);
        }
        let have = self.have as usize;
        let taken = bytes.len().min(self.head.len() - have);
        self.head[have..have + taken].copy_from_slice(&bytes[..taken]);
        self.have += taken as u8;
        if (self.have as usize) < self.head.len() {
            return (taken, None);
        }
        let head = FrameHead::decode(&self.head);
        (self.have, self.payload) = (0, head.length);
        if let FrameHead::HEADERS | FrameHead::PUSH_PROMISE | FrameHead::CONTINUATION = head.kind {
            self.in_header_block = head.flags & FrameHead::END_HEADERS == 0;
        }
        (taken, Some(head))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_alike_wherever_the_reads_end() {
        let heads = [
            FrameHead { length: 3, kind: 0, flags: 1, stream: 7 },
            FrameHead { length: 0, kind: 4, flags: 1, stream: 0 },
            FrameHead { length: 70_000, kind: 255, flags: 255, stream: 0x7fff_ffff },
        ];
        let mut bytes = vec![b'x'; 24];
        for head in heads {
            bytes.extend(head.encode());
            bytes.resize(bytes.len() + head.length as usize, b'p');
        }
        for size in [1, 2, 8, 9, 10, 1000, bytes.len()] {
            let (mut scanner, mut found) = (FrameScanner::behind(24), Vec::new());
            bytes.chunks(size).for_each(|piece| scanner.scan(piece, |head| found.push(head)));
            assert_eq!(found, heads, "{size}");
            assert!(scanner.is_between_frames());
        }
    }
}
