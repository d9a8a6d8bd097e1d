//! Requests that are answered with an error status and nothing else.

use super::response_writer::reason;

/// Why a request is answered with an error status, before its connection is closed.
///
/// ```
/// use swoosh_proto::http1::Refusal;
///
/// let refusal = Refusal::new(414, "the target is too long");
/// assert!(Refusal::response(refusal.status).starts_with(b"HTTP/1.1 414 URI Too Long\r\n"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the response, 400 to 599.
    pub status: u16,
    /// The reason, for the log.
    pub reason: &'static str,
}

impl Refusal {
    /// A refusal with that status, for that reason.
    pub const fn new(status: u16, reason: &'static str) -> Self {
        Refusal { status, reason }
    }

    /// Encodes the refusal as a packet in place of the request. If earlier requests of the connection have no response
    /// yet, the refusal takes the same path to the worker, so that the order is kept. No request starts with a zero byte.
    pub fn to_packet(self) -> [u8; 3] {
        let [high, low] = self.status.to_be_bytes();
        [0, high, low]
    }

    /// The status in a packet of [`to_packet`](Refusal::to_packet); `None` for any other packet.
    pub fn status_of_packet(packet: &[u8]) -> Option<u16> {
        match packet {
            [0, high, low] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }

    /// The complete response, which closes the connection.
    pub fn response(status: u16) -> Vec<u8> {
        let reason = reason(status);
        format!("HTTP/1.1 {status} {reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").into_bytes()
    }
}
