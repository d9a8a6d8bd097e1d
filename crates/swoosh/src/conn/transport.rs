//! The carrier of a connection: a socket, or a stream of an HTTP/2 connection.

use super::http2::stream::Stream;
use socket2::Socket;
use tokio::io::unix::AsyncFd;

/// The carrier of a connection.
pub(super) enum Transport {
    /// A socket.
    Socket(AsyncFd<Socket>),
    /// A stream of HTTP/2.
    Stream(Box<Stream>),
}

impl Transport {
    /// The socket.
    pub(super) fn socket(&self) -> Option<&AsyncFd<Socket>> {
        match self {
            Transport::Socket(io) => Some(io),
            Transport::Stream(_) => None,
        }
    }

    /// The stream.
    pub(super) fn stream(&self) -> Option<&Stream> {
        match self {
            Transport::Socket(_) => None,
            Transport::Stream(stream) => Some(stream),
        }
    }
}
