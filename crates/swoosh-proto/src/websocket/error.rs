//! Violations of the protocol by the peer.

/// A violation of the protocol, and the status code of the close frame that reports it (section 7.4.1).
///
/// ```
/// use swoosh_proto::websocket::{FrameRules, MessageAssembler};
///
/// let rules = FrameRules { max: 1024, masked: true, deflate: false };
/// let unmasked = b"\x81\x02Hi";
/// assert_eq!(MessageAssembler::default().take(unmasked, rules).unwrap_err().code, 1002);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebSocketError {
    /// 1002 (protocol error), 1007 (invalid payload) or 1009 (message too big).
    pub code: u16,
    /// The reason, for the log and the close frame.
    pub reason: &'static str,
}

pub(super) const fn error<T>(code: u16, reason: &'static str) -> Result<T, WebSocketError> {
    Err(WebSocketError { code, reason })
}

pub(super) const TOO_LONG: &str = "the message is longer than package_max_length";
