//! Counts down the coroutines that a `join` waits for.

use crate::runtime::reactor;
use std::cell::Cell;

/// The state of one `join` call.
pub(super) struct JoinCounter {
    remaining: Cell<usize>,
    token: u64,
}

impl JoinCounter {
    /// Counts `count` coroutines; `token` wakes the joining coroutine.
    pub(super) fn new(count: usize, token: u64) -> Self {
        JoinCounter { remaining: Cell::new(count), token }
    }

    /// Counts one that has ended, and wakes the joining coroutine with the last one.
    pub(super) fn coroutine_finished(&self) {
        let remaining = self.remaining.get().saturating_sub(1);
        self.remaining.set(remaining);
        if remaining == 0 {
            reactor::wake(self.token);
        }
    }
}
