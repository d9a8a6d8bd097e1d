//! Writers killed at each step, or at any moment, leave an intact table.

use super::*;
use crate::hash_chains::HashChains;
use std::time::{Duration, Instant};

/// Kills every operation at each of its steps, on tables with long chains, with and without rows on the free list.
#[test]
fn a_writer_killed_at_any_step_leaves_every_row_old_or_new() {
    type Write = (&'static str, fn(&Sample), fn(Option<i64>) -> bool);
    let writes: [Write; 5] = [
        ("replace", |s| s.set(b"row 5", 777).unwrap(), |now| matches!(now, Some(5 | 777))),
        ("insert", |s| s.set(b"new", 777).unwrap(), |now| now == Some(5)),
        ("remove", |s| assert!(s.table.remove(b"row 5")), |now| matches!(now, Some(5) | None)),
        ("add", |s| assert!(s.table.add_to(b"row 5", s.count, Value::Int(1)).is_ok()), |now| now == Some(5)),
        (
            "remove and insert",
            |s| {
                assert!(s.table.remove(b"row 5"));
                s.set(b"row 5", 777).unwrap();
            },
            |now| matches!(now, Some(5 | 777) | None),
        ),
    ];
    let mut kills = 0;
    for (what, write, right) in writes.into_iter().cycle() {
        for used in [false, true] {
            for steps in 1.. {
                let s = sample(64);
                if used {
                    s.fill_up();
                }
                for n in 0..60 {
                    s.set(format!("row {n}").as_bytes(), n).unwrap();
                }
                let whole = dies_at(steps, || write(&s));
                let mut row = s.table.row();
                let there = s.table.read(b"row 5", &mut row);
                assert!(right(there.then(|| s.number_in(&row))), "{what} at step {steps}");
                if s.table.read(b"new", &mut row) {
                    assert_eq!(s.number_in(&row), 777, "{what} at step {steps}");
                }
                // Every other time the writers that repair are killed too.
                if steps % 2 == 0 {
                    for again in 1..12 {
                        dies_at(again, || s.set(b"row 5", 5).unwrap());
                    }
                }
                s.check();
                for n in 0..60 {
                    s.set(format!("row {n}").as_bytes(), n).unwrap();
                }
                s.check();
                for row in &s.table {
                    assert!(s.table.remove(row.key()));
                }
                assert_eq!(s.fill_up(), 76, "{what} at step {steps} lost a row");
                if whole {
                    break;
                }
                kills += 1;
            }
        }
        if what == writes[4].0 && kills >= wanted(1) {
            break;
        }
    }
    assert!(kills > 80, "only {kills} kills");
    println!("{kills} kills at every step");
}

/// Kills a series of insertions, some of which split chains, at each step: every row reported as inserted is found.
#[test]
fn a_writer_killed_while_chains_are_split_loses_no_row() {
    const ROWS: i64 = 40;
    let key = |n: i64| format!("row {n}").into_bytes();
    let said = crate::atomic::AtomicLong::new(0).unwrap();
    for steps in 1.. {
        let s = sample(64);
        said.set(0);
        let whole = dies_at(steps, || {
            for n in 0..ROWS {
                s.set(&key(n), n).unwrap();
                said.set(n + 1);
            }
        });
        // Every other time the process that repairs is killed too.
        if steps % 2 == 0 {
            dies_at(steps % 17 + 1, || {
                (0..ROWS).for_each(|n| assert!(s.table.add_to(&key(n), s.count, Value::Int(1)).is_ok()))
            });
        }
        for n in 0..said.get() {
            assert_eq!(s.table.int(&key(n), s.number), Some(n), "row {n} at step {steps}");
        }
        (0..ROWS).for_each(|n| s.set(&key(n), n).unwrap());
        s.check();
        assert_eq!(s.table.len(), ROWS as u64, "at step {steps}");
        if whole {
            let storage = &s.table.storage;
            let split = (0..storage.stripes()).any(|stripe| storage.chains_of(stripe).count() > 2);
            assert!(split, "no chains were split");
            break;
        }
    }
}

/// Kills the operations that a table performs by itself at each step: growth, expiry, eviction.
#[test]
fn a_writer_killed_while_rows_are_removed_loses_no_other_row() {
    type Case = (&'static str, fn(&mut TableBuilder) -> &mut TableBuilder, fn(&Sample), fn(&Sample));
    let cases: [Case; 4] = [
        ("grow", |c| c.grow_to(152), |_| (), |s| s.set(b"new", 777).unwrap()),
        ("evict", |c| c.evicts(), |_| (), |s| s.set(b"new", 777).unwrap()),
        (
            "expire and insert",
            |c| c.expires(),
            |s| assert!(s.table.expire(b"row 7", Some(Duration::ZERO)).unwrap()),
            |s| s.set(b"new", 777).unwrap(),
        ),
        (
            "expire and set",
            |c| c.expires(),
            |s| assert!(s.table.expire(b"row 7", Some(Duration::ZERO)).unwrap()),
            |s| s.set(b"row 7", 7).unwrap(),
        ),
    ];
    let mut kills = 0;
    for (what, change, prepare, write) in cases {
        for steps in 1.. {
            let s = sample_of(64, change);
            for n in 0..76 {
                s.set(format!("row {n}").as_bytes(), n).unwrap();
            }
            prepare(&s);
            let whole = dies_at(steps, || write(&s));
            let mut row = s.table.row();
            if s.table.read(b"new", &mut row) {
                assert_eq!(s.number_in(&row), 777, "{what} at step {steps}");
            }
            let kept = (0..76).filter(|n| s.table.contains(format!("row {n}").as_bytes())).count();
            assert!(kept >= 75, "{what} at step {steps}: {kept} rows are left");
            write(&s);
            assert!(s.table.contains(b"new") || what == "expire and set");
            s.check();
            let rows: Vec<Row> = s.table.iter().collect();
            rows.iter().for_each(|row| assert!(s.table.remove(row.key())));
            s.table.purge();
            // No free row was lost.
            let places = u64::from(s.table.capacity());
            for n in 0..places {
                s.set(format!("again {n}").as_bytes(), 1).unwrap();
            }
            assert_eq!(s.table.len(), places, "{what} at step {steps} lost a free row");
            s.check();
            if whole {
                break;
            }
            kills += 1;
        }
    }
    assert!(kills > 50, "only {kills} kills");
}

#[test]
fn writers_killed_at_any_moment_leave_an_intact_table() {
    killed_at_any_moment(&sample(64));
}

#[test]
fn writers_killed_at_any_moment_leave_an_intact_table_that_evicts() {
    killed_at_any_moment(&sample_of(64, |columns| columns.grow_to(100).evicts().expires()));
}

fn killed_at_any_moment(s: &Sample) {
    let rounds = wanted(2000);
    for round in 0..rounds {
        let Fork::Parent(pid) = process::fork().unwrap() else {
            let mut seed = round as u64 + 1;
            loop {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let key = format!("key {}", seed >> 40 & 127);
                match seed >> 60 & 3 {
                    0 => drop(s.table.remove(key.as_bytes())),
                    1 => drop(s.table.add_to(key.as_bytes(), s.count, Value::Int(1))),
                    2 if seed & 1 << 20 == 0 => drop(s.table.expire(key.as_bytes(), Some(Duration::ZERO))),
                    _ => drop(s.set(key.as_bytes(), (seed >> 33 & 0xffff) as i64)),
                }
            }
        };
        let until = Instant::now() + Duration::from_micros(50 + 13 * (round as u64 % 40));
        let mut row = s.table.row();
        for n in 0.. {
            if s.table.read(format!("key {}", n % 128).as_bytes(), &mut row) {
                s.number_in(&row);
            }
            if Instant::now() > until {
                break;
            }
        }
        process::kill(pid, libc::SIGKILL);
        process::wait_for(pid).unwrap();
        s.check();
    }
    for row in &s.table {
        assert!(s.table.remove(row.key()));
    }
    s.table.purge();
    let places = u64::from(s.table.capacity());
    for n in 0..places {
        s.set(format!("filling {n}").as_bytes(), 1).unwrap();
    }
    assert_eq!(s.table.len(), places, "rows were lost");
}
