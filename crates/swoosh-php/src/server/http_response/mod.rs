//! A response: what it has been given, how far it is sent, and its end. Its bytes are made in [`head`].

pub mod head;

use super::http_deadline::Deadline;
use super::http_peer::{Peer, Way};
use super::state::done;
use head::put_trailers;
use httparse::Header;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use swoosh::http::compress::Coding;
use swoosh::proto::http1::request::{Request, field};
use swoosh::proto::http1::response_writer::{self, put_chunk};
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh_zend::{Array, ClassSlot, Object, PhpResult};

/// The class.
pub static RESPONSE: ClassSlot = ClassSlot::new();

/// What lives in a response's object.
pub struct Kept {
    /// Where it is sent.
    pub peer: OnceCell<Peer>,
    /// The status code.
    pub status: Cell<i64>,
    /// The reason phrase; `None`: the usual one.
    pub reason: RefCell<Option<Vec<u8>>>,
    /// Where it is in its life.
    pub stage: Cell<Stage>,
    /// The connection stays open behind it.
    pub keep: Cell<bool>,
    /// The client speaks HTTP/1.0, which has no chunks.
    pub old: Cell<bool>,
    /// The request was HEAD.
    pub bodiless: Cell<bool>,
    /// It answers a request, which it must not leave without an answer.
    pub owes: Cell<bool>,
    /// The content coding that the client accepts.
    pub coding: Cell<Option<Coding>>,
    /// The request wants to speak WebSocket: 101 says yes, and everything else no, before the connection is closed.
    pub handshake: Cell<bool>,
    /// When it is to be whole.
    pub deadline: OnceCell<Rc<Deadline>>,
    /// What is agreed on then about the compression of messages.
    pub deflate: Cell<Option<DeflateParams>>,
}

/// Where a response is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It belongs to no connection.
    Nothing,
    /// Nothing of it is sent.
    New,
    /// Its head is sent, and maybe some of its body.
    Begun,
    /// It is whole.
    Ended,
    /// The connection is somebody else's to answer.
    Detached,
}

impl Default for Kept {
    fn default() -> Self {
        Kept {
            peer: OnceCell::new(),
            status: Cell::new(200),
            reason: RefCell::default(),
            stage: Cell::new(Stage::Nothing),
            keep: Cell::new(true),
            old: Cell::new(false),
            bodiless: Cell::new(false),
            owes: Cell::new(false),
            coding: Cell::new(None),
            handshake: Cell::new(false),
            deadline: OnceCell::new(),
            deflate: Cell::new(None),
        }
    }
}

impl swoosh_zend::Payload for Kept {
    fn handlers() -> &'static swoosh_zend::object::HandlerTable {
        static TABLE: swoosh_zend::object::HandlerTable = swoosh_zend::object::HandlerTable::new();
        &TABLE
    }
    const KEEPS_PROPERTIES: bool = true;

    /// A request that its handler forgot is answered all the same.
    fn before_free(&self, object: &Object) {
        let stage = self.stage();
        if !self.owes.get() || !matches!(stage, Stage::New | Stage::Begun) {
            return;
        }
        let (state, session) = match self.peer.get() {
            Some(Peer::Server(state, session)) => (state, *session),
            // Nobody may wait here: its coroutine sends it.
            Some(Peer::Coroutine(served)) => {
                served.forgotten.replace(Some(self.forgotten(object)));
                served.closes.set(served.closes.get() || !self.keep.get());
                return served.go_on();
            }
            None => return,
        };
        // Of a child that its handler has forked it is not.
        let Some(node) = state.node().filter(|_| !state.fork_guard.is_child()) else { return };
        let way = Way::Context(node.clone(), session);
        if !node.exists(session) {
            return self.finish(&way);
        }
        swoosh::log::notice!("a request of connection {} was left without end(); it is ended", session.0);
        let last = self.forgotten(object);
        if !last.is_empty() {
            done(node.send_answer(session, &last));
        }
        self.finish(&way);
    }
}

pub(crate) const FD: usize = 0;

pub(crate) const HEADER: usize = 2;

pub(crate) const COOKIE: usize = 3;

pub(crate) const TRAILER: usize = 4;

/// The response to a request.
pub fn serve(peer: Peer, request: &Request<'_>, headers: &[Header<'_>]) -> PhpResult<Object> {
    let object = of_connection(peer)?;
    if let Some(kept) = object.payload::<Kept>() {
        kept.owes.set(true);
        kept.keep.set(request.keeps_alive(headers));
        kept.old.set(request.minor == 0);
        kept.bodiless.set(request.method == "HEAD");
        if let (Some(accept), Some(peer)) = (field(headers, "accept-encoding"), kept.peer.get()) {
            kept.coding.set(peer.with_config(|config| config.compression.negotiate(accept)).flatten());
        }
    }
    Ok(object)
}

