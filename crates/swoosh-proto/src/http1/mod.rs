//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).
//!
//! [`request_framer`] finds where a request ends and refuses what is none, as strictly as request smuggling asks for; [`body_decoder`] does
//! so for bodies that are not kept in memory;
//! [`request`] reads a request that was found whole; [`conditional`] weighs its conditions and ranges; [`response_writer`] writes
//! answers; [`response_parser`] reads them, as a client.

pub mod body_decoder;
pub mod conditional;
pub mod request;
pub mod request_framer;
pub mod response_parser;
pub mod response_writer;

/// A request that is answered with a status and nothing else, before its connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The answer's status: 400 to 599.
    pub status: u16,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Refusal {
    /// With that status, for that reason.
    pub const fn new(status: u16, reason: &'static str) -> Self {
        Refusal { status, reason }
    }

    /// The refusal in the place of the request: where other requests of the connection are unanswered still, it has to
    /// take the same way as they. No request begins with a zero byte.
    pub fn to_packet(self) -> [u8; 3] {
        let [high, low] = self.status.to_be_bytes();
        [0, high, low]
    }

    /// The status of the refusal that a packet is, if it is one.
    pub fn status_of_packet(packet: &[u8]) -> Option<u16> {
        match packet {
            [0, high, low] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }

    /// The whole answer.
    pub fn response(status: u16) -> Vec<u8> {
        let reason = response_writer::reason(status);
        format!("HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").into_bytes()
    }
}

/// Whether a list of tokens (RFC 9110 section 5.6.1) has that one; case counts nothing.
pub fn has_token(list: &[u8], token: &str) -> bool {
    list.split(|&b| b == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether a byte may be part of a token (RFC 9110 section 5.6.2).
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The methods that the server knows: IANA's register, and PURGE, NOTIFY, SUBSCRIBE, UNSUBSCRIBE and SOURCE, which
/// programs use.
pub fn is_method(method: &str) -> bool {
    matches!(method, "GET" | "POST" | "HEAD" | "PUT" | "DELETE" | "PATCH" | "OPTIONS") || METHODS.contains(&method)
}

const METHODS: &[&str] = &[
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "NOTIFY",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// Header fields that one request may have.
pub const MAX_HEADERS: usize = 128;
/// Bytes of a request's head.
pub const MAX_HEAD: usize = 64 << 10;
/// Bytes of a request's target.
pub const MAX_TARGET: usize = 32 << 10;
