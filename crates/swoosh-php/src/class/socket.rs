//! `Swoole\Coroutine\Socket`: a socket on which coroutines wait.

use crate::bridge::event_loop::{READ, WRITE};
use crate::bridge::{last_error, names, resolvers, server_settings};
use crate::class::exception;
use crate::coroutine::packets::Packets;
use crate::coroutine::socket::{Code, Direction, Link};
use crate::coroutine::tls::{CONTEXT_FAILED, NOT_READY, Wanted, is_of_tls};
use crate::coroutine::{Options, options, wait};
use crate::zend::error::throw;
use crate::zend::{Array, Call, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Value, ZStr, Zval};
use nix::errno::Errno;
use socket2::{SockAddr, Socket};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use swoosh::config::{PortConfig, ServerConfig};
use swoosh::settings::{self, PortSettings};
use swoosh::sys::socket;
use swoosh::tls::Acceptor;

static SOCKET: ClassSlot = ClassSlot::new();
static EXCEPTION: ClassSlot = ClassSlot::new();

/// What lives in a socket object.
#[derive(Default)]
struct Payload {
    link: RefCell<Option<Rc<Link>>>,
    domain: Cell<i32>,
    kind: Cell<i32>,
    /// Read and not given out yet: of `recvLine`, `recvWithBuffer` and `recvPacket`.
    packets: Packets,
    /// SO_RCVTIMEO and SO_SNDTIMEO: what a call without a timeout of its own waits at most.
    read_limit: Cell<Option<Duration>>,
    write_limit: Cell<Option<Duration>>,
    /// What `setProtocol` says of TLS, with `open_ssl`.
    tls: RefCell<Option<Wanted>>,
    /// Makes sessions for those who are accepted.
    acceptor: RefCell<Option<Rc<Acceptor>>>,
    /// It was accepted: in a handshake it is the server.
    is_server: Cell<bool>,
    /// Where it is connected to, as it was named.
    host: RefCell<Vec<u8>>,
}
crate::payload!(Payload);

