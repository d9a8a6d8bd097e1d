//! PHP's output layer.

use super::{PhpResult, ffi};

/// Writes to PHP's output.
pub fn write(bytes: &[u8]) -> PhpResult<()> {
    super::callable::guarded(|| {
        // SAFETY: pointer and length describe `bytes`, which outlives the call and is owned outside of the guard.
        unsafe { ffi::swoosh_write(bytes.as_ptr().cast(), bytes.len()) }
    })
}

/// Flushes and ends the output buffers that the running coroutine has opened. It may run PHP code and therefore not
/// return: call it where a bailout guard is set.
#[inline]
pub fn end_buffers() {
    // SAFETY: runs in PHP's thread on the globals of the running coroutine.
    unsafe { ffi::swoosh_end_output() }
}
