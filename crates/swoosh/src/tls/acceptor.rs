//! A port's side: its certificates, and the sessions of those who connect.

use super::config::TlsConfig;
use super::session::Session;
use super::sni::ByName;
use super::tickets::Tickets;
use super::verify::OfClients;
use super::{files, suites};
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

/// Takes connections of a port that speaks TLS.
///
/// Its files are looked at once a second at most, when somebody connects, and read again when they have changed: new
/// certificates need no restart, where the process that shakes hands may read them. Files that cannot be used then are told of in the log, and what was there stays.
pub struct Acceptor {
    wanted: TlsConfig,
    tickets: Arc<Tickets>,
    config: RwLock<Arc<ServerConfig>>,
    stamps: Mutex<Stamps>,
    /// When the files were looked at last: monotonic milliseconds.
    looked: AtomicU64,
}

type Stamps = Vec<Option<(u64, i64, i64, u64)>>;

impl Acceptor {
    /// Reads the files that `wanted` names. To be called before the server's first fork: its processes have tickets in
    /// common.
    ///
    /// # Errors
    /// Where a field is missing or cannot be so; where a file cannot be read or is not what it should be; where `ssl_verify_peer` has nobody to vouch for clients.
    pub fn new(wanted: &TlsConfig) -> Result<Self> {
        crate::settings::validate_tls(wanted)?;
        let tickets = Arc::new(Tickets::new()?);
        let stamps = Mutex::new(stamps(wanted));
        let config = RwLock::new(Arc::new(read(wanted, tickets.clone())?));
        let looked = AtomicU64::new(clock::monotonic_ms());
        Ok(Acceptor { wanted: wanted.clone(), tickets, config, stamps, looked })
    }

    /// A session with a peer that has connected.
    ///
    /// # Errors
    /// Where the settings leave nothing to offer.
    pub fn begin(&self) -> Result<Session> {
        self.look();
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        let server = ServerConnection::new(config).map_err(refused)?;
        Ok(Session::new(server.into()))
    }

    /// How long a handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        self.wanted.handshake_timeout
    }

    /// Reads the files again if they have changed.
    fn look(&self) {
        let now = clock::monotonic_ms();
        let before = self.looked.load(Relaxed);
        if now.saturating_sub(before) < LOOK_EVERY_MS
            || self.looked.compare_exchange(before, now, Relaxed, Relaxed).is_err()
        {
            return;
        }
        let mut known = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        // A file that is not there any more, or not for this process, says nothing of a new one.
        let found: Stamps = stamps(&self.wanted).into_iter().zip(&*known).map(|(new, old)| new.or(*old)).collect();
        if *known == found {
            return;
        }
        *known = found;
        match read(&self.wanted, self.tickets.clone()) {
            Ok(config) => {
                *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
                crate::log::info!("the certificate of {} is read again", self.wanted.cert_file.display());
            }
            Err(e) => crate::log::warn!("certificates have changed, and those of before stay: {e}"),
        }
    }
}

/// What tells a file from its successor: device-wide number, time of change, size.
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
    let resolver = ByName { named, default: pair(&wanted.cert_file, &wanted.key_file)? };
    let mut config = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&suites::versions(wanted.versions))
        .map_err(refused)?
        .with_client_cert_verifier(judge(wanted, provider)?)
        .with_cert_resolver(Arc::new(resolver));
    config.ticketer = tickets;
    config.ignore_client_order = wanted.prefer_server_ciphers;
    config.alpn_protocols.clone_from(&wanted.alpn);
    Ok(config)
}

fn ca_files(wanted: &TlsConfig) -> impl Iterator<Item = &PathBuf> {
    wanted.client_ca_file.iter().chain(&wanted.ca_file)
}

fn judge(
    wanted: &TlsConfig,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>> {
    if !wanted.verify_peer {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let roots = files::roots(ca_files(wanted), wanted.ca_path.as_deref())?;
    if roots.store.is_empty() {
        let why = "ssl_verify_peer wants ssl_client_cert_file: who vouches for clients?".into();
        return Err(Error::State { operation: "verify clients", reason: why });
    }
    let judge = OfClients::new(roots, wanted.allow_self_signed, wanted.verify_depth, provider);
    let why =
        |e: rustls::server::VerifierBuilderError| Error::State { operation: "verify clients", reason: e.to_string() };
    Ok(Arc::new(judge.map_err(why)?))
}

fn refused(why: rustls::Error) -> Error {
    Error::State { operation: "serve TLS", reason: why.to_string() }
}

/// How often files are looked at, at most.
const LOOK_EVERY_MS: u64 = 1000;
