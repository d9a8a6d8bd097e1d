//! The version of a row that stores its cells twice: it names the copy to read and detects concurrent changes.
//!
//! Invariants, proven by `tests/prove.rs`:
//!
//! - A reader that finds the version unchanged has read one whole row.
//! - One store commits a change.
//!
//! Only the holder of the row's lock writes.

use super::sync::{AtomicU64, Ordering, fence};

/// Bit 0 ([`COPY`]): the copy to read. Bit 1 ([`LIVE`]): the row exists. The bits above ([`STEP`]): a number that never
/// repeats. Zero: the row was never used.
#[repr(transparent)]
pub(crate) struct Version(AtomicU64);

impl Version {
    #[allow(dead_code)] // for the proofs; the versions of tables lie in zeroed memory
    pub(crate) fn new(version: u64) -> Self {
        Version(AtomicU64::new(version))
    }

    /// The version, for a reader: cells read afterwards are not older.
    #[inline]
    pub(crate) fn read(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether the cells read since [`read`](Version::read) returned `version` are those of one whole row.
    #[inline]
    pub(crate) fn is_unchanged(&self, version: u64) -> bool {
        fence(Ordering::Acquire);
        self.0.load(Ordering::Relaxed) == version
    }

    /// The version, for the holder of the lock.
    #[inline]
    pub(crate) fn read_locked(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// To be called before the inactive copy is overwritten. A reader that still reads it, under an older version, will
    /// find that the version has changed.
    #[inline]
    pub(crate) fn before_overwriting(&self) {
        fence(Ordering::Release);
    }

    /// Stores `version` before cells are written that a reader may be reading under another version: that reader will
    /// find the version changed. A reader of `version` sees what was written before this call.
    #[inline]
    pub(crate) fn advance(&self, version: u64) {
        self.0.store(version, Ordering::Release);
        fence(Ordering::Release);
    }

    /// Stores `version`. A reader of it sees what was written before this call.
    #[inline]
    pub(crate) fn commit(&self, version: u64) {
        self.0.store(version, Ordering::Release);
    }
}

/// The copy to read.
pub(crate) const COPY: u64 = 1;
/// The row exists.
pub(crate) const LIVE: u64 = 2;
/// The difference between a version and the next.
pub(crate) const STEP: u64 = 4;
