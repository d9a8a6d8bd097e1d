//! `swoole_socket_*()`: the functions of PHP's sockets extension, on sockets on which coroutines wait.

use crate::api::socket;
use crate::api::socket::SOCKET_NONBLOCK;
use crate::coroutine::socket::{CoroutineSocket, Direction, ErrorCode};
use crate::runtime::last_error;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::rc::Rc;
use swoosh_zend::error::argument_value_error;
use swoosh_zend::module::Functions;
use swoosh_zend::{Array, Call, IntoZval, Object, OrFalse, PhpResult, ZStr, Zval};

/// Adds the functions of this file.
pub(super) fn add_all(functions: &mut Functions) {
    const SOCKET_OR_FALSE: &str = "Swoole\\Coroutine\\Socket|false";
    add(functions, "accept", "", SOCKET_OR_FALSE, |call| method(call, "accept", 1..1));
    add(functions, "bind", "string $address, int $port = 0", "bool", |call| method(call, "bind", 1..3));
    add(functions, "connect", "string $address, int $port = 0", "bool", |call| method(call, "connect", 1..3));
    add(functions, "listen", "int $backlog = 0", "bool", listen);
    add(functions, "close", "", "void", |call| method(call, "close", 1..1).map(|_| Zval::null()));
    add(functions, "shutdown", "int $how = 2", "bool", |call| method(call, "shutdown", 1..2));
    for name in ["get_option", "getopt"] {
        add(functions, name, "int $level, int $optname", "mixed", |call| method(call, "getOption", 1..3));
    }
    for name in ["set_option", "setopt"] {
        add(functions, name, "int $level, int $optname, mixed $optval", "bool", |call| method(call, "setOption", 1..4));
    }
    add(functions, "getpeername", "mixed &$address, mixed &$port = null", "bool", |call| name(call, Socket::peer_addr));
    add(functions, "getsockname", "mixed &$address, mixed &$port = null", "bool", |call| {
        name(call, Socket::local_addr)
    });
    add(functions, "read", "int $length, int $type = PHP_BINARY_READ", "string|false", read);
    add(functions, "recv", "mixed &$buffer, int $length, int $flags", "int|false", recv);
    add(
        functions,
        "recvfrom",
        "mixed &$buffer, int $length, int $flags, mixed &$name, mixed &$port = null",
        "int|false",
        recv_from,
    );
    add(functions, "send", "string $buffer, int $length, int $flags", "int|false", send);
    add(
        functions,
        "sendto",
        "string $buffer, int $length, int $flags, string $addr, int $port = 0",
        "int|false",
        send_to,
    );
    add(functions, "write", "string $buffer, int $length = 0", "int|false", send);
    add(functions, "set_block", "", "bool", |call| set_blocking(call, true));
    add(functions, "set_nonblock", "", "bool", |call| set_blocking(call, false));
    functions
        .add("swoole_socket_create(int $domain, int $type, int $protocol): Swoole\\Coroutine\\Socket|false", create)
        .add(
            "swoole_socket_create_listen(int $port, int $backlog = 128): Swoole\\Coroutine\\Socket|false",
            create_listen,
        )
        .add("swoole_socket_create_pair(int $domain, int $type, int $protocol, mixed &$pair): bool", create_pair)
        .add("swoole_socket_import_stream(mixed $stream): Swoole\\Coroutine\\Socket|false", socket::import)
        .add("swoole_socket_last_error(?Swoole\\Coroutine\\Socket $socket = null): int", last_error_of)
        .add("swoole_socket_clear_error(?Swoole\\Coroutine\\Socket $socket = null): void", clear_error);
}

/// Adds `swoole_socket_NAME`, whose first parameter is the socket.
fn add<F>(functions: &mut Functions, name: &str, parameters: &str, returns: &str, run: F)
where
    F: Fn(&mut Call<'_>) -> PhpResult<Zval> + Copy + 'static,
{
    let comma = if parameters.is_empty() { "" } else { ", " };
    let signature = format!("swoole_socket_{name}(Swoole\\Coroutine\\Socket $socket{comma}{parameters}): {returns}");
    functions.add(&signature, run);
}

fn object<'a>(call: &Call<'a>) -> PhpResult<&'a Object> {
    let given = call.arg(0).and_then(Zval::object);
    given.ok_or_else(|| argument_value_error(1, "must be a Swoole\\Coroutine\\Socket"))
}

/// Calls a method of the socket with some of the arguments.
fn method(call: &mut Call<'_>, name: &str, arguments: std::ops::Range<usize>) -> PhpResult<Zval> {
    let mut given: Vec<Zval> = arguments.map_while(|n| call.arg(n).cloned()).collect();
    object(call)?.call_method(name, &mut given)
}

