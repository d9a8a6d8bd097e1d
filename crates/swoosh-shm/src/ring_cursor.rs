//! The position of one side of a ring: bytes since the beginning, moved by that side only.
//!
//! Invariant: whatever a side wrote, or finished reading, before it published a position is visible to the other side
//! once it observes that position. Proven by `tests/prove.rs`.

use super::sync::{AtomicU64, Ordering};

/// The cursor. Zero is the beginning.
#[repr(transparent)]
pub(crate) struct Cursor(AtomicU64);

impl Cursor {
    #[allow(dead_code)] // for the proofs; the cursors of rings lie in zeroed memory
    pub(crate) fn new(position: u64) -> Self {
        Cursor(AtomicU64::new(position))
    }

    /// The position, for the side that moves it.
    #[inline]
    pub(crate) fn own(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// The position, for the other side, which may access what lies before it.
    #[inline]
    pub(crate) fn observe(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Moves the cursor and hands what lies before it to the other side.
    #[inline]
    pub(crate) fn publish(&self, position: u64) {
        self.0.store(position, Ordering::Release);
    }
}
