//! WebSocket, from the handshake on.

use super::answer::answer;
use super::{
    BROKEN_PROTOCOL, Client, ERR_CODE, ERR_MSG, Failure, METHOD, NO_CONNECTION, PACK_FAILED, SEND_FAILED, SERVER_RESET,
    SETTING, STATUS, UNCONNECTED, array_in, ask, fail, hang_up, show,
};
use crate::api::coroutine_client::Times;
use crate::api::websocket::given;
use crate::coroutine::socket::ErrorCode;
use crate::coroutine::wait;
use crate::runtime::last_error;
use crate::server::websocket_frame::{Given, close_code, fits_control};
use crate::server::websocket_talk::{Heard, Talk};
use nix::errno::Errno;
use std::rc::Rc;
use swoosh::proto::base64;
use swoosh::proto::websocket::Opcode;
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// Asks to speak WebSocket from here on (RFC 6455 section 4.1).
pub(super) fn upgrade(call: &mut Call<'_>) -> PhpResult<bool> {
    let target = call.bytes(0)?.to_vec();
    show(call, METHOD, "GET");
    let hash = |n: u8| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), n).to_ne_bytes();
    let key = base64(&[hash(0), hash(1)].concat());
    ask(call, &target, Some(key))
}

/// The WebSocket; `None`, and a code, where there is none.
fn talk(call: &Call<'_>) -> Option<Rc<Talk>> {
    let client = call.payload::<Client>();
    let closed = client.conn.borrow().as_ref().is_none_or(|conn| conn.link.is_closed());
    let talk = client.talk.borrow().clone().filter(|_| !closed);
    if talk.is_none() {
        let code = if closed { NO_CONNECTION } else { UNCONNECTED };
        last_error::set(code);
        show(call, ERR_CODE, code);
        show(call, ERR_MSG, "there is no connection that speaks WebSocket");
    }
    talk
}

/// The result of sending something; where it failed, the connection is of no use any more.
fn sent(call: &Call<'_>, result: Result<(), ErrorCode>) -> PhpResult<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(code) => fail(call, call.payload::<Client>(), Failure::of(SEND_FAILED, code)),
    }
}

pub(super) fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(talk) = talk(call) else { return Ok(false) };
    let Some(frame) = given(call, 0)? else {
        last_error::warn_misuse("an opcode is a number from 0 to 15");
        show(call, ERR_CODE, PACK_FAILED);
        return Ok(false);
    };
    let write = Times::of(&array_in(call, SETTING).unwrap_or_default()).write;
    sent(call, talk.send(&frame, write)?)
}

pub(super) fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes_or(0, b"")?.to_vec();
    let Some(talk) = talk(call) else { return Ok(false) };
    if !fits_control(&data) {
        return Ok(false);
    }
    sent(call, talk.send(&Given::control(Opcode::Ping, data), None)?)
}

pub(super) fn disconnect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, reason) = (call.int_or(0, 1000)?, call.bytes_or(1, b"")?.to_vec());
    let Some(talk) = talk(call) else { return Ok(false) };
    let Some(code) = close_code(code, &reason) else { return Ok(false) };
    let said = talk.say_close(code, &reason)?;
    hang_up(call, call.payload::<Client>())?;
    Ok(said)
}

/// The next message of a WebSocket, or the answer to a request that was put off.
pub(super) fn recv(call: &mut Call<'_>) -> PhpResult<Zval> {
    let client = call.payload::<Client>();
    let settings = array_in(call, SETTING).unwrap_or_default();
    let limit = match call.float_or(0, 0.0)? {
        seconds if seconds > 0.0 => Some(wait::duration(seconds)),
        seconds if seconds < 0.0 => None,
        _ => Times::of(&settings).read,
    };
    let no = || Ok(false.into_zval());
    if client.talk.borrow().is_none() {
        if client.conn.borrow().is_none() {
            talk(call);
            return no();
        }
        if client.sent.borrow().is_empty() {
            return no();
        }
        return Ok(answer(call, client, &settings, limit)?.into_zval());
    }
    let Some(talk) = talk(call) else { return no() };
    match talk.recv(limit)? {
        Heard::Frame(frame) => {
            if !talk.is_open() {
                hang_up(call, client)?;
            }
            Ok(frame.into_zval())
        }
        Heard::Over => {
            hang_up(call, client)?;
            show(call, STATUS, SERVER_RESET);
            Ok("".into_zval())
        }
        Heard::Failed(code) => {
            last_error::set(code);
            show(call, STATUS, SERVER_RESET);
            show(call, ERR_CODE, code);
            show(call, ERR_MSG, Errno::from_raw(code).desc());
            if code != libc::ETIMEDOUT && code != libc::ECANCELED {
                hang_up(call, client)?;
            }
            no()
        }
        Heard::Fault(why) => {
            fail(call, client, Failure::new(SERVER_RESET, BROKEN_PROTOCOL, why))?;
            no()
        }
    }
}
