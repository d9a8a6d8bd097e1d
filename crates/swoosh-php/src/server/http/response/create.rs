//! Response objects: created for a request or a connection, prepared, and asked for their state.

use super::state::{FD, HEADER, Phase, RESPONSE, ResponseState};
use crate::server::http::deadline::Deadline;
use crate::server::http::transport::{HttpConnection, Transport};
use std::rc::Rc;
use swoosh::proto::http1::request::{Field, Request, field};
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh_zend::{Array, Object, PhpResult};

/// The response to a request.
pub fn for_request(connection: HttpConnection, request: &Request<'_>, headers: &[Field<'_>]) -> PhpResult<Object> {
    let object = for_connection(connection)?;
    if let Some(state) = object.payload::<ResponseState>() {
        state.must_respond.set(true);
        state.keep_alive.set(request.keeps_alive(headers));
        state.http10.set(request.minor == 0);
        state.head_request.set(request.method == "HEAD");
        if let (Some(accept), Some(connection)) = (field(headers, "accept-encoding"), state.connection.get()) {
            state.accepted_coding.set(connection.with_config(|config| config.compression.negotiate(accept)).flatten());
        }
    }
    Ok(object)
}

/// A response on a connection, not bound to a request.
pub fn for_connection(connection: HttpConnection) -> PhpResult<Object> {
    let object = Object::pooled::<ResponseState>(RESPONSE.get())?;
    match &connection {
        HttpConnection::Server(_, session) => object.set_slot(FD, session.0),
        HttpConnection::Coroutine(connection) => object.set_slot(FD, connection.link().fd()),
    }
    if let Some(state) = object.payload::<ResponseState>() {
        let _ = state.connection.set(connection);
        state.enter(Phase::NotSent);
    }
    Ok(object)
}

/// Whether a response can still be ended.
pub fn is_open(object: &Object) -> bool {
    object.payload::<ResponseState>().is_some_and(|state| matches!(state.phase(), Phase::NotSent | Phase::HeadSent))
}

/// Marks the response as the answer to a WebSocket handshake.
pub fn expect_handshake(object: &Object) {
    if let Some(state) = object.payload::<ResponseState>() {
        state.handshake.set(true);
        state.keep_alive.set(false);
        state.accepted_coding.set(None);
    }
}

/// Sets the compression negotiated for the WebSocket.
pub fn set_deflate(object: &Object, agreed: DeflateParams) {
    if let Some(state) = object.payload::<ResponseState>() {
        state.deflate.set(Some(agreed));
    }
}

/// Sets the request deadline.
pub fn set_deadline(object: &Object, deadline: Rc<Deadline>) {
    if let Some(state) = object.payload::<ResponseState>() {
        let _ = state.deadline.set(deadline);
    }
}

/// Sets status and header fields.
pub fn set_head(object: &Object, status: i64, fields: Array) {
    if let Some(state) = object.payload::<ResponseState>() {
        state.status.set(status);
    }
    object.set_slot(HEADER, fields);
}

/// Ends the response without a body, unless its head was sent.
pub fn end_without_body(transport: &Transport, object: &Object) -> PhpResult<()> {
    match object.payload::<ResponseState>().filter(|state| state.phase() == Phase::NotSent) {
        Some(state) => state.end(transport, object, b"").map(drop),
        None => Ok(()),
    }
}
