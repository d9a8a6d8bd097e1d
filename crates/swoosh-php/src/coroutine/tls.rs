//! TLS on a [`CoroutineSocket`]: whoever reads and writes does not see it.
//!
//! `seal` a link with a session of a [`Connector`] or an [`Acceptor`], then `shake`; or leave that to the first byte that
//! is read or written. [`TlsSettings`] is what settings of PHP say of it.

use super::socket::{CoroutineSocket, Direction, ErrorCode};
pub use super::tls_session::VERIFY_FAILED;
use super::tls_session::{HANDSHAKE_FAILED, Tls};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use swoosh::sys::process;
use swoosh::tls::{Acceptor, ClientTls, Connector, Session, TlsConfig};
use swoosh_zend::{Array, PhpResult, Zval};

impl CoroutineSocket {
    /// From here on bytes are sealed; the handshake comes with [`shake`](CoroutineSocket::shake) or the first of them.
    pub fn start_tls(&self, session: Session) {
        *self.tls.borrow_mut() = Some(Box::new(Tls::new(session)));
    }

    /// Whether it speaks TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.borrow().is_some()
    }

    fn with_tls<T>(&self, f: impl FnOnce(&mut Tls) -> T) -> Option<T> {
        self.tls.borrow_mut().as_deref_mut().map(f)
    }

    /// Agrees upon TLS with the peer. The words for a failure are [`why`](CoroutineSocket::tls_error).
    pub fn handshake(&self, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()).max(LEAST));
            if let Err(code) = self.flush(left)? {
                return Ok(Err(code));
            }
            if self.with_tls(|tls| tls.session.is_shaking()) != Some(true) {
                return Ok(Ok(()));
            }
            let step = || {
                self.with_tls(|tls| match (&tls.broken, tls.code) {
                    (Some(_), code) => Err(io::Error::from_raw_os_error(code)),
                    _ => tls.take(self.fd()),
                })
                .unwrap_or(Ok(0))
            };
            match self.retry(Direction::Read, left, step)? {
                Ok(0) => {
                    self.with_tls(|tls| tls.broken = Some("the peer has gone".to_owned()));
                    return Ok(Err(HANDSHAKE_FAILED));
                }
                Ok(_) => {}
                Err(code) => return Ok(Err(code)),
            }
            if let Some(Some(code)) = self.with_tls(|tls| tls.broken.is_some().then_some(tls.code)) {
                return Ok(Err(code));
            }
        }
    }

    /// The same where that was not done yet.
    pub fn ensure_handshake(&self, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        match self.with_tls(|tls| tls.session.is_shaking()) {
            Some(true) => self.handshake(limit),
            _ => Ok(Ok(())),
        }
    }

    /// Writes a piece of it, sealed.
    pub(super) fn send_sealed(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<Result<usize, ErrorCode>> {
        if let Err(code) = self.ensure_handshake(limit)? {
            return Ok(Err(code));
        }
        if let Err(code) = self.flush(limit)? {
            return Ok(Err(code));
        }
        let sealed = self.with_tls(|tls| tls.session.seal(bytes)).unwrap_or(Ok(0));
        let Ok(sealed) = sealed else { return Ok(Err(libc::EPIPE)) };
        Ok(self.flush(limit)?.map(|()| sealed))
    }

    fn flush(&self, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        self.retry(Direction::Write, limit, || self.with_tls(|tls| tls.flush(self.fd())).unwrap_or(Ok(())))
    }

    /// Why its TLS came to nothing, in words.
    pub fn tls_error(&self) -> Option<String> {
        self.tls.borrow().as_ref()?.broken.clone()
    }

    /// The certificate that the peer showed and its issuers (DER), once hands are ensure_handshake.
    pub fn peer_certificates(&self) -> Vec<Vec<u8>> {
        let shown = self.with_tls(|tls| tls.session.peer_certificates().iter().map(|der| der.to_vec()).collect());
        shown.unwrap_or_default()
    }

    /// Tells the peer that no more comes, as far as there is room for that now.
    pub fn send_close_notify(&self) {
        self.with_tls(|tls| {
            if !tls.ended && !tls.session.is_shaking() && tls.process == process::pid() {
                tls.ended = true;
                tls.session.close();
                let _ = tls.flush(self.fd());
            }
        });
    }
}

