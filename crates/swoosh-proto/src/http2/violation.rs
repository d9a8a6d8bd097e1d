//! The end of a connection because of its client.

/// A client breaks a rule: the connection is to be closed with that code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// The code (RFC 9113 section 7).
    pub code: u32,
    /// The cause.
    pub reason: &'static str,
}

/// Error codes (RFC 9113 section 7).
#[allow(missing_docs)]
pub mod code {
    pub const PROTOCOL_ERROR: u32 = 1;
    pub const FLOW_CONTROL_ERROR: u32 = 3;
    pub const STREAM_CLOSED: u32 = 5;
    pub const FRAME_SIZE_ERROR: u32 = 6;
    pub const COMPRESSION_ERROR: u32 = 9;
    pub const ENHANCE_YOUR_CALM: u32 = 11;
}
