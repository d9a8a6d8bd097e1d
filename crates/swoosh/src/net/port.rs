//! A port as it is served: its socket, its settings and its kind.

use super::SocketKind;
use super::listener::{BoundPort, new_socket};
use crate::config::{Framing, PortConfig};
use crate::error::{Error, Result};
use crate::static_files::Files;
use crate::tls::Acceptor;
use socket2::{SockRef, Socket, TcpKeepalive};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

/// A port while the server runs.
pub struct Port {
    index: usize,
    kind: SocketKind,
    number: u16,
    address: String,
    config: PortConfig,
    /// Listening for streams, bound for datagrams.
    socket: Socket,
    tls: Option<Arc<Acceptor>>,
    files: Option<Arc<Files>>,
    /// The socket was passed in by the starter of this program (`LISTEN_FDS`), which passes it to the next program too: it is
    /// never shut down.
    inherited: bool,
    siblings: Vec<Arc<Port>>,
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
    /// The port that serves a bound socket with its final settings.
    ///
    /// # Errors
    /// Where the address is shared without `enable_reuse_port`, the kernel rejects an option, or a file of TLS cannot be used.
    pub fn new(mut bound: BoundPort, index: usize, config: PortConfig) -> Result<Self> {
        let tls = config.acceptor()?;
        bound.prepare(&config)?;
        Ok(Port {
            index,
            kind: bound.kind(),
            number: bound.number(),
            address: bound.name(),
            tls,
            files: None,
            config,
            inherited: bound.is_inherited(),
            socket: bound.into_socket(),
            siblings: Vec::new(),
        })
    }

    /// Opens one more socket at this address for each worker but the first, where `enable_reuse_port` asks for it; the kernel
    /// distributes connections among them.
    ///
    /// # Errors
    /// Where a socket cannot be opened or bound.
    pub(crate) fn open_siblings(&mut self, workers: u32) -> Result<()> {
        if !self.config.reuse_port || self.inherited || !self.kind.is_stream() || self.kind.is_unix() {
            return Ok(());
        }
        for _ in 1..workers {
            self.siblings.push(Arc::new(self.sibling()?));
        }
        Ok(())
    }

    /// Another socket at this address (SO_REUSEPORT).
    fn sibling(&self) -> Result<Port> {
        let refused = |e| Error::system("share", &self.address, e);
        let socket = new_socket(self.kind, &self.address)?;
        socket.set_reuse_port(true).map_err(refused)?;
        socket.bind(&self.socket.local_addr().map_err(refused)?).map_err(refused)?;
        socket.set_nonblocking(true).map_err(refused)?;
        Ok(Port {
            index: self.index,
            kind: self.kind,
            number: self.number,
            address: self.address.clone(),
            config: self.config.clone(),
            tls: self.tls.clone(),
            files: None,
            socket,
            inherited: false,
            siblings: Vec::new(),
        })
    }

    /// Sets the static files that reactor threads send without a worker (process mode).
    pub(crate) fn serve_files(&mut self, files: Option<Arc<Files>>) {
        self.files = files;
    }

    /// Its index in the order of `listen`.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// Kind of its socket.
    #[inline]
    pub fn kind(&self) -> SocketKind {
        self.kind
    }

    /// The port number, 0 for a Unix socket.
    #[inline]
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Its address for display: `0.0.0.0:9501`, `/run/app.sock`.
    #[inline]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its settings.
    #[inline]
    pub fn config(&self) -> &PortConfig {
        &self.config
    }

    /// Its socket: listening for streams, bound for datagrams.
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// TLS configuration; `None` on a port without TLS.
    #[inline]
    pub fn tls(&self) -> Option<&Arc<Acceptor>> {
        self.tls.as_ref()
    }

    /// Static files that reactor threads send without a worker (process mode).
    #[inline]
    pub fn files(&self) -> Option<&Arc<Files>> {
        self.files.as_ref()
    }

    /// The socket at its address that a worker of base mode accepts from: its own where each worker has one.
    pub(crate) fn of_worker(self: &Arc<Self>, worker: u32) -> &Arc<Port> {
        (worker as usize).checked_sub(1).and_then(|n| self.siblings.get(n)).unwrap_or(self)
    }

    /// Removes the path of a Unix socket, unless the socket is inherited.
    pub(crate) fn remove_path(&self) {
        if self.kind.is_unix() && !self.inherited {
            let _ = std::fs::remove_file(&self.address);
        }
    }

    /// Shuts down its sockets, siblings included, unless they are inherited.
    pub(crate) fn shut_down(self: &Arc<Self>) {
        if !self.inherited {
            for port in with_siblings(self) {
                let _ = SockRef::from(&port.socket).shutdown(Shutdown::Both);
            }
        }
    }

    /// The listening socket; `None` on a port of datagrams.
    pub fn stream_socket(&self) -> Option<&Socket> {
        self.kind.is_stream().then_some(&self.socket)
    }

    /// Whether it is bound to every address of the machine, so that connections differ in their local address.
    pub fn has_wildcard_address(&self) -> bool {
        !self.kind.is_unix() && (self.address.starts_with("0.0.0.0:") || self.address.starts_with("[::]:"))
    }

    /// Starts listening, on the siblings too; does nothing for datagrams.
    pub(crate) fn listen(self: &Arc<Self>) -> Result<()> {
        if self.kind.is_stream() {
            for port in with_siblings(self) {
                port.socket.listen(self.config.backlog).map_err(|e| Error::system("listen", &self.address, e))?;
            }
        }
        Ok(())
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
}

/// Shuts down every listening socket, so that no process accepts a new connection. A socket that was inherited from the
/// starter of this program stays open: the next program uses it.
pub fn stop_listening(ports: &[Arc<Port>]) {
    ports.iter().filter(|port| port.kind.is_stream()).for_each(Port::shut_down);
}

/// A port and the further sockets at its address (`enable_reuse_port`).
fn with_siblings(port: &Arc<Port>) -> impl Iterator<Item = &Arc<Port>> {
    std::iter::once(port).chain(&port.siblings)
}
