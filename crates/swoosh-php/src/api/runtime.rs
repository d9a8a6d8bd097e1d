//! `Swoole\Runtime`: which of PHP's own functions wait without blocking.

use crate::coroutine::hook_flags::{ALL, flags, set_flags, warn_of_unserved};
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
    let flags = call.int_or(0, ALL)?;
    // A framework that asks for everything gets what there is.
    if flags != ALL {
        warn_of_unserved(flags);
    }
    set_flags(flags);
    Ok(true)
}
