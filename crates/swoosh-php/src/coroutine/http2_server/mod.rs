//! The server's side of an HTTP/2 connection (RFC 9113) in coroutines: a stream can be read and written at once, so that
//! protocols with streams in both directions, such as gRPC, can be served.
//!
//! The crate h2 has the protocol, behind a guard against floods of frames. A task of the thread's runtime drives it. Bodies are
//! read as far as coroutines take them, and sent as far as the peer's window allows.
//!
//! | file | contents |
//! |---|---|
//! | `transport` | the socket as h2 reads and writes it, with the guard |
//! | `driver` | the protocol and the task that drives it |
//! | `connection` | accepting streams, ending |
//! | `stream` | one request and its response |

mod connection;
mod driver;
mod stream;
mod transport;

pub use connection::ServerConnection;
pub use stream::{Received, ServerStream, StreamError};
