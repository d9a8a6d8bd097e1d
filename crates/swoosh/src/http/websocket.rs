//! WebSocket as a handler speaks it, and messages for many.

use super::request::Request;
use super::response::put_field;
use crate::context::{Context, Reading};
use crate::error::Result;
use crate::handler::{ConnectionEvent, SessionId};
use crate::proto::websocket::deflate::{self, DeflateParams};
use crate::proto::websocket::{Event, FrameRules, MessageAssembler, Opcode, accept_handshake, close_frame, put_frame};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

/// A conversation with one client. Pings are answered by themselves; dropped, it goes on being open until
/// [`close`](WebSocket::close) or its client ends it.
pub struct WebSocket {
    node: Context,
    conn: SessionId,
    socket: Rc<Socket>,
}

impl WebSocket {
    pub(super) fn new(node: Context, conn: SessionId, socket: Rc<Socket>) -> Self {
        WebSocket { node, conn, socket }
    }

    /// The connection's id, by which any worker can send to it: [`Frame::send`].
    pub fn conn(&self) -> SessionId {
        self.conn
    }

    /// Waits for the next message; `None` where the conversation is over.
    pub async fn recv(&mut self) -> Option<Message> {
        std::future::poll_fn(|cx| match self.socket.take(&self.node, self.conn) {
            Some(message) => Poll::Ready(Some(message)),
            None if self.socket.closed.get() => Poll::Ready(None),
            None => {
                *self.socket.waker.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
        })
        .await
    }

    /// Sends text.
    ///
    /// # Errors
    /// Where the connection is gone, or its client is so far behind in reading that there is no room.
    pub fn text(&self, text: &str) -> Result<()> {
        Frame::text(text).send(&self.node, self.conn)
    }

    /// Sends bytes. Errors: as [`text`](WebSocket::text).
    pub fn binary(&self, bytes: &[u8]) -> Result<()> {
        Frame::binary(bytes).send(&self.node, self.conn)
    }

    /// Asks the client for a pong, with at most 125 bytes that it gives back. Errors: as [`text`](WebSocket::text).
    pub fn ping(&self, bytes: &[u8]) -> Result<()> {
        let mut out = Vec::with_capacity(2 + bytes.len());
        put_frame(&mut out, 0x89, None, &bytes[..bytes.len().min(LONGEST_CONTROL)]);
        self.node.send(self.conn, &out)
    }

    /// Ends the conversation: a code of RFC 6455 section 7.4 (1000: all is done) and a reason of at most 123 bytes.
    /// Errors: as [`text`](WebSocket::text).
    pub fn close(self, code: u16, reason: &str) -> Result<()> {
        let reason = &reason.as_bytes()[..reason.len().min(LONGEST_CONTROL - 2)];
        self.node.send(self.conn, &close_frame(code, reason))?;
        self.node.close(self.conn, false)
    }
}

/// A message that is framed, and compressed, once for all that it is sent to.
pub struct Frame {
    first: u8,
    data: Vec<u8>,
    plain: OnceCell<Vec<u8>>,
    packed: [OnceCell<Vec<u8>>; 2],
}

impl Frame {
    /// Of text.
    pub fn text(text: &str) -> Self {
        Frame::new(Opcode::Text, text.as_bytes())
    }

    /// Of bytes.
    pub fn binary(bytes: &[u8]) -> Self {
        Frame::new(Opcode::Binary, bytes)
    }

    fn new(opcode: Opcode, data: &[u8]) -> Self {
        Frame { first: 0x80 | opcode as u8, data: data.to_vec(), plain: OnceCell::new(), packed: Default::default() }
    }

