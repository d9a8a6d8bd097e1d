//! `Swoole\Coroutine\Http\Client`: the class, its setters, its connection's end. How a request goes out is in [`sending`],
//! how its answer comes in in [`answer`], WebSocket in [`talking`].

mod answer;
mod decode;
mod form;
mod handshake;
mod head;
mod sending;
mod talking;

use super::coroutine_client::Times;
use super::exception::EXCEPTION;
use super::http_client::talking::{disconnect, ping, push, recv, upgrade};
use super::socket::describe;
use crate::coroutine::setting_values;
use crate::coroutine::socket::{CoroutineSocket, ErrorCode};
use crate::runtime::last_error;
use crate::server::websocket_talk::Talk;
use nix::errno::Errno;
use socket2::{SockAddr, Socket};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use swoosh::proto::base64;
use swoosh::tls::to_pem;
use swoosh_zend::error::throw;
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, IntoZval, OrFalse, PhpResult, Value, ZStr, Zval};

/// The class.
pub static HTTP_CLIENT: ClassSlot = ClassSlot::new();
/// What it throws.
pub static CLIENT_EXCEPTION: ClassSlot = ClassSlot::new();

#[derive(Default)]
struct Client {
    conn: RefCell<Option<Rc<Conn>>>,
    family: Cell<i32>,
    defer: Cell<bool>,
    /// The requests whose answers nobody has read.
    sent: RefCell<VecDeque<Sent>>,
    basic: RefCell<Option<String>>,
    /// The last request's head.
    head: RefCell<Option<Vec<u8>>>,
    talk: RefCell<Option<Rc<Talk>>>,
}
swoosh_zend::payload!(Client);

/// A connection.
struct Conn {
    link: Rc<CoroutineSocket>,
    /// Read and not taken yet.
    buffer: RefCell<Vec<u8>>,
}

/// What is to be known of a request to read its answer.
struct Sent {
    method: Vec<u8>,
    /// The answer's body goes into that file, from that byte on.
    file: Option<(String, u64)>,
    /// A handshake's key.
    key: Option<String>,
    keep: bool,
}

/// Why there is no answer: the status that says so, the code, and words.
struct Failure {
    status: i64,
    code: ErrorCode,
    why: String,
}

impl Failure {
    fn new(status: i64, code: ErrorCode, why: impl Into<String>) -> Self {
        Failure { status, code, why: why.into() }
    }

    fn of(status: i64, code: ErrorCode) -> Self {
        Failure::new(status, code, if code < 500 { Errno::from_raw(code).desc() } else { "it was refused" })
    }
}

