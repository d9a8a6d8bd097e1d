//! The server's side of an HTTP/2 connection (RFC 9113) in coroutines: a stream can be read and written at once, so that
//! protocols with streams in both directions, such as gRPC, can be served.
//!
//! The protocol is that of servers (`swoosh::proto::http2::server`). A task of the thread's runtime drives it. Bodies are read as
//! far as coroutines take them, and sent as far as the peer's window allows.
//!
//! | file | contents |
//! |---|---|
//! | `driver` | the task that drives the protocol |
//! | `request` | the part of a request that has arrived |
//! | `connection` | accepting streams, ending |
//! | `stream` | one request and its response |

mod connection;
mod driver;
mod request;
mod stream;

pub use connection::ServerConnection;
pub use stream::{Fields, Received, ServerStream, StreamError};
