//! Files of a worker's channel that arrived before their messages, and the numbers of files that it sends.

use crate::sys::process;
use std::cell::{Cell, RefCell};
use std::fs::File;

/// Files that arrived before their messages and could not be put back into the channel, by number.
#[derive(Default)]
pub(crate) struct Files {
    early: RefCell<Vec<(u64, File)>>,
    sequence: Cell<Option<u32>>,
}

impl Files {
    /// A number for a file that this process sends. The process id keeps the numbers of several senders apart, the random
    /// start those of a later process with that id.
    pub(crate) fn next_number(&self) -> u64 {
        let start = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) as u32;
        let sequence = self.sequence.get().unwrap_or_else(start);
        self.sequence.set(Some(sequence.wrapping_add(1)));
        u64::from(process::cached_pid().unsigned_abs()) << 32 | u64::from(sequence)
    }

    /// Calls `receive` with the files.
    pub(crate) fn with<R>(&self, receive: impl FnOnce(&mut Vec<(u64, File)>) -> R) -> R {
        receive(&mut self.early.borrow_mut())
    }
}
