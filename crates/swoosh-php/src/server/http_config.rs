//! What a server's settings say of HTTP and WebSocket.

use httparse::Header;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use swoosh::config::{EmbedderConfig, PortSettings, ServerConfig, StaticFilesConfig};
use swoosh::http::compress::Rules;
use swoosh::http::files::Files;
use swoosh::proto::http1::has_token;

/// What a server's settings say of HTTP.
#[derive(Debug)]
pub struct Config {
    /// `http_parse_post`.
    pub parse_post: bool,
    /// `http_parse_cookie`.
    pub parse_cookie: bool,
    /// `upload_tmp_dir`.
    pub upload_dir: String,
    /// `upload_max_filesize`: bytes; 0: as long as a request may be.
    pub upload_max: u64,
    /// `http_compression` and its like.
    pub compression: Rules,
    /// `websocket_subprotocol` and its like.
    pub websocket: WebSocketConfig,
    /// `document_root` and its like.
    pub files: Option<Arc<Files>>,
    /// `request_deadline`.
    pub deadline: Option<Duration>,
    /// `package_max_length`, where a coroutine serves, as the next three: bytes.
    pub longest: u64,
    /// `input_buffer_size`: bytes.
    pub in_memory: u64,
    /// `http_header_timeout`; `None`: for ever.
    pub head_within: Option<Duration>,
    /// `http_body_timeout`.
    pub body_within: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Config::new(&ServerConfig::default(), &PortSettings::default(), &EmbedderConfig::default())
    }
}

impl Config {
    /// From a server's settings.
    pub fn new(server: &ServerConfig, port: &PortSettings, embedder: &EmbedderConfig) -> Self {
        let limit = |time: Duration| Some(time).filter(|time| !time.is_zero());
        Config {
            parse_post: embedder.http.parse_post,
            parse_cookie: embedder.http.parse_cookie,
            upload_dir: server.upload_tmp_dir.to_string_lossy().into_owned(),
            upload_max: embedder.http.upload_max_filesize,
            compression: Rules::new(&embedder.http.compression),
            websocket: WebSocketConfig::new(&embedder.websocket),
            files: files_of(&embedder.files),
            deadline: embedder.http.request_deadline,
            longest: port.package_max_length().unwrap_or(LONGEST),
            in_memory: server.input_buffer_size,
            head_within: limit(port.http_header_timeout()),
            body_within: limit(port.http_body_timeout()),
        }
    }
}

/// The static files that a server's settings name; `None` if none are to be served.
fn files_of(config: &StaticFilesConfig) -> Option<Arc<Files>> {
    if !config.enabled || config.document_root.is_empty() {
        return None;
    }
    let mut files = match Files::under(Path::new(OsStr::from_bytes(&config.document_root))) {
        Ok(files) => files,
        Err(e) => {
            swoosh::log::error!("{e}");
            return None;
        }
    };
    files.locations.clone_from(&config.locations);
    files.index.clone_from(&config.index_files);
    for rule in &config.rewrite_rules {
        let Ok((pattern, target)) = rule else {
            swoosh::log::error!("url_rewrite_rules: a rule is left out, which is no pattern with a target");
            continue;
        };
        if let Err(e) = files.rewrite(undelimited(pattern), &String::from_utf8_lossy(target)) {
            swoosh::log::error!("{e}; the rule is left out");
        }
    }
    files.autoindex = config.autoindex;
    files.server = Some("swoole-http-server");
    Some(Arc::new(files))
}

/// A pattern without the signs around it that PHP's own functions ask for.
fn undelimited(pattern: &str) -> &str {
    let inner = ['~', '#', '@'].iter().find_map(|sign| pattern.strip_prefix(*sign)?.strip_suffix(*sign));
    inner.unwrap_or(pattern)
}

/// Bytes of a request or a message, where no setting says another number.
const LONGEST: u64 = 2 << 20;

/// What a server's settings say of WebSocket.
#[derive(Debug, Default)]
pub struct WebSocketConfig {
    /// `websocket_subprotocol`.
    pub subprotocol: Option<Vec<u8>>,
    /// `websocket_compression`.
    pub compression: bool,
    /// `open_websocket_ping_frame`, `open_websocket_pong_frame`, `open_websocket_close_frame`: such frames are messages.
    pub tells: [bool; 3],
}

impl WebSocketConfig {
    /// From a server's settings.
    pub fn new(settings: &swoosh::config::WebSocketConfig) -> Self {
        WebSocketConfig {
            subprotocol: settings.subprotocol.clone(),
            compression: settings.compression,
            tells: [settings.ping_frames, settings.pong_frames, settings.close_frames],
        }
    }

    /// The subprotocol, where a client offers it.
    pub fn subprotocol_of(&self, headers: &[Header<'_>]) -> Option<&[u8]> {
        let own = self.subprotocol.as_deref()?;
        let name = String::from_utf8_lossy(own);
        let offers =
            |h: &Header<'_>| h.name.eq_ignore_ascii_case("sec-websocket-protocol") && has_token(h.value, &name);
        headers.iter().any(offers).then_some(own)
    }
}
