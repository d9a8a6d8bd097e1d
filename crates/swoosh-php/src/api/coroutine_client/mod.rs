//! `Swoole\Coroutine\Client`: a TCP, UDP or Unix client.

mod dial;
mod encrypt;
mod proxy;

use super::exception::{Constructed, constructed};
use super::socket::{address_of, describe, object, protocol, words};
use crate::coroutine::in_use::InUse;
use crate::coroutine::packet_reader::PacketReader;
use crate::coroutine::socket::{CoroutineSocket, Direction, ErrorCode};
use crate::coroutine::tls::{CONTEXT_FAILED, NOT_READY, TlsSettings, VERIFY_FAILED};
use crate::coroutine::{setting_values, wait};
use crate::runtime::last_error;
use dial::{bind_setting, bound_link, resolve_local, system};
use socket2::{SockAddr, Socket};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use swoosh::tls::{to_pem, verify};
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, Object, OrFalse, PhpResult, Value, ZStr, Zval};

pub(crate) use dial::open_datagrams;
pub use dial::{Times, dial, local_address};
pub use encrypt::encrypt;
pub use proxy::Proxy;

static CLIENT: ClassSlot = ClassSlot::new();

#[derive(Default)]
struct Client {
    link: RefCell<Option<Rc<CoroutineSocket>>>,
    packets: PacketReader,
    /// Family and kind, as socket(2) has them.
    family: Cell<(i32, i32)>,
    times: Cell<Times>,
    proxy: RefCell<Option<Proxy>>,
    /// TLS settings.
    tls: RefCell<TlsSettings>,
    /// The type has SWOOLE_SSL: every connection begins with TLS.
    opens_tls: Cell<bool>,
    /// The host argument of `connect`, for certificate checks.
    host: RefCell<Vec<u8>>,
    /// `bind_address` and `bind_port`: the local address of its sockets.
    bind: RefCell<Option<(Vec<u8>, i64)>>,
    /// The coroutine that connects.
    connecting: InUse,
}
swoosh_zend::payload!(Client);

impl Constructed for Client {
    fn is_constructed(&self) -> bool {
        self.family.get().0 != libc::AF_UNSPEC
    }
}