/// Registers the classes.
pub fn register(short_names: bool) {
    let short = |class: ClassBuilder, name: &'static str| if short_names { class.alias(name) } else { class };
    let exception = ClassBuilder::new("Swoole\\Coroutine\\Http\\Client\\Exception").extends(EXCEPTION.get());
    short(exception, "Co\\Http\\Client\\Exception").register(&CLIENT_EXCEPTION);
    let class = ClassBuilder::new("Swoole\\Coroutine\\Http\\Client")
        .payload::<Client>()
        .property("socket", Value::Null)
        .property("errCode", Value::Int(0))
        .property("errMsg", Value::Text(""))
        .property("connected", Value::Bool(false))
        .property("host", Value::Text(""))
        .property("port", Value::Int(0))
        .property("ssl", Value::Bool(false))
        .property("setting", Value::Null)
        .property("requestMethod", Value::Null)
        .property("requestHeaders", Value::Null)
        .property("requestBody", Value::Null)
        .property("uploadFiles", Value::Null)
        .property("downloadFile", Value::Null)
        .property("downloadOffset", Value::Int(0))
        .property("statusCode", Value::Int(0))
        .property("headers", Value::Null)
        .property("set_cookie_headers", Value::Null)
        .property("cookies", Value::Null)
        .property("body", Value::Text(""))
        .method("__construct(string $host, int $port = 0, bool $ssl = false)", construct)
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method("set(array $settings): bool", set)
        .method("getDefer(): bool", |call: &mut Call<'_>| Ok(call.payload::<Client>().defer.get()))
        .method("setDefer(bool $defer = true): bool", |call: &mut Call<'_>| {
            call.payload::<Client>().defer.set(call.bool_or(0, true)?);
            Ok(true)
        })
        .method("setMethod(string $method): bool", |call: &mut Call<'_>| keep(call, METHOD))
        .method("setHeaders(array $headers): bool", |call: &mut Call<'_>| keep(call, REQUEST_HEADERS))
        .method("setBasicAuth(string $username, string $password): void", set_basic_auth)
        .method("setCookies(array $cookies): bool", |call: &mut Call<'_>| keep(call, COOKIES))
        .method("setData(array|string $data): bool", |call: &mut Call<'_>| keep(call, BODY_SENT))
        .method(
            "addFile(string $path, string $name, ?string $type = null, ?string $filename = null, int $offset = 0, int $length = 0): bool",
            add_file,
        )
        .method("addData(string $path, string $name, ?string $type = null, ?string $filename = null): bool", add_data)
        .method("execute(string $path): bool", execute)
        .method("getpeername(): array|false", |call: &mut Call<'_>| name(call, Socket::peer_addr))
        .method("getsockname(): array|false", |call: &mut Call<'_>| name(call, Socket::local_addr))
        .method("get(string $path): bool", get)
        .method("post(string $path, mixed $data): bool", post)
        .method("download(string $path, string $file, int $offset = 0): bool", download)
        .method("getBody(): string|false", |call: &mut Call<'_>| shown(call, BODY))
        .method("getHeaders(): array|false|null", |call: &mut Call<'_>| shown(call, HEADERS))
        .method("getCookies(): array|false|null", |call: &mut Call<'_>| shown(call, COOKIES))
        .method("getStatusCode(): int|false", |call: &mut Call<'_>| shown(call, STATUS))
        .method("getHeaderOut(): string|false", header_out)
        .method("getPeerCert(): string|false", peer_certificate)
        .method("upgrade(string $path): bool", upgrade)
        .method("push(mixed $data, int $opcode = SWOOLE_WEBSOCKET_OPCODE_TEXT, int $flags = SWOOLE_WEBSOCKET_FLAG_FIN): bool", push)
        .method("recv(float $timeout = 0): Swoole\\WebSocket\\Frame|string|bool", recv)
        .method("close(): bool", close)
        .method("ping(string $data = ''): bool", ping)
        .method("disconnect(int $code = SWOOLE_WEBSOCKET_CLOSE_NORMAL, string $reason = ''): bool", disconnect);
    short(class, "Co\\Http\\Client").register(&HTTP_CLIENT);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let (host, port, ssl) = (call.bytes(0)?, call.int_or(1, 0)?, call.bool_or(2, false)?);
    let refuse = |why: &str, code| Err(throw(CLIENT_EXCEPTION.get(), why, code));
    if host.is_empty() {
        return refuse("an HTTP client needs a host", i64::from(libc::EINVAL));
    }
    let port = if port == 0 { if ssl { 443 } else { 80 } } else { port };
    if !(1..=65535).contains(&port) {
        return refuse(&format!("{port} is no port: it is a number from 1 to 65535"), INVALID_PARAMS);
    }
    let family = match () {
        () if host.starts_with(b"unix:/") => libc::AF_UNIX,
        () if host.contains(&b':') => libc::AF_INET6,
        () => libc::AF_INET,
    };
    call.payload::<Client>().family.set(family);
    show(call, HOST, host);
    show(call, PORT, port);
    show(call, SSL, ssl);
    Ok(())
}

fn show(call: &Call<'_>, slot: usize, value: impl IntoZval) {
    if let Some(this) = call.this() {
        this.set_slot(slot, value);
    }
}

fn array_in(call: &Call<'_>, slot: usize) -> Option<Array> {
    call.this().and_then(|this| this.slot(slot).array().cloned())
}

fn bytes_in(call: &Call<'_>, slot: usize) -> Vec<u8> {
    call.this().and_then(|this| this.slot(slot).bytes().map(<[u8]>::to_vec)).unwrap_or_default()
}

fn shown(call: &mut Call<'_>, slot: usize) -> PhpResult<Zval> {
    Ok(call.this().map_or_else(Zval::null, |this| this.slot(slot).clone()))
}

/// A setter of a property.
fn keep(call: &mut Call<'_>, slot: usize) -> PhpResult<bool> {
    if let Some(value) = call.arg(0) {
        show(call, slot, value.clone());
    }
    Ok(true)
}

fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let given = call.array(0)?;
    if given.is_empty() {
        return Ok(false);
    }
    if let Some(defer) = given.get("defer") {
        call.payload::<Client>().defer.set(defer.to_bool());
    }
    if let Some(this) = call.this() {
        setting_values::merge(this, SETTING, given);
    }
    Ok(true)
}

fn set_basic_auth(call: &mut Call<'_>) -> PhpResult<()> {
    let plain = [call.bytes(0)?, b":", call.bytes(1)?].concat();
    *call.payload::<Client>().basic.borrow_mut() = Some(format!("Basic {}", base64(&plain)));
    Ok(())
}

/// One more file or piece of data for the form of the next request.
fn add_part(call: &Call<'_>, part: Array) {
    let mut all = array_in(call, FILES).unwrap_or_default();
    show(call, FILES, ());
    all.push(part);
    show(call, FILES, all);
}

fn add_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let (path, name) = (call.text(0)?.into_owned(), call.bytes(1)?);
    let (offset, length) = (call.int_or(4, 0)?, call.int_or(5, 0)?);
    let size = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
    let (Some(size), Ok(offset), Ok(length)) = (size, u64::try_from(offset), u64::try_from(length)) else {
        last_error::warn_misuse(&format!("{path} cannot be added: it is no file that can be read, or not from there"));
        return Ok(false);
    };
    let end = if length == 0 { size } else { offset.saturating_add(length) };
    if offset >= size || end > size {
        last_error::warn_misuse(&format!("{path} cannot be added from byte {offset} to {end}: it has {size}"));
        return Ok(false);
    }
    let own = |n: usize| if call.has(n) { call.bytes(n).map(<[u8]>::to_vec).map(Some) } else { Ok(None) };
    let mut part = Array::new();
    part.insert("path", path.as_str());
    part.insert("name", name);
    let file_name = path.rsplit('/').next().unwrap_or(&path).as_bytes().to_vec();
    part.insert("filename", own(3)?.unwrap_or(file_name));
    part.insert("type", own(2)?.unwrap_or_else(|| swoosh::http::mime::of_file(&path).into_bytes()));
    part.insert("size", end - offset);
    part.insert("offset", offset);
    add_part(call, part);
    Ok(true)
}

fn add_data(call: &mut Call<'_>) -> PhpResult<bool> {
    let (data, name) = (call.bytes(0)?, call.bytes(1)?);
    let mut part = Array::new();
    part.insert("content", data);
    part.insert("name", name);
    part.insert("filename", if call.has(3) { call.bytes(3)? } else { name });
    part.insert("type", if call.has(2) { call.bytes(2)? } else { b"application/octet-stream" });
    part.insert("size", data.len());
    add_part(call, part);
    Ok(true)
}

fn get(call: &mut Call<'_>) -> PhpResult<bool> {
    show(call, METHOD, "GET");
    execute(call)
}

fn post(call: &mut Call<'_>) -> PhpResult<bool> {
    show(call, METHOD, "POST");
    if let Some(data) = call.arg(1) {
        show(call, BODY_SENT, data.clone());
    }
    execute(call)
}

fn download(call: &mut Call<'_>) -> PhpResult<bool> {
    show(call, METHOD, "GET");
    show(call, DOWNLOAD_FILE, call.bytes(1)?);
    show(call, DOWNLOAD_OFFSET, call.int_or(2, 0)?);
    execute(call)
}

/// Sends the request that the properties tell of, and reads its answer, unless that is put off.
fn execute(call: &mut Call<'_>) -> PhpResult<bool> {
    let target = call.bytes(0)?.to_vec();
    ask(call, &target, None)
}

fn ask(call: &Call<'_>, target: &[u8], key: Option<String>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    let talks = client.talk.borrow().as_ref().is_some_and(|talk| talk.is_open());
    if talks {
        last_error::warn_misuse("the connection speaks WebSocket: it takes no requests any more");
        return Ok(false);
    }
    if target.is_empty() {
        last_error::warn_misuse("a request needs a path");
        return Ok(false);
    }
    let put_off = client.defer.get() && key.is_none();
    if client.sent.borrow().is_empty() {
        forget_answer(call);
    }
    let settings = array_in(call, SETTING).unwrap_or_default();
    let times = Times::of(&settings);
    match sending::send(call, client, target, key, &settings, times)? {
        Err(failure) => fail(call, client, failure),
        Ok(()) if put_off => Ok(true),
        Ok(()) => answer::answer(call, client, &settings, times.read),
    }
}

/// Nothing is known of the answer that is to come.
fn forget_answer(call: &Call<'_>) {
    show(call, ERR_CODE, 0);
    show(call, ERR_MSG, "");
    show(call, STATUS, 0);
    show(call, HEADERS, ());
    show(call, SET_COOKIES, ());
    show(call, BODY, "");
}

/// Shows why there is no answer. The connection is of no use any more.
#[cold]
fn fail(call: &Call<'_>, client: &Client, failure: Failure) -> PhpResult<bool> {
    hang_up(call, client)?;
    last_error::set(failure.code);
    show(call, STATUS, failure.status);
    show(call, ERR_CODE, failure.code);
    show(call, ERR_MSG, failure.why);
    Ok(false)
}

/// Closes the connection; coroutines that wait on it run before this returns.
fn hang_up(call: &Call<'_>, client: &Client) -> PhpResult<()> {
    let conn = client.conn.take();
    drop(client.sent.take());
    drop(client.talk.take());
    show(call, CONNECTED, false);
    let socket = call.this().map(|this| this.slot(SOCKET).clone());
    show(call, SOCKET, ());
    drop(socket);
    match conn {
        Some(conn) => conn.link.close(),
        None => Ok(()),
    }
}

fn peer_certificate(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    let conn = call.payload::<Client>().conn.borrow().clone();
    let shown = conn.map(|conn| conn.link.peer_certificates()).unwrap_or_default();
    Ok(OrFalse(shown.first().map(|certificate| to_pem(certificate))))
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    if client.conn.borrow().is_none() {
        last_error::set(NO_CONNECTION);
        show(call, ERR_CODE, NO_CONNECTION);
        return Ok(false);
    }
    hang_up(call, client)?;
    Ok(true)
}

fn header_out(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    Ok(OrFalse(call.payload::<Client>().head.borrow().as_deref().map(ZStr::new)))
}

fn name(call: &Call<'_>, ask: fn(&Socket) -> io::Result<SockAddr>) -> PhpResult<OrFalse<Array>> {
    let conn = call.payload::<Client>().conn.borrow().clone();
    let found = conn.and_then(|conn| ask(conn.link.socket()).ok());
    if found.is_none() {
        last_error::set(NO_CONNECTION);
        show(call, ERR_CODE, NO_CONNECTION);
    }
    Ok(OrFalse(found.map(|address| describe(&address))))
}

const SOCKET: usize = 0;
const ERR_CODE: usize = 1;
const ERR_MSG: usize = 2;
const CONNECTED: usize = 3;
const HOST: usize = 4;
const PORT: usize = 5;
const SSL: usize = 6;
const SETTING: usize = 7;
const METHOD: usize = 8;
const REQUEST_HEADERS: usize = 9;
const BODY_SENT: usize = 10;
const FILES: usize = 11;
const DOWNLOAD_FILE: usize = 12;
const DOWNLOAD_OFFSET: usize = 13;
const STATUS: usize = 14;
const HEADERS: usize = 15;
const SET_COOKIES: usize = 16;
const COOKIES: usize = 17;
const BODY: usize = 18;
/// SWOOLE_HTTP_CLIENT_ESTATUS_*: why there is no status.
const CONNECT_FAILED: i64 = -1;
const REQUEST_TIMEOUT: i64 = -2;
const SERVER_RESET: i64 = -3;
const SEND_FAILED: i64 = -4;
/// SWOOLE_ERROR_CLIENT_NO_CONNECTION, SWOOLE_ERROR_HTTP_INVALID_PROTOCOL, SWOOLE_ERROR_INVALID_PARAMS, and those of
/// WebSocket.
const NO_CONNECTION: ErrorCode = 5001;
const INVALID_PROTOCOL: ErrorCode = 7102;
const INVALID_PARAMS: i64 = 505;
const UNCONNECTED: ErrorCode = 8503;
const HANDSHAKE_FAILED: ErrorCode = 8504;
const BROKEN_PROTOCOL: ErrorCode = 508;
const PACK_FAILED: ErrorCode = 8505;
/// Bytes of a body or a message that is kept in memory, unless `package_max_length` says less.
const LONGEST_BODY: i64 = 1 << 31;
/// Bytes read at once.
const CHUNK: usize = 65536;
