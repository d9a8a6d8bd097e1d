//! TLS settings of a client.

use crate::config::Versions;
use std::path::PathBuf;

/// TLS settings of a client.
///
/// ```
/// use swoosh::tls::{ClientTls, Connector};
///
/// let tls = ClientTls { verify_peer: false, server_name: Some("localhost".into()), ..ClientTls::default() };
/// let session = Connector::new(&tls).unwrap().begin().unwrap();
/// # drop(session);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ClientTls {
    /// Versions of the protocol.
    pub versions: Versions,
    /// As [`TlsConfig::ciphers`](crate::config::TlsConfig::ciphers).
    pub ciphers: String,
    /// As [`TlsConfig::curves`](crate::config::TlsConfig::curves).
    pub curves: String,
    /// The server's certificate must be valid: issued by a trusted authority, and for `verify_name`.
    pub verify_peer: bool,
    /// With `verify_peer`, a self-signed certificate is accepted too.
    pub allow_self_signed: bool,
    /// The name that the certificate must have; `None`: any.
    pub verify_name: Option<String>,
    /// The name or address of the server: a name is sent to it (RFC 6066 section 3), and sessions are resumed under either.
    pub server_name: Option<String>,
    /// Files with certificates of trusted authorities.
    pub ca_files: Vec<PathBuf>,
    /// A directory with such files. Without files and directory: the system's.
    pub ca_path: Option<PathBuf>,
    /// As [`TlsConfig::verify_depth`](crate::config::TlsConfig::verify_depth).
    pub verify_depth: Option<u32>,
    /// The client's own certificate and key, for a server that requests one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// As [`TlsConfig::alpn`](crate::config::TlsConfig::alpn).
    pub alpn: Vec<Vec<u8>>,
}
