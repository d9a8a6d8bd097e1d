//! Ports, listening sockets and datagrams.

mod address_text;
pub mod datagram;
pub mod listener;
pub mod port;

pub use address_text::AddressText;
pub use port::{Port, SocketKind, stop_listening};
