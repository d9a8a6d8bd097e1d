//! TLS over real sockets, with rustls and OpenSSL as clients.

mod authority;
#[path = "../common/mod.rs"]
mod common;
mod exchange;
mod handshake;