impl Drop for CoroutineSocket {
    fn drop(&mut self) {
        self.send_close_notify();
    }
}

/// What settings of PHP say of TLS.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// The settings that servers have too.
    pub config: TlsConfig,
    /// `ssl_host_name`.
    host_name: Option<String>,
    /// `open_ssl`.
    pub is_open: bool,
}

impl TlsSettings {
    /// `config`: what the engine made of the same settings.
    pub fn new(config: TlsConfig, given: &Array) -> Self {
        let name = given.get("ssl_host_name").and_then(Zval::bytes).filter(|name| !name.is_empty());
        TlsSettings {
            config,
            host_name: name.map(|name| String::from_utf8_lossy(name).into_owned()),
            is_open: given.get("open_ssl").is_some_and(Zval::to_bool),
        }
    }

    /// A session with that server.
    pub fn begin(&self, host: &[u8]) -> swoosh::Result<Session> {
        connector(&self.of_client(host))?.begin()
    }

    /// Those who make sessions with clients.
    pub fn acceptor(&self) -> swoosh::Result<Acceptor> {
        Acceptor::new(&self.config)
    }

    /// What a client of that server wants. The name of its certificate is looked at where there is one: an address alone
    /// says nothing of it.
    pub fn of_client(&self, host: &[u8]) -> ClientTls {
        let host = String::from_utf8_lossy(host);
        let is_host = !host.starts_with('/') && !host.is_empty();
        let is_name = is_host && host.parse::<IpAddr>().is_err();
        let own = &self.config;
        // One file may have both.
        let key = if own.key_file == PathBuf::new() { &own.cert_file } else { &own.key_file };
        let certificate = (own.cert_file != PathBuf::new()).then(|| (own.cert_file.clone(), key.clone()));
        ClientTls {
            versions: own.versions,
            ciphers: own.ciphers.clone(),
            curves: own.curves.clone(),
            verify_peer: own.verify_peer,
            allow_self_signed: own.allow_self_signed,
            verify_name: self.host_name.clone().or_else(|| is_name.then(|| host.to_string())),
            ask_name: self.host_name.clone().or_else(|| is_host.then(|| host.to_string())),
            ca_files: own.ca_file.iter().cloned().collect(),
            ca_path: own.ca_path.clone(),
            verify_depth: own.verify_depth,
            certificate,
            alpn: Vec::new(),
        }
    }
}

/// One that was made a moment ago, where there is one: it knows sessions to go on with, and has read its files.
fn connector(wanted: &ClientTls) -> swoosh::Result<Connector> {
    thread_local! {
        static KNOWN: RefCell<HashMap<ClientTls, (Instant, Connector)>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        known.retain(|_, (made, _)| made.elapsed() < REMEMBERED);
        if let Some((_, connector)) = known.get(wanted) {
            return Ok(connector.clone());
        }
        let connector = Connector::new(wanted)?;
        if known.len() < MOST_REMEMBERED {
            known.insert(wanted.clone(), (Instant::now(), connector.clone()));
        }
        Ok(connector)
    })
}

/// Whether a code is one of TLS, whose words are the link's.
pub fn is_tls_error(code: ErrorCode) -> bool {
    (NOT_READY..=CONTEXT_FAILED).contains(&code)
}

/// SWOOLE_ERROR_SSL_NOT_READY, SWOOLE_ERROR_SSL_VERIFY_FAILED, SWOOLE_ERROR_SSL_HANDSHAKE_FAILED and
/// SWOOLE_ERROR_SSL_CREATE_CONTEXT_FAILED.
pub const NOT_READY: ErrorCode = 1011;
/// The settings, or the files they name, cannot be used.
pub const CONTEXT_FAILED: ErrorCode = 1019;
/// A wait of no time would be one for ever.
const LEAST: Duration = Duration::from_millis(1);
/// How long a client's files are not read again.
const REMEMBERED: Duration = Duration::from_secs(60);
const MOST_REMEMBERED: usize = 64;
