//! A response that was upgraded: the WebSocket of a coroutine server.

use super::{PROTOCOL_ERROR, open};
use crate::api::websocket::given;
use crate::coroutine::wait;
use crate::runtime::last_error;
use crate::server::http_peer::{Peer, Way};
use crate::server::http_response::{HEADER, Kept, Stage, expect_handshake, prepare};
use crate::server::websocket_frame::{Given, close_code, fits_control};
use crate::server::websocket_talk::{Heard, Rules, Talk};
use std::rc::Rc;
use swoosh::proto::websocket::Opcode;
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// Speaks WebSocket from here on (RFC 6455 section 4.2).
pub(super) fn upgrade(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some((kept, this)) = open(call) else { return Ok(false) };
    let Some(Peer::Coroutine(served)) = kept.peer.get().cloned() else {
        last_error::warn_misuse("only a Swoole\\Coroutine\\Http\\Server's response can be upgraded");
        return Ok(false);
    };
    let Some(handshake) = served.handshake.take().filter(|_| kept.stage() == Stage::New) else {
        kept.status.set(400);
        last_error::warn_misuse("the request does not ask for WebSocket as the standard says");
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
    prepare(this, 101, fields);
    if !kept.end(&Way::Link(served.clone()), this, b"")? {
        return Ok(false);
    }
    let rules = Rules {
        masks: false,
        masked: true,
        max: served.config.longest,
        deflate: agreed,
        tells: served.config.websocket.tells,
    };
    let talk = Talk::new(served.link.clone(), served.buffer.take(), rules);
    *served.talk.borrow_mut() = Some(Rc::new(talk));
    Ok(true)
}

/// The WebSocket that a response was upgraded to; `None`, with a warning, where it is none.
fn talk(call: &Call<'_>) -> Option<Rc<Talk>> {
    let talk = match call.payload::<Kept>().peer.get() {
        Some(Peer::Coroutine(served)) => served.talk.borrow().clone(),
        _ => None,
    };
    if talk.is_none() {
        last_error::warn_misuse("the response is no WebSocket: it has not been upgraded");
    }
    talk.filter(|talk| talk.is_open())
}

fn told(result: Result<(), i32>) -> bool {
    result.map_err(last_error::set).is_ok()
}

pub(super) fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(talk) = talk(call) else { return Ok(false) };
    let Some(frame) = given(call, 0)? else {
        last_error::warn_misuse("an opcode is a number from 0 to 15");
        return Ok(false);
    };
    talk.send(&frame, None).map(told)
}

pub(super) fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes_or(0, b"")?;
    let Some(talk) = talk(call) else { return Ok(false) };
    if !fits_control(data) {
        return Ok(false);
    }
    talk.send(&Given::control(Opcode::Ping, data.to_vec()), None).map(told)
}

pub(super) fn recv(call: &mut Call<'_>) -> PhpResult<Zval> {
    let limit = wait::limit(call.float_or(0, 0.0)?);
    let Some(talk) = talk(call) else { return Ok(false.into_zval()) };
    Ok(match talk.recv(limit)? {
        Heard::Frame(frame) => frame.into_zval(),
        Heard::Over => "".into_zval(),
        Heard::Failed(code) => {
            last_error::set(code);
            false.into_zval()
        }
        Heard::Fault(why) => {
            swoosh::log::info!("a WebSocket is closed: {why}");
            last_error::set(PROTOCOL_ERROR);
            false.into_zval()
        }
    })
}

pub(super) fn disconnect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, reason) = (call.int_or(0, 1000)?, call.bytes_or(1, b"")?);
    let Some(talk) = talk(call) else { return Ok(false) };
    let Some(code) = close_code(code, reason) else { return Ok(false) };
    talk.say_close(code, reason)
}
