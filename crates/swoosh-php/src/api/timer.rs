//! `Swoole\Timer`: functions called after a time.

use crate::runtime::timers::Job;
use crate::runtime::{last_error, script_end, timers};
use std::rc::Rc;
use swoosh_zend::{Array, Call, Class, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Zval};

static TIMER: ClassSlot = ClassSlot::new();
static ITERATOR: ClassSlot = ClassSlot::new();

/// Registers the class and its iterator.
pub fn register() {
    ClassBuilder::new("Swoole\\Timer")
        .alias("swoole_timer")
        .method("static tick(int $ms, callable $callback, mixed ...$params): int|false", tick)
        .method("static after(int $ms, callable $callback, mixed ...$params): int|false", after)
        .method("static exists(int $timer_id): bool", exists)
        .method("static info(int $timer_id): ?array", info)
        .method("static stats(): array", stats)
        .method("static list(): Swoole\\Timer\\Iterator", list)
        .method("static clear(int $timer_id): bool", clear)
        .method("static clearAll(): bool", clear_all)
        .register(&TIMER);
    ClassBuilder::new("Swoole\\Timer\\Iterator")
        .alias("swoole_timer_iterator")
        .extends(Class::array_iterator())
        .register(&ITERATOR);
}

/// Calls a function again and again: the timer's id, `false` if the time is less than a millisecond.
pub fn tick(call: &mut Call<'_>) -> PhpResult<OrFalse<u64>> {
    add(call, true)
}

/// Calls a function once: the timer's id, `false` if the time is less than a millisecond.
pub fn after(call: &mut Call<'_>) -> PhpResult<OrFalse<u64>> {
    add(call, false)
}

#[inline]
fn add(call: &Call<'_>, repeats: bool) -> PhpResult<OrFalse<u64>> {
    let ms = call.int(0)?;
    let job = match call.arg(1).and_then(Zval::object) {
        Some(object) if call.count() == 2 && object.is_closure() => Job::Closure(object.clone()),
        _ => Job::Call(Rc::new((call.callable(1)?, call.rest(2).to_vec()))),
    };
    if ms < 1 {
        last_error::warn_misuse("a timer's interval must be at least 1 millisecond");
        return Ok(OrFalse(None));
    }
    script_end::prepare();
    Ok(OrFalse(Some(timers::add(ms as u64, repeats, job))))
}

/// Whether a timer exists.
pub fn exists(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(timers::exists(call.int(0)?))
}

/// The state of a timer; `null` if it does not exist.
pub fn info(call: &mut Call<'_>) -> PhpResult<Option<Array>> {
    Ok(timers::info(call.int(0)?).map(|info| {
        let mut array = Array::new();
        array.insert("exec_msec", info.deadline);
        array.insert("exec_count", info.exec_count);
        array.insert("interval", info.interval);
        array.insert("round", info.round);
        array.insert("removed", info.removed);
        array
    }))
}

/// Counters of all timers.
pub fn stats(_: &mut Call<'_>) -> PhpResult<Array> {
    let stats = timers::stats();
    let mut array = Array::new();
    array.insert("initialized", stats.initialized);
    array.insert("num", stats.num);
    array.insert("round", stats.round);
    Ok(array)
}

/// The ids of all timers, newest first.
pub fn list(_: &mut Call<'_>) -> PhpResult<Object> {
    let ids: Array = timers::ids().into_iter().collect();
    let iterator = Object::new(ITERATOR.get())?;
    iterator.construct(&mut [ids.into_zval()])?;
    Ok(iterator)
}

/// Cancels a timer; `false` if it does not exist.
pub fn clear(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(timers::cancel(call.int(0)?))
}

/// Cancels all timers.
pub fn clear_all(_: &mut Call<'_>) -> PhpResult<bool> {
    timers::cancel_all();
    Ok(true)
}