/// Registers the class.
pub fn register(short_names: bool) {
    let mut class = ClassBuilder::new("Swoole\\Coroutine\\Client");
    if short_names {
        class = class.alias("Co\\Client");
    }
    class
        .payload::<Client>()
        .constant("MSG_OOB", Value::Int(1))
        .constant("MSG_PEEK", Value::Int(2))
        .constant("MSG_DONTWAIT", Value::Int(64))
        .constant("MSG_WAITALL", Value::Int(256))
        .property("errCode", Value::Int(0))
        .property("errMsg", Value::Text(""))
        .property("fd", Value::Int(-1))
        .property("socket", Value::Null)
        .property("type", Value::Int(1))
        .property("setting", Value::Null)
        .property("connected", Value::Bool(false))
        .method("__construct(int $type)", construct)
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method("set(array $settings): bool", constructed::<Client, _>(set))
        .method(
            "connect(string $host, int $port = 0, float $timeout = 0, int $sock_flag = 0): bool",
            constructed::<Client, _>(connect),
        )
        .method("recv(float $timeout = 0): string|false", constructed::<Client, _>(recv))
        .method("peek(int $length = 65535): string|false", constructed::<Client, _>(peek))
        .method("send(string $data, float $timeout = 0): int|false", constructed::<Client, _>(send))
        .method(
            "sendfile(string $filename, int $offset = 0, int $length = 0): bool",
            constructed::<Client, _>(send_file),
        )
        .method("sendto(string $address, int $port, string $data): bool", constructed::<Client, _>(send_to))
        .method(
            "recvfrom(int $length, mixed &$address, mixed &$port = 0): string|false",
            constructed::<Client, _>(recv_from),
        )
        .method("enableSSL(): bool", constructed::<Client, _>(enable_tls))
        .method("getPeerCert(): string|false", constructed::<Client, _>(peer_certificate))
        .method("verifyPeerCert(bool $allow_self_signed = false): bool", constructed::<Client, _>(verify_peer))
        .method(
            "isConnected(): bool",
            constructed::<Client, _>(|call: &mut Call<'_>| Ok(call.payload::<Client>().link.borrow().is_some())),
        )
        .method(
            "getsockname(): array|false",
            constructed::<Client, _>(|call: &mut Call<'_>| name(call, Socket::local_addr)),
        )
        .method(
            "getpeername(): array|false",
            constructed::<Client, _>(|call: &mut Call<'_>| name(call, Socket::peer_addr)),
        )
        .method("close(): bool", constructed::<Client, _>(close))
        .method("exportSocket(): Swoole\\Coroutine\\Socket|false", constructed::<Client, _>(export))
        .register(&CLIENT);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let kind = call.int(0)?;
    let family = match kind & 0xff {
        1 => (libc::AF_INET, libc::SOCK_STREAM),
        2 => (libc::AF_INET, libc::SOCK_DGRAM),
        3 => (libc::AF_INET6, libc::SOCK_STREAM),
        4 => (libc::AF_INET6, libc::SOCK_DGRAM),
        5 => (libc::AF_UNIX, libc::SOCK_STREAM),
        6 => (libc::AF_UNIX, libc::SOCK_DGRAM),
        _ => {
            let message = "must be a SWOOLE_SOCK_* type";
            return Err(swoosh_zend::error::argument_value_error(1, message));
        }
    };
    let client = call.payload::<Client>();
    client.family.set(family);
    client.opens_tls.set(kind & SSL != 0);
    set_property(call, TYPE, kind);
    Ok(())
}

fn set_property(call: &Call<'_>, slot: usize, value: impl swoosh_zend::IntoZval) {
    if let Some(this) = call.this() {
        this.set_slot(slot, value);
    }
}

fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let given = call.array(0)?;
    if given.is_empty() {
        last_error::warn_misuse("no settings are given");
        return Ok(false);
    }
    let client = call.payload::<Client>();
    let Some(this) = call.this() else { return Ok(false) };
    let all = setting_values::merged(this, SETTING, given);
    let Some((config, wanted)) = protocol(&all) else { return Ok(false) };
    client.packets.set(config);
    client.times.set(Times::of(&all));
    *client.proxy.borrow_mut() = Proxy::of(&all);
    *client.bind.borrow_mut() = bind_setting(&all);
    *client.tls.borrow_mut() = wanted;
    set_property(call, SETTING, all);
    Ok(true)
}

/// The connection; `None`, with the error code set, if not connected.
fn link(call: &Call<'_>) -> Option<Rc<CoroutineSocket>> {
    let link = call.payload::<Client>().link.borrow().clone();
    if link.is_none() {
        fail(call, NO_CONNECTION);
    }
    link
}

#[cold]
fn fail(call: &Call<'_>, code: ErrorCode) {
    last_error::set(code);
    set_property(call, ERR_CODE, code);
    if code == NO_CONNECTION {
        return set_property(call, ERR_MSG, "client is not connected to server");
    }
    let link = call.payload::<Client>().link.borrow().clone();
    set_property(call, ERR_MSG, words(code, link.as_deref()));
}

fn ok_or_fail<T>(call: &Call<'_>, result: Result<T, ErrorCode>) -> OrFalse<T> {
    OrFalse(match result {
        Ok(value) => {
            set_property(call, ERR_CODE, 0);
            set_property(call, ERR_MSG, "");
            Some(value)
        }
        Err(code) => {
            fail(call, code);
            None
        }
    })
}

fn limit(call: &Call<'_>, n: usize, or: Option<Duration>) -> PhpResult<Option<Duration>> {
    Ok(match call.float_or(n, 0.0)? {
        seconds if seconds > 0.0 => Some(wait::duration(seconds)),
        seconds if seconds < 0.0 => None,
        _ => or,
    })
}

fn connect(call: &mut Call<'_>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    if client.link.borrow().is_some() || client.connecting.other().is_some() {
        fail(call, libc::EISCONN);
        return Ok(false);
    }
    let (host, port) = (call.bytes(0)?, call.int_or(1, 0)?);
    let limit = limit(call, 2, client.times.get().connect)?;
    if call.float_or(2, 0.0)? != 0.0 {
        // The timeout of `connect` is the client's from then on.
        client.times.set(Times { connect: limit, read: limit, write: limit });
    }
    let _connecting = client.connecting.begin();
    let proxy = client.proxy.borrow().clone();
    let bind = client.bind.borrow().clone();
    let local = match resolve_local(client.family.get().0, bind)? {
        Ok(local) => local,
        Err(code) => {
            fail(call, code);
            return Ok(false);
        }
    };
    let connected = dial(client.family.get(), local, proxy, host, port, limit, |_| {})?;
    let Some(link) = ok_or_fail(call, connected).0 else { return Ok(false) };
    *client.host.borrow_mut() = host.to_vec();
    if client.opens_tls.get() && !begin_tls(call, &link, limit)? {
        return Ok(false);
    }
    set_property(call, FD, link.fd());
    set_property(call, CONNECTED, true);
    client.packets.clear();
    *client.link.borrow_mut() = Some(link);
    Ok(true)
}

fn recv(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let client = call.payload::<Client>();
    let is_bound = client.family.get().1 == libc::SOCK_DGRAM && client.bind.borrow().is_some();
    let link = if is_bound { unconnected(call)? } else { link(call) };
    let Some(link) = link else { return Ok(OrFalse(None)) };
    let limit = limit(call, 0, client.times.get().read)?;
    let packet = match client.family.get().1 {
        libc::SOCK_DGRAM => link.recv(MAX_DATAGRAM, limit)?,
        _ => client.packets.next_packet(&link, limit)?.map(ZStr::new),
    };
    Ok(ok_or_fail(call, packet))
}

fn peek(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let length = usize::try_from(call.int_or(0, 65535)?).ok().filter(|&n| n > 0).unwrap_or(MAX_DATAGRAM);
    let mut buffer = vec![0; length];
    let seen = link.peek(&mut buffer).map_err(|e| system(&e)).map(|seen| {
        buffer.truncate(seen);
        buffer
    });
    Ok(ok_or_fail(call, seen))
}

fn send(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let bytes = call.string(0)?.clone();
    let limit = limit(call, 1, call.payload::<Client>().times.get().write)?;
    let (sent, code) = link.send_all(bytes.as_bytes(), limit)?;
    Ok(match code {
        None => ok_or_fail(call, Ok(sent)),
        Some(code) => {
            fail(call, code);
            OrFalse((sent > 0).then_some(sent))
        }
    })
}

fn send_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let path = Path::new(std::ffi::OsStr::from_bytes(call.bytes(0)?));
    let opened = File::open(path).and_then(|file| file.metadata().map(|about| (file, about.len())));
    let opened = opened.map_err(|e| system(&e));
    let Some((file, size)) = ok_or_fail(call, opened).0 else { return Ok(false) };
    let offset = u64::try_from(call.int_or(1, 0)?).unwrap_or(0);
    let length = u64::try_from(call.int_or(2, 0)?).unwrap_or(0);
    let end = if length == 0 { size } else { (offset + length).min(size) };
    let sent = link.send_part(&file, offset, end, call.payload::<Client>().times.get().write)?;
    if let Err(code) = sent {
        fail(call, code);
    }
    Ok(sent.is_ok())
}

