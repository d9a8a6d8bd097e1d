//! The settings of HTTP and WebSocket, typed.

use super::form_limits::max_form_length;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use swoosh::config::{EmbedderConfig, PortSettings, ServerConfig, StaticFilesConfig};
use swoosh::http::compress::Rules;
use swoosh::http::files::Files;
use swoosh::proto::http1::has_token;
use swoosh::proto::http1::request::Field;
use swoosh::proto::http1::request_framer::RequestRules;

/// The HTTP settings of a server, defaults applied.
#[derive(Debug)]
pub struct HttpSettings {
    /// `http_parse_post`.
    pub parse_post: bool,
    /// `http_parse_cookie`.
    pub parse_cookie: bool,
    /// `http_parse_files`: names with brackets nest as in `$_FILES`.
    pub parse_files: bool,
    /// `upload_tmp_dir`.
    pub upload_dir: String,
    /// `upload_max_filesize`: bytes; 0: limited by the request size only.
    pub upload_max: u64,
    /// `http_compression`, its level, minimum length and content types.
    pub compression: Rules,
    /// `websocket_*`.
    pub websocket: WebSocketSettings,
    /// `document_root` and the other settings of static files.
    pub files: Option<Arc<Files>>,
    /// `request_deadline`.
    pub deadline: Option<Duration>,
    /// `package_max_length`: bytes. This and the next three are used by coroutine servers only.
    pub max_length: u64,
    /// The rules of requests.
    pub rules: RequestRules,
    /// `input_buffer_size`: bytes.
    pub memory_limit: u64,
    /// `http_header_timeout`; `None`: no limit.
    pub header_timeout: Option<Duration>,
    /// `http_body_timeout`.
    pub body_timeout: Option<Duration>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings::new(&ServerConfig::default(), &PortSettings::default(), &EmbedderConfig::default())
    }
}

impl HttpSettings {
    /// From a server's settings.
    pub fn new(server: &ServerConfig, port: &PortSettings, embedder: &EmbedderConfig) -> Self {
        let limit = |time: Duration| Some(time).filter(|time| !time.is_zero());
        HttpSettings {
            parse_post: embedder.http.parse_post,
            parse_cookie: embedder.http.parse_cookie,
            parse_files: embedder.http.parse_files,
            upload_dir: server.upload_tmp_dir.to_string_lossy().into_owned(),
            upload_max: embedder.http.upload_max_filesize,
            compression: Rules::new(&embedder.http.compression),
            websocket: WebSocketSettings::new(&embedder.websocket),
            files: files_of(&embedder.files),
            deadline: embedder.http.request_deadline,
            max_length: port.package_max_length().unwrap_or(DEFAULT_MAX_LENGTH),
            rules: RequestRules {
                requires_host: port.http_require_host(),
                max_form: max_form_length(embedder.http.upload_max_filesize, port),
            },
            memory_limit: server.input_buffer_size,
            header_timeout: limit(port.http_header_timeout()),
            body_timeout: limit(port.http_body_timeout()),
        }
    }
}

/// The static files of a server; `None` without `enable_static_handler` or a readable `document_root`.
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
            swoosh::log::error!("url_rewrite_rules: ignoring a rule that is not a pattern with a target");
            continue;
        };
        if let Err(e) = files.rewrite(undelimited(pattern), &String::from_utf8_lossy(target)) {
            swoosh::log::error!("url_rewrite_rules: ignoring a rule: {e}");
        }
    }
    files.autoindex = config.autoindex;
    files.server = Some("swoole-http-server");
    Some(Arc::new(files))
}

/// A pattern without PCRE delimiters.
fn undelimited(pattern: &str) -> &str {
    let inner = ['~', '#', '@'].iter().find_map(|sign| pattern.strip_prefix(*sign)?.strip_suffix(*sign));
    inner.unwrap_or(pattern)
}

/// Default of `package_max_length`, bytes.
const DEFAULT_MAX_LENGTH: u64 = 2 << 20;

/// The WebSocket settings of a server.
#[derive(Debug, Default)]
pub struct WebSocketSettings {
    /// `websocket_subprotocol`.
    pub subprotocol: Option<Vec<u8>>,
    /// `websocket_compression`.
    pub compression: bool,
    /// `open_websocket_ping_frame`, `open_websocket_pong_frame`, `open_websocket_close_frame`: deliver these to PHP.
    pub control_frames: [bool; 3],
}

impl WebSocketSettings {
    /// From a server's settings.
    pub fn new(settings: &swoosh::config::WebSocketConfig) -> Self {
        WebSocketSettings {
            subprotocol: settings.subprotocol.clone(),
            compression: settings.compression,
            control_frames: [settings.ping_frames, settings.pong_frames, settings.close_frames],
        }
    }

    /// The configured subprotocol, if the client offers it.
    pub fn subprotocol_of(&self, headers: &[Field<'_>]) -> Option<&[u8]> {
        let own = self.subprotocol.as_deref()?;
        let name = String::from_utf8_lossy(own);
        let offers = |h: &Field<'_>| h.is("sec-websocket-protocol") && has_token(h.value, &name);
        headers.iter().any(offers).then_some(own)
    }
}
