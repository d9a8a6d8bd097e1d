//! `Swoole\Http\Response`: its life and its methods. Its bytes are made in [`head`]; what it is as a WebSocket, in
//! [`talking`].

mod head;
mod talking;

use crate::bridge::http;
use crate::bridge::http_deadline::Deadline;
use crate::bridge::http_peer::{Peer, Way};
use crate::bridge::last_error;
use crate::bridge::server::{done, session as id_of};
use crate::class::http_cookie::{self, Cookie};
use crate::class::server::Server;
use crate::zend::error::{argument_count_error, warning};
use crate::zend::{Array, Call, ClassBuilder, ClassSlot, Key, Object, OrFalse, PhpResult, Value, Zval};
use head::{Body, is_key, put_trailers};
use httparse::Header;
use std::cell::{Cell, OnceCell, RefCell};
use std::path::Path;
use std::rc::Rc;
use swoosh::handler::SessionId;
use swoosh::http::compress::Coding;
use swoosh::proto::http1::is_token_byte;
use swoosh::proto::http1::reply::{self, put_chunk};
use swoosh::proto::http1::request::{Request, field};
use swoosh::proto::websocket::deflate::Agreed;
use swoosh::sys::open as opening;
use talking::{disconnect, ping, push, recv, upgrade};

/// The class.
pub static RESPONSE: ClassSlot = ClassSlot::new();

/// What lives in a response's object.
pub struct Kept {
    peer: OnceCell<Peer>,
    status: Cell<i64>,
    reason: RefCell<Option<Vec<u8>>>,
    /// Where it is in its life.
    stage: Cell<Stage>,
    /// The connection stays open behind it.
    keep: Cell<bool>,
    /// The client speaks HTTP/1.0, which has no chunks.
    old: Cell<bool>,
    /// The request was HEAD.
    bodiless: Cell<bool>,
    /// It answers a request, which it must not leave without an answer.
    owes: Cell<bool>,
    coding: Cell<Option<Coding>>,
    /// The request wants to speak WebSocket: 101 says yes, and everything else no, before the connection is closed.
    handshake: Cell<bool>,
    /// When it is to be whole.
    deadline: OnceCell<Rc<Deadline>>,
    /// What is agreed on then about the compression of messages.
    deflate: Cell<Option<Agreed>>,
}

/// Where a response is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It belongs to no connection.
    Nothing,
    /// Nothing of it is sent.
    New,
    /// Its head is sent, and maybe some of its body.
    Begun,
    /// It is whole.
    Ended,
    /// The connection is somebody else's to answer.
    Detached,
}

impl Default for Kept {
    fn default() -> Self {
        Kept {
            peer: OnceCell::new(),
            status: Cell::new(200),
            reason: RefCell::default(),
            stage: Cell::new(Stage::Nothing),
            keep: Cell::new(true),
            old: Cell::new(false),
            bodiless: Cell::new(false),
            owes: Cell::new(false),
            coding: Cell::new(None),
            handshake: Cell::new(false),
            deadline: OnceCell::new(),
            deflate: Cell::new(None),
        }
    }
}

impl crate::zend::Payload for Kept {
    fn handlers() -> &'static crate::zend::object::HandlerTable {
        static TABLE: crate::zend::object::HandlerTable = crate::zend::object::HandlerTable::new();
        &TABLE
    }
    const KEEPS_PROPERTIES: bool = true;

    /// A request that its handler forgot is answered all the same.
    fn before_free(&self, object: &Object) {
        let stage = self.stage();
        if !self.owes.get() || !matches!(stage, Stage::New | Stage::Begun) {
            return;
        }
        let (state, session) = match self.peer.get() {
            Some(Peer::Server(state, session)) => (state, *session),
            // Nobody may wait here: its coroutine sends it.
            Some(Peer::Coroutine(served)) => {
                served.forgotten.replace(Some(self.forgotten(object)));
                served.closes.set(served.closes.get() || !self.keep.get());
                return served.go_on();
            }
            None => return,
        };
        // Of a child that its handler has forked it is not.
        let Some(node) = state.node().filter(|_| !state.home.is_left()) else { return };
        let way = Way::Node(node.clone(), session);
        if !node.exists(session) {
            return self.finish(&way);
        }
        swoosh::log::notice!("a request of connection {} was left without end(); it is ended", session.0);
        let last = self.forgotten(object);
        if !last.is_empty() {
            done(node.send_answer(session, &last));
        }
        self.finish(&way);
    }
}

