//! What a server's settings say of HTTP and WebSocket.

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
        Config {
            parse_post: true,
            parse_cookie: true,
            upload_dir: "/tmp".to_owned(),
            upload_max: 0,
            compression: Rules::default(),
            websocket: WebSocketConfig::default(),
            files: None,
            deadline: None,
            longest: LONGEST,
            in_memory: swoosh::config::ServerConfig::default().input_buffer_size,
            head_within: Some(swoosh::config::PortConfig::default().http_header_timeout),
            body_within: Some(swoosh::config::PortConfig::default().http_body_timeout),
        }
    }
}

impl Config {
    /// From a server's settings.
    pub fn new(all: &Array) -> Self {
        let is_on = |name: &str| all.get(name).is_none_or(Zval::to_bool);
        let text = |name: &str| all.get(name).and_then(Zval::to_zstr).map(|s| s.to_text().into_owned());
        let number = |names: &[&str]| names.iter().find_map(|name| all.get(name)).map(Zval::to_int);
        let seconds = |name: &str, otherwise: Option<Duration>| match all.get(name) {
            Some(limit) => Duration::try_from_secs_f64(limit.to_float()).ok().filter(|limit| !limit.is_zero()),
            None => otherwise,
        };
        let defaults = Config::default();
        let types = ["http_compression_types", "compression_types"].iter().find_map(|name| all.get(name));
        Config {
            parse_post: is_on("http_parse_post"),
            parse_cookie: is_on("http_parse_cookie"),
            upload_dir: text("upload_tmp_dir").filter(|dir| !dir.is_empty()).unwrap_or(defaults.upload_dir),
            upload_max: number(&["upload_max_filesize"]).and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            websocket: WebSocketConfig::new(all),
            files: files_of(all),
            deadline: seconds("request_deadline", None),
            head_within: seconds("http_header_timeout", defaults.head_within),
            body_within: seconds("http_body_timeout", defaults.body_within),
            in_memory: number(&["input_buffer_size", "buffer_input_size"])
                .and_then(|n| u64::try_from(n).ok())
                .unwrap_or(defaults.in_memory),
            longest: number(&["package_max_length"]).and_then(|n| u64::try_from(n).ok()).unwrap_or(LONGEST),
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

/// The files that a server's settings name; `None` where none are to be served.
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
            swoosh::log::error!("url_rewrite_rules: a rule is left out, which is no pattern with a target");
            continue;
        };
        if let Err(e) = files.rewrite(undelimited(&pattern.to_text()), &String::from_utf8_lossy(target)) {
            swoosh::log::error!("{e}; the rule is left out");
        }
    }
    files.autoindex = is_on("http_autoindex");
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
    pub fn new(all: &Array) -> Self {
        let is_on = |name: &str| all.get(name).is_some_and(Zval::to_bool);
        WebSocketConfig {
            subprotocol: all.get("websocket_subprotocol").and_then(Zval::bytes).map(<[u8]>::to_vec),
            compression: is_on("websocket_compression"),
            tells: ["ping", "pong", "close"].map(|kind| is_on(&format!("open_websocket_{kind}_frame"))),
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
