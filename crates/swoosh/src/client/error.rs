//! The errors of clients.

use crate::proto::PeerFault;
use crate::proto::proxy::ProxyFault;
use std::io;

/// Why a client's call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// A system call failed, or the time limit has passed ([`io::ErrorKind::TimedOut`]).
    #[error("{operation}: {cause}")]
    System {
        /// The operation: `connect`, `send`.
        operation: &'static str,
        /// The kernel's reason.
        #[source]
        cause: io::Error,
    },
    /// A host has no address of the client's family.
    #[error("the host {0} has no address")]
    Resolve(String),
    /// A socket path has more bytes than an address holds (unix(7)).
    #[error("the path {0} is too long for a socket")]
    PathTooLong(String),
    /// The call is not possible for this kind of socket.
    #[error("{0}")]
    Unsupported(&'static str),
    /// The proxy opens no tunnel.
    #[error("{0}")]
    Proxy(#[from] ProxyFault),
    /// TLS failed.
    #[error("{reason}")]
    Tls {
        /// The reason.
        reason: String,
        /// The server's certificate is missing or not valid.
        is_certificate_error: bool,
    },
    /// The TLS settings or their files are not valid.
    #[error("{0}")]
    TlsConfig(String),
    /// A packet is too long or malformed.
    #[error("{0}")]
    Packet(#[from] PeerFault),
}

impl ClientError {
    pub(super) fn system(operation: &'static str, cause: io::Error) -> Self {
        ClientError::System { operation, cause }
    }

    pub(super) fn timed_out(operation: &'static str) -> Self {
        ClientError::System { operation, cause: io::Error::from(io::ErrorKind::TimedOut) }
    }

    /// Whether the time limit has passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, ClientError::System { cause, .. } if cause.kind() == io::ErrorKind::TimedOut)
    }

    /// The public number of the error: an errno value or a `SWOOLE_ERROR_*` code.
    pub fn code(&self) -> i32 {
        match self {
            ClientError::System { cause, .. } => match cause.kind() {
                io::ErrorKind::TimedOut => libc::ETIMEDOUT,
                _ => cause.raw_os_error().unwrap_or(libc::EIO),
            },
            ClientError::Resolve(_) => 711,
            ClientError::PathTooLong(_) => 504,
            ClientError::Unsupported(_) => 507,
            ClientError::Proxy(fault) => fault.code(),
            ClientError::Tls { is_certificate_error: true, .. } => 1014,
            ClientError::Tls { .. } => 1018,
            ClientError::TlsConfig(_) => 1019,
            ClientError::Packet(fault) => fault.code(),
        }
    }
}
