//! Opening a client's socket: addresses, the local address, the proxy.

use super::config::{ClientConfig, Kind, ProxyConfig};
use super::deadline::Deadline;
use super::error::ClientError;
use crate::proto::proxy::{Handshake, ProxyFault, Step};
use socket2::{SockAddr, Socket};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::path::Path;
use swoosh_os::poll::PollFlags;
use swoosh_os::socket;

/// The addresses of a host, at least one.
pub(super) fn addresses(kind: Kind, host: &str, port: u16) -> Result<Vec<SockAddr>, ClientError> {
    if kind.is_unix() {
        return match SockAddr::unix(Path::new(host)) {
            Ok(address) => Ok(vec![address]),
            Err(_) => Err(ClientError::PathTooLong(host.to_owned())),
        };
    }
    let wants_v6 = matches!(kind, Kind::Tcp6 | Kind::Udp6);
    let found: Vec<SockAddr> = (host, port)
        .to_socket_addrs()
        .map(|all| all.filter(|address| address.is_ipv6() == wants_v6).map(SockAddr::from).collect())
        .unwrap_or_default();
    if found.is_empty() { Err(ClientError::Resolve(host.to_owned())) } else { Ok(found) }
}

/// A new socket with its local address. Non-blocking.
pub(super) fn open(config: &ClientConfig) -> Result<Socket, ClientError> {
    let failed = |operation| move |e| ClientError::system(operation, e);
    let socket = Socket::new(config.kind.domain(), config.kind.socket_type().nonblocking(), None);
    let socket = socket.map_err(failed("open a socket"))?;
    if let Some(size) = config.buffer_size {
        socket.set_recv_buffer_size(size).and_then(|()| socket.set_send_buffer_size(size)).map_err(failed("set up"))?;
    }
    if config.nodelay && matches!(config.kind, Kind::Tcp | Kind::Tcp6) {
        socket.set_tcp_nodelay(true).map_err(failed("set up"))?;
    }
    if let Some((host, port)) = &config.local {
        let local = match (config.kind.is_unix(), host.parse::<IpAddr>()) {
            (true, _) => SockAddr::unix(Path::new(host)).map_err(|_| ClientError::PathTooLong(host.clone()))?,
            (false, Ok(ip)) => SocketAddr::new(ip, *port).into(),
            (false, Err(_)) => return Err(failed("bind")(io::Error::from_raw_os_error(libc::EINVAL))),
        };
        if !config.kind.is_unix() {
            let _ = socket.set_reuse_address(true);
        }
        socket.bind(&local).map_err(failed("bind"))?;
    }
    Ok(socket)
}

/// Connects to the first address that accepts.
pub(super) fn connect(config: &ClientConfig, host: &str, port: u16) -> Result<Socket, (ClientError, Option<Socket>)> {
    let deadline = Deadline::new("connect", config.connect_timeout);
    let proxy = config.proxy.as_ref().filter(|_| matches!(config.kind, Kind::Tcp | Kind::Tcp6));
    let (to, at) = proxy.map_or((host, port), |proxy| (&proxy.host, proxy.port));
    let bare = |e: ClientError| (e, None);
    let mut result = Err((ClientError::Resolve(host.to_owned()), None));
    let candidates = match addresses(config.kind, to, at) {
        Ok(candidates) => candidates,
        // The socket exists before its address is looked up, as in Swoole.
        Err(e) => return Err((e, open(config).ok())),
    };
    for address in candidates {
        let socket = open(config).map_err(bare)?;
        result = match connect_to(&socket, &address, &deadline) {
            Ok(()) => Ok(socket),
            Err(e) => Err((e, Some(socket))),
        };
        if result.is_ok() {
            break;
        }
    }
    let socket = result?;
    if let Some(proxy) = proxy
        && let Err(e) = open_tunnel(&socket, proxy, host, port, &deadline)
    {
        return Err((e, Some(socket)));
    }
    Ok(socket)
}

fn connect_to(socket: &Socket, address: &SockAddr, deadline: &Deadline) -> Result<(), ClientError> {
    match socket.connect(address) {
        Ok(()) => return Ok(()),
        Err(e) if matches!(e.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => {}
        // The listener's queue is full (unix(7)); TCP would be in progress.
        Err(e) => return Err(ClientError::system("connect", e)),
    }
    deadline.wait(socket.as_raw_fd(), PollFlags::POLLOUT)?;
    match socket.take_error() {
        Ok(None) => Ok(()),
        Ok(Some(e)) | Err(e) => Err(ClientError::system("connect", e)),
    }
}

fn open_tunnel(
    socket: &Socket,
    proxy: &ProxyConfig,
    host: &str,
    port: u16,
    deadline: &Deadline,
) -> Result<(), ClientError> {
    let fd = socket.as_raw_fd();
    let mut handshake = match proxy.is_socks5 {
        true => Handshake::socks5(host, port, proxy.credentials.as_ref())?,
        false => Handshake::http(host, port, proxy.credentials.as_ref(), &proxy.user_agent),
    };
    let mut received = Vec::new();
    loop {
        match handshake.next(&received)? {
            Step::Done => return Ok(()),
            Step::Send(message) => {
                received.clear();
                let mut rest = &message[..];
                while !rest.is_empty() {
                    let sent = deadline.retry(fd, PollFlags::POLLOUT, || socket::send(fd, rest))?;
                    rest = &rest[sent..];
                }
            }
            Step::Receive(count) => {
                received.resize(count, 0);
                let mut done = 0;
                while done < count {
                    match deadline.retry(fd, PollFlags::POLLIN, || socket::recv(fd, &mut received[done..]))? {
                        0 if proxy.is_socks5 => return Err(ProxyFault::Refused(0).into()),
                        0 => return Err(ProxyFault::Malformed.into()),
                        read => done += read,
                    }
                }
            }
        }
    }
}
