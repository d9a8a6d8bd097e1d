//! Settings of one port.

use super::http2::Http2Config;
use super::tls::TlsConfig;
use std::time::Duration;
use swoosh_proto::framing::Framing;

/// Settings of one port.
///
/// ```
/// use swoosh::config::{Framing, PortConfig};
///
/// let config = PortConfig { framing: Framing::EofSplit(b"\n".to_vec()), ..PortConfig::default() };
/// config.validate().unwrap();
/// ```
#[derive(Clone)]
pub struct PortConfig {
    /// `backlog`: connections not yet accepted, listen(2). Default 511.
    pub backlog: i32,
    /// `enable_reuse_port`: SO_REUSEPORT.
    pub reuse_port: bool,
    /// The rule that splits the byte stream into packets.
    pub framing: Framing,
    /// `package_max_length`: the longest packet, bytes. Default 2 MiB.
    pub package_max_length: u64,
    /// `socket_buffer_size`: bytes that may be queued for a peer that does not read. Default 8 MiB.
    pub socket_buffer_size: u64,
    /// `buffer_high_watermark`: the `bufferFull` event is sent above it, bytes; 0: 80 % of `socket_buffer_size`.
    pub high_watermark: u64,
    /// `buffer_low_watermark`: the `bufferEmpty` event is sent at or below it, bytes. Default 0.
    pub low_watermark: u64,
    /// `heartbeat_idle_time`: a connection that sends nothing for so many seconds is closed; 0: never.
    pub heartbeat_idle_time: u32,
    /// `slow_consumer`: the treatment of a peer whose output buffer is full. Default [`SlowConsumer::Drop`].
    pub slow_consumer: SlowConsumer,
    /// `http_header_timeout`: the time for the head of an HTTP request from its first byte, and for the first request of a
    /// connection; 408 is the answer after that (RFC 9110 section 15.5.9). Zero: no limit. Default 60 s.
    pub http_header_timeout: Duration,
    /// `http_body_timeout`: the longest pause within the body of a request. Zero: no limit. Default 60 s.
    pub http_body_timeout: Duration,
    /// `http_require_host`: requests of HTTP/1.1 without a `Host` field are refused (RFC 9112 section 3.2). Default true.
    pub http_require_host: bool,
    /// `open_http2_protocol`: a port of HTTP speaks HTTP/2 too (RFC 9113), with these settings. Default: `None`.
    pub http2: Option<Http2Config>,
    /// `open_tcp_nodelay`. Default true.
    pub tcp_nodelay: bool,
    /// `open_tcp_keepalive`.
    pub tcp_keepalive: bool,
    /// `tcp_keepidle`: seconds; 0: the kernel's default.
    pub tcp_keepidle: u32,
    /// `tcp_keepinterval`: seconds; 0: the kernel's default.
    pub tcp_keepinterval: u32,
    /// `tcp_keepcount`; 0: the kernel's default.
    pub tcp_keepcount: u32,
    /// `tcp_user_timeout`: milliseconds; 0: the kernel's default.
    pub tcp_user_timeout: u32,
    /// `tcp_defer_accept`: seconds; 0: off.
    pub tcp_defer_accept: u32,
    /// `tcp_fastopen`.
    pub tcp_fastopen: bool,
    /// `kernel_socket_recv_buffer_size`: bytes; 0: the kernel's default.
    pub recv_buffer: u32,
    /// `kernel_socket_send_buffer_size`: bytes; 0: the kernel's default.
    pub send_buffer: u32,
    /// The port speaks TLS with these settings.
    pub tls: Option<TlsConfig>,
}

/// The treatment of a peer whose output buffer (`socket_buffer_size`) is full.
///
/// ```
/// use swoosh::config::{PortConfig, SlowConsumer};
///
/// assert_eq!(PortConfig::default().slow_consumer, SlowConsumer::Drop);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowConsumer {
    /// Data that does not fit is refused with an error. An HTTP response whose end is refused closes its connection, because
    /// no other data may take its place.
    Drop,
    /// Like [`Drop`](Self::Drop), and the connection is reset, so that the peer notices the loss.
    Close,
}

impl Default for PortConfig {
    fn default() -> Self {
        PortConfig {
            backlog: 511,
            reuse_port: false,
            framing: Framing::None,
            package_max_length: 2 << 20,
            socket_buffer_size: 8 << 20,
            high_watermark: 0,
            low_watermark: 0,
            heartbeat_idle_time: 0,
            slow_consumer: SlowConsumer::Drop,
            http_header_timeout: Duration::from_secs(60),
            http_body_timeout: Duration::from_secs(60),
            http_require_host: true,
            http2: None,
            tcp_nodelay: true,
            tcp_keepalive: false,
            tcp_keepidle: 0,
            tcp_keepinterval: 0,
            tcp_keepcount: 0,
            tcp_user_timeout: 0,
            tcp_defer_accept: 0,
            tcp_fastopen: false,
            recv_buffer: 0,
            send_buffer: 0,
            tls: None,
        }
    }
}
