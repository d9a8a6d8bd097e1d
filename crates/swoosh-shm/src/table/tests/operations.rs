//! The effect of each operation, and the limits of a table.

use super::*;
use std::time::Duration;
use swoosh_os::Error;
use swoosh_os::arena::Arena;

#[test]
fn values_are_read_as_set() {
    let s = sample(64);
    s.set(b"a", 7).unwrap();
    let mut row = s.table.row();
    assert!(s.table.read(b"a", &mut row));
    assert_eq!((row.key(), s.number_in(&row)), (&b"a"[..], 7));
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
fn keys_and_values_of_every_length_are_stored_or_refused() {
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
fn a_full_table_refuses_new_rows_and_keeps_its_own() {
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
fn conditions_are_checked_on_the_row_that_is_written() {
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
fn stats_count_operations() {
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
fn many_rows_are_set_and_read_together() {
    let s = sample(64);
    let texts: Vec<String> = (0..100).map(|n| format!("row {n}")).collect();
    let values = [(s.number, Value::Int(1)), (s.text, Value::Text(b"*1")), (s.float, Value::Float(1.0))];
    let rows = texts.iter().map(|key| (key.as_bytes(), &values[..]));
    assert_eq!(s.table.set_many(rows), (76, Some(TableError::Full { rows: 76 })));
    let mut keys: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    keys.insert(3, b"");
    let mut found = Vec::new();
    s.table.read_many(&keys, |n, row| {
        assert!(row.is_none_or(|row| row.key() == keys[n] && s.number_in(row) == 1));
        found.push((n, row.is_some()));
    });
    assert_eq!(found, (0..101).map(|n| (n, n != 3 && n < 77)).collect::<Vec<_>>());
}

#[test]
fn tables_in_an_arena_are_accounted_for() {
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

#[test]
fn a_table_grows_when_its_rows_are_used_up() {
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
fn a_row_expires_and_its_memory_is_reused() {
    let s = sample_of(64, |columns| columns.expires());
    let short = Duration::from_millis(30);
    let values = [(s.number, Value::Int(1)), (s.text, Value::Text(b"*1")), (s.float, Value::Float(1.0))];
    for n in 0..76 {
        s.table.set_for(format!("short {n}").as_bytes(), &values, short).unwrap();
    }
    // Changing values keeps the expiry; it can be changed and removed.
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
    // An expired row counts as absent, and its memory is reused without being removed first.
    assert_eq!(s.table.add_to(b"short 0", s.count, Value::Int(1)), Ok(Value::Int(1)));
    for n in 0..73 {
        s.set(format!("new {n}").as_bytes(), n).unwrap();
    }
    assert_eq!(s.set(b"too many", 5), Err(TableError::Full { rows: 76 }));
    assert!(s.table.contains(b"short 0") && s.table.contains(b"short 1") && s.table.contains(b"short 2"));
    s.check();
    let stats = s.table.stats();
    assert_eq!((stats.expired, stats.evicted, stats.rows), (74, 0, 76));
    // A new row does not inherit the expiry of an expired one.
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!((s.table.purge(), s.table.len()), (0, 76));
    assert_eq!(s.table.expire(b"new 1", Some(Duration::ZERO)), Ok(true));
    assert_eq!((s.table.purge(), s.table.len()), (1, 75));
    assert_eq!(sample(64).table.set_for(b"a", &[], short), Err(TableError::NoExpiry));
}

#[test]
fn a_budget_evicts_rows_that_are_not_used() {
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
    // By `add_to` too, and from two processes at once.
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
