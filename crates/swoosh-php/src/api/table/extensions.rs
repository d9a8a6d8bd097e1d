//! Table extensions that Swoole does not have: growth, expiry, a memory budget with eviction, bulk operations.

use super::data::{Holder, Values, array, convert, given, made, ok_or_report, refused};
use crate::api::shared_memory;
use crate::runtime::last_error;
use std::time::Duration;
use swoosh::shm::table::{TableBuilder, Value};
use swoosh_zend::{Array, Call, Key, PhpResult, ZStr};

/// Between the constructor and `create()`: `grow_to` (rows), `expiry`, `evict` (switches), `budget` (bytes).
pub(super) fn configure(call: &mut Call<'_>) -> PhpResult<bool> {
    let options = call.array(0)?;
    let holder = call.payload::<Holder>();
    if holder.making.borrow().is_none() {
        last_error::warn_misuse("configure() must be called between the constructor and create()");
        return Ok(false);
    }
    let mut chosen = Vec::new();
    for (name, value) in options {
        let name = match name {
            Key::Name(name) => name.to_text().into_owned(),
            Key::Index(index) => index.to_string(),
        };
        let number = value.to_int();
        match (name.as_str(), number) {
            ("grow_to", 1..) => chosen.push(Choice::GrowTo(u32::try_from(number).unwrap_or(u32::MAX))),
            ("budget", 1..) => chosen.push(Choice::Budget(number as usize)),
            ("expiry", _) if value.to_bool() => chosen.push(Choice::Expiry),
            ("evict", _) if value.to_bool() => chosen.push(Choice::Evict),
            ("expiry" | "evict", _) => {}
            _ => {
                last_error::warn_misuse(&format!(
                    "{name} is no option of a table, or has no such value: there are grow_to (rows), budget (bytes), \
                     expiry and evict (true or false)"
                ));
                return Ok(false);
            }
        }
    }
    if let Some(builder) = holder.making.borrow_mut().as_mut() {
        for choice in &chosen {
            match choice {
                Choice::GrowTo(rows) => builder.grow_to(*rows),
                Choice::Budget(bytes) => builder.budget(*bytes),
                Choice::Expiry => builder.expires(),
                Choice::Evict => builder.evicts(),
            };
        }
    }
    holder.extended.set(true);
    Ok(true)
}

enum Choice {
    GrowTo(u32),
    Budget(usize),
    Expiry,
    Evict,
}

/// Like `set`, with a time to live in seconds.
pub(super) fn set_for(call: &mut Call<'_>) -> PhpResult<bool> {
    let (key, values, seconds) = (call.bytes(0)?, call.array(1)?, call.float(2)?);
    let made = made(call)?;
    let (values, _) = convert(&made, values, true)?;
    Ok(ok_or_report(made.table.set_for(key, &given(&values), time(seconds))).is_some())
}

/// Sets a row's time to live; `null` removes it.
pub(super) fn expire(call: &mut Call<'_>) -> PhpResult<bool> {
    let key = call.bytes(0)?;
    let end = if call.has(1) { Some(time(call.float(1)?)) } else { None };
    Ok(ok_or_report(made(call)?.table.expire(key, end)).unwrap_or(false))
}

fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// Removes expired rows; returns their number.
pub(super) fn purge(call: &mut Call<'_>) -> PhpResult<u64> {
    Ok(made(call)?.table.purge())
}

/// The rows of several keys, by key; missing ones are omitted.
pub(super) fn get_many(call: &mut Call<'_>) -> PhpResult<Array> {
    let mut names: Vec<ZStr> = Vec::new();
    for (_, key) in call.array(0)? {
        names.push(key.to_zstr().ok_or(swoosh_zend::Raised::Exception)?);
    }
    let made = made(call)?;
    let keys: Vec<&[u8]> = names.iter().map(ZStr::as_bytes).collect();
    let mut found = Array::with_capacity(keys.len());
    made.table.read_many(&keys, |_, row| {
        if let Some(row) = row {
            found.put(row.key(), array(&made, row));
        }
    });
    Ok(found)
}

/// Sets rows by key; returns how many were set before the first failure.
pub(super) fn set_many(call: &mut Call<'_>) -> PhpResult<usize> {
    let made = made(call)?;
    let mut rows = Vec::new();
    for (key, values) in call.array(0)? {
        let key = match key {
            Key::Name(name) => name.as_bytes().to_vec(),
            Key::Index(index) => index.to_string().into_bytes(),
        };
        let Some(values) = values.array() else {
            last_error::warn_misuse(&format!("the row of {} is no array", String::from_utf8_lossy(&key)));
            return Ok(0);
        };
        rows.push((key, convert(&made, values, true)?.0));
    }
    let values: Vec<Values<Value<'_>>> = rows.iter().map(|(_, values)| given(values)).collect();
    let each = rows.iter().zip(&values).map(|((key, _), values)| (&key[..], &values[..]));
    let (set, problem) = made.table.set_many(each);
    if let Some(problem) = problem {
        refused(problem);
    }
    Ok(set)
}

/// Allocates the table in the arena, if one was reserved.
pub(super) fn use_arena(builder: &mut TableBuilder) {
    if let Some(arena) = shared_memory::arena() {
        builder.arena(&arena);
    }
}
