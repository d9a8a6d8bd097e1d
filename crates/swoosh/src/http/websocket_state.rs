//! The messages of a WebSocket connection that a handler has not taken yet.

use crate::context::{Context, Reading};
use crate::handler::{ConnectionEvent, SessionId};
use crate::proto::websocket::{Event, FrameRules, MessageAssembler, Opcode, close_frame, put_frame};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

/// A WebSocket message.
///
/// ```
/// let message = swoosh::http::Message::Text("hello".into());
/// assert_ne!(message, swoosh::http::Message::Binary(b"hello".to_vec()));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

/// The worker's state of one WebSocket connection.
pub(super) struct SocketState {
    max: u64,
    joiner: RefCell<MessageAssembler>,
    messages: RefCell<VecDeque<Message>>,
    waker: RefCell<Option<Waker>>,
    paused: Cell<bool>,
    closed: Cell<bool>,
}

impl SocketState {
    pub(super) fn new(max: u64) -> Self {
        SocketState {
            max,
            joiner: RefCell::default(),
            messages: RefCell::default(),
            waker: RefCell::default(),
            paused: Cell::new(false),
            closed: Cell::new(false),
        }
    }

    /// Handles one frame.
    pub(super) fn receive(&self, node: &Context, event: &ConnectionEvent, frame: &[u8]) {
        let session = event.session;
        if self.closed.get() {
            return;
        }
        let expect = FrameRules { max: self.max, masked: true, deflate: node.deflate_of(session).is_some() };
        let received = self.joiner.borrow_mut().take(frame, expect);
        let last = match received {
            Ok(None) | Ok(Some(Event::Pong(_))) => return,
            Ok(Some(Event::Message(Opcode::Text, data, _))) => {
                // The joiner has validated it.
                return self.push(node, session, Message::Text(String::from_utf8(data).unwrap_or_default()));
            }
            Ok(Some(Event::Message(_, data, _))) => return self.push(node, session, Message::Binary(data)),
            Ok(Some(Event::Ping(data))) => {
                let mut pong = Vec::with_capacity(2 + data.len());
                put_frame(&mut pong, 0x8A, None, &data);
                // An error means that the connection is closed.
                let _ = node.send(session, &pong);
                return;
            }
            Ok(Some(Event::Close(code, reason))) => close_frame(code, &reason),
            Err(fault) => {
                crate::log::info!("closing connection {} with {}: {}", session.0, fault.code, fault.reason);
                close_frame(fault.code, b"")
            }
        };
        let _ = node.send(session, &last);
        let _ = node.close(session, false);
        self.close();
    }

    fn push(&self, node: &Context, session: SessionId, message: Message) {
        self.messages.borrow_mut().push_back(message);
        if self.messages.borrow().len() >= MAX_QUEUED && !self.paused.replace(true) {
            // An error means that the connection is closed.
            let _ = node.set_reading(session, Reading::Pause);
        }
        self.wake();
    }

    /// The next message.
    pub(super) fn take(&self, node: &Context, session: SessionId) -> Option<Message> {
        let message = self.messages.borrow_mut().pop_front();
        if self.paused.get() && self.messages.borrow().len() < MAX_QUEUED / 2 {
            self.paused.set(false);
            let _ = node.set_reading(session, Reading::Resume);
        }
        message
    }

    /// Marks the connection as closed.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.wake();
    }

    /// Whether the connection was closed.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Registers the task that waits for a message or the close.
    pub(super) fn wake_on_event(&self, waker: &Waker) {
        *self.waker.borrow_mut() = Some(waker.clone());
    }

    fn wake(&self) {
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// With more queued messages the connection is not read.
const MAX_QUEUED: usize = 256;
