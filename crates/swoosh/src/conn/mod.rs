//! Connections: the registry that every process reads, and what the owner of a connection keeps for it.

mod batch;
pub mod certificates;
pub mod connection;
pub mod datagram;
pub mod drive;
mod handshake;
pub mod output;
pub mod owner;
pub mod registry;
mod spool;
mod tasks;
pub mod timeouts;
pub mod wire;
