//! Settings of HTTP/2.

/// Settings of HTTP/2 on a port; most of them are sent to clients (RFC 9113 section 6.5.2).
///
/// ```
/// use swoosh::config::{Http2Config, PortConfig};
///
/// let http2 = Http2Config { max_concurrent_streams: 1000, ..Http2Config::default() };
/// let config = PortConfig { http2: Some(http2), ..PortConfig::default() };
/// config.validate().unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2Config {
    /// `http2_header_table_size`: the table that a client may compress its fields with, bytes. Default 4096.
    pub header_table_size: u32,
    /// `http2_max_concurrent_streams`: requests of one connection at once; more are refused, and clients send them again.
    /// Default 200.
    pub max_concurrent_streams: u32,
    /// `http2_init_window_size`: bytes of a request's body that may be on the way at first; the window grows while the body is
    /// taken. Default 65,535.
    pub init_window_size: u32,
    /// `http2_max_frame_size`: the longest frame that a client may send, bytes, 16,384 to 16,777,215. Default 16,384.
    pub max_frame_size: u32,
    /// `http2_max_header_list_size`: bytes of a request's fields, with 32 for each field. More are refused with 431.
    /// Default 65,536.
    pub max_header_list_size: u32,
    /// `http2_max_headers`: fields of a request, at most 128. More are refused with 431. Default 128.
    pub max_headers: u32,
    /// `open_grpc_protocol`: a gRPC call is handled once its head has arrived, so that messages and replies take turns. Its
    /// handler is one of `http::tower`, or a `Swoosh\Grpc\Service`. Default: false.
    pub grpc_streams: bool,
}

impl Default for Http2Config {
    fn default() -> Self {
        Http2Config {
            header_table_size: 4096,
            max_concurrent_streams: 200,
            init_window_size: 65_535,
            max_frame_size: 16_384,
            max_header_list_size: 65_536,
            max_headers: 128,
            grpc_streams: false,
        }
    }
}
