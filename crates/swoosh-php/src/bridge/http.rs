//! Requests of HTTP: from a worker's packet to the callback `request`, and their order.
//!
//! The answers of one connection go out in the order of its requests. A callback that returns before its answer is
//! whole (a timer or a coroutine goes on with it) holds what the connection asks next; nothing else waits for it.

use super::http_peer::Peer;
use super::server::{Calls, PortEvent, State};
use super::websocket::{self, Then, Wanted};
use super::{event_loop, http_deadline};
use crate::class::{http_request, http_response};
use crate::zend::{IntoZval, Object, PhpResult};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;
use swoosh::config::{EmbedderConfig, Framing, PortSettings, ServerConfig, StaticFilesConfig};
use swoosh::handler::{ConnectionEvent, Flow, Handler, SessionId};
use swoosh::http::Stored;
use swoosh::http::compress::Rules;
use swoosh::http::files::{self, Files};
use swoosh::node::Node;
use swoosh::proto::http1::request::{Request, room};

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
    pub websocket: websocket::Config,
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
            websocket: websocket::Config::new(&embedder.websocket),
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

/// What waits for the answer of an earlier request of its connection.
enum Held {
    Request(ConnectionEvent, Rc<Vec<u8>>, Option<Rc<Stored>>),
    Refusal(u16),
}

thread_local! {
    /// The server of this process.
    static SERVER: RefCell<Weak<State>> = const { RefCell::new(Weak::new()) };
    /// By connection: its request has no whole answer yet.
    static HELD: RefCell<HashMap<u64, VecDeque<Held>>> = RefCell::default();
    /// What may be handled now, in order.
    static READY: RefCell<VecDeque<(u64, Held)>> = const { RefCell::new(VecDeque::new()) };
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

/// This process is one of that server's.
pub fn remember(state: &Rc<State>) {
    SERVER.set(Rc::downgrade(state));
}

/// The server of this process.
pub fn server() -> Option<Rc<State>> {
    SERVER.with_borrow(Weak::upgrade)
}

/// This process was forked by user code: it is no process of the server. Neither waits nor panics.
pub fn step_out() {
    let server = SERVER.try_with(|server| server.try_borrow().ok().and_then(|server| server.upgrade()));
    if let Ok(Some(server)) = server {
        server.step_out();
    }
}

/// Whether a port's packets are requests for the callback `request`.
pub fn serves(calls: &Calls, node: &Node, port: usize) -> bool {
    let is_http = node.state().ports.get(port).is_some_and(|p| matches!(p.config.framing, Framing::Http));
    is_http && calls.answers_requests(port)
}

/// Makes ready what a request's callback gets, or a WebSocket's; `None` where it waits for another one's answer, or is
/// answered already. `stored`: its body, where that is not in `data`.
pub fn begin(
    state: &Rc<State>,
    node: &Node,
    event: &ConnectionEvent,
    data: &[u8],
    stored: Option<Rc<Stored>>,
) -> PhpResult<Option<Wanted>> {
    let session = event.session.0;
    let Some(calls) = state.calls() else { return Ok(None) };
    if node.was_websocket(event.session) {
        return websocket::receive(state, &calls, node, event, data);
    }
    if HOLDS.get() && hold(session, || Held::Request(*event, node.share_packet(data), stored.clone())) {
        return Ok(None);
    }
    let mut fields = room();
    let Some((parsed, headers)) = Request::parse(data, &mut fields) else {
        node.refuse_request(event.session, 400);
        return Ok(None);
    };
    let config = state.http.get_or_init(Config::default);
    if let Some(files) = &config.files
        && !node.has_no_file()
        && files::serve(node, files, event.session, &parsed, headers)
    {
        return Ok(None);
    }
    let upgrades = websocket::wanted(&calls, event.port, headers);
    let callable = match calls.ports[event.port][PortEvent::Request as usize].clone() {
        Some(callable) => Some(callable),
        None if upgrades => None,
        None => {
            node.refuse_request(event.session, 400);
            return Ok(None);
        }
    };
    let request = match http_request::serve(node, config, event, (data, stored), &parsed, headers)? {
        Ok(request) => request,
        Err(status) => {
            node.refuse_request(event.session, status);
            return Ok(None);
        }
    };
    node.begin_request(event.session);
    let response = http_response::serve(Peer::Server(state.clone(), event.session), &parsed, headers)?;
    let Some(callable) = callable.filter(|_| !upgrades) else {
        return websocket::shake_hands(state, &calls, node, event, &parsed, headers, (request, response));
    };
    if let Some(limit) = config.deadline.filter(|_| event_loop::runs_apart()) {
        http_response::expect_by(&response, http_deadline::begin(event.session, limit, parsed.minor == 0));
    }
    let args = [request.into_zval(), response.clone().into_zval()];
    Ok(Some(Wanted { callable, args, then: Then::Settle(response, session) }))
}

/// The callback of a request has returned, or goes on elsewhere. `response`: its response, which nobody else may hold any
/// more.
pub fn settle(response: Object, session: u64) {
    if http_response::is_open(&response) && response.is_shared() {
        HOLDS.set(true);
        HELD.with_borrow_mut(|held| {
            held.entry(session).or_default();
        });
    }
    // Where it was forgotten, this answers.
    drop(response);
}

/// Keeps something for later, where a request of the connection has no whole answer.
fn hold(session: u64, what: impl FnOnce() -> Held) -> bool {
    HELD.with_borrow_mut(|held| held.get_mut(&session).map(|queue| queue.push_back(what())).is_some())
}

/// The answer of a connection's request is whole: what it asked meanwhile is next.
pub fn answered(session: u64) {
    if !HOLDS.get() {
        return;
    }
    let next = HELD.with_borrow_mut(|held| held.remove(&session));
    let Some(mut queue) = next else { return };
    READY.with_borrow_mut(|ready| ready.extend(queue.drain(..).map(|held| (session, held))));
}

/// A connection is gone, and what it asked with it.
pub fn closed(session: u64) {
    websocket::closed(session);
    if HOLDS.get() {
        let gone = HELD.with_borrow_mut(|held| held.remove(&session));
        READY.with_borrow_mut(|ready| ready.retain(|(of, _)| *of != session));
        drop(gone);
    }
}

/// A refusal; `false` where its turn is now.
pub fn holds_refusal(session: u64, status: u16) -> bool {
    HOLDS.get() && hold(session, || Held::Refusal(status))
}

/// Handles what has waited long enough.
pub fn turn(handler: &dyn Handler, node: &Node) -> Flow {
    if !HOLDS.get() {
        return Ok(());
    }
    while node.has_room_for_request()
        && let Some((session, next)) = READY.with_borrow_mut(VecDeque::pop_front)
    {
        match next {
            Held::Request(event, data, None) => handler.receive(node, &event, &data)?,
            Held::Request(event, head, Some(body)) => handler.receive_stored(node, &event, &head, body)?,
            // One of those before may hold it again.
            Held::Refusal(status) if holds_refusal(session, status) => {}
            Held::Refusal(status) => node.refuse_request(SessionId(session), status),
        }
    }
    HOLDS.set(!HELD.with_borrow(HashMap::is_empty) || !READY.with_borrow(VecDeque::is_empty));
    Ok(())
}

/// Bytes of a request or a message, where no setting says another number.
const LONGEST: u64 = 2 << 20;
