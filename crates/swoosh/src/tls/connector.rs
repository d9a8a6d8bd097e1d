//! The client's side.

use super::client_config::ClientTls;
use super::files::{self, Roots};
use super::session::Session;
use super::suites;
use super::verify::ServerVerifier;
use crate::error::{Error, Result};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Makes sessions with a server; later ones resume earlier ones where the server allows it. Clones share that memory.
///
/// ```
/// use swoosh::tls::{ClientTls, Connector};
///
/// let connector = Connector::new(&ClientTls::default()).unwrap();
/// assert!(connector.begin().unwrap().is_handshaking());
/// ```
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Connector {
    /// Reads the files that `wanted` names.
    ///
    /// # Errors
    /// If a file cannot be read or parsed, or a name is no host name.
    pub fn new(wanted: &ClientTls) -> Result<Self> {
        let provider = suites::provider(&wanted.ciphers, &wanted.curves);
        let verifier = server_verifier(wanted, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&suites::versions(wanted.versions))
            .map_err(refused)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &wanted.certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                // Its errors name the file, rustls's do not.
                files::certified_key(certificate, key, &provider)?;
                builder
                    .with_client_auth_cert(files::certificates(certificate)?, files::private_key(key)?)
                    .map_err(refused)?
            }
        };
        config.alpn_protocols.clone_from(&wanted.alpn);
        let name = wanted.server_name.as_deref().map(server_name).transpose()?;
        Ok(Connector { config: Arc::new(config), name: name.unwrap_or_else(unnamed) })
    }

    /// A new session.
    ///
    /// # Errors
    /// If the settings leave no version or cipher suite to offer.
    pub fn begin(&self) -> Result<Session> {
        let client = ClientConnection::new(self.config.clone(), self.name.clone()).map_err(refused)?;
        Ok(Session::new(client.into()))
    }
}

/// Verifies the certificate chain that a server presented (DER, its own first), regardless of `verify_peer`.
///
/// # Errors
/// The reason why the chain is not valid; and as [`Connector::new`].
pub fn verify(wanted: &ClientTls, shown: &[&[u8]]) -> Result<()> {
    let provider = suites::provider("", "");
    let verifier = server_verifier(&ClientTls { verify_peer: true, ..wanted.clone() }, &provider)?;
    let shown: Vec<CertificateDer<'_>> = shown.iter().map(|der| CertificateDer::from(*der)).collect();
    let Some((certificate, issuers)) = shown.split_first() else {
        return Err(Error::State { operation: "verify the server", reason: "it presented no certificate".into() });
    };
    let verified = verifier.verify_server_cert(certificate, issuers, &unnamed(), &[], UnixTime::now());
    verified.map(drop).map_err(|e| Error::State { operation: "verify the server", reason: e.to_string() })
}

/// The name of a server without one: rustls never sends an address to the peer.
fn unnamed() -> ServerName<'static> {
    ServerName::from(IpAddr::from(Ipv4Addr::UNSPECIFIED))
}

fn server_verifier(wanted: &ClientTls, provider: &Arc<CryptoProvider>) -> Result<ServerVerifier> {
    if !wanted.verify_peer {
        return Ok(ServerVerifier::accept_all(provider.clone()));
    }
    let name = wanted.verify_name.as_deref().map(server_name).transpose()?;
    let roots = match (wanted.ca_files.is_empty(), &wanted.ca_path) {
        (true, None) => system_roots()?,
        (_, path) => files::roots(&wanted.ca_files, path.as_deref())?,
    };
    Ok(ServerVerifier::new(roots, name, wanted.allow_self_signed, wanted.verify_depth, provider.clone()))
}

/// The system's authorities: `SSL_CERT_FILE`, `SSL_CERT_DIR`, or the place where distributions keep them.
fn system_roots() -> Result<Roots> {
    let named = |name| std::env::var_os(name).map(PathBuf::from);
    if let (Some(file), path) = (named("SSL_CERT_FILE"), named("SSL_CERT_DIR")) {
        return files::roots(&[file], path.as_deref());
    }
    match SYSTEM_FILES.iter().find(|file| Path::new(file).exists()) {
        Some(file) => files::roots(&[PathBuf::from(file)], None),
        None => files::roots(&[], Some(&named("SSL_CERT_DIR").unwrap_or_else(|| PathBuf::from(SYSTEM_PATH)))),
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>> {
    ServerName::try_from(name.trim_end_matches('.').to_owned())
        .map_err(|_| Error::State { operation: "speak TLS", reason: format!("{name:?} is not a host name") })
}

fn refused(e: rustls::Error) -> Error {
    Error::State { operation: "speak TLS", reason: e.to_string() }
}

/// Of Debian and Alpine, Fedora and its derivatives, openSUSE.
const SYSTEM_FILES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
const SYSTEM_PATH: &str = "/etc/ssl/certs";
