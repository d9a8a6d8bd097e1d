//! The hook flags of `Swoole\Runtime`: which of PHP's own functions and streams suspend the coroutine instead of blocking.

use super::scheduler::may_wait;
use std::cell::Cell;

thread_local! {
    static FLAGS: Cell<i64> = const { Cell::new(0) };
}

/// The enabled hooks, as `SWOOLE_HOOK_*` bits.
#[inline]
pub fn flags() -> i64 {
    FLAGS.get()
}

/// Enables these hooks and disables all others.
pub fn set_flags(flags: i64) {
    FLAGS.set(flags);
}

/// Whether a hook is enabled and the caller may wait.
#[inline]
pub fn is_on(flag: i64) -> bool {
    flags() & flag != 0 && may_wait()
}

/// SWOOLE_HOOK_FILE.
pub const FILE: i64 = 256;

/// SWOOLE_HOOK_SLEEP.
pub const SLEEP: i64 = 512;

/// SWOOLE_HOOK_NET_FUNCTION.
pub const NET_FUNCTION: i64 = 1 << 21;

/// SWOOLE_HOOK_STREAM_FUNCTION.
pub const STREAM_FUNCTION: i64 = 128;
/// SWOOLE_HOOK_ALL.
pub const ALL: i64 = 2_143_287_295;
