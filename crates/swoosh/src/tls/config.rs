//! What a port or a client wants of TLS.

use std::path::PathBuf;
use std::time::Duration;

/// How a port speaks TLS. Files are in PEM form (RFC 7468).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// `ssl_cert_file`: the certificate, then those of its issuers, without the root.
    pub cert_file: PathBuf,
    /// `ssl_key_file`: its private key, without a passphrase: PKCS#8, PKCS#1 or SEC1.
    pub key_file: PathBuf,
    /// `ssl_protocols`.
    pub versions: Versions,
    /// `ssl_ciphers`: suites of TLS 1.2 by their OpenSSL names, separated by colons. Empty: all that are safe.
    pub ciphers: String,
    /// `ssl_ecdh_curve`: curves by name, separated by colons. Empty: all.
    pub curves: String,
    /// `ssl_prefer_server_ciphers`: this side's order of suites counts, not the peer's.
    pub prefer_server_ciphers: bool,
    /// `ssl_verify_peer`: clients must show a certificate that one of the files below vouches for.
    pub verify_peer: bool,
    /// `ssl_allow_self_signed`: or one that nobody vouches for but itself.
    pub allow_self_signed: bool,
    /// `ssl_client_cert_file`: the certificates of those who vouch for clients.
    pub client_ca_file: Option<PathBuf>,
    /// `ssl_cafile`: more of them.
    pub ca_file: Option<PathBuf>,
    /// `ssl_capath`: a folder of such files.
    pub ca_path: Option<PathBuf>,
    /// `ssl_verify_depth`: how many issuers there may be between a client's certificate and one of those; `None`: six.
    pub verify_depth: Option<u32>,
    /// `ssl_sni_certs`: other certificates for peers that ask for other names.
    pub named: Vec<NamedCertificate>,
    /// Protocols that are agreed upon within the handshake (ALPN, RFC 7301), best first. Empty: none.
    pub alpn: Vec<Vec<u8>>,
    /// `ssl_handshake_timeout`: a handshake that takes longer ends its connection. Default 10 s.
    pub handshake_timeout: Duration,
}

impl TlsConfig {
    /// That certificate and its key, all else as it is by default.
    pub fn new(cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        TlsConfig {
            cert_file: from_here(cert_file.into()),
            key_file: from_here(key_file.into()),
            ..TlsConfig::default()
        }
    }
}

/// A path that means the same wherever the server goes on: daemons leave the folder that they were started in.
pub(crate) fn from_here(path: PathBuf) -> PathBuf {
    // What cannot be made so is empty, and refused where it is used.
    std::path::absolute(&path).unwrap_or(path)
}

impl Default for TlsConfig {
    fn default() -> Self {
        TlsConfig {
            cert_file: PathBuf::new(),
            key_file: PathBuf::new(),
            versions: Versions::default(),
            ciphers: String::new(),
            curves: String::new(),
            prefer_server_ciphers: false,
            verify_peer: false,
            allow_self_signed: false,
            client_ca_file: None,
            ca_file: None,
            ca_path: None,
            verify_depth: None,
            named: Vec::new(),
            alpn: Vec::new(),
            handshake_timeout: Duration::from_secs(10),
        }
    }
}

/// A certificate for peers that ask for that name (server_name, RFC 6066 section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCertificate {
    /// `example.com`, or `*.example.com` for every name with one label before it.
    pub name: String,
    /// As [`TlsConfig::cert_file`].
    pub cert_file: PathBuf,
    /// As [`TlsConfig::key_file`].
    pub key_file: PathBuf,
}

/// Versions of the protocol. Older ones are not safe (RFC 8996), and nobody here speaks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Versions {
    /// TLS 1.2 (RFC 5246).
    pub tls12: bool,
    /// TLS 1.3 (RFC 8446).
    pub tls13: bool,
}

impl Default for Versions {
    fn default() -> Self {
        Versions { tls12: true, tls13: true }
    }
}

/// How a client speaks TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ClientTls {
    /// Versions of the protocol.
    pub versions: Versions,
    /// As [`TlsConfig::ciphers`].
    pub ciphers: String,
    /// As [`TlsConfig::curves`].
    pub curves: String,
    /// The server's certificate must be vouched for, and be for its name.
    pub verify_peer: bool,
    /// One that only vouches for itself is taken too.
    pub allow_self_signed: bool,
    /// The name its certificate must have; `None`: any.
    pub verify_name: Option<String>,
    /// The name or address of the server. A name is told to it; sessions are gone on with under either.
    pub ask_name: Option<String>,
    /// Files with certificates of those who vouch for servers.
    pub ca_files: Vec<PathBuf>,
    /// A folder of such files. Neither: those of the system.
    pub ca_path: Option<PathBuf>,
    /// As [`TlsConfig::verify_depth`].
    pub verify_depth: Option<u32>,
    /// This side's own certificate and key, should the server want one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// As [`TlsConfig::alpn`].
    pub alpn: Vec<Vec<u8>>,
}
