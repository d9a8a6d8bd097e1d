//! The state behind a `Swoole\Coroutine\Http\Client` object, and the properties that PHP code reads.

use crate::api::error_text;
use crate::api::exception::Constructed;
use crate::coroutine::http2::Http2Connection;
use crate::coroutine::in_use::InUse;
use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use crate::runtime::last_error;
use crate::server::websocket::connection::WebSocketConnection;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use swoosh_zend::{Array, Call, IntoZval, PhpResult};

#[derive(Default)]
pub(super) struct Client {
    pub(super) conn: RefCell<Option<Rc<Conn>>>,
    pub(super) family: Cell<i32>,
    pub(super) defer: Cell<bool>,
    /// Requests whose responses were not read yet.
    pub(super) sent: RefCell<VecDeque<SentRequest>>,
    pub(super) basic: RefCell<Option<String>>,
    /// The last request's head.
    pub(super) head: RefCell<Option<Vec<u8>>>,
    pub(super) websocket: RefCell<Option<Rc<WebSocketConnection>>>,
    /// The coroutine that connects, sends a request or receives its response. Over HTTP/2 there may be several.
    pub(super) exchange: InUse,
}
swoosh_zend::payload!(Client);

impl Constructed for Client {
    fn is_constructed(&self) -> bool {
        self.family.get() != libc::AF_UNSPEC
    }
}

/// A connection.
pub(super) struct Conn {
    pub(super) link: Rc<CoroutineSocket>,
    /// Bytes read and not consumed yet.
    pub(super) buffer: RefCell<Vec<u8>>,
    /// HTTP/2, where that was negotiated; it has the socket then.
    pub(super) http2: Option<Http2Connection>,
}

/// Parameters of a sent request that reading its response needs.
pub(super) struct SentRequest {
    pub(super) method: Vec<u8>,
    /// The answer's body goes into that file, from that byte on.
    pub(super) file: Option<(String, u64)>,
    /// A handshake's key.
    pub(super) key: Option<String>,
    pub(super) keep: bool,
    /// HTTP/2's stream.
    pub(super) stream_id: Option<u32>,
}

/// A failed exchange: `statusCode`, `errCode` and `errMsg`.
pub(super) struct Failure {
    pub(super) status: i64,
    pub(super) code: ErrorCode,
    pub(super) why: String,
}

impl Failure {
    pub(super) fn new(status: i64, code: ErrorCode, why: impl Into<String>) -> Self {
        Failure { status, code, why: why.into() }
    }

    pub(super) fn of(status: i64, code: ErrorCode) -> Self {
        Failure::new(status, code, error_text::of_code(code.into()))
    }
}

pub(super) fn set_property(call: &Call<'_>, slot: usize, value: impl IntoZval) {
    if let Some(this) = call.this() {
        this.set_slot(slot, value);
    }
}

pub(super) fn array_property(call: &Call<'_>, slot: usize) -> Option<Array> {
    call.this().and_then(|this| this.slot(slot).array().cloned())
}

pub(super) fn bytes_property(call: &Call<'_>, slot: usize) -> Vec<u8> {
    call.this().and_then(|this| this.slot(slot).bytes().map(<[u8]>::to_vec)).unwrap_or_default()
}

/// Clears the properties of the previous response.
pub(super) fn forget_answer(call: &Call<'_>) {
    set_property(call, ERR_CODE, 0);
    set_property(call, ERR_MSG, "");
    set_property(call, STATUS, 0);
    set_property(call, HEADERS, ());
    set_property(call, SET_COOKIES, ());
    set_property(call, BODY, "");
}

/// Sets the error properties and closes the connection; one of HTTP/2 stays open if only a stream has failed.
#[cold]
pub(super) fn fail(call: &Call<'_>, client: &Client, failure: Failure) -> PhpResult<bool> {
    let conn = client.conn.borrow().clone();
    if !conn.as_ref().and_then(|conn| conn.http2.as_ref()).is_some_and(is_usable) {
        close_connection(call, client)?;
    }
    last_error::set(failure.code);
    set_property(call, STATUS, failure.status);
    set_property(call, ERR_CODE, failure.code);
    set_property(call, ERR_MSG, failure.why);
    Ok(false)
}

/// Whether an HTTP/2 connection takes another request.
pub(super) fn is_usable(connection: &Http2Connection) -> bool {
    connection.failure().is_none() && connection.peer_goaway().is_none()
}

/// Whether the connection is one of HTTP/2.
pub(super) fn has_http2(client: &Client) -> bool {
    client.conn.borrow().as_ref().is_some_and(|conn| conn.http2.is_some())
}

/// Closes the connection; coroutines that wait on it run before this returns.
pub(super) fn close_connection(call: &Call<'_>, client: &Client) -> PhpResult<()> {
    let conn = client.conn.take();
    drop(client.sent.take());
    drop(client.websocket.take());
    set_property(call, CONNECTED, false);
    let socket = call.this().map(|this| this.slot(SOCKET).clone());
    set_property(call, SOCKET, ());
    drop(socket);
    match conn.as_deref() {
        Some(Conn { http2: Some(http2), .. }) => http2.close().map(drop),
        Some(conn) => conn.link.close(),
        None => Ok(()),
    }
}

pub(super) const SOCKET: usize = 0;
pub(super) const ERR_CODE: usize = 1;
pub(super) const ERR_MSG: usize = 2;
pub(super) const CONNECTED: usize = 3;
pub(super) const HOST: usize = 4;
pub(super) const PORT: usize = 5;
pub(super) const SSL: usize = 6;
pub(super) const SETTING: usize = 7;
pub(super) const METHOD: usize = 8;
pub(super) const REQUEST_HEADERS: usize = 9;
pub(super) const BODY_SENT: usize = 10;
pub(super) const FILES: usize = 11;
pub(super) const DOWNLOAD_FILE: usize = 12;
pub(super) const DOWNLOAD_OFFSET: usize = 13;
pub(super) const STATUS: usize = 14;
pub(super) const HEADERS: usize = 15;
pub(super) const SET_COOKIES: usize = 16;
pub(super) const COOKIES: usize = 17;
pub(super) const BODY: usize = 18;
/// SWOOLE_HTTP_CLIENT_ESTATUS_*.
pub(super) const CONNECT_FAILED: i64 = -1;
pub(super) const REQUEST_TIMEOUT: i64 = -2;
pub(super) const SERVER_RESET: i64 = -3;
pub(super) const SEND_FAILED: i64 = -4;
/// SWOOLE_ERROR_CLIENT_NO_CONNECTION, SWOOLE_ERROR_HTTP_INVALID_PROTOCOL, SWOOLE_ERROR_INVALID_PARAMS, and those of
/// WebSocket.
pub(super) const NO_CONNECTION: ErrorCode = 5001;
pub(super) const INVALID_PROTOCOL: ErrorCode = 7102;
pub(super) const INVALID_PARAMS: i64 = 505;
pub(super) const UNCONNECTED: ErrorCode = 8503;
pub(super) const HANDSHAKE_FAILED: ErrorCode = 8504;
pub(super) const BROKEN_PROTOCOL: ErrorCode = 508;
pub(super) const PACK_FAILED: ErrorCode = 8505;
/// Default of `package_max_length`, bytes: the longest body or message kept in memory.
pub(crate) const DEFAULT_MAX_BODY: i64 = 1 << 31;
/// Bytes read at once.
pub(super) const CHUNK: usize = 65536;