const FD: usize = 0;
const HEADER: usize = 2;
const COOKIE: usize = 3;
const TRAILER: usize = 4;

/// Registers the class. The order of properties is the order of slots above.
pub fn register() {
    const OF_COOKIE: &str = "(Swoole\\Http\\Cookie|string $name_or_object, string $value = '', int $expires = 0, \
        string $path = '/', string $domain = '', bool $secure = false, bool $httponly = false, \
        string $samesite = '', string $priority = '', bool $partitioned = false): bool";
    ClassBuilder::new("Swoole\\Http\\Response")
        .alias("swoole_http_response")
        .payload::<Kept>()
        .allow_dynamic()
        .property("fd", Value::Int(0))
        .property("socket", Value::Null)
        .property("header", Value::Null)
        .property("cookie", Value::Null)
        .property("trailer", Value::Null)
        .method("initHeader(): bool", |call: &mut Call<'_>| Ok(open(call).is_some()))
        .method("isWritable(): bool", is_writable)
        .method(&format!("cookie{OF_COOKIE}"), |call: &mut Call<'_>| cookie(call, true))
        .method(&format!("setCookie{OF_COOKIE}"), |call: &mut Call<'_>| cookie(call, true))
        .method(&format!("rawcookie{OF_COOKIE}"), |call: &mut Call<'_>| cookie(call, false))
        .method(&format!("setRawCookie{OF_COOKIE}"), |call: &mut Call<'_>| cookie(call, false))
        .method("status(int $http_code, string $reason = ''): bool", status)
        .method("setStatusCode(int $http_code, string $reason = ''): bool", status)
        .method("header(string $key, array|string $value, bool $format = true): bool", header)
        .method("setHeader(string $key, array|string $value, bool $format = true): bool", header)
        .method("trailer(string $key, string $value): bool", trailer)
        .method("ping(string $data = ''): bool", ping)
        .method("goaway(int $error_code = SWOOLE_HTTP2_ERROR_NO_ERROR, string $debug_data = ''): bool", goaway)
        .method("earlyHints(array $headers): bool", early_hints)
        .method("write(string $content): bool", write)
        .method("end(?string $content = null): bool", end)
        .method("sendfile(string $filename, int $offset = 0, int $length = 0): bool", send_file)
        .method("redirect(string $location, int $http_code = 302): bool", redirect)
        .method("detach(): bool", detach)
        .method("static create(object|array|int $server = -1, int $fd = -1): Swoole\\Http\\Response|false", create)
        .method("upgrade(): bool", upgrade)
        .method(
            "push(Swoole\\WebSocket\\Frame|string $data, int $opcode = SWOOLE_WEBSOCKET_OPCODE_TEXT, int $flags = SWOOLE_WEBSOCKET_FLAG_FIN): bool",
            push,
        )
        .method("recv(float $timeout = 0): Swoole\\WebSocket\\Frame|string|false", recv)
        .method("close(): bool", close)
        .method("disconnect(int $code = SWOOLE_WEBSOCKET_CLOSE_NORMAL, string $reason = ''): bool", disconnect)
        .register(&RESPONSE);
}

/// The response to a request.
pub fn serve(peer: Peer, request: &Request<'_>, headers: &[Header<'_>]) -> PhpResult<Object> {
    let object = of_connection(peer)?;
    if let Some(kept) = object.payload::<Kept>() {
        kept.owes.set(true);
        kept.keep.set(request.keeps_alive(headers));
        kept.old.set(request.minor == 0);
        kept.bodiless.set(request.method == "HEAD");
        if let (Some(accept), Some(peer)) = (field(headers, "accept-encoding"), kept.peer.get()) {
            kept.coding.set(peer.with_config(|config| config.compression.negotiate(accept)).flatten());
        }
    }
    Ok(object)
}

fn of_connection(peer: Peer) -> PhpResult<Object> {
    let object = Object::new(RESPONSE.get())?;
    match &peer {
        Peer::Server(_, session) => object.set_slot(FD, session.0),
        Peer::Coroutine(served) => object.set_slot(FD, served.link.fd()),
    }
    if let Some(kept) = object.payload::<Kept>() {
        let _ = kept.peer.set(peer);
        kept.enter(Stage::New);
    }
    Ok(object)
}

/// Whether a response waits to be ended.
pub fn is_open(object: &Object) -> bool {
    object.payload::<Kept>().is_some_and(|kept| matches!(kept.stage(), Stage::New | Stage::Begun))
}

/// The response answers a request that wants to speak WebSocket.
pub fn expect_handshake(object: &Object) {
    if let Some(kept) = object.payload::<Kept>() {
        kept.handshake.set(true);
        kept.keep.set(false);
        kept.coding.set(None);
    }
}

/// Its WebSocket's messages are to be compressed.
pub fn agree(object: &Object, agreed: Agreed) {
    if let Some(kept) = object.payload::<Kept>() {
        kept.deflate.set(Some(agreed));
    }
}

/// It is to be whole by then.
pub fn expect_by(object: &Object, deadline: Rc<Deadline>) {
    if let Some(kept) = object.payload::<Kept>() {
        let _ = kept.deadline.set(deadline);
    }
}

/// Gives it a status and header fields.
pub fn prepare(object: &Object, status: i64, fields: Array) {
    if let Some(kept) = object.payload::<Kept>() {
        kept.status.set(status);
    }
    object.set_slot(HEADER, fields);
}

/// Ends it without a body, where nothing of it is sent.
pub fn end_now(way: &Way, object: &Object) -> PhpResult<()> {
    match object.payload::<Kept>().filter(|kept| kept.stage() == Stage::New) {
        Some(kept) => kept.end(way, object, b"").map(drop),
        None => Ok(()),
    }
}

impl Kept {
    fn stage(&self) -> Stage {
        match self.deadline.get() {
            Some(deadline) if deadline.is_over() => Stage::Ended,
            _ => self.stage.get(),
        }
    }

    fn enter(&self, stage: Stage) {
        self.stage.set(stage);
        match (stage, self.deadline.get()) {
            (Stage::Begun, Some(deadline)) => deadline.answer_begun(),
            (Stage::Ended | Stage::Detached, Some(deadline)) => deadline.met(),
            _ => {}
        }
    }

    fn has_body(&self) -> bool {
        let status = u16::try_from(self.status.get()).unwrap_or(200);
        reply::has_body(if self.bodiless.get() { "HEAD" } else { "" }, status)
    }

    /// It is whole: the connection is closed, or its next request is served.
    fn finish(&self, way: &Way) {
        self.enter(Stage::Ended);
        if self.owes.get() {
            way.end_request();
        }
        if !self.keep.get() {
            // Where the peer was faster there is nothing to close.
            way.close();
        }
        way.answered();
    }

    /// Ends it with the rest of its body.
    fn end(&self, way: &Way, object: &Object, body: &[u8]) -> PhpResult<bool> {
        if self.handshake.get() {
            let agreed = self.status.get() == 101;
            self.keep.set(agreed);
            if agreed {
                way.begin_websocket(self.deflate.get());
            }
        }
        let out = self.rest(object, body);
        // From here on nobody else may say anything, whoever runs while it is sent.
        self.enter(Stage::Ended);
        let sent = out.is_empty() || way.send_last(&out)?;
        if !sent {
            // Whatever came behind it would be taken for its end.
            self.keep.set(false);
        }
        self.finish(way);
        Ok(sent)
    }

    /// What is to be sent still, together with the rest of the body.
    fn rest(&self, object: &Object, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + body.len());
        if self.stage() == Stage::New {
            self.put_whole(&mut out, object, body);
        } else if self.old.get() || !self.has_body() {
            out.extend_from_slice(if self.has_body() { body } else { b"" });
        } else {
            put_chunk(&mut out, body);
            out.extend_from_slice(b"0\r\n");
            put_trailers(&mut out, object);
            out.extend_from_slice(b"\r\n");
        }
        out
    }

    /// The end of an answer that its handler forgot.
    fn forgotten(&self, object: &Object) -> Vec<u8> {
        if self.stage() == Stage::New && self.status.get() == 200 {
            self.status.set(500);
        }
        self.rest(object, b"")
    }
}

/// The response, while it can be changed and sent; else `None`, and the code for it.
fn open<'a>(call: &Call<'a>) -> Option<(&'a Kept, &'a Object)> {
    let kept = call.payload::<Kept>();
    if matches!(kept.stage(), Stage::New | Stage::Begun) {
        return call.this().map(|this| (kept, this));
    }
    let why = match kept.stage() {
        Stage::Ended => "the response has been ended already",
        Stage::Detached => "the response is detached from its connection",
        _ => "the response belongs to no request",
    };
    warning(why);
    last_error::set(CONTEXT_UNAVAILABLE);
    None
}

fn way_of(kept: &Kept) -> Option<Way> {
    kept.peer.get().and_then(Peer::way)
}

fn is_writable(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(call.this().is_some_and(is_open))
}

fn status(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, reason) = (call.int(0)?, call.bytes_or(1, b"")?);
    let Some((kept, _)) = open(call) else { return Ok(false) };
    if !reply::is_value(reason) {
        warning("a reason has no line end");
        return Ok(false);
    }
    kept.status.set(if code == 0 { 200 } else { code });
    *kept.reason.borrow_mut() = (!reason.is_empty()).then(|| reason.to_vec());
    Ok(true)
}

fn header(call: &mut Call<'_>) -> PhpResult<bool> {
    let (name, format) = (call.bytes(0)?, call.bool_or(2, true)?);
    let Some((_, this)) = open(call) else { return Ok(false) };
    if name.len() > LONGEST_NAME || !reply::is_value(name) {
        warning("a header field's name has at most 127 letters and no line end");
        return Ok(false);
    }
    let Some(value) = call.arg(1).cloned() else { return Ok(false) };
    let mut all = this.slot(HEADER).array().cloned().unwrap_or_default();
    // Nobody else is to hold the array while it is written to.
    this.set_slot(HEADER, ());
    match format {
        true => {
            let mut formatted = [0; LONGEST_NAME];
            let place = &mut formatted[..name.len()];
            place.copy_from_slice(name);
            capitalise(place);
            all.put(place, value);
        }
        false => all.put(name, value),
    }
    this.set_slot(HEADER, all);
    Ok(true)
}

/// `content-type` as `Content-Type`.
fn capitalise(name: &mut [u8]) {
    let mut first = true;
    for byte in name {
        *byte = if first { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        first = *byte == b'-';
    }
}

fn trailer(call: &mut Call<'_>) -> PhpResult<bool> {
    let (name, value) = (call.bytes(0)?, call.bytes(1)?);
    let Some((_, this)) = open(call) else { return Ok(false) };
    if name.len() > LONGEST_NAME {
        warning("a trailer field's name has at most 127 letters");
        return Ok(false);
    }
    let mut all = this.slot(TRAILER).array().cloned().unwrap_or_default();
    all.put(&name.to_ascii_lowercase(), value);
    this.set_slot(TRAILER, all);
    Ok(true)
}

fn cookie(call: &mut Call<'_>, encode: bool) -> PhpResult<bool> {
    let cookie = match call.arg(0).and_then(Zval::object).and_then(http_cookie::of) {
        Some(cookie) => cookie,
        None => Cookie {
            name: call.bytes(0)?.to_vec(),
            value: call.bytes_or(1, b"")?.to_vec(),
            expires: call.int_or(2, 0)?,
            path: call.bytes_or(3, b"")?.to_vec(),
            domain: call.bytes_or(4, b"")?.to_vec(),
            secure: call.bool_or(5, false)?,
            http_only: call.bool_or(6, false)?,
            same_site: call.bytes_or(7, b"")?.to_vec(),
            priority: call.bytes_or(8, b"")?.to_vec(),
            partitioned: call.bool_or(9, false)?,
            encode,
        },
    };
    let Some((_, this)) = open(call) else { return Ok(false) };
    match cookie.write() {
        Ok(text) => {
            let mut all = this.slot(COOKIE).array().cloned().unwrap_or_default();
            all.push(text);
            this.set_slot(COOKIE, all);
            Ok(true)
        }
        Err(why) => {
            warning(why);
            Ok(false)
        }
    }
}

/// Sends 103 and header fields before the answer (RFC 8297). `false`, and nothing is sent, to clients of HTTP/1.0, which
/// have no such answers (RFC 9110 section 15.2).
fn early_hints(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(fields) = call.arg(0).and_then(Zval::array).cloned() else { return Ok(false) };
    let Some((kept, _)) = open(call) else { return Ok(false) };
    let mut out = b"HTTP/1.1 103 Early Hints\r\n".to_vec();
    for (key, value) in &fields {
        let list = value.array().cloned();
        let values: Vec<&Zval> =
            list.as_ref().map_or_else(|| vec![value], |list| list.iter().map(|(_, v)| v).collect());
        for value in values {
            let Some(field) = hint(&key, value) else {
                let name = match key {
                    Key::Name(name) => name.to_text().into_owned(),
                    Key::Index(index) => index.to_string(),
                };
                warning(&format!("early hints are not sent: {name:?} is no header field that they may have"));
                last_error::set(INVALID_PARAMS);
                return Ok(false);
            };
            out.extend_from_slice(&field);
        }
    }
    out.extend_from_slice(b"\r\n");
    if kept.stage() == Stage::Begun {
        warning("the response has begun: no early hints can be sent any more");
        last_error::set(CONTEXT_UNAVAILABLE);
        return Ok(false);
    }
    match way_of(kept).filter(|_| !kept.old.get()) {
        Some(way) => way.send(&out),
        None => Ok(false),
    }
}

/// One field of early hints; `None` where it is none, or says how an answer ends.
fn hint(key: &Key<'_>, value: &Zval) -> Option<Vec<u8>> {
    let Key::Name(name) = key else { return None };
    if value.array().is_some() || value.object().is_some() {
        return None;
    }
    let (name, value) = (name.as_bytes(), value.to_zstr()?);
    let framing = ["content-length", "transfer-encoding", "connection"];
    let is_token = !name.is_empty() && name.iter().all(|&byte| is_token_byte(byte));
    if !is_token || !reply::is_value(value.as_bytes()) || framing.iter().any(|other| is_key(key, other)) {
        return None;
    }
    Some([name, b": ", value.as_bytes(), b"\r\n"].concat())
}

fn write(call: &mut Call<'_>) -> PhpResult<bool> {
    let content = call.bytes(0)?;
    let Some((kept, this)) = open(call) else { return Ok(false) };
    let Some(way) = way_of(kept) else { return Ok(false) };
    let mut out = Vec::with_capacity(256 + content.len());
    let before = kept.stage();
    if before == Stage::New {
        let body = match (kept.old.get(), kept.has_body()) {
            (true, _) => Body::UntilClosed,
            (_, false) => Body::Length(0),
            _ => Body::Chunked,
        };
        let own = this.slot(HEADER).array().cloned();
        kept.put_head(&mut out, this, own.as_ref(), body, None);
        kept.enter(Stage::Begun);
    }
    if kept.has_body() {
        match kept.old.get() {
            true => out.extend_from_slice(content),
            false => put_chunk(&mut out, content),
        }
    }
    let sent = out.is_empty() || way.send(&out)?;
    if !sent && kept.stage() == Stage::Begun {
        // What was refused may be written again, and its head with it.
        kept.enter(before);
    }
    // No bytes are no chunk, for an empty one would be the last; only the head has gone out then.
    Ok(sent && !content.is_empty())
}

fn end(call: &mut Call<'_>) -> PhpResult<bool> {
    let content = if call.has(0) { call.bytes(0)? } else { b"" };
    let Some((kept, this)) = open(call) else { return Ok(false) };
    let Some(way) = way_of(kept) else { return Ok(false) };
    let sent = kept.end(&way, this, content)?;
    crate::zend::error::pending().map_or(Ok(sent), Err)
}

fn redirect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (location, code) = (call.bytes(0)?, call.int_or(1, 302)?);
    let Some((kept, this)) = open(call) else { return Ok(false) };
    let Some(way) = way_of(kept) else { return Ok(false) };
    if kept.stage() == Stage::Begun {
        warning("the response has begun: it redirects nowhere, and is ended");
    }
    kept.status.set(code);
    let mut all = this.slot(HEADER).array().cloned().unwrap_or_default();
    all.put(b"Location", location);
    this.set_slot(HEADER, all);
    kept.end(&way, this, b"")
}

fn send_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let (path, offset, length) = (call.text(0)?, call.int_or(1, 0)?, call.int_or(2, 0)?);
    let Some((kept, this)) = open(call) else { return Ok(false) };
    if kept.stage() == Stage::Begun {
        warning("the response has begun: no file can be sent behind it");
        last_error::set(CONTEXT_UNAVAILABLE);
        return Ok(false);
    }
    let Some(way) = way_of(kept) else { return Ok(false) };
    let file = opening::any(Path::new(&*path)).ok().and_then(|file| Some((file.metadata().ok()?, file)));
    let file = file.filter(|(about, _)| about.is_file());
    let (Some((about, file)), Ok(offset), Ok(length)) = (file, u64::try_from(offset), u64::try_from(length)) else {
        last_error::refuse(&format!("{path} cannot be sent: it is no file that can be read, or not from there"));
        return Ok(false);
    };
    let size = about.len();
    let end = if length == 0 { size } else { offset.saturating_add(length) };
    if offset > size || end > size {
        last_error::refuse(&format!("{path} cannot be sent from byte {offset} to {end}: it has {size}"));
        return Ok(false);
    }
    let mut own = this.slot(HEADER).array().cloned().unwrap_or_default();
    if !own.iter().any(|(key, _)| is_key(&key, "content-type")) {
        own.insert("Content-Type", swoosh::http::mime::of_file(&path));
    }
    let mut out = Vec::with_capacity(512);
    kept.put_head(&mut out, this, Some(&own), Body::Length(end - offset), None);
    kept.enter(Stage::Ended);
    let follows = kept.has_body() && end > offset;
    let mut sent = if follows { way.send_head(&out)? } else { way.send(&out)? };
    if sent && follows {
        sent = way.send_file(&Rc::new(file), offset, end)?;
    }
    if !sent {
        // What it promised does not come, and nothing may come in its place.
        kept.keep.set(false);
    }
    kept.finish(&way);
    Ok(sent)
}

