//! A connection of a coroutine HTTP server: at most one response is pending, and its coroutine reads the next request
//! only after that response is complete.

use crate::coroutine::socket::CoroutineSocket;
use crate::runtime::{last_error, reactor};
use crate::server::http::settings::HttpSettings;
use crate::server::websocket::connection::WebSocketConnection;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::rc::Rc;
use swoosh::http::files::{FileReply, ReplyPart};
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh_zend::PhpResult;

/// A connection of a coroutine server.
pub struct CoroutineConnection {
    /// The socket.
    pub link: Rc<CoroutineSocket>,
    /// Bytes read and not consumed yet.
    pub buffer: RefCell<Vec<u8>>,
    /// The server's settings.
    pub config: Rc<HttpSettings>,
    /// Close the connection after the response.
    pub close_after_response: Cell<bool>,
    /// A response is not complete.
    pub response_pending: Cell<bool>,
    /// Bytes that complete a response whose object was freed before `end()`; the connection's coroutine sends them.
    pub abandoned_response: RefCell<Option<Vec<u8>>>,
    /// Wake token of the coroutine that waits for the response.
    pub waiter: Cell<Option<u64>>,
    /// Parameters of the upgrade, if the current request asks for one.
    pub handshake: RefCell<Option<Handshake>>,
    /// The WebSocket after an upgrade.
    pub websocket: RefCell<Option<Rc<WebSocketConnection>>>,
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
    pub fn new(link: Rc<CoroutineSocket>, config: Rc<HttpSettings>) -> Rc<Self> {
        Rc::new(CoroutineConnection {
            link,
            config,
            buffer: RefCell::default(),
            close_after_response: Cell::new(false),
            response_pending: Cell::new(false),
            abandoned_response: RefCell::default(),
            waiter: Cell::new(None),
            handshake: RefCell::default(),
            websocket: RefCell::default(),
        })
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
