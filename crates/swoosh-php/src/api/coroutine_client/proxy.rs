//! Proxies: SOCKS5 (RFC 1928) and HTTP CONNECT (RFC 9110 section 9.3.6).

use crate::coroutine::socket::{CoroutineSocket, Deadline, ErrorCode};
use swoosh::proto::base64;
use swoosh::proto::proxy::{Credentials, Handshake, ProxyFault, Step};
use swoosh_zend::{Array, PhpResult, Zval};

/// A SOCKS5 or HTTP proxy.
#[derive(Clone)]
pub struct Proxy {
    pub(super) host: Vec<u8>,
    pub(super) port: i64,
    pub(super) user: Option<Vec<u8>>,
    pub(super) password: Vec<u8>,
    /// SOCKS5, else an HTTP proxy that knows CONNECT.
    pub socks: bool,
}

impl Proxy {
    /// From a client's settings.
    pub fn of(all: &Array) -> Option<Proxy> {
        let text = |name: &str| all.get(name).and_then(Zval::bytes).map(<[u8]>::to_vec);
        let proxy = |kind: &str, user: &str, socks: bool| {
            Some(Proxy {
                host: text(&format!("{kind}_host"))?,
                port: all.get(&format!("{kind}_port"))?.to_int(),
                user: text(&format!("{kind}_{user}")),
                password: text(&format!("{kind}_password")).unwrap_or_default(),
                socks,
            })
        };
        let http = || {
            let user = if all.get("http_proxy_username").is_some() { "username" } else { "user" };
            proxy("http_proxy", user, false)
        };
        proxy("socks5", "username", true).or_else(http)
    }

    /// Host and port.
    pub fn address(&self) -> (&[u8], i64) {
        (&self.host, self.port)
    }

    /// User and password.
    pub(crate) fn login(&self) -> Option<Credentials> {
        self.user.as_ref().map(|user| Credentials { user: user.clone(), password: self.password.clone() })
    }

    /// The handshake for a tunnel to `host:port`.
    pub(crate) fn handshake(&self, host: &[u8], port: i64) -> Result<Handshake, ProxyFault> {
        let (host, port) = (String::from_utf8_lossy(host), port as u16);
        let credentials = self.login();
        if self.socks {
            return Handshake::socks5(&host, port, credentials.as_ref());
        }
        Ok(Handshake::http(&host, port, credentials.as_ref(), USER_AGENT))
    }

    /// The value of `Proxy-Authorization` (RFC 7617), if a user is set.
    pub fn credentials(&self) -> Option<String> {
        let user = self.user.as_ref()?;
        Some(format!("Basic {}", base64(&[user, &b":"[..], &self.password].concat())))
    }
}

/// Opens a tunnel to `host:port` through the proxy that the socket is connected to.
pub(super) fn open_tunnel(
    link: &CoroutineSocket,
    proxy: &Proxy,
    host: &[u8],
    port: i64,
    deadline: &Deadline,
) -> PhpResult<Result<(), ErrorCode>> {
    let mut handshake = match proxy.handshake(host, port) {
        Ok(handshake) => handshake,
        Err(fault) => return Ok(Err(fault.code())),
    };
    let mut received = Vec::new();
    loop {
        match handshake.next(&received) {
            Err(fault) => return Ok(Err(fault.code())),
            Ok(Step::Done) => return Ok(Ok(())),
            Ok(Step::Send(message)) => {
                received.clear();
                let left = match deadline.remaining() {
                    Ok(left) => left,
                    Err(code) => return Ok(Err(code)),
                };
                if let (_, Some(code)) = link.send_all(&message, left)? {
                    return Ok(Err(code));
                }
            }
            Ok(Step::Receive(count)) => {
                received.clear();
                while received.len() < count {
                    let missing = count - received.len();
                    let left = match deadline.remaining() {
                        Ok(left) => left,
                        Err(code) => return Ok(Err(code)),
                    };
                    match link.read_into(&mut received, missing, left)? {
                        Ok(0) => return Ok(Err(if proxy.socks { SOCKS_FAILED } else { PROXY_FAILED })),
                        Ok(_) => {}
                        Err(code) => return Ok(Err(code)),
                    }
                }
            }
        }
    }
}

/// As Swoole sends it.
const USER_AGENT: &str = "Swoole/6.2.1";
/// SWOOLE_ERROR_SOCKS5_HANDSHAKE_FAILED and SWOOLE_ERROR_HTTP_PROXY_HANDSHAKE_FAILED.
const SOCKS_FAILED: i32 = 7005;
const PROXY_FAILED: i32 = 7103;
