//! Proxies: SOCKS5 (RFC 1928) and HTTP CONNECT (RFC 9110 section 9.3.6).

use crate::coroutine::socket::{CoroutineSocket, Deadline, ErrorCode};
use swoosh::proto::base64;
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

    /// The value of `Proxy-Authorization` (RFC 7617), if a user is set.
    pub fn credentials(&self) -> Option<String> {
        let user = self.user.as_ref()?;
        Some(format!("Basic {}", base64(&[user, &b":"[..], &self.password].concat())))
    }
}

/// Sends a message and reads a reply of exactly `answer` bytes.
fn exchange(
    link: &CoroutineSocket,
    words: &[u8],
    answer: usize,
    deadline: &Deadline,
) -> PhpResult<Result<Vec<u8>, ErrorCode>> {
    let left = match deadline.remaining() {
        Ok(left) => left,
        Err(code) => return Ok(Err(code)),
    };
    if let (_, Some(code)) = link.send_all(words, left)? {
        return Ok(Err(code));
    }
    let mut got = Vec::new();
    while got.len() < answer {
        let missing = answer - got.len();
        match read_part(link, &mut got, missing, deadline)? {
            Ok(0) => return Ok(Err(SOCKS_FAILED)),
            Ok(_) => {}
            Err(code) => return Ok(Err(code)),
        }
    }
    Ok(Ok(got))
}

/// Reads at most `most` bytes, until the deadline.
fn read_part(
    link: &CoroutineSocket,
    into: &mut Vec<u8>,
    most: usize,
    deadline: &Deadline,
) -> PhpResult<Result<usize, ErrorCode>> {
    match deadline.remaining() {
        Ok(left) => link.read_into(into, most, left),
        Err(code) => Ok(Err(code)),
    }
}

/// Connects through SOCKS5 (RFC 1928), with username authentication (RFC 1929) if set. The proxy resolves names.
pub(super) fn socks(
    link: &CoroutineSocket,
    proxy: &Proxy,
    host: &[u8],
    port: i64,
    deadline: &Deadline,
) -> PhpResult<Result<(), ErrorCode>> {
    // Lengths of one byte (RFC 1928 section 5, RFC 1929 section 2).
    let user = proxy.user.as_deref().unwrap_or_default();
    if [host, user, &proxy.password].iter().any(|text| text.len() > 255) {
        return Ok(Err(libc::EINVAL));
    }
    let method = if proxy.user.is_some() { 2 } else { 0 };
    match exchange(link, &[5, 1, method], 2, deadline)? {
        Ok(answer) if answer == [5, method] => {}
        Ok(answer) => return Ok(Err(if answer[0] == 5 { SOCKS_METHOD } else { SOCKS_VERSION })),
        Err(code) => return Ok(Err(code)),
    }
    if let Some(user) = &proxy.user {
        let mut words = vec![1, user.len() as u8];
        words.extend_from_slice(user);
        words.push(proxy.password.len() as u8);
        words.extend_from_slice(&proxy.password);
        match exchange(link, &words, 2, deadline)? {
            Ok(answer) if answer[1] == 0 => {}
            Ok(_) => return Ok(Err(SOCKS_USER)),
            Err(code) => return Ok(Err(code)),
        }
    }
    let mut words = vec![5, 1, 0, 3, host.len() as u8];
    words.extend_from_slice(host);
    words.extend_from_slice(&(port as u16).to_be_bytes());
    let head = match exchange(link, &words, 5, deadline)? {
        Ok(head) if head[0] == 5 && head[1] == 0 => head,
        Ok(_) => return Ok(Err(SOCKS_CONNECT)),
        Err(code) => return Ok(Err(code)),
    };
    // The rest of the address that the proxy uses, of which one byte was read.
    let rest = match head[3] {
        1 => 3 + 2,
        4 => 15 + 2,
        _ => usize::from(head[4]) + 2,
    };
    Ok(exchange(link, &[], rest, deadline)?.map(drop))
}

/// CONNECT of RFC 9110, section 9.3.6.
pub(super) fn http_connect(
    link: &CoroutineSocket,
    proxy: &Proxy,
    host: &[u8],
    port: i64,
    deadline: &Deadline,
) -> PhpResult<Result<(), ErrorCode>> {
    let host = String::from_utf8_lossy(host);
    let mut words = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(credentials) = proxy.credentials() {
        words.push_str(&format!("Proxy-Authorization: {credentials}\r\n"));
    }
    words.push_str("\r\n");
    let mut answer = match exchange(link, words.as_bytes(), 0, deadline)? {
        Ok(answer) => answer,
        Err(code) => return Ok(Err(code)),
    };
    // Byte by byte: bytes behind the head belong to the tunnel.
    while !answer.ends_with(b"\r\n\r\n") {
        match read_part(link, &mut answer, 1, deadline)? {
            Ok(1) if answer.len() < MAX_HEAD => {}
            Ok(_) => return Ok(Err(PROXY_BAD)),
            Err(code) => return Ok(Err(code)),
        }
    }
    let good = answer.starts_with(b"HTTP/1.") && answer.get(9..12) == Some(b"200");
    Ok(if good { Ok(()) } else { Err(PROXY_FAILED) })
}

/// Longest head of a CONNECT response, bytes.
const MAX_HEAD: usize = 8192;
/// SWOOLE_ERROR_SOCKS5_* and SWOOLE_ERROR_HTTP_PROXY_*.
const SOCKS_VERSION: i32 = 7001;
const SOCKS_METHOD: i32 = 7002;
const SOCKS_USER: i32 = 7003;
const SOCKS_FAILED: i32 = 7005;
const SOCKS_CONNECT: i32 = 7006;
const PROXY_FAILED: i32 = 7103;
const PROXY_BAD: i32 = 7104;
