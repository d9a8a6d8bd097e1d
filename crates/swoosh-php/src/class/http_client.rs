//! `Swoole\Coroutine\Http\Client`.

use crate::bridge::last_error;
use crate::bridge::websocket_talk::{Heard, Rules, Talk};
use crate::class::coroutine_client::{Proxy, Times, base64, dial};
use crate::class::exception::EXCEPTION;
use crate::class::socket::{describe, object as socket_object, protocol};
use crate::class::websocket::{BAD_CLOSE, Given, given};
use crate::client::decode::{Decoder, STEP};
use crate::client::form::{Body, Part, Slice, multipart};
use crate::client::head::Head;
use crate::coroutine::socket::{Code, Link};
use crate::coroutine::tls::CONTEXT_FAILED;
use crate::coroutine::wait;
use crate::zend::error::throw;
use crate::zend::{
    Array, Call, Callable, ClassBuilder, ClassSlot, IntoZval, Key, Object, OrFalse, PhpResult, Value, ZStr, Zval,
};
use httparse::Header;
use nix::errno::Errno;
use socket2::{SockAddr, Socket};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};
use swoosh::http::form::pairs;
use swoosh::proto::http1::answer::{Answer, Reader, Step, room};
use swoosh::proto::websocket::deflate;
use swoosh::proto::websocket::{Opcode, accept, is_close_code};
use swoosh::tls::to_pem;

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
crate::payload!(Client);

/// A connection.
struct Conn {
    link: Rc<Link>,
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
    code: Code,
    why: String,
}

impl Failure {
    fn new(status: i64, code: Code, why: impl Into<String>) -> Self {
        Failure { status, code, why: why.into() }
    }

