//! A connection of a coroutine HTTP server: at most one response is pending, and its coroutine reads the next request
//! only after that response is complete.

use crate::coroutine::WaitKind;
use crate::coroutine::scheduler::expect_current;
use crate::coroutine::socket::CoroutineSocket;
use crate::runtime::{last_error, reactor};
use crate::server::http::settings::HttpSettings;
use crate::server::websocket::connection::WebSocketConnection;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::rc::Rc;
use std::time::Duration;
use swoosh::http::files::{FileReply, ReplyPart};
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh_zend::PhpResult;

/// A connection of a coroutine server.
pub struct CoroutineConnection {
    link: Rc<CoroutineSocket>,
    /// Bytes read and not consumed yet.
    buffer: RefCell<Vec<u8>>,
    settings: Rc<HttpSettings>,
    close_after_response: Cell<bool>,
    /// A response is not complete.
    response_pending: Cell<bool>,
    /// Bytes that complete a response whose object was freed before `end()`; the connection's coroutine sends them.
    abandoned_response: RefCell<Option<Vec<u8>>>,
    /// Wake token of the coroutine that waits for the response.
    waiter: Cell<Option<u64>>,
    handshake: RefCell<Option<Handshake>>,
    websocket: RefCell<Option<Rc<WebSocketConnection>>>,
}

/// Parameters of an acceptable WebSocket upgrade.
pub struct Handshake {
    /// `Sec-WebSocket-Accept`.
    pub accept: String,
    /// `Sec-WebSocket-Protocol`.
    pub protocol: Option<Vec<u8>>,
    /// The negotiated compression, and the extension field of the response.
    pub deflate: Option<(DeflateParams, String)>,
}

impl CoroutineConnection {
    /// A connection before its first request.
    pub fn new(link: Rc<CoroutineSocket>, settings: Rc<HttpSettings>) -> Rc<Self> {
        Rc::new(CoroutineConnection {
            link,
            settings,
            buffer: RefCell::default(),
            close_after_response: Cell::new(false),
            response_pending: Cell::new(false),
            abandoned_response: RefCell::default(),
            waiter: Cell::new(None),
            handshake: RefCell::default(),
            websocket: RefCell::default(),
        })
    }

    /// The socket.
    pub fn link(&self) -> &Rc<CoroutineSocket> {
        &self.link
    }

    /// The server's settings.
    pub fn settings(&self) -> &HttpSettings {
        &self.settings
    }

    /// Runs `f` on the bytes that were read and not consumed. `f` must not suspend.
    pub fn with_buffer<R>(&self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        f(&mut self.buffer.borrow_mut())
    }

    /// Takes the bytes that were read and not consumed.
    pub fn take_buffer(&self) -> Vec<u8> {
        self.buffer.take()
    }

    /// Reads up to `size` bytes into the buffer. Returns their number, 0 at the end of the stream, or the errno.
    pub fn read(&self, size: usize, limit: Option<Duration>) -> PhpResult<Result<usize, i32>> {
        let mut more = Vec::new();
        let read = self.link.read_into(&mut more, size, limit)?;
        self.buffer.borrow_mut().extend_from_slice(&more);
        Ok(read)
    }

    /// Whether it is closed after its response.
    pub fn closes_after_response(&self) -> bool {
        self.close_after_response.get()
    }

    /// Closes it after its response; `false` where that was decided before.
    pub fn close_after_response(&self) -> bool {
        !self.close_after_response.replace(true)
    }

    /// A response to a request begins.
    pub fn begin_response(&self) {
        self.response_pending.set(true);
    }

    /// The response is complete, or sent by other code.
    pub fn end_response(&self) {
        self.response_pending.set(false);
    }

    /// Suspends the calling coroutine until the response is complete. Sends the rest of one whose object was freed before
    /// `end()`.
    pub fn wait_for_response(&self) -> PhpResult<()> {
        while self.response_pending.get() {
            let abandoned = self.abandoned_response.take();
            if let Some(rest) = abandoned {
                self.response_pending.set(false);
                let (_, failed) = self.link.send_all(&rest, None)?;
                if failed.is_some() {
                    self.close_after_response.set(true);
                }
                break;
            }
            // Another coroutine completes the response.
            let caller = expect_current()?;
            self.waiter.set(Some(caller.next_token()));
            caller.wait(WaitKind::Join, None)?;
        }
        Ok(())
    }

    /// Leaves the bytes that complete a response, whose object is freed before `end()`, to the connection's coroutine, and
    /// wakes it. Does not suspend.
    pub fn abandon_response(&self, rest: Vec<u8>, keep_alive: bool) {
        self.abandoned_response.replace(Some(rest));
        if !keep_alive {
            self.close_after_response.set(true);
        }
        self.wake_waiter();
    }

    /// Sets the parameters of the upgrade; `None` where the current request asks for none.
    pub fn set_handshake(&self, handshake: Option<Handshake>) {
        *self.handshake.borrow_mut() = handshake;
    }

    /// Takes the parameters of the upgrade, if the current request asks for one.
    pub fn take_handshake(&self) -> Option<Handshake> {
        self.handshake.take()
    }

    /// Sets the WebSocket after an upgrade.
    pub fn set_websocket(&self, websocket: WebSocketConnection) {
        *self.websocket.borrow_mut() = Some(Rc::new(websocket));
    }

    /// Takes the WebSocket after an upgrade.
    pub fn take_websocket(&self) -> Option<Rc<WebSocketConnection>> {
        self.websocket.take()
    }

    /// The WebSocket after an upgrade.
    pub fn websocket(&self) -> Option<Rc<WebSocketConnection>> {
        self.websocket.borrow().clone()
    }

    /// Sends bytes; `false`, with the error code set, on failure. The connection is closed afterwards.
    pub fn send(&self, bytes: &[u8]) -> PhpResult<bool> {
        let (_, failed) = self.link.send_all(bytes, None)?;
        if let Some(code) = failed {
            last_error::set(code);
            self.close_after_response.set(true);
        }
        Ok(failed.is_none())
    }

    /// Sends a file's bytes `offset..end`.
    pub fn send_file(&self, file: &File, offset: u64, end: u64) -> PhpResult<bool> {
        match self.link.send_part(file, offset, end, None)? {
            Ok(reached) => Ok(reached >= end),
            Err(code) => {
                last_error::set(code);
                Ok(false)
            }
        }
    }

    /// Sends a response of the static file handler.
    pub fn send_answer(&self, answer: &FileReply) -> PhpResult<()> {
        for part in &answer.parts {
            let sent = match part {
                ReplyPart::Head(text) | ReplyPart::Text(text) => self.send(text.as_bytes())?,
                ReplyPart::File(file, from, to) => self.send_file(file, *from, *to)?,
            };
            if !sent {
                self.close_after_response.set(true);
                break;
            }
        }
        self.close_after_response.set(self.close_after_response.get() || !answer.keep_alive);
        Ok(())
    }

    /// Wakes the coroutine that waits for the response.
    pub fn wake_waiter(&self) {
        if let Some(token) = self.waiter.take() {
            reactor::wake(token);
        }
    }
}
