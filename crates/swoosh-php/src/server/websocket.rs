//! WebSocket: from a request's upgrade to the callbacks `open` and `message`, and its end.

use super::callback::{Then, Wanted, close};
use super::http_peer::Way;
use super::state::{Calls, PortEvent, State};
use super::{http_response, websocket_frame};
use httparse::Header;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::ConnectionEvent;
use swoosh::proto::http1::has_token;
use swoosh::proto::http1::request::{Request, field};
use swoosh::proto::websocket::{
    Event, FrameRules, MessageAssembler, Opcode, accept_handshake, close_frame, deflate, put_frame,
};
use swoosh_zend::{Array, IntoZval, Object, PhpResult};

thread_local! {
    /// By connection: the beginning of a message in fragments.
    static JOINERS: RefCell<HashMap<u64, MessageAssembler>> = RefCell::default();
}

/// A connection is gone.
pub fn closed(session: u64) {
    JOINERS.with_borrow_mut(|joiners| joiners.remove(&session));
}

/// Whether a request asks for an upgrade that this port has code for.
pub fn wanted(calls: &Calls, port: usize, headers: &[Header<'_>]) -> bool {
    calls.ports[port][PortEvent::Message as usize].is_some()
        && field(headers, "upgrade").is_some_and(|value| has_token(value, "websocket"))
}

/// Shakes hands (RFC 6455 section 4.2), by the user's own callback where there is one.
pub fn shake_hands(
    state: &Rc<State>,
    calls: &Calls,
    node: &Context,
    event: &ConnectionEvent,
    request: &Request<'_>,
    headers: &[Header<'_>],
    objects: (Object, Object),
) -> PhpResult<Option<Wanted>> {
    let (asked, response) = objects;
    http_response::expect_handshake(&response);
    let port = &calls.ports[event.port];
    if let Some(callable) = port[PortEvent::Handshake as usize].clone() {
        let then = Then::Settle(response.clone(), event.session.0);
        return Ok(Some(Wanted { callable, args: [asked.into_zval(), response.into_zval()], then }));
    }
    let mut fields = Array::new();
    let status = match accept_handshake(request.method, request.minor, headers.iter().map(|h| (h.name, h.value))) {
        Ok(accept) => {
            fields.insert("Upgrade", "websocket");
            fields.insert("Connection", "Upgrade");
            fields.insert("Sec-WebSocket-Accept", accept);
            fields.insert("Sec-WebSocket-Version", "13");
            if let Some(own) = state.http.get().and_then(|config| config.websocket.subprotocol_of(headers)) {
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
    let compresses = state.http.get().is_some_and(|config| config.websocket.compression);
    if status == 101 && compresses {
        let offers = headers.iter().filter(|h| h.name.eq_ignore_ascii_case("sec-websocket-extensions"));
        if let Some((agreed, answer)) = deflate::negotiate(offers.map(|h| h.value)) {
            fields.insert("Sec-WebSocket-Extensions", answer);
            http_response::agree(&response, agreed);
        }
    }
    http_response::prepare(&response, status, fields);
    if status == 101
        && let Some(callable) = port[PortEvent::BeforeHandshakeResponse as usize].clone()
    {
        state.fork_guard.leave_if_child(callable.call(&mut [
            calls.server.clone().into_zval(),
            asked.clone().into_zval(),
            response.clone().into_zval(),
        ]))?;
    }
    http_response::end_now(&Way::Context(node.clone(), event.session), &response)?;
    if !node.is_websocket(event.session) {
        return Ok(None);
    }
    let Some(callable) = port[PortEvent::Open as usize].clone() else { return Ok(None) };
    Ok(Some(Wanted { callable, args: [calls.server.clone().into_zval(), asked.into_zval()], then: Then::Nothing }))
}

/// Takes one frame. Pings are answered, a close too; a frame that breaks the protocol ends the connection.
pub fn receive(
    state: &Rc<State>,
    calls: &Calls,
    node: &Context,
    event: &ConnectionEvent,
    bytes: &[u8],
) -> PhpResult<Option<Wanted>> {
    let session = event.session;
    let max = node.state().ports[event.port].config.package_max_length;
    let expect = FrameRules { max, masked: true, deflate: node.deflate_of(session).is_some() };
    let heard = JOINERS.with_borrow_mut(|joiners| {
        let mut joiner = joiners.remove(&session.0).unwrap_or_default();
        let heard = joiner.take(bytes, expect);
        if !joiner.is_empty() {
            joiners.insert(session.0, joiner);
        }
        heard
    });
    let tells = state.http.get().map(|config| config.websocket.tells).unwrap_or_default();
    let (object, then) = match heard {
        Err(fault) => {
            swoosh::log::info!("connection {} is closed with {}: {}", session.0, fault.code, fault.reason);
            close(node, session, &close_frame(fault.code, b""));
            return Ok(None);
        }
        Ok(None) => return Ok(None),
        Ok(Some(Event::Message(kind, data, packed))) => {
            (websocket_frame::object(session.0, kind, &data, websocket_frame::heard(true, packed))?, Then::Nothing)
        }
        Ok(Some(Event::Ping(data))) if tells[0] => (
            websocket_frame::object(session.0, Opcode::Ping, &data, websocket_frame::heard(true, false))?,
            Then::Nothing,
        ),
        Ok(Some(Event::Ping(data))) => {
            let mut pong = Vec::with_capacity(2 + data.len());
            put_frame(&mut pong, 0x8A, None, &data);
            // Where the peer is gone nobody waits for it.
            let _ = node.send(session, &pong);
            return Ok(None);
        }
        Ok(Some(Event::Pong(data))) if tells[1] => (
            websocket_frame::object(session.0, Opcode::Pong, &data, websocket_frame::heard(true, false))?,
            Then::Nothing,
        ),
        Ok(Some(Event::Pong(_))) => return Ok(None),
        Ok(Some(Event::Close(code, reason))) => {
            let answer = close_frame(code, &reason);
            if !tells[2] {
                close(node, session, &answer);
                return Ok(None);
            }
            (
                websocket_frame::close_object(session.0, code, &reason, websocket_frame::heard(true, false))?,
                Then::Close(session, answer),
            )
        }
    };
    let Some(callable) = calls.ports[event.port][PortEvent::Message as usize].clone() else { return Ok(None) };
    Ok(Some(Wanted { callable, args: [calls.server.clone().into_zval(), object.into_zval()], then }))
}