fn detach(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some((kept, _)) = open(call) else { return Ok(false) };
    kept.enter(Stage::Detached);
    if let Some(way) = way_of(kept) {
        way.leave_request();
        way.answered();
    }
    Ok(true)
}

/// A response to whoever a connection is of, from anywhere in the server.
fn create(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(first) = call.arg(0) else { return Err(argument_count_error(1, 2)) };
    if let Some(fd) = first.int() {
        return match http::server() {
            Some(state) => of_connection(Peer::Server(state, SessionId(fd as u64))).map(|object| OrFalse(Some(object))),
            None => Ok(OrFalse(None)),
        };
    }
    let server = first.object().and_then(|object| object.payload::<Server>());
    let Some(Ok(state)) = server.map(|server| server.0.state()) else { return Ok(OrFalse(None)) };
    let fd = id_of(call.int_or(1, -1)?);
    if !state.node().is_some_and(|node| node.exists(fd)) {
        last_error::set(SESSION_NOT_EXIST);
        return Ok(OrFalse(None));
    }
    of_connection(Peer::Server(state.clone(), fd)).map(|object| OrFalse(Some(object)))
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let kept = call.payload::<Kept>();
    if kept.stage() == Stage::Nothing {
        return Ok(open(call).is_some());
    }
    let Some(way) = way_of(kept) else { return Ok(false) };
    if let Way::Link(served) = &way
        && served.talk.borrow().is_some()
    {
        let talk = served.talk.borrow().clone();
        return talk.map_or(Ok(false), |talk| talk.say_close(1000, b""));
    }
    let closed = way.close();
    if closed && kept.owes.get() {
        way.end_request();
    }
    if closed && kept.stage() != Stage::Detached {
        kept.enter(Stage::Ended);
        way.answered();
    }
    Ok(closed)
}

fn goaway(call: &mut Call<'_>) -> PhpResult<bool> {
    if open(call).is_some() {
        last_error::set(CONTEXT_UNAVAILABLE);
    }
    Ok(false)
}

/// SWOOLE_ERROR_HTTP_CONTEXT_UNAVAILABLE and SWOOLE_ERROR_SESSION_NOT_EXIST.
const CONTEXT_UNAVAILABLE: i32 = 7106;
const SESSION_NOT_EXIST: i32 = 1005;
/// SWOOLE_ERROR_PROTOCOL_ERROR.
const PROTOCOL_ERROR: i32 = 508;
/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i32 = 505;
const LONGEST_NAME: usize = 127;
