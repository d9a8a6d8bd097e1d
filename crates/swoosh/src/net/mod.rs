//! Ports, listening sockets and datagrams.

mod address_text;
pub mod datagram;
pub mod listener;
pub mod port;
mod socket_kind;

pub use address_text::AddressText;
pub use port::{Port, stop_listening};
pub use socket_kind::SocketKind;
