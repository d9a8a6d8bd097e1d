//! A blocking client: TCP, UDP and Unix sockets, TLS, packets, proxies, time limits.
//!
//! ```no_run
//! use swoosh::client::{Client, ClientConfig, Kind};
//! use swoosh::proto::framing::Framing;
//!
//! # fn main() -> Result<(), swoosh::client::ClientError> {
//! let config = ClientConfig { framing: Framing::EofSplit(b"\r\n".to_vec()), ..ClientConfig::new(Kind::Tcp) };
//! let mut client = Client::connect(&config, "127.0.0.1", 9501)?;
//! client.send_all(b"hello\r\n")?;
//! assert_eq!(client.recv_packet()?, b"hello\r\n");
//! # Ok(())
//! # }
//! ```
//!
//! A client belongs to one thread at a time and waits by poll(2). In async code, use tokio's sockets.

mod config;
mod connect;
mod deadline;
mod error;
mod stream;
mod tls;
mod transfer;

pub use config::{ClientConfig, Kind, ProxyConfig};
pub use error::ClientError;
pub use stream::{Client, Recv};