fn listen(call: &mut Call<'_>) -> PhpResult<Zval> {
    let arguments = if call.int_or(1, 0)? > 0 { 1..2 } else { 1..1 };
    method(call, "listen", arguments)
}

/// The value, or `false` with the error code set on the socket.
fn ok_or_show_error<T: IntoZval>(object: &Object, result: Result<T, ErrorCode>) -> Zval {
    match result {
        Ok(value) => {
            socket::show_error(object, 0);
            value.into_zval()
        }
        Err(code) => {
            last_error::set(code);
            socket::show_error(object, code);
            false.into_zval()
        }
    }
}

/// Performs a socket operation; waits for readiness unless `now` or the socket is non-blocking.
fn step<T>(
    object: &Object,
    direction: Direction,
    now: bool,
    mut step: impl FnMut(&CoroutineSocket) -> io::Result<T>,
) -> PhpResult<Result<T, ErrorCode>> {
    let Some(link) = socket::link_of(object) else { return Ok(Err(libc::EBADF)) };
    if now || object.get(SOCKET_NONBLOCK).to_bool() {
        // TLS shakes hands with the first call that may wait.
        return Ok(step(&link).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO)));
    }
    let (read, write) = socket::limits_of(object);
    let limit = if direction == Direction::Read { read } else { write };
    if let Err(code) = link.ensure_handshake(limit)? {
        return Ok(Err(code));
    }
    link.retry(direction, limit, || step(&link))
}

fn length(call: &Call<'_>, n: usize) -> PhpResult<usize> {
    let length = usize::try_from(call.int(n)?).ok().filter(|&length| length > 0);
    length.ok_or_else(|| argument_value_error(n as u32 + 1, "must be greater than 0"))
}

fn read(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (object, most) = (object(call)?.clone(), length(call, 1)?);
    if call.int_or(2, BINARY_READ)? == NORMAL_READ {
        return method(call, "recvLine", 1..2);
    }
    let read = step(&object, Direction::Read, false, |link| link.recv_now(most))?;
    Ok(ok_or_show_error(&object, read))
}

fn recv(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (object, most, flags) = (object(call)?.clone(), length(call, 2)?, call.int(3)? as i32);
    let now = flags & libc::MSG_DONTWAIT != 0;
    let mut all = Vec::new();
    let read = loop {
        let missing = most - all.len();
        let read = step(&object, Direction::Read, now, |link| match flags & libc::MSG_PEEK {
            0 => link.recv_now(missing),
            _ => link.peek_now(missing),
        })?;
        let part = match read {
            Ok(part) => part,
            Err(_) if !all.is_empty() => break Ok(all.len()),
            Err(code) => break Err(code),
        };
        all.extend_from_slice(part.as_bytes());
        let more = flags & libc::MSG_WAITALL != 0 && !part.as_bytes().is_empty() && all.len() < most;
        if !more {
            break Ok(all.len());
        }
    };
    if all.is_empty() {
        call.assign(1, Zval::null());
    } else {
        call.assign(1, all);
    }
    Ok(ok_or_show_error(&object, read))
}

fn recv_from(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (object, most, flags) = (object(call)?.clone(), length(call, 2)?, call.int(3)? as i32);
    let now = flags & libc::MSG_DONTWAIT != 0;
    let read: Result<(ZStr, SockAddr), ErrorCode> =
        step(&object, Direction::Read, now, |link| link.recv_from_now(most))?;
    if let Ok((bytes, from)) = &read {
        call.assign(1, bytes.clone());
        assign_address(call, 4, from);
    }
    Ok(ok_or_show_error(&object, read.map(|(bytes, _)| bytes.as_bytes().len())))
}

/// `send` and `write`: what there is room for.
fn send(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (object, bytes) = (object(call)?.clone(), call.string(1)?.clone());
    let flags = call.int_or(3, 0)? as i32;
    let wanted = usize::try_from(call.int_or(2, 0)?).unwrap_or(0);
    // `write` without a length, and `send` of nothing.
    let length = if wanted == 0 && call.count() < 4 { usize::MAX } else { wanted };
    let bytes = &bytes.as_bytes()[..length.min(bytes.as_bytes().len())];
    let now = flags & libc::MSG_DONTWAIT != 0;
    let Some(link) = socket::link_of(&object) else { return Ok(ok_or_show_error::<bool>(&object, Err(libc::EBADF))) };
    let at_once = (now || object.get(SOCKET_NONBLOCK).to_bool()) && !link.is_tls();
    let sent = match at_once {
        true => swoosh::sys::socket::send(link.fd(), bytes).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO)),
        // TLS has no half records: it waits for room.
        false => link.send(bytes, socket::limits_of(&object).1)?,
    };
    Ok(ok_or_show_error(&object, sent))
}

