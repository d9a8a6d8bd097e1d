//! The cost of one operation on a table of 2^20 rows of which some are used, in random order.
//!
//! The keys lie in memory in the order of their use, since loading a key is a cost of its owner, not of the
//! table. The rows lie in the order in which they were set; accessing them in another order is the worst case.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use swoosh::shm::atomic::{Atomic, AtomicLong};
use swoosh::shm::table::{Column, ColumnKind, Table, Value};
use swoosh::shm::{Shareable, SharedSlice};
use swoosh::sys::process::{self, Fork};

/// A cache line.
#[repr(C, align(64))]
struct Line([AtomicU64; 8]);
// SAFETY: it contains only atomics, for which zero is a valid value.
unsafe impl Shareable for Line {}

/// A key, stored in the order of use.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Name {
    bytes: [u8; 15],
    length: u8,
}

impl Name {
    fn new(n: usize) -> Self {
        let text = format!("key-{n}");
        let mut bytes = [0; 15];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Name { bytes, length: text.len() as u8 }
    }

    fn get(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    fn number(&self) -> Option<usize> {
        std::str::from_utf8(&self.get()[4..]).ok()?.parse().ok()
    }
}

/// The table, and its keys in random order.
pub struct Subject {
    table: Table,
    int: Column,
    text: Column,
    float: Column,
    keys: Vec<Name>,
    seed: u64,
    /// As many cache lines as the table uses for these keys.
    span: SharedSlice<Line>,
}

impl Subject {
    pub fn new(rows: usize) -> Self {
        let mut columns = Table::builder(1 << 20);
        let int = columns.column("n", ColumnKind::Int);
        let text = columns.column("s", ColumnKind::Text(48));
        let float = columns.column("f", ColumnKind::Float);
        let table = columns.build().expect("memory for a table");
        let keys = (0..rows).map(Name::new).collect();
        let span = SharedSlice::new(rows * table.row_bytes() / 64, "lines to read").expect("memory");
        let mut subject = Subject { table, int, text, float, keys, seed: 1, span };
        subject.shuffle();
        subject.set();
        subject
    }

    /// Switches to another order.
    pub fn shuffle(&mut self) {
        for n in (1..self.keys.len()).rev() {
            self.seed = self.seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            self.keys.swap(n, (self.seed >> 33) as usize % (n + 1));
        }
    }

    fn each(&self, mut act: impl FnMut(&[u8])) -> f64 {
        let begun = Instant::now();
        self.keys.iter().for_each(|key| act(key.get()));
        begun.elapsed().as_nanos() as f64 / self.keys.len() as f64
    }

    pub fn set(&self) -> f64 {
        self.each(|key| {
            let values = [
                (self.int, Value::Int(5)),
                (self.text, Value::Text(b"some text of a row")),
                (self.float, Value::Float(1.5)),
            ];
            self.table.set(key, &values).expect("room");
        })
    }

    pub fn get(&self) -> f64 {
        let mut row = self.table.row();
        self.each(|key| assert!(black_box(self.table.read(key, &mut row))))
    }

    pub fn field(&self) -> f64 {
        self.each(|key| assert!(black_box(self.table.int(key, self.int)).is_some()))
    }

    pub fn incr(&self) -> f64 {
        self.each(|key| assert!(black_box(self.table.add_to(key, self.int, Value::Int(1))).is_ok()))
    }

    /// A dependent read of shared memory in random order, each location naming the next: one line of 64 bytes for each
    /// key is the minimum that any table touches.
    pub fn line(&self) -> f64 {
        self.read(1)
    }

    /// Dependent reads of as many lines for each key as a row of the table has.
    pub fn row(&self) -> f64 {
        self.read(self.table.row_bytes() / 64)
    }

    fn read(&self, lines: usize) -> f64 {
        let order: Vec<usize> = self.keys.iter().filter_map(Name::number).map(|n| n * lines).collect();
        for (from, to) in order.iter().zip(order.iter().cycle().skip(1)) {
            self.span[*from].0[0].store(*to as u64, Relaxed);
        }
        let mut at = 0;
        let mut read = || self.each(|_| at = black_box(self.span[at].0[0].load(Relaxed) as usize));
        (0..5).map(|_| read()).fold(f64::INFINITY, f64::min)
    }

    /// The rows in a process-local map: the current memory cost of this machine.
    pub fn map(&self) -> f64 {
        let map: HashMap<&[u8], Box<[u8; 128]>> =
            self.keys.iter().rev().map(|key| (key.get(), Box::new([1; 128]))).collect();
        self.each(|key| assert!(black_box(map[key][100] == 1)))
    }

    /// Operations per second of `processes` processes together, each on separate rows.
    pub fn together(&self, processes: usize, act: fn(&Self, &[u8])) -> f64 {
        let go = Atomic::new(0).expect("a word");
        let done: Vec<AtomicLong> = (0..processes).map(|_| AtomicLong::new(0).expect("a word")).collect();
        let children: Vec<i32> = (0..processes)
            .map(|n| match process::fork().expect("fork") {
                Fork::Parent(pid) => pid,
                Fork::Child => {
                    crate::tree::pin(n);
                    let own: Vec<Name> = self.keys.iter().skip(n).step_by(processes).copied().collect();
                    while go.get() == 0 {
                        std::hint::spin_loop();
                    }
                    let mut count = 0;
                    for key in own.iter().cycle() {
                        act(self, key.get());
                        count += 1;
                        if go.get() == 2 {
                            break;
                        }
                    }
                    done[n].set(count);
                    process::exit_now(0)
                }
            })
            .collect();
        std::thread::sleep(Duration::from_millis(50));
        go.set(1);
        let begun = Instant::now();
        std::thread::sleep(Duration::from_millis(500));
        go.set(2);
        let time = begun.elapsed().as_secs_f64();
        for pid in children {
            process::wait_for(pid).expect("a child");
        }
        done.iter().map(AtomicLong::get).sum::<i64>() as f64 / time
    }

    /// One `incr` of the row.
    pub fn one_incr(&self, key: &[u8]) {
        let _ = black_box(self.table.add_to(key, self.int, Value::Int(1)));
    }
}
