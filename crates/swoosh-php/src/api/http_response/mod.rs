//! `Swoole\Http\Response`: its methods. `websocket` holds those of an upgraded connection.

mod websocket;
mod writable;

use super::http_cookie;
use super::http_cookie::Cookie;
use super::server_object::Server;
use super::socket;
use crate::runtime::last_error;
use crate::server::http::coroutine_connection::CoroutineConnection;
use crate::server::http::field_names::response_field;
use crate::server::http::response::head::{Body, is_key};
use crate::server::http::response::state::{COOKIE, HEADER, Phase, RESPONSE, ResponseState, TRAILER};
use crate::server::http::response::{for_connection, is_open};
use crate::server::http::transport::{HttpConnection, Transport};
use crate::server::state;
use crate::server::state::{session as id_of, succeeded};
use std::path::Path;
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh::proto::http1::is_token_byte;
use swoosh::proto::http1::response_writer::{self, put_chunk};
use swoosh::sys::open as opening;
use swoosh_zend::error::{argument_count_error, warning};
use swoosh_zend::{Array, Call, ClassBuilder, Key, Object, OrFalse, PhpResult, Value, Zval};
use websocket::{disconnect, push, recv, upgrade};
use writable::{CONTEXT_UNAVAILABLE, open, transport_of};

/// Registers the class. The order of properties is the order of slots in `server::http::response`.
pub fn register() {
    const OF_COOKIE: &str = "(Swoole\\Http\\Cookie|string $name_or_object, string $value = '', int $expires = 0, \
        string $path = '/', string $domain = '', bool $secure = false, bool $httponly = false, \
        string $samesite = '', string $priority = '', bool $partitioned = false): bool";
    ClassBuilder::new("Swoole\\Http\\Response")
        .alias("swoole_http_response")
        .payload::<ResponseState>()
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

fn is_writable(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(call.this().is_some_and(is_open))
}

fn status(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, reason) = (call.int(0)?, call.bytes_or(1, b"")?);
    let Some((state, _)) = open(call) else { return Ok(false) };
    if !response_writer::is_field_value(reason) {
        warning("the reason phrase must not contain line ends");
        return Ok(false);
    }
    if code != 0 && !is_status(code) {
        warning(&format!("the status must be 100 to 599, not {code}"));
        last_error::set(INVALID_PARAMS);
        return Ok(false);
    }
    state.set_status(if code == 0 { 200 } else { code });
    state.set_reason((!reason.is_empty()).then(|| reason.to_vec()));
    Ok(true)
}

/// Whether a number is a status code (RFC 9110 section 15).
fn is_status(code: i64) -> bool {
    (100..=599).contains(&code)
}

fn header(call: &mut Call<'_>) -> PhpResult<bool> {
    let (name, format) = (call.bytes(0)?, call.bool_or(2, true)?);
    let Some((_, this)) = open(call) else { return Ok(false) };
    let known = if format { response_field(name) } else { None };
    if known.is_none() && (name.len() > MAX_NAME || !response_writer::is_field_value(name)) {
        warning("a header name has at most 127 bytes and no line end");
        return Ok(false);
    }
    let Some(value) = call.arg(1).cloned() else { return Ok(false) };
    // The property's reference is dropped, so that the write does not copy the array.
    let mut all = this.replace_slot(HEADER, ()).array().cloned().unwrap_or_default();
    match known {
        Some(key) => all.insert_interned(key, value),
        None if format => {
            let mut formatted = [0; MAX_NAME];
            let place = &mut formatted[..name.len()];
            place.copy_from_slice(name);
            capitalise(place);
            all.put(place, value);
        }
        None => all.put(name, value),
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
    if name.len() > MAX_NAME {
        warning("a trailer name has at most 127 bytes");
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
    let Some((state, _)) = open(call) else { return Ok(false) };
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
                warning(&format!("early hints are not sent: {name:?} is not allowed in them"));
                last_error::set(INVALID_PARAMS);
                return Ok(false);
            };
            out.extend_from_slice(&field);
        }
    }
    out.extend_from_slice(b"\r\n");
    if state.phase() == Phase::HeadSent {
        warning("the response has begun: no early hints can be sent any more");
        last_error::set(CONTEXT_UNAVAILABLE);
        return Ok(false);
    }
    match transport_of(state).filter(|_| !state.is_http10()) {
        Some(transport) => transport.send(&out),
        None => Ok(false),
    }
}