    fn of(status: i64, code: Code) -> Self {
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
    let mut all = array_in(call, SETTING).unwrap_or_default();
    for (key, value) in given {
        match key {
            Key::Name(name) => all.insert(name.as_bytes(), value.clone()),
            Key::Index(index) => all.set(index, value.clone()),
        }
    }
    if let Some(defer) = given.get("defer") {
        call.payload::<Client>().defer.set(defer.to_bool());
    }
    show(call, SETTING, all);
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
        last_error::refuse(&format!("{path} cannot be added: it is no file that can be read, or not from there"));
        return Ok(false);
    };
    let end = if length == 0 { size } else { offset.saturating_add(length) };
    if offset >= size || end > size {
        last_error::refuse(&format!("{path} cannot be added from byte {offset} to {end}: it has {size}"));
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
        last_error::refuse("the connection speaks WebSocket: it takes no requests any more");
        return Ok(false);
    }
    if target.is_empty() {
        last_error::refuse("a request needs a path");
        return Ok(false);
    }
    let put_off = client.defer.get() && key.is_none();
    if client.sent.borrow().is_empty() {
        forget_answer(call);
    }
    let settings = array_in(call, SETTING).unwrap_or_default();
    let times = Times::of(&settings);
    match send(call, client, target, key, &settings, times)? {
        Err(failure) => fail(call, client, failure),
        Ok(()) if put_off => Ok(true),
        Ok(()) => answer(call, client, &settings, times.read),
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
    hang_up(call, client);
    last_error::set(failure.code);
    show(call, STATUS, failure.status);
    show(call, ERR_CODE, failure.code);
    show(call, ERR_MSG, failure.why);
    Ok(false)
}

fn hang_up(call: &Call<'_>, client: &Client) {
    let conn = client.conn.take();
    if let Some(conn) = &conn {
        conn.link.close();
    }
    drop(conn);
    drop(client.sent.take());
    drop(client.talk.take());
    show(call, CONNECTED, false);
    let socket = call.this().map(|this| this.slot(SOCKET).clone());
    show(call, SOCKET, ());
    drop(socket);
}

/// The connection: the one that is open, unless its peer has closed it meanwhile, or a new one.
fn connection(
    call: &Call<'_>,
    client: &Client,
    settings: &Array,
    limit: Option<Duration>,
) -> PhpResult<Result<Rc<Conn>, Failure>> {
    let known = client.conn.borrow().clone();
    if let Some(conn) = known {
        let waits = !client.sent.borrow().is_empty();
        let mut byte = [0];
        let quiet = || matches!(conn.link.peek(&mut byte), Err(e) if e.kind() == io::ErrorKind::WouldBlock);
        if waits || conn.buffer.borrow().is_empty() && { quiet }() {
            return Ok(Ok(conn));
        }
        hang_up(call, client);
    }
    let host = bytes_in(call, HOST);
    let port = call.this().map_or(0, |this| this.slot(PORT).to_int());
    let ssl = call.this().is_some_and(|this| this.slot(SSL).to_bool());
    let family = client.family.get();
    let host = if family == libc::AF_UNIX { unix_path(&host) } else { host };
    // A plain request goes to an HTTP proxy itself; a tunnel is for what it must not see.
    let proxy = Proxy::of(settings);
    let direct = proxy.as_ref().filter(|proxy| !proxy.socks && !ssl && family != libc::AF_UNIX).cloned();
    let (to, at, through) = match &direct {
        Some(proxy) => (proxy.address().0, proxy.address().1, None),
        None => (&host[..], port, proxy),
    };
    let link = match dial((family, libc::SOCK_STREAM), through, to, at, limit)? {
        Ok(link) => link,
        Err(code) => return Ok(Err(Failure::of(CONNECT_FAILED, code))),
    };
    if ssl && let Err(failure) = seal(&link, settings, &host, limit)? {
        return Ok(Err(failure));
    }
    let conn = Rc::new(Conn { link: link.clone(), buffer: RefCell::default() });
    show(call, SOCKET, socket_object(link, family, libc::SOCK_STREAM)?);
    show(call, CONNECTED, true);
    *client.conn.borrow_mut() = Some(conn.clone());
    Ok(Ok(conn))
}

/// Agrees upon TLS with the server.
fn seal(link: &Link, settings: &Array, host: &[u8], limit: Option<Duration>) -> PhpResult<Result<(), Failure>> {
    let refused = || Failure::new(CONNECT_FAILED, CONTEXT_FAILED, "the settings of TLS cannot be used");
    let Some((_, wanted)) = protocol(settings) else { return Ok(Err(refused())) };
    match wanted.begin(host) {
        Ok(session) => link.seal(session),
        Err(e) => {
            last_error::refuse(&e.to_string());
            return Ok(Err(refused()));
        }
    }
    let why = |code| link.why().unwrap_or_else(|| Errno::from_raw(code).desc().to_owned());
    Ok(link.shake(limit)?.map_err(|code| Failure::new(CONNECT_FAILED, code, why(code))))
}

fn peer_certificate(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    let conn = call.payload::<Client>().conn.borrow().clone();
    let shown = conn.map(|conn| conn.link.peer_certificates()).unwrap_or_default();
    Ok(OrFalse(shown.first().map(|certificate| to_pem(certificate))))
}

fn unix_path(host: &[u8]) -> Vec<u8> {
    let path = host.strip_prefix(b"unix:").unwrap_or(host);
    let slashes = path.iter().take_while(|&&byte| byte == b'/').count();
    path[slashes.saturating_sub(1)..].to_vec()
}

fn send(
    call: &Call<'_>,
    client: &Client,
    target: &[u8],
    key: Option<String>,
    settings: &Array,
    times: Times,
) -> PhpResult<Result<(), Failure>> {
    let on = |name: &str, or: bool| settings.get(name).map_or(or, Zval::to_bool);
    let (mut content_type, body) = body_of(call)?;
    let own_method = bytes_in(call, METHOD);
    let method = match own_method.is_empty() {
        true => {
            if body.is_some() {
                b"POST".to_vec()
            } else {
                b"GET".to_vec()
            }
        }
        false => own_method,
    };
    let host = bytes_in(call, HOST);
    let (port, ssl) = call.this().map_or((0, false), |this| (this.slot(PORT).to_int(), this.slot(SSL).to_bool()));
    let shown_host = match client.family.get() {
        libc::AF_UNIX => b"localhost".to_vec(),
        _ if port == if ssl { 443 } else { 80 } => bracketed(&host),
        _ => [&bracketed(&host)[..], format!(":{port}").as_bytes()].concat(),
    };
    let mut more = Vec::new();
    if let Some(basic) = client.basic.borrow().clone() {
        more.push(("Authorization", basic));
    }
    let proxy = Proxy::of(settings).filter(|proxy| !proxy.socks && !ssl && client.family.get() != libc::AF_UNIX);
    let mut whole_target = target.to_vec();
    if let Some(proxy) = &proxy {
        // RFC 9112 section 3.2.2.
        whole_target = [&b"http://"[..], &shown_host, target].concat();
        more.extend(proxy.credentials().map(|credentials| ("Proxy-Authorization", credentials)));
    }
    let body = if key.is_some() { None } else { body };
    if let Some(key) = &key {
        content_type = None;
        more.push(("Connection", "Upgrade".to_owned()));
        more.push(("Upgrade", "websocket".to_owned()));
        more.push(("Sec-WebSocket-Version", "13".to_owned()));
        more.push(("Sec-WebSocket-Key", key.clone()));
        if on("websocket_compression", false) {
            more.push(("Sec-WebSocket-Extensions", deflate::OFFER.to_owned()));
        }
    }
    let keep = on("keep_alive", true);
    let (own, cookies) = (array_in(call, REQUEST_HEADERS), array_in(call, COOKIES));
    let head = Head {
        method: &method,
        target: &whole_target,
        host: &shown_host,
        own: own.as_ref(),
        more: &more,
        keep,
        upgrades: key.is_some(),
        cookies: cookies.as_ref(),
        content_type: content_type.as_deref(),
        length: body.as_ref().map(Body::length),
    };
    let head = match head.write() {
        Ok(head) => head,
        Err(why) => {
            crate::zend::error::warning(&format!("the request is not sent: {why}"));
            return Ok(Err(Failure::new(CONNECT_FAILED, libc::EINVAL, why)));
        }
    };
    let conn = match connection(call, client, settings, times.connect)? {
        Ok(conn) => conn,
        Err(failure) => return Ok(Err(failure)),
    };
    *client.head.borrow_mut() = Some(head[..head.len() - 4].to_vec());
    let file = bytes_in(call, DOWNLOAD_FILE);
    let offset = call.this().map_or(0, |this| this.slot(DOWNLOAD_OFFSET).to_int());
    let file =
        (!file.is_empty()).then(|| (String::from_utf8_lossy(&file).into_owned(), u64::try_from(offset).unwrap_or(0)));
    for slot in [FILES, DOWNLOAD_FILE] {
        show(call, slot, ());
    }
    show(call, DOWNLOAD_OFFSET, 0);
    if let Err(code) = send_parts(&conn.link, head, body, times.write)? {
        return Ok(Err(Failure::of(SEND_FAILED, code)));
    }
    client.sent.borrow_mut().push_back(Sent { method, file, key, keep });
    Ok(Ok(()))
}

fn bracketed(host: &[u8]) -> Vec<u8> {
    if host.contains(&b':') { [b"[", host, b"]"].concat() } else { host.to_vec() }
}

/// The body that the properties tell of, and its type.
fn body_of(call: &Call<'_>) -> PhpResult<(Option<String>, Option<Body>)> {
    let Some(this) = call.this() else { return Ok((None, None)) };
    let given = this.slot(BODY_SENT).resolved().clone();
    let files = array_in(call, FILES).filter(|files| !files.is_empty());
    let query = match given.array() {
        Some(_) => match Callable::new(&"http_build_query".into_zval()) {
            Ok(build) => {
                Some(build.call(&mut [given.clone()])?.to_zstr().map(|q| q.as_bytes().to_vec()).unwrap_or_default())
            }
            Err(_) => None,
        },
        None => None,
    };
    if let Some(files) = files {
        let random = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 1);
        let boundary = format!("----SwooshBoundary{random:016x}");
        let body = multipart(&boundary, &pairs(query.as_deref().unwrap_or_default()), &files);
        return Ok((Some(format!("multipart/form-data; boundary={boundary}")), Some(body)));
    }
    Ok(match query {
        Some(query) => (Some("application/x-www-form-urlencoded".to_owned()), Some(Body::of(query))),
        None if given.is_null() => (None, None),
        None => (None, Some(Body::of(given.to_zstr().map(|text| text.as_bytes().to_vec()).unwrap_or_default()))),
    })
}

