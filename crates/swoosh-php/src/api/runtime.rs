//! `Swoole\Runtime`: which of PHP's own functions wait without blocking.

use crate::coroutine::hook_flags::{ALL, flags, set_flags};
use swoosh_zend::{Call, ClassBuilder, ClassSlot, PhpResult};

static RUNTIME: ClassSlot = ClassSlot::new();

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
