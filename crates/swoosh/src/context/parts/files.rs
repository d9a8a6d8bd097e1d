//! Files of a worker's channel that arrived before their messages.

use std::cell::RefCell;
use std::fs::File;

/// Files that arrived before their messages and could not be put back into the channel, by number.
#[derive(Default)]
pub(crate) struct Files(RefCell<Vec<(u64, File)>>);

impl Files {
    /// Calls `receive` with the files.
    pub(crate) fn with<R>(&self, receive: impl FnOnce(&mut Vec<(u64, File)>) -> R) -> R {
        receive(&mut self.0.borrow_mut())
    }
}
