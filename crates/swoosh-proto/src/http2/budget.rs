//! A limit for frames that cost the receiver work and the sender next to nothing: floods of resets (CVE-2023-44487), settings,
//! pings (CVE-2019-9512, 9515), window updates, priorities, empty frames (CVE-2019-9518) and continuations (CVE-2024-27316).
//!
//! Each kind has a bucket that such frames fill and that drains with time. A client that works never fills one.

use super::frames::FrameHead;

/// The frames of one client, counted by kind.
///
/// ```
/// use swoosh_proto::http2::budget::FrameBudget;
/// use swoosh_proto::http2::frames::FrameHead;
///
/// let ping = FrameHead { length: 8, kind: FrameHead::PING, flags: 0, stream: 0 };
/// let mut budget = FrameBudget::default();
/// assert_eq!(budget.count(&ping, 0), Ok(()));
/// assert!((0..10_000).any(|_| budget.count(&ping, 0).is_err()));
/// ```
#[derive(Debug, Default, Clone, Copy)]
pub struct FrameBudget {
    filled: [u32; BUCKETS.len()],
    /// When the buckets were drained last, monotonic milliseconds.
    drained_at: u64,
}

/// A client sends too many frames of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flood(pub &'static str);

struct Bucket {
    name: &'static str,
    size: u32,
    /// Frames per second that drain.
    rate: u32,
}

const fn bucket(name: &'static str, size: u32, rate: u32) -> Bucket {
    Bucket { name, size, rate }
}

const BUCKETS: [Bucket; 8] = [
    bucket("too many RST_STREAM frames", 500, 100),
    bucket("too many SETTINGS frames", 100, 10),
    bucket("too many PING frames", 500, 50),
    // A download needs two for each piece of its window: bytes that are sent drain this bucket too.
    bucket("too many WINDOW_UPDATE frames", 10_000, 1000),
    bucket("too many PRIORITY frames", 2000, 100),
    bucket("too many empty DATA frames", 500, 50),
    bucket("too many CONTINUATION frames", 500, 50),
    bucket("too many frames of unknown types", 1000, 100),
];
const WINDOW_UPDATE: usize = 3;
/// Sent bytes that drain one window update.
const BYTES_PER_UPDATE: u64 = 256;

impl FrameBudget {
    /// Counts a frame of the client. `now`: monotonic milliseconds.
    ///
    /// # Errors
    /// If there are too many of its kind: the connection is to be closed with ENHANCE_YOUR_CALM (RFC 9113 section 10.5).
    pub fn count(&mut self, head: &FrameHead, now: u64) -> Result<(), Flood> {
        let index = match head.kind {
            FrameHead::HEADERS => return Ok(()),
            FrameHead::DATA if head.length > 0 || head.flags & FrameHead::END_STREAM != 0 => return Ok(()),
            FrameHead::DATA => 5,
            FrameHead::RST_STREAM => 0,
            FrameHead::SETTINGS => 1,
            FrameHead::PING => 2,
            FrameHead::WINDOW_UPDATE => WINDOW_UPDATE,
            FrameHead::PRIORITY => 4,
            FrameHead::CONTINUATION => 6,
            _ => 7,
        };
        self.drain(now);
        self.filled[index] += 1;
        let bucket = &BUCKETS[index];
        if self.filled[index] > bucket.size { Err(Flood(bucket.name)) } else { Ok(()) }
    }

    /// So many bytes were sent to the client.
    pub fn note_sent(&mut self, bytes: u64) {
        let updates = u32::try_from(bytes / BYTES_PER_UPDATE).unwrap_or(u32::MAX);
        self.filled[WINDOW_UPDATE] = self.filled[WINDOW_UPDATE].saturating_sub(updates);
    }

    fn drain(&mut self, now: u64) {
        let seconds = now.saturating_sub(self.drained_at) / 1000;
        if seconds == 0 {
            return;
        }
        self.drained_at = now;
        for (filled, bucket) in self.filled.iter_mut().zip(&BUCKETS) {
            *filled = filled.saturating_sub(bucket.rate.saturating_mul(seconds.min(1000) as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u32, flags: u8) -> FrameHead {
        FrameHead { length, kind, flags, stream: 1 }
    }

    #[test]
    fn each_kind_that_costs_nothing_is_limited_by_itself() {
        for (kind, bucket) in [(3, 0), (4, 1), (6, 2), (8, 3), (2, 4), (0, 5), (9, 6), (99, 7), (7, 7)] {
            let mut budget = FrameBudget::default();
            for _ in 0..BUCKETS[bucket].size {
                assert_eq!(budget.count(&frame(kind, 0, 0), 0), Ok(()));
            }
            assert_eq!(budget.count(&frame(kind, 0, 0), 0), Err(Flood(BUCKETS[bucket].name)));
            assert_eq!(budget.count(&frame(if kind == 6 { 4 } else { 6 }, 8, 0), 0), Ok(()));
        }
    }

    #[test]
    fn requests_and_bodies_are_not_limited_and_time_drains_what_is() {
        let mut budget = FrameBudget::default();
        for n in 0..100_000 {
            assert_eq!(budget.count(&frame(1, 30, 5), 0), Ok(()));
            assert_eq!(budget.count(&frame(0, 1, 0), 0), Ok(()));
            assert_eq!(budget.count(&frame(0, 0, 1), 0), Ok(()));
            // A ping every 20 milliseconds, as gRPC sends them.
            assert_eq!(budget.count(&frame(6, 8, 0), n * 20), Ok(()));
            // A download of 16 KB pieces, with two updates for each.
            budget.note_sent(16_384);
            assert_eq!(budget.count(&frame(8, 4, 0), 0), Ok(()));
            assert_eq!(budget.count(&frame(8, 4, 0), 0), Ok(()));
        }
    }
}
