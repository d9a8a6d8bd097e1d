//! `Swoosh\Http2\ServerConnection` and `Swoosh\Http2\ServerStream`: HTTP/2 from clients in coroutines, request and response of a
//! stream at once. Not part of Swoole's API; libraries can build protocols such as gRPC on it.

mod connection;
mod stream;

/// Registers the classes.
pub fn register() {
    stream::register();
    connection::register();
}
