//! What the holder of a stripe's lock may do: find rows of a chain, change, add and remove them.

use super::{CHANGING, Key, NoRoom, Reach, Storage, Stripe, step};
use crate::chains::Chains;
use crate::table::schema::Cells;
use crate::version::{COPY, LIVE, NEXT};
use std::sync::atomic::Ordering::{Relaxed, Release};
use swoosh_os::mutex::RobustMutexGuard;

/// A chain that only this writer may change.
pub(in crate::table) struct Chain<'a> {
    pub(super) storage: &'a Storage,
    pub(super) hash: u64,
    pub(super) stripe: u32,
    pub(super) reach: Reach,
    pub(super) _held: RobustMutexGuard<'a>,
}

impl Chain<'_> {
    /// The row of that key. One that is past its end is removed and not there.
    #[inline]
    pub fn find(&self, key: &Key) -> Option<u32> {
        let row = self.find_any(key)?;
        let storage = self.storage;
        if storage.is_over(self.cells(row)) {
            self.remove(row);
            storage.free().expired.fetch_add(1, Relaxed);
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
            storage.fetch(at - 1, self.reach);
            let row = storage.header(at - 1);
            if row.has(key) && row.version.held() & LIVE != 0 {
                return Some(at - 1);
            }
            at = row.next.load(Relaxed);
        }
        None
    }

    /// What the row holds.
    #[inline]
    pub fn cells(&self, row: u32) -> Cells<'_> {
        self.storage.copy(row, self.storage.header(row).version.held())
    }

    /// Changes the row wholly or not at all: `edit` gets the cells it is to have, which begin as they are now.
    #[inline]
    pub fn replace(&self, row: u32, edit: impl FnOnce(Cells<'_>)) {
        let header = self.storage.header(row);
        let version = header.version.held();
        let (old, new) = (self.storage.copy(row, version), self.storage.copy(row, version ^ COPY));
        header.version.before_overwriting();
        for (to, from) in new.words().zip(old.words()) {
            to.store(from.load(Relaxed), Relaxed);
        }
        step();
        edit(new);
        step();
        header.version.commit((version + NEXT) ^ COPY);
        step();
        self.updated();
    }

    /// Gives one number of the row a value.
    #[inline]
    pub fn store(&self, row: u32, number: usize, value: u64) {
        let header = self.storage.header(row);
        let version = header.version.held();
        header.version.advance(version + NEXT);
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

    /// Adds a row for a key that is not there; `fill` gets its cells, which are zero.
    pub fn insert(&self, key: &Key, fill: impl FnOnce(Cells<'_>)) -> Result<(), NoRoom> {
        let storage = self.storage;
        let count = &storage.counts()[self.stripe as usize];
        let rows = count.load(Relaxed);
        let at = storage.take_free(self.stripe)?;
        let row = storage.header(at - 1);
        // No longer the version under which someone may have read this place.
        let version = (row.version.held() & !COPY) + NEXT;
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
        storage.put_before(storage.bucket(self.hash), at);
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
    pub fn remove(&self, row: u32) {
        let storage = self.storage;
        let count = &storage.counts()[self.stripe as usize];
        let rows = count.load(Relaxed);
        let header = storage.header(row);
        self.stripe().pending.store(row + 1, Release);
        step();
        count.store(rows | CHANGING, Release);
        step();
        header.version.commit((header.version.held() & !LIVE) + NEXT);
        step();
        storage.unlink(storage.bucket(self.hash), row + 1);
        step();
        self.stripe().unlinked.fetch_add(1, Release);
        step();
        storage.give_back(row + 1);
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
