//! Proofs of the algorithms that depend on memory ordering. Loom runs each of them in every order in which the threads
//! can observe each other's steps, with acquire, release and relaxed as the language defines them. The source files are
//! those that the crate itself compiles.

mod sync {
    pub use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}
#[path = "../src/hash_chains.rs"]
mod hash_chains;
#[path = "../src/ring_cursor.rs"]
mod ring_cursor;
#[path = "../src/row_version.rs"]
mod row_version;

use hash_chains::{HashChains, SplitState, chain_of};
use loom::thread;
use ring_cursor::Cursor;
use row_version::{COPY, LIVE, STEP, Version};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use sync::{AtomicU32, AtomicU64, Ordering};

/// A row of two words, in two copies.
struct Row {
    version: Version,
    copies: [[AtomicU64; 2]; 2],
}

impl Row {
    fn new() -> Arc<Row> {
        let copy = || [AtomicU64::new(0), AtomicU64::new(0)];
        let row = Row { version: Version::new(LIVE), copies: [copy(), copy()] };
        Arc::new(row)
    }

    /// Like `LockedChain::replace`.
    fn replace(&self, value: u64) {
        let version = self.version.read_locked();
        self.version.before_overwriting();
        let copy = &self.copies[((version ^ COPY) & COPY) as usize];
        copy.iter().for_each(|word| word.store(value, Ordering::Relaxed));
        self.version.commit((version + STEP) ^ COPY);
    }

    /// Like `LockedChain::store`.
    fn store(&self, word: usize, value: u64) {
        let version = self.version.read_locked();
        self.version.advance(version + STEP);
        self.copies[(version & COPY) as usize][word].store(value, Ordering::Relaxed);
    }

    /// Like a removal and an insertion of another key.
    fn reuse(&self, value: u64) {
        let gone = (self.version.read_locked() & !LIVE) + STEP;
        self.version.commit(gone);
        let version = (gone & !COPY) + STEP;
        self.version.advance(version);
        self.copies[0].iter().for_each(|word| word.store(value, Ordering::Relaxed));
        self.version.commit(version | LIVE);
    }

    /// Like one `Storage::search`: the number of the change, and the row.
    fn read(&self) -> Option<(u64, [u64; 2])> {
        let version = self.version.read();
        if version & LIVE == 0 {
            return None;
        }
        let copy = &self.copies[(version & COPY) as usize];
        let read = [0, 1].map(|n| copy[n].load(Ordering::Relaxed));
        self.version.is_unchanged(version).then_some((version / STEP, read))
    }
}