/// Encodes a field of early hints; `None` if it is invalid or a framing field.
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
    let Some((state, this)) = open(call) else { return Ok(false) };
    let Some(transport) = transport_of(state) else { return Ok(false) };
    let mut out = Vec::with_capacity(256 + content.len());
    let before = state.phase();
    if before == Phase::NotSent {
        let body = match (state.is_http10(), state.has_body()) {
            (true, _) => Body::UntilClosed,
            (_, false) => Body::Length(0),
            _ => Body::Chunked,
        };
        let own = this.slot(HEADER).array().cloned();
        state.put_head(&mut out, this, own.as_ref(), body, None);
        state.enter(Phase::HeadSent);
    }
    if state.has_body() {
        match state.is_http10() {
            true => out.extend_from_slice(content),
            false => put_chunk(&mut out, content),
        }
    }
    let sent = out.is_empty() || transport.send(&out)?;
    match sent {
        true => state.note_sent_part(content),
        false => state.note_unsent_part(content),
    }
    if !sent && before == Phase::NotSent && state.phase() == Phase::HeadSent {
        // A refused write may be retried, with its head.
        state.enter(before);
    }
    // No bytes are no chunk, for an empty one would be the last; only the head has gone out then.
    Ok(sent && !content.is_empty())
}

fn end(call: &mut Call<'_>) -> PhpResult<bool> {
    let content = if call.has(0) { call.bytes(0)? } else { b"" };
    let Some((state, this)) = open(call) else { return Ok(false) };
    let Some(transport) = transport_of(state) else { return Ok(false) };
    let sent = state.end(&transport, this, content)?;
    swoosh_zend::error::pending().map_or(Ok(sent), Err)
}

fn redirect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (location, code) = (call.bytes(0)?, call.int_or(1, 302)?);
    let Some((state, this)) = open(call) else { return Ok(false) };
    if !is_status(code) {
        warning(&format!("the status must be 100 to 599, not {code}"));
        last_error::set(INVALID_PARAMS);
        return Ok(false);
    }
    let Some(transport) = transport_of(state) else { return Ok(false) };
    if state.phase() == Phase::HeadSent {
        warning("the response has begun: it redirects nowhere, and is ended");
    }
    state.set_status(code);
    let mut all = this.slot(HEADER).array().cloned().unwrap_or_default();
    all.put(b"Location", location);
    this.set_slot(HEADER, all);
    state.end(&transport, this, b"")
}

fn send_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let (path, offset, length) = (call.text(0)?, call.int_or(1, 0)?, call.int_or(2, 0)?.max(0));
    let Some((state, this)) = open(call) else { return Ok(false) };
    if state.phase() == Phase::HeadSent {
        warning("the response has begun: no file can be sent behind it");
        last_error::set(CONTEXT_UNAVAILABLE);
        return Ok(false);
    }
    let Some(transport) = transport_of(state) else { return Ok(false) };
    let file = opening::nonblocking(Path::new(&*path)).ok().and_then(|file| Some((file.metadata().ok()?, file)));
    let file = file.filter(|(about, _)| about.is_file());
    let (Some((about, file)), Ok(offset), Ok(length)) = (file, u64::try_from(offset), u64::try_from(length)) else {
        last_error::warn_misuse(&format!("{path} cannot be sent: not a readable file, or a negative offset"));
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
    state.put_head(&mut out, this, Some(&own), Body::Length(end - offset), None);
    state.enter(Phase::Ended);
    let follows = state.has_body() && end > offset;
    let mut sent = if follows { transport.send_head(&out)? } else { transport.send(&out)? };
    if sent && follows {
        sent = transport.send_file(&Rc::new(file), offset, end)?;
    }
    if !sent {
        // The announced body is missing: the connection cannot be reused.
        state.close_after();
    }
    state.finish(&transport);
    Ok(sent)
}

fn detach(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some((state, _)) = open(call) else { return Ok(false) };
    state.enter(Phase::Detached);
    if let Some(transport) = transport_of(state) {
        transport.detach_request();
        transport.response_complete();
    }
    Ok(true)
}

