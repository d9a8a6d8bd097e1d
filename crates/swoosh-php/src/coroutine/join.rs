//! Waiting for the end of several coroutines.

use crate::runtime::reactor;
use std::cell::Cell;

/// Somebody waits for some coroutines to end.
pub struct Join {
    left: Cell<usize>,
    token: u64,
}

impl Join {
    /// For so many coroutines; the token wakes the one that waits.
    pub fn new(count: usize, token: u64) -> Self {
        Join { left: Cell::new(count), token }
    }

    /// One of them is over.
    pub fn one_ended(&self) {
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        if left == 0 {
            reactor::wake(self.token);
        }
    }
}
