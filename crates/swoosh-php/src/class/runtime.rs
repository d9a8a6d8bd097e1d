//! `Swoole\Runtime`: which of PHP's own functions wait without blocking.

use std::cell::Cell;
use swoosh_zend::{Call, ClassBuilder, ClassSlot, PhpResult};

static RUNTIME: ClassSlot = ClassSlot::new();

thread_local! {
    static FLAGS: Cell<i64> = const { Cell::new(0) };
}

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Runtime")
        .method("static enableCoroutine(int $flags = SWOOLE_HOOK_ALL): bool", set)
        .method("static getHookFlags(): int", |_: &mut Call<'_>| Ok(flags()))
        .method("static setHookFlags(int $flags): bool", set)
        .register(&RUNTIME);
}

fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    set_flags(call.int_or(0, ALL)?);
    Ok(true)
}

/// Which hooks are on: SWOOLE_HOOK_ bits.
#[inline]
pub fn flags() -> i64 {
    FLAGS.get()
}

/// Turns hooks on, and all others off.
pub fn set_flags(flags: i64) {
    FLAGS.set(flags);
}

/// SWOOLE_HOOK_ALL.
pub const ALL: i64 = 2_143_287_295;
