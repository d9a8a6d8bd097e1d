//! Numbers that name things of a server. Newtypes, so that they cannot be mixed up.

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

/// A worker's public number: workers are `0..worker_num`, task workers follow, user processes come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u32);
