//! The client's side of a tunnel through a proxy: SOCKS5 (RFC 1928, with RFC 1929) and HTTP CONNECT (RFC 9110, section
//! 9.3.6). The proxy resolves names.
//!
//! ```
//! use swoosh_proto::proxy::{Handshake, Step};
//!
//! let mut handshake = Handshake::socks5("far.test", 80, None).unwrap();
//! assert_eq!(handshake.next(&[]), Ok(Step::Send(vec![5, 1, 0])));
//! assert_eq!(handshake.next(&[]), Ok(Step::Receive(2)));
//! ```

use crate::base64;

/// User and password for a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// At most 255 bytes for SOCKS5.
    pub user: Vec<u8>,
    /// At most 255 bytes for SOCKS5.
    pub password: Vec<u8>,
}

/// An action of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Receive exactly that many bytes and pass them to the next call.
    Receive(usize),
    /// The tunnel is open: what is received from now on comes from its far end.
    Done,
}

/// Why a proxy opens no tunnel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyFault {
    /// The proxy does not speak SOCKS version 5.
    #[error("the proxy speaks SOCKS version {0}, not 5")]
    Version(u8),
    /// It accepts none of the offered ways of authentication.
    #[error("the proxy accepts no offered authentication method")]
    Method,
    /// It rejects user and password.
    #[error("the proxy rejects the user or the password")]
    Authentication,
    /// It cannot connect: the reply field of RFC 1928, section 6.
    #[error("the SOCKS proxy cannot connect: reply {0}")]
    Refused(u8),
    /// A host name, user or password is longer than 255 bytes.
    #[error("host names, users and passwords for a SOCKS proxy have at most 255 bytes")]
    TooLong,
    /// It answers CONNECT with a status other than 2xx.
    #[error("the HTTP proxy answers with status {0}")]
    Status(u16),
    /// Its answer is not HTTP/1, or its head is longer than 8 KiB.
    #[error("the HTTP proxy sends a malformed response")]
    Malformed,
}

impl ProxyFault {
    /// The public number of the fault: `SWOOLE_ERROR_SOCKS5_*` or `SWOOLE_ERROR_HTTP_PROXY_*`.
    pub fn code(&self) -> i32 {
        match self {
            ProxyFault::Version(_) => 7001,
            ProxyFault::Method => 7002,
            ProxyFault::Authentication => 7003,
            ProxyFault::Refused(_) => 7004,
            ProxyFault::TooLong => 7005,
            ProxyFault::Status(_) => 7103,
            ProxyFault::Malformed => 7104,
        }
    }
}

/// The handshake with a proxy. The caller performs each [`Step`] and calls [`next`](Self::next) again.
#[derive(Debug)]
pub struct Handshake {
    state: State,
    /// The messages of the client, see the constructors.
    request: Vec<u8>,
    authentication: Option<Vec<u8>>,
    /// The response head of an HTTP proxy so far.
    head: Vec<u8>,
}

/// The bytes that the caller was asked for last, or a message that it has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    SocksBegin,
    SocksMethod(bool),
    SocksAuthentication(bool),
    SocksReply(bool),
    SocksAddress,
    HttpBegin,
    HttpHead,
    Done,
}

impl Handshake {
    /// A tunnel to `host:port` through a SOCKS5 proxy.
    ///
    /// # Errors
    /// If the host, user or password is longer than 255 bytes.
    pub fn socks5(host: &str, port: u16, credentials: Option<&Credentials>) -> Result<Self, ProxyFault> {
        let counted = |bytes: &[u8], to: &mut Vec<u8>| {
            to.push(u8::try_from(bytes.len()).map_err(|_| ProxyFault::TooLong)?);
            to.extend_from_slice(bytes);
            Ok(())
        };
        let mut request = vec![5, 1, 0, 3];
        counted(host.as_bytes(), &mut request)?;
        request.extend_from_slice(&port.to_be_bytes());
        let authentication = match credentials {
            None => None,
            Some(own) => {
                let mut message = vec![1];
                counted(&own.user, &mut message)?;
                counted(&own.password, &mut message)?;
                Some(message)
            }
        };
        Ok(Handshake { state: State::SocksBegin, request, authentication, head: Vec::new() })
    }

