//! Waiting for the end of several coroutines.

use crate::runtime::reactor;
use std::cell::Cell;

/// Somebody waits for some coroutines to end.
pub struct JoinCounter {
    left: Cell<usize>,
    token: u64,
}

impl JoinCounter {
    /// For so many coroutines; the token wakes the one that waits.
    pub fn new(count: usize, token: u64) -> Self {
        JoinCounter { left: Cell::new(count), token }
    }

    /// One of them is over.
    pub fn coroutine_finished(&self) {
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        if left == 0 {
            reactor::wake(self.token);
        }
    }
}
