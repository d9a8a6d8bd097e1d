//! The client's side of a WebSocket handshake's answer (RFC 6455 section 4.1).

use super::{Client, Conn, Failure, HANDSHAKE_FAILED, HEADERS, LONGEST_BODY, SERVER_RESET, STATUS, array_in, fail};
use crate::server::websocket_talk::{Rules, Talk};
use std::rc::Rc;
use swoosh::proto::websocket::{accept_key, deflate};
use swoosh_zend::{Array, Call, PhpResult, Zval};

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
