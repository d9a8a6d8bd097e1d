//! WebSocket, from the handshake on.

use super::client::{
    BROKEN_PROTOCOL, Client, ERR_CODE, ERR_MSG, Failure, METHOD, NO_CONNECTION, PACK_FAILED, SEND_FAILED, SERVER_RESET,
    SETTING, STATUS, UNCONNECTED, array_property, close_connection, fail, has_http2, set_property,
};
use super::execute::run;
use super::response::receive;
use crate::api::coroutine_client::Times;
use crate::api::websocket::frame_argument;
use crate::coroutine::socket::ErrorCode;
use crate::coroutine::wait;
use crate::runtime::last_error;
use crate::server::websocket::connection::{Received, WebSocketConnection};
use crate::server::websocket::frame::{OutgoingFrame, close_code, fits_control};
use std::rc::Rc;
use swoosh::proto::base64;
use swoosh::proto::websocket::Opcode;
use swoosh::sys::error_text;
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// Asks to speak WebSocket from here on (RFC 6455 section 4.1).
pub(super) fn upgrade(call: &mut Call<'_>) -> PhpResult<bool> {
    let target = call.bytes(0)?.to_vec();
    set_property(call, METHOD, "GET");
    let hash = |n: u8| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), n).to_ne_bytes();
    let key = base64(&[hash(0), hash(1)].concat());
    run(call, &target, Some(key))
}

/// The WebSocket; `None`, with the error code set, without one.
fn websocket(call: &Call<'_>) -> Option<Rc<WebSocketConnection>> {
    let client = call.payload::<Client>();
    let closed = client.conn.borrow().as_ref().is_none_or(|conn| conn.link.is_closed());
    let websocket = client.websocket.borrow().clone().filter(|_| !closed);
    if websocket.is_none() {
        let code = if closed { NO_CONNECTION } else { UNCONNECTED };
        last_error::set(code);
        set_property(call, ERR_CODE, code);
        set_property(call, ERR_MSG, "the connection is not a WebSocket");
    }
    websocket
}

/// Whether sending succeeded; a failure closes the connection.
fn sent(call: &Call<'_>, result: Result<(), ErrorCode>) -> PhpResult<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(code) => fail(call, call.payload::<Client>(), Failure::of(SEND_FAILED, code)),
    }
}

pub(super) fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(websocket) = websocket(call) else { return Ok(false) };
    let Some(frame) = frame_argument(call, 0)? else {
        last_error::warn_misuse("the opcode must be 0 to 15");
        set_property(call, ERR_CODE, PACK_FAILED);
        return Ok(false);
    };
    let write = Times::of(&array_property(call, SETTING).unwrap_or_default()).write;
    sent(call, websocket.send(&frame, write)?)
}

pub(super) fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes_or(0, b"")?.to_vec();
    let Some(websocket) = websocket(call) else { return Ok(false) };
    if !fits_control(&data) {
        return Ok(false);
    }
    sent(call, websocket.send(&OutgoingFrame::control(Opcode::Ping, data), None)?)
}

pub(super) fn disconnect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, reason) = (call.int_or(0, 1000)?, call.bytes_or(1, b"")?.to_vec());
    let Some(websocket) = websocket(call) else { return Ok(false) };
    let Some(code) = close_code(code, &reason) else { return Ok(false) };
    let said = websocket.send_close(code, &reason)?;
    close_connection(call, call.payload::<Client>())?;
    Ok(said)
}

/// The next message of a WebSocket, or the answer to a request that was put off.
pub(super) fn recv(call: &mut Call<'_>) -> PhpResult<Zval> {
    let client = call.payload::<Client>();
    let settings = array_property(call, SETTING).unwrap_or_default();
    let limit = match call.float_or(0, 0.0)? {
        seconds if seconds > 0.0 => Some(wait::duration(seconds)),
        seconds if seconds < 0.0 => None,
        _ => Times::of(&settings).read,
    };
    let no = || Ok(false.into_zval());
    if client.websocket.borrow().is_none() {
        if !has_http2(client) {
            client.exchange.check()?;
        }
        let _exchange = client.exchange.begin();
        if client.conn.borrow().is_none() {
            websocket(call);
            return no();
        }
        if client.sent.borrow().is_empty() {
            return no();
        }
        return Ok(receive(call, client, &settings, limit)?.into_zval());
    }
    let Some(websocket) = websocket(call) else { return no() };
    match websocket.recv(limit)? {
        Received::Message(frame) => {
            if !websocket.is_open() {
                close_connection(call, client)?;
            }
            Ok(frame.into_zval())
        }
        Received::Closed => {
            close_connection(call, client)?;
            set_property(call, STATUS, SERVER_RESET);
            Ok("".into_zval())
        }
        Received::Failed(code) => {
            last_error::set(code);
            set_property(call, STATUS, SERVER_RESET);
            set_property(call, ERR_CODE, code);
            set_property(call, ERR_MSG, error_text(code));
            if code != libc::ETIMEDOUT && code != libc::ECANCELED {
                close_connection(call, client)?;
            }
            no()
        }
        Received::ProtocolError(why) => {
            fail(call, client, Failure::new(SERVER_RESET, BROKEN_PROTOCOL, why))?;
            no()
        }
    }
}
