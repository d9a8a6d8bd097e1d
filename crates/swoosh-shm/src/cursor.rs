//! How far one side of a ring has come: bytes since the beginning, moved by that side only.
//!
//! The rule it protects: what one side wrote (or has finished reading) before it moved its cursor, the other side finds when
//! it sees the move. Proven by `tests/prove.rs`.

use super::sync::{AtomicU64, Ordering};

/// The cursor. Zero: the beginning.
#[repr(transparent)]
pub struct Cursor(AtomicU64);

impl Cursor {
    /// One that stands there.
    #[allow(dead_code)] // those of rings lie in zeroed memory
    pub fn new(at: u64) -> Self {
        Cursor(AtomicU64::new(at))
    }

    /// Where it stands, for the side that moves it.
    #[inline]
    pub fn own(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Where it stands, for the other side, which may touch what lies before it from now on.
    #[inline]
    pub fn seen(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Moves it: what lies before it is the other side's.
    #[inline]
    pub fn move_to(&self, at: u64) {
        self.0.store(at, Ordering::Release);
    }
}
