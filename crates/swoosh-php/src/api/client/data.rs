//! The state behind a client object, and how its methods report errors.

use super::async_state::AsyncState;
use super::idle::{self, Key};
use crate::api::exception::Constructed;
use crate::runtime::last_error;
use socket2::{SockAddr, Socket};
use std::cell::{Cell, OnceCell, RefCell};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::Rc;
use swoosh::client::{Client, Kind};
use swoosh_zend::error::{argument_type_error, warning};
use swoosh_zend::{Array, Call, IntoZval, PhpResult, Zval};

/// Payload of a client object.
#[derive(Default)]
pub(crate) struct Payload {
    /// The address of the last connection, for messages.
    pub(super) peer: RefCell<String>,
    /// `None` before the constructor.
    pub(super) kind: Cell<Option<Kind>>,
    /// The type has SWOOLE_SSL: every connection begins with TLS.
    pub(super) opens_tls: Cell<bool>,
    /// The type has SWOOLE_KEEP, and the constructor's third argument.
    pub(super) keep: Cell<bool>,
    pub(super) id: RefCell<Vec<u8>>,
    /// The host argument of `connect`, for certificate checks.
    pub(super) host: RefCell<String>,
    /// The socket while it is open.
    pub(super) client: RefCell<Option<Client>>,
    /// `connect` has begun a connection and not waited for it.
    pub(super) pending: Cell<bool>,
    /// A socket whose connection failed: `sock` has its number until the next attempt.
    pub(super) failed: RefCell<Option<Socket>>,
    /// Under which key the connection is kept, and how often it was reused.
    pub(super) key: RefCell<Option<Key>>,
    pub(super) reused: Cell<i64>,
    /// The path of a Unix datagram socket, removed when it is closed.
    pub(super) own_path: RefCell<Option<PathBuf>>,
    /// The object that `getSocket` returns.
    pub(super) socket: RefCell<Option<Zval>>,
    /// The state of an asynchronous client.
    pub(super) asynchronous: OnceCell<Rc<AsyncState>>,
}
impl Constructed for Payload {
    fn is_constructed(&self) -> bool {
        self.kind.get().is_some()
    }
}

swoosh_zend::payload!(Payload: traces |payload, visit| {
    if let Some(state) = payload.asynchronous.get() {
        state.trace(visit);
    }
});

impl Payload {
    /// Closes the connection, or keeps it for the next client.
    pub(super) fn close(&self, force: bool) {
        self.socket.take();
        self.failed.take();
        self.pending.set(false);
        let (client, key) = (self.client.take(), self.key.take());
        if let (Some(client), Some(key), false) = (client, key, force) {
            idle::put(key, client, self.reused.get());
        }
        if let Some(path) = self.own_path.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        self.close(false);
    }
}

/// Reads the type.
pub(super) fn set_type(call: &Call<'_>, kind: i64) -> PhpResult<()> {
    let payload = call.payload::<Payload>();
    payload.kind.set(Some(match kind & 0xff {
        1 => Kind::Tcp,
        2 => Kind::Udp,
        3 => Kind::Tcp6,
        4 => Kind::Udp6,
        5 => Kind::UnixStream,
        6 => Kind::UnixDatagram,
        _ => return Err(argument_type_error(1, "must be a SWOOLE_SOCK_* type")),
    }));
    payload.opens_tls.set(kind & SSL != 0);
    payload.keep.set(kind & KEEP != 0);
    set_property(call, TYPE, kind);
    Ok(())
}

/// Notes an open connection in the properties.
pub(super) fn show(call: &Call<'_>, fd: i32, reused: Option<i64>) {
    set_property(call, SOCK, fd);
    set_property(call, REUSE, reused.is_some());
    set_property(call, REUSE_COUNT, reused.unwrap_or(0));
}

/// Sets the error code, without a warning.
#[cold]
pub(super) fn set_error(call: &Call<'_>, code: i32) {
    last_error::set(code);
    if let Some(this) = call.this() {
        this.set_slot(ERR_CODE, code);
    }
}

/// Sets the error code and raises a warning.
#[cold]
pub(super) fn fail(call: &Call<'_>, code: i32, message: &str) {
    set_error(call, code);
    warning(message);
}

/// Whether the object is connected; otherwise warns and sets the error code.
pub(super) fn require_connection(call: &Call<'_>) -> bool {
    let payload = call.payload::<Payload>();
    if payload.pending.get() {
        let finished = payload.client.borrow().as_ref().map(Client::finish_connect);
        match finished {
            Some(Ok(())) => payload.pending.set(false),
            Some(Err(e)) => {
                let message = format!("{}: {e}", payload.peer.borrow());
                fail(call, e.code(), &message);
                return false;
            }
            None => {}
        }
    }
    let connected = match payload.asynchronous.get() {
        Some(state) => state.is_connected(),
        None => payload.client.borrow().is_some() && !payload.pending.get(),
    };
    if !connected {
        fail(call, NO_CONNECTION, "the client is not connected to a server");
    }
    connected
}

pub(super) fn set_property(call: &Call<'_>, slot: usize, value: impl IntoZval) {
    if let Some(this) = call.this() {
        this.set_slot(slot, value);
    }
}

/// Host and port of an address; of a path, port 0.
pub(super) fn name(address: Option<&SockAddr>, kind: Option<Kind>) -> Array {
    let mut array = Array::new();
    match address.and_then(SockAddr::as_socket) {
        Some(address) => {
            array.insert("port", address.port());
            array.insert("host", address.ip().to_string());
        }
        None => {
            let path = address.and_then(SockAddr::as_pathname).map(|path| path.as_os_str().as_bytes().to_vec());
            let unknown: &[u8] = match kind {
                Some(Kind::Udp | Kind::Tcp) => b"0.0.0.0",
                Some(Kind::Udp6 | Kind::Tcp6) => b"::",
                _ => b"",
            };
            array.insert("port", 0);
            array.insert("host", path.unwrap_or_else(|| unknown.to_vec()));
        }
    }
    array
}

/// Whether a value is a client that has received bytes which were not read yet.
pub fn has_input(value: &Zval) -> bool {
    let client = |object: &swoosh_zend::Object| {
        object
            .payload::<Payload>()
            .is_some_and(|payload| payload.client.borrow().as_ref().is_some_and(Client::has_input))
    };
    value.object().is_some_and(client)
}

pub(super) const ERR_CODE: usize = 0;
pub(super) const SOCK: usize = 1;
pub(super) const REUSE: usize = 2;
pub(super) const REUSE_COUNT: usize = 3;
pub(super) const TYPE: usize = 4;
pub(super) const ID: usize = 5;
pub(super) const SETTING: usize = 6;
/// SWOOLE_ERROR_CLIENT_NO_CONNECTION.
pub(super) const NO_CONNECTION: i32 = 5001;
/// SWOOLE_SSL.
const SSL: i64 = 512;
/// SWOOLE_KEEP.
const KEEP: i64 = 4096;