/// The socket of a datagram client, created if not connected.
fn unconnected(call: &Call<'_>) -> PhpResult<Option<Rc<CoroutineSocket>>> {
    let client = call.payload::<Client>();
    if client.link.borrow().is_none() {
        let bind = client.bind.borrow().clone();
        let link = resolve_local(client.family.get().0, bind)?
            .and_then(|local| bound_link(client.family.get(), local.as_ref()).map_err(|e| system(&e)));
        match link {
            Ok(link) => *client.link.borrow_mut() = Some(Rc::new(link)),
            Err(code) => fail(call, code),
        }
    }
    let link = client.link.borrow().clone();
    Ok(link)
}

fn send_to(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = unconnected(call)? else { return Ok(false) };
    let client = call.payload::<Client>();
    let limit = client.times.get().write;
    let to = match address_of(client.family.get().0, call.bytes(0)?, call.int(1)?, limit)? {
        Ok(to) => to,
        Err(code) => {
            fail(call, code);
            return Ok(false);
        }
    };
    let bytes = call.string(2)?.clone();
    let sent = link.retry(Direction::Write, limit, || link.socket().send_to(bytes.as_bytes(), &to))?;
    Ok(ok_or_fail(call, sent).0.is_some())
}

fn recv_from(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let Some(link) = unconnected(call)? else { return Ok(OrFalse(None)) };
    let most = usize::try_from(call.int(0)?).ok().filter(|&n| n > 0).unwrap_or(MAX_DATAGRAM);
    let read = link.recv_from(most, call.payload::<Client>().times.get().read)?;
    let Some((bytes, from)) = ok_or_fail(call, read).0 else { return Ok(OrFalse(None)) };
    let from = describe(&from);
    call.assign(1, from.get("address").cloned().unwrap_or(Zval::null()));
    call.assign(2, from.get("port").cloned().unwrap_or(Zval::null()));
    Ok(OrFalse(Some(bytes)))
}

