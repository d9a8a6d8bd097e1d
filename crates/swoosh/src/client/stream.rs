//! The client: its socket, what it has received, and its addresses.

use super::config::ClientConfig;
use super::connect;
use super::deadline::Deadline;
use super::error::ClientError;
use super::tls::Tls;
use crate::proto::framing::Framer;
use crate::tls::ClientTls;
use socket2::{SockAddr, Socket};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use swoosh_os::process;
use swoosh_os::socket;

/// How [`Client::recv`](Client::recv) reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recv {
    /// Waits until bytes have arrived, and returns at most that many.
    Some,
    /// Like [`Some`](Self::Some), without consuming them.
    Peek,
    /// Waits until exactly that many have arrived, or the stream has ended. After a timeout, what has arrived is left for the
    /// next call.
    All,
    /// Does not wait.
    Now,
}

/// A client with its socket. It is closed when the value is dropped.
pub struct Client {
    pub(super) socket: Socket,
    pub(super) tls: Option<Tls>,
    /// Received bytes that were not returned yet.
    pub(super) buffer: Vec<u8>,
    pub(super) framer: Framer,
    pub(super) config: ClientConfig,
    /// The address that datagrams are sent to.
    pub(super) peer: Option<SockAddr>,
    /// The sender of the last datagram.
    pub(super) last_sender: Option<SockAddr>,
    /// The process that made it; a forked child must not send a close_notify on its parent's connection.
    process: i32,
}

impl Client {
    fn with(config: &ClientConfig, socket: Socket) -> Self {
        Client {
            socket,
            tls: None,
            buffer: Vec::new(),
            framer: Framer::new(),
            config: config.clone(),
            peer: None,
            last_sender: None,
            process: process::pid(),
        }
    }

    /// Connects a stream: through the proxy, and with TLS, if the settings say so. For datagrams it opens a socket and notes
    /// the address, but does not connect: datagrams of any sender are received.
    ///
    /// # Errors
    /// If the host has no address, the connection is refused or not established in time, or a handshake fails.
    pub fn connect(config: &ClientConfig, host: &str, port: u16) -> Result<Self, ClientError> {
        Self::connect_or_socket(config, host, port).map_err(|(error, _)| error)
    }

