//! The chains that the rows of a table lie in, each row in the one that its hash names: as many as they need, so that the
//! heads of a large table with few rows in it stay in the processor's caches.
//!
//! A chain's number are the low bits of a row's hash, of which the lowest name its stripe. WriteIf a stripe has more than a
//! row for every second chain, it takes one bit more: each of its chains is split in two (linear hashing, Litwin 1980,
//! here all chains of a stripe at once). Only the holder of the stripe's lock changes chains; readers take no lock.
//!
//! The rules it protects:
//!
//! - **Who does not find a row looks again if chains were split meanwhile**: the stripe's mask is stored, with
//!   [`SPLITTING`], before the first row is moved, and without it after the last one. Proven by `tests/prove.rs`.
//! - **What a killed writer began is found again**: the mask says that chains are being split, and `moving` names the row
//!   that may be in no chain at all.

use super::sync::{AtomicU32, Ordering, fence};
use Ordering::{Acquire, Relaxed, Release};

/// What names the chain of a row of one stripe.
#[repr(C)]
pub struct Split {
    /// The bits of a hash that are a chain's number, and [`SPLITTING`].
    mask: AtomicU32,
    /// The row that changes its chain, plus one.
    moving: AtomicU32,
}

impl Split {
    /// One of so many chains, a power of two.
    #[allow(dead_code)] // those of tables lie in zeroed memory
    pub fn new(chains: u32) -> Self {
        Split { mask: AtomicU32::new(chains - 1), moving: AtomicU32::new(0) }
    }

    /// As [`new`](Split::new), in memory that nobody else knows of yet.
    #[allow(dead_code)] // those of the proofs are made by `new`
    pub fn begin(&self, chains: u32) {
        self.mask.store(chains - 1, Relaxed);
    }

    /// The mask as it is now; what [`chain`] takes.
    #[inline]
    pub fn now(&self) -> u32 {
        self.mask.load(Acquire)
    }

    /// Whether a row that was not found since [`now`](Split::now) gave `mask` was in none of the chains.
    #[inline]
    pub fn is_still(&self, mask: u32) -> bool {
        fence(Acquire);
        mask & SPLITTING == 0 && self.mask.load(Relaxed) == mask
    }
}

/// The chain of that hash.
#[inline]
pub fn chain(hash: u64, mask: u32) -> u32 {
    hash as u32 & mask & !SPLITTING
}

/// Rows in chains. Rows are named by their number plus one wherever 0 says that there is none.
pub trait Chains {
    /// What names the chains of that stripe.
    fn split(&self, stripe: u32) -> &Split;
    /// The first row of that chain.
    fn head(&self, chain: u32) -> &AtomicU32;
    /// The row behind that one.
    fn next(&self, row: u32) -> &AtomicU32;
    /// The hash of that row's key.
    fn hash(&self, row: u32) -> u64;
    /// Stripes: a power of two.
    fn stripes(&self) -> u32;
    /// The most chains there may be: a power of two.
    fn most_chains(&self) -> u32;
    /// The most rows.
    fn most_rows(&self) -> u32;
    /// Called between two steps of a writer.
    fn step(&self) {}

    /// The chains of a stripe whose lock is held.
    #[allow(dead_code)] // the proofs look at chains themselves
    fn chains_of(&self, stripe: u32) -> impl Iterator<Item = u32> {
        (stripe..=chain(u64::MAX, self.split(stripe).now())).step_by(self.stripes() as usize)
    }

    /// Takes one bit more where that stripe, whose lock is held, has so many rows that it needs it.
    #[inline]
    fn split_if_crowded(&self, stripe: u32, rows: u32) {
        let mask = self.split(stripe).mask.load(Relaxed);
        let chains = (mask + 1) / self.stripes();
        if rows > chains / 2 && mask + 1 < self.most_chains() {
            self.begin_split(stripe, mask * 2 + 1);
        }
    }

    /// See [`split_if_crowded`](Chains::split_if_crowded).
    #[cold]
    fn begin_split(&self, stripe: u32, mask: u32) {
        self.split(stripe).mask.store(mask | SPLITTING, Release);
        self.step();
        self.finish_split(stripe, mask);
    }

    /// Moves each row that is not yet in the chain which the new mask says.
    fn finish_split(&self, stripe: u32, mask: u32) {
        let old = mask >> 1;
        for from in (stripe..=old).step_by(self.stripes() as usize) {
            let mut at = self.head(from).load(Relaxed);
            while at != 0 {
                let next = self.next(at).load(Relaxed);
                let to = chain(self.hash(at), mask);
                if to != from {
                    self.change_chain(stripe, at, from, to);
                }
                at = next;
            }
        }
        self.split(stripe).mask.store(mask, Release);
        self.step();
    }

    /// Takes a row out of one chain and puts it before another.
    fn change_chain(&self, stripe: u32, at: u32, from: u32, to: u32) {
        let moving = &self.split(stripe).moving;
        moving.store(at, Release);
        self.step();
        self.unlink(from, at);
        self.step();
        self.put_before(to, at);
        moving.store(0, Release);
        self.step();
    }

    /// Puts a row before a chain.
    fn put_before(&self, chain: u32, at: u32) {
        let head = self.head(chain);
        self.next(at).store(head.load(Relaxed), Release);
        self.step();
        head.store(at, Release);
        self.step();
    }

    /// Takes a row out of a chain, if it is in it. The row keeps its own `next` for those who stand on it.
    fn unlink(&self, chain: u32, at: u32) {
        let next = self.next(at).load(Relaxed);
        let mut place = self.head(chain);
        loop {
            match place.load(Relaxed) {
                0 => return,
                here if here == at => return place.store(next, Release),
                here => place = self.next(here),
            }
        }
    }

    /// Ends what a writer began that was killed while it split chains of this stripe, whose lock is held.
    #[allow(dead_code)] // of the proofs none kills; the tests of tables do, at each step
    fn repair_split(&self, stripe: u32) {
        let split = self.split(stripe);
        let mask = split.now();
        if mask & SPLITTING == 0 {
            return;
        }
        let mask = mask & !SPLITTING;
        let moving = split.moving.load(Acquire);
        if moving != 0 && moving <= self.most_rows() {
            let hash = self.hash(moving);
            self.unlink(chain(hash, mask >> 1), moving);
            let to = chain(hash, mask);
            if !self.is_in(to, moving) {
                self.put_before(to, moving);
            }
            split.moving.store(0, Release);
        }
        self.finish_split(stripe, mask);
    }

    /// Whether a row is in a chain.
    #[allow(dead_code)] // as `repair_split`
    fn is_in(&self, chain: u32, wanted: u32) -> bool {
        let mut at = self.head(chain).load(Relaxed);
        while at != 0 && at != wanted {
            at = self.next(at).load(Relaxed);
        }
        at == wanted
    }
}

/// Chains of a stripe are being split.
const SPLITTING: u32 = 1 << 31;
