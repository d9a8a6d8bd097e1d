//! Proofs: loom runs each of these in every order in which the threads may see one another's steps (acquire, release and
//! relaxed as the language defines them), over the very file that the table is made of.

mod sync {
    pub use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};
}
#[path = "../src/chains.rs"]
mod chains;
#[path = "../src/cursor.rs"]
mod cursor;
#[path = "../src/version.rs"]
mod version;

use chains::{Chains, Split, chain};
use cursor::Cursor;
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use sync::{AtomicU32, AtomicU64, Ordering};
use version::{COPY, LIVE, NEXT, Version};

/// A row of two words, twice.
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

    /// As `Chain::replace` does it.
    fn replace(&self, value: u64) {
        let version = self.version.held();
        self.version.before_overwriting();
        let copy = &self.copies[((version ^ COPY) & COPY) as usize];
        copy.iter().for_each(|word| word.store(value, Ordering::Relaxed));
        self.version.commit((version + NEXT) ^ COPY);
    }

    /// As `Chain::store` does it.
    fn store(&self, word: usize, value: u64) {
        let version = self.version.held();
        self.version.advance(version + NEXT);
        self.copies[(version & COPY) as usize][word].store(value, Ordering::Relaxed);
    }

    /// As a removal and an insertion for another key do it.
    fn reuse(&self, value: u64) {
        let gone = (self.version.held() & !LIVE) + NEXT;
        self.version.commit(gone);
        let version = (gone & !COPY) + NEXT;
        self.version.advance(version);
        self.copies[0].iter().for_each(|word| word.store(value, Ordering::Relaxed));
        self.version.commit(version | LIVE);
    }

    /// As `Storage::walk` does it, once: which change it is, and the row.
    fn read(&self) -> Option<(u64, [u64; 2])> {
        let version = self.version.read();
        if version & LIVE == 0 {
            return None;
        }
        let copy = &self.copies[(version & COPY) as usize];
        let read = [0, 1].map(|n| copy[n].load(Ordering::Relaxed));
        self.version.is_still(version).then_some((version / NEXT, read))
    }
}

/// Every order of a writer's steps and a reader's, each in a thread of its own; then the row is what `last` says.
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
fn a_reader_never_gets_half_of_a_row_that_is_replaced() {
    let read = |row: &Row| {
        if let Some((change, read)) = row.read() {
            assert_eq!(read, [change; 2]);
        }
    };
    prove(|row| (1..=2).for_each(|value| row.replace(value)), read, 2, [2, 2]);
}

#[test]
fn a_reader_never_gets_a_row_of_two_stores_in_place_that_never_was() {
    let write = |row: &Row| {
        row.store(0, 1);
        row.store(1, 1);
    };
    // A new version may come before its word, and the next one after it.
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
fn a_reader_never_gets_words_of_two_rows_that_had_one_place() {
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

/// As `Ring` does it, with room for two messages of one word each, which tells if it is read too early or written too soon.
struct Ring {
    head: Cursor,
    tail: Cursor,
    data: [AtomicU64; 2],
}

impl Ring {
    fn push(&self, value: u64) -> bool {
        let head = self.head.own();
        if head - self.tail.seen() == 2 {
            return false;
        }
        self.data[(head % 2) as usize].store(value, Ordering::Relaxed);
        self.head.move_to(head + 1);
        true
    }

    fn pop(&self) -> Option<u64> {
        let tail = self.tail.own();
        if self.head.seen() == tail {
            return None;
        }
        let value = self.data[(tail % 2) as usize].load(Ordering::Relaxed);
        self.tail.move_to(tail + 1);
        Some(value)
    }
}

#[test]
fn a_message_is_taken_once_whole_and_in_order_and_its_place_is_used_again() {
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

/// Three rows of one stripe, in one chain at first.
struct Rows {
    split: Split,
    heads: [AtomicU32; 2],
    nexts: [AtomicU32; 3],
}

/// Rows 1 and 3 change the chain when a bit more is looked at, row 2 does not.
const HASHES: [u64; 3] = [1, 2, 5];

impl Chains for Rows {
    fn split(&self, _: u32) -> &Split {
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
    fn most_chains(&self) -> u32 {
        2
    }
    fn most_rows(&self) -> u32 {
        3
    }
}

impl Rows {
    /// As `Storage::look` does it, once: whether that row is there; `None`: to be asked again.
    fn has(&self, row: u32) -> Option<bool> {
        let mask = self.split.now();
        let mut at = self.head(chain(self.hash(row), mask)).load(Ordering::Acquire);
        for _ in 0..4 {
            match at {
                0 => return self.split.is_still(mask).then_some(false),
                at if at == row => return Some(true),
                _ => at = self.next(at).load(Ordering::Acquire),
            }
        }
        None
    }
}

#[test]
fn a_row_is_not_missed_while_its_chain_is_split() {
    static MISSED: AtomicBool = AtomicBool::new(false);
    for row in 1..=3 {
        loom::model(move || {
            let rows = Arc::new(Rows {
                split: Split::new(1),
                heads: [AtomicU32::new(1), AtomicU32::new(0)],
                nexts: [AtomicU32::new(2), AtomicU32::new(3), AtomicU32::new(0)],
            });
            let (written, read) = (rows.clone(), rows.clone());
            let writer = thread::spawn(move || written.split_if_crowded(0, 3));
            let reader = thread::spawn(move || match read.has(row) {
                Some(there) => assert!(there, "row {row} is there all the time"),
                None => MISSED.store(true, Ordering::Relaxed),
            });
            writer.join().unwrap();
            reader.join().unwrap();
            assert_eq!(rows.has(row), Some(true));
        });
    }
    assert!(MISSED.load(Ordering::Relaxed), "no reader came in the middle");
}
