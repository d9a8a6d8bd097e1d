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

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod acceptor;
#[cfg(feature = "tls")]
mod client_config;
#[cfg(feature = "tls")]
mod connector;
#[cfg(feature = "tls")]
mod error_text;
#[cfg(feature = "tls")]
mod files;
#[cfg(feature = "tls")]
mod session;
#[cfg(feature = "tls")]
mod sni;
#[cfg(feature = "tls")]
mod suites;
#[cfg(feature = "tls")]
mod tickets;
#[cfg(feature = "tls")]
mod verify;
#[cfg(feature = "tls")]
mod version1;

pub use crate::config::{NamedCertificate, TlsConfig, Versions};
#[cfg(not(feature = "tls"))]
pub use absent::{Acceptor, Session, SessionError};
#[cfg(feature = "tls")]
pub use acceptor::Acceptor;
#[cfg(feature = "tls")]
pub use client_config::ClientTls;
#[cfg(feature = "tls")]
pub use connector::{Connector, verify};
#[cfg(feature = "tls")]
pub use files::to_pem;
#[cfg(feature = "tls")]
pub use session::{Session, SessionError};
