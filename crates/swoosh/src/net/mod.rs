//! Ports, listening sockets and datagrams.

pub mod datagram;
pub mod listener;
pub mod port;

pub use port::{Port, SocketKind, stop_listening};
