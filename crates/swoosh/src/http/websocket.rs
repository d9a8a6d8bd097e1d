//! WebSocket for handlers (RFC 6455), and messages encoded once for many receivers.

use super::request::Request;
use super::response::{Progress, Response};
use super::response_head::put_field;
use super::websocket_state::{Message, SocketState};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::SessionId;
use crate::proto::websocket::deflate::{self, DeflateParams};
use crate::proto::websocket::{Opcode, accept_handshake, close_frame, put_frame};
use std::cell::OnceCell;
use std::rc::Rc;
use std::task::Poll;

/// A WebSocket connection. Pings are answered automatically. Dropping this value does not close the connection:
/// [`close`](WebSocket::close) does, or the client.
///
/// ```no_run
/// use swoosh::http::{Message, Request, Response};
///
/// async fn echo(request: Request, response: &mut Response) -> swoosh::Result<()> {
///     let mut socket = response.upgrade(&request)?;
///     while let Some(message) = socket.recv().await {
///         match message {
///             Message::Text(text) => socket.text(&text)?,
///             Message::Binary(bytes) => socket.binary(&bytes)?,
///         }
///     }
///     Ok(())
/// }
/// ```
pub struct WebSocket {
    node: Context,
    conn: SessionId,
    state: Rc<SocketState>,
}

impl WebSocket {
    pub(super) fn new(node: Context, conn: SessionId, state: Rc<SocketState>) -> Self {
        WebSocket { node, conn, state }
    }

    /// The connection's id, with which any worker can send to it: see [`Frame::send`].
    pub fn conn(&self) -> SessionId {
        self.conn
    }

    /// Waits for the next message; `None` after the connection was closed.
    pub async fn recv(&mut self) -> Option<Message> {
        std::future::poll_fn(|cx| match self.state.take(&self.node, self.conn) {
            Some(message) => Poll::Ready(Some(message)),
            None if self.state.is_closed() => Poll::Ready(None),
            None => {
                self.state.wake_on_event(cx.waker());
                Poll::Pending
            }
        })
        .await
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// If the connection is closed, or its output buffer is full.
    pub fn text(&self, text: &str) -> Result<()> {
        Frame::text(text).send(&self.node, self.conn)
    }

    /// Sends a binary message.
    ///
    /// # Errors
    /// As [`text`](WebSocket::text).
    pub fn binary(&self, bytes: &[u8]) -> Result<()> {
        Frame::binary(bytes).send(&self.node, self.conn)
    }

    /// Sends a ping with at most 125 bytes, which the client returns in a pong.
    ///
    /// # Errors
    /// As [`text`](WebSocket::text).
    pub fn ping(&self, bytes: &[u8]) -> Result<()> {
        let mut out = Vec::with_capacity(2 + bytes.len());
        put_frame(&mut out, 0x89, None, &bytes[..bytes.len().min(MAX_CONTROL)]);
        self.node.send(self.conn, &out)
    }

    /// Closes the connection with a code of RFC 6455 section 7.4 (1000: normal) and a reason of at most 123 bytes.
    ///
    /// # Errors
    /// As [`text`](WebSocket::text).
    pub fn close(self, code: u16, reason: &str) -> Result<()> {
        let reason = &reason.as_bytes()[..reason.len().min(MAX_CONTROL - 2)];
        self.node.send(self.conn, &close_frame(code, reason))?;
        self.node.close(self.conn, false)
    }
}

impl Response {
    /// Accepts a WebSocket handshake (RFC 6455 section 4.2). If the request is no valid handshake, the response is 400, or 426
    /// for another version, unless the handler changes it.
    ///
    /// # Errors
    /// If the request is no valid handshake, or the connection is closed.
    pub fn upgrade(&mut self, request: &Request) -> Result<WebSocket> {
        self.expect_not_started()?;
        let compresses = self.shared.websocket_compression;
        let (fields, agreed) = match handshake(request, u8::from(!self.mode.http10), compresses) {
            Ok(found) => found,
            Err(status) => {
                self.status = status;
                if status == 426 {
                    self.header("Sec-WebSocket-Version", "13");
                }
                let reason = "the request is no WebSocket handshake".to_owned();
                return Err(Error::State { operation: "upgrade", reason });
            }
        };
        let mut out = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
        out.extend_from_slice(&fields);
        out.extend_from_slice(&self.fields);
        out.extend_from_slice(b"\r\n");
        self.progress = Progress::Ended;
        self.mode.keep_alive = true;
        let socket = self.shared.open_socket(self.conn, self.max_message);
        self.node.begin_websocket(self.conn, agreed);
        let sent = self.node.send(self.conn, &out);
        self.complete();
        sent.map(|()| WebSocket::new(self.node.clone(), self.conn, socket))
    }
}

/// A message that is encoded, and compressed, once for all connections that it is sent to.
///
/// ```no_run
/// use swoosh::Context;
/// use swoosh::http::{Frame, websockets};
///
/// fn broadcast(node: &Context, text: &str) {
///     let frame = Frame::text(text);
///     for conn in websockets(node) {
///         let _ = frame.send(node, conn);
///     }
/// }
/// ```
pub struct Frame {
    first: u8,
    data: Vec<u8>,
    plain: OnceCell<Vec<u8>>,
    /// By the window size of the connection.
    compressed: [OnceCell<Vec<u8>>; 2],
}

impl Frame {
    /// A text message.
    pub fn text(text: &str) -> Self {
        Frame::new(Opcode::Text, text.as_bytes())
    }

    /// A binary message.
    pub fn binary(bytes: &[u8]) -> Self {
        Frame::new(Opcode::Binary, bytes)
    }

    fn new(opcode: Opcode, data: &[u8]) -> Self {
        Frame {
            first: 0x80 | opcode as u8,
            data: data.to_vec(),
            plain: OnceCell::new(),
            compressed: Default::default(),
        }
    }

    /// Sends the message to a connection of any worker of the server.
    ///
    /// # Errors
    /// If the connection is no WebSocket or closed, or its output buffer is full.
    pub fn send(&self, node: &Context, conn: SessionId) -> Result<()> {
        let bytes = match node.deflate_of(conn) {
            Some(agreed) => self.compressed[usize::from(agreed.small_window)].get_or_init(|| {
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

/// All WebSocket connections of the server.
pub fn websockets(node: &Context) -> Vec<SessionId> {
    let mut all = Vec::new();
    let mut last = SessionId(0);
    while let Some(page) = node.client_list(last, PAGE, None) {
        let Some(&end) = page.last() else { break };
        last = end;
        let is_full = page.len() == PAGE;
        all.extend(page.into_iter().filter(|&session| node.is_websocket(session)));
        if !is_full {
            break;
        }
    }
    all
}

/// The response's fields to a handshake (RFC 6455 section 4.2) and the negotiated compression; or the status of the refusal.
fn handshake(
    request: &Request,
    minor: u8,
    compresses: bool,
) -> std::result::Result<(Vec<u8>, Option<DeflateParams>), u16> {
    let key =
        accept_handshake(request.method(), minor, request.headers().map(|(name, value)| (name.as_bytes(), value)))?;
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

/// The longest payload of a control frame, bytes.
const MAX_CONTROL: usize = 125;
/// Connections that are listed at once.
const PAGE: usize = 256;
