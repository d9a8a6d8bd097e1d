//! TLS by rustls: sealed bytes in, plain bytes out, and the other way round. No socket is touched here.
//!
//! [`Acceptor`] is a port's side, [`Connector`] a client's; either makes a [`Session`] for each connection. Files are read
//! when they are made, and an acceptor reads its own again when they have changed.

mod acceptor;
mod config;
mod connector;
mod files;
mod session;
mod sni;
mod suites;
mod tickets;
mod verify;

pub use acceptor::Acceptor;
pub(crate) use config::from_here;
pub use config::{ClientTls, NamedCertificate, TlsConfig, Versions};
pub use connector::{Connector, verify};
pub use files::to_pem;
pub use session::{Broken, Session};
pub use suites::{check_ciphers, check_curves};
