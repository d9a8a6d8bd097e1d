//! The settings of a server.

use crate::http2::frames::FrameHead;

/// Settings of a server, most of which it sends to its clients (RFC 9113 section 6.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerSettings {
    /// SETTINGS_HEADER_TABLE_SIZE, bytes.
    pub header_table_size: u32,
    /// SETTINGS_MAX_CONCURRENT_STREAMS. More are refused with REFUSED_STREAM.
    pub max_concurrent_streams: u32,
    /// SETTINGS_INITIAL_WINDOW_SIZE, bytes of a body. The window of a stream grows up to a quarter of `connection_window`
    /// while its body is taken.
    pub initial_window_size: u32,
    /// Bytes of all bodies together that the client may send ahead; no less than 65,535 are offered.
    pub connection_window: u32,
    /// SETTINGS_MAX_FRAME_SIZE, bytes.
    pub max_frame_size: u32,
    /// SETTINGS_MAX_HEADER_LIST_SIZE, bytes.
    pub max_header_list_size: u32,
    /// Fields of a request.
    pub max_headers: u32,
    /// gRPC calls are passed on once their head has arrived.
    pub grpc_streams: bool,
    /// SETTINGS_ENABLE_CONNECT_PROTOCOL: WebSockets over HTTP/2 (RFC 8441).
    pub connect_protocol: bool,
}

impl Default for ServerSettings {
    fn default() -> Self {
        ServerSettings {
            header_table_size: 4096,
            max_concurrent_streams: 200,
            initial_window_size: 65_535,
            connection_window: 1 << 20,
            max_frame_size: FrameHead::DEFAULT_MAX_LENGTH as u32,
            max_header_list_size: 65_536,
            max_headers: 128,
            grpc_streams: false,
            connect_protocol: true,
        }
    }
}
