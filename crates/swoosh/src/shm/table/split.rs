//! How many chains a stripe's rows lie in: as many as they need, so that the heads of a large table with few rows in it
//! stay in the processor's caches.
//!
//! A row's chain is named by the low bits of its hash, of which the lowest name its stripe. When a stripe has more than a
//! row for every second chain, it takes one bit more: each of its chains is split in two (linear hashing, Litwin 1980,
//! here all chains of a stripe at once).
//!
//! The rules it protects, beside those of `storage`:
//!
//! - **Who does not find a row looks again if chains were split meanwhile**: the stripe's mask is stored, with
//!   [`SPLITTING`], before the first row is moved, and without it after the last one.
//! - **What a killed writer began is found again**: the mask says that chains are being split, and `moving` names the row
//!   that may be in no chain at all.

use super::storage::{Storage, step};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// What names the chain of a row of one stripe.
#[repr(C)]
pub(super) struct Split {
    /// The bits of a hash that are a chain's number, and [`SPLITTING`].
    mask: AtomicU32,
    /// The row that changes its chain, plus one.
    moving: AtomicU32,
}

impl Split {
    /// The mask as it is now; what [`bucket`] takes.
    #[inline]
    pub fn now(&self) -> u32 {
        self.mask.load(Acquire)
    }

    /// Whether chains are as they were, and whole, since the mask was that.
    #[inline]
    pub fn is_still(&self, mask: u32) -> bool {
        mask & SPLITTING == 0 && self.mask.load(Relaxed) == mask
    }

    /// The first mask: nobody knows of the table yet.
    pub fn begin(&self, chains: u32) {
        self.mask.store(chains - 1, Relaxed);
    }
}

/// The chain of that hash.
#[inline]
pub(super) fn bucket(hash: u64, mask: u32) -> u32 {
    hash as u32 & mask & !SPLITTING
}

impl Storage {
    /// The chains of a stripe whose lock is held.
    pub(super) fn chains_of(&self, stripe: u32) -> impl Iterator<Item = u32> {
        (stripe..=bucket(u64::MAX, self.split(stripe).now())).step_by(self.stripes() as usize)
    }

    /// Takes one bit more where that stripe, whose lock is held, has so many rows that it needs it.
    #[inline]
    pub(super) fn split_if_crowded(&self, stripe: u32, rows: u32) {
        let mask = self.split(stripe).mask.load(Relaxed);
        let chains = (mask + 1) / self.stripes();
        if rows > chains / 2 && mask + 1 < self.buckets() {
            self.begin_split(stripe, mask * 2 + 1);
        }
    }

    #[cold]
    fn begin_split(&self, stripe: u32, mask: u32) {
        self.split(stripe).mask.store(mask | SPLITTING, Release);
        step();
        self.finish_split(stripe, mask);
    }

    fn finish_split(&self, stripe: u32, mask: u32) {
        let old = mask >> 1;
        for from in (stripe..=old).step_by(self.stripes() as usize) {
            let mut at = self.heads()[from as usize].load(Relaxed);
            while at != 0 {
                let row = self.header(at - 1);
                let next = row.next.load(Relaxed);
                let to = bucket(row.hash.load(Relaxed), mask);
                if to != from {
                    self.change_chain(stripe, at, from, to);
                }
                at = next;
            }
        }
        self.split(stripe).mask.store(mask, Release);
        step();
    }

    /// Takes a row (plus one) out of one chain and puts it before another.
    fn change_chain(&self, stripe: u32, at: u32, from: u32, to: u32) {
        let moving = &self.split(stripe).moving;
        moving.store(at, Release);
        step();
        self.unlink(from, at);
        step();
        self.put_before(to, at);
        moving.store(0, Release);
        step();
    }

    fn put_before(&self, to: u32, at: u32) {
        let head = &self.heads()[to as usize];
        self.header(at - 1).next.store(head.load(Relaxed), Release);
        step();
        head.store(at, Release);
        step();
    }

    /// Ends what a writer began that was killed while it split chains of this stripe, whose lock is held.
    pub(super) fn repair_split(&self, stripe: u32) {
        let split = self.split(stripe);
        let mask = split.now();
        if mask & SPLITTING == 0 {
            return;
        }
        let mask = mask & !SPLITTING;
        let moving = split.moving.load(Acquire);
        if moving != 0 && moving <= self.capacity() {
            let hash = self.header(moving - 1).hash.load(Relaxed);
            self.unlink(bucket(hash, mask >> 1), moving);
            let to = bucket(hash, mask);
            if !self.is_in(to, moving) {
                self.put_before(to, moving);
            }
            split.moving.store(0, Release);
        }
        self.finish_split(stripe, mask);
    }

    fn is_in(&self, chain: u32, wanted: u32) -> bool {
        let mut at = self.heads()[chain as usize].load(Relaxed);
        while at != 0 && at != wanted {
            at = self.header(at - 1).next.load(Relaxed);
        }
        at == wanted
    }
}

/// Chains of a stripe are being split.
const SPLITTING: u32 = 1 << 31;
/// Chains of a new table at most: their heads are 64 KB, which any processor has room for near it.
#[cfg(not(test))]
pub(super) const FIRST_CHAINS: u32 = 1 << 14;
/// Few, so that every test of tables is one of splitting them too.
#[cfg(test)]
pub(super) const FIRST_CHAINS: u32 = 1 << 3;
