//! The part of a request that has arrived.

use std::cell::{Cell, RefCell};
use std::task::Waker;

/// A request, shared by its connection and its stream.
pub(super) struct Request {
    pub(super) number: u32,
    /// The HTTP/1 message of its head.
    pub(super) head: Vec<u8>,
    body: RefCell<Vec<u8>>,
    is_complete: Cell<bool>,
    /// The code that it was reset with.
    reset: Cell<Option<u32>>,
    /// The coroutine that waits for its body.
    reader: RefCell<Option<Waker>>,
    /// The coroutine that waits for the window of its response.
    writer: RefCell<Option<Waker>>,
}

impl Request {
    pub(super) fn new(number: u32, head: &[u8], is_complete: bool) -> Self {
        Request {
            number,
            head: head.to_vec(),
            body: RefCell::default(),
            is_complete: Cell::new(is_complete),
            reset: Cell::new(None),
            reader: RefCell::default(),
            writer: RefCell::default(),
        }
    }

    /// A part of its body has arrived.
    pub(super) fn push(&self, data: &[u8]) {
        self.body.borrow_mut().extend_from_slice(data);
        wake(&self.reader);
    }

    /// Its body is complete.
    pub(super) fn complete(&self) {
        self.is_complete.set(true);
        wake(&self.reader);
    }

    /// It was reset, by either side.
    pub(super) fn note_reset(&self, code: u32) {
        if self.reset.get().is_none() {
            self.reset.set(Some(code));
        }
        wake(&self.reader);
        wake(&self.writer);
    }

    pub(super) fn reset(&self) -> Option<u32> {
        self.reset.get()
    }

    /// Takes what has arrived of its body: `Some` of nothing at its end. `None`: nothing more has arrived; `reader` is woken
    /// when it has.
    pub(super) fn take(&self, reader: &Waker) -> Option<Vec<u8>> {
        let body = self.body.take();
        if body.is_empty() && !self.is_complete.get() {
            *self.reader.borrow_mut() = Some(reader.clone());
            return None;
        }
        Some(body)
    }

    /// Registers the waker of the coroutine that sends its response.
    pub(super) fn wait_for_capacity(&self, writer: &Waker) {
        *self.writer.borrow_mut() = Some(writer.clone());
    }

    /// Wakes that coroutine: the windows may be larger now.
    pub(super) fn wake_writer(&self) {
        wake(&self.writer);
    }
}

fn wake(waker: &RefCell<Option<Waker>>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
