use super::*;
use crate::chains::Chains;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};
use swoosh_os::process::{self, Fork};

/// Steps until this process is killed; 0 or less: never.
static STEPS: AtomicI64 = AtomicI64::new(0);

/// The table's code calls this between two of its steps.
pub(super) fn step() {
    if STEPS.load(Ordering::Relaxed) > 0 && STEPS.fetch_sub(1, Ordering::Relaxed) == 1 {
        process::kill(process::pid(), libc::SIGKILL);
    }
}

struct Sample {
    table: Table,
    number: Column,
    text: Column,
    float: Column,
    count: Column,
}

/// A table whose rows all say the same thing three times, so that half a row shows; `count` goes its own way.
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

    /// What a row says; panics if it does not say it three times.
    fn said(&self, row: &Row) -> i64 {
        let n = row.get(self.number).and_then(Value::int).unwrap();
        assert_eq!(row.get(self.float), Some(Value::Float(n as f64)), "half a row");
        let text = wide(n);
        // A row that only `add_to` made says nothing yet.
        let text = if n == 0 && row.get(self.text) == Some(Value::Text(b"")) { "" } else { &text };
        assert_eq!(row.get(self.text), Some(Value::Text(text.as_bytes())), "half a row");
        n
    }

    /// The table is whole: what is met is found, is counted, and there is as much room as there should be.
    fn check(&self) {
        self.table.purge();
        let mut row = self.table.row();
        let mut met = 0;
        for copy in &self.table {
            self.said(&copy);
            assert!(self.table.read(copy.key(), &mut row), "a row that cannot be found");
            assert_eq!(row, copy);
            met += 1;
        }
        assert_eq!(self.table.len(), met);
    }

    /// Fills it up, tells how many rows went in, and empties it.
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

/// Runs `writer` in a process of its own that is killed at its `steps`th step; true if it came to its end before.
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

#[test]
fn what_is_set_is_read() {
    let s = sample(64);
    s.set(b"a", 7).unwrap();
    let mut row = s.table.row();
    assert!(s.table.read(b"a", &mut row));
    assert_eq!((row.key(), s.said(&row)), (&b"a"[..], 7));
    assert_eq!(row.named("text"), Some(Value::Text(wide(7).as_bytes())));
    assert!(!s.table.read(b"b", &mut row) && !s.table.contains(b"b") && s.table.contains(b"a"));
    s.table.set(b"a", &[(s.text, Value::Text(b""))]).unwrap();
    assert_eq!((s.table.text(b"a", s.text), s.table.int(b"a", s.number)), (Some(vec![]), Some(7)));
    assert_eq!(s.table.add_to(b"a", s.count, Value::Int(5)), Ok(Value::Int(5)));
    assert_eq!(s.table.add_to(b"a", s.float, Value::Float(0.5)), Ok(Value::Float(7.5)));
    assert_eq!(s.table.add_to(b"new", s.count, Value::Int(-1)), Ok(Value::Int(-1)));
    assert_eq!(s.table.add_to(b"a", s.count, Value::Int(i64::MAX)), Ok(Value::Int(i64::MIN + 4)));
    assert_eq!(s.table.len(), 2);
    assert!(s.table.take(b"a", &mut row) && row.get(s.float) == Some(Value::Float(7.5)));
    assert!(!s.table.remove(b"a") && s.table.remove(b"new") && s.table.is_empty());
}

