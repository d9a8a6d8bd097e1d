//! Hooks: PHP's own functions and streams, which in a coroutine wait without blocking the others.
//!
//! Each asks `Swoole\Runtime`'s flags and whether a coroutine runs; if not, PHP's own code goes on.

mod names;
mod sleep;
mod stream;

use crate::class::runtime::flags;
use crate::coroutine;

/// The module starts.
pub fn start_up() {
    names::start_up();
    sleep::start_up();
    stream::start_up();
}

/// Whether a hook is on and a coroutine runs.
#[inline]
fn is_on(flag: i64) -> bool {
    flags() & flag != 0 && coroutine::may_wait()
}

const SLEEP: i64 = 512;
const NET_FUNCTION: i64 = 1 << 21;
const STREAM_FUNCTION: i64 = 128;
