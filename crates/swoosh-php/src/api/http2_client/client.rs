//! The state behind a client object, and its connection.

use crate::api::coroutine_client::{Proxy, Times, dial, encrypt, local_address};
use crate::api::error_text;
use crate::api::exception::Constructed;
use crate::api::http_client::{DEFAULT_MAX_BODY, Decoder, host_field, peer_name, unix_path};
use crate::api::socket::object as socket_object;
use crate::coroutine::http2::{Failure, Http2Connection, Http2Settings};
use crate::coroutine::socket::ErrorCode;
use crate::runtime::last_error;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use swoosh::sys::error_text;
use swoosh_zend::{Array, Call, ClassSlot, PhpResult};

/// `Swoole\Coroutine\Http2\Client\Exception`.
pub(super) static CLIENT_EXCEPTION: ClassSlot = ClassSlot::new();
/// `Swoosh\Http2\Client`. Its responses that are read in parts begin with their head, and have trailers in a property of
/// their own.
pub(super) static STREAM_CLIENT: ClassSlot = ClassSlot::new();

/// Whether the object is of that class.
pub(super) fn is_stream_client(call: &Call<'_>) -> bool {
    call.this().is_some_and(|this| this.class().is_a(STREAM_CLIENT.get()))
}

#[derive(Default)]
pub(super) struct Client {
    pub(super) connection: RefCell<Option<Rc<Http2Connection>>>,
    pub(super) family: Cell<i32>,
    /// The decoders of responses that are read in parts, by stream.
    pub(super) decoders: RefCell<HashMap<u32, Decoder>>,
}
swoosh_zend::payload!(Client);

impl Constructed for Client {
    fn is_constructed(&self) -> bool {
        self.family.get() != libc::AF_UNSPEC
    }
}

impl Client {
    /// `:authority` of requests that do not name another.
    pub(super) fn authority(&self, call: &Call<'_>) -> Vec<u8> {
        let Some(this) = call.this() else { return Vec::new() };
        let host = this.slot(HOST).to_zstr().map(|host| host.as_bytes().to_vec()).unwrap_or_default();
        host_field(self.family.get(), &host, this.slot(PORT).to_int(), this.slot(SSL).to_bool())
    }

