//! The version of a row that has room for its cells twice: which copy is read, and whether what was read is right.
//!
//! The rules it protects: a reader that finds the version it began with has read one whole row; and one store commits a
//! change. Proven by `tests/prove.rs`. Only the holder of the row's lock writes.

use super::sync::{AtomicU64, Ordering, fence};

/// Bit 0: which copy is read. Bit 1: there is a row. Above: a number that never repeats. Zero: there was never a row.
#[repr(transparent)]
pub struct Version(AtomicU64);

impl Version {
    /// A first version.
    #[allow(dead_code)] // those of tables lie in zeroed memory
    pub fn new(version: u64) -> Self {
        Version(AtomicU64::new(version))
    }

    /// As a reader finds it: what it reads afterwards is not older.
    #[inline]
    pub fn read(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// Whether what was read since [`read`](Version::read) gave `version` is one whole row.
    #[inline]
    pub fn is_still(&self, version: u64) -> bool {
        fence(Ordering::Acquire);
        self.0.load(Ordering::Relaxed) == version
    }

    /// As the holder of the lock left it.
    #[inline]
    pub fn held(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// To be called before the copy that is not read is written over: whoever reads it still, under an older version,
    /// finds that the version has changed since.
    #[inline]
    pub fn before_overwriting(&self) {
        fence(Ordering::Release);
    }

    /// Makes it `version` before cells are written that somebody may be reading under another: they find it changed. And
    /// who finds it reads what was written before.
    #[inline]
    pub fn advance(&self, version: u64) {
        self.0.store(version, Ordering::Release);
        fence(Ordering::Release);
    }

    /// Makes it `version`: whoever finds it reads what was written before.
    #[inline]
    pub fn commit(&self, version: u64) {
        self.0.store(version, Ordering::Release);
    }
}

/// Which copy is read.
pub const COPY: u64 = 1;
/// There is a row.
pub const LIVE: u64 = 2;
/// The step from one version to the next.
pub const NEXT: u64 = 4;
