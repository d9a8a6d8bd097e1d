//! WebSocket connections of a server: upgrade, `open` and `message` callbacks, close.

use crate::server::callback::{Completion, PendingCall, close};
use crate::server::callbacks::{Callbacks, PortEvent};
use crate::server::http::response;
use crate::server::http::transport::Transport;
use crate::server::state::PhpServer;
use crate::server::websocket::frame;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::ConnectionEvent;
use swoosh::proto::http1::has_token;
use swoosh::proto::http1::request::{Field, Request, field};
use swoosh::proto::websocket::{
    Event, FrameRules, MessageAssembler, Opcode, WebSocketError, accept_handshake, close_frame, deflate, put_frame,
};
use swoosh_zend::{Array, IntoZval, Object, PhpResult};

thread_local! {
    /// By connection: the fragments of an incomplete message.
    static ASSEMBLERS: RefCell<HashMap<u64, MessageAssembler>> = RefCell::default();
}

/// Discards the fragments of a closed connection.
pub fn closed(session: u64) {
    ASSEMBLERS.with_borrow_mut(|assemblers| assemblers.remove(&session));
}

/// Whether a request asks for a WebSocket upgrade and the port has a message callback.
pub fn is_upgrade(callbacks: &Callbacks, port: usize, headers: &[Field<'_>]) -> bool {
    callbacks.of_port(port, PortEvent::Message).is_some()
        && field(headers, "upgrade").is_some_and(|value| has_token(value, "websocket"))
}

/// Answers the opening handshake (RFC 6455 section 4.2), or calls `onHandshake` for it.
pub fn shake_hands(
    state: &Rc<PhpServer>,
    callbacks: &Callbacks,
    node: &Context,
    event: &ConnectionEvent,
    request: &Request<'_>,
    headers: &[Field<'_>],
    objects: (Object, Object),
) -> PhpResult<Option<PendingCall>> {
    let (asked, response) = objects;
    response::expect_handshake(&response);
    if let Some(callable) = callbacks.of_port(event.port, PortEvent::Handshake).cloned() {
        let completion = Completion::CheckAnswered(response.clone(), event.session.0);
        return Ok(Some(PendingCall { callable, args: [asked.into_zval(), response.into_zval()], completion }));
    }
    let (status, fields) = handshake_head(state, request, headers, &response);
    response::set_head(&response, status, fields);
    if status == 101
        && let Some(callable) = callbacks.of_port(event.port, PortEvent::BeforeHandshakeResponse).cloned()
    {
        state.home().leave_if_child(callable.call(&mut [
            callbacks.server().clone().into_zval(),
            asked.clone().into_zval(),
            response.clone().into_zval(),
        ]))?;
    }
    response::end_without_body(&Transport::Engine(state.clone(), node.clone(), event.session), &response)?;
    if !node.is_websocket(event.session) {
        return Ok(None);
    }
    let Some(callable) = callbacks.of_port(event.port, PortEvent::Open).cloned() else { return Ok(None) };
    Ok(Some(PendingCall {
        callable,
        args: [callbacks.server().clone().into_zval(), asked.into_zval()],
        completion: Completion::None,
    }))
}

/// Handles one frame. Pings and close frames are answered; a protocol violation closes the connection.
pub fn receive(
    state: &Rc<PhpServer>,
    callbacks: &Callbacks,
    node: &Context,
    event: &ConnectionEvent,
    bytes: &[u8],
) -> PhpResult<Option<PendingCall>> {
    let session = event.session;
    let max = node.state().ports()[event.port].config().package_max_length;
    let expect = FrameRules { max, masked: true, deflate: node.deflate_of(session).is_some() };
    let received = assemble(session.0, bytes, expect);
    let control_frames = state.http().map(|config| config.websocket.control_frames).unwrap_or_default();
    let (object, completion) = match received {
        Err(fault) => {
            swoosh::log::info!(
                "closing connection {} with WebSocket status {}: {}",
                session.0,
                fault.code,
                fault.reason
            );
            close(node, session, &close_frame(fault.code, b""));
            return Ok(None);
        }
        Ok(None) => return Ok(None),
        Ok(Some(Event::Message(kind, data, packed))) => {
            (frame::object(session.0, kind, &data, frame::received_flags(true, packed))?, Completion::None)
        }
        Ok(Some(Event::Ping(data))) if control_frames[0] => {
            (frame::object(session.0, Opcode::Ping, &data, frame::received_flags(true, false))?, Completion::None)
        }
        Ok(Some(Event::Ping(data))) => {
            let mut pong = Vec::with_capacity(2 + data.len());
            put_frame(&mut pong, 0x8A, None, &data);
            // Fails only when the peer has disconnected.
            let _ = node.send(session, &pong);
            return Ok(None);
        }
        Ok(Some(Event::Pong(data))) if control_frames[1] => {
            (frame::object(session.0, Opcode::Pong, &data, frame::received_flags(true, false))?, Completion::None)
        }
        Ok(Some(Event::Pong(_))) => return Ok(None),
        Ok(Some(Event::Close(code, reason))) => {
            let answer = close_frame(code, &reason);
            if !control_frames[2] {
                close(node, session, &answer);
                return Ok(None);
            }
            (
                frame::close_object(session.0, code, &reason, frame::received_flags(true, false))?,
                Completion::CloseWith(session, answer),
            )
        }
    };
    let Some(callable) = callbacks.of_port(event.port, PortEvent::Message).cloned() else { return Ok(None) };
    Ok(Some(PendingCall { callable, args: [callbacks.server().clone().into_zval(), object.into_zval()], completion }))
}

/// Status and header fields of the response to a handshake; negotiates compression if the setting allows it.
fn handshake_head(state: &PhpServer, request: &Request<'_>, headers: &[Field<'_>], response: &Object) -> (i64, Array) {
    let mut fields = Array::new();
    let status = match accept_handshake(request.method, request.minor, headers.iter().map(|h| (h.name, h.value))) {
        Ok(accept) => {
            fields.insert("Upgrade", "websocket");
            fields.insert("Connection", "Upgrade");
            fields.insert("Sec-WebSocket-Accept", accept);
            fields.insert("Sec-WebSocket-Version", "13");
            if let Some(own) = state.http().and_then(|config| config.websocket.subprotocol_of(headers)) {
                fields.insert("Sec-WebSocket-Protocol", own);
            }
            101
        }
        Err(status) => {
            if status == 426 {
                fields.insert("Sec-WebSocket-Version", "13");
            }
            i64::from(status)
        }
    };
    let compresses = state.http().is_some_and(|config| config.websocket.compression);
    if status == 101 && compresses {
        let offers = headers.iter().filter(|h| h.is("sec-websocket-extensions"));
        if let Some((agreed, answer)) = deflate::negotiate(offers.map(|h| h.value)) {
            fields.insert("Sec-WebSocket-Extensions", answer);
            response::set_deflate(response, agreed);
        }
    }
    (status, fields)
}

/// Adds a frame to its connection's incomplete message, if there is one.
fn assemble(session: u64, bytes: &[u8], rules: FrameRules) -> Result<Option<Event>, WebSocketError> {
    ASSEMBLERS.with_borrow_mut(|assemblers| {
        let mut assembler = assemblers.remove(&session).unwrap_or_default();
        let received = assembler.take(bytes, rules);
        if !assembler.is_empty() {
            assemblers.insert(session, assembler);
        }
        received
    })
}
