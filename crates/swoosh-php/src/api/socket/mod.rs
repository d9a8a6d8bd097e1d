//! `Swoole\Coroutine\Socket`: a socket on which coroutines wait.

mod connecting;
mod reading;
mod setup;
mod writing;

pub use connecting::{address_of, addresses_of, describe};
pub use setup::{framing, protocol};

use super::exception;
use super::socket::connecting::{accept, bind, check_liveness, connect, listen, name, ssl_handshake};
use super::socket::reading::{
    peek, read_vector, read_vector_all, recv, recv_all, recv_from, recv_line, recv_packet, recv_with_buffer,
};
use super::socket::setup::{get_option, set_option, set_protocol};
use super::socket::writing::{send, send_all, send_file, send_to, write_vector};
use crate::coroutine::packet_reader::PacketReader;
use crate::coroutine::socket::{CoroutineSocket, Direction, ErrorCode};
use crate::coroutine::tls::{TlsSettings, is_tls_error};
use crate::coroutine::{Options, options, wait};
use crate::runtime::last_error;
use crate::runtime::watchers::{READ, WRITE};
use nix::errno::Errno;
use socket2::Socket;
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;
use swoosh::config::PortConfig;
use swoosh::tls::Acceptor;
use swoosh_zend::error::throw;
use swoosh_zend::{Call, ClassBuilder, ClassSlot, Object, OrFalse, PhpResult, Value};

static SOCKET: ClassSlot = ClassSlot::new();
static EXCEPTION: ClassSlot = ClassSlot::new();

/// What lives in a socket object.
#[derive(Default)]
struct Payload {
    link: RefCell<Option<Rc<CoroutineSocket>>>,
    domain: Cell<i32>,
    kind: Cell<i32>,
    /// Read and not given out yet: of `recvLine`, `recvWithBuffer` and `recvPacket`.
    packets: PacketReader,
    /// SO_RCVTIMEO and SO_SNDTIMEO: what a call without a timeout of its own waits at most.
    read_limit: Cell<Option<Duration>>,
    write_limit: Cell<Option<Duration>>,
    /// What `setProtocol` says of TLS, with `open_ssl`.
    tls: RefCell<Option<TlsSettings>>,
    /// Makes sessions for those who are accepted.
    acceptor: RefCell<Option<Rc<Acceptor>>>,
    /// It was accepted: in a handshake it is the server.
    is_server: Cell<bool>,
    /// Where it is connected to, as it was named.
    host: RefCell<Vec<u8>>,
    /// It was made of a stream, which has a descriptor of its own for the same socket.
    imported: Cell<bool>,
    /// The directions that were shut down.
    shut: Cell<(bool, bool)>,
}
swoosh_zend::payload!(Payload);

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
    match CoroutineSocket::new(domain, kind, protocol) {
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

fn adopt(object: &Object, link: Rc<CoroutineSocket>, domain: i32, kind: i32, protocol: i32) {
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
fn link(call: &Call<'_>) -> Option<Rc<CoroutineSocket>> {
    let link = call.payload::<Payload>().link.borrow().clone();
    if link.is_none() {
        fail(call, libc::EBADF);
    }
    link
}

/// Shows why a call came to nothing.
#[cold]
fn fail(call: &Call<'_>, code: ErrorCode) {
    last_error::set(code);
    if let Some(this) = call.this() {
        show_error(this, code);
    }
}

/// Shows a code, or 0, in a socket object.
pub fn show_error(object: &Object, code: ErrorCode) {
    let text = if code == 0 { String::new() } else { words(code, link_of(object).as_deref()) };
    object.set_slot(ERR_CODE, code);
    object.set_slot(ERR_MSG, text);
}

/// What a code means; of TLS the link knows more.
pub fn words(code: ErrorCode, link: Option<&CoroutineSocket>) -> String {
    if !is_tls_error(code) {
        return Errno::from_raw(code).desc().to_owned();
    }
    link.and_then(CoroutineSocket::tls_error).unwrap_or_else(|| "there is no TLS".to_owned())
}

fn well(call: &Call<'_>) {
    if let Some(this) = call.this()
        && this.slot(ERR_CODE).int() != Some(0)
    {
        show_error(this, 0);
    }
}

/// What a call gives, or `false` with the code shown.
fn told<T>(call: &Call<'_>, result: Result<T, ErrorCode>) -> OrFalse<T> {
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
    direction.map_or(Ok(false), |direction| link.cancel(direction))
}

/// A new object for a socket.
pub fn object(link: Rc<CoroutineSocket>, domain: i32, kind: i32) -> PhpResult<Object> {
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
pub fn link_of(object: &Object) -> Option<Rc<CoroutineSocket>> {
    object.payload::<Payload>()?.link.borrow().clone()
}

/// Says what a packet of such an object is.
pub fn set_framing(object: &Object, config: PortConfig) {
    if let Some(payload) = object.payload::<Payload>() {
        payload.packets.set(config);
    }
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
    let payload = call.payload::<Payload>();
    let (read, write) = payload.shut.get();
    let (reads, writes) = (how != std::net::Shutdown::Write, how != std::net::Shutdown::Read);
    if (read || !reads) && (write || !writes) {
        fail(call, libc::ENOTCONN);
        return Ok(false);
    }
    if writes {
        link.send_close_notify();
    }
    let done = told_io(call, link.socket().shutdown(how)).0.is_some();
    if done {
        payload.shut.set((read || reads, write || writes));
    }
    Ok(done)
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(link) = link(call) else { return Ok(false) };
    let payload = call.payload::<Payload>();
    drop(payload.link.take());
    if payload.imported.get() {
        // The import owns the socket: the peer sees its end although the stream still has a descriptor.
        let _ = link.socket().shutdown(std::net::Shutdown::Both);
    }
    if let Some(this) = call.this() {
        this.set_slot(FD, -1);
    }
    link.close()?;
    Ok(true)
}

/// A socket out of a stream or a socket of PHP's; each has a descriptor of its own afterwards.
pub fn import(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(fd) = call.arg(0).and_then(crate::api::event::descriptor_of) else {
        last_error::warn_misuse("this is no stream and no socket");
        return Ok(OrFalse(None));
    };
    let own = swoosh::sys::foreign_fd::ForeignFd::new(fd).duplicate();
    let made = own.map(Socket::from).and_then(|socket| {
        socket.set_nonblocking(true)?;
        let (domain, kind) = (socket.domain()?, socket.r#type()?);
        Ok((socket, i32::from(domain), i32::from(kind)))
    });
    match made {
        Ok((socket, domain, kind)) => {
            let object = Object::new(SOCKET.get())?;
            adopt(&object, Rc::new(CoroutineSocket::from_socket(socket)), domain, kind, 0);
            if let Some(payload) = object.payload::<Payload>() {
                payload.imported.set(true);
            }
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
