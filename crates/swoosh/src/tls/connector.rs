//! A client's side.

use super::config::ClientTls;
use super::files::{self, Roots};
use super::session::Session;
use super::suites;
use super::verify::OfServers;
use crate::error::{Error, Result};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Makes sessions with servers. A later one may go on with an earlier one's.
#[derive(Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Connector {
    /// Reads the files that `wanted` names.
    ///
    /// # Errors
    /// Where one cannot be read or is not what it should be, and where a name is none.
    pub fn new(wanted: &ClientTls) -> Result<Self> {
        let provider = suites::provider(&wanted.ciphers, &wanted.curves);
        let verifier = judge(wanted, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&suites::versions(wanted.versions))
            .map_err(refused)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &wanted.certificate {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                // Checked first: its errors name the file.
                files::certified_key(certificate, key, &provider)?;
                builder
                    .with_client_auth_cert(files::certificates(certificate)?, files::private_key(key)?)
                    .map_err(refused)?
            }
        };
        config.alpn_protocols.clone_from(&wanted.alpn);
        let asked = wanted.ask_name.as_deref().map(server_name).transpose()?;
        Ok(Connector { config: Arc::new(config), name: asked.unwrap_or_else(nobody) })
    }

    /// A session that begins.
    ///
    /// # Errors
    /// Where the settings leave nothing to offer.
    pub fn begin(&self) -> Result<Session> {
        let client = ClientConnection::new(self.config.clone(), self.name.clone()).map_err(refused)?;
        Ok(Session::new(client.into()))
    }
}

/// Whether the certificate that a server showed, and its issuers, are good enough (DER), whatever `verify_peer` says.
///
/// # Errors
/// Why not; and as [`Connector::new`].
pub fn verify(wanted: &ClientTls, shown: &[&[u8]]) -> Result<()> {
    let provider = suites::provider("", "");
    let judge = judge(&ClientTls { verify_peer: true, ..wanted.clone() }, &provider)?;
    let shown: Vec<CertificateDer<'_>> = shown.iter().map(|der| CertificateDer::from(*der)).collect();
    let Some((certificate, issuers)) = shown.split_first() else {
        return Err(Error::State { operation: "verify the server", reason: "it showed no certificate".into() });
    };
    let verified = judge.verify_server_cert(certificate, issuers, &nobody(), &[], UnixTime::now());
    verified.map(drop).map_err(|e| Error::State { operation: "verify the server", reason: e.to_string() })
}

/// For servers without a name. An address is never told.
fn nobody() -> ServerName<'static> {
    ServerName::from(IpAddr::from(Ipv4Addr::UNSPECIFIED))
}

fn judge(wanted: &ClientTls, provider: &Arc<CryptoProvider>) -> Result<OfServers> {
    if !wanted.verify_peer {
        return Ok(OfServers::anybody(provider.clone()));
    }
    let name = wanted.verify_name.as_deref().map(server_name).transpose()?;
    let roots = match (wanted.ca_files.is_empty(), &wanted.ca_path) {
        (true, None) => of_the_system()?,
        (_, path) => files::roots(&wanted.ca_files, path.as_deref())?,
    };
    Ok(OfServers::new(roots, name, wanted.allow_self_signed, wanted.verify_depth, provider.clone()))
}

/// Whom this machine trusts: `SSL_CERT_FILE`, `SSL_CERT_DIR`, else where distributions keep it.
fn of_the_system() -> Result<Roots> {
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
        .map_err(|_| Error::State { operation: "speak TLS", reason: format!("{name:?} is not the name of a host") })
}

fn refused(why: rustls::Error) -> Error {
    Error::State { operation: "speak TLS", reason: why.to_string() }
}

/// Debian and Alpine; Fedora and its kin; openSUSE.
const SYSTEM_FILES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
const SYSTEM_PATH: &str = "/etc/ssl/certs";
