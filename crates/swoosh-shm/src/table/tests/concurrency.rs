//! Readers beside writers.

use super::*;
use std::sync::atomic::AtomicI64;

#[test]
fn iteration_visits_a_permanent_row_once_while_others_come_and_go() {
    let s = sample(1024);
    for n in 0..500 {
        s.set(format!("stays {n}").as_bytes(), n).unwrap();
    }
    let Fork::Parent(pid) = process::fork().unwrap() else {
        for n in 0.. {
            let key = format!("goes {}", n % 100);
            let _ = s.set(key.as_bytes(), n % 1000);
            let _ = s.set(format!("stays {}", n % 500).as_bytes(), n % 500);
            s.table.remove(format!("goes {}", (n * 7) % 100).as_bytes());
        }
        unreachable!()
    };
    for _ in 0..200 {
        let mut stay: Vec<_> = s
            .table
            .iter()
            .inspect(|row| assert!(s.number_in(row) >= 0))
            .filter(|row| row.key()[0] == b's')
            .map(|row| row.key().to_vec())
            .collect();
        stay.sort();
        stay.dedup();
        assert_eq!(stay.len(), 500);
    }
    process::kill(pid, libc::SIGKILL);
    process::wait_for(pid).unwrap();
    s.check();
}

#[test]
fn readers_find_permanent_rows_while_chains_are_split() {
    let key = |n: i64| format!("stays {n}").into_bytes();
    for _ in 0..20 {
        let s = sample(4096);
        (0..8).for_each(|n| s.set(&key(n), n).unwrap());
        let Fork::Parent(pid) = process::fork().unwrap() else {
            (0..3000).for_each(|n| s.set(format!("comes {n}").as_bytes(), n).unwrap());
            process::exit_now(0)
        };
        while process::try_wait(pid).is_none() {
            (0..8).for_each(|n| assert_eq!(s.table.int(&key(n), s.number), Some(n)));
            assert!(!s.table.contains(b"never"));
        }
        s.check();
        assert_eq!(s.table.len(), 3008);
    }
}

#[test]
fn readers_of_a_row_that_is_written_see_whole_rows_only() {
    let s = sample(64);
    s.set(b"row", 0).unwrap();
    let done = AtomicI64::new(0);
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (s, done) = (&s, &done);
            scope.spawn(move || {
                for n in 0..30_000 {
                    s.set(b"row", n * 2 + writer).unwrap();
                    s.table.add_to(b"row", s.count, Value::Int(1)).unwrap();
                }
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        let mut row = s.table.row();
        let mut last = 0;
        while done.load(Ordering::Relaxed) < 2 {
            assert!(s.table.read(b"row", &mut row));
            s.number_in(&row);
            let count = row.get(s.count).and_then(Value::int).unwrap();
            assert!(count >= last, "an older row after a newer one");
            last = count;
        }
    });
    assert_eq!(s.table.int(b"row", s.count), Some(60_000));
}
