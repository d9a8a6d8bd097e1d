//! What the proven algorithms of this room are made of. `tests/prove.rs` and `tests/prove_locks.rs` compile the same files
//! with loom's in its place, and try every order in which threads may see one another's steps.

pub use std::sync::atomic::Ordering;
pub use std::sync::atomic::{AtomicU32, AtomicU64, fence};
pub use swoosh_os::futex;
pub use swoosh_os::mutex::{LockError, RobustMutex, WaitMode};

/// How often a spinning lock tries before it sleeps.
pub const SPINS: u32 = 2000;
/// How often those who wait for a permit look whether its holder died.
pub const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(20);
