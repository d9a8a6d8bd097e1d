//! TLS on a [`CoroutineSocket`], transparent to its reads and writes.
//!
//! [`start_tls`](CoroutineSocket::start_tls) attaches a session of a [`Connector`] or [`Acceptor`];
//! [`handshake`](CoroutineSocket::handshake) performs the handshake, as does the first read or write.

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
    /// Attaches a TLS session. The handshake is done by [`handshake`](Self::handshake) or the first read or write.
    pub fn start_tls(&self, session: Session) {
        *self.tls.borrow_mut() = Some(Box::new(Tls::new(session)));
    }

    /// Whether it uses TLS.
    pub fn is_tls(&self) -> bool {
        self.tls.borrow().is_some()
    }

    pub(super) fn with_tls<T>(&self, f: impl FnOnce(&mut Tls) -> T) -> Option<T> {
        self.tls.borrow_mut().as_deref_mut().map(f)
    }

    /// Performs the handshake. After a failure, [`tls_error`](Self::tls_error) has the message.
    pub fn handshake(&self, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        let until = limit.map(|limit| Instant::now() + limit);
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()).max(MIN_WAIT));
            if let Err(code) = self.flush(left)? {
                return Ok(Err(code));
            }
            if self.with_tls(|tls| tls.session.is_handshaking()) != Some(true) {
                return Ok(Ok(()));
            }
            let step = || {
                self.with_tls(|tls| match (&tls.broken, tls.code) {
                    (Some(_), code) => Err(io::Error::from_raw_os_error(code)),
                    _ => tls.receive(self.fd()),
                })
                .unwrap_or(Ok(0))
            };
            match self.retry(Direction::Read, left, step)? {
                Ok(0) => {
                    self.with_tls(|tls| {
                        tls.broken = Some("the peer closed the connection during the handshake".to_owned())
                    });
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

    /// Performs the handshake unless it is complete or the socket does not use TLS.
    pub fn ensure_handshake(&self, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        match self.with_tls(|tls| tls.session.is_handshaking()) {
            Some(true) => self.handshake(limit),
            _ => Ok(Ok(())),
        }
    }

    /// Encrypts and sends a part of `bytes`; returns how many.
    pub(super) fn send_tls(&self, bytes: &[u8], limit: Option<Duration>) -> PhpResult<Result<usize, ErrorCode>> {
        if let Err(code) = self.ensure_handshake(limit)? {
            return Ok(Err(code));
        }
        if let Err(code) = self.flush(limit)? {
            return Ok(Err(code));
        }
        let encrypted = self.with_tls(|tls| tls.session.seal(bytes)).unwrap_or(Ok(0));
        let Ok(encrypted) = encrypted else { return Ok(Err(libc::EPIPE)) };
        Ok(self.flush(limit)?.map(|()| encrypted))
    }

    fn flush(&self, limit: Option<Duration>) -> PhpResult<Result<(), ErrorCode>> {
        self.retry(Direction::Write, limit, || self.with_tls(|tls| tls.flush(self.fd())).unwrap_or(Ok(())))
    }

    /// The message of the error that ended the TLS session.
    pub fn tls_error(&self) -> Option<String> {
        self.tls.borrow().as_ref()?.broken.clone()
    }

    /// The peer's certificate chain (DER), after the handshake.
    pub fn peer_certificates(&self) -> Vec<Vec<u8>> {
        let shown = self.with_tls(|tls| tls.session.peer_certificates().iter().map(|der| der.to_vec()).collect());
        shown.unwrap_or_default()
    }

    /// The protocol that was selected in the handshake (ALPN, RFC 7301).
    pub fn negotiated_protocol(&self) -> Option<Vec<u8>> {
        self.with_tls(|tls| tls.session.protocol().map(<[u8]>::to_vec)).flatten()
    }

    /// Sends a close_notify alert (RFC 8446, section 6.1), if that is possible without waiting.
    pub fn send_close_notify(&self) {
        self.with_tls(|tls| {
            if !tls.ended && !tls.session.is_handshaking() && tls.process == process::pid() {
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

/// The TLS settings of a PHP client or coroutine server.
#[derive(Clone, Default)]
pub struct TlsSettings {
    /// The settings that a server has too.
    pub config: TlsConfig,
    /// `ssl_host_name`.
    host_name: Option<String>,
    /// `open_ssl`.
    pub is_open: bool,
}

impl TlsSettings {
    /// Combines the engine's `config` with the settings in `given` that only clients have.
    pub fn new(config: TlsConfig, given: &Array) -> Self {
        let name = given.get("ssl_host_name").and_then(Zval::bytes).filter(|name| !name.is_empty());
        TlsSettings {
            config,
            host_name: name.map(|name| String::from_utf8_lossy(name).into_owned()),
            is_open: given.get("open_ssl").is_some_and(Zval::to_bool),
        }
    }

    /// A client session for a server host.
    pub fn begin(&self, host: &[u8]) -> swoosh::Result<Session> {
        self.begin_with(host, &[])
    }

    /// A client session for a server host that offers protocols, in order of preference (ALPN, RFC 7301).
    pub fn begin_with(&self, host: &[u8], protocols: &[&[u8]]) -> swoosh::Result<Session> {
        let alpn = protocols.iter().map(|name| name.to_vec()).collect();
        connector(&ClientTls { alpn, ..self.of_client(host) })?.begin()
    }

    /// The acceptor that creates server sessions.
    pub fn acceptor(&self) -> swoosh::Result<Acceptor> {
        Acceptor::new(&self.config)
    }

    /// The client settings for a server host. The certificate's name is verified if the host is a name or `ssl_host_name` is
    /// set, not if it is only an address.
    pub fn of_client(&self, host: &[u8]) -> ClientTls {
        let host = String::from_utf8_lossy(host);
        let is_host = !host.starts_with('/') && !host.is_empty();
        let is_name = is_host && host.parse::<IpAddr>().is_err();
        let own = &self.config;
        // The certificate file may contain the key.
        let key = if own.key_file == PathBuf::new() { &own.cert_file } else { &own.key_file };
        let certificate = (own.cert_file != PathBuf::new()).then(|| (own.cert_file.clone(), key.clone()));
        ClientTls {
            versions: own.versions,
            ciphers: own.ciphers.clone(),
            curves: own.curves.clone(),
            verify_peer: own.verify_peer,
            allow_self_signed: own.allow_self_signed,
            verify_name: self.host_name.clone().or_else(|| is_name.then(|| host.to_string())),
            server_name: self.host_name.clone().or_else(|| is_host.then(|| host.to_string())),
            ca_files: own.ca_file.iter().cloned().collect(),
            ca_path: own.ca_path.clone(),
            verify_depth: own.verify_depth,
            certificate,
            alpn: Vec::new(),
        }
    }
}

/// A connector for these settings. Recent ones are cached, with their resumable sessions and the files they have read.
fn connector(wanted: &ClientTls) -> swoosh::Result<Connector> {
    thread_local! {
        static CONNECTORS: RefCell<HashMap<ClientTls, (Instant, Connector)>> = RefCell::default();
    }
    CONNECTORS.with_borrow_mut(|known| {
        known.retain(|_, (made, _)| made.elapsed() < CONNECTOR_LIFETIME);
        if let Some((_, connector)) = known.get(wanted) {
            return Ok(connector.clone());
        }
        let connector = Connector::new(wanted)?;
        if known.len() < MAX_CONNECTORS {
            known.insert(wanted.clone(), (Instant::now(), connector.clone()));
        }
        Ok(connector)
    })
}

/// Whether an error code is one of TLS, so that [`CoroutineSocket::tls_error`] has its message.
pub fn is_tls_error(code: ErrorCode) -> bool {
    (NOT_READY..=CONTEXT_FAILED).contains(&code)
}

/// `SWOOLE_ERROR_SSL_NOT_READY`.
pub const NOT_READY: ErrorCode = 1011;
/// `SWOOLE_ERROR_SSL_CREATE_CONTEXT_FAILED`: the settings or their files are invalid.
pub const CONTEXT_FAILED: ErrorCode = 1019;
/// The shortest wait; a zero timeout would block forever.
const MIN_WAIT: Duration = Duration::from_millis(1);
/// How long a connector is cached.
const CONNECTOR_LIFETIME: Duration = Duration::from_secs(60);
const MAX_CONNECTORS: usize = 64;