/// Starts TLS on a plain connection.
fn enable_tls(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    if link.is_tls() || call.payload::<Client>().family.get().1 != libc::SOCK_STREAM {
        fail(call, libc::EISCONN);
        return Ok(false);
    }
    begin_tls(call, &link, call.payload::<Client>().times.get().connect)
}

fn begin_tls(call: &Call<'_>, link: &CoroutineSocket, limit: Option<Duration>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    let session = client.tls.borrow().begin(&client.host.borrow());
    match session {
        Ok(session) => link.start_tls(session),
        Err(e) => {
            last_error::warn_misuse(&e.to_string());
            fail(call, CONTEXT_FAILED);
            return Ok(false);
        }
    }
    let shaken = link.handshake(limit)?;
    if let Err(code) = shaken {
        fail(call, code);
        set_property(call, ERR_MSG, words(code, Some(link)));
    }
    Ok(shaken.is_ok())
}

/// The server's certificate chain; `None`, with the error code set, without TLS or a certificate.
fn certificate_chain(call: &Call<'_>) -> Option<Vec<Vec<u8>>> {
    let shown = link(call)?.peer_certificates();
    if shown.is_empty() {
        fail(call, NOT_READY);
        return None;
    }
    Some(shown)
}

/// The server's certificate in PEM form.
fn peer_certificate(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    Ok(OrFalse(certificate_chain(call).map(|shown| to_pem(&shown[0]))))
}

/// Verifies the server's certificate, also if the handshake did not.
fn verify_peer(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(shown) = certificate_chain(call) else { return Ok(false) };
    let client = call.payload::<Client>();
    let mut wanted = client.tls.borrow().of_client(&client.host.borrow());
    wanted.allow_self_signed = call.bool_or(0, false)?;
    match verify(&wanted, &shown.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
        Ok(()) => Ok(true),
        Err(e) => {
            fail(call, VERIFY_FAILED);
            set_property(call, ERR_MSG, e.to_string());
            Ok(false)
        }
    }
}

fn name(call: &Call<'_>, ask: fn(&Socket) -> io::Result<SockAddr>) -> PhpResult<OrFalse<Array>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let found = ask(link.socket()).map_err(|e| system(&e)).map(|address| {
        let mut array = describe(&address);
        if let Some(host) = array.get("address").cloned() {
            array.insert("host", host);
        }
        array
    });
    Ok(ok_or_fail(call, found))
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    if client.link.borrow().is_none() && client.connecting.cancel()? {
        return Ok(true);
    }
    let Some(link) = link(call) else { return Ok(false) };
    drop(client.link.take());
    set_property(call, FD, -1);
    set_property(call, CONNECTED, false);
    let socket = call.this().map(|this| this.slot(SOCKET).clone());
    set_property(call, SOCKET, Zval::null());
    drop(socket);
    link.close()?;
    Ok(true)
}

fn export(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let known = call.this().and_then(|this| this.slot(SOCKET).object().cloned());
    if known.is_some() {
        return Ok(OrFalse(known));
    }
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (family, kind) = call.payload::<Client>().family.get();
    let made = object(link, family, kind)?;
    set_property(call, SOCKET, made.clone());
    Ok(OrFalse(Some(made)))
}

const ERR_CODE: usize = 0;
const ERR_MSG: usize = 1;
const FD: usize = 2;
const SOCKET: usize = 3;
const TYPE: usize = 4;
const SETTING: usize = 5;
const CONNECTED: usize = 6;
/// SWOOLE_SSL.
const SSL: i64 = 512;
const MAX_DATAGRAM: usize = 65536;
/// SWOOLE_ERROR_CLIENT_NO_CONNECTION.
const NO_CONNECTION: i32 = 5001;