/// Registers the classes.
pub fn register(short_names: bool) {
    let short = |class: ClassBuilder, name: &'static str| if short_names { class.alias(name) } else { class };
    let class = ClassBuilder::new("Swoole\\Coroutine\\Socket")
        .payload::<Payload>()
        .property("fd", Value::Int(-1))
        .property("domain", Value::Int(0))
        .property("type", Value::Int(0))
        .property("protocol", Value::Int(0))
        .property("errCode", Value::Int(0))
        .property("errMsg", Value::Text(""))
        .property(SOCKET_NONBLOCK, Value::Bool(false))
        .property("__ext_sockets_timeout", Value::Int(0))
        .method("__construct(int $domain, int $type, int $protocol = IPPROTO_IP)", construct)
        .method("bind(string $address, int $port = 0): bool", bind)
        .method("listen(int $backlog = 512): bool", listen)
        .method("accept(float $timeout = 0): Swoole\\Coroutine\\Socket|false", accept)
        .method("connect(string $host, int $port = 0, float $timeout = 0): bool", connect)
        .method("checkLiveness(): bool", check_liveness)
        .method("getBoundCid(int $event): int", bound)
        .method("peek(int $length = 65536): string|false", peek)
        .method("recv(int $length = 65536, float $timeout = 0): string|false", recv)
        .method("recvAll(int $length = 65536, float $timeout = 0): string|false", recv_all)
        .method("recvLine(int $length = 65536, float $timeout = 0): string|false", recv_line)
        .method("recvWithBuffer(int $length = 65536, float $timeout = 0): string|false", recv_with_buffer)
        .method("recvPacket(float $timeout = 0): string|false", recv_packet)
        .method("send(string $data, float $timeout = 0): int|false", send)
        .method("readVector(array $io_vector, float $timeout = 0): array|false", read_vector)
        .method("readVectorAll(array $io_vector, float $timeout = 0): array|false", read_vector_all)
        .method("writeVector(array $io_vector, float $timeout = 0): int|false", write_vector)
        .method("writeVectorAll(array $io_vector, float $timeout = 0): int|false", write_vector)
        .method("sendFile(string $file, int $offset = 0, int $length = 0): bool", send_file)
        .method("sendAll(string $data, float $timeout = 0): int|false", send_all)
        .method("recvfrom(mixed &$peername, float $timeout = 0): string|false", recv_from)
        .method("sendto(string $addr, int $port, string $data): int|false", send_to)
        .method("getOption(int $level, int $opt_name): mixed", get_option)
        .method("setProtocol(array $settings): bool", set_protocol)
        .method("setOption(int $level, int $opt_name, mixed $opt_value): bool", set_option)
        .method("sslHandshake(): bool", ssl_handshake)
        .method("shutdown(int $how = 2): bool", shutdown)
        .method("cancel(int $event = SWOOLE_EVENT_READ): bool", cancel)
        .method("close(): bool", close)
        .method("getpeername(): array|false", |call: &mut Call<'_>| name(call, Socket::peer_addr))
        .method("getsockname(): array|false", |call: &mut Call<'_>| name(call, Socket::local_addr))
        .method("isClosed(): bool", |call: &mut Call<'_>| Ok(call.payload::<Payload>().link.borrow().is_none()))
        .method("static import($stream): Swoole\\Coroutine\\Socket|false", import);
    short(class, "Co\\Socket").register(&SOCKET);
    let exception = ClassBuilder::new("Swoole\\Coroutine\\Socket\\Exception").extends(exception::EXCEPTION.get());
    short(exception, "Co\\Socket\\Exception").register(&EXCEPTION);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let (domain, kind, protocol) = (call.int(0)? as i32, call.int(1)? as i32, call.int_or(2, 0)? as i32);
    match Link::new(domain, kind, protocol) {
        Ok(link) => {
            if let Some(this) = call.this() {
                adopt(this, Rc::new(link), domain, kind, protocol);
            }
            Ok(())
        }
        Err(e) => {
            let code = e.raw_os_error().unwrap_or(libc::EINVAL);
            Err(throw(EXCEPTION.get(), &format!("make a socket: {}", Errno::from_raw(code).desc()), code.into()))
        }
    }
}

fn adopt(object: &Object, link: Rc<Link>, domain: i32, kind: i32, protocol: i32) {
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

/// The open socket; `None`, and a code, where it was closed.
fn link(call: &Call<'_>) -> Option<Rc<Link>> {
    let link = call.payload::<Payload>().link.borrow().clone();
    if link.is_none() {
        fail(call, libc::EBADF);
    }
    link
}

/// Shows why a call came to nothing.
#[cold]
fn fail(call: &Call<'_>, code: Code) {
    last_error::set(code);
    if let Some(this) = call.this() {
        show_error(this, code);
    }
}

/// Shows a code, or 0, in a socket object.
pub fn show_error(object: &Object, code: Code) {
    let text = if code == 0 { String::new() } else { words(code, link_of(object).as_deref()) };
    object.set_slot(ERR_CODE, code);
    object.set_slot(ERR_MSG, text);
}

/// What a code means; of TLS the link knows more.
pub fn words(code: Code, link: Option<&Link>) -> String {
    if !is_of_tls(code) {
        return Errno::from_raw(code).desc().to_owned();
    }
    link.and_then(Link::why).unwrap_or_else(|| "there is no TLS".to_owned())
}

fn well(call: &Call<'_>) {
    if let Some(this) = call.this()
        && this.slot(ERR_CODE).int() != Some(0)
    {
        show_error(this, 0);
    }
}

/// What a call gives, or `false` with the code shown.
fn told<T>(call: &Call<'_>, result: Result<T, Code>) -> OrFalse<T> {
    OrFalse(match result {
        Ok(value) => {
            well(call);
            Some(value)
        }
        Err(code) => {
            fail(call, code);
            None
        }
    })
}

fn told_io<T>(call: &Call<'_>, result: io::Result<T>) -> OrFalse<T> {
    told(call, result.map_err(|e| e.raw_os_error().unwrap_or(libc::EIO)))
}

/// The timeout of argument `n`: 0 is what the socket has for that direction, less than 0 is for ever.
fn limit(call: &Call<'_>, n: usize, direction: Direction) -> PhpResult<Option<Duration>> {
    let seconds = call.float_or(n, 0.0)?;
    let payload = call.payload::<Payload>();
    Ok(match direction {
        _ if seconds > 0.0 => Some(wait::duration(seconds)),
        _ if seconds < 0.0 => None,
        Direction::Read => payload.read_limit.get(),
        Direction::Write => payload.write_limit.get(),
    })
}

fn address(call: &Call<'_>, host: &[u8], port: i64, limit: Option<Duration>) -> PhpResult<Result<SockAddr, Code>> {
    address_of(call.payload::<Payload>().domain.get(), host, port, limit)
}

/// An address of a family; of a name the one that is found.
pub fn address_of(domain: i32, host: &[u8], port: i64, limit: Option<Duration>) -> PhpResult<Result<SockAddr, Code>> {
    if domain == libc::AF_UNIX {
        let path = Path::new(std::ffi::OsStr::from_bytes(host));
        return Ok(SockAddr::unix(path).map_err(|e| e.raw_os_error().unwrap_or(libc::EINVAL)));
    }
    let Ok(port) = u16::try_from(port) else { return Ok(Err(libc::EINVAL)) };
    let text = String::from_utf8_lossy(host).into_owned();
    let six = domain == libc::AF_INET6;
    let ip = match text.parse::<IpAddr>() {
        Ok(ip) if ip.is_ipv6() == six => ip,
        Ok(_) => return Ok(Err(libc::EINVAL)),
        Err(_) => match names::address(&text, i64::from(domain), limit)? {
            Some(ip) => ip,
            None => return Ok(Err(last_error::get())),
        },
    };
    Ok(Ok(SocketAddr::new(ip, port).into()))
}

/// Where to connect to for a host, one after the other and one at least: what a resolver knows, or its address.
pub fn addresses_of(
    domain: i32,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
) -> PhpResult<Result<Vec<SockAddr>, Code>> {
    if let (Ok(name), Ok(port)) = (std::str::from_utf8(host), u16::try_from(port))
        && domain != libc::AF_UNIX
        && !resolvers::is_address(name)
        && let Some(nodes) = resolvers::addresses(name, domain == libc::AF_INET6, port)?
        && !nodes.is_empty()
    {
        return Ok(Ok(nodes.into_iter().map(SockAddr::from).collect()));
    }
    Ok(address_of(domain, host, port, limit)?.map(|address| vec![address]))
}

fn bind(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let (host, port) = (call.bytes(0)?, call.int_or(1, 0)?);
    let bound = match address(call, host, port, None)? {
        Ok(address) => {
            if address.domain() != socket2::Domain::UNIX {
                let _ = link.socket().set_reuse_address(true);
            }
            link.socket().bind(&address).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
        }
        Err(code) => Err(code),
    };
    Ok(told(call, bound).0.is_some())
}

fn listen(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let backlog = i32::try_from(call.int_or(0, 512)?).unwrap_or(512);
    if let Err(e) = acceptor(call.payload::<Payload>()) {
        last_error::refuse(&e.to_string());
        fail(call, CONTEXT_FAILED);
        return Ok(false);
    }
    Ok(told_io(call, link.socket().listen(backlog)).0.is_some())
}

/// Those who make sessions for whoever is accepted; `None` without `open_ssl`.
fn acceptor(payload: &Payload) -> swoosh::Result<Option<Rc<Acceptor>>> {
    let wanted = payload.tls.borrow().clone();
    let mut acceptor = payload.acceptor.borrow_mut();
    if let (None, Some(wanted)) = (&*acceptor, wanted) {
        *acceptor = Some(Rc::new(wanted.acceptor()?));
    }
    Ok(acceptor.clone())
}

fn accept(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let accepted = link.accept(limit(call, 0, Direction::Read)?)?;
    let Some(accepted) = told(call, accepted).0 else { return Ok(OrFalse(None)) };
    let payload = call.payload::<Payload>();
    let object = Object::new(SOCKET.get())?;
    let session = acceptor(payload).and_then(|acceptor| acceptor.map(|acceptor| acceptor.begin()).transpose());
    match session {
        Ok(session) => session.into_iter().for_each(|session| accepted.seal(session)),
        Err(e) => {
            last_error::refuse(&e.to_string());
            fail(call, CONTEXT_FAILED);
            return Ok(OrFalse(None));
        }
    }
    adopt(&object, Rc::new(accepted), payload.domain.get(), payload.kind.get(), 0);
    if let Some(own) = object.payload::<Payload>() {
        own.is_server.set(true);
    }
    Ok(OrFalse(Some(object)))
}

fn connect(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let (host, port) = (call.bytes(0)?, call.int_or(1, 0)?);
    let unix = call.payload::<Payload>().domain.get() == libc::AF_UNIX;
    if !unix && !(1..=65535).contains(&port) {
        fail(call, libc::EINVAL);
        return Ok(false);
    }
    let own = limit(call, 2, Direction::Write)?;
    let unsaid = call.float_or(2, 0.0)? == 0.0;
    let limit = options(Options::socket_connect_timeout).filter(|_| unsaid).or(own);
    let connected = match addresses_of(call.payload::<Payload>().domain.get(), host, port, limit)? {
        Ok(addresses) => link.connect_to_any(&addresses, limit)?,
        Err(code) => Err(code),
    };
    if told(call, connected).0.is_none() {
        return Ok(false);
    }
    let payload = call.payload::<Payload>();
    *payload.host.borrow_mut() = host.to_vec();
    if payload.tls.borrow().is_none() {
        return Ok(true);
    }
    begin_tls(call, &link, limit)
}

fn check_liveness(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let mut byte = [0];
    let alive = match link.peek(&mut byte) {
        Ok(0) => Err(libc::ECONNRESET),
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(e) => Err(e.raw_os_error().unwrap_or(libc::EIO)),
    };
    Ok(told(call, alive).0.is_some())
}

fn direction(event: i64) -> Option<Direction> {
    match event {
        READ => Some(Direction::Read),
        WRITE => Some(Direction::Write),
        _ => None,
    }
}

fn bound(call: &mut Call<'_>) -> PhpResult<i64> {
    let direction = direction(call.int(0)?);
    let link = call.payload::<Payload>().link.borrow().clone();
    let id = link.zip(direction).and_then(|(link, direction)| link.bound(direction));
    Ok(id.map_or(0, |id| id as i64))
}

fn cancel(call: &mut Call<'_>) -> PhpResult<bool> {
    let direction = direction(call.int_or(0, READ)?);
    let Some(link) = link(call) else { return Ok(false) };
    Ok(direction.is_some_and(|direction| link.cancel(direction)))
}

fn length(call: &Call<'_>, n: usize) -> PhpResult<usize> {
    let length = call.int_or(n, DEFAULT_LENGTH)?;
    Ok(usize::try_from(length).ok().filter(|&n| n > 0).unwrap_or(DEFAULT_LENGTH as usize))
}

fn peek(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let mut buffer = vec![0; length(call, 0)?];
    let seen = link.peek(&mut buffer).map(|seen| {
        buffer.truncate(seen);
        buffer
    });
    Ok(told_io(call, seen))
}

fn recv(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (most, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let packets = &call.payload::<Payload>().packets;
    if !packets.is_empty() {
        return Ok(told(call, Ok(ZStr::new(packets.take(most)))));
    }
    let read = link.recv(most, limit)?;
    Ok(told(call, read))
}

/// Reads until that much is there, or no more comes.
fn read_all(
    link: &Link,
    mut buffer: Vec<u8>,
    length: usize,
    limit: Option<Duration>,
) -> PhpResult<(Vec<u8>, Option<Code>)> {
    while buffer.len() < length {
        let missing = length - buffer.len();
        match link.read_into(&mut buffer, missing.min(CHUNK), limit)? {
            Ok(0) => break,
            Ok(_) => {}
            Err(code) => return Ok((buffer, Some(code))),
        }
    }
    Ok((buffer, None))
}

fn recv_all(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (length, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let kept = call.payload::<Payload>().packets.take(length);
    let (bytes, code) = read_all(&link, kept, length, limit)?;
    Ok(partly(call, bytes, code))
}

/// What came, although not all did; `false` where nothing came.
fn partly(call: &Call<'_>, bytes: Vec<u8>, code: Option<Code>) -> OrFalse<Vec<u8>> {
    match code {
        None => told(call, Ok(bytes)),
        Some(code) => {
            fail(call, code);
            OrFalse((!bytes.is_empty()).then_some(bytes))
        }
    }
}

/// A line with its end, or what came before the end of the stream, at most so many bytes.
fn recv_line(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (most, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let packets = &call.payload::<Payload>().packets;
    loop {
        if let Some(end) = packets.line(most) {
            return Ok(told(call, Ok(packets.take(end))));
        }
        match packets.more(&link, limit)? {
            Ok(0) => return Ok(told(call, Ok(packets.take(usize::MAX)))),
            Ok(_) => {}
            Err(code) => return Ok(told(call, Err(code))),
        }
    }
}

fn recv_with_buffer(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (most, limit) = (length(call, 0)?, limit(call, 1, Direction::Read)?);
    let packets = &call.payload::<Payload>().packets;
    if packets.is_empty()
        && let Err(code) = packets.more(&link, limit)?
    {
        return Ok(told(call, Err(code)));
    }
    Ok(told(call, Ok(packets.take(most))))
}

/// One packet, as `setProtocol` says what one is; an empty string at the end of the stream.
fn recv_packet(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let limit = limit(call, 0, Direction::Read)?;
    let packet = call.payload::<Payload>().packets.next(&link, limit)?;
    Ok(told(call, packet))
}

fn set_protocol(call: &mut Call<'_>) -> PhpResult<bool> {
    let given = call.array(0)?;
    let Some((config, wanted)) = protocol(given) else { return Ok(false) };
    let payload = call.payload::<Payload>();
    payload.packets.set(config);
    *payload.tls.borrow_mut() = wanted.is_open.then_some(wanted);
    payload.acceptor.take();
    Ok(true)
}

/// What settings say of packets; `None`, after a warning, where they cannot be.
pub fn framing(given: &Array) -> Option<PortConfig> {
    protocol(given).map(|(config, _)| config)
}

/// What settings say of packets and of TLS; `None`, after a warning, where they cannot be.
pub fn protocol(given: &Array) -> Option<(PortConfig, Wanted)> {
    let mut port = PortSettings::new();
    for (name, value) in server_settings::named(given) {
        if let Err(e) = settings::apply_port(&mut port, &name, &server_settings::plain(&value)) {
            last_error::refuse(&e.to_string());
            return None;
        }
    }
    let mut config =
        port.finish(&ServerConfig::default(), true).map_err(|e| last_error::refuse(&e.to_string())).ok()?;
    let wanted = Wanted::new(config.tls.take().unwrap_or_default(), given);
    Some((config, wanted))
}

/// A new object for a socket.
pub fn object(link: Rc<Link>, domain: i32, kind: i32) -> PhpResult<Object> {
    let object = Object::new(SOCKET.get())?;
    adopt(&object, link, domain, kind, 0);
    Ok(object)
}

/// What a call on such an object without a timeout of its own waits at most, to read and to write.
pub fn limits_of(object: &Object) -> (Option<Duration>, Option<Duration>) {
    object.payload::<Payload>().map_or((None, None), |payload| (payload.read_limit.get(), payload.write_limit.get()))
}

/// Its address family.
pub fn domain_of(object: &Object) -> i32 {
    object.payload::<Payload>().map_or(libc::AF_INET, |payload| payload.domain.get())
}

/// The socket of such an object; `None` if it was closed.
pub fn link_of(object: &Object) -> Option<Rc<Link>> {
    object.payload::<Payload>()?.link.borrow().clone()
}

/// Says what a packet of such an object is.
pub fn set_framing(object: &Object, config: PortConfig) {
    if let Some(payload) = object.payload::<Payload>() {
        payload.packets.set(config);
    }
}

fn send(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (bytes, limit) = (call.string(0)?.clone(), limit(call, 1, Direction::Write)?);
    let sent = link.send(bytes.as_bytes(), limit)?;
    Ok(told(call, sent))
}

fn send_all(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (bytes, limit) = (call.string(0)?.clone(), limit(call, 1, Direction::Write)?);
    let (sent, code) = link.send_all(bytes.as_bytes(), limit)?;
    Ok(counted(call, sent, code))
}

/// How much went out, although not all did; `false` where nothing went.
fn counted(call: &Call<'_>, sent: usize, code: Option<Code>) -> OrFalse<usize> {
    match code {
        None => told(call, Ok(sent)),
        Some(code) => {
            fail(call, code);
            OrFalse((sent > 0).then_some(sent))
        }
    }
}

fn write_vector(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let limit = limit(call, 1, Direction::Write)?;
    let mut all = Vec::new();
    for (_, part) in call.array(0)? {
        match part.bytes() {
            Some(bytes) => all.extend_from_slice(bytes),
            None => {
                fail(call, libc::EINVAL);
                return Ok(OrFalse(None));
            }
        }
    }
    let (sent, code) = link.send_all(&all, limit)?;
    Ok(counted(call, sent, code))
}

fn read_vector(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    vector(call, false)
}

fn read_vector_all(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    vector(call, true)
}

/// Reads into parts of these lengths: what came, cut into them.
fn vector(call: &mut Call<'_>, all: bool) -> PhpResult<OrFalse<Array>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let limit = limit(call, 1, Direction::Read)?;
    let lengths: Option<Vec<usize>> =
        call.array(0)?.iter().map(|(_, n)| usize::try_from(n.to_int()).ok().filter(|&n| n > 0)).collect();
    let Some(lengths) = lengths.filter(|lengths| !lengths.is_empty()) else {
        fail(call, libc::EINVAL);
        return Ok(OrFalse(None));
    };
    let total = lengths.iter().sum();
    let (bytes, code) = match all {
        true => read_all(&link, Vec::new(), total, limit)?,
        false => match link.recv(total, limit)? {
            Ok(bytes) => (bytes.as_bytes().to_vec(), None),
            Err(code) => (Vec::new(), Some(code)),
        },
    };
    let Some(bytes) = partly(call, bytes, code).0 else { return Ok(OrFalse(None)) };
    let mut parts = Array::new();
    let mut rest = bytes.as_slice();
    for length in lengths {
        if rest.is_empty() {
            break;
        }
        let (part, behind) = rest.split_at(length.min(rest.len()));
        parts.push(part);
        rest = behind;
    }
    Ok(OrFalse(Some(parts)))
}

fn send_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let path = Path::new(std::ffi::OsStr::from_bytes(call.bytes(0)?));
    let opened = File::open(path).and_then(|file| file.metadata().map(|about| (file, about.len())));
    let Some((file, size)) = told_io(call, opened).0 else { return Ok(false) };
    let offset = u64::try_from(call.int_or(1, 0)?).unwrap_or(0);
    let length = u64::try_from(call.int_or(2, 0)?).unwrap_or(0);
    let end = if length == 0 { size } else { (offset + length).min(size) };
    let sent = link.send_part(&file, offset, end, call.payload::<Payload>().write_limit.get())?;
    Ok(told(call, sent).0.is_some())
}

fn recv_from(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let read = link.recv_from(DEFAULT_LENGTH as usize, limit(call, 1, Direction::Read)?)?;
    let Some((bytes, from)) = told(call, read).0 else { return Ok(OrFalse(None)) };
    call.assign(0, describe(&from));
    Ok(OrFalse(Some(bytes)))
}

fn send_to(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    let (host, port) = (call.bytes(0)?, call.int(1)?);
    let limit = call.payload::<Payload>().write_limit.get();
    let to = match address(call, host, port, limit)? {
        Ok(to) => to,
        Err(code) => return Ok(told(call, Err(code))),
    };
    let bytes = call.string(2)?.clone();
    let sent = link.retry(Direction::Write, limit, || link.socket().send_to(bytes.as_bytes(), &to))?;
    Ok(told(call, sent))
}

/// An address as PHP code sees it.
pub fn describe(address: &SockAddr) -> Array {
    let mut array = Array::new();
    match address.as_socket() {
        Some(address) => {
            array.insert("address", address.ip().to_string());
            array.insert("port", address.port());
        }
        None => {
            let path = address.as_pathname().map(|path| path.as_os_str().as_bytes().to_vec());
            array.insert("address", path.unwrap_or_default());
            array.insert("port", 0);
        }
    }
    array
}

fn name(call: &Call<'_>, ask: fn(&Socket) -> io::Result<SockAddr>) -> PhpResult<OrFalse<Array>> {
    let Some(link) = link(call) else { return Ok(OrFalse(None)) };
    Ok(OrFalse(told_io(call, ask(link.socket())).0.map(|address| describe(&address))))
}

fn get_option(call: &mut Call<'_>) -> PhpResult<Zval> {
    let Some(link) = link(call) else { return Ok(false.into_zval()) };
    let (level, option) = (call.int(0)? as i32, call.int(1)? as i32);
    let payload = call.payload::<Payload>();
    let time = match (level, option) {
        (libc::SOL_SOCKET, libc::SO_RCVTIMEO) => Some(payload.read_limit.get()),
        (libc::SOL_SOCKET, libc::SO_SNDTIMEO) => Some(payload.write_limit.get()),
        _ => None,
    };
    if let Some(time) = time {
        let time = time.unwrap_or_default();
        let mut array = Array::new();
        array.insert("sec", time.as_secs());
        array.insert("usec", i64::from(time.subsec_micros()));
        return Ok(array.into_zval());
    }
    if (level, option) == (libc::SOL_SOCKET, libc::SO_LINGER) {
        return Ok(match told_io(call, link.socket().linger()).0 {
            Some(linger) => {
                let mut array = Array::new();
                array.insert("l_onoff", i64::from(linger.is_some()));
                array.insert("l_linger", linger.map_or(0, |time| time.as_secs()));
                array.into_zval()
            }
            None => false.into_zval(),
        });
    }
    Ok(told_io(call, socket::option(link.fd(), level, option)).into_zval())
}

fn set_option(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let (level, option) = (call.int(0)? as i32, call.int(1)? as i32);
    let value = call.arg(2).cloned().unwrap_or(Zval::null());
    let part = |name: &str| value.array().and_then(|array| array.get(name).map(Zval::to_int));
    let payload = call.payload::<Payload>();
    if level == libc::SOL_SOCKET && (option == libc::SO_RCVTIMEO || option == libc::SO_SNDTIMEO) {
        let (Some(seconds), Some(micros)) = (part("sec"), part("usec")) else {
            last_error::refuse("a timeout is an array with sec and usec");
            return Ok(false);
        };
        let time = Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
            + Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let slot = if option == libc::SO_RCVTIMEO { &payload.read_limit } else { &payload.write_limit };
        slot.set((!time.is_zero()).then_some(time));
        return Ok(true);
    }
    let done = match (level, option) {
        (libc::SOL_SOCKET, libc::SO_LINGER) => {
            let time = Duration::from_secs(part("l_linger").unwrap_or(0).max(0) as u64);
            link.socket().set_linger((part("l_onoff").unwrap_or(0) != 0).then_some(time))
        }
        _ => match value.bytes() {
            Some(bytes) => socket::set_option(link.fd(), level, option, bytes),
            None => socket::set_option(link.fd(), level, option, &(value.to_int() as i32).to_ne_bytes()),
        },
    };
    Ok(told_io(call, done).0.is_some())
}

/// Agrees upon TLS: as the server where this was accepted, else as the client.
fn ssl_handshake(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let payload = call.payload::<Payload>();
    let wanted = payload.tls.borrow().clone();
    let limit = payload.read_limit.get().unwrap_or(wanted.unwrap_or_default().config.handshake_timeout);
    if link.is_sealed() {
        let shaken = link.shake(Some(limit))?;
        return Ok(told(call, shaken).0.is_some());
    }
    if payload.tls.borrow().is_none() {
        last_error::refuse("there is no TLS without open_ssl: setProtocol(['open_ssl' => true, ...])");
        fail(call, NOT_READY);
        return Ok(false);
    }
    begin_tls(call, &link, Some(limit))
}

/// Begins a session as the settings say, and shakes hands.
fn begin_tls(call: &Call<'_>, link: &Link, limit: Option<Duration>) -> PhpResult<bool> {
    let payload = call.payload::<Payload>();
    let session = match payload.is_server.get() {
        true => acceptor(payload).and_then(|acceptor| acceptor.map(|acceptor| acceptor.begin()).transpose()),
        false => payload.tls.borrow().as_ref().map(|wanted| wanted.begin(&payload.host.borrow())).transpose(),
    };
    match session {
        Ok(session) => session.into_iter().for_each(|session| link.seal(session)),
        Err(e) => {
            last_error::refuse(&e.to_string());
            fail(call, CONTEXT_FAILED);
            return Ok(false);
        }
    }
    let shaken = link.shake(limit)?;
    Ok(told(call, shaken).0.is_some())
}

fn shutdown(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let how = match call.int_or(0, 2)? {
        0 => std::net::Shutdown::Read,
        1 => std::net::Shutdown::Write,
        2 => std::net::Shutdown::Both,
        _ => {
            fail(call, libc::EINVAL);
            return Ok(false);
        }
    };
    if how != std::net::Shutdown::Read {
        link.say_goodbye();
    }
    Ok(told_io(call, link.socket().shutdown(how)).0.is_some())
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    drop(call.payload::<Payload>().link.take());
    link.close();
    if let Some(this) = call.this() {
        this.set_slot(FD, -1);
    }
    Ok(true)
}

/// A socket out of a stream or a socket of PHP's; each has a descriptor of its own afterwards.
pub fn import(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(fd) = call.arg(0).and_then(crate::class::event::descriptor_of) else {
        last_error::refuse("this is no stream and no socket");
        return Ok(OrFalse(None));
    };
    let own = crate::zend::runtime::borrow_descriptor(fd).try_clone_to_owned();
    let made = own.map(Socket::from).and_then(|socket| {
        socket.set_nonblocking(true)?;
        let (domain, kind) = (socket.domain()?, socket.r#type()?);
        Ok((socket, i32::from(domain), i32::from(kind)))
    });
    match made {
        Ok((socket, domain, kind)) => {
            let object = Object::new(SOCKET.get())?;
            adopt(&object, Rc::new(Link::of(socket)), domain, kind, 0);
            Ok(OrFalse(Some(object)))
        }
        Err(e) => {
            last_error::set(e.raw_os_error().unwrap_or(libc::EINVAL));
            Ok(OrFalse(None))
        }
    }
}

/// The property that says whether `swoole_socket_*` wait on it.
pub const SOCKET_NONBLOCK: &str = "__ext_sockets_nonblock";
const FD: usize = 0;
const DOMAIN: usize = 1;
const TYPE: usize = 2;
const PROTOCOL: usize = 3;
const ERR_CODE: usize = 4;
const ERR_MSG: usize = 5;
const DEFAULT_LENGTH: i64 = 65536;
/// Bytes read at a time into the buffer.
const CHUNK: usize = 65536;