    /// A tunnel to `host:port` through an HTTP proxy. `user_agent`: the value of that field.
    pub fn http(host: &str, port: u16, credentials: Option<&Credentials>, user_agent: &str) -> Self {
        let mut request = format!(
            "CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: {user_agent}\r\n\
             Proxy-Connection: Keep-Alive\r\n"
        );
        if let Some(own) = credentials {
            let basic = base64(&[&own.user[..], b":", &own.password].concat());
            request.push_str(&format!("Proxy-Authorization: Basic {basic}\r\n"));
        }
        request.push_str("\r\n");
        Handshake { state: State::HttpBegin, request: request.into_bytes(), authentication: None, head: Vec::new() }
    }

    /// The next step. `received`: the bytes that the last [`Step::Receive`] asked for, otherwise none.
    ///
    /// # Errors
    /// If the proxy refuses or violates its protocol; the connection is of no further use.
    pub fn next(&mut self, received: &[u8]) -> Result<Step, ProxyFault> {
        let method = if self.authentication.is_some() { 2 } else { 0 };
        let (state, step) = match (self.state, received) {
            (State::SocksBegin, _) => (State::SocksMethod(false), Step::Send(vec![5, 1, method])),
            (State::SocksMethod(false), _) => (State::SocksMethod(true), Step::Receive(2)),
            (State::SocksMethod(true), [5, chosen]) if *chosen == method => match &self.authentication {
                Some(message) => (State::SocksAuthentication(false), Step::Send(message.clone())),
                None => (State::SocksReply(false), Step::Send(self.request.clone())),
            },
            (State::SocksMethod(true), [5, ..]) => return Err(ProxyFault::Method),
            (State::SocksMethod(true), [version, ..]) => return Err(ProxyFault::Version(*version)),
            (State::SocksAuthentication(false), _) => (State::SocksAuthentication(true), Step::Receive(2)),
            (State::SocksAuthentication(true), [_, 0]) => (State::SocksReply(false), Step::Send(self.request.clone())),
            (State::SocksAuthentication(true), [..]) => return Err(ProxyFault::Authentication),
            (State::SocksReply(false), _) => (State::SocksReply(true), Step::Receive(5)),
            (State::SocksReply(true), [5, 0, _, kind, first]) => {
                // The rest of the address that the proxy uses, of which the first byte has been read, and the port.
                let rest = match kind {
                    1 => 3 + 2,
                    4 => 15 + 2,
                    _ => usize::from(*first) + 2,
                };
                (State::SocksAddress, Step::Receive(rest))
            }
            (State::SocksReply(true), [5, reply, ..]) => return Err(ProxyFault::Refused(*reply)),
            (State::SocksReply(true), [version, ..]) => return Err(ProxyFault::Version(*version)),
            (State::SocksReply(true) | State::SocksMethod(true), []) => return Err(ProxyFault::Version(0)),
            (State::HttpBegin, _) => (State::HttpHead, Step::Send(self.request.clone())),
            // Byte by byte: bytes behind the head belong to the tunnel.
            (State::HttpHead, _) => {
                self.head.extend_from_slice(received);
                if !self.head.ends_with(b"\r\n\r\n") {
                    if self.head.len() >= MAX_HEAD || !b"HTTP/1.".starts_with(self.head.get(..7).unwrap_or(&self.head))
                    {
                        return Err(ProxyFault::Malformed);
                    }
                    (State::HttpHead, Step::Receive(1))
                } else {
                    let status = self.head.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
                    match status {
                        Some(200..=299) => (State::Done, Step::Done),
                        Some(status) => return Err(ProxyFault::Status(status)),
                        None => return Err(ProxyFault::Malformed),
                    }
                }
            }
            (State::SocksAddress | State::Done, _) => (State::Done, Step::Done),
        };
        self.state = state;
        Ok(step)
    }
}

