//! The settings that a client or a server announces, and its own bounds.

use super::keepalive::Keepalive;
use h2::client::Builder;
use swoosh::proto::http2::PeerSettings;
use swoosh::proto::http2::server::ServerSettings;
use swoosh_zend::{Array, Zval};

/// The settings that one side announces, and bounds of its own.
#[derive(Debug, Clone, Copy)]
pub struct Http2Settings {
    /// Announced in SETTINGS (RFC 9113 section 6.5.2). The header list's size is announced if it is limited.
    pub local: PeerSettings,
    /// The longest body of a response that is kept in memory, bytes.
    pub max_body: u64,
    /// Of a client.
    pub(super) keepalive: Option<Keepalive>,
}

impl Http2Settings {
    /// From a PHP client's settings; `max_body`: the default of `package_max_length`, bytes.
    pub fn new(settings: &Array, max_body: i64) -> Self {
        let default = PeerSettings::default();
        let number = |name: &str, or: u32| number(settings, name, or);
        let max_body = settings.get("package_max_length").map_or(max_body, Zval::to_int);
        Http2Settings {
            local: PeerSettings {
                header_table_size: number("http2_header_table_size", default.header_table_size),
                initial_window_size: number("http2_init_window_size", default.initial_window_size),
                max_concurrent_streams: default.max_concurrent_streams,
                max_frame_size: number("http2_max_frame_size", default.max_frame_size).clamp(16_384, (1 << 24) - 1),
                max_header_list_size: number("http2_max_header_list_size", default.max_header_list_size),
            },
            max_body: u64::try_from(max_body).unwrap_or(0),
            keepalive: Keepalive::new(settings),
        }
    }

    /// From the settings of a PHP server.
    pub fn of_server(settings: &Array) -> Self {
        let mut all = Http2Settings::new(settings, 0);
        all.local.max_concurrent_streams = number(settings, "http2_max_concurrent_streams", SERVER_STREAMS);
        all.local.max_header_list_size = number(settings, "http2_max_header_list_size", SERVER_HEADER_LIST);
        all
    }

    /// The settings of the server's protocol.
    pub(in crate::coroutine) fn of_protocol(&self) -> ServerSettings {
        let local = &self.local;
        let window = local.initial_window_size.min(MAX_WINDOW);
        ServerSettings {
            header_table_size: local.header_table_size,
            max_concurrent_streams: local.max_concurrent_streams,
            initial_window_size: window,
            connection_window: window.max(CONNECTION_WINDOW),
            max_frame_size: local.max_frame_size,
            max_header_list_size: local.max_header_list_size,
            grpc_streams: true,
            connect_protocol: false,
            ..ServerSettings::default()
        }
    }

    /// h2's settings of a client. Push is disabled: PHP has no place for a response that it did not ask for.
    pub(super) fn builder(&self) -> Builder {
        let mut builder = Builder::new();
        let local = &self.local;
        builder
            .enable_push(false)
            .initial_window_size(local.initial_window_size.min(MAX_WINDOW))
            .initial_connection_window_size(local.initial_window_size.clamp(CONNECTION_WINDOW, MAX_WINDOW))
            .max_frame_size(local.max_frame_size.clamp(16_384, (1 << 24) - 1))
            .max_send_buffer_size(SEND_BUFFER)
            .initial_max_send_streams(FIRST_STREAMS)
            .data_frame_budget(FRAME_BUDGET);
        let default = PeerSettings::default();
        if local.header_table_size != default.header_table_size {
            builder.header_table_size(local.header_table_size);
        }
        if local.max_header_list_size != default.max_header_list_size {
            builder.max_header_list_size(local.max_header_list_size);
        }
        builder
    }
}

fn number(settings: &Array, name: &str, or: u32) -> u32 {
    let given = settings.get(name).map(Zval::to_int).filter(|&number| number >= 0);
    given.map_or(or, |number| u32::try_from(number).unwrap_or(u32::MAX))
}

/// Default of `http2_max_concurrent_streams` of a server.
const SERVER_STREAMS: u32 = 200;
/// Default of `http2_max_header_list_size` of a server, bytes.
const SERVER_HEADER_LIST: u32 = 64 << 10;
/// The connection's window (RFC 9113 section 6.9.1), bytes: so much is kept at most of streams that are not read.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Streams that are opened before the server's settings are known: the least that a server should admit (RFC 9113 section
/// 6.5.2).
const FIRST_STREAMS: usize = 100;
/// Memory for frames of bodies beyond their bytes. h2 counts 256 bytes for a short frame, and its default ends the connection at
/// some thousand short messages that arrive at once.
const FRAME_BUDGET: usize = 32 << 20;
const MAX_WINDOW: u32 = (1 << 31) - 1;
/// Bytes of one stream that are queued before they are written.
const SEND_BUFFER: usize = 128 << 10;
