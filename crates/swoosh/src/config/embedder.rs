//! Settings of a front end for a dynamic language: the engine checks and stores them, and does not act upon them.

use std::time::Duration;

/// Settings of a front end, typed.
///
/// ```
/// use swoosh::config::{EmbedderConfig, Value, apply_embedder};
///
/// let mut config = EmbedderConfig::default();
/// apply_embedder(&mut config, "http_compression_level", &Value::Int(6));
/// apply_embedder(&mut config, "enable_coroutine", &Value::Bool(false));
/// assert_eq!((config.http.compression.level, config.callback.coroutine), (6, false));
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmbedderConfig {
    /// The form in which callbacks are called.
    pub callback: CallbackConfig,
    /// Parts of a server that the front end adds.
    pub helper: HelperConfig,
    /// HTTP.
    pub http: HttpConfig,
    /// WebSocket.
    pub websocket: WebSocketConfig,
    /// Static files.
    pub files: StaticFilesConfig,
    /// Coroutines, and the sockets and names that they wait for.
    pub coroutine: CoroutineConfig,
}

/// Parts of a server that the front end adds.
#[derive(Debug, Clone, PartialEq)]
pub struct HelperConfig {
    /// `admin_server`: the address of the administration interface; empty: none.
    pub admin_server: Vec<u8>,
    /// `stats_file`: a file that statistics are written to; empty: none.
    pub stats_file: Vec<u8>,
    /// `stats_timer_interval`, milliseconds. Default 1000.
    pub stats_timer_interval: u32,
}

impl Default for HelperConfig {
    fn default() -> Self {
        HelperConfig { admin_server: Vec::new(), stats_file: Vec::new(), stats_timer_interval: 1000 }
    }
}

/// The form in which callbacks are called.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackConfig {
    /// `enable_coroutine`: callbacks of workers run in coroutines. Default true.
    pub coroutine: bool,
    /// `task_enable_coroutine`: callbacks of task workers do so too.
    pub task_coroutine: bool,
    /// `event_object`: one object in place of several arguments.
    pub event_object: bool,
    /// `task_object`: the task callback gets a `Task`.
    pub task_object: bool,
    /// `send_yield`: a `send` in a coroutine waits while the output buffer is full. Default true.
    pub send_yield: bool,
    /// `send_timeout`: the longest such wait; `None`: no limit.
    pub send_timeout: Option<Duration>,
}

impl Default for CallbackConfig {
    fn default() -> Self {
        CallbackConfig {
            coroutine: true,
            task_coroutine: false,
            event_object: false,
            task_object: false,
            send_yield: true,
            send_timeout: None,
        }
    }
}

/// HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpConfig {
    /// `http_parse_post`. Default true.
    pub parse_post: bool,
    /// `http_parse_cookie`. Default true.
    pub parse_cookie: bool,
    /// `http_error_page`: a request whose callback throws is answered with a page that shows the exception. Default false.
    pub error_page: bool,
    /// `http_parse_files`: files whose names have brackets nest as in `$_FILES`. Default false.
    pub parse_files: bool,
    /// `upload_max_filesize`, bytes of one file; 0: the limit of the request alone.
    pub upload_max_filesize: u64,
    /// `request_deadline`: the time until a response must be complete; `None`: no limit.
    pub request_deadline: Option<Duration>,
    /// Compression of responses.
    pub compression: CompressionConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            parse_post: true,
            parse_cookie: true,
            error_page: false,
            parse_files: false,
            upload_max_filesize: 0,
            request_deadline: None,
            compression: CompressionConfig::default(),
        }
    }
}

/// Compression of responses.
#[derive(Debug, Clone, PartialEq)]
pub struct CompressionConfig {
    /// `http_compression`. Default true.
    pub enabled: bool,
    /// `http_compression_level`, 1 to 11; codings other than Brotli use at most 9. Default 1.
    pub level: u32,
    /// `http_compression_min_length`: a shorter body, bytes, is not compressed. Default 20.
    pub min_length: usize,
    /// `http_compression_types`: media types in lower case; `None`: every type.
    pub types: Option<Vec<Vec<u8>>>,
}

impl Default for CompressionConfig {
    fn default() -> Self {
        CompressionConfig { enabled: true, level: 1, min_length: 20, types: None }
    }
}

/// WebSocket.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WebSocketConfig {
    /// `websocket_subprotocol`: selected if a client offers it (RFC 6455 section 1.9).
    pub subprotocol: Option<Vec<u8>>,
    /// `websocket_compression`: permessage-deflate (RFC 7692).
    pub compression: bool,
    /// `open_websocket_ping_frame`: ping frames are passed to the message callback.
    pub ping_frames: bool,
    /// `open_websocket_pong_frame`: pong frames are.
    pub pong_frames: bool,
    /// `open_websocket_close_frame`: close frames are.
    pub close_frames: bool,
}

/// Static files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StaticFilesConfig {
    /// `enable_static_handler`.
    pub enabled: bool,
    /// `document_root`; empty: none.
    pub document_root: Vec<u8>,
    /// `static_handler_locations`: path prefixes; empty: every path.
    pub locations: Vec<Vec<u8>>,
    /// `http_index_files`.
    pub index_files: Vec<String>,
    /// `http_autoindex`.
    pub autoindex: bool,
    /// `url_rewrite_rules`: patterns and targets in order; `Err`: an entry that is not such a pair.
    pub rewrite_rules: Vec<Result<(String, Vec<u8>), NotARule>>,
}

/// An entry of `url_rewrite_rules` that is no pattern with a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARule;

/// Coroutines, and the sockets and names that they wait for. `None`: not given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CoroutineConfig {
    /// `max_coroutine`: coroutines of a process at once; 0: the default.
    pub max_coroutine: Option<usize>,
    /// `enable_deadlock_check`.
    pub deadlock_check: Option<bool>,
    /// `enable_preemptive_scheduler`.
    pub preemptive: Option<bool>,
    /// `wait_signal`.
    pub wait_signal: Option<bool>,
    /// `hook_flags`.
    pub hook_flags: Option<i64>,
    /// `dns_server`: an address with or without a port; `Some(None)`: the system's.
    pub dns_server: Option<Option<String>>,
    /// `dns_cache_expire`.
    pub dns_cache_expire: Option<Duration>,
    /// `dns_cache_capacity`, names.
    pub dns_cache_capacity: Option<usize>,
    /// `dns_lookup_random`.
    pub dns_lookup_random: Option<bool>,
    /// `socket_timeout`, seconds: for connect, read and write where none of their own is given. Negative: no limit.
    pub socket_timeout: Option<f64>,
    /// `socket_dns_timeout`, seconds.
    pub socket_dns_timeout: Option<f64>,
    /// `socket_connect_timeout`, seconds.
    pub socket_connect_timeout: Option<f64>,
    /// `socket_read_timeout`, seconds.
    pub socket_read_timeout: Option<f64>,
    /// `socket_write_timeout`, seconds.
    pub socket_write_timeout: Option<f64>,
}