#[test]
fn keys_and_values_of_every_length_are_kept_or_refused() {
    let s = sample(1024);
    for length in 0..200 {
        let key = vec![b'k'; length];
        let value = vec![b'v'; length];
        let set = s.table.set(&key, &[]);
        assert_eq!(set, if (1..=63).contains(&length) { Ok(()) } else { Err(TableError::KeyLength { length }) });
        let set = s.table.set(b"value", &[(s.text, Value::Text(&value)), (s.number, Value::Int(1))]);
        assert_eq!(set, if length <= 48 { Ok(()) } else { Err(TableError::ValueType { column: s.text.index() }) });
        assert_eq!(s.table.text(b"value", s.text).unwrap().len(), length.min(48));
    }
    assert_eq!(s.table.len(), 64);
    assert!((1..=63).all(|length| s.table.contains(&vec![b'k'; length])));
    assert_eq!(s.table.set(b"x", &[(s.number, Value::Float(1.0))]), Err(TableError::ValueType { column: 0 }));
    assert_eq!(s.table.add_to(b"x", s.text, Value::Int(1)), Err(TableError::ValueType { column: s.text.index() }));
    assert!(!s.table.contains(b"x"));
}

#[test]
fn a_full_table_refuses_and_keeps_what_it_has() {
    let s = sample(64);
    let mut n = 0;
    let refused = loop {
        match s.set(format!("row {n}").as_bytes(), n) {
            Ok(()) => n += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((n, refused), (76, TableError::Full { rows: 76 }));
    assert_eq!(s.table.add_to(b"more", s.count, Value::Int(1)), Err(refused));
    assert_eq!(
        Error::from(refused).to_string(),
        "write to a shared table: the table is full: all its 76 rows are taken"
    );
    s.set(b"row 3", 1003).unwrap();
    s.check();
    assert!(s.table.remove(b"row 5"));
    s.set(b"another", 5).unwrap();
    assert!(s.set(b"yet another", 5).is_err());
    s.check();
    assert_eq!(s.table.stats().rows, 76);
}

#[test]
fn conditions_are_asked_of_the_row_that_is_written() {
    let s = sample(64);
    let (seven, eight) = ([(s.number, Value::Int(7))], [(s.number, Value::Int(8))]);
    assert_eq!(s.table.write(b"a", WriteIf::Present, &[], &seven), Ok(false));
    assert_eq!(s.table.write(b"a", WriteIf::Always, &seven, &eight), Ok(false));
    assert_eq!(s.table.write(b"a", WriteIf::Absent, &[], &seven), Ok(true));
    assert_eq!(s.table.write(b"a", WriteIf::Absent, &[], &eight), Ok(false));
    assert_eq!(s.table.write(b"a", WriteIf::Always, &eight, &eight), Ok(false));
    assert_eq!(s.table.write(b"a", WriteIf::Present, &seven, &eight), Ok(true));
    assert!(!s.table.remove_if(b"a", &seven) && s.table.remove_if(b"a", &eight));
}

#[test]
fn stats_count_what_was_done() {
    let s = sample(64);
    for n in 0..40 {
        s.set(format!("{n}").as_bytes(), n).unwrap();
    }
    s.set(b"1", 5).unwrap();
    s.table.add_to(b"2", s.count, Value::Int(1)).unwrap();
    s.table.remove(b"3");
    let stats = s.table.stats();
    assert_eq!((stats.rows, stats.inserted, stats.updated, stats.removed), (39, 40, 2, 1));
    assert_eq!((stats.capacity, stats.extra), (76, 12));
    assert!(stats.conflicts < 39 && stats.longest < 20 && (stats.longest > 0) == (stats.conflicts > 0));
}

#[test]
fn a_row_that_stays_is_met_once_while_others_come_and_go() {
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
            .inspect(|row| assert!(s.said(row) >= 0))
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

/// Every operation, cut off at each of its steps, on a table whose chains are long and whose free rows were used before.
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
                assert!(right(there.then(|| s.said(&row))), "{what} at step {steps}");
                if s.table.read(b"new", &mut row) {
                    assert_eq!(s.said(&row), 777, "{what} at step {steps}");
                }
                // The next writers get everything to work again; those that also die do so no worse.
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

/// Many insertions, of which some split chains, cut off at each step in turn: what was said to be there is there.
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
        // Half of the times the next one who gets the lock dies too.
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
            assert!(s.table.storage.chains_of(0).count() > 2, "no chains were split");
            break;
        }
    }
}