/// The head together with the first bytes of the body, then the rest.
fn send_parts(link: &Link, head: Vec<u8>, body: Option<Body>, limit: Option<Duration>) -> PhpResult<Result<(), Code>> {
    let mut out = head;
    for part in body.unwrap_or_default().parts {
        match part {
            Part::Bytes(bytes) => out.extend_from_slice(&bytes),
            Part::File(path, offset, length) => {
                if let (_, Some(code)) = link.send_all(&std::mem::take(&mut out), limit)? {
                    return Ok(Err(code));
                }
                let mut slice = match Slice::open(&path, offset, length) {
                    Ok(slice) => slice,
                    Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
                };
                loop {
                    let piece = match slice.read() {
                        Ok(piece) if piece.is_empty() => break,
                        Ok(piece) => piece,
                        Err(e) => return Ok(Err(e.raw_os_error().unwrap_or(libc::EIO))),
                    };
                    if let (_, Some(code)) = link.send_all(&piece, limit)? {
                        return Ok(Err(code));
                    }
                }
            }
        }
    }
    let (_, failed) = link.send_all(&out, limit)?;
    Ok(failed.map_or(Ok(()), Err))
}

/// Reads the answer to the first request that has none.
fn answer(call: &Call<'_>, client: &Client, settings: &Array, limit: Option<Duration>) -> PhpResult<bool> {
    let conn = client.conn.borrow().clone();
    let sent = client.sent.borrow_mut().pop_front();
    let (Some(conn), Some(sent)) = (conn, sent) else { return Ok(false) };
    forget_answer(call);
    match read(call, &conn, &sent, settings, limit)? {
        Ok(keeps) => {
            if let Some(key) = &sent.key {
                return shake_hands(call, client, &conn, key, settings);
            }
            if !(keeps && sent.keep) {
                hang_up(call, client);
            }
            Ok(true)
        }
        Err(failure) => fail(call, client, failure),
    }
}

