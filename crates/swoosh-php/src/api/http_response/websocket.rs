//! A response that was upgraded: the WebSocket of a coroutine server.

use super::writable::open;
use crate::api::websocket::frame_argument;
use crate::coroutine::wait;
use crate::runtime::last_error;
use crate::server::http::response::state::{HEADER, Phase, ResponseState};
use crate::server::http::response::{expect_handshake, set_head};
use crate::server::http::transport::{HttpConnection, Transport};
use crate::server::websocket::connection::{Received, WebSocketConnection, WebSocketOptions};
use crate::server::websocket::frame::{OutgoingFrame, close_code, fits_control};
use std::rc::Rc;
use swoosh::proto::websocket::Opcode;
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// Upgrades the connection to WebSocket (RFC 6455 section 4.2).
pub(super) fn upgrade(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some((state, this)) = open(call) else { return Ok(false) };
    let Some(HttpConnection::Coroutine(connection)) = state.connection().cloned() else {
        last_error::warn_misuse("only a Swoole\\Coroutine\\Http\\Server's response can be upgraded");
        return Ok(false);
    };
    let Some(handshake) = connection.take_handshake().filter(|_| state.phase() == Phase::NotSent) else {
        state.set_status(400);
        last_error::warn_misuse("the request is not a valid WebSocket handshake");
        return Ok(false);
    };
    let mut fields = this.slot(HEADER).array().cloned().unwrap_or_default();
    fields.insert("Upgrade", "websocket");
    fields.insert("Connection", "Upgrade");
    fields.insert("Sec-WebSocket-Accept", handshake.accept);
    fields.insert("Sec-WebSocket-Version", "13");
    if let Some(protocol) = handshake.protocol {
        fields.insert("Sec-WebSocket-Protocol", protocol);
    }
    let agreed = handshake.deflate.map(|(agreed, words)| {
        fields.insert("Sec-WebSocket-Extensions", words);
        agreed
    });
    expect_handshake(this);
    set_head(this, 101, fields);
    if !state.end(&Transport::Socket(connection.clone()), this, b"")? {
        return Ok(false);
    }
    let options = WebSocketOptions {
        mask_outgoing: false,
        masked: true,
        max: connection.settings().max_length,
        deflate: agreed,
        control_frames: connection.settings().websocket.control_frames,
    };
    let websocket = WebSocketConnection::new(connection.link().clone(), connection.take_buffer(), options);
    connection.set_websocket(websocket);
    Ok(true)
}

/// The WebSocket that a response was upgraded to; `None`, with a warning, before the upgrade.
fn websocket(call: &Call<'_>) -> Option<Rc<WebSocketConnection>> {
    let websocket = match call.payload::<ResponseState>().connection() {
        Some(HttpConnection::Coroutine(connection)) => connection.websocket(),
        _ => None,
    };
    if websocket.is_none() {
        last_error::warn_misuse("the response was not upgraded to WebSocket");
    }
    websocket.filter(|websocket| websocket.is_open())
}

fn ok_or_set_error(result: Result<(), i32>) -> bool {
    result.map_err(last_error::set).is_ok()
}

pub(super) fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(websocket) = websocket(call) else { return Ok(false) };
    let Some(frame) = frame_argument(call, 0)? else {
        last_error::warn_misuse("the opcode must be 0 to 15");
        return Ok(false);
    };
    websocket.send(&frame, None).map(ok_or_set_error)
}

pub(super) fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes_or(0, b"")?;
    let Some(websocket) = websocket(call) else { return Ok(false) };
    if !fits_control(data) {
        return Ok(false);
    }
    websocket.send(&OutgoingFrame::control(Opcode::Ping, data.to_vec()), None).map(ok_or_set_error)
}

pub(super) fn recv(call: &mut Call<'_>) -> PhpResult<Zval> {
    let limit = wait::limit(call.float_or(0, 0.0)?);
    let Some(websocket) = websocket(call) else { return Ok(false.into_zval()) };
    Ok(match websocket.recv(limit)? {
        Received::Message(frame) => frame.into_zval(),
        Received::Closed => "".into_zval(),
        Received::Failed(code) => {
            last_error::set(code);
            false.into_zval()
        }
        Received::ProtocolError(why) => {
            swoosh::log::info!("closing a WebSocket: {why}");
            last_error::set(PROTOCOL_ERROR);
            false.into_zval()
        }
    })
}

pub(super) fn disconnect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, reason) = (call.int_or(0, 1000)?, call.bytes_or(1, b"")?);
    let Some(websocket) = websocket(call) else { return Ok(false) };
    let Some(code) = close_code(code, reason) else { return Ok(false) };
    websocket.send_close(code, reason)
}

/// SWOOLE_ERROR_PROTOCOL_ERROR.
const PROTOCOL_ERROR: i32 = 508;
