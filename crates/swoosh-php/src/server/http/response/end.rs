//! The end of a response. Exactly one of the callback, its deadline and the object's destructor ends it.

use super::head::{has_trailers, is_key, put_trailers};
use super::state::{HEADER, Phase, ResponseState};
use crate::server::http::transport::{HttpConnection, Transport};
use crate::server::state::succeeded;
use std::borrow::Cow;
use std::thread::LocalKey;
use swoosh::config::Mode;
use swoosh::conn::Parts;
use swoosh::proto::http1::response_writer::put_chunk;
use swoosh_zend::object_pool::ObjectPool;
use swoosh_zend::{Array, Key, Object, PhpResult};

impl swoosh_zend::Payload for ResponseState {
    fn handlers() -> &'static swoosh_zend::object::HandlerTable {
        static TABLE: swoosh_zend::object::HandlerTable = swoosh_zend::object::HandlerTable::new();
        &TABLE
    }
    const KEEPS_PROPERTIES: bool = true;

    fn pool() -> Option<&'static LocalKey<ObjectPool>> {
        thread_local! {
            static POOL: ObjectPool = const { ObjectPool::new() };
        }
        Some(&POOL)
    }

    /// Ends a response that its handler dropped without `end()`.
    fn before_free(&self, object: &Object) {
        let phase = self.phase();
        if !self.must_respond.get() || !matches!(phase, Phase::NotSent | Phase::HeadSent) {
            return;
        }
        let (state, session) = match self.connection.get() {
            Some(HttpConnection::Server(state, session)) => (state, *session),
            // A destructor must not suspend: the connection's coroutine sends the bytes.
            Some(HttpConnection::Coroutine(connection)) => {
                return connection.abandon_response(self.abandoned_bytes(object), self.keep_alive.get());
            }
            None => return,
        };
        // A forked child must not answer its parent's request.
        let Some(node) = state.node().filter(|_| !state.home().is_child()) else { return };
        let transport = Transport::Engine(state.clone(), node.clone(), session);
        if !node.exists(session) {
            return self.finish(&transport);
        }
        // Where the handler failed, the report of its error says enough.
        if !swoosh_zend::error::has_exception() && !swoosh_zend::runtime::has_failed() {
            swoosh::log::info!("connection {}: response dropped without end(); ending it", session.0);
        }
        if self.has_unsent_part() {
            return self.finish(&transport);
        }
        if swoosh_zend::runtime::has_failed() && node.state().mode() == Mode::Base {
            // The worker ends, and its connections with it.
            self.keep_alive.set(false);
        }
        let last = self.abandoned_bytes(object);
        if !last.is_empty() {
            succeeded(node.send_answer(session, last.as_slice()));
        }
        self.finish(&transport);
    }
}

impl ResponseState {
    /// The response is complete: closes the connection, or lets its next request in.
    pub(crate) fn finish(&self, transport: &Transport) {
        // Where the head was not sent, an orderly close spares the responses before this one.
        let is_cut = self.has_unsent_part() && self.phase() != Phase::NotSent;
        self.enter(Phase::Ended);
        if self.must_respond.get() {
            transport.end_request();
        }
        if is_cut {
            transport.reset();
        } else if !self.keep_alive.get() || self.has_unsent_part() {
            transport.close_behind_response();
        }
        transport.response_complete();
    }

    /// Sends the rest of the response and completes it.
    pub(crate) fn end(&self, transport: &Transport, object: &Object, body: &[u8]) -> PhpResult<bool> {
        if self.handshake.get() {
            let agreed = self.status.get() == 101;
            self.keep_alive.set(agreed);
            if agreed {
                transport.begin_websocket(self.deflate.get());
            }
        }
        if self.has_unsent_part() {
            swoosh::log::info!("closing a connection: a part of the response could not be sent to its peer");
            self.finish(transport);
            return Ok(false);
        }
        let begun = self.phase() == Phase::HeadSent;
        let mut out = Vec::with_capacity(256 + Parts::room_for(body.len()));
        let rest = self.put_remaining(&mut out, object, body);
        let parts = Parts::new(&out, &rest);
        // Set before sending: other coroutines may run while it waits for room.
        self.enter(Phase::Ended);
        let sent = parts.is_empty() || transport.send_final(parts)?;
        if !sent {
            // Later bytes would be taken for the rest of this response.
            self.keep_alive.set(false);
            if begun {
                self.note_unsent_part(body);
            }
        }
        self.finish(transport);
        Ok(sent)
    }

    /// Writes the unsent bytes up to the response's end, `body` included. Returns the part of the body that was not copied
    /// and belongs behind them.
    fn put_remaining<'a>(&self, out: &mut Vec<u8>, object: &Object, body: &'a [u8]) -> Cow<'a, [u8]> {
        if self.phase() == Phase::NotSent && self.is_http2() && has_trailers(object) {
            self.in_chunks.set(true);
            let body = self.put_whole(out, object, body);
            put_last_chunks(out, object, &body);
        } else if self.phase() == Phase::NotSent {
            let body = self.put_whole(out, object, body);
            if body.len() >= Parts::MIN_UNCOPIED {
                return body;
            }
            out.extend_from_slice(&body);
        } else if self.http10.get() || !self.has_body() {
            out.extend_from_slice(if self.has_body() { body } else { b"" });
        } else {
            put_last_chunks(out, object, body);
        }
        Cow::Borrowed(&[])
    }

    /// The bytes that end a response without `end()`: status 500 unless the handler set one. Fields that describe the content
    /// are not for that of the 500.
    pub(crate) fn abandoned_bytes(&self, object: &Object) -> Vec<u8> {
        if self.phase() == Phase::NotSent && self.status.get() == 200 {
            self.status.set(500);
            drop_content_fields(object);
        }
        let mut out = Vec::with_capacity(256);
        self.put_remaining(&mut out, object, b"");
        out
    }
}

/// Removes the fields that describe a response's content (RFC 9110 section 8), and how long it may be cached.
fn drop_content_fields(object: &Object) {
    const FIELDS: [&str; 7] = [
        "cache-control",
        "content-disposition",
        "content-encoding",
        "content-range",
        "etag",
        "expires",
        "last-modified",
    ];
    let Some(own) = object.slot(HEADER).array().cloned() else { return };
    let mut kept = Array::new();
    for (key, value) in own.iter().filter(|(key, _)| !FIELDS.iter().any(|name| is_key(key, name))) {
        match key {
            Key::Name(name) => kept.put(name.as_bytes(), value.clone()),
            Key::Index(index) => kept.set(index, value.clone()),
        }
    }
    object.set_slot(HEADER, kept);
}

/// Writes the rest of a body in chunks, and the trailers (RFC 9112 section 7.1).
fn put_last_chunks(out: &mut Vec<u8>, object: &Object, body: &[u8]) {
    put_chunk(out, body);
    out.extend_from_slice(b"0\r\n");
    put_trailers(out, object);
    out.extend_from_slice(b"\r\n");
}
