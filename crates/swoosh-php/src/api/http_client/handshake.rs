//! The client's side of a WebSocket handshake's answer (RFC 6455 section 4.1).

use super::client::{
    Client, Conn, DEFAULT_MAX_BODY, Failure, HANDSHAKE_FAILED, HEADERS, SERVER_RESET, STATUS, array_property, fail,
};
use crate::server::websocket::connection::{WebSocketConnection, WebSocketOptions};
use std::rc::Rc;
use swoosh::proto::websocket::{accept_key, deflate};
use swoosh_zend::{Array, Call, PhpResult, Zval};

/// Looks at the answer to a handshake.
pub(super) fn check_handshake(
    call: &Call<'_>,
    client: &Client,
    conn: &Rc<Conn>,
    key: &str,
    settings: &Array,
) -> PhpResult<bool> {
    if call.this().is_none_or(|this| this.slot(STATUS).to_int() != 101) {
        // A valid response without an upgrade.
        return Ok(true);
    }
    let headers = array_property(call, HEADERS).unwrap_or_default();
    let field = |name: &str| headers.get(name).and_then(Zval::bytes).unwrap_or_default();
    if Some(field("sec-websocket-accept")) != accept_key(key.as_bytes()).as_deref().map(str::as_bytes) {
        let why = "WebSocket handshake: Sec-WebSocket-Accept does not match the key";
        return fail(call, client, Failure::new(SERVER_RESET, HANDSHAKE_FAILED, why));
    }
    let on = |name: &str, or: bool| is_on(settings, name, or);
    let extensions = field("sec-websocket-extensions");
    let agreed = deflate::is_accepted([extensions].into_iter()) && on("websocket_compression", false);
    if !extensions.is_empty() && !agreed {
        let why = "WebSocket handshake: the server accepted an extension that was not offered";
        return fail(call, client, Failure::new(SERVER_RESET, HANDSHAKE_FAILED, why));
    }
    let most = settings.get("package_max_length").map_or(DEFAULT_MAX_BODY, Zval::to_int);
    let options = WebSocketOptions {
        mask_outgoing: masks_outgoing(settings),
        masked: false,
        max: u64::try_from(most).unwrap_or(0),
        deflate: agreed.then_some(deflate::DeflateParams { small_window: false }),
        control_frames: control_frames(settings),
    };
    let websocket = WebSocketConnection::new(conn.link.clone(), conn.buffer.take(), options);
    *client.websocket.borrow_mut() = Some(Rc::new(websocket));
    Ok(true)
}

/// The control frames that are delivered to PHP: ping, pong, close.
pub(super) fn control_frames(settings: &Array) -> [bool; 3] {
    ["ping", "pong", "close"].map(|kind| is_on(settings, &format!("open_websocket_{kind}_frame"), false))
}

/// The setting `websocket_mask`.
pub(super) fn masks_outgoing(settings: &Array) -> bool {
    is_on(settings, "websocket_mask", true)
}

fn is_on(settings: &Array, name: &str, default: bool) -> bool {
    settings.get(name).map_or(default, Zval::to_bool)
}
