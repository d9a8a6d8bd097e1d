//! The state of one response: its phase only moves forward, from [`Phase::NotSent`] to an end.

use crate::server::http::deadline::Deadline;
use crate::server::http::transport::HttpConnection;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use swoosh::http::compress::Coding;
use swoosh::proto::http1::response_writer;
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh_zend::ClassSlot;

/// `Swoole\Http\Response`.
pub static RESPONSE: ClassSlot = ClassSlot::new();

pub(crate) const FD: usize = 0;
pub(crate) const HEADER: usize = 2;
pub(crate) const COOKIE: usize = 3;
pub(crate) const TRAILER: usize = 4;

/// Payload of a response object.
pub struct ResponseState {
    /// The connection that it is sent on.
    pub(super) connection: OnceCell<HttpConnection>,
    /// The status code.
    pub(super) status: Cell<i64>,
    /// The reason phrase; `None`: the registered one.
    pub(super) reason: RefCell<Option<Vec<u8>>>,
    /// See [`Self::phase`].
    pub(super) phase: Cell<Phase>,
    /// Keep the connection open after the response.
    pub(super) keep_alive: Cell<bool>,
    /// The client speaks HTTP/1.0: no chunked coding.
    pub(super) http10: Cell<bool>,
    /// The request was HEAD.
    pub(super) head_request: Cell<bool>,
    /// Belongs to a request, so that it must be ended.
    pub(super) must_respond: Cell<bool>,
    /// The content coding that the client accepts.
    pub(super) accepted_coding: Cell<Option<Coding>>,
    /// Answers a WebSocket handshake: any status but 101 closes the connection.
    pub(super) handshake: Cell<bool>,
    /// The request deadline.
    pub(super) deadline: OnceCell<Rc<Deadline>>,
    /// Negotiated compression of WebSocket messages.
    pub(super) deflate: Cell<Option<DeflateParams>>,
    /// A whole body is sent in chunks nevertheless, because trailers follow it on a stream of HTTP/2.
    pub(super) in_chunks: Cell<bool>,
    /// Hash of a part of the body that could not be sent: until it is written again, the response is incomplete.
    pub(super) unsent_part: Cell<Option<u64>>,
}

/// Phase of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Belongs to no connection.
    Unattached,
    /// Nothing was sent.
    NotSent,
    /// The head was sent, and possibly a part of the body.
    HeadSent,
    /// Complete.
    Ended,
    /// `detach()` was called: other code sends the response.
    Detached,
}

impl Default for ResponseState {
    fn default() -> Self {
        ResponseState {
            connection: OnceCell::new(),
            status: Cell::new(200),
            reason: RefCell::default(),
            phase: Cell::new(Phase::Unattached),
            keep_alive: Cell::new(true),
            http10: Cell::new(false),
            head_request: Cell::new(false),
            must_respond: Cell::new(false),
            accepted_coding: Cell::new(None),
            handshake: Cell::new(false),
            deadline: OnceCell::new(),
            deflate: Cell::new(None),
            in_chunks: Cell::new(false),
            unsent_part: Cell::new(None),
        }
    }
}

impl ResponseState {
    /// The connection that it is sent on.
    pub(crate) fn connection(&self) -> Option<&HttpConnection> {
        self.connection.get()
    }

    /// Sets the status code.
    pub(crate) fn set_status(&self, status: i64) {
        self.status.set(status);
    }

    /// Sets the reason phrase; `None`: the registered one.
    pub(crate) fn set_reason(&self, reason: Option<Vec<u8>>) {
        *self.reason.borrow_mut() = reason;
    }

    /// Whether the client speaks HTTP/1.0, which has no chunked coding.
    pub(crate) fn is_http10(&self) -> bool {
        self.http10.get()
    }

    /// Whether it belongs to a request, so that it must be ended.
    pub(crate) fn must_respond(&self) -> bool {
        self.must_respond.get()
    }

    /// The connection cannot be used for further requests: it is closed after the response.
    pub(crate) fn close_after(&self) {
        self.keep_alive.set(false);
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.deadline.get() {
            Some(deadline) if deadline.is_over() => Phase::Ended,
            _ => self.phase.get(),
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        match (phase, self.deadline.get()) {
            (Phase::HeadSent, Some(deadline)) => deadline.answer_begun(),
            (Phase::Ended | Phase::Detached, Some(deadline)) => deadline.met(),
            _ => {}
        }
    }

    /// Whether a part of the body was refused and not written again.
    pub(crate) fn has_unsent_part(&self) -> bool {
        self.unsent_part.get().is_some()
    }

    /// A part of the body could not be sent.
    pub(crate) fn note_unsent_part(&self, part: &[u8]) {
        self.unsent_part.set(self.unsent_part.get().or_else(|| Some(hash_of(part))));
    }

    /// A part of the body was sent. It may be the one that was refused before.
    pub(crate) fn note_sent_part(&self, part: &[u8]) {
        if self.unsent_part.get().is_some_and(|unsent| unsent == hash_of(part)) {
            self.unsent_part.set(None);
        }
    }

    /// Whether it is sent on a stream of HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(self.connection.get(), Some(HttpConnection::Server(_, session)) if session.is_stream())
    }

    /// Whether the connection ends with its worker, which is about to end.
    pub(crate) fn ends_with_worker(&self) -> bool {
        match self.connection.get() {
            Some(HttpConnection::Server(state, session)) => {
                state.node().is_some_and(|node| node.ends_connection(*session))
            }
            _ => false,
        }
    }

    pub(crate) fn has_body(&self) -> bool {
        let status = u16::try_from(self.status.get()).unwrap_or(200);
        response_writer::has_body(if self.head_request.get() { "HEAD" } else { "" }, status)
    }
}

fn hash_of(part: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    std::hash::Hasher::write(&mut hasher, part);
    std::hash::Hasher::finish(&hasher)
}
