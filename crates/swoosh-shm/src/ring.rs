//! A queue of messages in shared memory: any process pushes, one process pops.
//!
//! Invariant: a message is visible only when it is complete. Producers write behind `head` under a robust mutex and
//! publish by moving `head`; a producer killed before that has published nothing. The consumer takes no lock: it reads
//! up to `head` and then moves `tail`; when it is killed, its successor finds every message it had not finished.

use super::ring_cursor::Cursor;
use std::sync::atomic::{AtomicU64, Ordering};
use swoosh_os::Result;
use swoosh_os::memory::SharedMemory;
use swoosh_os::mutex::RobustMutex;

/// Four words that travel with each message. The ring does not interpret them.
pub type Meta = [u64; 4];

#[repr(C, align(64))]
struct Control {
    lock: RobustMutex,
    /// Bytes published since the beginning.
    head: Cursor,
    /// Messages published since the beginning.
    pushed: AtomicU64,
    _line: [u64; 1],
    consumer: Consumer,
}

/// On a cache line of its own, because another process writes it.
#[repr(C, align(64))]
struct Consumer {
    /// Bytes consumed since the beginning.
    tail: Cursor,
    /// Messages consumed since the beginning.
    popped: AtomicU64,
}

/// A queue. Copies, and the copies in forked processes, are the same queue. Its memory is never unmapped.
///
/// ```
/// use swoosh_shm::ring::Ring;
///
/// let ring = Ring::new(4096, "messages")?;
/// ring.push(&[1, 0, 0, 0], &[b"hello ", b"world"]).unwrap();
/// let text = ring.pop(|meta, payload| (meta[0], payload.to_vec()));
/// assert_eq!(text, Some((1, b"hello world".to_vec())));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Ring {
    control: &'static Control,
    data: *mut u8,
    capacity: u64,
}

// SAFETY: `data` points into a shared mapping that is never unmapped. Producers write to it under the lock, and the
// consumer reads only what `head` has published.
unsafe impl Send for Ring {}
// SAFETY: `push` locks, and `pop` accesses only the records between `tail` and `head`, which no producer writes.
unsafe impl Sync for Ring {}

/// The ring has no space for the message at present.
///
/// ```
/// use swoosh_shm::ring::{Ring, RingFull};
///
/// let ring = Ring::new(4096, "messages")?;
/// for _ in 0..3 {
///     ring.push(&[0; 4], &[&[0; 1024]]).unwrap();
/// }
/// assert_eq!(ring.push(&[0; 4], &[&[0; 1024]]), Err(RingFull));
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingFull;

impl Ring {
    /// Maps a ring of `capacity` bytes. `purpose` appears in the error.
    ///
    /// # Errors
    /// If the kernel refuses the mapping.
    ///
    /// # Panics
    /// If `capacity` is not a power of two of at least 4096.
    pub fn new(capacity: usize, purpose: &str) -> Result<Self> {
        assert!(capacity.is_power_of_two() && capacity >= 4096, "a ring's capacity is a power of two");
        let memory = SharedMemory::new(CONTROL_BYTES + capacity, purpose)?;
        let start = memory.start().as_ptr();
        // SAFETY: the mapping is zeroed, aligned to a page and never unmapped. It starts with CONTROL_BYTES for a
        // `Control`, for which zero is valid before `init`; `capacity` bytes follow.
        let (control, data) = unsafe { (&*start.cast::<Control>(), start.add(CONTROL_BYTES)) };
        control.lock.init();
        Ok(Ring { control, data, capacity: capacity as u64 })
    }

    /// The longest payload of a message, bytes: a quarter of the capacity.
    pub fn longest(&self) -> usize {
        (self.capacity / 4) as usize
    }

    /// The number of messages in the ring.
    pub fn len(&self) -> u64 {
        let popped = self.control.consumer.popped.load(Ordering::Relaxed);
        self.control.pushed.load(Ordering::Relaxed).saturating_sub(popped)
    }

    /// Whether the ring is empty. Unlike [`len`](Ring::len) it is exact for the consumer.
    pub fn is_empty(&self) -> bool {
        self.control.head.observe() == self.control.consumer.tail.own()
    }

