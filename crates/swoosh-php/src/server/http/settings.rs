//! The settings of HTTP and WebSocket, typed.

use httparse::Header;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use swoosh::http::compress::Rules;
use swoosh::http::files::Files;
use swoosh::proto::http1::has_token;
use swoosh_zend::{Array, Key, Zval};

/// The HTTP settings of a server, defaults applied.
#[derive(Debug)]
pub struct HttpSettings {
    /// `http_parse_post`.
    pub parse_post: bool,
    /// `http_parse_cookie`.
    pub parse_cookie: bool,
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
    /// `input_buffer_size`: bytes.
    pub memory_limit: u64,
    /// `http_header_timeout`; `None`: no limit.
    pub header_timeout: Option<Duration>,
    /// `http_body_timeout`, between two reads; `None`: no limit.
    pub body_timeout: Option<Duration>,
}

impl Default for HttpSettings {
    fn default() -> Self {
        HttpSettings {
            parse_post: true,
            parse_cookie: true,
            upload_dir: "/tmp".to_owned(),
            upload_max: 0,
            compression: Rules::default(),
            websocket: WebSocketSettings::default(),
            files: None,
            deadline: None,
            max_length: DEFAULT_MAX_LENGTH,
            memory_limit: swoosh::config::ServerConfig::default().input_buffer_size,
            header_timeout: Some(swoosh::config::PortConfig::default().http_header_timeout),
            body_timeout: Some(swoosh::config::PortConfig::default().http_body_timeout),
        }
    }
}

impl HttpSettings {
    /// From a server's settings.
    pub fn new(all: &Array) -> Self {
        let is_on = |name: &str| all.get(name).is_none_or(Zval::to_bool);
        let text = |name: &str| all.get(name).and_then(Zval::to_zstr).map(|s| s.to_text().into_owned());
        let number = |names: &[&str]| names.iter().find_map(|name| all.get(name)).map(Zval::to_int);
        let seconds = |name: &str, otherwise: Option<Duration>| match all.get(name) {
            Some(limit) => Duration::try_from_secs_f64(limit.to_float()).ok().filter(|limit| !limit.is_zero()),
            None => otherwise,
        };
        let defaults = HttpSettings::default();
        let types = ["http_compression_types", "compression_types"].iter().find_map(|name| all.get(name));
        HttpSettings {
            parse_post: is_on("http_parse_post"),
            parse_cookie: is_on("http_parse_cookie"),
            upload_dir: text("upload_tmp_dir").filter(|dir| !dir.is_empty()).unwrap_or(defaults.upload_dir),
            upload_max: number(&["upload_max_filesize"]).and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            websocket: WebSocketSettings::new(all),
            files: files_of(all),
            deadline: seconds("request_deadline", None),
            header_timeout: seconds("http_header_timeout", defaults.header_timeout),
            body_timeout: seconds("http_body_timeout", defaults.body_timeout),
            memory_limit: number(&["input_buffer_size", "buffer_input_size"])
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(defaults.memory_limit),
            max_length: number(&["package_max_length"])
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(DEFAULT_MAX_LENGTH),
            compression: Rules::new(
                is_on("http_compression"),
                number(&["http_compression_level", "compression_level", "http_gzip_level"]),
                number(&["http_compression_min_length", "compression_min_length"]),
                types.and_then(Zval::array).map(|list| {
                    let name = |(key, value): (Key<'_>, &Zval)| match (key, value.bytes()) {
                        (_, Some(name)) => name.to_ascii_lowercase(),
                        (Key::Name(name), None) => name.as_bytes().to_ascii_lowercase(),
                        (Key::Index(_), None) => Vec::new(),
                    };
                    list.iter().map(name).collect()
                }),
            ),
        }
    }
}

/// The static files of a server; `None` without `enable_static_handler` or a readable `document_root`.
fn files_of(all: &Array) -> Option<Arc<Files>> {
    let is_on = |name: &str| all.get(name).is_some_and(Zval::to_bool);
    let list = |name: &str| -> Vec<String> {
        let items = all.get(name).and_then(Zval::array).into_iter().flatten();
        items.filter_map(|(_, item)| item.to_zstr().map(|text| text.to_text().into_owned())).collect()
    };
    let root = all.get("document_root").and_then(Zval::bytes).filter(|root| !root.is_empty())?;
    if !is_on("enable_static_handler") {
        return None;
    }
    let mut files = match Files::under(Path::new(OsStr::from_bytes(root))) {
        Ok(files) => files,
        Err(e) => {
            swoosh::log::error!("{e}");
            return None;
        }
    };
    files.locations = list("static_handler_locations").into_iter().map(String::into_bytes).collect();
    files.index = list("http_index_files");
    for (key, target) in all.get("url_rewrite_rules").and_then(Zval::array).into_iter().flatten() {
        let (Key::Name(pattern), Some(target)) = (key, target.bytes()) else {
            swoosh::log::error!("url_rewrite_rules: ignoring a rule that is not a pattern with a target");
            continue;
        };
        if let Err(e) = files.rewrite(undelimited(&pattern.to_text()), &String::from_utf8_lossy(target)) {
            swoosh::log::error!("url_rewrite_rules: ignoring a rule: {e}");
        }
    }
    files.autoindex = is_on("http_autoindex");
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
    pub fn new(all: &Array) -> Self {
        let is_on = |name: &str| all.get(name).is_some_and(Zval::to_bool);
        WebSocketSettings {
            subprotocol: all.get("websocket_subprotocol").and_then(Zval::bytes).map(<[u8]>::to_vec),
            compression: is_on("websocket_compression"),
            control_frames: ["ping", "pong", "close"].map(|kind| is_on(&format!("open_websocket_{kind}_frame"))),
        }
    }

    /// The configured subprotocol, if the client offers it.
    pub fn subprotocol_of(&self, headers: &[Header<'_>]) -> Option<&[u8]> {
        let own = self.subprotocol.as_deref()?;
        let name = String::from_utf8_lossy(own);
        let offers =
            |h: &Header<'_>| h.name.eq_ignore_ascii_case("sec-websocket-protocol") && has_token(h.value, &name);
        headers.iter().any(offers).then_some(own)
    }
}