    /// `:scheme`.
    pub(super) fn scheme(&self, call: &Call<'_>) -> &'static str {
        if call.this().is_some_and(|this| this.slot(SSL).to_bool()) { "https" } else { "http" }
    }

    /// Shows the peer's last GOAWAY.
    pub(super) fn note_goaway(&self, call: &Call<'_>, connection: &Http2Connection) {
        if let (Some((last, _)), Some(this)) = (connection.peer_goaway(), call.this()) {
            this.set_slot(SERVER_LAST_STREAM_ID, i64::from(last));
        }
    }

    /// Shows why a call has failed. A connection that has ended is closed; a call that would have needed it (`needs`) fails
    /// with the code of a client that is not connected.
    pub(super) fn note_failure(
        &self,
        call: &Call<'_>,
        connection: &Rc<Http2Connection>,
        failure: Failure,
        needs: bool,
    ) -> PhpResult<()> {
        self.note_goaway(call, connection);
        let is_mine = |known: &Rc<Http2Connection>| Rc::ptr_eq(known, connection);
        if connection.failure().is_some() && self.connection.borrow().as_ref().is_some_and(is_mine) && !needs {
            disconnect(call)?;
        }
        // After a GOAWAY, h2 opens no stream.
        let is_refused = needs && (connection.failure().is_some() || connection.peer_goaway().is_some());
        fail(call, if is_refused { NO_CONNECTION } else { failure.code }, &failure.message)
    }
}

/// The settings given to `set()`.
pub(super) fn settings(call: &Call<'_>) -> Option<Array> {
    call.this().and_then(|this| this.slot(SETTING).array().cloned())
}

pub(super) fn times(call: &Call<'_>) -> Times {
    settings(call).map_or_else(Times::default, |settings| Times::of(&settings))
}

/// Sets the error properties.
#[cold]
pub(super) fn fail(call: &Call<'_>, code: ErrorCode, message: &str) -> PhpResult<()> {
    last_error::set(code);
    if let Some(this) = call.this() {
        this.set_slot(ERR_CODE, code);
        this.set_slot(ERR_MSG, message);
    }
    Ok(())
}

/// The connection; `None`, with the error code set, without one. A connection that has ended counts as none once all that has
/// arrived on it was taken.
pub(super) fn connection(call: &Call<'_>) -> Option<Rc<Http2Connection>> {
    let known = call.payload::<Client>().connection.borrow().clone();
    if known.is_none() {
        let _ = fail(call, NO_CONNECTION, "client is not connected to server");
    }
    known
}

/// Connects, and sends the client's preface and settings. The server's answer is not waited for (RFC 9113 section 3.4).
pub(super) fn connect(call: &mut Call<'_>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    let ended = client.connection.borrow().as_ref().map(|connection| connection.failure().is_some());
    match ended {
        Some(false) => {
            fail(call, libc::EISCONN, &error_text(libc::EISCONN))?;
            return Ok(false);
        }
        Some(true) => drop(disconnect(call)?),
        None => {}
    }
    let Some(this) = call.this() else { return Ok(false) };
    let settings = settings(call).unwrap_or_default();
    let (limit, family) = (Times::of(&settings).connect, client.family.get());
    let host = this.slot(HOST).to_zstr().map(|host| host.as_bytes().to_vec()).unwrap_or_default();
    let host = if family == libc::AF_UNIX { unix_path(&host) } else { host };
    let port = this.slot(PORT).to_int();
    let peer = peer_name(family, &host, port);
    if family != libc::AF_UNIX && !(1..=65_535).contains(&port) {
        return refuse(call, (libc::EINVAL, format!("connect {peer}: the port is not one from 1 to 65535")));
    }
    let failed = |code: ErrorCode| (code, format!("connect {peer}: {}", error_text::of_code(code.into())));
    let local = match local_address(family, &settings)? {
        Ok(local) => local,
        Err(code) => return refuse(call, failed(code)),
    };
    let link = match dial((family, libc::SOCK_STREAM), local, Proxy::of(&settings), &host, port, limit, |_| {})? {
        Ok(link) => link,
        Err(code) => return refuse(call, failed(code)),
    };
    if this.slot(SSL).to_bool() {
        if let Err((code, why)) = encrypt(&link, &settings, &host, &[b"h2"], limit)? {
            return refuse(call, (code, format!("TLS handshake with {peer}: {why}")));
        }
        // A server without ALPN may still speak HTTP/2; one that has chosen another protocol does not.
        if link.negotiated_protocol().is_some_and(|protocol| protocol != b"h2") {
            return refuse(
                call,
                (libc::EPROTONOSUPPORT, format!("TLS handshake with {peer}: the server does not offer HTTP/2 (ALPN)")),
            );
        }
    }
    let http2 = Http2Settings::new(&settings, DEFAULT_MAX_BODY);
    let connection = match Http2Connection::begin(link.clone(), peer, http2, limit)? {
        Ok(connection) => connection,
        Err(failure) => return refuse(call, (failure.code, failure.message)),
    };
    client.decoders.take();
    *client.connection.borrow_mut() = Some(Rc::new(connection));
    this.set_slot(SOCKET, socket_object(link, family, libc::SOCK_STREAM)?);
    this.set_slot(CONNECTED, true);
    this.set_slot(SERVER_LAST_STREAM_ID, 0);
    Ok(true)
}

fn refuse(call: &Call<'_>, (code, message): (ErrorCode, String)) -> PhpResult<bool> {
    fail(call, code, &message)?;
    Ok(false)
}

/// Closes the connection; coroutines that wait on it run before this returns. False if there were any, `None` without a
/// connection.
pub(super) fn disconnect(call: &Call<'_>) -> PhpResult<Option<bool>> {
    let client = call.payload::<Client>();
    let connection = client.connection.take();
    let Some(connection) = connection else { return Ok(None) };
    client.decoders.take();
    let mut socket = None;
    if let Some(this) = call.this() {
        this.set_slot(CONNECTED, false);
        socket = Some(this.replace_slot(SOCKET, ()));
    }
    let closed = connection.close()?;
    drop(socket);
    Ok(Some(closed))
}

pub(super) const ERR_CODE: usize = 0;
pub(super) const ERR_MSG: usize = 1;
pub(super) const SETTING: usize = 4;
pub(super) const SOCKET: usize = 5;
pub(super) const CONNECTED: usize = 6;
pub(super) const HOST: usize = 7;
pub(super) const PORT: usize = 8;
pub(super) const SSL: usize = 9;
pub(super) const SERVER_LAST_STREAM_ID: usize = 10;
/// SWOOLE_ERROR_CLIENT_NO_CONNECTION.
const NO_CONNECTION: ErrorCode = 5001;
