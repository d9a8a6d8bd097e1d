//! Lookups and iteration, without locks unless writers are always faster.

use super::key::Key;
use super::layout::Storage;
use super::prefetch::Prefetch;
use crate::hash_chains::{HashChains, chain_of};
use crate::row_version::LIVE;
use crate::table::schema::{Cells, Row, Schema};
use std::sync::atomic::Ordering::{Acquire, Relaxed};

/// The result of one search of a chain.
enum Search<R> {
    Found(R),
    /// The row exists and has expired.
    Expired,
    /// The row changed while it was read.
    Changed,
    /// The chain ended.
    NotFound,
}

impl Storage {
    /// Finds the row with that key and returns the result of `copy`, which gets its cells. `copy` may be called several
    /// times; only its last result counts.
    #[inline]
    pub(in crate::table) fn look<R>(
        &self,
        key: &Key,
        part: Prefetch,
        mut copy: impl FnMut(Cells<'_>) -> R,
    ) -> Option<R> {
        let number = self.stripe_of(key.hash);
        let (stripe, split) = (&self.all_stripes()[number as usize], self.split_state(number));
        for _ in 0..MAX_ATTEMPTS {
            let (unlinked, mask) = (stripe.unlinked.load(Acquire), split.mask());
            match self.search(chain_of(key.hash, mask), key, part, &mut copy) {
                Search::Found(result) => return Some(result),
                Search::Expired => return None,
                Search::Changed => {}
                Search::NotFound => {
                    if split.is_unchanged(mask) && stripe.unlinked.load(Relaxed) == unlinked {
                        return None;
                    }
                }
            }
            std::hint::spin_loop();
        }
        let chain = self.lock(key, part);
        chain.find(key).map(|row| copy(chain.cells(row)))
    }

    #[inline]
    fn search<R>(&self, bucket: u32, key: &Key, part: Prefetch, copy: &mut impl FnMut(Cells<'_>) -> R) -> Search<R> {
        let mut at = self.heads()[bucket as usize].load(Acquire);
        let mut steps = 0;
        while at != 0 {
            self.prefetch_row(at - 1, part);
            let row = self.header(at - 1);
            let version = row.version.read();
            if version & LIVE != 0 && row.has(key) {
                let cells = self.copy(at - 1, version);
                let expired = self.is_expired(cells);
                let result = copy(cells);
                if !row.version.is_unchanged(version) {
                    return Search::Changed;
                }
                if self.evicts && row.used.load(Relaxed) == 0 {
                    row.used.store(1, Relaxed);
                }
                return if expired { Search::Expired } else { Search::Found(result) };
            }
            at = row.next.load(Acquire);
            steps += 1;
            if steps > self.capacity {
                return Search::Changed;
            }
        }
        Search::NotFound
    }

    /// Copies the first row at `from` or after it, in the order of the memory, into `row` and returns its number.
    pub(in crate::table) fn next_row(&self, from: u32, schema: &Schema, row: &mut Row) -> Option<u32> {
        let end = self.free_list().fresh.load(Acquire).min(self.capacity);
        (from..end).find(|&at| self.copy_row(at, schema, row))
    }

    fn copy_row(&self, at: u32, schema: &Schema, row: &mut Row) -> bool {
        let header = self.header(at);
        for _ in 0..MAX_ATTEMPTS {
            let version = header.version.read();
            if version & LIVE == 0 {
                return false;
            }
            self.copy_cells(at, version, schema, row);
            let expired = self.is_expired(self.copy(at, version));
            if header.version.is_unchanged(version) {
                return !expired;
            }
            std::hint::spin_loop();
        }
        // Writers are always faster: make them wait.
        let owner = header.owner.load(Acquire);
        if owner == 0 || owner > self.stripes {
            return false;
        }
        let guard = self.lock_stripe(owner - 1);
        let version = header.version.read();
        if version & LIVE == 0 || header.owner.load(Relaxed) != owner {
            return false;
        }
        self.copy_cells(at, version, schema, row);
        let expired = self.is_expired(self.copy(at, version));
        drop(guard);
        !expired
    }

    fn copy_cells(&self, at: u32, version: u64, schema: &Schema, row: &mut Row) {
        let header = self.header(at);
        row.key_len = usize::from(header.key_len.load(Relaxed));
        for (to, from) in row.key.iter_mut().zip(&header.key) {
            *to = from.load(Relaxed);
        }
        schema.load(self.copy(at, version), &mut row.cells);
    }

    /// Rows that are not the first of their chain, and the largest number of those in one chain. Counted while others may
    /// write.
    pub(in crate::table) fn conflicts(&self) -> (u64, u64) {
        let (mut sum, mut longest) = (0, 0);
        for head in self.heads() {
            let mut at = head.load(Acquire);
            let mut length = 0u64;
            while at != 0 && length <= u64::from(self.capacity) {
                length += 1;
                at = self.header(at - 1).next.load(Acquire);
            }
            sum += length.saturating_sub(1);
            longest = length.saturating_sub(1).max(longest);
        }
        (sum, longest)
    }
}

/// Attempts of a reader before it locks out writers.
const MAX_ATTEMPTS: usize = 64;
