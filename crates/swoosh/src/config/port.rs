//! Settings of one port.

use super::tls::TlsConfig;
use std::time::Duration;
use swoosh_proto::framing::Framing;

/// Settings of one port.
#[derive(Clone)]
pub struct PortConfig {
    /// `backlog` of listen(2). Default 511.
    pub backlog: i32,
    /// `enable_reuse_port`: SO_REUSEPORT.
    pub reuse_port: bool,
    /// How bytes become packets.
    pub framing: Framing,
    /// `package_max_length`: the longest packet, bytes. Default 2 MiB.
    pub package_max_length: u64,
    /// `socket_buffer_size`: bytes that may wait for a peer that does not read. Default 8 MiB.
    pub socket_buffer_size: u64,
    /// `buffer_high_watermark`: `bufferFull` above; 0: 80 % of `socket_buffer_size`.
    pub high_watermark: u64,
    /// `buffer_low_watermark`: `bufferEmpty` at or below. Default 0.
    pub low_watermark: u64,
    /// `heartbeat_idle_time` (`max_idle_time`): seconds without a byte received after which a connection is closed;
    /// 0: never.
    pub heartbeat_idle_time: u32,
    /// `slow_consumer`: what becomes of a peer that is sent more than `socket_buffer_size` and does not read. Default
    /// [`SlowConsumer::Drop`].
    pub slow_consumer: SlowConsumer,
    /// `http_header_timeout`: how long the head of a request of HTTP may take from its first byte on, and a new
    /// connection until its first request is there; 408 answers what takes longer (RFC 9110 section 15.5.9). Default
    /// 60 s; zero: for ever.
    pub http_header_timeout: Duration,
    /// `http_body_timeout`: how long the body of a request may pause. Default 60 s; zero: for ever.
    pub http_body_timeout: Duration,
    /// `open_tcp_nodelay`. Default true.
    pub tcp_nodelay: bool,
    /// `open_tcp_keepalive`.
    pub tcp_keepalive: bool,
    /// `tcp_keepidle`: seconds; 0: the kernel's.
    pub tcp_keepidle: u32,
    /// `tcp_keepinterval`: seconds; 0: the kernel's.
    pub tcp_keepinterval: u32,
    /// `tcp_keepcount`; 0: the kernel's.
    pub tcp_keepcount: u32,
    /// `tcp_user_timeout`: milliseconds; 0: the kernel's.
    pub tcp_user_timeout: u32,
    /// `tcp_defer_accept`: seconds; 0: off.
    pub tcp_defer_accept: u32,
    /// `tcp_fastopen`.
    pub tcp_fastopen: bool,
    /// `kernel_socket_recv_buffer_size`: bytes; 0: the kernel's.
    pub recv_buffer: u32,
    /// `kernel_socket_send_buffer_size`: bytes; 0: the kernel's.
    pub send_buffer: u32,
    /// The port speaks TLS, and how.
    pub tls: Option<TlsConfig>,
}

/// What becomes of a peer that does not read what it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlowConsumer {
    /// What does not fit is refused, and whoever sends it is told. An answer of HTTP whose end is refused ends with its
    /// connection: nothing may come in its place.
    Drop,
    /// So too, and the connection is reset: a peer that misses a message sees that it does.
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
