//! A view of a body: of one in memory all of it, of one on disk a window that is read on demand.

use super::body::{Body, BodySlice};
use crate::error::Result;
use memchr::memmem::Finder;
use std::ops::Range;

/// A window into a body.
pub(super) struct BodyWindow<'b> {
    pub(super) body: Body<'b>,
    /// The bytes that were read from disk, and their offset in the body.
    loaded: Vec<u8>,
    base: u64,
}

impl<'b> BodyWindow<'b> {
    /// A window that has read nothing yet.
    pub(super) fn new(body: Body<'b>) -> Self {
        BodyWindow { body, loaded: Vec::new(), base: 0 }
    }

    /// The bytes from offset `from`, at least `least` of them unless the body ends before.
    pub(super) fn at(&mut self, from: u64, least: usize) -> Result<&[u8]> {
        let stored = match self.body {
            Body::Memory(bytes) => return Ok(bytes.get(from as usize..).unwrap_or_default()),
            Body::Disk(stored) => stored,
        };
        let has = self.base + self.loaded.len() as u64;
        let wanted = from.saturating_add(least as u64).min(stored.len());
        if from < self.base || wanted > has {
            let end = (from + least.max(READ_SIZE) as u64).min(stored.len());
            self.loaded.resize(end.saturating_sub(from) as usize, 0);
            stored.read_exact_at(from, &mut self.loaded)?;
            self.base = from;
        }
        Ok(self.loaded.get((from - self.base) as usize..).unwrap_or_default())
    }

    /// The offset of the next match whose following two bytes, fewer at the end of the body, satisfy `accept`.
    pub(super) fn find(
        &mut self,
        from: u64,
        finder: &Finder<'_>,
        accept: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<u64>> {
        let length = finder.needle().len();
        let mut at = from;
        let end = self.body.whole().len();
        loop {
            let bytes = self.at(at, length + 2)?;
            let is_last = at + bytes.len() as u64 >= end;
            for found in finder.find_iter(bytes) {
                let following = &bytes[found + length..];
                if (following.len() >= 2 || is_last) && accept(following) {
                    return Ok(Some(at + found as u64));
                }
            }
            if is_last {
                return Ok(None);
            }
            // A match at the end of the window is found again, together with the bytes after it.
            at += (bytes.len() - length - 1) as u64;
        }
    }

    /// A slice of the body.
    pub(super) fn slice(&self, range: Range<u64>) -> BodySlice<'b> {
        match self.body {
            Body::Memory(bytes) => BodySlice::Memory(&bytes[range.start as usize..range.end as usize]),
            Body::Disk(stored) => BodySlice::Disk(stored, range),
        }
    }
}

/// Bytes that are read from disk at once.
pub(super) const READ_SIZE: usize = 256 << 10;
