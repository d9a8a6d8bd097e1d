//! The server's side: certificates, and sessions of accepted connections.

use super::session::Session;
use super::sni::CertificatesByName;
use super::tickets::Tickets;
use super::verify::ClientVerifier;
use super::{files, suites};
use crate::config::TlsConfig;
use crate::error::{Error, Result};
use crate::sys::clock;
use rustls::crypto::CryptoProvider;
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, ServerConnection};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// Makes sessions for the connections of a TLS port.
///
/// When a client connects, at most once a second, the files are checked, and read again if they have changed: a renewed
/// certificate needs no restart, provided that the process may still read it. If the new files cannot be used, an error is
/// logged and the previous certificates stay in use.
///
/// ```no_run
/// use swoosh::config::TlsConfig;
/// use swoosh::tls::Acceptor;
///
/// let acceptor = Acceptor::new(&TlsConfig::new("cert.pem", "key.pem"))?;
/// let session = acceptor.begin()?;
/// # Ok::<(), swoosh::Error>(())
/// ```
pub struct Acceptor {
    wanted: TlsConfig,
    tickets: Arc<Tickets>,
    config: RwLock<Arc<ServerConfig>>,
    stamps: Mutex<Stamps>,
    /// The time of the last check of the files, monotonic milliseconds.
    checked_at: AtomicU64,
}

type Stamps = Vec<Option<(u64, i64, i64, u64)>>;

impl Acceptor {
    /// Reads the files that `wanted` names. Call it before the server's first fork, so that all processes accept the same
    /// session tickets.
    ///
    /// # Errors
    /// If a field is missing or out of range, a file cannot be read or parsed, or `verify_peer` is set without authorities.
    pub fn new(wanted: &TlsConfig) -> Result<Self> {
        wanted.validate()?;
        let tickets = Arc::new(Tickets::new()?);
        let stamps = Mutex::new(stamps(wanted));
        let config = RwLock::new(Arc::new(read(wanted, tickets.clone())?));
        let checked_at = AtomicU64::new(clock::monotonic_ms());
        Ok(Acceptor { wanted: wanted.clone(), tickets, config, stamps, checked_at })
    }

    /// A session for an accepted connection.
    ///
    /// # Errors
    /// If the settings leave no version or cipher suite to offer.
    pub fn begin(&self) -> Result<Session> {
        self.reload_if_changed();
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        let server = ServerConnection::new(config).map_err(refused)?;
        Ok(Session::new(server.into()))
    }

    /// The time that a handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        self.wanted.handshake_timeout
    }

    /// Reads the files again if they have changed.
    fn reload_if_changed(&self) {
        let now = clock::monotonic_ms();
        let before = self.checked_at.load(Relaxed);
        if now.saturating_sub(before) < CHECK_INTERVAL_MS
            || self.checked_at.compare_exchange(before, now, Relaxed, Relaxed).is_err()
        {
            return;
        }
        let mut known = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that has been removed, or that this process may not read, keeps its previous stamp.
        let found: Stamps = stamps(&self.wanted).into_iter().zip(&*known).map(|(new, old)| new.or(*old)).collect();
        if *known == found {
            return;
        }
        *known = found;
        match read(&self.wanted, self.tickets.clone()) {
            Ok(config) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                crate::log::info!("reloaded certificate {}", self.wanted.cert_file.display());
            }
            Err(e) => crate::log::warn!("cannot reload the changed certificates, the previous ones stay in use: {e}"),
        }
    }
}

/// Inode, modification time and size, which distinguish a file from its replacement.
fn stamps(wanted: &TlsConfig) -> Stamps {
    let pairs = wanted.named.iter().flat_map(|n| [&n.cert_file, &n.key_file]);
    let own = [&wanted.cert_file, &wanted.key_file];
    let all: Vec<&PathBuf> = own.into_iter().chain(pairs).chain(ca_files(wanted)).chain(&wanted.ca_path).collect();
    let stamp = |path: &&PathBuf| std::fs::metadata(path).ok().map(|m| (m.ino(), m.mtime(), m.mtime_nsec(), m.size()));
    all.iter().map(stamp).collect()
}

fn read(wanted: &TlsConfig, tickets: Arc<Tickets>) -> Result<ServerConfig> {
    let provider = suites::provider(&wanted.ciphers, &wanted.curves);
    let pair = |cert, key| files::certified_key(cert, key, &provider).map(Arc::new);
    let mut named = Vec::new();
    for one in &wanted.named {
        named.push((one.name.to_ascii_lowercase(), pair(&one.cert_file, &one.key_file)?));
    }
    let resolver = CertificatesByName { named, default: pair(&wanted.cert_file, &wanted.key_file)? };
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&suites::versions(wanted.versions))
        .map_err(refused)?
        .with_client_cert_verifier(client_verifier(wanted, provider)?)
        .with_cert_resolver(Arc::new(resolver));
    config.ticketer = tickets;
    config.ignore_client_order = wanted.prefer_server_ciphers;
    config.alpn_protocols.clone_from(&wanted.alpn);
    Ok(config)
}

fn ca_files(wanted: &TlsConfig) -> impl Iterator<Item = &PathBuf> {
    wanted.client_ca_file.iter().chain(&wanted.ca_file)
}

fn client_verifier(
    wanted: &TlsConfig,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>> {
    if !wanted.verify_peer {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let roots = files::roots(ca_files(wanted), wanted.ca_path.as_deref())?;
    if roots.store.is_empty() {
        let reason = "ssl_verify_peer needs the authorities of ssl_client_cert_file".into();
        return Err(Error::State { operation: "verify clients", reason });
    }
    let verifier = ClientVerifier::new(roots, wanted.allow_self_signed, wanted.verify_depth, provider);
    let failed =
        |e: rustls::server::VerifierBuilderError| Error::State { operation: "verify clients", reason: e.to_string() };
    Ok(Arc::new(verifier.map_err(failed)?))
}

fn refused(e: rustls::Error) -> Error {
    Error::State { operation: "serve TLS", reason: e.to_string() }
}

/// The shortest interval between checks of the files.
const CHECK_INTERVAL_MS: u64 = 1000;
