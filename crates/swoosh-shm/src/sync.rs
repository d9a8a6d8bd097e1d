//! The primitives of the proven algorithms. `tests/prove.rs` and `tests/prove_locks.rs` compile the same algorithms with
//! loom's primitives instead, which explore every order in which threads can observe each other's steps.

pub(crate) use std::sync::atomic::Ordering;
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};
pub(crate) use swoosh_os::futex;
pub(crate) use swoosh_os::mutex::{LockError, RobustMutex, WaitMode};

/// Attempts of a spinning lock before it sleeps.
pub(crate) const SPINS: u32 = 2000;
/// Interval at which a waiter for a permit checks whether the permit's holder has died.
pub(crate) const DEATH_CHECK_INTERVAL: std::time::Duration = std::time::Duration::from_millis(20);
