//! The mapping of a table and typed access to its parts.
//!
//! Order: [`FreeList`], [`Stripe`]s, row counts, split states, heads of chains, rows. Each part is aligned to 64 bytes. A
//! row is a [`Header`], then its numbers (both copies of each number side by side, next to the key), then two copies of
//! its texts.

use super::key::{Key, random_seed};
use super::prefetch::{Prefetch, prefetch_line};
use crate::hash_chains::{HashChains, SplitState, chain_of};
use crate::row_version::{COPY, Version};
use crate::table::kill_point::step;
use crate::table::schema::{Cells, KEY_WORDS};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64};
use swoosh_os::Result;
use swoosh_os::arena::Arena;
use swoosh_os::clock;
use swoosh_os::memory::Mapping;
use swoosh_os::mutex::RobustMutex;

/// A part of the chains, with its lock.
#[repr(C, align(64))]
pub(super) struct Stripe {
    pub(super) lock: RobustMutex,
    /// The row that is being inserted or removed, plus one; 0 if none is.
    pub(super) pending: AtomicU32,
    /// Rows that have left the stripe's chains since the beginning.
    pub(super) unlinked: AtomicU32,
    pub(super) updated: AtomicU64,
    pub(super) removed: AtomicU64,
}

/// The free rows: a list of those used before, and those from `fresh` on.
#[repr(C, align(64))]
pub(super) struct FreeList {
    pub(super) lock: RobustMutex,
    /// The first row of the list, plus one; 0 if it is empty.
    pub(super) head: AtomicU32,
    /// The first row that was never used.
    pub(super) fresh: AtomicU32,
    /// The row that is being returned, plus one; 0 if none is.
    pub(super) returning: AtomicU32,
    /// Rows that the table holds before it grows again: twice as many then, up to its capacity.
    pub(super) room: AtomicU32,
    /// The position of the search for a row to evict.
    pub(super) clock_hand: AtomicU32,
    /// When to search for expired rows again, monotonic milliseconds.
    pub(super) next_search: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) expired: AtomicU64,
}

/// The part of a row before its cells.
#[repr(C)]
pub(super) struct Header {
    pub(super) version: Version,
    pub(super) hash: AtomicU64,
    /// The next row of the chain plus one.
    pub(super) next: AtomicU32,
    /// The stripe that the row belongs to plus one; 0 while it is free.
    pub(super) owner: AtomicU32,
    /// The next free row plus one.
    pub(super) next_free: AtomicU32,
    pub(super) key_len: AtomicU16,
    /// 1 if the row was used since the search for a row to evict passed it.
    pub(super) used: AtomicU16,
    pub(super) key: [AtomicU64; KEY_WORDS],
}

impl Header {
    #[inline]
    pub(super) fn has(&self, key: &Key) -> bool {
        self.hash.load(Relaxed) == key.hash
            && u32::from(self.key_len.load(Relaxed)) == key.len
            && self.key.iter().zip(&key.words[..key.len.div_ceil(8) as usize]).all(|(a, b)| a.load(Relaxed) == *b)
    }
}

/// Everything of a table but the names of its columns.
#[derive(Debug)]
pub(in crate::table) struct Storage {
    memory: Mapping,
    /// The largest number of chains, a power of two.
    buckets: u32,
    /// A power of two, at most `buckets`.
    pub(super) stripes: u32,
    /// The largest number of rows.
    pub(super) capacity: u32,
    /// Numbers per row.
    numbers: usize,
    /// Words of a row's texts.
    texts: usize,
    /// The index of the number that holds the row's expiry; the last one.
    deadline: Option<usize>,
    /// A row that was not used recently makes room for a new one.
    pub(super) evicts: bool,
    row_bytes: usize,
    counts_at: usize,
    splits_at: usize,
    heads_at: usize,
    rows_at: usize,
    seed: u64,
}

/// The dimensions of a storage.
#[derive(Debug, Clone)]
pub(in crate::table) struct Shape {
    /// Chains, a power of two.
    pub(in crate::table) buckets: u32,
    /// Rows before the table grows.
    pub(in crate::table) initial_rows: u32,
    /// Rows it may grow to.
    pub(in crate::table) max_rows: u32,
    /// Numbers per row.
    pub(in crate::table) numbers: usize,
    /// Words of a row's texts.
    pub(in crate::table) texts: usize,
    /// Rows may expire.
    pub(in crate::table) expires: bool,
    /// Rows that were not used recently make room.
    pub(in crate::table) evicts: bool,
    /// Bytes that all rows may take.
    pub(in crate::table) budget: Option<usize>,
    /// The arena to allocate from; `None`: the kernel.
    pub(in crate::table) arena: Option<Arena>,
}

