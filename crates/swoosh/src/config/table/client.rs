//! Settings of a front end's HTTP/2 client and of gRPC. The front end reads their values itself, once they are checked.

use super::rows::settings;
use crate::config::kind::{I32_MAX, Kind, U32_MAX};
use crate::config::setting::{Setter, Target};

settings! { HTTP2_CLIENT in Target::Http2Client;
    /// The time limit of connecting, of sending and of receiving, where no other setting or argument says so. Negative: none.
    timeout: TIME, "none; 2 for connecting" => Setter::Opaque;
    /// The time limit of connecting.
    connect_timeout: TIME, "`timeout`" => Setter::Opaque;
    /// The time limit of receiving.
    read_timeout: TIME, "`timeout`" => Setter::Opaque;
    /// The time limit of sending.
    write_timeout: TIME, "`timeout`" => Setter::Opaque;
    /// The local address.
    bind_address: Kind::Text, "chosen by the system" => Setter::Opaque;
    /// The local port.
    bind_port: Kind::int(0, 65_535, "a port"), "chosen by the system" => Setter::Opaque;
    /// The host of a proxy that knows CONNECT (RFC 9110, section 9.3.6).
    http_proxy_host: Kind::Text, "none" => Setter::Opaque;
    /// Its port.
    http_proxy_port: PORT, "none" => Setter::Opaque;
    /// The user at that proxy.
    http_proxy_username | http_proxy_user: Kind::Text, "none" => Setter::Opaque;
    /// The password of that user.
    http_proxy_password: Kind::Text, "none" => Setter::Opaque;
    /// The host of a SOCKS5 proxy (RFC 1928).
    socks5_host: Kind::Text, "none" => Setter::Opaque;
    /// Its port.
    socks5_port: PORT, "none" => Setter::Opaque;
    /// The user at that proxy.
    socks5_username: Kind::Text, "none" => Setter::Opaque;
    /// The password of that user.
    socks5_password: Kind::Text, "none" => Setter::Opaque;
    /// The longest body of a response that is kept in memory.
    package_max_length: Kind::int(0, i64::MAX, "bytes"), "2 MiB" => Setter::Opaque;
    /// Bodies in a content coding are decoded.
    body_decompression: Kind::Bool, "true" => Setter::Opaque;
    /// The table that the server may compress header fields with (HPACK, RFC 7541).
    http2_header_table_size: Kind::int(0, U32_MAX, "bytes"), "4096" => Setter::Opaque;
    /// Bytes of a response's body that may be on the way.
    http2_init_window_size: Kind::int(0, I32_MAX, "bytes"), "65535" => Setter::Opaque;
    /// The longest HTTP/2 frame that the server may send.
    http2_max_frame_size: Kind::int(16_384, 16_777_215, "bytes"), "16384" => Setter::Opaque;
    /// Bytes of the header fields of a response, with 32 for each field.
    http2_max_header_list_size: Kind::int(0, U32_MAX, "bytes"), "no limit" => Setter::Opaque;
    /// No effect: the server opens no streams, because push is disabled.
    http2_max_concurrent_streams: Kind::int(0, U32_MAX, "streams"), "no limit" => Setter::Opaque;
    /// No effect: push is disabled.
    http2_enable_push: Kind::Bool, "false" => Setter::Opaque;
    /// No effect: the client speaks HTTP/2 alone.
    open_http2_protocol: Kind::Bool, "true" => Setter::Opaque;
    /// Beyond Swoole: a PING is sent when nothing was received for that time while a request is open. 0: none.
    keepalive_time: Kind::Seconds { min: 0, max: U32_MAX }, "0" => Setter::Opaque;
    /// The time in which the answer to that PING, or anything else, must arrive; else the connection fails with ECONNABORTED. 0: 20.
    keepalive_timeout: Kind::Seconds { min: 0, max: U32_MAX }, "20" => Setter::Opaque;
    /// PINGs are sent without open requests too.
    keepalive_without_calls: Kind::Bool, "false" => Setter::Opaque;
    /// Of `MultiplexClient`: seconds without a request after which the connection is closed. 0: never.
    heartbeat_idle_time: TIME, "10" => Setter::Opaque;
    /// Of `MultiplexClient`: the interval of that check.
    heartbeat_check_interval: TIME, "3" => Setter::Opaque;
}

settings! { CLIENT_TLS in Target::Http2Client;
    /// The name that the server's certificate must have, and that is sent to it (SNI).
    ssl_host_name: Kind::Text, "the host" => Setter::Opaque;
    /// TLS is used; the argument of the constructor decides.
    open_ssl: Kind::Bool, "false" => Setter::Opaque;
}

settings! { GRPC_CLIENT in Target::GrpcClient;
    /// TLS is used.
    ssl: Kind::Bool, "false" => Setter::Opaque;
    /// The time limit of a call. 0: none.
    timeout: Kind::Seconds { min: 0, max: U32_MAX }, "0" => Setter::Opaque;
    /// The time limit of connecting.
    connect_timeout: Kind::Seconds { min: 0, max: U32_MAX }, "5" => Setter::Opaque;
    /// The longest message that is accepted.
    max_message_length: MESSAGE, "4 MiB" => Setter::Opaque;
    /// The longest message that is sent.
    max_send_message_length: MESSAGE, "no limit" => Setter::Opaque;
    /// The coding of sent messages.
    compression: CODING, "`identity`" => Setter::Opaque;
    /// Metadata of every call.
    metadata: Kind::Map, "none" => Setter::Opaque;
    /// The authority of requests.
    authority: Kind::Text, "the host and the port" => Setter::Opaque;
}

settings! { GRPC_SERVICE in Target::GrpcService;
    /// The longest message that is accepted.
    max_message_length: MESSAGE, "4 MiB" => Setter::Opaque;
    /// The coding of replies to clients that accept it.
    compression: CODING, "`identity`" => Setter::Opaque;
}

settings! { GRPC_SERVER in Target::GrpcServer;
    /// Processes that serve the port. 0: the process that calls `start()`.
    worker_num: Kind::int(0, 10_000, "processes"), "0" => Setter::Opaque;
    /// A connection without calls is closed after that time.
    idle_timeout: Kind::Seconds { min: 0, max: U32_MAX }, "300" => Setter::Opaque;
    /// Connections of a process; more are closed at once.
    max_connections: Kind::int(1, U32_MAX, "connections"), "10,000" => Setter::Opaque;
    /// The length of the queue of connections not yet accepted, listen(2).
    backlog: Kind::int(1, I32_MAX, "connections"), "512" => Setter::Opaque;
    /// The time that calls have to end after `shutdown()`.
    max_wait_time: Kind::Seconds { min: 0, max: U32_MAX }, "3" => Setter::Opaque;
}

const TIME: Kind = Kind::Seconds { min: -1, max: U32_MAX };
const PORT: Kind = Kind::int(1, 65_535, "a port");
const MESSAGE: Kind = Kind::int(1, U32_MAX, "bytes");
const CODING: Kind = Kind::OneOf(&["identity", "gzip", "deflate"]);
