//! The body of a request that is handled before its end: a gRPC call, whose messages and replies take turns.
//!
//! Runs in: workers. The connection's owner passes the head of such a request on as soon as it has arrived
//! ([`Http2Config::grpc_streams`](crate::config::Http2Config::grpc_streams)), and each part of the body behind it as a packet:
//! one byte for its kind, then its data. While much of it is not taken, the stream is not read, so that HTTP/2's flow control
//! stops the client.

use crate::context::{Context, Reading};
use crate::handler::SessionId;
use crate::ids::SessionMap;
use crate::proto::http2::part;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::{Rc, Weak};
use std::task::{self, Poll, Waker};

/// The parts of one request's body.
pub struct RequestParts {
    node: Context,
    session: SessionId,
    parts: RefCell<VecDeque<Vec<u8>>>,
    /// Bytes in `parts`.
    queued: Cell<usize>,
    end: Cell<Option<End>>,
    reader: RefCell<Option<Waker>>,
    is_paused: Cell<bool>,
}

/// How a body has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Complete,
    Lost,
}

/// The client has reset the stream, or its connection has ended, before the end of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientLeft;

impl fmt::Display for ClientLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client has left before the end of its request")
    }
}

impl std::error::Error for ClientLeft {}

thread_local! {
    /// Bodies that are being received, by stream.
    static OPEN: RefCell<SessionMap<Weak<RequestParts>>> = RefCell::default();
}

impl RequestParts {
    /// The body of a request whose head has arrived; `None`: it is complete.
    pub fn begin(node: &Context, session: SessionId) -> Option<Rc<Self>> {
        if !node.is_streamed(session) {
            return None;
        }
        let parts = Rc::new(RequestParts {
            node: node.clone(),
            session,
            parts: RefCell::default(),
            queued: Cell::new(0),
            end: Cell::new(None),
            reader: RefCell::default(),
            is_paused: Cell::new(false),
        });
        OPEN.with_borrow_mut(|open| open.insert(session, Rc::downgrade(&parts)));
        Some(parts)
    }

    /// Takes a packet that is a part of a body; `false`: it is another packet.
    pub fn take_packet(node: &Context, session: SessionId, packet: &[u8]) -> bool {
        if !session.is_stream() || !part::is_part(packet) {
            return false;
        }
        let parts = OPEN.with_borrow(|open| open.get(&session).map(Weak::upgrade));
        match parts {
            Some(Some(parts)) => parts.receive(packet),
            // Its handler has ended.
            Some(None) => {}
            // A frame of a WebSocket may begin with such a byte.
            None => return !node.was_websocket(session),
        }
        true
    }

    fn receive(&self, packet: &[u8]) {
        let (kind, data) = (packet[0], &packet[1..]);
        match kind {
            part::DATA => {
                self.parts.borrow_mut().push_back(data.to_vec());
                self.queued.set(self.queued.get() + data.len());
                if self.queued.get() >= MAX_QUEUED && !self.is_paused.replace(true) {
                    // An error means that the stream has ended.
                    let _ = self.node.set_reading(self.session, Reading::Pause);
                }
            }
            part::END => self.end.set(Some(End::Complete)),
            _ => self.end.set(self.end.get().or(Some(End::Lost))),
        }
        let reader = self.reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Waits for the next part; `None` at the end of the body.
    ///
    /// # Errors
    /// If the client has left before the end.
    pub async fn next(&self) -> Option<Result<Vec<u8>, ClientLeft>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next part, which is not empty; `None` at the end of the body. One task waits at a time.
    pub fn poll_next(&self, cx: &mut task::Context<'_>) -> Poll<Option<Result<Vec<u8>, ClientLeft>>> {
        if self.end.get() == Some(End::Lost) {
            return Poll::Ready(Some(Err(ClientLeft)));
        }
        let next = self.parts.borrow_mut().pop_front();
        if let Some(next) = next {
            self.queued.set(self.queued.get() - next.len());
            if self.is_paused.get() && self.queued.get() < MAX_QUEUED / 2 {
                self.is_paused.set(false);
                let _ = self.node.set_reading(self.session, Reading::Resume);
            }
            return Poll::Ready(Some(Ok(next)));
        }
        if self.end.get().is_some() {
            return Poll::Ready(None);
        }
        *self.reader.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Whether the end was reached: nothing is left, and nothing follows.
    pub fn is_over(&self) -> bool {
        self.end.get() == Some(End::Complete) && self.parts.borrow().is_empty()
    }
}

impl Drop for RequestParts {
    fn drop(&mut self) {
        // At the end of the thread the map may be gone.
        let _ = OPEN.try_with(|open| open.borrow_mut().remove(&self.session));
    }
}

/// Bytes that are kept of a body whose handler does not take them.
const MAX_QUEUED: usize = 256 << 10;
