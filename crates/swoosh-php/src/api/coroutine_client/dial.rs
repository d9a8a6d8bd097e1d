//! Opening a connection: timeouts, the local address, the candidates of a name, an optional proxy.

use super::proxy::{Proxy, open_tunnel};
use crate::api::socket::{address_of, addresses_of};
use crate::coroutine::socket::{CoroutineSocket, Deadline, ErrorCode, should_try_next_address};
use crate::coroutine::{Options, options, wait};
use socket2::SockAddr;
use std::io;
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::{Array, PhpResult, Zval};

/// Default timeouts of calls; `None`: unlimited.
#[derive(Clone, Copy)]
pub struct Times {
    /// Of connecting, TLS handshake excluded.
    pub connect: Option<Duration>,
    /// Of a read.
    pub read: Option<Duration>,
    /// Of a write.
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

/// `bind_address` and `bind_port` of a client's settings.
pub(super) fn bind_setting(all: &Array) -> Option<(Vec<u8>, i64)> {
    let address = all.get("bind_address").and_then(Zval::bytes)?;
    Some((address.to_vec(), all.get("bind_port").map_or(0, Zval::to_int)))
}

/// The address that settings bind a client's sockets to.
pub fn local_address(family: i32, settings: &Array) -> PhpResult<Result<Option<SockAddr>, ErrorCode>> {
    resolve_local(family, bind_setting(settings))
}

pub(super) fn resolve_local(
    family: i32,
    bind: Option<(Vec<u8>, i64)>,
) -> PhpResult<Result<Option<SockAddr>, ErrorCode>> {
    match bind {
        Some((address, port)) => Ok(address_of(family, &address, port, None)?.map(Some)),
        None => Ok(Ok(None)),
    }
}

/// Connects a socket of that family and kind, bound to `local`, through a proxy where there is one. `limit` bounds the whole
/// call, the exchange with the proxy included; where a name has several addresses, each is tried for that long. `opened` gets
/// the descriptor of each socket before it connects.
pub fn dial(
    (family, kind): (i32, i32),
    local: Option<SockAddr>,
    proxy: Option<Proxy>,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
    opened: impl Fn(i32),
) -> PhpResult<Result<Rc<CoroutineSocket>, ErrorCode>> {
    if family != libc::AF_UNIX && !(1..=65535).contains(&port) {
        return Ok(Err(libc::EINVAL));
    }
    let proxy = proxy.filter(|_| kind == libc::SOCK_STREAM && family != libc::AF_UNIX);
    let (to, at) = proxy.as_ref().map_or((host, port), |proxy| (&proxy.host[..], proxy.port));
    let mut deadline = Deadline::new(limit);
    let addresses = match addresses_of(family, to, at, limit)? {
        Ok(addresses) => addresses,
        Err(code) => return Ok(Err(code)),
    };
    let mut connected = Err(libc::EHOSTUNREACH);
    for address in &addresses {
        if addresses.len() > 1 {
            deadline = Deadline::new(limit);
        }
        let left = match deadline.remaining() {
            Ok(left) => left,
            Err(code) => return Ok(Err(code)),
        };
        connected = connect_to((family, kind), local.as_ref(), address, left, &opened)?;
        if !should_try_next_address(&connected) {
            break;
        }
    }
    let link = match connected {
        Ok(link) => Rc::new(link),
        Err(code) => return Ok(Err(code)),
    };
    if let Some(proxy) = proxy {
        let shaken = open_tunnel(&link, &proxy, host, port, &deadline)?;
        if let Err(code) = shaken {
            return Ok(Err(code));
        }
    }
    Ok(Ok(link))
}

/// A socket for datagrams, with a name to receive answers, and the address of a host; the two are not connected.
pub(crate) fn open_datagrams(
    (family, kind): (i32, i32),
    local: Option<SockAddr>,
    host: &[u8],
    port: i64,
    limit: Option<Duration>,
    opened: impl Fn(i32),
) -> PhpResult<Result<(Rc<CoroutineSocket>, SockAddr), ErrorCode>> {
    let peer = match address_of(family, host, port, limit)? {
        Ok(peer) => peer,
        Err(code) => return Ok(Err(code)),
    };
    let link = match bound_link((family, kind), local.as_ref()) {
        Ok(link) => link,
        Err(e) => return Ok(Err(system(&e))),
    };
    opened(link.fd());
    if family == libc::AF_UNIX && local.is_none() {
        let _ = SockAddr::unix("").and_then(|nameless| link.socket().bind(&nameless));
    }
    Ok(Ok((Rc::new(link), peer)))
}

/// A new socket that is connected to an address.
pub(super) fn connect_to(
    (family, kind): (i32, i32),
    local: Option<&SockAddr>,
    address: &SockAddr,
    limit: Option<Duration>,
    opened: impl Fn(i32),
) -> PhpResult<Result<CoroutineSocket, ErrorCode>> {
    let link = match bound_link((family, kind), local) {
        Ok(link) => link,
        Err(e) => return Ok(Err(system(&e))),
    };
    opened(link.fd());
    if local.is_some() {
        return Ok(link.connect(address, limit)?.map(|()| link));
    }
    if (family, kind) == (libc::AF_UNIX, libc::SOCK_DGRAM) {
        // An unnamed datagram socket cannot receive replies.
        let _ = SockAddr::unix("").and_then(|nameless| link.socket().bind(&nameless));
    }
    Ok(link.connect(address, limit)?.map(|()| link))
}

pub(super) fn bound_link((family, kind): (i32, i32), local: Option<&SockAddr>) -> io::Result<CoroutineSocket> {
    let link = CoroutineSocket::new(family, kind, 0)?;
    if let Some(local) = local {
        link.socket().set_reuse_address(true)?;
        link.socket().bind(local)?;
    }
    Ok(link)
}

pub(super) fn system(e: &io::Error) -> ErrorCode {
    e.raw_os_error().unwrap_or(libc::EIO)
}