/// Where an answer's body goes.
enum Sink {
    Memory(Vec<u8>, u64),
    File(String, u64, Option<File>),
    Code(Callable, Object),
}

impl Sink {
    fn take(&mut self, piece: Vec<u8>) -> PhpResult<io::Result<()>> {
        match self {
            _ if piece.is_empty() => Ok(Ok(())),
            Sink::Memory(body, most) => {
                if (body.len() + piece.len()) as u64 > *most {
                    return Ok(Err(io::Error::other("the body is longer than package_max_length")));
                }
                body.extend_from_slice(&piece);
                Ok(Ok(()))
            }
            Sink::File(path, offset, open) => Ok((|| {
                if open.is_none() {
                    let mut file = OpenOptions::new().write(true).create(true).truncate(*offset == 0).open(path)?;
                    file.seek(SeekFrom::Start(*offset))?;
                    *open = Some(file);
                }
                open.as_mut().map_or(Ok(()), |file| file.write_all(&piece))
            })()),
            Sink::Code(code, client) => {
                code.call(&mut [client.clone().into_zval(), piece.into_zval()])?;
                Ok(Ok(()))
            }
        }
    }
}

/// Reads one answer into the properties; whether the connection can be used again.
fn read(
    call: &Call<'_>,
    conn: &Conn,
    sent: &Sent,
    settings: &Array,
    limit: Option<Duration>,
) -> PhpResult<Result<bool, Failure>> {
    let until = limit.map(|limit| Instant::now() + limit);
    let mut reader = Reader::new(&sent.method);
    let mut decoder = Decoder::new(b"");
    let mut sink = match (&sent.file, settings.get("write_func").map(Callable::new), call.this()) {
        (Some((path, offset)), _, _) => Sink::File(path.clone(), *offset, None),
        (None, Some(Ok(code)), Some(this)) => Sink::Code(code, this.clone()),
        _ => {
            let most = settings.get("package_max_length").map_or(LONGEST_BODY, Zval::to_int);
            Sink::Memory(Vec::new(), u64::try_from(most).unwrap_or(0))
        }
    };
    let mut buffer = conn.buffer.take();
    // An answer that ends with its connection leaves that to the next request to find.
    let (mut status, mut keeps) = (0, true);
    loop {
        let step = match reader.next(&buffer) {
            Ok(step) => step,
            Err(fault) => return Ok(Err(Failure::new(SERVER_RESET, INVALID_PROTOCOL, fault.0))),
        };
        match step {
            Step::Need => {
                let left = until.map(|until| until.saturating_duration_since(Instant::now()));
                match conn.link.read_into(&mut buffer, CHUNK, left)? {
                    Ok(0) if reader.may_end() => break,
                    Ok(0) => return Ok(Err(Failure::of(SERVER_RESET, libc::ECONNRESET))),
                    Ok(_) => {}
                    Err(libc::ETIMEDOUT) => return Ok(Err(Failure::of(REQUEST_TIMEOUT, libc::ETIMEDOUT))),
                    Err(code) => return Ok(Err(Failure::of(SERVER_RESET, code))),
                }
            }
            Step::Head(length) => {
                let mut fields = room();
                if let Some((head, headers)) = Answer::parse(&buffer[..length], &mut fields) {
                    status = i64::from(head.status);
                    let coding = show_headers(call, headers);
                    let unpack = settings.get("body_decompression").is_none_or(Zval::to_bool);
                    decoder = Decoder::new(coding.filter(|_| unpack).unwrap_or_default());
                }
                buffer.drain(..length);
            }
            Step::Data(form, length) => {
                let piece: Vec<u8> = buffer.drain(..form + length).skip(form).collect();
                for step in piece.chunks(STEP) {
                    let taken = match decoder.take(step) {
                        Ok(plain) => sink.take(plain)?,
                        Err(e) => Err(e),
                    };
                    if let Err(e) = taken {
                        return Ok(Err(Failure::new(SERVER_RESET, INVALID_PROTOCOL, e.to_string())));
                    }
                }
            }
            Step::End(length) => {
                buffer.drain(..length);
                keeps = reader.keeps_alive();
                break;
            }
        }
    }
    let left = match decoder.finish() {
        Ok(left) => sink.take(left)?,
        Err(e) => Err(e),
    };
    if let Err(e) = left {
        return Ok(Err(Failure::new(SERVER_RESET, INVALID_PROTOCOL, e.to_string())));
    }
    if let Sink::Memory(body, _) = sink {
        show(call, BODY, body);
    }
    show(call, STATUS, status);
    conn.buffer.replace(buffer);
    Ok(Ok(keeps))
}

