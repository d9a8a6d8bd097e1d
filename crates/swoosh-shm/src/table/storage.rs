//! Where the rows lie: chains of rows in one mapping, written under a lock of their stripe, read without one.
//!
//! The rules it protects:
//!
//! - **A row is what its version says.** Each row has room for its cells twice. A writer fills the copy that nobody
//!   reads and then stores a new version, which names the copy to read and whether there is a row at all: one store
//!   commits a set, an insertion or a removal. A writer that is killed before it has changed nothing, one that is killed
//!   after it has changed everything. A single number is stored in place: one store as well, behind a new version.
//! - **A reader believes what it copied only if the version is still the one it began with.** Every change gives a row a
//!   new version before any word that readers of the old one may look at is written.
//! - **A row that is not found was not there**: a row leaves its chain before the stripe's count of unlinked rows grows,
//!   and that grows before the row may be used again; a reader that may have strayed with it sees another count.
//! - **What a killed writer began is found again.** Before a row is taken from the store of free ones, or removed, its
//!   number stands in the stripe's `pending`; whoever gets the lock next looks there.
//!
//! The chains of a stripe are changed only under its lock, the store of free rows only under its own, which is always
//! taken second. Stores of such a step are in program order (release), which is the order in which death cuts them off.

mod chain;
mod room;

use super::schema::{Cells, KEY_WORDS, Row, Schema};
use crate::chains::{self, Chains, Split};
use crate::version::{COPY, LIVE, Version};
use crate::word_from_bytes;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64};
use swoosh_os::Result;
use swoosh_os::arena::Arena;
use swoosh_os::clock;
use swoosh_os::memory::Mapping;
use swoosh_os::mutex::{RobustMutex, RobustMutexGuard};

pub(super) use chain::Chain;

/// A part of the buckets, with its lock.
#[repr(C, align(64))]
struct Stripe {
    lock: RobustMutex,
    /// The row that a running insertion or removal is about, plus one.
    pending: AtomicU32,
    /// How many rows have left its chains.
    unlinked: AtomicU32,
    updated: AtomicU64,
    removed: AtomicU64,
}

/// The rows that are free: those that were used before, one behind the other, and those from `fresh` on.
#[repr(C, align(64))]
struct Free {
    lock: RobustMutex,
    /// The first one plus one.
    head: AtomicU32,
    /// Rows from here on were never used.
    fresh: AtomicU32,
    /// The row that is being given back, plus one.
    returning: AtomicU32,
    /// Rows there is room for at present; doubled when they are used up, as far as the table may grow.
    room: AtomicU32,
    /// Where the search for a row to be dropped goes on.
    hand: AtomicU32,
    /// WriteIf it is worth looking for expired rows again: monotonic milliseconds.
    look_again: AtomicU64,
    evicted: AtomicU64,
    expired: AtomicU64,
}

/// What stands before a row's cells.
#[repr(C)]
struct Header {
    version: Version,
    hash: AtomicU64,
    /// The next row of the chain plus one.
    next: AtomicU32,
    /// The stripe it belongs to plus one; 0 while it is free.
    owner: AtomicU32,
    /// The next free row plus one.
    next_free: AtomicU32,
    key_len: AtomicU16,
    /// Whether it was used since the search for a row to be dropped came by.
    used: AtomicU16,
    key: [AtomicU64; KEY_WORDS],
}

/// A key made ready: its hash, and its bytes as words, filled up with zeros.
pub(super) struct Key {
    hash: u64,
    len: u32,
    words: [u64; KEY_WORDS],
}

impl Key {
    /// Makes it the key of a copied row.
    #[inline]
    pub fn copy_to(&self, row: &mut Row) {
        row.key = self.words;
        row.key_len = self.len as usize;
    }
}

/// All of a table but its columns' names.
#[derive(Debug)]
pub(super) struct Storage {
    memory: Mapping,
    /// A power of two.
    buckets: u32,
    /// A power of two, not above `buckets`.
    stripes: u32,
    /// Rows.
    capacity: u32,
    /// Numbers of a row.
    numbers: usize,
    /// Words of a row's texts.
    texts: usize,
    /// The number that says until when the row is there; the last one.
    deadline: Option<usize>,
    /// A row that was not used for long makes room for a new one.
    evicts: bool,
    row_bytes: usize,
    counts_at: usize,
    splits_at: usize,
    heads_at: usize,
    rows_at: usize,
    seed: u64,
}

