//! Ports before the server starts: bound, so that an address in use is reported at once; not listening yet.

use super::SocketKind;
use crate::config::PortConfig;
use crate::error::{Code, Error, Result};
use crate::sys::listen_fds;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::Mutex;

/// A bound socket.
#[derive(Debug)]
pub struct BoundPort {
    kind: SocketKind,
    host: String,
    number: u16,
    socket: Socket,
    /// The address is in use by another socket that shares it (SO_REUSEPORT).
    shared: bool,
    tls: bool,
    inherited: bool,
    address: SockAddr,
}

impl BoundPort {
    /// Binds `host`:`port` (`host` a path for the Unix kinds, `port` unused then). An address that systemd holds open
    /// for this program (`LISTEN_FDS`) is taken from there.
    ///
    /// Fails where the address is in use, is not this machine's, or cannot be understood.
    pub fn bind(kind: SocketKind, host: &str, port: i64) -> Result<Self> {
        const ACT: &str = "bind";
        let subject = if kind.is_unix() { host.to_string() } else { format!("{host}:{port}") };
        let number = match u16::try_from(port) {
            _ if kind.is_unix() => 0,
            Ok(n) => n,
            Err(_) => return Err(Error::refused(ACT, subject, Code::ServerInvalidListenPort)),
        };
        let wanted = address_of(kind, host, number)?;
        if let Some(port) = inherited(kind, host, &wanted) {
            return Ok(port);
        }
        let socket = new_socket(kind, &subject)?;
        let mut shared = false;
        if let Err(cause) = socket.bind(&wanted) {
            let in_use = cause.raw_os_error() == Some(libc::EADDRINUSE);
            let again = match kind.is_unix() {
                true => in_use && remove_stale(Path::new(host), kind) && socket.bind(&wanted).is_ok(),
                false => {
                    shared = in_use && socket.set_reuse_port(true).is_ok() && socket.bind(&wanted).is_ok();
                    shared
                }
            };
            if !again {
                return Err(Error::system(ACT, subject, cause));
            }
        }
        Self::of_socket(kind, host, socket, shared)
    }

    fn of_socket(kind: SocketKind, host: &str, socket: Socket, shared: bool) -> Result<Self> {
        let address = socket.local_addr().map_err(|e| Error::system("read the address of", host, e))?;
        let number = address.as_socket().map_or(0, |a| a.port());
        Ok(BoundPort { kind, host: host.to_string(), number, socket, shared, tls: false, inherited: false, address })
    }

    /// Binds again with SO_REUSEPORT, for `enable_reuse_port`.
    fn share(&mut self) -> Result<()> {
        let name = self.name();
        let refused = |e| Error::system("share", &name, e);
        let socket = new_socket(self.kind, &name)?;
        // The address is free for a moment in between: SO_REUSEPORT has to be set before the first bind.
        self.socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(refused)?;
        socket.set_reuse_port(true).map_err(refused)?;
        socket.bind(&self.address).map_err(refused)?;
        self.socket = socket;
        Ok(())
    }

    /// Kind of the socket.
    pub fn kind(&self) -> SocketKind {
        self.kind
    }

    /// The host as it was given, or the path.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port number, the one that the kernel chose where 0 was given; 0 for a Unix socket.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Whether it uses TLS (`SWOOLE_SSL`).
    pub fn uses_tls(&self) -> bool {
        self.tls
    }

    /// Sets whether it uses TLS.
    pub fn set_tls(&mut self, tls: bool) {
        self.tls = tls;
    }

    /// Whether the socket was open when this program started (`LISTEN_FDS`).
    pub(super) fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// The address for display.
    pub fn name(&self) -> String {
        name_of(self.kind, &self.host, self.number)
    }

    /// The descriptor.
    pub fn fd(&self) -> i32 {
        self.socket.as_raw_fd()
    }

    /// Applies the settings that take effect before the socket listens.
    pub(super) fn prepare(&mut self, config: &PortConfig) -> Result<()> {
        let address = self.name();
        if self.kind.is_unix() || self.inherited {
            // A Unix path is not shared, and an inherited socket is used unchanged.
        } else if config.reuse_port && !self.shared {
            self.share()?;
        } else if self.shared && !config.reuse_port {
            let cause = std::io::Error::from_raw_os_error(libc::EADDRINUSE);
            return Err(Error::system("bind", format!("{address} (enable_reuse_port would share it)"), cause));
        }
        let refused = |e| Error::system("set up", &address, e);
        self.socket.set_nonblocking(true).map_err(refused)?;
        if config.tcp_defer_accept > 0 && matches!(self.kind, SocketKind::Tcp | SocketKind::Tcp6) {
            crate::sys::socket::defer_accept(self.socket.as_raw_fd(), config.tcp_defer_accept);
        }
        if config.tcp_fastopen && matches!(self.kind, SocketKind::Tcp | SocketKind::Tcp6) {
            crate::sys::socket::fast_open(self.socket.as_raw_fd());
        }
        if !self.kind.is_stream() && config.recv_buffer > 0 {
            self.socket.set_recv_buffer_size(config.recv_buffer as usize).map_err(refused)?;
        }
        if !self.kind.is_stream() && config.send_buffer > 0 {
            self.socket.set_send_buffer_size(config.send_buffer as usize).map_err(refused)?;
        }
        Ok(())
    }

