//! TLS settings of a port, and the names of cipher suites and curves.

use std::path::PathBuf;
use std::time::Duration;

/// TLS settings of a port. Files are in PEM form (RFC 7468).
///
/// ```
/// use swoosh::config::TlsConfig;
///
/// let tls = TlsConfig::new("/etc/swoosh/cert.pem", "/etc/swoosh/key.pem");
/// assert!(tls.versions.tls12 && tls.versions.tls13);
/// tls.validate().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// `ssl_cert_file`: the certificate, then those of its issuers, without the root.
    pub cert_file: PathBuf,
    /// `ssl_key_file`: its private key, without a passphrase: PKCS#8, PKCS#1 or SEC1.
    pub key_file: PathBuf,
    /// `ssl_protocols`. Default: TLS 1.2 and 1.3.
    pub versions: Versions,
    /// `ssl_ciphers`: suites of TLS 1.2 by their OpenSSL names, separated by colons. Empty: all that are supported.
    pub ciphers: String,
    /// `ssl_ecdh_curve`: curves by name, separated by colons. Empty: all that are supported.
    pub curves: String,
    /// `ssl_prefer_server_ciphers`: the server's order of suites decides, not the client's.
    pub prefer_server_ciphers: bool,
    /// `ssl_verify_peer`: a client must present a certificate issued by one of the authorities below.
    pub verify_peer: bool,
    /// `ssl_allow_self_signed`: with `verify_peer`, a self-signed certificate is accepted too.
    pub allow_self_signed: bool,
    /// `ssl_client_cert_file`: certificates of the authorities that issue client certificates.
    pub client_ca_file: Option<PathBuf>,
    /// `ssl_cafile`: more authorities.
    pub ca_file: Option<PathBuf>,
    /// `ssl_capath`: a directory with files of more authorities.
    pub ca_path: Option<PathBuf>,
    /// `ssl_verify_depth`: the greatest number of intermediate certificates; `None`: 6.
    pub verify_depth: Option<u32>,
    /// `ssl_sni_certs`: certificates for other server names.
    pub named: Vec<NamedCertificate>,
    /// Protocols to select in the handshake (ALPN, RFC 7301), best first. Empty: none.
    pub alpn: Vec<Vec<u8>>,
    /// `ssl_handshake_timeout`: a longer handshake ends its connection. Default 10 s.
    pub handshake_timeout: Duration,
}

impl TlsConfig {
    /// A configuration with that certificate and key, and defaults for the rest. Relative paths are resolved now.
    pub fn new(cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        TlsConfig { cert_file: absolute(cert_file.into()), key_file: absolute(key_file.into()), ..TlsConfig::default() }
    }
}

/// The absolute form of a path: a daemon leaves the directory it was started in.
pub(crate) fn absolute(path: PathBuf) -> PathBuf {
    // Only an empty path fails, which is refused where it is used.
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

/// A certificate for clients that request that server name (server_name, RFC 6066 section 3).
///
/// ```
/// use swoosh::config::{NamedCertificate, TlsConfig};
///
/// let named = NamedCertificate { name: "*.example.com".into(), cert_file: "w.pem".into(), key_file: "w.key".into() };
/// let tls = TlsConfig { named: vec![named], ..TlsConfig::new("cert.pem", "key.pem") };
/// # drop(tls);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedCertificate {
    /// `example.com`, or `*.example.com` for every name with one more label.
    pub name: String,
    /// As [`TlsConfig::cert_file`].
    pub cert_file: PathBuf,
    /// As [`TlsConfig::key_file`].
    pub key_file: PathBuf,
}

/// Versions of the protocol. Older ones are deprecated (RFC 8996) and not supported.
///
/// ```
/// let only_13 = swoosh::config::Versions { tls12: false, tls13: true };
/// assert_ne!(only_13, swoosh::config::Versions::default());
/// ```
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

/// A remark for the log about the names in a list of cipher suites that are not supported; `None`: all are.
pub fn check_ciphers(list: &str) -> Option<String> {
    let unknown: Vec<&str> = words(list).filter(|name| !CIPHER_SUITES.contains(name)).collect();
    if unknown.is_empty() {
        return None;
    }
    let rest = match cipher_suites(list).next() {
        None => "offering all safe suites",
        Some(_) => "offering the others",
    };
    let known = CIPHER_SUITES.join(":");
    Some(format!("ssl_ciphers: ignoring the unknown {}, {rest}; known are {known}", unknown.join(":")))
}

/// Like [`check_ciphers`], for a list of curves.
pub fn check_curves(list: &str) -> Option<String> {
    let unknown: Vec<&str> = words(list).filter(|name| curve(name).is_none() && *name != "auto").collect();
    if unknown.is_empty() {
        return None;
    }
    let known = CURVES.map(|names| names[0]).join(":");
    Some(format!("ssl_ecdh_curve: ignoring the unknown {}; known are {known}", unknown.join(":")))
}

/// The supported cipher suites in a list: indexes of [`CIPHER_SUITES`].
pub(crate) fn cipher_suites(list: &str) -> impl Iterator<Item = usize> + '_ {
    words(list).filter_map(|name| CIPHER_SUITES.iter().position(|known| *known == name))
}

/// The supported curves in a list: indexes of [`CURVES`].
#[cfg(feature = "tls")]
pub(crate) fn curves(list: &str) -> impl Iterator<Item = usize> + '_ {
    words(list).filter_map(curve)
}

fn curve(name: &str) -> Option<usize> {
    CURVES.iter().position(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split([':', ',', ' ']).filter(|name| !name.is_empty())
}

/// OpenSSL's names (ciphers(1)) of the supported suites of TLS 1.2.
pub(crate) const CIPHER_SUITES: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// The supported curves, each with its names.
pub(crate) const CURVES: [&[&str]; 3] = [&["X25519"], &["prime256v1", "secp256r1", "P-256"], &["secp384r1", "P-384"]];

/// The values of `ssl_protocols`, for the message of an error.
pub(super) const PROTOCOLS: &str = "SWOOLE_SSL_TLSv1_2, SWOOLE_SSL_TLSv1_3 or both: older ones are not safe";
