//! The part of a request that has arrived: bytes of an HTTP/1 message, until its connection takes them.

use crate::ids::SessionId;
use crate::proto::http2::server::BodyForm;
use std::cell::{Cell, RefCell};
use std::io::Write;
use std::task::Waker;

/// The client's side of a stream.
pub(super) struct Request {
    pub(super) number: u32,
    pub(super) form: BodyForm,
    /// Exceeds a header limit: answered with 431.
    pub(super) is_too_large: bool,
    pub(super) is_head: bool,
    /// The connection that its stream is, once it is accepted.
    connection: Cell<Option<SessionId>>,
    /// Wakes the task of that connection.
    waker: RefCell<Waker>,
    /// The head, where it is passed on by itself.
    head: RefCell<Vec<u8>>,
    arrived: RefCell<Arrived>,
    /// The body was passed on to its end.
    is_ended: Cell<bool>,
    /// The client, or a fault, has ended the stream.
    is_reset: Cell<bool>,
    /// It is among those whose bytes are to be taken.
    pub(super) is_listed: Cell<bool>,
    /// Its response waits for the client's window.
    pub(super) waits_for_capacity: Cell<bool>,
    /// Bytes that its response may still send before others that wait.
    pub(super) quantum: Cell<usize>,
    /// It was woken to send, and has not waited since.
    pub(super) was_woken: Cell<bool>,
}

/// Bytes that a response sends at once while others wait.
pub(super) const QUANTUM: usize = 32 << 10;

/// Bytes that were not taken.
#[derive(Default)]
pub(super) struct Arrived {
    /// Bytes of the message, or of a body that is passed on in packets.
    pub(super) bytes: Vec<u8>,
    /// How many bytes of the body they are: the client may send as many more once they are taken.
    pub(super) of_body: usize,
    /// The body is complete.
    pub(super) is_complete: bool,
}

impl Request {
    /// A request whose message begins with `head`.
    pub(super) fn new(number: u32, form: BodyForm, head: &[u8]) -> Self {
        let (head, bytes) = match form {
            BodyForm::None | BodyForm::Parts | BodyForm::Tunnel => (head.to_vec(), Vec::new()),
            BodyForm::Length | BodyForm::Chunked => (Vec::new(), head.to_vec()),
        };
        Request {
            number,
            form,
            is_too_large: false,
            is_head: false,
            connection: Cell::new(None),
            waker: RefCell::new(Waker::noop().clone()),
            head: RefCell::new(head),
            arrived: RefCell::new(Arrived { bytes, ..Arrived::default() }),
            is_ended: Cell::new(false),
            is_reset: Cell::new(false),
            is_listed: Cell::new(false),
            waits_for_capacity: Cell::new(false),
            quantum: Cell::new(QUANTUM),
            was_woken: Cell::new(false),
        }
    }

    /// The connection that its stream is.
    pub(super) fn connection(&self) -> Option<SessionId> {
        self.connection.get()
    }

    /// Its stream is accepted as a connection.
    pub(super) fn set_connection(&self, id: SessionId) {
        self.connection.set(Some(id));
    }

    /// Has [`wake`](Self::wake) wake the task of its connection.
    pub(super) fn keep_waker(&self, waker: &Waker) {
        self.waker.borrow_mut().clone_from(waker);
    }

    /// Adds bytes of the body.
    pub(super) fn push(&self, data: &[u8]) {
        let mut arrived = self.arrived.borrow_mut();
        arrived.of_body += data.len();
        if self.form == BodyForm::Chunked {
            let _ = write!(arrived.bytes, "{:x}\r\n", data.len());
        }
        arrived.bytes.extend_from_slice(data);
        if self.form == BodyForm::Chunked {
            arrived.bytes.extend_from_slice(b"\r\n");
        }
    }

    /// The body is complete. `trailers`: its trailer section.
    pub(super) fn complete(&self, trailers: &[u8]) {
        let mut arrived = self.arrived.borrow_mut();
        arrived.is_complete = true;
        if self.form == BodyForm::Chunked {
            arrived.bytes.extend_from_slice(b"0\r\n");
            arrived.bytes.extend_from_slice(trailers);
            arrived.bytes.extend_from_slice(b"\r\n");
        }
    }

    /// Whether its method is CONNECT.
    pub(super) fn is_connect(&self) -> bool {
        self.head.borrow().starts_with(b"CONNECT ")
    }

    /// Takes the head, where it is passed on by itself: no body, packets of its own, or bytes of a tunnel follow it.
    pub(super) fn take_head(&self) -> Option<Vec<u8>> {
        Some(self.head.take()).filter(|head| !head.is_empty())
    }

    /// Takes what has arrived; `None`: nothing.
    pub(super) fn take(&self) -> Option<Arrived> {
        let arrived = self.arrived.take();
        self.is_ended.set(self.is_ended.get() || arrived.is_complete);
        (arrived.is_complete || !arrived.bytes.is_empty()).then_some(arrived)
    }

    /// Whether its body is passed on in packets, and the last one was not.
    pub(super) fn lacks_last_part(&self) -> bool {
        self.form == BodyForm::Parts && !self.is_ended.get()
    }

    /// The stream has ended before its response.
    pub(super) fn note_reset(&self) {
        self.is_reset.set(true);
        self.wake();
    }

    /// Whether the stream was reset.
    pub(super) fn is_reset(&self) -> bool {
        self.is_reset.get()
    }

    /// Wakes the task of its stream.
    pub(super) fn wake(&self) {
        self.waker.borrow().wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_of_unknown_length_is_a_message_in_chunks() {
        let request = Request::new(1, BodyForm::Chunked, b"head\r\n\r\n");
        request.push(b"first");
        request.push(b"0123456789abcdef");
        let arrived = request.take().unwrap();
        assert_eq!(arrived.bytes, b"head\r\n\r\n5\r\nfirst\r\n10\r\n0123456789abcdef\r\n");
        assert_eq!((arrived.of_body, arrived.is_complete), (21, false));
        assert!(request.take().is_none());
        request.complete(b"x-sum: 7\r\n");
        let arrived = request.take().unwrap();
        assert_eq!(
            (&arrived.bytes[..], arrived.of_body, arrived.is_complete),
            (&b"0\r\nx-sum: 7\r\n\r\n"[..], 0, true)
        );
    }

    #[test]
    fn a_body_of_known_length_has_no_framing() {
        let request = Request::new(1, BodyForm::Length, b"head");
        request.push(b"body");
        request.complete(b"");
        let arrived = request.take().unwrap();
        assert_eq!((&arrived.bytes[..], arrived.of_body, arrived.is_complete), (&b"headbody"[..], 4, true));
    }
}
