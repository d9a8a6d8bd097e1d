//! The state behind a `Swoole\Coroutine\Socket` object, and how its methods report errors.

use crate::api::{error_text, exception};
use crate::coroutine::packet_reader::PacketReader;
use crate::coroutine::socket::{CoroutineSocket, Direction, ErrorCode};
use crate::coroutine::tls::{TlsSettings, is_tls_error};
use crate::coroutine::{Options, options, wait};
use crate::runtime::last_error;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use swoosh::config::PortConfig;
use swoosh::tls::Acceptor;
use swoosh_zend::{Call, ClassSlot, Object, OrFalse, PhpResult};

pub(super) static SOCKET: ClassSlot = ClassSlot::new();
pub(super) static EXCEPTION: ClassSlot = ClassSlot::new();

/// Payload of a socket object.
#[derive(Default)]
pub(super) struct Payload {
    pub(super) link: RefCell<Option<Rc<CoroutineSocket>>>,
    pub(super) domain: Cell<i32>,
    pub(super) kind: Cell<i32>,
    /// Read-ahead buffer of `recvLine`, `recvWithBuffer` and `recvPacket`.
    pub(super) packets: PacketReader,
    /// SO_RCVTIMEO and SO_SNDTIMEO: default timeouts.
    pub(super) read_limit: Cell<Option<Duration>>,
    pub(super) write_limit: Cell<Option<Duration>>,
    /// TLS settings of `setProtocol`, with `open_ssl`.
    pub(super) tls: RefCell<Option<TlsSettings>>,
    /// TLS acceptor, created on first use.
    pub(super) acceptor: RefCell<Option<Rc<Acceptor>>>,
    /// Accepted by a listener: the server side of a TLS handshake.
    pub(super) is_server: Cell<bool>,
    /// The host argument of `connect`, for certificate checks.
    pub(super) host: RefCell<Vec<u8>>,
    /// Imported from a stream, which keeps its own descriptor of the socket.
    pub(super) imported: Cell<bool>,
    /// The directions that were shut down.
    pub(super) shut: Cell<(bool, bool)>,
}
swoosh_zend::payload!(Payload);

impl exception::Constructed for Payload {
    fn is_constructed(&self) -> bool {
        self.domain.get() != libc::AF_UNSPEC
    }
}

pub(super) fn adopt(object: &Object, link: Rc<CoroutineSocket>, domain: i32, kind: i32, protocol: i32) {
    object.set_slot(FD, link.fd());
    object.set_slot(DOMAIN, domain);
    object.set_slot(TYPE, kind);
    object.set_slot(PROTOCOL, protocol);
    if let Some(payload) = object.payload::<Payload>() {
        payload.domain.set(domain);
        payload.kind.set(kind);
        payload.read_limit.set(options(Options::socket_read_timeout));
        payload.write_limit.set(options(Options::socket_write_timeout));
        *payload.link.borrow_mut() = Some(link);
    }
}

/// The open socket; `None`, with EBADF set, after `close`, and with an exception thrown before the constructor.
pub(super) fn link(call: &Call<'_>) -> Option<Rc<CoroutineSocket>> {
    let payload = call.payload::<Payload>();
    let link = payload.link.borrow().clone();
    match link {
        Some(_) => {}
        None if !exception::Constructed::is_constructed(payload) => drop(exception::not_constructed()),
        None => fail(call, libc::EBADF),
    }
    link
}

/// Sets the error properties.
#[cold]
pub(super) fn fail(call: &Call<'_>, code: ErrorCode) {
    last_error::set(code);
    if let Some(this) = call.this() {
        show_error(this, code);
    }
}

/// Sets `errCode` and `errMsg` of a socket object; 0 clears them.
pub fn show_error(object: &Object, code: ErrorCode) {
    let text = if code == 0 { String::new() } else { words(code, link_of(object).as_deref()) };
    object.set_slot(ERR_CODE, code);
    object.set_slot(ERR_MSG, text);
}

/// The message of an error code; TLS errors are described by the connection.
pub fn words(code: ErrorCode, link: Option<&CoroutineSocket>) -> String {
    if !is_tls_error(code) {
        return error_text::of_code(code.into());
    }
    link.and_then(CoroutineSocket::tls_error).unwrap_or_else(|| "there is no TLS".to_owned())
}

pub(super) fn clear_error(call: &Call<'_>) {
    if let Some(this) = call.this()
        && this.slot(ERR_CODE).int() != Some(0)
    {
        show_error(this, 0);
    }
}

/// The value, or `false` with the error code set.
pub(super) fn ok_or_fail<T>(call: &Call<'_>, result: Result<T, ErrorCode>) -> OrFalse<T> {
    OrFalse(match result {
        Ok(value) => {
            clear_error(call);
            Some(value)
        }
        Err(code) => {
            fail(call, code);
            None
        }
    })
}

pub(super) fn io_or_fail<T>(call: &Call<'_>, result: io::Result<T>) -> OrFalse<T> {
    ok_or_fail(call, result.map_err(|e| e.raw_os_error().unwrap_or(libc::EIO)))
}

/// The timeout of argument `n`: 0 means the socket's default, a negative value no limit.
pub(super) fn limit(call: &Call<'_>, n: usize, direction: Direction) -> PhpResult<Option<Duration>> {
    let seconds = call.float_or(n, 0.0)?;
    let payload = call.payload::<Payload>();
    Ok(match direction {
        _ if seconds > 0.0 => Some(wait::duration(seconds)),
        _ if seconds < 0.0 => None,
        Direction::Read => payload.read_limit.get(),
        Direction::Write => payload.write_limit.get(),
    })
}

/// A new object for a socket.
pub fn object(link: Rc<CoroutineSocket>, domain: i32, kind: i32) -> PhpResult<Object> {
    let object = Object::new(SOCKET.get())?;
    adopt(&object, link, domain, kind, 0);
    Ok(object)
}

/// Default timeouts of reads and writes.
pub fn limits_of(object: &Object) -> (Option<Duration>, Option<Duration>) {
    object.payload::<Payload>().map_or((None, None), |payload| (payload.read_limit.get(), payload.write_limit.get()))
}

/// Its address family.
pub fn domain_of(object: &Object) -> i32 {
    object.payload::<Payload>().map_or(libc::AF_INET, |payload| payload.domain.get())
}

/// The socket of such an object; `None` if it was closed.
pub fn link_of(object: &Object) -> Option<Rc<CoroutineSocket>> {
    object.payload::<Payload>()?.link.borrow().clone()
}

/// Sets the packet framing.
pub fn set_framing(object: &Object, config: PortConfig) {
    if let Some(payload) = object.payload::<Payload>() {
        payload.packets.set(config);
    }
}

/// Property: `swoole_socket_*` do not wait on this socket.
pub const SOCKET_NONBLOCK: &str = "__ext_sockets_nonblock";
pub(super) const FD: usize = 0;
pub(super) const DOMAIN: usize = 1;
pub(super) const TYPE: usize = 2;
pub(super) const PROTOCOL: usize = 3;
pub(super) const ERR_CODE: usize = 4;
pub(super) const ERR_MSG: usize = 5;
