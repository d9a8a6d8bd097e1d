//! A body as pieces in memory: all of it where it is there already, so much at a time where it is on disk.

use super::form::{Body, Piece};
use crate::error::Result;
use memchr::memmem::Finder;
use std::ops::Range;

/// What is looked at now.
pub(super) struct Window<'b> {
    pub(super) body: Body<'b>,
    /// A piece of what is on disk, and where it begins there.
    piece: Vec<u8>,
    base: u64,
}

impl<'b> Window<'b> {
    /// Nothing is looked at yet.
    pub fn new(body: Body<'b>) -> Self {
        Window { body, piece: Vec::new(), base: 0 }
    }

    /// Bytes from `from` on: `least` of them, unless the body ends before.
    pub fn at(&mut self, from: u64, least: usize) -> Result<&[u8]> {
        let stored = match self.body {
            Body::Here(bytes) => return Ok(bytes.get(from as usize..).unwrap_or_default()),
            Body::Stored(stored) => stored,
        };
        let has = self.base + self.piece.len() as u64;
        let wants = from.saturating_add(least as u64).min(stored.len());
        if from < self.base || wants > has {
            let end = (from + least.max(PIECE) as u64).min(stored.len());
            self.piece.resize(end.saturating_sub(from) as usize, 0);
            stored.read_exact_at(from, &mut self.piece)?;
            self.base = from;
        }
        Ok(self.piece.get((from - self.base) as usize..).unwrap_or_default())
    }

    /// Where the next of what is looked for begins, if what stands behind it (two bytes, or none at the end) is right.
    pub fn find(&mut self, from: u64, finder: &Finder<'_>, is_right: impl Fn(&[u8]) -> bool) -> Result<Option<u64>> {
        let length = finder.needle().len();
        let mut at = from;
        let end = self.body.whole().len();
        loop {
            let bytes = self.at(at, length + 2)?;
            let is_last = at + bytes.len() as u64 >= end;
            for found in finder.find_iter(bytes) {
                let behind = &bytes[found + length..];
                if (behind.len() >= 2 || is_last) && is_right(behind) {
                    return Ok(Some(at + found as u64));
                }
            }
            if is_last {
                return Ok(None);
            }
            // What begins in the last bytes is met again, with what stands behind it.
            at += (bytes.len() - length - 1) as u64;
        }
    }

    /// A piece of the body.
    pub fn piece(&self, piece: Range<u64>) -> Piece<'b> {
        match self.body {
            Body::Here(bytes) => Piece::Here(&bytes[piece.start as usize..piece.end as usize]),
            Body::Stored(stored) => Piece::Stored(stored, piece),
        }
    }
}

/// Bytes that are read from disk at once.
pub(super) const PIECE: usize = 256 << 10;
