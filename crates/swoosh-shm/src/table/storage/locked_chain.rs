//! Changes of rows by the holder of their stripe's lock.

use super::free_list::NoFreeRow;
use super::key::Key;
use super::layout::{CHANGING, Storage, Stripe};
use super::prefetch::Prefetch;
use crate::hash_chains::HashChains;
use crate::row_version::{COPY, LIVE, STEP};
use crate::table::kill_point::step;
use crate::table::schema::Cells;
use std::sync::atomic::Ordering::{Relaxed, Release};
use swoosh_os::mutex::RobustMutexGuard;

/// A chain whose stripe is locked.
pub(in crate::table) struct LockedChain<'a> {
    storage: &'a Storage,
    hash: u64,
    stripe: u32,
    part: Prefetch,
    _guard: RobustMutexGuard<'a>,
}

impl Storage {
    /// Locks the chain of a key.
    #[inline]
    pub(in crate::table) fn lock(&self, key: &Key, part: Prefetch) -> LockedChain<'_> {
        // Locking waits for earlier loads, but not for prefetches.
        self.prefetch_first_row(key, part);
        let stripe = self.stripe_of(key.hash);
        let guard = self.lock_stripe(stripe);
        LockedChain::new(self, key.hash, stripe, part, guard)
    }
}

impl<'a> LockedChain<'a> {
    /// The chain of `hash` in a stripe that `guard` holds.
    #[inline]
    pub(super) fn new(
        storage: &'a Storage,
        hash: u64,
        stripe: u32,
        part: Prefetch,
        guard: RobustMutexGuard<'a>,
    ) -> Self {
        LockedChain { storage, hash, stripe, part, _guard: guard }
    }

    /// The row with that key. An expired one is removed and not found.
    #[inline]
    pub(in crate::table) fn find(&self, key: &Key) -> Option<u32> {
        let row = self.find_any(key)?;
        let storage = self.storage;
        if storage.is_expired(self.cells(row)) {
            self.remove(row);
            storage.free_list().expired.fetch_add(1, Relaxed);
            return None;
        }
        if storage.evicts {
            storage.header(row).used.store(1, Relaxed);
        }
        Some(row)
    }

    fn find_any(&self, key: &Key) -> Option<u32> {
        let storage = self.storage;
        let mut at = storage.heads()[storage.bucket(self.hash) as usize].load(Relaxed);
        while at != 0 {
            storage.prefetch_row(at - 1, self.part);
            let row = storage.header(at - 1);
            if row.has(key) && row.version.read_locked() & LIVE != 0 {
                return Some(at - 1);
            }
            at = row.next.load(Relaxed);
        }
        None
    }

    /// The row's cells.
    #[inline]
    pub(in crate::table) fn cells(&self, row: u32) -> Cells<'_> {
        self.storage.copy(row, self.storage.header(row).version.read_locked())
    }

    /// Changes the row as a whole: `edit` gets a copy of its cells, which replaces them.
    #[inline]
    pub(in crate::table) fn replace(&self, row: u32, edit: impl FnOnce(Cells<'_>)) {
        let header = self.storage.header(row);
        let version = header.version.read_locked();
        let (old, new) = (self.storage.copy(row, version), self.storage.copy(row, version ^ COPY));
        header.version.before_overwriting();
        for (to, from) in new.words().zip(old.words()) {
            to.store(from.load(Relaxed), Relaxed);
        }
        step();
        edit(new);
        step();
        header.version.commit((version + STEP) ^ COPY);
        step();
        self.updated();
    }

    /// Stores one number of the row in place.
    #[inline]
    pub(in crate::table) fn store(&self, row: u32, number: usize, value: u64) {
        let header = self.storage.header(row);
        let version = header.version.read_locked();
        header.version.advance(version + STEP);
        step();
        self.storage.copy(row, version).number(number).store(value, Relaxed);
        step();
        self.updated();
    }

    #[inline]
    fn updated(&self) {
        let updated = &self.stripe().updated;
        updated.store(updated.load(Relaxed) + 1, Relaxed);
    }

    /// Inserts a row for a key that does not exist. `fill` gets its cells, which are zero.
    pub(in crate::table) fn insert(&self, key: &Key, fill: impl FnOnce(Cells<'_>)) -> Result<(), NoFreeRow> {
        let storage = self.storage;
        let count = &storage.counts()[self.stripe as usize];
        let rows = count.load(Relaxed);
        let at = storage.take_free(self.stripe)?;
        let row = storage.header(at - 1);
        // A reader may still be reading this memory under the previous version.
        let version = (row.version.read_locked() & !COPY) + STEP;
        row.version.advance(version);
        step();
        row.hash.store(key.hash, Relaxed);
        row.key_len.store(key.len as u16, Relaxed);
        row.used.store(0, Relaxed);
        for (to, from) in row.key.iter().zip(&key.words) {
            to.store(*from, Relaxed);
        }
        step();
        let cells = storage.copy(at - 1, version);
        cells.words().for_each(|cell| cell.store(0, Relaxed));
        fill(cells);
        step();
        storage.push_front(storage.bucket(self.hash), at);
        count.store(rows | CHANGING, Release);
        step();
        row.version.commit(version | LIVE);
        step();
        count.store(rows + 1, Release);
        step();
        self.stripe().pending.store(0, Release);
        step();
        storage.split_if_crowded(self.stripe, rows + 1);
        Ok(())
    }

    /// Removes a row of this chain.
    pub(in crate::table) fn remove(&self, row: u32) {
        let storage = self.storage;
        let count = &storage.counts()[self.stripe as usize];
        let rows = count.load(Relaxed);
        let header = storage.header(row);
        self.stripe().pending.store(row + 1, Release);
        step();
        count.store(rows | CHANGING, Release);
        step();
        header.version.commit((header.version.read_locked() & !LIVE) + STEP);
        step();
        storage.unlink(storage.bucket(self.hash), row + 1);
        step();
        self.stripe().unlinked.fetch_add(1, Release);
        step();
        storage.return_row(row + 1);
        count.store(rows - 1, Release);
        step();
        self.stripe().pending.store(0, Release);
        step();
        let removed = &self.stripe().removed;
        removed.store(removed.load(Relaxed) + 1, Relaxed);
    }

    fn stripe(&self) -> &Stripe {
        &self.storage.all_stripes()[self.stripe as usize]
    }
}