    /// Sends it to a connection, whichever worker that belongs to (in base mode: if it is this worker's, or another's of
    /// the same server).
    ///
    /// # Errors
    /// Where the connection speaks no WebSocket, or is gone; where its client is so far behind in reading that there is
    /// no room.
    pub fn send(&self, node: &Context, conn: SessionId) -> Result<()> {
        let bytes = match node.deflate_of(conn) {
            Some(agreed) => self.packed[usize::from(agreed.small_window)].get_or_init(|| {
                let mut out = Vec::new();
                put_frame(&mut out, self.first | 0x40, None, &deflate::deflate(&self.data, agreed));
                out
            }),
            None => self.plain.get_or_init(|| {
                let mut out = Vec::with_capacity(self.data.len() + 10);
                put_frame(&mut out, self.first, None, &self.data);
                out
            }),
        };
        node.send(conn, bytes)
    }
}

/// Every connection of the server that speaks WebSocket.
pub fn websockets(node: &Context) -> Vec<SessionId> {
    let mut all = Vec::new();
    let mut last = SessionId(0);
    while let Some(page) = node.client_list(last, PAGE, None) {
        let Some(&end) = page.last() else { break };
        last = end;
        let whole = page.len() == PAGE;
        all.extend(page.into_iter().filter(|&session| node.is_websocket(session)));
        if !whole {
            break;
        }
    }
    all
}

/// The answer's fields to a handshake (RFC 6455 section 4.2), and what it agrees on; else the status that refuses it.
pub(super) fn handshake(
    request: &Request,
    minor: u8,
    compresses: bool,
) -> std::result::Result<(Vec<u8>, Option<DeflateParams>), u16> {
    let key = accept_handshake(request.method(), minor, request.headers())?;
    let mut fields = Vec::new();
    put_field(&mut fields, b"Upgrade", b"websocket");
    put_field(&mut fields, b"Connection", b"Upgrade");
    put_field(&mut fields, b"Sec-WebSocket-Accept", key.as_bytes());
    let offers = request.headers().filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"));
    let agreed = deflate::negotiate(offers.map(|(_, value)| value)).filter(|_| compresses);
    let agreed = agreed.map(|(agreed, answer)| {
        put_field(&mut fields, b"Sec-WebSocket-Extensions", answer.as_bytes());
        agreed
    });
    Ok((fields, agreed))
}

/// What a worker knows of one conversation.
pub(crate) struct Socket {
    max: u64,
    joiner: RefCell<MessageAssembler>,
    heard: RefCell<VecDeque<Message>>,
    waker: RefCell<Option<Waker>>,
    paused: Cell<bool>,
    closed: Cell<bool>,
}

impl Socket {
    pub(super) fn new(max: u64) -> Self {
        Socket {
            max,
            joiner: RefCell::default(),
            heard: RefCell::default(),
            waker: RefCell::default(),
            paused: Cell::new(false),
            closed: Cell::new(false),
        }
    }

    /// One frame.
    pub(super) fn receive(&self, node: &Context, event: &ConnectionEvent, frame: &[u8]) {
        let session = event.session;
        if self.closed.get() {
            return;
        }
        let expect = FrameRules { max: self.max, masked: true, deflate: node.deflate_of(session).is_some() };
        let heard = self.joiner.borrow_mut().take(frame, expect);
        let last = match heard {
            Ok(None) | Ok(Some(Event::Pong(_))) => return,
            Ok(Some(Event::Message(Opcode::Text, data, _))) => {
                // It was looked at already.
                return self.push(node, session, Message::Text(String::from_utf8(data).unwrap_or_default()));
            }
            Ok(Some(Event::Message(_, data, _))) => return self.push(node, session, Message::Binary(data)),
            Ok(Some(Event::Ping(data))) => {
                let mut pong = Vec::with_capacity(2 + data.len());
                put_frame(&mut pong, 0x8A, None, &data);
                // Where the peer is gone nobody waits for it.
                let _ = node.send(session, &pong);
                return;
            }
            Ok(Some(Event::Close(code, reason))) => close_frame(code, &reason),
            Err(fault) => {
                crate::log::info!("connection {} is closed with {}: {}", session.0, fault.code, fault.reason);
                close_frame(fault.code, b"")
            }
        };
        let _ = node.send(session, &last);
        let _ = node.close(session, false);
        self.close();
    }

    fn push(&self, node: &Context, session: SessionId, message: Message) {
        self.heard.borrow_mut().push_back(message);
        if self.heard.borrow().len() >= MOST_WAITING && !self.paused.replace(true) {
            // Where it is closed there is nothing to read.
            let _ = node.set_reading(session, Reading::Pause);
        }
        self.wake();
    }

    fn take(&self, node: &Context, session: SessionId) -> Option<Message> {
        let message = self.heard.borrow_mut().pop_front();
        if self.paused.get() && self.heard.borrow().len() < MOST_WAITING / 2 {
            self.paused.set(false);
            let _ = node.set_reading(session, Reading::Resume);
        }
        message
    }

    /// The connection is gone.
    pub(super) fn close(&self) {
        self.closed.set(true);
        self.wake();
    }

    fn wake(&self) {
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Bytes of a control frame.
const LONGEST_CONTROL: usize = 125;
/// Messages that wait for their handler; with more the client is not read.
const MOST_WAITING: usize = 256;
const PAGE: usize = 256;
