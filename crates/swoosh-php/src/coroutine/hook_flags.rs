//! Which of PHP's own functions and streams wait without blocking: the flags of `Swoole\Runtime`.

use super::scheduler::may_wait;
use std::cell::Cell;

thread_local! {
    static FLAGS: Cell<i64> = const { Cell::new(0) };
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

/// Whether a hook is on and a coroutine runs.
#[inline]
pub fn is_on(flag: i64) -> bool {
    flags() & flag != 0 && may_wait()
}

/// SWOOLE_HOOK_SLEEP.
pub const SLEEP: i64 = 512;

/// SWOOLE_HOOK_NET_FUNCTION.
pub const NET_FUNCTION: i64 = 1 << 21;

/// SWOOLE_HOOK_STREAM_FUNCTION.
pub const STREAM_FUNCTION: i64 = 128;
/// SWOOLE_HOOK_ALL.
pub const ALL: i64 = 2_143_287_295;