/// There is no free row.
#[derive(Debug)]
pub(super) struct NoRoom;

/// What a storage is to be.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    /// Chains: a power of two.
    pub buckets: u32,
    /// Rows at first.
    pub first: u32,
    /// Rows it may grow to.
    pub most: u32,
    /// Numbers of a row.
    pub numbers: usize,
    /// Words of a row's texts.
    pub texts: usize,
    /// Rows may have an end.
    pub expires: bool,
    /// Rows that were not used for long make room.
    pub evicts: bool,
    /// Bytes that all rows may take.
    pub budget: Option<usize>,
    /// Where its memory comes from, if not from the kernel.
    pub arena: Option<Arena>,
}

impl Storage {
    /// Of that shape. Fails where there is no memory; the error says what `named` gives for that many rows of so many
    /// bytes.
    pub fn new(shape: &Shape, named: impl Fn(u32, usize) -> String) -> Result<Self> {
        let buckets = shape.buckets;
        let stripes = (buckets / 8).clamp(1, MOST_STRIPES);
        let numbers = shape.numbers + usize::from(shape.expires);
        let row_bytes = (size_of::<Header>() + 2 * 8 * (numbers + shape.texts)).next_multiple_of(64);
        let paid = shape.budget.map_or(u32::MAX, |bytes| u32::try_from(bytes / row_bytes).unwrap_or(u32::MAX));
        let capacity = shape.most.max(shape.first).min(paid).max(1);
        let purpose = named(capacity, row_bytes);
        let counts_at = size_of::<Free>() + stripes as usize * size_of::<Stripe>();
        let splits_at = counts_at + (stripes as usize * 4).next_multiple_of(64);
        let heads_at = splits_at + (stripes as usize * size_of::<Split>()).next_multiple_of(64);
        let rows_at = heads_at + (buckets as usize * 4).next_multiple_of(64);
        let bytes = rows_at + capacity as usize * row_bytes;
        let memory = match &shape.arena {
            Some(arena) => Mapping::in_arena(arena, bytes, &purpose)?,
            None => Mapping::new(bytes, &purpose)?,
        };
        let seed = seed(memory.start().as_ptr() as u64);
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
        storage.free().room.store(shape.first.min(capacity), Relaxed);
        storage.free().lock.init();
        storage.all_stripes().iter().for_each(|stripe| stripe.lock.init());
        storage.splits().iter().for_each(|split| split.begin(buckets.min(FIRST_CHAINS.max(stripes))));
        Ok(storage)
    }

    /// The bytes of its mapping.
    pub fn bytes(&self) -> usize {
        self.memory.len()
    }

    /// The most rows it can hold.
    pub fn capacity(&self) -> u32 {
        self.capacity
    }

