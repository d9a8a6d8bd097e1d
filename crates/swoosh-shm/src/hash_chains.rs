//! The hash chains of a table: as many as its rows need, so that the heads of a large table with few rows stay in the
//! processor's caches.
//!
//! A chain's number is the low bits of the hash of its rows; the lowest of them are the number of its stripe. When a
//! stripe has more than one row per two chains, it uses one bit more and each of its chains is split in two (linear
//! hashing, Litwin 1980, for all chains of a stripe at once). Only the holder of the stripe's lock changes chains;
//! readers take no lock.
//!
//! Invariants:
//!
//! - A lookup that misses retries if its chains were split concurrently: the stripe's mask is stored with [`SPLITTING`]
//!   before the first row moves, and without it after the last one. Proven by `tests/prove.rs`.
//! - The work of a killed writer can be finished: the mask tells that chains are being split, and `moving` names the
//!   row that may be in no chain at all. Proven by the tests of tables, which kill writers at each step.

use super::sync::{AtomicU32, Ordering, fence};
use Ordering::{Acquire, Relaxed, Release};

/// The state of a stripe's chains.
#[repr(C)]
pub(crate) struct SplitState {
    /// The bits of a hash that are the chain's number, and [`SPLITTING`].
    mask: AtomicU32,
    /// The row that changes its chain, plus one; 0 if none does.
    moving: AtomicU32,
}

impl SplitState {
    /// The state for `chains` chains, a power of two.
    #[allow(dead_code)] // for the proofs; those of tables lie in zeroed memory
    pub(crate) fn new(chains: u32) -> Self {
        SplitState { mask: AtomicU32::new(chains - 1), moving: AtomicU32::new(0) }
    }

    /// Initialises zeroed memory for `chains` chains, a power of two, before another process can reach it.
    #[allow(dead_code)] // for tables; the proofs use `new`
    pub(crate) fn init(&self, chains: u32) {
        self.mask.store(chains - 1, Relaxed);
    }

    /// The present mask, for [`chain_of`].
    #[inline]
    pub(crate) fn mask(&self) -> u32 {
        self.mask.load(Acquire)
    }

    /// Whether a lookup that has missed since [`mask`](SplitState::mask) returned `mask` searched the right chain.
    #[inline]
    pub(crate) fn is_unchanged(&self, mask: u32) -> bool {
        fence(Acquire);
        mask & SPLITTING == 0 && self.mask.load(Relaxed) == mask
    }
}

/// The chain for a hash.
#[inline]
pub(crate) fn chain_of(hash: u64, mask: u32) -> u32 {
    hash as u32 & mask & !SPLITTING
}

/// Rows in chains. A row is named by its number plus one wherever 0 means that there is none.
pub(crate) trait HashChains {
    /// The state of a stripe's chains.
    fn split_state(&self, stripe: u32) -> &SplitState;
    /// The first row of a chain.
    fn head(&self, chain: u32) -> &AtomicU32;
    /// The row that follows a row in its chain.
    fn next(&self, row: u32) -> &AtomicU32;
    /// The hash of a row's key.
    fn hash(&self, row: u32) -> u64;
    /// The number of stripes, a power of two.
    fn stripes(&self) -> u32;
    /// The largest number of chains, a power of two.
    fn max_chains(&self) -> u32;
    /// The largest number of rows.
    fn max_rows(&self) -> u32;
    /// Called between two steps of a writer, where tests kill it.
    fn step(&self) {}

    /// The chains of a stripe. Its lock is held.
    #[allow(dead_code)] // the proofs access chains directly
    fn chains_of(&self, stripe: u32) -> impl Iterator<Item = u32> {
        (stripe..=chain_of(u64::MAX, self.split_state(stripe).mask())).step_by(self.stripes() as usize)
    }

    /// Splits the chains of a stripe if it has many rows. Its lock is held.
    #[inline]
    fn split_if_crowded(&self, stripe: u32, rows: u32) {
        let mask = self.split_state(stripe).mask.load(Relaxed);
        let chains = (mask + 1) / self.stripes();
        if rows > chains / 2 && mask + 1 < self.max_chains() {
            self.begin_split(stripe, mask * 2 + 1);
        }
    }

    /// See [`split_if_crowded`](HashChains::split_if_crowded).
    #[cold]
    fn begin_split(&self, stripe: u32, mask: u32) {
        self.split_state(stripe).mask.store(mask | SPLITTING, Release);
        self.step();
        self.finish_split(stripe, mask);
    }

    /// Moves each row that is not yet in the chain that the new mask names.
    fn finish_split(&self, stripe: u32, mask: u32) {
        let old = mask >> 1;
        for from in (stripe..=old).step_by(self.stripes() as usize) {
            let mut at = self.head(from).load(Relaxed);
            while at != 0 {
                let next = self.next(at).load(Relaxed);
                let to = chain_of(self.hash(at), mask);
                if to != from {
                    self.move_row(stripe, at, from, to);
                }
                at = next;
            }
        }
        self.split_state(stripe).mask.store(mask, Release);
        self.step();
    }

    /// Moves a row from one chain to the front of another.
    fn move_row(&self, stripe: u32, at: u32, from: u32, to: u32) {
        let moving = &self.split_state(stripe).moving;
        moving.store(at, Release);
        self.step();
        self.unlink(from, at);
        self.step();
        self.push_front(to, at);
        moving.store(0, Release);
        self.step();
    }

    /// Puts a row at the front of a chain.
    fn push_front(&self, chain: u32, at: u32) {
        let head = self.head(chain);
        self.next(at).store(head.load(Relaxed), Release);
        self.step();
        head.store(at, Release);
        self.step();
    }

    /// Removes a row from a chain, if it is in it. The row keeps its own `next` for readers that have reached it.
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

    /// Finishes the split that a killed writer began in this stripe. Its lock is held.
    #[allow(dead_code)] // the proofs kill no writer; the tests of tables do, at each step
    fn repair_split(&self, stripe: u32) {
        let state = self.split_state(stripe);
        let mask = state.mask();
        if mask & SPLITTING == 0 {
            return;
        }
        let mask = mask & !SPLITTING;
        let moving = state.moving.load(Acquire);
        if moving != 0 && moving <= self.max_rows() {
            let hash = self.hash(moving);
            self.unlink(chain_of(hash, mask >> 1), moving);
            let to = chain_of(hash, mask);
            if !self.is_in(to, moving) {
                self.push_front(to, moving);
            }
            state.moving.store(0, Release);
        }
        self.finish_split(stripe, mask);
    }

    /// Whether a row is in a chain.
    #[allow(dead_code)] // for `repair_split`
    fn is_in(&self, chain: u32, row: u32) -> bool {
        let mut at = self.head(chain).load(Relaxed);
        while at != 0 && at != row {
            at = self.next(at).load(Relaxed);
        }
        at == row
    }
}

/// The chains of the stripe are being split.
const SPLITTING: u32 = 1 << 31;
