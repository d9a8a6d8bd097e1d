//! Faults of a peer.

use crate::http1::Refusal;

/// Bytes from a peer that cannot be served. They close that one connection and are not an error of the server.
///
/// ```
/// use swoosh_proto::PeerFault;
///
/// let fault = PeerFault::TooLong { length: Some(3_000_000), max: 2_097_152 };
/// assert_eq!(fault.code(), 1201);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerFault {
    /// A packet is longer than the port allows.
    #[error("{}the longest packet this port takes is {max} bytes (package_max_length)", announced(.length))]
    TooLong {
        /// The length that the packet announces, bytes; `None` if no end was found within the limit.
        length: Option<u64>,
        /// `package_max_length`, bytes.
        max: u64,
    },
    /// The bytes violate the protocol.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    /// An HTTP request that is answered with an error status.
    #[error("refused with status {}: {}", .0.status, .0.reason)]
    Refused(Refusal),
}

impl PeerFault {
    /// The public number of the fault: 1201 (`SWOOLE_ERROR_PACKAGE_LENGTH_TOO_LARGE`) or 1204
    /// (`SWOOLE_ERROR_PACKAGE_MALFORMED_DATA`).
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

const PACKAGE_LENGTH_TOO_LARGE: i32 = 1201;
const PACKAGE_MALFORMED_DATA: i32 = 1204;