/// Shows the fields of an answer; its content coding.
fn show_headers<'h>(call: &Call<'_>, headers: &[Header<'h>]) -> Option<&'h [u8]> {
    let (mut all, mut set, mut coding) = (Array::new(), Array::new(), None);
    let mut cookies = array_in(call, COOKIES).unwrap_or_default();
    for header in headers {
        let name = header.name.to_ascii_lowercase();
        add(&mut all, name.as_bytes(), header.value);
        match name.as_str() {
            "set-cookie" => {
                set.push(header.value);
                let pair = header.value.split(|&byte| byte == b';').next().unwrap_or_default();
                if let Some((name, value)) = pairs(pair).pop().filter(|(name, _)| !name.is_empty()) {
                    cookies.put(name.trim_ascii(), value);
                }
            }
            "content-encoding" => coding = Some(header.value),
            _ => {}
        }
    }
    if !all.is_empty() {
        show(call, HEADERS, all);
    }
    if !set.is_empty() {
        show(call, SET_COOKIES, set);
        show(call, COOKIES, cookies);
    }
    coding
}

/// Fields of one name become a list.
fn add(all: &mut Array, name: &[u8], value: &[u8]) {
    let Some(before) = all.find(name).cloned() else { return all.put(name, value) };
    let mut list = match before.array() {
        Some(list) => list.clone(),
        None => [before].into_iter().collect(),
    };
    list.push(value);
    all.put(name, list);
}

/// Asks to speak WebSocket from here on (RFC 6455 section 4.1).
fn upgrade(call: &mut Call<'_>) -> PhpResult<bool> {
    let target = call.bytes(0)?.to_vec();
    show(call, METHOD, "GET");
    let hash = |n: u8| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), n).to_ne_bytes();
    let key = base64(&[hash(0), hash(1)].concat());
    ask(call, &target, Some(key))
}

