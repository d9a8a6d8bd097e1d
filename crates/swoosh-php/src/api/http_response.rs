//! `Swoole\Http\Response`: its methods; what it is as a WebSocket, in [`talking`].

mod talking;

use super::http_cookie;
use super::http_cookie::Cookie;
use super::server_object::Server;
use super::socket;
use crate::runtime::last_error;
use crate::server::http_peer::{Peer, Served, Way};
use crate::server::http_response::head::{Body, is_key};
use crate::server::http_response::{COOKIE, HEADER, Kept, RESPONSE, Stage, TRAILER, is_open, of_connection};
use crate::server::state;
use crate::server::state::session as id_of;
use std::path::Path;
use std::rc::Rc;
use swoosh::handler::SessionId;
use swoosh::proto::http1::is_token_byte;
use swoosh::proto::http1::response_writer::{self, put_chunk};
use swoosh::sys::open as opening;
use swoosh_zend::error::{argument_count_error, warning};
use swoosh_zend::{Array, Call, ClassBuilder, Key, Object, OrFalse, PhpResult, Value, Zval};
use talking::{disconnect, ping, push, recv, upgrade};

/// Registers the class. The order of properties is the order of slots in `server::http_response`.
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
    if !response_writer::is_field_value(reason) {
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
    if name.len() > LONGEST_NAME || !response_writer::is_field_value(name) {
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
    if !is_token || !response_writer::is_field_value(value.as_bytes()) || framing.iter().any(|other| is_key(key, other))
    {
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
    swoosh_zend::error::pending().map_or(Ok(sent), Err)
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
    let file = opening::nonblocking(Path::new(&*path)).ok().and_then(|file| Some((file.metadata().ok()?, file)));
    let file = file.filter(|(about, _)| about.is_file());
    let (Some((about, file)), Ok(offset), Ok(length)) = (file, u64::try_from(offset), u64::try_from(length)) else {
        last_error::warn_misuse(&format!("{path} cannot be sent: it is no file that can be read, or not from there"));
        return Ok(false);
    };
    let size = about.len();
    let end = if length == 0 { size } else { offset.saturating_add(length) };
    if offset > size || end > size {
        last_error::warn_misuse(&format!("{path} cannot be sent from byte {offset} to {end}: it has {size}"));
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

/// A response to whoever a connection is of, from run_in_coroutine in the server.
fn create(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(first) = call.arg(0).cloned() else { return Err(argument_count_error(1, 2)) };
    if let Some(list) = first.array() {
        return create_of_request(list);
    }
    // A numeric string is a connection's id too: tasks get it as text.
    let number = || first.bytes().and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
    if let Some(fd) = first.int().or_else(number) {
        return match state::current() {
            Some(state) => of_connection(Peer::Server(state, SessionId(fd as u64))).map(|object| OrFalse(Some(object))),
            None => Ok(OrFalse(None)),
        };
    }
    if let Some(link) = first.object().and_then(socket::link_of) {
        return of_connection(Peer::Coroutine(Served::new(link, Rc::default()))).map(|object| OrFalse(Some(object)));
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

/// `create([$server, $request])`: the response to that request. `create([$socket, $request])` likewise.
fn create_of_request(list: &Array) -> PhpResult<OrFalse<Object>> {
    let mut objects = list.iter().filter_map(|(_, value)| value.object().cloned());
    let (Some(server), Some(request)) = (objects.next(), objects.next()) else { return Ok(OrFalse(None)) };
    let peer = if let Some(link) = socket::link_of(&server) {
        Peer::Coroutine(Served::new(link, Rc::default()))
    } else {
        let Some(Ok(state)) = server.payload::<Server>().map(|server| server.0.state()) else {
            return Ok(OrFalse(None));
        };
        Peer::Server(state.clone(), id_of(request.get("fd").to_int()))
    };
    of_connection(peer).map(|object| OrFalse(Some(object)))
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
