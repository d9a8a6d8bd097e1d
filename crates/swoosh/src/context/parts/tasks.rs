//! The tasks that a process has sent.

use std::cell::Cell;

/// Numbers of tasks, and of results that nobody waits for any more.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    next_id: Cell<u64>,
    /// Results that arrived after their waiter had given up.
    late_results: Cell<u64>,
}

impl Tasks {
    /// Number of the next task.
    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.get()
    }

    /// The next task was sent.
    pub(crate) fn note_sent(&self) {
        self.next_id.set(self.next_id.get() + 1);
    }

    /// Number of results that arrived after their waiter had given up.
    pub(crate) fn late_results(&self) -> u64 {
        self.late_results.get()
    }

    /// A result arrived after its waiter had given up.
    pub(crate) fn note_late_result(&self) {
        self.late_results.set(self.late_results.get() + 1);
    }
}