    /// Appends a message whose payload is `parts`, joined in order.
    ///
    /// # Errors
    /// [`RingFull`] until the consumer has popped enough.
    ///
    /// # Panics
    /// If the payload is longer than [`longest`](Ring::longest).
    pub fn push(&self, meta: &Meta, parts: &[&[u8]]) -> Result<(), RingFull> {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        assert!(len <= self.longest(), "the caller cuts long payloads");
        let need = record_size(len);
        let guard = self.control.lock.lock();
        let head = self.control.head.own();
        let used = head.wrapping_sub(self.control.consumer.tail.observe());
        let to_end = self.capacity - (head & (self.capacity - 1));
        let skip = if to_end < need { to_end } else { 0 };
        if used > self.capacity || self.capacity - used < skip + need {
            return Err(RingFull);
        }
        if skip > 0 {
            self.write_words(head, &[WRAP]);
        }
        let at = head + skip;
        self.write_words(at, &[len as u64, meta[0], meta[1], meta[2], meta[3]]);
        let mut to = at + HEADER;
        for part in parts {
            self.write_bytes(to, part);
            to += part.len() as u64;
        }
        self.control.head.publish(at + need);
        self.control.pushed.store(self.control.pushed.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        drop(guard);
        Ok(())
    }

    /// Removes the oldest message and returns the result of `read`, which gets its words and payload in place; `None` if
    /// the ring is empty. Producers reuse the memory once `read` has returned, so it should only copy.
    ///
    /// For the ring's single consumer only.
    pub fn pop<R>(&self, read: impl FnOnce(&Meta, &[u8]) -> R) -> Option<R> {
        let (behind, meta, payload) = self.oldest()?;
        let result = read(&meta, payload);
        let consumer = &self.control.consumer;
        consumer.popped.store(consumer.popped.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        consumer.tail.publish(behind);
        Some(result)
    }

    /// Like [`pop`](Self::pop), and leaves the message in the ring.
    pub fn front<R>(&self, read: impl FnOnce(&Meta, &[u8]) -> R) -> Option<R> {
        self.oldest().map(|(_, meta, payload)| read(&meta, payload))
    }

    /// The oldest message, with the position behind it.
    fn oldest(&self) -> Option<(u64, Meta, &[u8])> {
        let consumer = &self.control.consumer;
        let mut tail = consumer.tail.own();
        let head = self.control.head.observe();
        if head == tail {
            return None;
        }
        if self.read_word(tail) == WRAP {
            tail += self.capacity - (tail & (self.capacity - 1));
        }
        let len = self.read_word(tail);
        let to_end = self.capacity - (tail & (self.capacity - 1));
        // A faulty process may have overwritten the length: drop everything instead of reading beyond the ring.
        if len > self.capacity / 4 || record_size(len as usize) > to_end || head.wrapping_sub(tail) > self.capacity {
            consumer.popped.store(self.control.pushed.load(Ordering::Relaxed), Ordering::Relaxed);
            consumer.tail.publish(head);
            return None;
        }
        let meta = [1, 2, 3, 4].map(|n| self.read_word(tail + 8 * n));
        // SAFETY: the check above keeps the record within the data. Its producer published it by a release store of
        // `head`, and no producer writes there before `tail` moves past it, which only the caller does.
        let payload = unsafe {
            let at = self.data.add(((tail + HEADER) & (self.capacity - 1)) as usize);
            std::slice::from_raw_parts(at, len as usize)
        };
        Some((tail + record_size(len as usize), meta, payload))
    }

    fn write_words(&self, at: u64, words: &[u64]) {
        for (n, word) in words.iter().enumerate() {
            self.write_bytes(at + 8 * n as u64, &word.to_ne_bytes());
        }
    }

    fn write_bytes(&self, at: u64, bytes: &[u8]) {
        let from = (at & (self.capacity - 1)) as usize;
        assert!(from + bytes.len() <= self.capacity as usize, "a record never wraps");
        // SAFETY: the assertion keeps the range within the data. The caller holds the lock, and `push` has checked that
        // the range lies between `head` and `tail + capacity`, where the consumer does not read.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.data.add(from), bytes.len()) };
    }

    fn read_word(&self, at: u64) -> u64 {
        let from = (at & (self.capacity - 1)) as usize;
        // SAFETY: `from & !7` is a multiple of eight below the capacity, which is a multiple of eight too, and the data
        // is aligned to 64 bytes.
        unsafe { self.data.add(from & !7).cast::<u64>().read() }
    }
}

/// Bytes of a record with a payload of `len` bytes: header, payload, padding to eight.
fn record_size(len: usize) -> u64 {
    HEADER + (len as u64).next_multiple_of(8)
}

/// Bytes of the length and [`Meta`].
const HEADER: u64 = 40;
/// In place of a length where a record would not fit before the end of the data: it is at the beginning.
const WRAP: u64 = u64::MAX;
const CONTROL_BYTES: usize = size_of::<Control>().next_multiple_of(64);

#[cfg(test)]
mod tests {
    use super::*;
    use swoosh_os::process::{self, Fork};

    #[test]
    fn messages_are_popped_in_order_across_many_laps() {
        let ring = Ring::new(4096, "a test").unwrap();
        let mut wanted = std::collections::VecDeque::new();
        let mut seed = 7u64;
        let (mut next, mut popped) = (0u64, 0u64);
        while popped < 20_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            if seed >> 40 & 1 == 0 {
                let len = (seed >> 33) as usize % 900;
                let body = vec![next as u8; len];
                if ring.push(&[next, 1, 2, 3], &[&body[..len / 2], &body[len / 2..]]).is_ok() {
                    wanted.push_back((next, len));
                    next += 1;
                }
                assert_eq!(ring.len(), wanted.len() as u64);
            } else if let Some((n, len)) = wanted.pop_front() {
                let got = ring.pop(|meta, data| {
                    assert!(data.iter().all(|b| *b == n as u8));
                    (meta[0], data.len())
                });
                assert_eq!(got, Some((n, len)));
                popped += 1;
            } else {
                assert!(ring.pop(|_, _| ()).is_none());
            }
        }
    }

    #[test]
    fn a_full_ring_refuses_messages_and_loses_none() {
        let ring = Ring::new(4096, "a test").unwrap();
        let mut n = 0;
        while ring.push(&[n, 0, 0, 0], &[&[1; 100]]).is_ok() {
            n += 1;
        }
        assert!(n >= 28, "only {n} messages of 144 bytes in 4096");
        for want in 0..n {
            assert_eq!(ring.pop(|meta, _| meta[0]), Some(want));
        }
        assert!(ring.is_empty());
    }

    #[test]
    fn producers_killed_at_any_moment_leave_whole_messages_only() {
        let ring = Ring::new(1 << 16, "a test").unwrap();
        let mut seen = 0;
        for round in 0..200u64 {
            let Fork::Parent(pid) = process::fork().unwrap() else {
                for n in 0.. {
                    let body = [n as u8; 333];
                    while ring.push(&[round, n, 0, 0], &[&body]).is_err() {
                        std::hint::spin_loop();
                    }
                }
                unreachable!();
            };
            let until = std::time::Instant::now() + std::time::Duration::from_micros(300 + 37 * (round % 50));
            let mut last = None;
            let mut check = |meta: &Meta, data: &[u8]| {
                assert_eq!(data.len(), 333);
                assert!(data.iter().all(|b| *b == meta[1] as u8), "a message of mixed bytes");
                if meta[0] == round {
                    assert_eq!(meta[1], last.map_or(0, |l: u64| l + 1), "a message lost or repeated");
                    last = Some(meta[1]);
                }
                seen += 1;
            };
            while std::time::Instant::now() < until {
                ring.pop(&mut check);
            }
            process::kill(pid, libc::SIGKILL);
            process::wait_for(pid).unwrap();
            while ring.pop(&mut check).is_some() {}
        }
        assert!(seen > 200);
    }

    #[test]
    fn a_corrupt_length_empties_the_ring_instead_of_reading_beyond_it() {
        let ring = Ring::new(4096, "a test").unwrap();
        ring.push(&[0; 4], &[b"x"]).unwrap();
        ring.write_words(0, &[1 << 40]);
        assert!(ring.pop(|_, _| ()).is_none());
        ring.push(&[9; 4], &[b"y"]).unwrap();
        assert_eq!(ring.pop(|meta, data| (meta[0], data.to_vec())), Some((9, b"y".to_vec())));
    }
}
