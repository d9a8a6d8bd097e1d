//! Who an answer of HTTP goes to: a connection of a server, or one that a coroutine serves.

use super::http_config::Config;
use super::http_order;
use super::state::{State, done, tell};
use super::websocket_talk::Talk;
use crate::coroutine::socket::CoroutineSocket;
use crate::runtime::{last_error, reactor};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh::http::files::{FileReply, ReplyPart};
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh_zend::PhpResult;

/// Who it goes to.
#[derive(Clone)]
pub enum Peer {
    /// A connection of a `Swoole\Http\Server`.
    Server(Rc<State>, SessionId),
    /// One of a `Swoole\Coroutine\Http\Server`.
    Coroutine(Rc<Served>),
}

/// A connection that a coroutine serves.
pub struct Served {
    /// Its socket.
    pub link: Rc<CoroutineSocket>,
    /// Read and not taken yet.
    pub buffer: RefCell<Vec<u8>>,
    /// The server's settings.
    pub config: Rc<Config>,
    /// Nothing follows the answer.
    pub closes: Cell<bool>,
    /// An answer is not whole.
    pub owes: Cell<bool>,
    /// The end of an answer that everybody has forgotten.
    pub forgotten: RefCell<Option<Vec<u8>>>,
    /// The token of the coroutine that waits until the answer is whole.
    pub waiter: Cell<Option<u64>>,
    /// What it would take to speak WebSocket: the answer's key, and what is agreed on.
    pub handshake: RefCell<Option<Handshake>>,
    /// The WebSocket that it is now.
    pub talk: RefCell<Option<Rc<Talk>>>,
}

/// A request's wish to speak WebSocket, which can be met.
pub struct Handshake {
    /// `Sec-WebSocket-Accept`.
    pub accept: String,
    /// `Sec-WebSocket-Protocol`.
    pub protocol: Option<Vec<u8>>,
    /// Compression, and the answer's words for it.
    pub deflate: Option<(DeflateParams, String)>,
}

/// The way to a peer, from this process.
pub enum Way {
    /// Through the engine.
    Context(Context, SessionId),
    /// Its own socket.
    Link(Rc<Served>),
}

impl Peer {
    /// The way to it; `None`, with a warning, where its server does not run.
    pub fn way(&self) -> Option<Way> {
        match self {
            Peer::Server(state, session) => state.running().map(|node| Way::Context(node, *session)),
            Peer::Coroutine(served) => Some(Way::Link(served.clone())),
        }
    }

    /// Looks at what its server's settings say of HTTP.
    pub fn with_config<T>(&self, look: impl FnOnce(&Config) -> T) -> Option<T> {
        match self {
            Peer::Server(state, _) => state.http.get().map(look),
            Peer::Coroutine(served) => Some(look(&served.config)),
        }
    }
}

impl Way {
    /// Sends bytes; `false`, and a code, where that cannot be.
    pub fn send(&self, bytes: &[u8]) -> PhpResult<bool> {
        match self {
            Way::Context(node, session) => Ok(done(node.send(*session, bytes))),
            Way::Link(served) => served.send(bytes),
        }
    }

    /// Sends the last bytes of an answer.
    pub fn send_last(&self, bytes: &[u8]) -> PhpResult<bool> {
        match self {
            Way::Context(node, session) => Ok(done(node.send_answer(*session, bytes))),
            Way::Link(served) => served.send(bytes),
        }
    }

    /// Sends bytes behind which a file comes at once.
    pub fn send_head(&self, bytes: &[u8]) -> PhpResult<bool> {
        match self {
            Way::Context(node, session) => Ok(done(node.send_head(*session, bytes))),
            Way::Link(served) => served.send(bytes),
        }
    }

    /// Sends the bytes of a file from there up to there.
    pub fn send_file(&self, file: &Rc<File>, offset: u64, end: u64) -> PhpResult<bool> {
        match self {
            Way::Context(node, session) => match node.send_open_file(*session, file, offset, end) {
                Ok(()) => Ok(true),
                Err(e) => {
                    tell(&e);
                    Ok(false)
                }
            },
            Way::Link(served) => served.send_file(file, offset, end),
        }
    }

    /// The connection's next packets are frames.
    pub fn begin_websocket(&self, agreed: Option<DeflateParams>) {
        if let Way::Context(node, session) = self {
            node.begin_websocket(*session, agreed);
        }
    }

    /// The answer is no longer owed.
    pub fn end_request(&self) {
        match self {
            Way::Context(node, session) => node.end_request(*session),
            Way::Link(served) => served.owes.set(false),
        }
    }

    /// Others may give the answer.
    pub fn leave_request(&self) {
        match self {
            Way::Context(node, session) => node.leave_request(*session),
            Way::Link(served) => served.owes.set(false),
        }
    }

    /// Whoever waits for the answer to be whole goes on.
    pub fn answered(&self) {
        match self {
            Way::Context(_, session) => http_order::answered(session.0),
            Way::Link(served) => served.go_on(),
        }
    }

    /// Closes the connection behind what was sent.
    pub fn close(&self) -> bool {
        match self {
            Way::Context(node, session) => done(node.close(*session, false)),
            Way::Link(served) => !served.closes.replace(true),
        }
    }
}

impl Served {
    /// A connection on which no request was read here.
    pub fn new(link: Rc<CoroutineSocket>, config: Rc<Config>) -> Rc<Self> {
        Rc::new(Served {
            link,
            config,
            buffer: RefCell::default(),
            closes: Cell::new(false),
            owes: Cell::new(false),
            forgotten: RefCell::default(),
            waiter: Cell::new(None),
            handshake: RefCell::default(),
            talk: RefCell::default(),
        })
    }

    fn send(&self, bytes: &[u8]) -> PhpResult<bool> {
        let (_, failed) = self.link.send_all(bytes, None)?;
        if let Some(code) = failed {
            last_error::set(code);
            self.closes.set(true);
        }
        Ok(failed.is_none())
    }

    fn send_file(&self, file: &File, offset: u64, end: u64) -> PhpResult<bool> {
        match self.link.send_part(file, offset, end, None)? {
            Ok(reached) => Ok(reached >= end),
            Err(code) => {
                last_error::set(code);
                Ok(false)
            }
        }
    }

    /// Sends an answer that no callback gives.
    pub fn send_answer(&self, answer: &FileReply) -> PhpResult<()> {
        for part in &answer.parts {
            let sent = match part {
                ReplyPart::Head(text) | ReplyPart::Text(text) => self.send(text.as_bytes())?,
                ReplyPart::File(file, from, to) => self.send_file(file, *from, *to)?,
            };
            if !sent {
                self.closes.set(true);
                break;
            }
        }
        self.closes.set(self.closes.get() || !answer.keep_alive);
        Ok(())
    }

    /// Wakes the coroutine that waits for the answer.
    pub fn go_on(&self) {
        if let Some(token) = self.waiter.take() {
            reactor::wake(token);
        }
    }
}
