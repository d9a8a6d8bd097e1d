//! The sender of a process, and its received messages.

use crate::ipc::{Message, Reassembly, Sender};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// The mail of one process.
pub(crate) struct Mail {
    sender: Sender,
    /// Messages that were taken while this process waited for something else.
    deferred: RefCell<VecDeque<Message>>,
    messages: Rc<RefCell<Reassembly>>,
    results: RefCell<Reassembly>,
}

impl Mail {
    pub(crate) fn new() -> Self {
        Mail {
            sender: Sender::waking_at_once(),
            deferred: RefCell::default(),
            messages: Rc::default(),
            results: RefCell::default(),
        }
    }

    /// The sender of this process.
    pub(crate) fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The reassembly of this process's mailbox for messages.
    pub(crate) fn messages(&self) -> &Rc<RefCell<Reassembly>> {
        &self.messages
    }

    /// The reassembly that this process uses while it waits for task results.
    pub(crate) fn results(&self) -> &RefCell<Reassembly> {
        &self.results
    }

    /// Keeps a message until the process has time for it.
    pub(crate) fn defer(&self, message: Message) {
        self.deferred.borrow_mut().push_back(message);
    }

    /// Whether a message is kept.
    pub(crate) fn has_deferred(&self) -> bool {
        !self.deferred.borrow().is_empty()
    }

    /// The oldest message that was kept.
    pub(crate) fn next_deferred(&self) -> Option<Message> {
        self.deferred.borrow_mut().pop_front()
    }
}
