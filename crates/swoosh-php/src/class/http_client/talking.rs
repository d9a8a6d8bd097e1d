//! WebSocket, from the handshake on.

use super::answer::answer;
use super::{
    BROKEN_PROTOCOL, Client, Conn, ERR_CODE, ERR_MSG, Failure, HANDSHAKE_FAILED, HEADERS, LONGEST_BODY, METHOD,
    NO_CONNECTION, PACK_FAILED, SEND_FAILED, SERVER_RESET, SETTING, STATUS, UNCONNECTED, array_in, ask, fail, hang_up,
    show,
};
use crate::bridge::last_error;
use crate::bridge::websocket_talk::{Heard, Rules, Talk};
use crate::class::coroutine_client::Times;
use crate::class::websocket::{Given, close_code, fits_control, given};
use crate::coroutine::socket::Code;
use crate::coroutine::wait;
use crate::zend::{Array, Call, IntoZval, PhpResult, Zval};
use nix::errno::Errno;
use std::rc::Rc;
use swoosh::proto::base64;
use swoosh::proto::websocket::deflate;
use swoosh::proto::websocket::{Opcode, accept_key};

/// Asks to speak WebSocket from here on (RFC 6455 section 4.1).
pub(super) fn upgrade(call: &mut Call<'_>) -> PhpResult<bool> {
    let target = call.bytes(0)?.to_vec();
    show(call, METHOD, "GET");
    let hash = |n: u8| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), n).to_ne_bytes();
    let key = base64(&[hash(0), hash(1)].concat());
    ask(call, &target, Some(key))
}

/// Looks at the answer to a handshake.
pub(super) fn shake_hands(
    call: &Call<'_>,
    client: &Client,
    conn: &Rc<Conn>,
    key: &str,
    settings: &Array,
) -> PhpResult<bool> {
    if call.this().is_none_or(|this| this.slot(STATUS).to_int() != 101) {
        // An answer, though no agreement: the status says so.
        return Ok(true);
    }
    let headers = array_in(call, HEADERS).unwrap_or_default();
    let field = |name: &str| headers.get(name).and_then(Zval::bytes).unwrap_or_default();
    if Some(field("sec-websocket-accept")) != accept_key(key.as_bytes()).as_deref().map(str::as_bytes) {
        let why = "the answer to the handshake is not made of its key";
        return fail(call, client, Failure::new(SERVER_RESET, HANDSHAKE_FAILED, why));
    }
    let on = |name: &str, or: bool| settings.get(name).map_or(or, Zval::to_bool);
    let extensions = field("sec-websocket-extensions");
    let agreed = deflate::is_accepted([extensions].into_iter()) && on("websocket_compression", false);
    if !extensions.is_empty() && !agreed {
        let why = "the answer to the handshake agrees on what was not offered";
        return fail(call, client, Failure::new(SERVER_RESET, HANDSHAKE_FAILED, why));
    }
    let most = settings.get("package_max_length").map_or(LONGEST_BODY, Zval::to_int);
    let rules = Rules {
        masks: on("websocket_mask", true),
        masked: false,
        max: u64::try_from(most).unwrap_or(0),
        deflate: agreed.then_some(deflate::DeflateParams { small_window: false }),
        tells: ["ping", "pong", "close"].map(|kind| on(&format!("open_websocket_{kind}_frame"), false)),
    };
    let talk = Talk::new(conn.link.clone(), conn.buffer.take(), rules);
    *client.talk.borrow_mut() = Some(Rc::new(talk));
    Ok(true)
}

/// The WebSocket; `None`, and a code, where there is none.
fn talk(call: &Call<'_>) -> Option<Rc<Talk>> {
    let client = call.payload::<Client>();
    let talk = client.talk.borrow().clone();
    if talk.is_none() {
        let code = if client.conn.borrow().is_none() { NO_CONNECTION } else { UNCONNECTED };
        last_error::set(code);
        show(call, ERR_CODE, code);
        show(call, ERR_MSG, "there is no connection that speaks WebSocket");
    }
    talk
}

/// The result of sending something; where it failed, the connection is of no use any more.
fn sent(call: &Call<'_>, result: Result<(), Code>) -> PhpResult<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(code) => fail(call, call.payload::<Client>(), Failure::of(SEND_FAILED, code)),
    }
}

pub(super) fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(talk) = talk(call) else { return Ok(false) };
    let Some(frame) = given(call, 0)? else {
        last_error::refuse("an opcode is a number from 0 to 15");
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
    hang_up(call, call.payload::<Client>());
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
                hang_up(call, client);
            }
            Ok(frame.into_zval())
        }
        Heard::Over => {
            hang_up(call, client);
            show(call, STATUS, SERVER_RESET);
            Ok("".into_zval())
        }
        Heard::Failed(code) => {
            last_error::set(code);
            show(call, STATUS, SERVER_RESET);
            show(call, ERR_CODE, code);
            show(call, ERR_MSG, Errno::from_raw(code).desc());
            if code != libc::ETIMEDOUT && code != libc::ECANCELED {
                hang_up(call, client);
            }
            no()
        }
        Heard::Fault(why) => {
            fail(call, client, Failure::new(SERVER_RESET, BROKEN_PROTOCOL, why))?;
            no()
        }
    }
}