/// Explores a writer and a reader in two threads; afterwards the row has change number `last` and its values.
fn prove(write: fn(&Row), read: fn(&Row), last: u64, row_at_last: [u64; 2]) {
    loom::model(move || {
        let row = Row::new();
        let threads: Vec<_> = [write, read]
            .into_iter()
            .map(|act| {
                let row = row.clone();
                thread::spawn(move || act(&row))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(row.read(), Some((last, row_at_last)));
    });
}

#[test]
fn a_reader_never_gets_a_torn_row_while_it_is_replaced() {
    let read = |row: &Row| {
        if let Some((change, read)) = row.read() {
            assert_eq!(read, [change; 2]);
        }
    };
    prove(|row| (1..=2).for_each(|value| row.replace(value)), read, 2, [2, 2]);
}

#[test]
fn a_reader_never_gets_a_row_that_never_existed_while_numbers_are_stored_in_place() {
    let write = |row: &Row| {
        row.store(0, 1);
        row.store(1, 1);
    };
    // A version is visible before its word at the earliest, and the next version after it.
    let read = |row: &Row| {
        if let Some((change, read)) = row.read() {
            let may: &[[u64; 2]] = match change {
                0 => &[[0, 0]],
                1 => &[[0, 0], [1, 0]],
                _ => &[[1, 0], [1, 1]],
            };
            assert!(may.contains(&read), "{read:?} in change {change}");
        }
    };
    prove(write, read, 2, [1, 1]);
}

#[test]
fn a_reader_never_mixes_two_rows_that_used_the_same_memory() {
    let read = |row: &Row| {
        if let Some((change, read)) = row.read() {
            assert_eq!(read, if change == 0 { [0, 0] } else { [7, 7] });
        }
    };
    prove(|row| row.reuse(7), read, 2, [7, 7]);
}

#[test]
fn a_reader_gets_no_older_row_after_a_newer_one() {
    let read = |row: &Row| {
        if let (Some((first, _)), Some((second, _))) = (row.read(), row.read()) {
            assert!(first <= second, "{second} after {first}");
        }
    };
    prove(|row| (1..=2).for_each(|value| row.replace(value)), read, 2, [2, 2]);
}

/// Like `ring::Ring`, for two messages of one word: too small to hide a read or a write that comes too early.
struct Ring {
    head: Cursor,
    tail: Cursor,
    data: [AtomicU64; 2],
}

impl Ring {
    fn push(&self, value: u64) -> bool {
        let head = self.head.own();
        if head - self.tail.observe() == 2 {
            return false;
        }
        self.data[(head % 2) as usize].store(value, Ordering::Relaxed);
        self.head.publish(head + 1);
        true
    }

    fn pop(&self) -> Option<u64> {
        let tail = self.tail.own();
        if self.head.observe() == tail {
            return None;
        }
        let value = self.data[(tail % 2) as usize].load(Ordering::Relaxed);
        self.tail.publish(tail + 1);
        Some(value)
    }
}

#[test]
fn messages_are_popped_once_whole_and_in_order_and_their_memory_is_reused() {
    loom::model(|| {
        let data = [AtomicU64::new(0), AtomicU64::new(0)];
        let ring = Arc::new(Ring { head: Cursor::new(0), tail: Cursor::new(0), data });
        let producer = {
            let ring = ring.clone();
            thread::spawn(move || (1..=4).filter(|value| ring.push(*value)).count())
        };
        let consumer = {
            let ring = ring.clone();
            thread::spawn(move || (0..2).filter_map(|_| ring.pop()).collect::<Vec<u64>>())
        };
        let (pushed, mut taken) = (producer.join().unwrap(), consumer.join().unwrap());
        taken.extend(std::iter::from_fn(|| ring.pop()));
        assert_eq!(taken.len(), pushed);
        assert!(taken.windows(2).all(|two| two[0] < two[1]) && taken.starts_with(&[1, 2]), "{taken:?}");
    });
}

/// Three rows of one stripe, initially in one chain.
struct Rows {
    split: SplitState,
    heads: [AtomicU32; 2],
    nexts: [AtomicU32; 3],
}

/// With one more bit of the hash, rows 1 and 3 move to another chain and row 2 does not.
const HASHES: [u64; 3] = [1, 2, 5];

impl HashChains for Rows {
    fn split_state(&self, _: u32) -> &SplitState {
        &self.split
    }
    fn head(&self, chain: u32) -> &AtomicU32 {
        &self.heads[chain as usize]
    }
    fn next(&self, row: u32) -> &AtomicU32 {
        &self.nexts[row as usize - 1]
    }
    fn hash(&self, row: u32) -> u64 {
        HASHES[row as usize - 1]
    }
    fn stripes(&self) -> u32 {
        1
    }
    fn max_chains(&self) -> u32 {
        2
    }
    fn max_rows(&self) -> u32 {
        3
    }
}

impl Rows {
    /// Like one attempt of `Storage::look`: whether the row exists; `None`: retry.
    fn has(&self, row: u32) -> Option<bool> {
        let mask = self.split.mask();
        let mut at = self.head(chain_of(self.hash(row), mask)).load(Ordering::Acquire);
        for _ in 0..4 {
            match at {
                0 => return self.split.is_unchanged(mask).then_some(false),
                at if at == row => return Some(true),
                _ => at = self.next(at).load(Ordering::Acquire),
            }
        }
        None
    }
}

#[test]
fn a_lookup_does_not_miss_a_row_while_its_chain_is_split() {
    static MISSED: AtomicBool = AtomicBool::new(false);
    for row in 1..=3 {
        loom::model(move || {
            let rows = Arc::new(Rows {
                split: SplitState::new(1),
                heads: [AtomicU32::new(1), AtomicU32::new(0)],
                nexts: [AtomicU32::new(2), AtomicU32::new(3), AtomicU32::new(0)],
            });
            let (written, read) = (rows.clone(), rows.clone());
            let writer = thread::spawn(move || written.split_if_crowded(0, 3));
            let reader = thread::spawn(move || match read.has(row) {
                Some(there) => assert!(there, "row {row} exists all the time"),
                None => MISSED.store(true, Ordering::Relaxed),
            });
            writer.join().unwrap();
            reader.join().unwrap();
            assert_eq!(rows.has(row), Some(true));
        });
    }
    assert!(MISSED.load(Ordering::Relaxed), "no reader ran during a split");
}
