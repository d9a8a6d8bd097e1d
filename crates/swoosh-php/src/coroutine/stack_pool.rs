//! Stacks of ended coroutines, kept for the next ones: a new stack costs page faults, a returned one an madvise(2).
//!
//! The pool keeps as many stacks as the last second needed, and gives the memory of the others back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use swoosh::sys::clock::monotonic_nanos;
use swoosh_zend::stack::Stack;

/// The unused stacks of a process.
pub(super) struct StackPool {
    free: RefCell<Vec<Rc<Stack>>>,
    /// The lowest number of unused stacks in this period.
    lowest: Cell<usize>,
    /// The end of the period, in monotonic nanoseconds; 0 while there are at most [`ALWAYS_KEPT`].
    period_end: Cell<u64>,
}

impl StackPool {
    pub(super) const fn new() -> Self {
        StackPool { free: RefCell::new(Vec::new()), lowest: Cell::new(0), period_end: Cell::new(0) }
    }

    /// An idle stack; `None` if there is no memory for a new one.
    #[inline(always)]
    pub(super) fn take(&self) -> Option<Rc<Stack>> {
        let mut free = self.free.borrow_mut();
        match free.pop() {
            Some(stack) => {
                if free.len() < self.lowest.get() {
                    self.lowest.set(free.len());
                }
                Some(stack)
            }
            None => Stack::new().map(Rc::new),
        }
    }

    /// Keeps an idle stack for the next coroutine, unless the pool is full.
    #[inline(always)]
    pub(super) fn give(&self, stack: Rc<Stack>) {
        let mut free = self.free.borrow_mut();
        if free.len() < MAX_KEPT {
            free.push(stack);
        }
    }

    /// Empties the pool.
    pub(super) fn take_all(&self) -> Vec<Rc<Stack>> {
        self.free.take()
    }

    /// Ends the period if its time is over: frees the stacks that were not needed in it. Returns the time until the next
    /// call; `None` if nothing is left to free.
    pub(super) fn trim(&self) -> Option<Duration> {
        let kept = self.free.borrow().len();
        if kept <= ALWAYS_KEPT {
            self.period_end.set(0);
            return None;
        }
        let now = monotonic_nanos();
        let end = self.period_end.get();
        if end == 0 {
            self.lowest.set(kept);
            self.period_end.set(now + PERIOD);
        } else if now >= end {
            let unused = self.lowest.get().min(kept - ALWAYS_KEPT);
            let freed = self.free.borrow_mut().split_off(kept - unused);
            drop(freed);
            self.lowest.set(kept - unused);
            self.period_end.set(now + PERIOD);
        }
        Some(Duration::from_nanos(self.period_end.get().saturating_sub(now)))
    }
}

/// Stacks that are kept however long they are unused.
const ALWAYS_KEPT: usize = 256;
/// The most stacks that are kept, about 10 KB of memory each.
const MAX_KEPT: usize = 16_384;
/// The time after which an unused stack is freed, in nanoseconds.
const PERIOD: u64 = 1_000_000_000;