impl Storage {
    /// Maps a storage. `purpose` describes it in the error, for a number of rows and their size in bytes.
    ///
    /// # Errors
    /// If the kernel or the arena has no memory.
    pub(in crate::table) fn new(shape: &Shape, purpose: impl Fn(u32, usize) -> String) -> Result<Self> {
        let buckets = shape.buckets;
        let stripes = (buckets / 8).clamp(1, MAX_STRIPES);
        let numbers = shape.numbers + usize::from(shape.expires);
        let row_bytes = (size_of::<Header>() + 2 * 8 * (numbers + shape.texts)).next_multiple_of(64);
        let affordable = shape.budget.map_or(u32::MAX, |bytes| u32::try_from(bytes / row_bytes).unwrap_or(u32::MAX));
        let capacity = shape.max_rows.max(shape.initial_rows).min(affordable).max(1);
        let purpose = purpose(capacity, row_bytes);
        let counts_at = size_of::<FreeList>() + stripes as usize * size_of::<Stripe>();
        let splits_at = counts_at + (stripes as usize * 4).next_multiple_of(64);
        let heads_at = splits_at + (stripes as usize * size_of::<SplitState>()).next_multiple_of(64);
        let rows_at = heads_at + (buckets as usize * 4).next_multiple_of(64);
        let bytes = rows_at + capacity as usize * row_bytes;
        let memory = match &shape.arena {
            Some(arena) => Mapping::in_arena(arena, bytes, &purpose)?,
            None => Mapping::new(bytes, &purpose)?,
        };
        let seed = random_seed(memory.start().as_ptr() as u64);
        let deadline = shape.expires.then_some(shape.numbers);
        let storage = Storage {
            memory,
            buckets,
            stripes,
            capacity,
            numbers,
            texts: shape.texts,
            deadline,
            evicts: shape.evicts,
            row_bytes,
            counts_at,
            splits_at,
            heads_at,
            rows_at,
            seed,
        };
        storage.free_list().room.store(shape.initial_rows.min(capacity), Relaxed);
        storage.free_list().lock.init();
        storage.all_stripes().iter().for_each(|stripe| stripe.lock.init());
        storage.split_states().iter().for_each(|state| state.init(buckets.min(INITIAL_CHAINS.max(stripes))));
        Ok(storage)
    }

    /// Bytes of the mapping.
    pub(in crate::table) fn bytes(&self) -> usize {
        self.memory.len()
    }

    /// The largest number of rows.
    pub(in crate::table) fn capacity(&self) -> u32 {
        self.capacity
    }

    /// Rows that the table holds before it grows again.
    pub(in crate::table) fn room(&self) -> u32 {
        self.free_list().room.load(Relaxed)
    }

    /// Bytes per row.
    pub(in crate::table) fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// The index of the number that holds a row's expiry, if rows may expire.
    pub(in crate::table) fn deadline(&self) -> Option<usize> {
        self.deadline
    }

    /// Rows evicted, and rows removed after they expired.
    pub(in crate::table) fn dropped(&self) -> (u64, u64) {
        (self.free_list().evicted.load(Relaxed), self.free_list().expired.load(Relaxed))
    }

    /// Hashes a key, whose length was checked.
    #[inline]
    pub(in crate::table) fn key(&self, key: &[u8]) -> Key {
        Key::new(key, self.seed)
    }

    /// Rows changed and rows removed since the beginning.
    pub(in crate::table) fn changes(&self) -> (u64, u64) {
        let stripes = self.all_stripes();
        let sum = |of: fn(&Stripe) -> &AtomicU64| stripes.iter().map(|s| of(s).load(Relaxed)).sum();
        (sum(|s| &s.updated), sum(|s| &s.removed))
    }

    /// Whether the row with these cells has expired.
    #[inline]
    pub(super) fn is_expired(&self, cells: Cells<'_>) -> bool {
        match self.deadline.map(|at| cells.number(at).load(Relaxed)) {
            None | Some(0) => false,
            Some(end) => end <= clock::monotonic_ms(),
        }
    }

    /// Prefetches the head of a key's chain.
    #[inline]
    pub(in crate::table) fn prefetch_head(&self, key: &Key) {
        prefetch_line(std::ptr::from_ref(&self.heads()[self.bucket(key.hash) as usize]).cast());
    }

    /// Prefetches the first row of a key's chain.
    #[inline]
    pub(in crate::table) fn prefetch_first_row(&self, key: &Key, part: Prefetch) {
        let first = self.heads()[self.bucket(key.hash) as usize].load(Relaxed);
        if first != 0 {
            self.prefetch_row(first - 1, part);
        }
    }

    /// Prefetches a row.
    #[inline]
    pub(super) fn prefetch_row(&self, row: u32, part: Prefetch) {
        let place = self.place(row).as_ptr();
        let bytes = match part {
            Prefetch::Numbers => size_of::<Header>() + 16 * self.numbers,
            Prefetch::All => self.row_bytes,
        };
        for line in 0..bytes.min(MAX_PREFETCH).div_ceil(64) {
            prefetch_line(place.wrapping_add(64 * line));
        }
    }

    /// The present chain of a hash. It stays the same while its stripe is locked.
    #[inline]
    pub(super) fn bucket(&self, hash: u64) -> u32 {
        chain_of(hash, self.split_state(self.stripe_of(hash)).mask())
    }

    #[inline]
    pub(super) fn stripe_of(&self, hash: u64) -> u32 {
        hash as u32 & (self.stripes - 1)
    }