    /// The rows it has room for at present.
    pub fn room(&self) -> u32 {
        self.free().room.load(Relaxed)
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// The number that says until when a row is there.
    pub fn deadline(&self) -> Option<usize> {
        self.deadline
    }

    /// Rows that made room for others, and rows that were found to be past their end.
    pub fn dropped(&self) -> (u64, u64) {
        (self.free().evicted.load(Relaxed), self.free().expired.load(Relaxed))
    }

    /// `key` made ready; its length was checked.
    #[inline]
    pub fn key(&self, key: &[u8]) -> Key {
        let mut words = [0; KEY_WORDS];
        let mut hash = self.seed ^ key.len() as u64;
        for (word, chunk) in words.iter_mut().zip(key.chunks(8)) {
            *word = word_from_bytes(chunk);
            hash = folded(hash ^ *word, MULTIPLIER);
        }
        Key { hash: folded(hash, MULTIPLIER_2), len: key.len() as u32, words }
    }

    /// Copies something out of the row of that key: `copy` gets its cells, and may be called several times; what it
    /// gave last holds. It takes no lock unless writers are always faster.
    #[inline]
    pub fn look<R>(&self, key: &Key, reach: Reach, mut copy: impl FnMut(Cells<'_>) -> R) -> Option<R> {
        let number = self.stripe_of(key.hash);
        let (stripe, split) = (&self.all_stripes()[number as usize], self.split(number));
        for _ in 0..TRIES {
            let (unlinked, mask) = (stripe.unlinked.load(Acquire), split.now());
            match self.walk(chains::chain(key.hash, mask), key, reach, &mut copy) {
                Walk::Found(result) => return Some(result),
                Walk::Expired => return None,
                Walk::Changed => {}
                Walk::End => {
                    if split.is_still(mask) && stripe.unlinked.load(Relaxed) == unlinked {
                        return None;
                    }
                }
            }
            std::hint::spin_loop();
        }
        let chain = self.lock(key, reach);
        chain.find(key).map(|row| copy(chain.cells(row)))
    }

    /// Asks for what is wanted of a row at once: what is read of it depends on its version, and would be waited for after
    /// that.
    #[inline]
    fn fetch(&self, row: u32, reach: Reach) {
        let place = self.place(row).as_ptr();
        let bytes = match reach {
            Reach::Numbers => size_of::<Header>() + 16 * self.numbers,
            Reach::All => self.row_bytes,
        };
        for line in 0..bytes.min(FETCHED).div_ceil(64) {
            prefetch(place.wrapping_add(64 * line));
        }
    }

    #[inline]
    fn walk<R>(&self, bucket: u32, key: &Key, reach: Reach, copy: &mut impl FnMut(Cells<'_>) -> R) -> Walk<R> {
        let mut at = self.heads()[bucket as usize].load(Acquire);
        let mut steps = 0;
        while at != 0 {
            self.fetch(at - 1, reach);
            let row = self.header(at - 1);
            let version = row.version.read();
            if version & LIVE != 0 && row.has(key) {
                let cells = self.copy(at - 1, version);
                let expired = self.is_over(cells);
                let result = copy(cells);
                if !row.version.is_still(version) {
                    return Walk::Changed;
                }
                if self.evicts && row.used.load(Relaxed) == 0 {
                    row.used.store(1, Relaxed);
                }
                return if expired { Walk::Expired } else { Walk::Found(result) };
            }
            at = row.next.load(Acquire);
            steps += 1;
            if steps > self.capacity {
                return Walk::Changed;
            }
        }
        Walk::End
    }

    /// The first row at `from` or behind it, copied into `row`; gives its number. In the order of the memory: a row
    /// that is there all the time is met once.
    pub fn next(&self, from: u32, schema: &Schema, row: &mut Row) -> Option<u32> {
        let end = self.free().fresh.load(Acquire).min(self.capacity);
        (from..end).find(|&at| self.copy_whole(at, schema, row))
    }

    fn copy_whole(&self, at: u32, schema: &Schema, row: &mut Row) -> bool {
        let header = self.header(at);
        for _ in 0..TRIES {
            let version = header.version.read();
            if version & LIVE == 0 {
                return false;
            }
            self.copy_now(at, version, schema, row);
            let expired = self.is_over(self.copy(at, version));
            if header.version.is_still(version) {
                return !expired;
            }
            std::hint::spin_loop();
        }
        // Writers are always faster: let them wait for once.
        let owner = header.owner.load(Acquire);
        if owner == 0 || owner > self.stripes {
            return false;
        }
        let held = self.lock_stripe(owner - 1);
        let version = header.version.read();
        if version & LIVE == 0 || header.owner.load(Relaxed) != owner {
            return false;
        }
        self.copy_now(at, version, schema, row);
        let expired = self.is_over(self.copy(at, version));
        drop(held);
        !expired
    }

    fn copy_now(&self, at: u32, version: u64, schema: &Schema, row: &mut Row) {
        let header = self.header(at);
        row.key_len = usize::from(header.key_len.load(Relaxed));
        for (to, from) in row.key.iter_mut().zip(&header.key) {
            *to = from.load(Relaxed);
        }
        schema.load(self.copy(at, version), &mut row.cells);
    }

    /// How many rows there are. A writer that is in the middle of an insertion or a removal is waited for.
    pub fn count(&self) -> u64 {
        (0..self.stripes).map(|n| u64::from(self.count_of(n))).sum()
    }

    fn count_of(&self, stripe: u32) -> u32 {
        let count = self.counts()[stripe as usize].load(Acquire);
        if count & CHANGING == 0 {
            return count;
        }
        let held = self.lock_stripe(stripe);
        let count = self.counts()[stripe as usize].load(Acquire);
        drop(held);
        count
    }

    /// Rows set anew and rows removed since the beginning.
    pub fn changes(&self) -> (u64, u64) {
        let stripes = self.all_stripes();
        let sum = |of: fn(&Stripe) -> &AtomicU64| stripes.iter().map(|s| of(s).load(Relaxed)).sum();
        (sum(|s| &s.updated), sum(|s| &s.removed))
    }

    /// Rows that are not the first of their chain, and the most rows behind a first one. Counted while others may write.
    pub fn conflicts(&self) -> (u64, u64) {
        let (mut sum, mut most) = (0, 0);
        for head in self.heads() {
            let mut at = head.load(Acquire);
            let mut length = 0u64;
            while at != 0 && length <= u64::from(self.capacity) {
                length += 1;
                at = self.header(at - 1).next.load(Acquire);
            }
            sum += length.saturating_sub(1);
            most = length.saturating_sub(1).max(most);
        }
        (sum, most)
    }

    /// The chain of that key, to write to.
    #[inline]
    pub fn lock(&self, key: &Key, reach: Reach) -> Chain<'_> {
        // The lock waits for every load before it, but not for what was only asked for.
        self.expect_row(key, reach);
        let stripe = self.stripe_of(key.hash);
        let held = self.lock_stripe(stripe);
        Chain { storage: self, hash: key.hash, stripe, reach, _held: held }
    }

    #[inline]
    fn lock_stripe(&self, stripe: u32) -> RobustMutexGuard<'_> {
        self.all_stripes()[stripe as usize].lock.lock_repairing(|| self.repair(stripe))
    }

    /// Ends or undoes what a killed writer began in this stripe, whose lock is held.
    #[cold]
    fn repair(&self, n: u32) {
        self.repair_split(n);
        let stripe = &self.all_stripes()[n as usize];
        let pending = stripe.pending.load(Acquire);
        if pending != 0 && pending <= self.capacity {
            let row = self.header(pending - 1);
            let free = self.lock_free();
            let ours = row.owner.load(Acquire) == n + 1;
            drop(free);
            // A row that lives was inserted wholly, or its removal had not begun.
            if ours && row.version.read() & LIVE == 0 {
                let bucket = self.bucket(row.hash.load(Relaxed));
                if bucket & (self.stripes - 1) == n {
                    self.unlink(bucket, pending);
                }
                stripe.unlinked.fetch_add(1, Release);
                self.give_back(pending);
            }
        }
        let mut count = 0;
        for bucket in self.chains_of(n) {
            let mut at = self.heads()[bucket as usize].load(Acquire);
            while at != 0 {
                let row = self.header(at - 1);
                count += u32::from(row.version.held() & LIVE != 0);
                at = row.next.load(Relaxed);
            }
        }
        self.counts()[n as usize].store(count, Release);
        stripe.pending.store(0, Release);
    }

    /// Whether a row of these cells is past its end.
    #[inline]
    fn is_over(&self, cells: Cells<'_>) -> bool {
        match self.deadline.map(|at| cells.number(at).load(Relaxed)) {
            None | Some(0) => false,
            Some(end) => end <= clock::monotonic_ms(),
        }
    }

    /// Asks for the head of that key's chain, which is read soon.
    #[inline]
    pub fn expect(&self, key: &Key) {
        prefetch(std::ptr::from_ref(&self.heads()[self.bucket(key.hash) as usize]).cast());
    }

    /// Asks for the first row of that key's chain, which is read soon.
    #[inline]
    pub fn expect_row(&self, key: &Key, reach: Reach) {
        let first = self.heads()[self.bucket(key.hash) as usize].load(Relaxed);
        if first != 0 {
            self.fetch(first - 1, reach);
        }
    }

    /// The chain of that hash as things are; it stays that as long as its stripe's lock is held.
    #[inline]
    fn bucket(&self, hash: u64) -> u32 {
        chains::chain(hash, self.split(self.stripe_of(hash)).now())
    }

    #[inline]
    fn stripe_of(&self, hash: u64) -> u32 {
        hash as u32 & (self.stripes - 1)
    }

    fn free(&self) -> &Free {
        // SAFETY: the mapping is page-aligned, zeroed (a valid value of atomics and of a mutex before `init`) and begins
        // with a `Free`; it lives as long as `self`.
        unsafe { self.memory.start().cast::<Free>().as_ref() }
    }

    fn all_stripes(&self) -> &[Stripe] {
        // SAFETY: as above; `stripes` of them follow the `Free`, whose size is a multiple of their alignment.
        unsafe {
            let at = self.memory.start().add(size_of::<Free>()).cast::<Stripe>();
            std::slice::from_raw_parts(at.as_ptr(), self.stripes as usize)
        }
    }

    /// Rows of each stripe, with the bit [`CHANGING`].
    fn counts(&self) -> &[AtomicU32] {
        // SAFETY: as above; `new` left room for one word a stripe here, aligned to 64 bytes.
        unsafe {
            let at = self.memory.start().add(self.counts_at).cast::<AtomicU32>();
            std::slice::from_raw_parts(at.as_ptr(), self.stripes as usize)
        }
    }

    fn splits(&self) -> &[Split] {
        // SAFETY: as above; `new` left room for one a stripe here, aligned to 64 bytes.
        unsafe {
            let at = self.memory.start().add(self.splits_at).cast::<Split>();
            std::slice::from_raw_parts(at.as_ptr(), self.stripes as usize)
        }
    }

    /// The first row of each chain, plus one.
    fn heads(&self) -> &[AtomicU32] {
        // SAFETY: as above; `new` left room for one word a bucket here, aligned to 64 bytes.
        unsafe {
            let at = self.memory.start().add(self.heads_at).cast::<AtomicU32>();
            std::slice::from_raw_parts(at.as_ptr(), self.buckets as usize)
        }
    }

    /// Where a row begins.
    #[inline]
    fn place(&self, row: u32) -> std::ptr::NonNull<u8> {
        assert!(row < self.capacity, "a chain leads out of the table");
        // SAFETY: `capacity` rows of `row_bytes` lie in the mapping from `rows_at` on.
        unsafe { self.memory.start().add(self.rows_at + row as usize * self.row_bytes) }
    }

    #[inline]
    fn header(&self, row: u32) -> &Header {
        // SAFETY: each row begins with a header, at a multiple of 64; as above for the rest.
        unsafe { self.place(row).cast::<Header>().as_ref() }
    }

    /// The cells that this version of the row says are to be read.
    #[inline]
    fn copy(&self, row: u32, version: u64) -> Cells<'_> {
        let copy = (version & COPY) as usize;
        // SAFETY: two words for each number, then two times those of texts follow the header, within `row_bytes`, aligned
        // to 8 bytes; they live as long as `self`.
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

impl Chains for Storage {
    #[inline]
    fn split(&self, stripe: u32) -> &Split {
        &self.splits()[stripe as usize]
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

    fn most_chains(&self) -> u32 {
        self.buckets
    }

    fn most_rows(&self) -> u32 {
        self.capacity
    }

    fn step(&self) {
        step();
    }
}

/// What is wanted of a row: its memory is asked for before it is known to be the right one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Its key and its numbers.
    Numbers,
    /// Texts too.
    All,
}

enum Walk<R> {
    Found(R),
    /// It is there, and past its end.
    Expired,
    /// The row changed while it was read.
    Changed,
    End,
}

impl Header {
    #[inline]
    fn has(&self, key: &Key) -> bool {
        self.hash.load(Relaxed) == key.hash
            && u32::from(self.key_len.load(Relaxed)) == key.len
            && self.key.iter().zip(&key.words[..key.len.div_ceil(8) as usize]).all(|(a, b)| a.load(Relaxed) == *b)
    }
}

/// Asks for a line of memory that is read soon.
#[inline(always)]
fn prefetch(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint that touches nothing, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast::<i8>()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// A number that differs from table to table, so that nobody can choose keys that fall into one chain.
fn seed(address: u64) -> u64 {
    use std::hash::{BuildHasher, Hasher};
    let mut hasher = std::hash::RandomState::new().build_hasher();
    hasher.write_u64(address);
    hasher.finish()
}

/// Both halves of a product of 128 bits, mixed.
#[inline]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// Between two steps of a writer: here a test may kill it.
#[inline(always)]
fn step() {
    #[cfg(test)]
    super::tests::step();
}

/// A writer is between an insertion or a removal and the count of it.
const CHANGING: u32 = 1 << 31;
const MOST_STRIPES: u32 = 1024;
/// Chains of a new table at most: their heads are 64 KB, which any processor has room for near it.
#[cfg(not(test))]
const FIRST_CHAINS: u32 = 1 << 14;
/// Few, so that every test of tables is one of splitting them too.
#[cfg(test)]
const FIRST_CHAINS: u32 = 1 << 3;
/// How often a reader tries before it makes writers wait.
const TRIES: usize = 64;
/// Bytes of a row that are asked for at once.
const FETCHED: usize = 256;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const MULTIPLIER_2: u64 = 0xD6E8_FEB8_6659_FD93;

const _: () = assert!(size_of::<Stripe>() == 64 && size_of::<Free>().is_multiple_of(64));
