//! Tests of tables: operations, concurrency, and writers killed at each step.

mod concurrency;
mod kills;
mod operations;

use super::kill_point::STEPS;
use super::*;
use std::sync::atomic::Ordering;
use swoosh_os::process::{self, Fork};

struct Sample {
    table: Table,
    number: Column,
    text: Column,
    float: Column,
    count: Column,
}

/// A table whose rows hold the same number in three columns, so that a torn row is detected; `count` is independent.
fn sample(rows: u32) -> Sample {
    sample_of(rows, |columns| columns)
}

fn sample_of(rows: u32, change: impl FnOnce(&mut TableBuilder) -> &mut TableBuilder) -> Sample {
    let mut columns = Table::builder(rows);
    let number = columns.column("number", ColumnKind::Int);
    let text = columns.column("text", ColumnKind::Text(48));
    let float = columns.column("float", ColumnKind::Float);
    let count = columns.column("count", ColumnKind::Int);
    change(&mut columns);
    Sample { table: columns.build().unwrap(), number, text, float, count }
}

impl Sample {
    fn set(&self, key: &[u8], n: i64) -> Result<(), TableError> {
        let text = wide(n);
        let values = [
            (self.number, Value::Int(n)),
            (self.text, Value::Text(text.as_bytes())),
            (self.float, Value::Float(n as f64)),
        ];
        self.table.set(key, &values)
    }

    /// The number that a row holds; panics if its columns disagree.
    fn number_in(&self, row: &Row) -> i64 {
        let n = row.get(self.number).and_then(Value::int).unwrap();
        assert_eq!(row.get(self.float), Some(Value::Float(n as f64)), "a torn row");
        let text = wide(n);
        // A row that `add_to` inserted has no text.
        let text = if n == 0 && row.get(self.text) == Some(Value::Text(b"")) { "" } else { &text };
        assert_eq!(row.get(self.text), Some(Value::Text(text.as_bytes())), "a torn row");
        n
    }

    /// Checks that every row that iteration visits is found and counted.
    fn check(&self) {
        self.table.purge();
        let mut row = self.table.row();
        let mut met = 0;
        for copy in &self.table {
            self.number_in(&copy);
            assert!(self.table.read(copy.key(), &mut row), "a row that cannot be found");
            assert_eq!(row, copy);
            met += 1;
        }
        assert_eq!(self.table.len(), met);
    }

    /// Fills the table, empties it and returns the number of rows that fit.
    fn fill_up(&self) -> u64 {
        let keys: Vec<_> =
            (0..).map(|n: u32| format!("filling {n}")).take_while(|k| self.set(k.as_bytes(), 1).is_ok()).collect();
        let rows = self.table.len();
        keys.iter().for_each(|key| assert!(self.table.remove(key.as_bytes())));
        rows
    }
}

fn wide(n: i64) -> String {
    format!("{n:*>width$}", width = 1 + (n % 48) as usize)
}

/// Runs `writer` in a process that is killed at its step number `steps`; `true` if it finished before.
fn dies_at(steps: i64, writer: impl FnOnce()) -> bool {
    match process::fork().unwrap() {
        Fork::Child => {
            STEPS.store(steps, Ordering::Relaxed);
            writer();
            process::exit_now(0)
        }
        Fork::Parent(pid) => loop {
            if let Some(ended) = process::try_wait(pid) {
                return ended.signal() == 0;
            }
            std::hint::spin_loop();
        },
    }
}

/// The number of kills that the environment asks for, or `usual`.
fn wanted(usual: i64) -> i64 {
    std::env::var("SWOOSH_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}