    pub(super) fn free_list(&self) -> &FreeList {
        // SAFETY: the mapping starts with a `FreeList`. It is aligned to a page, was zeroed, which is valid for atomics
        // and for a mutex before `init`, and lives as long as `self`.
        unsafe { self.memory.start().cast::<FreeList>().as_ref() }
    }

    pub(super) fn all_stripes(&self) -> &[Stripe] {
        // SAFETY: `new` mapped `stripes` zeroed stripes behind the `FreeList`, whose size is a multiple of their
        // alignment (asserted below). The mapping lives as long as `self`.
        unsafe {
            let at = self.memory.start().add(size_of::<FreeList>()).cast::<Stripe>();
            std::slice::from_raw_parts(at.as_ptr(), self.stripes as usize)
        }
    }

    /// The number of rows of each stripe, and [`CHANGING`].
    pub(super) fn counts(&self) -> &[AtomicU32] {
        // SAFETY: `new` mapped one zeroed word per stripe at `counts_at`, a multiple of 64. The mapping lives as long as
        // `self`.
        unsafe {
            let at = self.memory.start().add(self.counts_at).cast::<AtomicU32>();
            std::slice::from_raw_parts(at.as_ptr(), self.stripes as usize)
        }
    }

    fn split_states(&self) -> &[SplitState] {
        // SAFETY: `new` mapped one zeroed state per stripe at `splits_at`, a multiple of 64. The mapping lives as long
        // as `self`.
        unsafe {
            let at = self.memory.start().add(self.splits_at).cast::<SplitState>();
            std::slice::from_raw_parts(at.as_ptr(), self.stripes as usize)
        }
    }

    /// The first row of each chain plus one; 0 for an empty chain.
    pub(super) fn heads(&self) -> &[AtomicU32] {
        // SAFETY: `new` mapped one zeroed word per bucket at `heads_at`, a multiple of 64. The mapping lives as long as
        // `self`.
        unsafe {
            let at = self.memory.start().add(self.heads_at).cast::<AtomicU32>();
            std::slice::from_raw_parts(at.as_ptr(), self.buckets as usize)
        }
    }

    /// The address of a row.
    #[inline]
    fn place(&self, row: u32) -> std::ptr::NonNull<u8> {
        assert!(row < self.capacity, "a chain leads out of the table");
        // SAFETY: `new` mapped `capacity` rows of `row_bytes` at `rows_at`, and `row` was checked.
        unsafe { self.memory.start().add(self.rows_at + row as usize * self.row_bytes) }
    }

    #[inline]
    pub(super) fn header(&self, row: u32) -> &Header {
        // SAFETY: a row starts with a zeroed header, at a multiple of 64. The mapping lives as long as `self`.
        unsafe { self.place(row).cast::<Header>().as_ref() }
    }

    /// The copy of a row's cells that its version names.
    #[inline]
    pub(super) fn copy(&self, row: u32, version: u64) -> Cells<'_> {
        let copy = (version & COPY) as usize;
        // SAFETY: `row_bytes` covers the header, two words per number and two copies of the texts, all atomics of eight
        // bytes at multiples of eight. The mapping lives as long as `self`.
        unsafe {
            let numbers = self.place(row).add(size_of::<Header>()).cast::<[AtomicU64; 2]>();
            let texts = numbers.add(self.numbers).cast::<AtomicU64>().add(copy * self.texts);
            Cells {
                numbers: std::slice::from_raw_parts(numbers.as_ptr(), self.numbers),
                copy,
                texts: std::slice::from_raw_parts(texts.as_ptr(), self.texts),
            }
        }
    }
}

impl HashChains for Storage {
    #[inline]
    fn split_state(&self, stripe: u32) -> &SplitState {
        &self.split_states()[stripe as usize]
    }

    fn head(&self, chain: u32) -> &AtomicU32 {
        &self.heads()[chain as usize]
    }

    fn next(&self, row: u32) -> &AtomicU32 {
        &self.header(row - 1).next
    }

    fn hash(&self, row: u32) -> u64 {
        self.header(row - 1).hash.load(Relaxed)
    }

    fn stripes(&self) -> u32 {
        self.stripes
    }

    fn max_chains(&self) -> u32 {
        self.buckets
    }

    fn max_rows(&self) -> u32 {
        self.capacity
    }

    fn step(&self) {
        step();
    }
}

/// A writer is between an insertion or a removal and the count of it.
pub(super) const CHANGING: u32 = 1 << 31;
const MAX_STRIPES: u32 = 1024;
/// Chains of a new table at most: their heads take 64 KB, which fits the level-2 cache of any processor.
#[cfg(not(test))]
const INITIAL_CHAINS: u32 = 1 << 14;
/// Few, so that every test of tables splits chains.
#[cfg(test)]
const INITIAL_CHAINS: u32 = 1 << 3;
/// Bytes of a row that are prefetched at most.
const MAX_PREFETCH: usize = 256;

const _: () = assert!(size_of::<Stripe>() == 64 && size_of::<FreeList>().is_multiple_of(64));
