//! `Swoole\Runtime`: which of PHP's own functions wait without blocking.

use crate::coroutine::configure;
use crate::coroutine::hook_flags::{ALL, flags, warn_of_unserved};
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, PhpResult};

static RUNTIME: ClassSlot = ClassSlot::new();

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Runtime")
        .method("static enableCoroutine(int $flags = SWOOLE_HOOK_ALL): bool", set)
        .method("static getHookFlags(): int", |_: &mut Call<'_>| Ok(flags()))
        .method("static setHookFlags(int $flags): bool", set)
        .register(&RUNTIME);
}

/// Also sets the option, so that a later `run` does not turn all hooks on.
fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let flags = call.int_or(0, ALL)?;
    // A framework that asks for everything gets what there is.
    if flags != ALL {
        warn_of_unserved(flags);
    }
    let mut settings = Array::new();
    settings.insert("hook_flags", flags);
    configure::apply(&settings);
    Ok(true)
}
