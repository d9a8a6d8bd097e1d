//! Kinds of sockets that a server listens on.

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
