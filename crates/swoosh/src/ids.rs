//! Numbers that name things of a server. Newtypes, so that they cannot be mixed up.

/// A connection's public id: 1, 2, 3... in the order of acceptance, never used twice in a server's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u64);

/// A worker's public number: workers are `0..worker_num`, task workers follow, user processes come last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerId(pub u32);
