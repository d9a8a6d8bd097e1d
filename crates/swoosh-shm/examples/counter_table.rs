//! Counters in a table and a lock, shared by a parent and its children, survive the death of a child.
//!
//! Four children count in the table under the lock. One of them kills itself with SIGKILL while it holds the lock, in
//! the middle of a change of two rows. The next owner learns of it, completes the change, and nothing is lost.
//!
//! Run: `cargo run -p swoosh-shm --example counter_table`

use swoosh_os::process::{self, Fork};
use swoosh_os::{Error, Result};
use swoosh_shm::lock::{Access, Lock, LockKind, WaitMode};
use swoosh_shm::table::{Column, ColumnKind, Table, Value};

const CHILDREN: usize = 4;
const ROUNDS: i64 = 1000;

struct Shared {
    table: Table,
    count: Column,
    lock: Lock,
}

fn main() -> Result<()> {
    let mut columns = Table::builder(64);
    let count = columns.column("count", ColumnKind::Int);
    let shared = Shared { table: columns.build()?, count, lock: Lock::new(LockKind::Mutex)? };

    let children: Vec<i32> = (0..CHILDREN).map(|n| spawn(&shared, n)).collect::<Result<_>>()?;
    let mut killed = 0;
    for child in children {
        let exit = process::wait_for(child)?;
        killed += i32::from(exit.signal() == libc::SIGKILL);
        if exit.exit_code() != 0 {
            return Err(Error::State { operation: "count", reason: format!("child {child} failed") });
        }
    }

    // If the killed child was the last owner, the parent completes its change.
    shared.change(|_| ())?;
    let value = |row: &str| shared.table.int(row.as_bytes(), count).unwrap_or(0);
    println!("children killed: {killed}");
    println!("rows: {}", shared.table.len());
    println!("debits {} credits {}", value("debits"), value("credits"));
    assert_eq!(value("debits"), value("credits"), "a change was half done");
    Ok(())
}

fn spawn(shared: &Shared, n: usize) -> Result<i32> {
    match process::fork()? {
        Fork::Parent(child) => Ok(child),
        Fork::Child => {
            let done = if n == 0 { shared.die_holding_the_lock() } else { shared.count() };
            process::exit_now(i32::from(done.is_err()))
        }
    }
}

impl Shared {
    /// Runs `change` under the lock, after completing the change that a dead owner left.
    fn change(&self, change: impl FnOnce(&Self)) -> Result<()> {
        let refused = |e| Error::State { operation: "lock", reason: format!("{e:?}") };
        let guard = self.lock.lock(Access::Exclusive, WaitMode::Blocking).map_err(refused)?;
        if guard.owner_died() {
            let value = |row: &[u8]| self.table.int(row, self.count).unwrap_or(0);
            let missing = value(b"debits") - value(b"credits");
            self.table.add_to(b"credits", self.count, Value::Int(missing))?;
        }
        change(self);
        Ok(())
    }

    fn count(&self) -> Result<()> {
        for _ in 0..ROUNDS {
            self.change(|shared| {
                for row in [&b"debits"[..], b"credits"] {
                    shared.table.add_to(row, shared.count, Value::Int(1)).expect("the table has room");
                }
            })?;
        }
        Ok(())
    }

    fn die_holding_the_lock(&self) -> Result<()> {
        self.change(|shared| {
            shared.table.add_to(b"debits", shared.count, Value::Int(1)).expect("the table has room");
            process::kill(process::pid(), libc::SIGKILL);
        })
    }
}