/// A response to a connection, which answers no request yet.
pub fn of_connection(peer: Peer) -> PhpResult<Object> {
    let object = Object::new(RESPONSE.get())?;
    match &peer {
        Peer::Server(_, session) => object.set_slot(FD, session.0),
        Peer::Coroutine(served) => object.set_slot(FD, served.link.fd()),
    }
    if let Some(kept) = object.payload::<Kept>() {
        let _ = kept.peer.set(peer);
        kept.enter(Stage::New);
    }
    Ok(object)
}

/// Whether a response waits to be ended.
pub fn is_open(object: &Object) -> bool {
    object.payload::<Kept>().is_some_and(|kept| matches!(kept.stage(), Stage::New | Stage::Begun))
}

/// The response answers a request that wants to speak WebSocket.
pub fn expect_handshake(object: &Object) {
    if let Some(kept) = object.payload::<Kept>() {
        kept.handshake.set(true);
        kept.keep.set(false);
        kept.coding.set(None);
    }
}

/// Its WebSocket's messages are to be compressed.
pub fn agree(object: &Object, agreed: DeflateParams) {
    if let Some(kept) = object.payload::<Kept>() {
        kept.deflate.set(Some(agreed));
    }
}

/// It is to be whole by then.
pub fn expect_by(object: &Object, deadline: Rc<Deadline>) {
    if let Some(kept) = object.payload::<Kept>() {
        let _ = kept.deadline.set(deadline);
    }
}

/// Gives it a status and header fields.
pub fn prepare(object: &Object, status: i64, fields: Array) {
    if let Some(kept) = object.payload::<Kept>() {
        kept.status.set(status);
    }
    object.set_slot(HEADER, fields);
}

/// Ends it without a body, where nothing of it is sent.
pub fn end_now(way: &Way, object: &Object) -> PhpResult<()> {
    match object.payload::<Kept>().filter(|kept| kept.stage() == Stage::New) {
        Some(kept) => kept.end(way, object, b"").map(drop),
        None => Ok(()),
    }
}

impl Kept {
    pub(crate) fn stage(&self) -> Stage {
        match self.deadline.get() {
            Some(deadline) if deadline.is_over() => Stage::Ended,
            _ => self.stage.get(),
        }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        match (stage, self.deadline.get()) {
            (Stage::Begun, Some(deadline)) => deadline.answer_begun(),
            (Stage::Ended | Stage::Detached, Some(deadline)) => deadline.met(),
            _ => {}
        }
    }

    pub(crate) fn has_body(&self) -> bool {
        let status = u16::try_from(self.status.get()).unwrap_or(200);
        response_writer::has_body(if self.bodiless.get() { "HEAD" } else { "" }, status)
    }

    /// It is whole: the connection is closed, or its next request is served.
    pub(crate) fn finish(&self, way: &Way) {
        self.enter(Stage::Ended);
        if self.owes.get() {
            way.end_request();
        }
        if !self.keep.get() {
            // Where the peer was faster there is nothing to close.
            way.close();
        }
        way.answered();
    }

    /// Ends it with the rest of its body.
    pub(crate) fn end(&self, way: &Way, object: &Object, body: &[u8]) -> PhpResult<bool> {
        if self.handshake.get() {
            let agreed = self.status.get() == 101;
            self.keep.set(agreed);
            if agreed {
                way.begin_websocket(self.deflate.get());
            }
        }
        let out = self.rest(object, body);
        // From here on nobody else may say anything, whoever runs while it is sent.
        self.enter(Stage::Ended);
        let sent = out.is_empty() || way.send_last(&out)?;
        if !sent {
            // Whatever came behind it would be taken for its end.
            self.keep.set(false);
        }
        self.finish(way);
        Ok(sent)
    }

    /// What is to be sent still, together with the rest of the body.
    pub(crate) fn rest(&self, object: &Object, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + body.len());
        if self.stage() == Stage::New {
            self.put_whole(&mut out, object, body);
        } else if self.old.get() || !self.has_body() {
            out.extend_from_slice(if self.has_body() { body } else { b"" });
        } else {
            put_chunk(&mut out, body);
            out.extend_from_slice(b"0\r\n");
            put_trailers(&mut out, object);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// The end of an answer that its handler forgot.
    pub(crate) fn forgotten(&self, object: &Object) -> Vec<u8> {
        if self.stage() == Stage::New && self.status.get() == 200 {
            self.status.set(500);
        }
        self.rest(object, b"")
    }
}