/// A response on any connection of the server, by id.
fn create(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let Some(first) = call.arg(0).cloned() else { return Err(argument_count_error(1, 2)) };
    if let Some(list) = first.array() {
        return create_of_request(list);
    }
    // A numeric string is a connection's id too: tasks get it as text.
    let number = || first.bytes().and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
    if let Some(fd) = first.int().or_else(number) {
        return match state::current() {
            Some(state) => {
                for_connection(HttpConnection::Server(state, SessionId(fd as u64))).map(|object| OrFalse(Some(object)))
            }
            None => Ok(OrFalse(None)),
        };
    }
    if let Some(link) = first.object().and_then(socket::link_of) {
        return for_connection(HttpConnection::Coroutine(CoroutineConnection::new(link, Rc::default())))
            .map(|object| OrFalse(Some(object)));
    }
    let server = first.object().and_then(|object| object.payload::<Server>());
    let Some(Ok(state)) = server.map(|server| server.0.state()) else { return Ok(OrFalse(None)) };
    let fd = id_of(call.int_or(1, -1)?);
    if !state.node().is_some_and(|node| node.exists(fd)) {
        last_error::set(SESSION_NOT_EXIST);
        return Ok(OrFalse(None));
    }
    for_connection(HttpConnection::Server(state.clone(), fd)).map(|object| OrFalse(Some(object)))
}

/// `create([$server, $request])`: the response to that request. `create([$socket, $request])` likewise.
fn create_of_request(list: &Array) -> PhpResult<OrFalse<Object>> {
    let mut objects = list.iter().filter_map(|(_, value)| value.object().cloned());
    let (Some(server), Some(request)) = (objects.next(), objects.next()) else { return Ok(OrFalse(None)) };
    let connection = if let Some(link) = socket::link_of(&server) {
        HttpConnection::Coroutine(CoroutineConnection::new(link, Rc::default()))
    } else {
        let Some(Ok(state)) = server.payload::<Server>().map(|server| server.0.state()) else {
            return Ok(OrFalse(None));
        };
        HttpConnection::Server(state.clone(), id_of(request.get("fd").to_int()))
    };
    for_connection(connection).map(|object| OrFalse(Some(object)))
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = call.payload::<ResponseState>();
    if state.phase() == Phase::Unattached {
        return Ok(open(call).is_some());
    }
    let Some(transport) = transport_of(state) else { return Ok(false) };
    if let Transport::Socket(connection) = &transport
        && let Some(websocket) = connection.websocket()
    {
        return websocket.send_close(1000, b"");
    }
    let closed = transport.close();
    if closed && state.must_respond() {
        transport.end_request();
    }
    if closed && state.phase() != Phase::Detached {
        state.enter(Phase::Ended);
        transport.response_complete();
    }
    Ok(closed)
}

/// Sends a GOAWAY on the HTTP/2 connection of this response: it is closed behind the responses that are on the way.
fn goaway(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, debug) = (call.int_or(0, 0)?, call.bytes_or(1, b"")?);
    let Some((state, _)) = open(call) else { return Ok(false) };
    let Some((node, session)) = http2_stream_of(state) else {
        last_error::set(CONTEXT_UNAVAILABLE);
        return Ok(false);
    };
    let Ok(code) = u32::try_from(code) else {
        last_error::set(INVALID_PARAMS);
        return Ok(false);
    };
    Ok(succeeded(node.http2_go_away(session, code, debug)))
}

/// Sends a PING: of HTTP/2, with up to eight bytes, or of the WebSocket of a coroutine server.
fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes_or(0, b"")?;
    let Some((node, session)) = http2_stream_of(call.payload::<ResponseState>()) else {
        return websocket::ping(call);
    };
    if open(call).is_none() {
        return Ok(false);
    }
    let mut payload = [0; 8];
    let Some(place) = payload.get_mut(..data.len()) else {
        last_error::set(INVALID_PARAMS);
        return Ok(false);
    };
    place.copy_from_slice(data);
    Ok(succeeded(node.http2_ping(session, payload)))
}

/// The HTTP/2 stream that a response is sent on.
fn http2_stream_of(state: &ResponseState) -> Option<(Context, SessionId)> {
    match state.connection()? {
        HttpConnection::Server(state, session) if session.is_stream() => Some((state.running()?, *session)),
        _ => None,
    }
}

/// SWOOLE_ERROR_SESSION_NOT_EXIST.
const SESSION_NOT_EXIST: i32 = 1005;
/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i32 = 505;
const MAX_NAME: usize = 127;
