//! `Swoole\Atomic` and `Swoole\Atomic\Long`: counters shared with forked processes.

use std::time::Duration;
use swoosh::shm::atomic::{Atomic, AtomicLong};
use swoosh_zend::{Call, ClassBuilder, ClassSlot, PhpResult, Raised, error};

static ATOMIC: ClassSlot = ClassSlot::new();
static LONG: ClassSlot = ClassSlot::new();

/// A shared 32-bit counter, or the error of its allocation.
pub struct Short(swoosh::Result<Atomic>);
/// Like [`Short`], 64 bits.
pub struct Long(swoosh::Result<AtomicLong>);

impl Default for Short {
    fn default() -> Self {
        Short(Atomic::new(0).map_err(Into::into))
    }
}

impl Default for Long {
    fn default() -> Self {
        Long(AtomicLong::new(0).map_err(Into::into))
    }
}

swoosh_zend::payload!(Short);
swoosh_zend::payload!(Long);

/// Registers both classes.
pub fn register() {
    ClassBuilder::new("Swoole\\Atomic")
        .alias("swoole_atomic")
        .payload::<Short>()
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
        .payload::<Long>()
        .method("__construct(int $value = 0)", long_construct)
        .method("add(int $add_value = 1): int", long_add)
        .method("sub(int $sub_value = 1): int", long_sub)
        .method("get(): int", long_get)
        .method("set(int $value): void", long_set)
        .method("cmpset(int $cmp_value, int $new_value): bool", long_compare_and_set)
        .register(&LONG);
}

#[inline]
fn short<'a>(call: &Call<'a>) -> PhpResult<&'a Atomic> {
    call.payload::<Short>().0.as_ref().map_err(no_memory)
}

#[inline]
fn long<'a>(call: &Call<'a>) -> PhpResult<&'a AtomicLong> {
    call.payload::<Long>().0.as_ref().map_err(no_memory)
}

#[cold]
fn no_memory(error: &swoosh::Error) -> Raised {
    error::throw_error(&error.to_string())
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    short(call)?.set(call.int_or(0, 0)? as u32);
    Ok(())
}

/// Adds modulo 2^32; returns the sum.
fn add(call: &mut Call<'_>) -> PhpResult<u32> {
    let value = call.int_or(0, 1)? as u32;
    Ok(short(call)?.add(value))
}

fn sub(call: &mut Call<'_>) -> PhpResult<u32> {
    let value = call.int_or(0, 1)? as u32;
    Ok(short(call)?.sub(value))
}

fn get(call: &mut Call<'_>) -> PhpResult<u32> {
    Ok(short(call)?.get())
}

fn set(call: &mut Call<'_>) -> PhpResult<()> {
    let value = call.int(0)? as u32;
    short(call)?.set(value);
    Ok(())
}

fn compare_and_set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (old, new) = (call.int(0)? as u32, call.int(1)? as u32);
    Ok(short(call)?.compare_and_set(old, new))
}

/// Waits for 1 and sets 0; a timeout of zero or less is unlimited. Any other value returns at once.
fn wait(call: &mut Call<'_>) -> PhpResult<bool> {
    let seconds = call.float_or(0, 1.0)?;
    let limit = if seconds > 0.0 { Duration::try_from_secs_f64(seconds).ok() } else { None };
    Ok(short(call)?.wait(limit))
}

/// Sets 0 to 1 and wakes waiters.
fn wakeup(call: &mut Call<'_>) -> PhpResult<bool> {
    let count = call.int_or(0, 1)?;
    short(call)?.wake(u32::try_from(count).unwrap_or(u32::MAX));
    Ok(true)
}

fn long_construct(call: &mut Call<'_>) -> PhpResult<()> {
    long(call)?.set(call.int_or(0, 0)?);
    Ok(())
}

fn long_add(call: &mut Call<'_>) -> PhpResult<i64> {
    let value = call.int_or(0, 1)?;
    Ok(long(call)?.add(value))
}

fn long_sub(call: &mut Call<'_>) -> PhpResult<i64> {
    let value = call.int_or(0, 1)?;
    Ok(long(call)?.sub(value))
}

fn long_get(call: &mut Call<'_>) -> PhpResult<i64> {
    Ok(long(call)?.get())
}

fn long_set(call: &mut Call<'_>) -> PhpResult<()> {
    let value = call.int(0)?;
    long(call)?.set(value);
    Ok(())
}

fn long_compare_and_set(call: &mut Call<'_>) -> PhpResult<bool> {
    let (old, new) = (call.int(0)?, call.int(1)?);
    Ok(long(call)?.compare_and_set(old, new))
}
