//! The streams of a connection (RFC 9113 section 5.1).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// One stream whose request was accepted.
#[derive(Debug)]
pub(super) struct Stream<T> {
    /// The caller's.
    pub(super) user_data: Option<T>,
    /// Bytes of the body that the client takes now; negative after it has made its windows smaller.
    pub(super) send_window: i64,
    /// Bytes of the body that the client may send now.
    pub(super) receive_window: i64,
    /// The size of that window.
    pub(super) window_size: u32,
    /// Bytes that were released, and not announced to the client.
    pub(super) unannounced: u32,
    /// Bytes that were received, and not released.
    pub(super) unreleased: u32,
    /// Bytes of the body that follow, where the client has given its length.
    pub(super) expected: Option<u64>,
    /// The client has not ended its request.
    pub(super) receives: bool,
    pub(super) sending: Sending,
}

/// How far a response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sending {
    /// Before its final head.
    Head,
    Body,
    Ended,
}

impl<T> Stream<T> {
    pub(super) fn new(send_window: i64, window_size: u32, expected: Option<u64>, receives: bool) -> Self {
        Stream {
            user_data: None,
            send_window,
            receive_window: i64::from(window_size),
            window_size,
            unannounced: 0,
            unreleased: 0,
            expected,
            receives,
            sending: Sending::Head,
        }
    }

    /// Whether both sides have ended: it is closed, and does not count towards the limit of streams.
    pub(super) fn is_closed(&self) -> bool {
        !self.receives && self.sending == Sending::Ended
    }
}

/// All streams of a connection.
#[derive(Debug)]
pub(super) struct Streams<T> {
    all: HashMap<u32, Stream<T>, BuildHasherDefault<NumberHasher>>,
    /// Those that count towards the limit.
    pub(super) active: u32,
    /// The client's last stream.
    pub(super) last: u32,
    /// Streams that the server has ended and the client has not, ascending: their frames are ignored.
    ignored: Vec<u32>,
    /// Of streams below this one, `ignored` says nothing.
    forgotten: u32,
}

impl<T> Default for Streams<T> {
    fn default() -> Self {
        Streams { all: HashMap::default(), active: 0, last: 0, ignored: Vec::new(), forgotten: 0 }
    }
}

impl<T> Streams<T> {
    pub(super) fn get(&self, number: u32) -> Option<&Stream<T>> {
        self.all.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Stream<T>> {
        self.all.get_mut(&number)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Stream<T>> {
        self.all.values_mut()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn insert(&mut self, number: u32, stream: Stream<T>) {
        self.active += 1;
        self.all.insert(number, stream);
    }

    /// Changes a stream, which may close it.
    pub(super) fn change<R>(&mut self, number: u32, change: impl FnOnce(&mut Stream<T>) -> R) -> Option<R> {
        let stream = self.all.get_mut(&number)?;
        let was_closed = stream.is_closed();
        let result = change(stream);
        self.active -= u32::from(!was_closed && stream.is_closed());
        Some(result)
    }

    /// Removes a stream. What the client still sends on it is ignored, unless `client_ended`.
    pub(super) fn remove(&mut self, number: u32, client_ended: bool) -> Option<Stream<T>> {
        let stream = self.all.remove(&number)?;
        self.active -= u32::from(!stream.is_closed());
        if stream.receives && !client_ended {
            self.ignore(number);
        }
        if self.all.is_empty() && self.all.capacity() > KEPT {
            self.all.shrink_to(KEPT);
        }
        Some(stream)
    }

    /// Ignores the frames that the client still sends on a stream.
    pub(super) fn ignore(&mut self, number: u32) {
        if self.ignored.len() >= MAX_IGNORED {
            self.forgotten = self.last;
            self.ignored.clear();
        }
        if let Err(at) = self.ignored.binary_search(&number) {
            self.ignored.insert(at, number);
        }
    }

    /// The client has ended a stream that was ignored.
    pub(super) fn end_ignored(&mut self, number: u32) {
        if let Ok(at) = self.ignored.binary_search(&number) {
            self.ignored.remove(at);
        }
        if self.ignored.is_empty() {
            self.ignored = Vec::new();
        }
    }

    /// Whether the client may send the rest of a request on the stream.
    pub(super) fn is_receiving(&self, number: u32) -> bool {
        match self.all.get(&number) {
            Some(stream) => stream.receives,
            None => number <= self.forgotten || self.ignored.binary_search(&number).is_ok(),
        }
    }
}

/// Spreads the numbers of streams, which are odd and ascending.
#[derive(Debug, Default)]
pub(super) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// Streams for which an idle connection keeps memory.
const KEPT: usize = 4;
/// Streams that are ignored one by one.
const MAX_IGNORED: usize = 4096;
