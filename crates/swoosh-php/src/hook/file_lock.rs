//! Hooks `flock`: a coroutine that waits for a lock lets others run, which may hold it.

use crate::coroutine::hook_flags::{FILE, is_on};
use crate::coroutine::wait;
use std::time::Duration;
use swoosh::sys::flock;
use swoosh::sys::foreign_fd::ForeignFd;
use swoosh_zend::hook::wrap_function;
use swoosh_zend::{Call, PhpResult, runtime};

/// Installs the hook during module startup.
pub(super) fn start_up() {
    wrap_function::<12, _, _>("flock", lock);
}

/// Waits until the lock is held; PHP's own function then acquires it again, which succeeds at once, and keeps its books.
/// The kernel reports no event for a released lock, so it is tried again after pauses that grow.
fn lock(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if !is_on(FILE) || !(2..=3).contains(&call.count()) {
        return Ok(None);
    }
    let operation = call.int(1)?;
    // PHP's numbers: LOCK_SH 1, LOCK_EX 2, LOCK_UN 3, LOCK_NB 4.
    let shared = match operation {
        1 => true,
        2 => false,
        _ => return Ok(None),
    };
    let mut pause = FIRST_PAUSE;
    loop {
        // Looked up each time: the stream may be closed during the wait.
        let Some(fd) = call.arg(0).and_then(runtime::descriptor) else { return Ok(None) };
        match flock::lock(&ForeignFd::new(fd), shared, false) {
            Ok(false) => {}
            // PHP's own function gets the same error and reports it.
            Ok(true) | Err(_) => return Ok(None),
        }
        if !wait::sleep(pause)? {
            return Ok(Some(false));
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);
