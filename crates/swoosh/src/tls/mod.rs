//! TLS by rustls, without sockets: ciphertext in, plaintext out, and the reverse.
//!
//! An [`Acceptor`] makes a [`Session`] for each connection of a server's port, a [`Connector`] for each connection of a
//! client. Both read their files when they are made; an acceptor reads them again when they change.
//!
//! ```
//! use swoosh::tls::{ClientTls, Connector};
//!
//! let client = ClientTls { server_name: Some("localhost".into()), ..ClientTls::default() };
//! let mut session = Connector::new(&client).unwrap().begin().unwrap();
//! assert!(session.is_handshaking());
//! let mut hello = Vec::new();
//! let write = |parts: &[std::io::IoSlice<'_>]| {
//!     parts.iter().for_each(|part| hello.extend_from_slice(part));
//!     Ok(parts.iter().map(|part| part.len()).sum())
//! };
//! session.write_to(write).unwrap();
//! assert_eq!(hello[0], 22, "a handshake record");
//! ```

mod acceptor;
mod client_config;
mod connector;
mod files;
mod session;
mod sni;
mod suites;
mod tickets;
mod verify;

pub use crate::config::{NamedCertificate, TlsConfig, Versions};
pub use acceptor::Acceptor;
pub use client_config::ClientTls;
pub use connector::{Connector, verify};
pub use files::to_pem;
pub use session::{Session, SessionError};