/// Looks at the answer to a handshake.
fn shake_hands(call: &Call<'_>, client: &Client, conn: &Rc<Conn>, key: &str, settings: &Array) -> PhpResult<bool> {
    if call.this().is_none_or(|this| this.slot(STATUS).to_int() != 101) {
        // An answer, though no agreement: the status says so.
        return Ok(true);
    }
    let headers = array_in(call, HEADERS).unwrap_or_default();
    let field = |name: &str| headers.get(name).and_then(Zval::bytes).unwrap_or_default();
    if Some(field("sec-websocket-accept")) != accept(key.as_bytes()).as_deref().map(str::as_bytes) {
        let why = "the answer to the handshake is not made of its key";
        return fail(call, client, Failure::new(SERVER_RESET, HANDSHAKE_FAILED, why));
    }
    let on = |name: &str, or: bool| settings.get(name).map_or(or, Zval::to_bool);
    let extensions = field("sec-websocket-extensions");
    let agreed = deflate::is_agreed([extensions].into_iter()) && on("websocket_compression", false);
    if !extensions.is_empty() && !agreed {
        let why = "the answer to the handshake agrees on what was not offered";
        return fail(call, client, Failure::new(SERVER_RESET, HANDSHAKE_FAILED, why));
    }
    let most = settings.get("package_max_length").map_or(LONGEST_BODY, Zval::to_int);
    let rules = Rules {
        masks: on("websocket_mask", true),
        masked: false,
        max: u64::try_from(most).unwrap_or(0),
        deflate: agreed.then_some(deflate::Agreed { narrow: false }),
        tells: ["ping", "pong", "close"].map(|kind| on(&format!("open_websocket_{kind}_frame"), false)),
    };
    let talk = Talk::new(conn.link.clone(), conn.buffer.take(), rules);
    *client.talk.borrow_mut() = Some(Rc::new(talk));
    Ok(true)
}

/// The WebSocket; `None`, and a code, where there is none.
fn talk(call: &Call<'_>) -> Option<Rc<Talk>> {
    let client = call.payload::<Client>();
    let talk = client.talk.borrow().clone();
    if talk.is_none() {
        let code = if client.conn.borrow().is_none() { NO_CONNECTION } else { UNCONNECTED };
        last_error::set(code);
        show(call, ERR_CODE, code);
        show(call, ERR_MSG, "there is no connection that speaks WebSocket");
    }
    talk
}

