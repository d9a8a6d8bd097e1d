//! Numbers that name things of a server. Newtypes, so that they cannot be mixed up.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A connection's public id: 1, 2, 3... in the order of acceptance, never used twice in a server's life.
/// The streams of an HTTP/2 connection have ids of their own, from 2^52 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

impl SessionId {
    /// The least id of a stream: ids of connections stay below it, and a double holds every id exactly.
    pub(crate) const FIRST_STREAM: u64 = 1 << 52;

    /// Whether this is a stream of an HTTP/2 connection.
    pub fn is_stream(self) -> bool {
        self.0 >= Self::FIRST_STREAM
    }
}

/// A map by connection. Ids are given by the server, so that clients cannot choose them to collide: one multiplication takes
/// the place of a keyed hash.
pub(crate) type SessionMap<T> = HashMap<SessionId, T, BuildHasherDefault<SessionHasher>>;

/// Fibonacci hashing of a [`SessionId`].
#[derive(Debug, Default)]
pub(crate) struct SessionHasher(u64);

impl Hasher for SessionHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0 ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, id: u64) {
        // 2^64 divided by the golden ratio. A map finds the bucket by the low bits, which are the weak ones of a product: the
        // halves change places.
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

/// A worker's public number: workers are `0..worker_num`, task workers follow, user processes come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u32);
