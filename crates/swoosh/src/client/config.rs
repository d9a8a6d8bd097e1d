//! The settings of a client.

use crate::proto::framing::Framing;
use crate::proto::proxy::Credentials;
use crate::tls::ClientTls;
use socket2::{Domain, Type};
use std::time::Duration;

/// The kind of a client's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// TCP over IPv4.
    Tcp,
    /// UDP over IPv4.
    Udp,
    /// TCP over IPv6.
    Tcp6,
    /// UDP over IPv6.
    Udp6,
    /// A Unix stream socket; the host is its path.
    UnixStream,
    /// A Unix datagram socket; the host is its path.
    UnixDatagram,
}

impl Kind {
    /// Whether it transfers datagrams.
    pub fn is_datagram(self) -> bool {
        matches!(self, Kind::Udp | Kind::Udp6 | Kind::UnixDatagram)
    }

    /// Whether its addresses are paths.
    pub fn is_unix(self) -> bool {
        matches!(self, Kind::UnixStream | Kind::UnixDatagram)
    }

    pub(super) fn domain(self) -> Domain {
        match self {
            Kind::Tcp | Kind::Udp => Domain::IPV4,
            Kind::Tcp6 | Kind::Udp6 => Domain::IPV6,
            Kind::UnixStream | Kind::UnixDatagram => Domain::UNIX,
        }
    }

    pub(super) fn socket_type(self) -> Type {
        if self.is_datagram() { Type::DGRAM } else { Type::STREAM }
    }
}

/// The settings of a client. All time limits are per call; `None`: no limit.
#[derive(Clone)]
pub struct ClientConfig {
    /// The kind of socket.
    pub kind: Kind,
    /// For connecting, including the handshakes of proxy and TLS.
    pub connect_timeout: Option<Duration>,
    /// For receiving.
    pub read_timeout: Option<Duration>,
    /// For sending.
    pub write_timeout: Option<Duration>,
    /// The local address (an IP address or a path) and port, 0 for any.
    pub local: Option<(String, u16)>,
    /// TCP: connect through this proxy.
    pub proxy: Option<ProxyConfig>,
    /// How [`Client::recv_packet`](super::Client::recv_packet) finds packets.
    pub framing: Framing,
    /// The longest packet, bytes.
    pub max_packet: u64,
    /// Streams: begin with TLS.
    pub tls: Option<ClientTls>,
    /// TCP: send small pieces at once (`TCP_NODELAY` of tcp(7)).
    pub nodelay: bool,
    /// The sizes of the kernel's buffers, bytes; `None`: the kernel's default.
    pub buffer_size: Option<usize>,
}

impl ClientConfig {
    /// Defaults: half a second for connecting, no other time limits, no framing, packets of at most 2 MiB.
    pub fn new(kind: Kind) -> Self {
        ClientConfig {
            kind,
            connect_timeout: Some(Duration::from_millis(500)),
            read_timeout: None,
            write_timeout: None,
            local: None,
            proxy: None,
            framing: Framing::None,
            max_packet: 2 << 20,
            tls: None,
            nodelay: true,
            buffer_size: None,
        }
    }
}

/// A proxy. It resolves the names of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ProxyConfig {
    /// Whether it is a SOCKS5 proxy; otherwise an HTTP proxy that supports CONNECT.
    pub is_socks5: bool,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User and password.
    pub credentials: Option<Credentials>,
    /// The value of `User-Agent` for an HTTP proxy.
    pub user_agent: String,
}
