//! The result of framing.

/// The state of the packet at the front of a buffer.
///
/// ```
/// use swoosh_proto::framing::FrameStatus;
/// use swoosh_proto::mqtt;
///
/// let ping = [0xC0, 0x00];
/// assert_eq!(mqtt::next(1024, &ping[..1]), Ok(FrameStatus::Incomplete(None)));
/// assert_eq!(mqtt::next(1024, &ping), Ok(FrameStatus::Complete(2)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameStatus {
    /// The first so many bytes of the buffer, at least 1, are a packet.
    Complete(usize),
    /// The packet is not complete. Its length in bytes, header included, if it is known: a reader may reserve that much.
    Incomplete(Option<u64>),
}
