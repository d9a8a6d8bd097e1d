//! `Swoole\Coroutine\Client`: a TCP, UDP or Unix client.

use super::socket::{address_of, addresses_of, describe, object, protocol, words};
use crate::coroutine::packet_reader::PacketReader;
use crate::coroutine::socket::{CoroutineSocket, Direction, ErrorCode, should_try_next_address};
use crate::coroutine::tls::{CONTEXT_FAILED, NOT_READY, TlsSettings, VERIFY_FAILED};
use crate::coroutine::{Options, options, setting_values, wait};
use crate::runtime::last_error;
use socket2::{SockAddr, Socket};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use swoosh::proto::base64;
use swoosh::tls::{to_pem, verify};
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, Object, OrFalse, PhpResult, Value, ZStr, Zval};

static CLIENT: ClassSlot = ClassSlot::new();

#[derive(Default)]
struct Client {
    link: RefCell<Option<Rc<CoroutineSocket>>>,
    packets: PacketReader,
    /// Family and kind, as socket(2) has them.
    family: Cell<(i32, i32)>,
    times: Cell<Times>,
    proxy: RefCell<Option<Proxy>>,
    /// What the settings say of TLS.
    tls: RefCell<TlsSettings>,
    /// The type has SWOOLE_SSL: every connection begins with TLS.
    opens_tls: Cell<bool>,
    /// Where it is connected to, as it was named.
    host: RefCell<Vec<u8>>,
    /// `bind_address` and `bind_port`: the local address of its sockets.
    bind: RefCell<Option<(Vec<u8>, i64)>>,
}
swoosh_zend::payload!(Client);

/// What a call without a timeout of its own waits at most.
#[derive(Clone, Copy)]
pub struct Times {
    /// Until it is connected.
    pub connect: Option<Duration>,
    /// Until something comes.
    pub read: Option<Duration>,
    /// Until something goes out.
    pub write: Option<Duration>,
}

impl Default for Times {
    fn default() -> Self {
        Times {
            connect: options(Options::socket_connect_timeout).or(Some(Duration::from_secs(2))),
            read: options(Options::socket_read_timeout),
            write: options(Options::socket_write_timeout),
        }
    }
}

impl Times {
    /// From a client's settings.
    pub fn of(all: &Array) -> Times {
        let mut times = Times::default();
        let time = |name: &str| all.get(name).map(|value| wait::limit(value.to_float()));
        if let Some(limit) = time("timeout") {
            times = Times { connect: limit, read: limit, write: limit };
        }
        times.connect = time("connect_timeout").unwrap_or(times.connect);
        times.read = time("read_timeout").unwrap_or(times.read);
        times.write = time("write_timeout").unwrap_or(times.write);
        times
    }
}

/// Who connects in our place.
#[derive(Clone)]
pub struct Proxy {
    host: Vec<u8>,
    port: i64,
    user: Option<Vec<u8>>,
    password: Vec<u8>,
    /// SOCKS5, else an HTTP proxy that knows CONNECT.
    pub socks: bool,
}

impl Proxy {
    /// From a client's settings.
    pub fn of(all: &Array) -> Option<Proxy> {
        let text = |name: &str| all.get(name).and_then(Zval::bytes).map(<[u8]>::to_vec);
        let proxy = |kind: &str, user: &str, socks: bool| {
            Some(Proxy {
                host: text(&format!("{kind}_host"))?,
                port: all.get(&format!("{kind}_port"))?.to_int(),
                user: text(&format!("{kind}_{user}")),
                password: text(&format!("{kind}_password")).unwrap_or_default(),
                socks,
            })
        };
        let http = || {
            let user = if all.get("http_proxy_username").is_some() { "username" } else { "user" };
            proxy("http_proxy", user, false)
        };
        proxy("socks5", "username", true).or_else(http)
    }

    /// Where it is.
    pub fn address(&self) -> (&[u8], i64) {
        (&self.host, self.port)
    }

