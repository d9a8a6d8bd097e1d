//! A port as it is served: its socket, its settings and its kind.

use crate::config::{Framing, PortConfig};
use crate::error::{Error, Result};
use crate::static_files::Files;
use crate::tls::Acceptor;
use socket2::{SockRef, Socket, TcpKeepalive};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// The kind of a port's socket. The numbers are those of `SWOOLE_SOCK_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SocketKind {
    Tcp = 1,
    Udp = 2,
    Tcp6 = 3,
    Udp6 = 4,
    UnixStream = 5,
    UnixDatagram = 6,
}

impl SocketKind {
    /// The kind with this `SWOOLE_SOCK_*` number.
    pub fn from_number(n: i64) -> Option<Self> {
        use SocketKind::{Tcp, Tcp6, Udp, Udp6, UnixDatagram, UnixStream};
        [Tcp, Udp, Tcp6, Udp6, UnixStream, UnixDatagram].into_iter().find(|k| *k as i64 == n)
    }

    /// Whether it has connections.
    pub fn is_stream(self) -> bool {
        matches!(self, SocketKind::Tcp | SocketKind::Tcp6 | SocketKind::UnixStream)
    }

    /// Whether its addresses are paths.
    pub fn is_unix(self) -> bool {
        matches!(self, SocketKind::UnixStream | SocketKind::UnixDatagram)
    }
}

/// A port while the server runs.
pub struct Port {
    /// Its index in the order of `listen`.
    pub index: usize,
    /// Kind of its socket.
    pub kind: SocketKind,
    /// The port number, 0 for a Unix socket.
    pub number: u16,
    /// Its address for display: `0.0.0.0:9501`, `/run/app.sock`.
    pub address: String,
    /// Its settings.
    pub config: PortConfig,
    /// Its socket: listening for streams, bound for datagrams.
    pub socket: Socket,
    /// TLS configuration; `None` on a port without TLS.
    pub tls: Option<Arc<Acceptor>>,
    /// Static files that reactor threads send without a worker (process mode).
    pub files: Option<Arc<Files>>,
    /// The socket was passed in by the starter of this program (`LISTEN_FDS`), which passes it to the next program too: it is
    /// never shut down.
    pub inherited: bool,
    /// Base mode with `enable_reuse_port`: one more socket at this address for each worker but the first; the kernel
    /// distributes connections among them.
    pub siblings: Vec<Arc<Port>>,
}

impl AsFd for Port {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Port {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl Port {
    /// The listening socket; `None` on a port of datagrams.
    pub fn stream_socket(&self) -> Option<&Socket> {
        self.kind.is_stream().then_some(&self.socket)
    }

    /// Whether it is bound to every address of the machine, so that connections differ in their local address.
    pub fn has_wildcard_address(&self) -> bool {
        !self.kind.is_unix() && (self.address.starts_with("0.0.0.0:") || self.address.starts_with("[::]:"))
    }

    /// Starts listening; does nothing for datagrams.
    pub fn listen(&self) -> Result<()> {
        if !self.kind.is_stream() {
            return Ok(());
        }
        self.socket.listen(self.config.backlog).map_err(|e| Error::system("listen", &self.address, e))
    }

    /// Applies the port's socket options to an accepted socket. An option that the kernel rejects is skipped.
    pub fn tune(&self, socket: &Socket) {
        let _ = socket.set_nonblocking(true);
        let config = &self.config;
        let socket = SockRef::from(socket);
        if config.recv_buffer > 0 {
            let _ = socket.set_recv_buffer_size(config.recv_buffer as usize);
        }
        if config.send_buffer > 0 {
            let _ = socket.set_send_buffer_size(config.send_buffer as usize);
        }
        if self.kind == SocketKind::UnixStream {
            return;
        }
        if config.tcp_nodelay {
            let _ = socket.set_tcp_nodelay(true);
        }
        if config.tcp_keepalive {
            let seconds = |n: u32| Duration::from_secs(u64::from(n));
            let mut keepalive = TcpKeepalive::new();
            if config.tcp_keepidle > 0 {
                keepalive = keepalive.with_time(seconds(config.tcp_keepidle));
            }
            if config.tcp_keepinterval > 0 {
                keepalive = keepalive.with_interval(seconds(config.tcp_keepinterval));
            }
            if config.tcp_keepcount > 0 {
                keepalive = keepalive.with_retries(config.tcp_keepcount);
            }
            let _ = socket.set_tcp_keepalive(&keepalive);
        }
        if config.tcp_user_timeout > 0 {
            let _ = socket.set_tcp_user_timeout(Some(Duration::from_millis(u64::from(config.tcp_user_timeout))));
        }
    }
}

impl PortConfig {
    /// Bytes of queued output above which `bufferFull` is raised.
    pub fn high_watermark(&self) -> u64 {
        match self.high_watermark {
            0 => self.socket_buffer_size / 5 * 4,
            n => n,
        }
    }

    /// TLS configuration of the port, `None` without TLS. An HTTP port offers its versions of
    /// HTTP by ALPN unless the settings name protocols.
    pub(crate) fn acceptor(&self) -> Result<Option<Arc<Acceptor>>> {
        let Some(mut tls) = self.tls.clone() else { return Ok(None) };
        if tls.alpn.is_empty() && matches!(self.framing, Framing::Http) {
            let http2 = self.http2.map(|_| b"h2".to_vec());
            tls.alpn = http2.into_iter().chain([b"http/1.1".to_vec(), b"http/1.0".to_vec()]).collect();
        }
        Acceptor::new(&tls).map(|acceptor| Some(Arc::new(acceptor)))
    }

    /// Whether the byte stream is split into packets.
    pub fn has_framing(&self) -> bool {
        !matches!(self.framing, Framing::None)
    }
}

/// Shuts down every listening socket, so that no process accepts a new connection. A socket that was inherited from the
/// starter of this program stays open: the next program uses it.
pub fn stop_listening(ports: &[Arc<Port>]) {
    for port in ports.iter().filter(|p| p.kind.is_stream() && !p.inherited).flat_map(with_siblings) {
        let _ = SockRef::from(&port.socket).shutdown(std::net::Shutdown::Both);
    }
}

/// A port and the further sockets at its address (`enable_reuse_port`).
pub(crate) fn with_siblings(port: &Arc<Port>) -> impl Iterator<Item = &Arc<Port>> {
    std::iter::once(port).chain(&port.siblings)
}