#[test]
fn readers_find_what_stays_while_chains_are_split() {
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

/// How many kills are asked for, `usual` if nobody asks.
fn wanted(usual: i64) -> i64 {
    std::env::var("SWOOSH_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_table_grows_when_its_first_rows_are_used_up() {
    let s = sample_of(64, |columns| columns.grow_to(1000));
    assert_eq!((s.table.size(), s.table.capacity(), s.table.stats().room), (64, 1000, 76));
    for n in 0..1000 {
        s.set(format!("row {n}").as_bytes(), n).unwrap();
        assert_eq!(s.table.stats().room, [76, 152, 304, 608, 1000].into_iter().find(|room| n < *room).unwrap() as u64);
    }
    assert_eq!(s.set(b"one more", 1), Err(TableError::Full { rows: 1000 }));
    s.check();
    assert!(s.table.stats().longest < 20);
}

#[test]
fn a_row_is_there_until_its_end_and_its_place_is_used_again() {
    let s = sample_of(64, |columns| columns.expires());
    let short = Duration::from_millis(30);
    let values = [(s.number, Value::Int(1)), (s.text, Value::Text(b"*1")), (s.float, Value::Float(1.0))];
    for n in 0..76 {
        s.table.set_for(format!("short {n}").as_bytes(), &values, short).unwrap();
    }
    // The end stays while values change; it can be moved, and taken away.
    s.set(b"short 0", 2).unwrap();
    s.table.add_to(b"short 0", s.count, Value::Int(1)).unwrap();
    assert_eq!(s.table.expire(b"short 1", Some(Duration::from_secs(3600))), Ok(true));
    assert_eq!(s.table.expire(b"short 2", None), Ok(true));
    assert_eq!(s.table.expire(b"none", None), Ok(false));
    assert_eq!(s.set(b"too early", 5), Err(TableError::Full { rows: 76 }));
    std::thread::sleep(Duration::from_millis(150));
    let mut row = s.table.row();
    assert!(!s.table.read(b"short 0", &mut row) && !s.table.contains(b"short 3") && s.table.contains(b"short 1"));
    assert!(s.table.int(b"short 4", s.number).is_none() && !s.table.remove(b"short 5") && s.table.contains(b"short 2"));
    assert_eq!(s.table.iter().count(), 2);
    // A sum begins anew, and places are taken for new rows although nobody has removed the old ones.
    assert_eq!(s.table.add_to(b"short 0", s.count, Value::Int(1)), Ok(Value::Int(1)));
    for n in 0..73 {
        s.set(format!("new {n}").as_bytes(), n).unwrap();
    }
    assert_eq!(s.set(b"too many", 5), Err(TableError::Full { rows: 76 }));
    assert!(s.table.contains(b"short 0") && s.table.contains(b"short 1") && s.table.contains(b"short 2"));
    s.check();
    let stats = s.table.stats();
    assert_eq!((stats.expired, stats.evicted, stats.rows), (74, 0, 76));
    // A row that was set anew has no end of its predecessor's.
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!((s.table.purge(), s.table.len()), (0, 76));
    assert_eq!(s.table.expire(b"new 1", Some(Duration::ZERO)), Ok(true));
    assert_eq!((s.table.purge(), s.table.len()), (1, 75));
    assert_eq!(sample(64).table.set_for(b"a", &[], short), Err(TableError::NoExpiry));
}

#[test]
fn a_budget_keeps_what_is_used_and_drops_what_is_not() {
    let bytes = sample(64).table.row_bytes();
    let s = sample_of(1024, |columns| columns.budget(100 * bytes + 5));
    assert_eq!(s.table.capacity(), 100);
    let mut row = s.table.row();
    for n in 0..1000 {
        s.set(format!("row {n}").as_bytes(), n).unwrap();
        assert!(s.table.read(b"row 0", &mut row), "a row that is read all the time was dropped at {n}");
    }
    let stats = s.table.stats();
    assert_eq!((stats.rows, stats.evicted), (100, 900));
    s.check();
    // Also by a sum, and in two processes at once.
    let Fork::Parent(pid) = process::fork().unwrap() else {
        (0..3000).for_each(|n| s.set(format!("child {n}").as_bytes(), n).unwrap());
        process::exit_now(0)
    };
    for n in 0..3000 {
        s.table.add_to(format!("sum {n}").as_bytes(), s.count, Value::Int(1)).unwrap();
    }
    assert_eq!(process::wait_for(pid).unwrap().status, 0);
    assert_eq!(s.table.len(), 100);
    s.check();
}

#[test]
fn many_rows_are_set_and_read_at_once() {
    let s = sample(64);
    let texts: Vec<String> = (0..100).map(|n| format!("row {n}")).collect();
    let values = [(s.number, Value::Int(1)), (s.text, Value::Text(b"*1")), (s.float, Value::Float(1.0))];
    let rows = texts.iter().map(|key| (key.as_bytes(), &values[..]));
    assert_eq!(s.table.set_many(rows), (76, Some(TableError::Full { rows: 76 })));
    let mut keys: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    keys.insert(3, b"");
    let mut found = Vec::new();
    s.table.read_many(&keys, |n, row| {
        assert!(row.is_none_or(|row| row.key() == keys[n] && s.said(row) == 1));
        found.push((n, row.is_some()));
    });
    assert_eq!(found, (0..101).map(|n| (n, n != 3 && n < 77)).collect::<Vec<_>>());
}

#[test]
fn tables_of_an_arena_say_who_has_how_much() {
    let arena = Arena::reserve(200 << 10).unwrap();
    let s = sample_of(64, |columns| columns.arena(&arena));
    s.set(b"a", 7).unwrap();
    let other = sample_of(64, |columns| columns.arena(&arena));
    assert!(other.table.is_empty() && s.table.contains(b"a"));
    assert_eq!(arena.allocations().len(), 2);
    assert_eq!(arena.used(), arena.allocations().iter().map(|piece| piece.bytes).sum::<usize>());
    let mut columns = Table::builder(1 << 20);
    columns.column("n", ColumnKind::Int);
    columns.arena(&arena);
    let error = columns.build().unwrap_err().to_string();
    assert!(error.starts_with("take from the arena: a table of 1258291 rows of 128 bytes needs "), "{error}");
}

/// As above, for what a table does by itself: it grows, rows go at their end, and make room.
#[test]
fn a_writer_killed_while_rows_are_dropped_loses_none_of_the_others() {
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
                assert_eq!(s.said(&row), 777, "{what} at step {steps}");
            }
            let kept = (0..76).filter(|n| s.table.contains(format!("row {n}").as_bytes())).count();
            assert!(kept >= 75, "{what} at step {steps}: {kept} rows are left");
            write(&s);
            assert!(s.table.contains(b"new") || what == "expire and set");
            s.check();
            let rows: Vec<Row> = s.table.iter().collect();
            rows.iter().for_each(|row| assert!(s.table.remove(row.key())));
            s.table.purge();
            // All places are there still.
            let places = u64::from(s.table.capacity());
            for n in 0..places {
                s.set(format!("again {n}").as_bytes(), 1).unwrap();
            }
            assert_eq!(s.table.len(), places, "{what} at step {steps} lost a place");
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
fn writers_killed_at_any_moment_leave_a_whole_table() {
    killed_at_any_moment(&sample(64));
}

#[test]
fn writers_killed_at_any_moment_leave_a_whole_table_that_drops_rows() {
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
                s.said(&row);
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

#[test]
fn readers_and_writers_of_one_row_see_whole_rows_only() {
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
            s.said(&row);
            let count = row.get(s.count).and_then(Value::int).unwrap();
            assert!(count >= last, "an older row after a newer one");
            last = count;
        }
    });
    assert_eq!(s.table.int(b"row", s.count), Some(60_000));
}