    /// What a `Proxy-Authorization` says, where it wants a user (RFC 7617).
    pub fn credentials(&self) -> Option<String> {
        let user = self.user.as_ref()?;
        Some(format!("Basic {}", base64(&[user, &b":"[..], &self.password].concat())))
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
        .method("set(array $settings): bool", set)
        .method("connect(string $host, int $port = 0, float $timeout = 0, int $sock_flag = 0): bool", connect)
        .method("recv(float $timeout = 0): string|false", recv)
        .method("peek(int $length = 65535): string|false", peek)
        .method("send(string $data, float $timeout = 0): int|false", send)
        .method("sendfile(string $filename, int $offset = 0, int $length = 0): bool", send_file)
        .method("sendto(string $address, int $port, string $data): bool", send_to)
        .method("recvfrom(int $length, mixed &$address, mixed &$port = 0): string|false", recv_from)
        .method("enableSSL(): bool", enable_tls)
        .method("getPeerCert(): string|false", peer_certificate)
        .method("verifyPeerCert(bool $allow_self_signed = false): bool", verify_peer)
        .method("isConnected(): bool", |call: &mut Call<'_>| Ok(call.payload::<Client>().link.borrow().is_some()))
        .method("getsockname(): array|false", |call: &mut Call<'_>| name(call, Socket::local_addr))
        .method("getpeername(): array|false", |call: &mut Call<'_>| name(call, Socket::peer_addr))
        .method("close(): bool", close)
        .method("exportSocket(): Swoole\\Coroutine\\Socket|false", export)
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
            let message = "this is no type of socket; use SWOOLE_SOCK_TCP or its like";
            return Err(swoosh_zend::error::argument_value_error(1, message));
        }
    };
    let client = call.payload::<Client>();
    client.family.set(family);
    client.opens_tls.set(kind & SSL != 0);
    show(call, TYPE, kind);
    Ok(())
}

fn show(call: &Call<'_>, slot: usize, value: impl swoosh_zend::IntoZval) {
    if let Some(this) = call.this() {
        this.set_slot(slot, value);
    }
}

fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let given = call.array(0)?;
    if given.is_empty() {
        last_error::warn_misuse("there are no settings in this array");
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
    show(call, SETTING, all);
    Ok(true)
}

/// The connection; `None`, and a code, without one.
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
    show(call, ERR_CODE, code);
    if code == NO_CONNECTION {
        return show(call, ERR_MSG, "there is no connection");
    }
    let link = call.payload::<Client>().link.borrow().clone();
    show(call, ERR_MSG, words(code, link.as_deref()));
}

fn told<T>(call: &Call<'_>, result: Result<T, ErrorCode>) -> OrFalse<T> {
    OrFalse(match result {
        Ok(value) => {
            show(call, ERR_CODE, 0);
            show(call, ERR_MSG, "");
            Some(value)
        }
        Err(code) => {
            fail(call, code);
            None
        }
    })
}

fn system(e: &io::Error) -> ErrorCode {
    e.raw_os_error().unwrap_or(libc::EIO)
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
    if client.link.borrow().is_some() {
        fail(call, libc::EISCONN);
        return Ok(false);
    }
    let (host, port) = (call.bytes(0)?, call.int_or(1, 0)?);
    let limit = limit(call, 2, client.times.get().connect)?;
    if call.float_or(2, 0.0)? != 0.0 {
        // The timeout of `connect` is the client's from then on.
        client.times.set(Times { connect: limit, read: limit, write: limit });
    }
    let proxy = client.proxy.borrow().clone();
    let bind = client.bind.borrow().clone();
    let local = match resolve_local(client.family.get().0, bind)? {
        Ok(local) => local,
        Err(code) => {
            fail(call, code);
            return Ok(false);
        }
    };
    let connected = dial(client.family.get(), local, proxy, host, port, limit)?;
    let Some(link) = told(call, connected).0 else { return Ok(false) };
    *client.host.borrow_mut() = host.to_vec();
    if client.opens_tls.get() && !begin_tls(call, &link, limit)? {
        return Ok(false);
    }
    show(call, FD, link.fd());
    show(call, CONNECTED, true);
    client.packets.clear();
    *client.link.borrow_mut() = Some(link);
    Ok(true)
}

/// `bind_address` and `bind_port` of a client's settings.
fn bind_setting(all: &Array) -> Option<(Vec<u8>, i64)> {
    let address = all.get("bind_address").and_then(Zval::bytes)?;
    Some((address.to_vec(), all.get("bind_port").map_or(0, Zval::to_int)))
}

/// The address that settings bind a client's sockets to.
pub fn local_address(family: i32, settings: &Array) -> PhpResult<Result<Option<SockAddr>, ErrorCode>> {
    resolve_local(family, bind_setting(settings))
}

fn resolve_local(family: i32, bind: Option<(Vec<u8>, i64)>) -> PhpResult<Result<Option<SockAddr>, ErrorCode>> {
    match bind {
        Some((address, port)) => Ok(address_of(family, &address, port, None)?.map(Some)),
        None => Ok(Ok(None)),
    }
}

/// Connects a socket of that family and kind, bound to `local`, through a proxy where there is one.
pub fn dial(
    (family, kind): (i32, i32),
    local: Option<SockAddr>,
    proxy: Option<Proxy>,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
) -> PhpResult<Result<Rc<CoroutineSocket>, ErrorCode>> {
    if family != libc::AF_UNIX && !(1..=65535).contains(&port) {
        return Ok(Err(libc::EINVAL));
    }
    let proxy = proxy.filter(|_| kind == libc::SOCK_STREAM && family != libc::AF_UNIX);
    let (to, at) = proxy.as_ref().map_or((host, port), |proxy| (&proxy.host[..], proxy.port));
    let addresses = match addresses_of(family, to, at, limit)? {
        Ok(addresses) => addresses,
        Err(code) => return Ok(Err(code)),
    };
    let mut connected = Err(libc::EHOSTUNREACH);
    for address in &addresses {
        connected = open((family, kind), local.as_ref(), address, limit)?;
        if !should_try_next_address(&connected) {
            break;
        }
    }
    let link = match connected {
        Ok(link) => Rc::new(link),
        Err(code) => return Ok(Err(code)),
    };
    if let Some(proxy) = proxy {
        let ensure_handshake = if proxy.socks {
            socks(&link, &proxy, host, port, limit)?
        } else {
            http_connect(&link, &proxy, host, port, limit)?
        };
        if let Err(code) = ensure_handshake {
            return Ok(Err(code));
        }
    }
    Ok(Ok(link))
}

/// A new socket that is connected to an address.
fn open(
    (family, kind): (i32, i32),
    local: Option<&SockAddr>,
    address: &SockAddr,
    limit: Option<Duration>,
) -> PhpResult<Result<CoroutineSocket, ErrorCode>> {
    let link = match bound_link((family, kind), local) {
        Ok(link) => link,
        Err(e) => return Ok(Err(system(&e))),
    };
    if local.is_some() {
        return Ok(link.connect(address, limit)?.map(|()| link));
    }
    if (family, kind) == (libc::AF_UNIX, libc::SOCK_DGRAM) {
        // Without a name of its own it would get no answer.
        let _ = SockAddr::unix("").and_then(|nameless| link.socket().bind(&nameless));
    }
    Ok(link.connect(address, limit)?.map(|()| link))
}

fn bound_link((family, kind): (i32, i32), local: Option<&SockAddr>) -> io::Result<CoroutineSocket> {
    let link = CoroutineSocket::new(family, kind, 0)?;
    if let Some(local) = local {
        link.socket().set_reuse_address(true)?;
        link.socket().bind(local)?;
    }
    Ok(link)
}

/// Sends all of it and reads exactly so many bytes.
fn exchange(
    link: &CoroutineSocket,
    words: &[u8],
    answer: usize,
    limit: Option<Duration>,
) -> PhpResult<Result<Vec<u8>, ErrorCode>> {
    if let (_, Some(code)) = link.send_all(words, limit)? {
        return Ok(Err(code));
    }
    let mut got = Vec::new();
    while got.len() < answer {
        let missing = answer - got.len();
        match link.read_into(&mut got, missing, limit)? {
            Ok(0) => return Ok(Err(SOCKS_FAILED)),
            Ok(_) => {}
            Err(code) => return Ok(Err(code)),
        }
    }
    Ok(Ok(got))
}

/// The words of RFC 1928, and of RFC 1929 where there is a user. The proxy looks names up.
fn socks(
    link: &CoroutineSocket,
    proxy: &Proxy,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
) -> PhpResult<Result<(), ErrorCode>> {
    let method = if proxy.user.is_some() { 2 } else { 0 };
    match exchange(link, &[5, 1, method], 2, limit)? {
        Ok(answer) if answer == [5, method] => {}
        Ok(answer) => return Ok(Err(if answer[0] == 5 { SOCKS_METHOD } else { SOCKS_VERSION })),
        Err(code) => return Ok(Err(code)),
    }
    if let Some(user) = &proxy.user {
        let mut words = vec![1, user.len() as u8];
        words.extend_from_slice(user);
        words.push(proxy.password.len() as u8);
        words.extend_from_slice(&proxy.password);
        match exchange(link, &words, 2, limit)? {
            Ok(answer) if answer[1] == 0 => {}
            Ok(_) => return Ok(Err(SOCKS_USER)),
            Err(code) => return Ok(Err(code)),
        }
    }
    let mut words = vec![5, 1, 0, 3, host.len() as u8];
    words.extend_from_slice(host);
    words.extend_from_slice(&(port as u16).to_be_bytes());
    let head = match exchange(link, &words, 5, limit)? {
        Ok(head) if head[0] == 5 && head[1] == 0 => head,
        Ok(_) => return Ok(Err(SOCKS_CONNECT)),
        Err(code) => return Ok(Err(code)),
    };
    // The rest of the address that the proxy uses, of which one byte was read.
    let rest = match head[3] {
        1 => 3 + 2,
        4 => 15 + 2,
        _ => usize::from(head[4]) + 2,
    };
    Ok(exchange(link, &[], rest, limit)?.map(drop))
}

/// CONNECT of RFC 9110, section 9.3.6.
fn http_connect(
    link: &CoroutineSocket,
    proxy: &Proxy,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
) -> PhpResult<Result<(), ErrorCode>> {
    let host = String::from_utf8_lossy(host);
    let mut words = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(credentials) = proxy.credentials() {
        words.push_str(&format!("Proxy-Authorization: {credentials}\r\n"));
    }
    words.push_str("\r\n");
    let mut answer = match exchange(link, words.as_bytes(), 0, limit)? {
        Ok(answer) => answer,
        Err(code) => return Ok(Err(code)),
    };
    // Byte by byte: what follows the head is the connection's own.
    while !answer.ends_with(b"\r\n\r\n") {
        match link.read_into(&mut answer, 1, limit)? {
            Ok(1) if answer.len() < LONGEST_HEAD => {}
            Ok(_) => return Ok(Err(PROXY_BAD)),
            Err(code) => return Ok(Err(code)),
        }
    }
    let good = answer.starts_with(b"HTTP/1.") && answer.get(9..12) == Some(b"200");
    Ok(if good { Ok(()) } else { Err(PROXY_FAILED) })
}

fn recv(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let client = call.payload::<Client>();
    let is_bound = client.family.get().1 == libc::SOCK_DGRAM && client.bind.borrow().is_some();
    let link = if is_bound { unconnected(call)? } else { link(call) };
    let Some(link) = link else { return Ok(OrFalse(None)) };
    let limit = limit(call, 0, client.times.get().read)?;
    let packet = match client.family.get().1 {
        libc::SOCK_DGRAM => link.recv(LONGEST_DATAGRAM, limit)?,
        _ => client.packets.next_packet(&link, limit)?.map(ZStr::new),
    };
    Ok(told(call, packet))
}

fn peek(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let length = usize::try_from(call.int_or(0, 65535)?).ok().filter(|&n| n > 0).unwrap_or(LONGEST_DATAGRAM);
    let mut buffer = vec![0; length];
    let seen = link.peek(&mut buffer).map_err(|e| system(&e)).map(|seen| {
        buffer.truncate(seen);
        buffer
    });
    Ok(told(call, seen))
}

fn send(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let bytes = call.string(0)?.clone();
    let limit = limit(call, 1, call.payload::<Client>().times.get().write)?;
    let (sent, code) = link.send_all(bytes.as_bytes(), limit)?;
    Ok(match code {
        None => told(call, Ok(sent)),
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
    let Some((file, size)) = told(call, opened).0 else { return Ok(false) };
    let offset = u64::try_from(call.int_or(1, 0)?).unwrap_or(0);
    let length = u64::try_from(call.int_or(2, 0)?).unwrap_or(0);
    let end = if length == 0 { size } else { (offset + length).min(size) };
    let sent = link.send_part(&file, offset, end, call.payload::<Client>().times.get().write)?;
    if let Err(code) = sent {
        fail(call, code);
    }
    Ok(sent.is_ok())
}

/// The socket of a client of datagrams, which need not be connected.
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
    Ok(told(call, sent).0.is_some())
}

fn recv_from(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let Some(link) = unconnected(call)? else { return Ok(OrFalse(None)) };
    let most = usize::try_from(call.int(0)?).ok().filter(|&n| n > 0).unwrap_or(LONGEST_DATAGRAM);
    let read = link.recv_from(most, call.payload::<Client>().times.get().read)?;
    let Some((bytes, from)) = told(call, read).0 else { return Ok(OrFalse(None)) };
    let from = describe(&from);
    call.assign(1, from.get("address").cloned().unwrap_or(Zval::null()));
    call.assign(2, from.get("port").cloned().unwrap_or(Zval::null()));
    Ok(OrFalse(Some(bytes)))
}

/// Turns to TLS on a connection that was plain.
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
    let ensure_handshake = link.handshake(limit)?;
    if let Err(code) = ensure_handshake {
        fail(call, code);
        show(call, ERR_MSG, words(code, Some(link)));
    }
    Ok(ensure_handshake.is_ok())
}

/// What the server showed; `None`, and a code, where nothing was or there is no TLS.
fn shown(call: &Call<'_>) -> Option<Vec<Vec<u8>>> {
    let shown = link(call)?.peer_certificates();
    if shown.is_empty() {
        fail(call, NOT_READY);
        return None;
    }
    Some(shown)
}

/// The server's certificate in PEM form.
fn peer_certificate(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    Ok(OrFalse(shown(call).map(|shown| to_pem(&shown[0]))))
}

/// Whether the server's certificate is good, though the handshake may not have asked for that.
fn verify_peer(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(shown) = shown(call) else { return Ok(false) };
    let client = call.payload::<Client>();
    let mut wanted = client.tls.borrow().of_client(&client.host.borrow());
    wanted.allow_self_signed = call.bool_or(0, false)?;
    match verify(&wanted, &shown.iter().map(Vec::as_slice).collect::<Vec<_>>()) {
        Ok(()) => Ok(true),
        Err(e) => {
            fail(call, VERIFY_FAILED);
            show(call, ERR_MSG, e.to_string());
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
    Ok(told(call, found))
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    drop(call.payload::<Client>().link.take());
    show(call, FD, -1);
    show(call, CONNECTED, false);
    let socket = call.this().map(|this| this.slot(SOCKET).clone());
    show(call, SOCKET, Zval::null());
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
    show(call, SOCKET, made.clone());
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
const LONGEST_DATAGRAM: usize = 65536;
const LONGEST_HEAD: usize = 8192;
/// SWOOLE_ERROR_CLIENT_NO_CONNECTION, and those of proxies.
const NO_CONNECTION: i32 = 5001;
const SOCKS_VERSION: i32 = 7001;
const SOCKS_METHOD: i32 = 7002;
const SOCKS_USER: i32 = 7003;
const SOCKS_FAILED: i32 = 7005;
const SOCKS_CONNECT: i32 = 7006;
const PROXY_FAILED: i32 = 7103;
const PROXY_BAD: i32 = 7104;