    /// Like [`connect`](Self::connect); a failure returns the socket too, if there is one.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_or_socket(
        config: &ClientConfig,
        host: &str,
        port: u16,
    ) -> Result<Self, (ClientError, Option<Socket>)> {
        if config.kind.is_datagram() {
            let mut client = Self::unconnected(config).map_err(|e| (e, None))?;
            match connect::addresses(config.kind, host, port) {
                Ok(addresses) => client.peer = addresses.into_iter().next(),
                Err(e) => return Err((e, client.socket.try_clone().ok())),
            }
            return Ok(client);
        }
        let mut client = Self::with(config, connect::connect(config, host, port)?);
        if let Some(tls) = &config.tls
            && let Err(e) = client.start_tls(tls)
        {
            return Err((e, client.socket.try_clone().ok()));
        }
        // Programs that use the socket itself expect one that blocks.
        let _ = client.socket.set_nonblocking(false);
        Ok(client)
    }

    /// A datagram client without a peer, for [`send_to`](Self::send_to).
    ///
    /// # Errors
    /// If the socket cannot be opened or bound.
    pub fn unconnected(config: &ClientConfig) -> Result<Self, ClientError> {
        let client = Self::with(config, connect::open(config)?);
        let _ = client.socket.set_nonblocking(false);
        Ok(client)
    }

    /// Begins to connect a stream, without proxy and TLS, and does not wait. The socket becomes writable when the attempt
    /// has ended; [`finish_connect`](Self::finish_connect) has its result.
    ///
    /// # Errors
    /// If the host has no address, or the attempt fails at once.
    pub fn begin_connect(config: &ClientConfig, host: &str, port: u16) -> Result<Self, ClientError> {
        let addresses = connect::addresses(config.kind, host, port)?;
        let client = Self::with(config, connect::open(config)?);
        match client.socket.connect(&addresses[0]) {
            Ok(()) => Ok(client),
            Err(e) if e.raw_os_error() == Some(libc::EINPROGRESS) => Ok(client),
            Err(e) => Err(ClientError::system("connect", e)),
        }
    }

    /// The result of [`begin_connect`](Self::begin_connect), once the socket is writable.
    ///
    /// # Errors
    /// Why the attempt failed.
    pub fn finish_connect(&self) -> Result<(), ClientError> {
        match self.socket.take_error() {
            Ok(None) => {
                let _ = self.socket.set_nonblocking(false);
                self.socket.peer_addr().map(drop).map_err(|e| ClientError::system("connect", e))
            }
            Ok(Some(e)) | Err(e) => Err(ClientError::system("connect", e)),
        }
    }

    /// Restricts a datagram client to its peer (connect(2)): other senders are ignored, and errors of the peer reported.
    ///
    /// # Errors
    /// If there is no peer or the kernel refuses it.
    pub fn bind_to_peer(&self) -> Result<(), ClientError> {
        let peer = self.peer.as_ref().ok_or(ClientError::Unsupported("a datagram client without a peer"))?;
        self.socket.connect(peer).map_err(|e| ClientError::system("connect", e))
    }

    /// Performs the TLS handshake on a plain stream, within the time limit for connecting.
    ///
    /// # Errors
    /// If the settings are not valid or the handshake fails.
    pub fn start_tls(&mut self, settings: &ClientTls) -> Result<(), ClientError> {
        let deadline = Deadline::new("connect", self.config.connect_timeout);
        self.tls = Some(Tls::handshake(self.fd(), settings, &deadline)?);
        Ok(())
    }

    /// Whether it uses TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// The server's certificate in DER form; `None` without TLS.
    pub fn peer_certificate(&self) -> Option<Vec<u8>> {
        self.tls.as_ref()?.certificate()
    }

    /// Verifies the server's certificate, also if the handshake did not.
    ///
    /// # Errors
    /// Why it is not valid; or there is no TLS.
    pub fn verify_peer(&self, allow_self_signed: bool) -> Result<(), ClientError> {
        match &self.tls {
            Some(tls) => tls.verify(allow_self_signed),
            None => Err(ClientError::Unsupported("the connection does not use TLS")),
        }
    }

    /// Its settings, whose time limits and framing apply to the next call.
    pub fn config_mut(&mut self) -> &mut ClientConfig {
        &mut self.config
    }

    /// Its socket.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Its descriptor.
    pub fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Its own address.
    ///
    /// # Errors
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> Result<SockAddr, ClientError> {
        self.socket.local_addr().map_err(|e| ClientError::system("get the local address", e))
    }

    /// The peer's address; for datagrams the sender of the last one, `None` if none has arrived.
    ///
    /// # Errors
    /// Those of getpeername(2).
    pub fn peer_addr(&self) -> Result<Option<SockAddr>, ClientError> {
        if self.config.kind.is_datagram() {
            return Ok(self.last_sender.clone());
        }
        self.socket.peer_addr().map(Some).map_err(|e| ClientError::system("get the peer's address", e))
    }

    /// Ends one or both directions.
    ///
    /// # Errors
    /// Those of shutdown(2).
    pub fn shutdown(&self, how: Shutdown) -> Result<(), ClientError> {
        self.socket.shutdown(how).map_err(|e| ClientError::system("shut down", e))
    }

    /// Whether received bytes are waiting in memory: the socket need not become readable for the next call.
    pub fn has_input(&self) -> bool {
        !self.buffer.is_empty() || self.tls.as_ref().is_some_and(Tls::has_input)
    }

    /// Whether the peer has neither closed nor reset the stream, as far as this side knows. Does not wait.
    pub fn is_alive(&self) -> bool {
        match socket::peek(self.fd(), &mut [0]) {
            Ok(0) => false,
            Ok(_) => true,
            Err(e) => e.kind() == std::io::ErrorKind::WouldBlock,
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let fd = self.fd();
        if self.process == process::pid()
            && let Some(tls) = &mut self.tls
        {
            tls.close(fd);
        }
    }
}
