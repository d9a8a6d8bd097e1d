//! The end of a response. Exactly one of the callback, its deadline and the object's destructor ends it.

use super::head::put_trailers;
use super::state::{Phase, ResponseState};
use crate::server::http::transport::{HttpConnection, Transport};
use crate::server::state::succeeded;
use swoosh::proto::http1::reply::put_chunk;
use swoosh_zend::{Object, PhpResult};

impl swoosh_zend::Payload for ResponseState {
    fn handlers() -> &'static swoosh_zend::object::HandlerTable {
        static TABLE: swoosh_zend::object::HandlerTable = swoosh_zend::object::HandlerTable::new();
        &TABLE
    }
    const KEEPS_PROPERTIES: bool = true;

    /// A request that its handler forgot is answered all the same.
    fn before_free(&self, object: &Object) {
        let phase = self.phase();
        if !self.must_respond.get() || !matches!(phase, Phase::NotSent | Phase::HeadSent) {
            return;
        }
        let (state, session) = match self.connection.get() {
            Some(HttpConnection::Server(state, session)) => (state, *session),
            // Nobody may wait here: its coroutine sends it.
            Some(HttpConnection::Coroutine(connection)) => {
                connection.abandoned_response.replace(Some(self.abandoned_bytes(object)));
                connection.close_after_response.set(connection.close_after_response.get() || !self.keep_alive.get());
                return connection.wake_waiter();
            }
            None => return,
        };
        // Of a child that its handler has forked it is not.
        let Some(node) = state.node().filter(|_| !state.home.is_left()) else { return };
        let transport = Transport::Engine(node.clone(), session);
        if !node.exists(session) {
            return self.finish(&transport);
        }
        swoosh::log::notice!("a request of connection {} was left without end(); it is ended", session.0);
        let last = self.abandoned_bytes(object);
        if !last.is_empty() {
            succeeded(node.send_answer(session, &last));
        }
        self.finish(&transport);
    }
}

impl ResponseState {
    /// It is whole: the connection is closed, or its next request is connection.
    pub(crate) fn finish(&self, transport: &Transport) {
        self.enter(Phase::Ended);
        if self.must_respond.get() {
            transport.end_request();
        }
        if !self.keep_alive.get() {
            // Where the connection was faster there is nothing to close.
            transport.close();
        }
        transport.response_complete();
    }

    /// Ends it with the rest of its body.
    pub(crate) fn end(&self, transport: &Transport, object: &Object, body: &[u8]) -> PhpResult<bool> {
        if self.handshake.get() {
            let agreed = self.status.get() == 101;
            self.keep_alive.set(agreed);
            if agreed {
                transport.begin_websocket(self.deflate.get());
            }
        }
        let out = self.remaining_bytes(object, body);
        // From here on nobody else may say anything, whoever runs while it is sent.
        self.enter(Phase::Ended);
        let sent = out.is_empty() || transport.send_final(&out)?;
        if !sent {
            // Whatever came behind it would be taken for its end.
            self.keep_alive.set(false);
        }
        self.finish(transport);
        Ok(sent)
    }

    /// What is to be sent still, together with the rest of the body.
    pub(crate) fn remaining_bytes(&self, object: &Object, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + body.len());
        if self.phase() == Phase::NotSent {
            self.put_whole(&mut out, object, body);
        } else if self.http10.get() || !self.has_body() {
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
    pub(crate) fn abandoned_bytes(&self, object: &Object) -> Vec<u8> {
        if self.phase() == Phase::NotSent && self.status.get() == 200 {
            self.status.set(500);
        }
        self.remaining_bytes(object, b"")
    }
}
