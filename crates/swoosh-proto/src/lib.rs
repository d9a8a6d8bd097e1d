//! Bytes in, events out.
//!
//! This room does no I/O and reads no clock: what it needs is handed in, so every rule in it is tested without a
//! socket.

#![forbid(unsafe_code)]

pub mod framing;
pub mod http1;
pub mod mqtt;
pub mod resp;
pub mod websocket;

/// What a peer sent that cannot be served. It closes that one connection and is no error of the server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// A packet is longer than the port allows.
    #[error("{}the longest packet this port takes is {max} bytes (package_max_length)", announced(.length))]
    TooLong {
        /// The length the packet announces, bytes; `None` where no end was found within the limit.
        length: Option<u64>,
        /// `package_max_length`, bytes.
        max: u64,
    },
    /// The bytes contradict the protocol.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    /// A request of HTTP that is answered with a status.
    #[error("refused with status {}: {}", .0.status, .0.reason)]
    Refused(http1::Refusal),
}

impl PeerFault {
    /// The public number of the fault: `SWOOLE_ERROR_PACKAGE_LENGTH_TOO_LARGE` or
    /// `SWOOLE_ERROR_PACKAGE_MALFORMED_DATA`.
    pub fn code(&self) -> i32 {
        match self {
            PeerFault::TooLong { .. } => PACKAGE_LENGTH_TOO_LARGE,
            PeerFault::Malformed(_) | PeerFault::Refused(_) => PACKAGE_MALFORMED_DATA,
        }
    }
}

fn announced(length: &Option<u64>) -> String {
    match length {
        Some(length) => format!("packet of {length} bytes: "),
        None => "packet without an end: ".to_owned(),
    }
}

/// Bytes in Base64, padded (RFC 4648 section 4).
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, &b| word << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * n)) as usize & 63];
            out.push(if n <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

const PACKAGE_LENGTH_TOO_LARGE: i32 = 1201;
const PACKAGE_MALFORMED_DATA: i32 = 1204;