/// The longest head of a response to CONNECT, bytes.
const MAX_HEAD: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a handshake against the answers of a proxy; returns what it sent.
    fn run(mut handshake: Handshake, mut answers: &[u8]) -> Result<Vec<u8>, ProxyFault> {
        let mut sent = Vec::new();
        let mut received: Vec<u8> = Vec::new();
        loop {
            match handshake.next(&received)? {
                Step::Send(bytes) => {
                    sent.extend_from_slice(&bytes);
                    received.clear();
                }
                Step::Receive(count) => {
                    assert!(count <= answers.len(), "the handshake asks for more than the proxy sends");
                    received = answers[..count].to_vec();
                    answers = &answers[count..];
                }
                Step::Done => {
                    assert_eq!(answers, b"tunnel", "bytes of the tunnel are left to the caller");
                    return Ok(sent);
                }
            }
        }
    }

    fn me() -> Credentials {
        Credentials { user: b"me".to_vec(), password: b"secret".to_vec() }
    }

    #[test]
    fn socks5_opens_a_tunnel_with_and_without_a_user() {
        let reply = b"\x05\0\0\x01\0\0\0\0\0\0tunnel";
        let plain = Handshake::socks5("far.test", 8080, None).unwrap();
        let sent = run(plain, &[b"\x05\0", &reply[..]].concat()).unwrap();
        assert_eq!(sent, b"\x05\x01\0\x05\x01\0\x03\x08far.test\x1f\x90");
        let user = Handshake::socks5("a", 80, Some(&me())).unwrap();
        let sent = run(user, &[b"\x05\x02\x01\0\x05\0\0\x03\x02ab\0\x50", &b"tunnel"[..]].concat()).unwrap();
        assert_eq!(sent, b"\x05\x01\x02\x01\x02me\x06secret\x05\x01\0\x03\x01a\0\x50");
    }

    #[test]
    fn socks5_refusals_have_their_own_codes() {
        let begin = |user: bool| Handshake::socks5("a", 80, user.then(me).as_ref()).unwrap();
        assert_eq!(run(begin(false), b"\x04\0"), Err(ProxyFault::Version(4)));
        assert_eq!(run(begin(false), b"\x05\xff"), Err(ProxyFault::Method));
        assert_eq!(run(begin(true), b"\x05\0"), Err(ProxyFault::Method), "a method that was not offered");
        assert_eq!(run(begin(true), b"\x05\x02\x01\x01"), Err(ProxyFault::Authentication));
        assert_eq!(run(begin(false), b"\x05\0\x05\x04\0\x01\0"), Err(ProxyFault::Refused(4)));
        assert!(Handshake::socks5(&"a".repeat(256), 80, None).is_err());
    }

    #[test]
    fn http_proxies_answer_with_a_status() {
        let begin = || Handshake::http("far.test", 80, Some(&me()), "test");
        let sent = run(begin(), b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\ntunnel").unwrap();
        let sent = String::from_utf8(sent).unwrap();
        assert!(sent.starts_with("CONNECT far.test:80 HTTP/1.1\r\nHost: far.test:80\r\n"), "{sent}");
        assert!(sent.ends_with("Proxy-Authorization: Basic bWU6c2VjcmV0\r\n\r\n"), "{sent}");
        assert_eq!(run(begin(), b"HTTP/1.1 407 Who\r\n\r\n"), Err(ProxyFault::Status(407)));
        assert_eq!(run(begin(), b"SSH-2.0"), Err(ProxyFault::Malformed));
        assert_eq!(run(begin(), &[&b"HTTP/1.1 200 "[..], &[b'x'; 9000]].concat()), Err(ProxyFault::Malformed));
    }
}
