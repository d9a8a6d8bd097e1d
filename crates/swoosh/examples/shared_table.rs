//! A table that several processes write at once; one of them is killed while it writes.
//!
//! `cargo run --release --example shared_table`

use swoosh::shm::table::{ColumnKind, Table, Value};
use swoosh::sys::process::{self, Fork};

fn main() -> swoosh::Result<()> {
    let mut columns = Table::builder(1024);
    let visits = columns.column("visits", ColumnKind::Int);
    let last = columns.column("last", ColumnKind::Text(32));
    // Made before the first fork, so that all processes share its memory.
    let table = columns.build()?;

    let mut children = Vec::new();
    for n in 0..4 {
        match process::fork()? {
            Fork::Parent(pid) => children.push(pid),
            Fork::Child => {
                for _ in 0..10_000 {
                    table.add_to(b"front page", visits, Value::Int(1))?;
                }
                table.set(b"front page", &[(last, Value::Text(format!("child {n}").as_bytes()))])?;
                process::exit_now(0);
            }
        }
    }
    // This process writes until it is killed. Its row is old or new afterwards, and its locks block no other process.
    match process::fork()? {
        Fork::Parent(pid) => {
            children.into_iter().try_for_each(|child| process::wait_for(child).map(drop))?;
            process::kill(pid, SIGKILL);
            process::wait_for(pid)?;
        }
        Fork::Child => loop {
            table.set(b"scratch", &[(visits, Value::Int(1)), (last, Value::Text(b"one"))])?;
            table.remove(b"scratch");
        },
    }

    let mut row = table.row();
    assert!(table.read(b"front page", &mut row));
    println!("front page: {} visits", row.get(visits).and_then(Value::int).unwrap_or(0));
    table.set(b"scratch", &[(visits, Value::Int(2))])?;
    println!("{} rows of {}, in {} KB", table.len(), table.capacity(), table.memory() / 1024);
    Ok(())
}

const SIGKILL: i32 = 9;