    /// Its listening socket, without settings of a port.
    ///
    /// # Errors
    /// Where the kernel refuses to listen.
    pub(crate) fn listen(self, backlog: i32) -> Result<Socket> {
        let failed = |e| Error::system("listen on", self.name(), e);
        self.socket.set_nonblocking(true).map_err(failed)?;
        self.socket.listen(backlog).map_err(failed)?;
        Ok(self.socket)
    }

    /// Its socket, for the port that serves it.
    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }
}

fn name_of(kind: SocketKind, host: &str, number: u16) -> String {
    match kind {
        SocketKind::UnixStream | SocketKind::UnixDatagram => host.to_string(),
        SocketKind::Tcp6 | SocketKind::Udp6 => format!("[{host}]:{number}"),
        _ => format!("{host}:{number}"),
    }
}

/// A socket of this kind with the options that have to be set before it is bound.
pub(super) fn new_socket(kind: SocketKind, subject: &str) -> Result<Socket> {
    use SocketKind::{Tcp, Tcp6, Udp, Udp6, UnixDatagram, UnixStream};
    let (domain, of, protocol) = match kind {
        Tcp => (Domain::IPV4, Type::STREAM, Some(Protocol::TCP)),
        Tcp6 => (Domain::IPV6, Type::STREAM, Some(Protocol::TCP)),
        Udp => (Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)),
        Udp6 => (Domain::IPV6, Type::DGRAM, Some(Protocol::UDP)),
        UnixStream => (Domain::UNIX, Type::STREAM, None),
        UnixDatagram => (Domain::UNIX, Type::DGRAM, None),
    };
    let failed = |e| Error::system("open a socket for", subject, e);
    let socket = Socket::new(domain, of, protocol).map_err(failed)?;
    if !kind.is_unix() && kind.is_stream() {
        socket.set_reuse_address(true).map_err(failed)?;
    }
    if domain == Domain::IPV6 {
        // `::` and `0.0.0.0` may both be ports of one server.
        socket.set_only_v6(true).map_err(failed)?;
    }
    Ok(socket)
}

fn address_of(kind: SocketKind, host: &str, number: u16) -> Result<SockAddr> {
    if kind.is_unix() {
        if host.len() > LONGEST_PATH {
            return Err(Error::refused("bind", host, Code::NameTooLong));
        }
        return SockAddr::unix(host).map_err(|e| Error::system("bind", host, e));
    }
    let v6 = matches!(kind, SocketKind::Tcp6 | SocketKind::Udp6);
    let ip = resolve(host, v6).ok_or_else(|| Error::State {
        operation: "bind",
        reason: format!("{host}:{number}: {host:?} is not an IPv{} address or a name of one", if v6 { 6 } else { 4 }),
    })?;
    Ok(SockAddr::from(SocketAddr::new(ip, number)))
}

/// The first address of a host in the requested family.
pub fn resolve(host: &str, v6: bool) -> Option<IpAddr> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return (ip.is_ipv6() == v6).then_some(ip);
    }
    if host.is_empty() || host.contains(':') {
        return None;
    }
    (host, 0).to_socket_addrs().ok()?.map(|a| a.ip()).find(|ip| ip.is_ipv6() == v6)
}

/// Removes the path of a Unix socket without a listener; `false` where one is listening.
fn remove_stale(path: &Path, kind: SocketKind) -> bool {
    let Ok(address) = SockAddr::unix(path) else { return false };
    let of = if kind.is_stream() { Type::STREAM } else { Type::DGRAM };
    let Ok(probe) = Socket::new(Domain::UNIX, of, None) else { return false };
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|m| std::os::unix::fs::FileTypeExt::is_socket(&m.file_type()));
    is_socket && probe.connect(&address).is_err() && std::fs::remove_file(path).is_ok()
}

/// The socket that systemd passed in for this address, if any.
fn inherited(kind: SocketKind, host: &str, wanted: &SockAddr) -> Option<BoundPort> {
    static TAKEN: Mutex<Option<Vec<listen_fds::InheritedSocket>>> = Mutex::new(None);
    let mut taken = TAKEN.lock().ok()?;
    let all = taken.get_or_insert_with(|| match listen_fds::take() {
        Ok(all) => all,
        Err(e) => {
            crate::log::warn!("{e}");
            Vec::new()
        }
    });
    let same = |i: &listen_fds::InheritedSocket| {
        let socket = socket2::SockRef::from(&i.fd);
        let of = if kind.is_stream() { Type::STREAM } else { Type::DGRAM };
        i.address == *wanted && socket.r#type().is_ok_and(|t| t == of)
    };
    let at = all.iter().position(same)?;
    let socket = Socket::from(all.swap_remove(at).fd);
    BoundPort::of_socket(kind, host, socket, false).ok().map(|port| BoundPort { inherited: true, ..port })
}

/// sun_path of unix(7), with its terminating NUL.
const LONGEST_PATH: usize = 107;