fn send_to(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (object, bytes) = (object(call)?.clone(), call.string(1)?.clone());
    let length = usize::try_from(call.int(2)?).unwrap_or(0).min(bytes.as_bytes().len());
    let (host, port) = (call.bytes(4)?.to_vec(), call.int_or(5, 0)?);
    let (_, limit) = socket::limits_of(&object);
    let to = match socket::address_of(socket::domain_of(&object), &host, port, limit)? {
        Ok(to) => to,
        Err(code) => return Ok(ok_or_show_error::<bool>(&object, Err(code))),
    };
    let now = call.int(3)? as i32 & libc::MSG_DONTWAIT != 0;
    let bytes = &bytes.as_bytes()[..length];
    let sent = step(&object, Direction::Write, now, |link| link.socket().send_to(bytes, &to))?;
    Ok(ok_or_show_error(&object, sent))
}

fn set_blocking(call: &mut Call<'_>, blocks: bool) -> PhpResult<Zval> {
    object(call)?.set(SOCKET_NONBLOCK, !blocks);
    Ok(true.into_zval())
}

fn name(call: &mut Call<'_>, ask: fn(&Socket) -> io::Result<SockAddr>) -> PhpResult<Zval> {
    let object = object(call)?.clone();
    let found = socket::link_of(&object)
        .ok_or(libc::EBADF)
        .and_then(|link| ask(link.socket()).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO)));
    if let Ok(address) = &found {
        assign_address(call, 1, address);
    }
    Ok(ok_or_show_error(&object, found.map(|_| true)))
}

/// Assigns an address to by-reference argument `n`, and its port to the next one if passed.
fn assign_address(call: &Call<'_>, n: usize, address: &SockAddr) {
    let parts = socket::describe(address);
    for (at, part) in [(n, "address"), (n + 1, "port")] {
        if let Some(value) = parts.get(part).filter(|_| call.count() > at) {
            call.assign(at, value.clone());
        }
    }
}

/// A socket object, or `false` with the code of what failed.
fn made(made: io::Result<(Socket, i32, i32)>) -> PhpResult<OrFalse<Object>> {
    match made {
        Ok((socket, domain, kind)) => {
            Ok(OrFalse(Some(socket::object(Rc::new(CoroutineSocket::from_socket(socket)), domain, kind)?)))
        }
        Err(e) => {
            last_error::set(e.raw_os_error().unwrap_or(libc::EINVAL));
            Ok(OrFalse(None))
        }
    }
}

fn protocol(number: i64) -> Option<Protocol> {
    i32::try_from(number).ok().filter(|&number| number != 0).map(Protocol::from)
}

fn create(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let (domain, kind, protocol) = (call.int(0)? as i32, call.int(1)? as i32, protocol(call.int(2)?));
    let socket = Socket::new(Domain::from(domain), Type::from(kind).nonblocking(), protocol);
    made(socket.map(|socket| (socket, domain, kind)))
}

/// A TCP socket that listens on every IPv4 address.
fn create_listen(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Ok(port) = u16::try_from(call.int(0)?) else { return made(Err(io::Error::from_raw_os_error(libc::EINVAL))) };
    let backlog = i32::try_from(call.int_or(1, 128)?).unwrap_or(128);
    let listen = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM.nonblocking(), None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&std::net::SocketAddr::from(([0, 0, 0, 0], port)).into())?;
        socket.listen(backlog)?;
        Ok((socket, libc::AF_INET, libc::SOCK_STREAM))
    };
    made(listen())
}

fn create_pair(call: &mut Call<'_>) -> PhpResult<bool> {
    let (domain, kind, protocol) = (call.int(0)? as i32, call.int(1)? as i32, protocol(call.int(2)?));
    match Socket::pair(Domain::from(domain), Type::from(kind).nonblocking(), protocol) {
        Ok((one, other)) => {
            let mut pair = Array::new();
            for socket in [one, other] {
                pair.push(socket::object(Rc::new(CoroutineSocket::from_socket(socket)), domain, kind)?);
            }
            call.assign(3, pair);
            Ok(true)
        }
        Err(e) => {
            last_error::set(e.raw_os_error().unwrap_or(libc::EINVAL));
            Ok(false)
        }
    }
}

fn last_error_of(call: &mut Call<'_>) -> PhpResult<i64> {
    Ok(match call.arg(0).and_then(Zval::object) {
        Some(object) => object.get("errCode").to_int(),
        None => last_error::get().into(),
    })
}

fn clear_error(call: &mut Call<'_>) -> PhpResult<()> {
    match call.arg(0).and_then(Zval::object) {
        Some(object) => socket::show_error(object, 0),
        None => last_error::set(0),
    }
    Ok(())
}

/// PHP_BINARY_READ and PHP_NORMAL_READ.
const BINARY_READ: i64 = 2;
const NORMAL_READ: i64 = 1;
