//! Parts of a request's body as packets between the owner of its stream and the worker that handles it: one byte for the kind,
//! then the data.

/// Data of the body, which follows.
pub const DATA: u8 = 1;
/// The body is complete.
pub const END: u8 = 2;
/// The client has left before the end of the body.
pub const LOST: u8 = 3;

/// Whether a packet of a stream may be such a part. Requests begin with a letter, and refusals of requests with 0.
///
/// ```
/// use swoosh_proto::http1::Refusal;
/// use swoosh_proto::http2::part;
///
/// assert!(part::is_part(&[part::END]) && !part::is_part(b"POST /"));
/// assert!(!part::is_part(&Refusal::new(400, "").to_packet()));
/// ```
pub fn is_part(packet: &[u8]) -> bool {
    packet.first().is_some_and(|kind| (DATA..=LOST).contains(kind))
}

/// Whether the packet says that the client has left; no frame of a WebSocket is as short.
pub fn is_lost(packet: &[u8]) -> bool {
    packet == [LOST]
}
