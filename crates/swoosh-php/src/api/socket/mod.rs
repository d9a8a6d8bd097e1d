//! `Swoole\Coroutine\Socket`: a socket on which coroutines wait.

mod connecting;
mod data;
mod multicast;
mod reading;
mod setup;
mod vector;
mod writing;

pub use connecting::{address_of, addresses_of, describe};
pub use data::{SOCKET_NONBLOCK, domain_of, limits_of, link_of, object, set_framing, show_error, words};
pub use setup::{framing, protocol};

use super::exception::{self, constructed};
use crate::coroutine::socket::{CoroutineSocket, Direction};
use crate::runtime::last_error;
use crate::runtime::watchers::{READ, WRITE};
use connecting::{accept, bind, check_liveness, connect, listen, name, ssl_handshake};
use data::*;
use reading::{
    peek, read_vector, read_vector_all, recv, recv_all, recv_from, recv_line, recv_packet, recv_with_buffer,
};
use setup::{get_option, set_option, set_protocol};
use socket2::Socket;
use std::rc::Rc;
use swoosh::sys::error_text;
use swoosh_zend::error::throw;
use swoosh_zend::{Call, ClassBuilder, Object, OrFalse, PhpResult, Value};
use writing::{send, send_all, send_file, send_to, write_vector};

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
        .method("getBoundCid(int $event): int", constructed::<Payload, _>(bound))
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
        .method("setProtocol(array $settings): bool", constructed::<Payload, _>(set_protocol))
        .method("setOption(int $level, int $opt_name, mixed $opt_value): bool", set_option)
        .method("sslHandshake(): bool", ssl_handshake)
        .method("shutdown(int $how = 2): bool", shutdown)
        .method("cancel(int $event = SWOOLE_EVENT_READ): bool", cancel)
        .method("close(): bool", close)
        .method("getpeername(): array|false", |call: &mut Call<'_>| name(call, Socket::peer_addr))
        .method("getsockname(): array|false", |call: &mut Call<'_>| name(call, Socket::local_addr))
        .method(
            "isClosed(): bool",
            constructed::<Payload, _>(|call: &mut Call<'_>| Ok(call.payload::<Payload>().link.borrow().is_none())),
        )
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
            Err(throw(EXCEPTION.get(), &format!("make a socket: {}", error_text(code)), code.into()))
        }
    }
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
    let done = io_or_fail(call, link.socket().shutdown(how)).0.is_some();
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

/// Imports a PHP stream or socket; the new socket has its own descriptor.
pub fn import(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(fd) = call.arg(0).and_then(crate::api::event::descriptor_of) else {
        last_error::warn_misuse("the argument is not a stream or socket");
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
