//! `Swoole\Atomic` and `Swoole\Atomic\Long`: numbers that a process shares with the children it forks.

use crate::zend::shared::SharedWord;
use crate::zend::{Call, ClassBuilder, ClassSlot, PhpResult, error};
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

static ATOMIC: ClassSlot = ClassSlot::new();
static LONG: ClassSlot = ClassSlot::new();

/// The word behind an object; `None` if the kernel had no memory.
pub struct Cell(Option<SharedWord>);

impl Default for Cell {
    fn default() -> Self {
        Cell(SharedWord::new())
    }
}

crate::payload!(Cell);

/// Registers both classes.
pub fn register() {
    ClassBuilder::new("Swoole\\Atomic")
        .alias("swoole_atomic")
        .payload::<Cell>()
        .method("__construct(int $value = 0)", construct)
        .method("add(int $add_value = 1): int", add)
        .method("sub(int $sub_value = 1): int", sub)
        .method("get(): int", get)
        .method("set(int $value): void", set)
        .method("wait(float $timeout = 1.0): bool", wait)
        .method("wakeup(int $count = 1): bool", wakeup)
        .method("cmpset(int $cmp_value, int $new_value): bool", compare_and_set)
        .register(&ATOMIC);
    ClassBuilder::new("Swoole\\Atomic\\Long")
        .alias("swoole_atomic_long")
        .payload::<Cell>()
        .method("__construct(int $value = 0)", long_construct)
        .method("add(int $add_value = 1): int", long_add)
        .method("sub(int $sub_value = 1): int", long_sub)
        .method("get(): int", long_get)
        .method("set(int $value): void", long_set)
        .method("cmpset(int $cmp_value, int $new_value): bool", long_compare_and_set)
        .register(&LONG);
}

#[inline]
fn word<'a>(call: &Call<'a>) -> PhpResult<&'a SharedWord> {
    call.payload::<Cell>().0.as_ref().ok_or_else(|| error::throw_error("there is no shared memory left"))
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    word(call)?.word().store(call.int_or(0, 0)? as u32, SeqCst);
    Ok(())
}

/// Adds, of which the lowest 32 bits count; gives the sum.
fn add(call: &mut Call<'_>) -> PhpResult<u32> {
    let value = call.int_or(0, 1)? as u32;
    Ok(word(call)?.word().fetch_add(value, SeqCst).wrapping_add(value))
}

fn sub(call: &mut Call<'_>) -> PhpResult<u32> {
    let value = call.int_or(0, 1)? as u32;
    Ok(word(call)?.word().fetch_sub(value, SeqCst).wrapping_sub(value))
}

fn get(call: &mut Call<'_>) -> PhpResult<u32> {
    Ok(word(call)?.word().load(SeqCst))
}

fn set(call: &mut Call<'_>) -> PhpResult<()> {
    let value = call.int(0)? as u32;
    word(call)?.word().store(value, SeqCst);
    Ok(())
}

fn compare_and_set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (old, new) = (call.int(0)? as u32, call.int(1)? as u32);
    Ok(word(call)?.word().compare_exchange(old, new, SeqCst, SeqCst).is_ok())
}

/// Waits until the number is 1 and makes it 0; a negative or zero time is without limit. A number that is neither 0 nor
/// 1 is not waited for.
fn wait(call: &mut Call<'_>) -> PhpResult<bool> {
    let seconds = call.float_or(0, 1.0)?;
    let word = word(call)?;
    let limit = if seconds > 0.0 { Duration::try_from_secs_f64(seconds).ok() } else { None };
    let end = limit.and_then(|limit| std::time::Instant::now().checked_add(limit));
    loop {
        if word.word().compare_exchange(1, 0, SeqCst, SeqCst).is_ok() {
            return Ok(true);
        }
        let left = end.map(|end| end.saturating_duration_since(std::time::Instant::now()));
        if !word.wait(0, left) {
            return Ok(false);
        }
        if word.word().load(SeqCst) > 1 {
            return Ok(false);
        }
    }
}

/// Makes a 0 a 1 and wakes who waits for that.
fn wakeup(call: &mut Call<'_>) -> PhpResult<bool> {
    let count = call.int_or(0, 1)?;
    let word = word(call)?;
    if word.word().compare_exchange(0, 1, SeqCst, SeqCst).is_ok() {
        word.wake(i32::try_from(count).unwrap_or(i32::MAX));
    }
    Ok(true)
}

fn long_construct(call: &mut Call<'_>) -> PhpResult<()> {
    word(call)?.long().store(call.int_or(0, 0)?, SeqCst);
    Ok(())
}

fn long_add(call: &mut Call<'_>) -> PhpResult<i64> {
    let value = call.int_or(0, 1)?;
    Ok(word(call)?.long().fetch_add(value, SeqCst).wrapping_add(value))
}

fn long_sub(call: &mut Call<'_>) -> PhpResult<i64> {
    let value = call.int_or(0, 1)?;
    Ok(word(call)?.long().fetch_sub(value, SeqCst).wrapping_sub(value))
}

fn long_get(call: &mut Call<'_>) -> PhpResult<i64> {
    Ok(word(call)?.long().load(SeqCst))
}

fn long_set(call: &mut Call<'_>) -> PhpResult<()> {
    let value = call.int(0)?;
    word(call)?.long().store(value, SeqCst);
    Ok(())
}

fn long_compare_and_set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (old, new) = (call.int(0)?, call.int(1)?);
    Ok(word(call)?.long().compare_exchange(old, new, SeqCst, SeqCst).is_ok())
}