/// The result of sending something; where it failed, the connection is of no use any more.
fn sent(call: &Call<'_>, result: Result<(), Code>) -> PhpResult<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(code) => fail(call, call.payload::<Client>(), Failure::of(SEND_FAILED, code)),
    }
}

fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(talk) = talk(call) else { return Ok(false) };
    let Some(frame) = given(call, 0)? else {
        last_error::refuse("an opcode is a number from 0 to 15");
        show(call, ERR_CODE, PACK_FAILED);
        return Ok(false);
    };
    let write = Times::of(&array_in(call, SETTING).unwrap_or_default()).write;
    sent(call, talk.send(&frame, write)?)
}

fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes_or(0, b"")?.to_vec();
    let Some(talk) = talk(call) else { return Ok(false) };
    if data.len() > 125 {
        last_error::refuse("a ping has at most 125 bytes");
        return Ok(false);
    }
    sent(call, talk.send(&Given::control(Opcode::Ping, data), None)?)
}

fn disconnect(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, reason) = (call.int_or(0, 1000)?, call.bytes_or(1, b"")?.to_vec());
    let Some(talk) = talk(call) else { return Ok(false) };
    let code = u16::try_from(code).ok().filter(|code| is_close_code(*code) && reason.len() <= 123);
    let Some(code) = code else {
        last_error::refuse(BAD_CLOSE);
        return Ok(false);
    };
    let said = talk.say_close(code, &reason)?;
    hang_up(call, call.payload::<Client>());
    Ok(said)
}

/// The next message of a WebSocket, or the answer to a request that was put off.
fn recv(call: &mut Call<'_>) -> PhpResult<Zval> {
    let client = call.payload::<Client>();
    let settings = array_in(call, SETTING).unwrap_or_default();
    let limit = match call.float_or(0, 0.0)? {
        seconds if seconds > 0.0 => Some(wait::duration(seconds)),
        seconds if seconds < 0.0 => None,
        _ => Times::of(&settings).read,
    };
    let no = || Ok(false.into_zval());
    if client.talk.borrow().is_none() {
        if client.conn.borrow().is_none() {
            talk(call);
            return no();
        }
        if client.sent.borrow().is_empty() {
            return no();
        }
        return Ok(answer(call, client, &settings, limit)?.into_zval());
    }
    let Some(talk) = talk(call) else { return no() };
    match talk.recv(limit)? {
        Heard::Frame(frame) => {
            if !talk.is_open() {
                hang_up(call, client);
            }
            Ok(frame.into_zval())
        }
        Heard::Over => {
            hang_up(call, client);
            show(call, STATUS, SERVER_RESET);
            Ok("".into_zval())
        }
        Heard::Failed(code) => {
            last_error::set(code);
            show(call, STATUS, SERVER_RESET);
            show(call, ERR_CODE, code);
            show(call, ERR_MSG, Errno::from_raw(code).desc());
            if code != libc::ETIMEDOUT && code != libc::ECANCELED {
                hang_up(call, client);
            }
            no()
        }
        Heard::Fault(why) => {
            fail(call, client, Failure::new(SERVER_RESET, BROKEN_PROTOCOL, why))?;
            no()
        }
    }
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    if client.conn.borrow().is_none() {
        last_error::set(NO_CONNECTION);
        show(call, ERR_CODE, NO_CONNECTION);
        return Ok(false);
    }
    hang_up(call, client);
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
const NO_CONNECTION: Code = 5001;
const INVALID_PROTOCOL: Code = 7102;
const INVALID_PARAMS: i64 = 505;
const UNCONNECTED: Code = 8503;
const HANDSHAKE_FAILED: Code = 8504;
const BROKEN_PROTOCOL: Code = 508;
const PACK_FAILED: Code = 8505;
/// Bytes of a body or a message that is kept in memory, unless `package_max_length` says less.
const LONGEST_BODY: i64 = 1 << 31;
/// Bytes read at once.
const CHUNK: usize = 65536;
