//! State bits of a connection, in its row of the registry.

/// State bits of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(pub u32);

impl Flags {
    /// The server closes it: `onClose` runs or has run.
    pub const CLOSING: u32 = 1;
    /// Nothing more can be sent.
    pub const CLOSED: u32 = 2;
    /// The peer has closed its side; its earlier requests are still handled.
    pub const PEER_CLOSED: u32 = 4;
    /// Exempt from the heartbeat (`protect`).
    pub const PROTECTED: u32 = 8;
    /// The connection was upgraded to WebSocket.
    pub const WEBSOCKET: u32 = 16;
    /// A worker handles an HTTP request whose response is not complete.
    pub const HANDLING: u32 = 32;
    /// WebSocket compression (permessage-deflate, RFC 7692) was negotiated.
    pub const DEFLATE: u32 = 64;
    /// Compression was negotiated with the server's small window.
    pub const NARROW: u32 = 128;
    /// The TLS handshake is in progress: nothing can be sent, and user code does not know the connection yet.
    pub const HANDSHAKING: u32 = 256;
    /// Nothing can be sent any more: its socket failed, or the worker that handled its request has died and no other process
    /// may send in place of the missing response.
    pub const BROKEN: u32 = 512;
    /// An HTTP/2 connection, or a stream of one ([`SessionId::is_stream`](crate::ids::SessionId::is_stream)).
    pub const HTTP2: u32 = 1024;
    /// The body of the request follows its head in parts, which are packets of their own.
    pub const STREAMED: u32 = 2048;

    /// Whether any of these bits is set.
    pub fn any(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}
