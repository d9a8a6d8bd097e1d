//! `Swoole\Coroutine\Http\Client`: the class and its setters. `request` sends, `response` receives, `websocket` is
//! the connection after an upgrade.

mod authority;
mod body;
mod client;
mod decode;
mod execute;
mod handshake;
mod http2;
mod request;
mod request_head;
mod response;
mod websocket;

pub(crate) use authority::{host_field, peer_name, unix_path};
pub(crate) use body::encode;
pub(crate) use client::DEFAULT_MAX_BODY;
pub(crate) use decode::{Decoder, STEP};

use super::exception::{EXCEPTION, constructed};
use super::socket::describe;
use crate::coroutine::setting_values;
use crate::runtime::last_error;
use client::*;
use execute::run;
use handshake::{control_frames, masks_outgoing};
use socket2::{SockAddr, Socket};
use std::io;
use swoosh::proto::base64;
use swoosh::tls::to_pem;
use swoosh_zend::error::throw;
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, OrFalse, PhpResult, Value, ZStr, Zval};
use websocket::{disconnect, ping, push, recv, upgrade};

/// `Swoole\Coroutine\Http\Client`.
pub static HTTP_CLIENT: ClassSlot = ClassSlot::new();
/// `Swoole\Coroutine\Http\Client\Exception`.
pub static CLIENT_EXCEPTION: ClassSlot = ClassSlot::new();

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
        .method("set(array $settings): bool", constructed::<Client, _>(set))
        .method("getDefer(): bool", constructed::<Client, _>(|call: &mut Call<'_>| Ok(call.payload::<Client>().defer.get())))
        .method("setDefer(bool $defer = true): bool", constructed::<Client, _>(|call: &mut Call<'_>| {
            call.payload::<Client>().defer.set(call.bool_or(0, true)?);
            Ok(true)
        }))
        .method("setMethod(string $method): bool", constructed::<Client, _>(|call: &mut Call<'_>| set_from_argument(call, METHOD)))
        .method("setHeaders(array $headers): bool", constructed::<Client, _>(|call: &mut Call<'_>| set_from_argument(call, REQUEST_HEADERS)))
        .method("setBasicAuth(string $username, string $password): void", constructed::<Client, _>(set_basic_auth))
        .method("setCookies(array $cookies): bool", constructed::<Client, _>(|call: &mut Call<'_>| set_from_argument(call, COOKIES)))
        .method("setData(array|string $data): bool", constructed::<Client, _>(|call: &mut Call<'_>| set_from_argument(call, BODY_SENT)))
        .method(
            "addFile(string $path, string $name, ?string $type = null, ?string $filename = null, int $offset = 0, int $length = 0): bool",
            constructed::<Client, _>(add_file),
        )
        .method("addData(string $path, string $name, ?string $type = null, ?string $filename = null): bool", constructed::<Client, _>(add_data))
        .method("execute(string $path): bool", constructed::<Client, _>(execute))
        .method("getpeername(): array|false", constructed::<Client, _>(|call: &mut Call<'_>| name(call, Socket::peer_addr)))
        .method("getsockname(): array|false", constructed::<Client, _>(|call: &mut Call<'_>| name(call, Socket::local_addr)))
        .method("get(string $path): bool", constructed::<Client, _>(get))
        .method("post(string $path, mixed $data): bool", constructed::<Client, _>(post))
        .method("download(string $path, string $file, int $offset = 0): bool", constructed::<Client, _>(download))
        .method("getBody(): string|false", constructed::<Client, _>(|call: &mut Call<'_>| property(call, BODY)))
        .method("getHeaders(): array|false|null", constructed::<Client, _>(|call: &mut Call<'_>| property(call, HEADERS)))
        .method("getCookies(): array|false|null", constructed::<Client, _>(|call: &mut Call<'_>| property(call, COOKIES)))
        .method("getStatusCode(): int|false", constructed::<Client, _>(|call: &mut Call<'_>| property(call, STATUS)))
        .method("getHeaderOut(): string|false", constructed::<Client, _>(header_out))
        .method("getPeerCert(): string|false", constructed::<Client, _>(peer_certificate))
        .method("upgrade(string $path): bool", constructed::<Client, _>(upgrade))
        .method("push(mixed $data, int $opcode = SWOOLE_WEBSOCKET_OPCODE_TEXT, int $flags = SWOOLE_WEBSOCKET_FLAG_FIN): bool", constructed::<Client, _>(push))
        .method("recv(float $timeout = 0): Swoole\\WebSocket\\Frame|string|bool", constructed::<Client, _>(recv))
        .method("close(): bool", constructed::<Client, _>(close))
        .method("ping(string $data = ''): bool", constructed::<Client, _>(ping))
        .method("disconnect(int $code = SWOOLE_WEBSOCKET_CLOSE_NORMAL, string $reason = ''): bool", constructed::<Client, _>(disconnect));
    short(class, "Co\\Http\\Client").register(&HTTP_CLIENT);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let (host, port, ssl) = (call.bytes(0)?, call.int_or(1, 0)?, call.bool_or(2, false)?);
    let refuse = |why: &str, code| Err(throw(CLIENT_EXCEPTION.get(), why, code));
    if host.is_empty() {
        return refuse("host is empty", i64::from(libc::EINVAL));
    }
    let port = if port == 0 { if ssl { 443 } else { 80 } } else { port };
    if !(1..=65535).contains(&port) {
        return refuse(&format!("{port} is not a port: expected 1 to 65535"), INVALID_PARAMS);
    }
    let family = match () {
        () if host.starts_with(b"unix:/") => libc::AF_UNIX,
        () if host.contains(&b':') => libc::AF_INET6,
        () => libc::AF_INET,
    };
    call.payload::<Client>().family.set(family);
    set_property(call, HOST, host);
    set_property(call, PORT, port);
    set_property(call, SSL, ssl);
    Ok(())
}

fn property(call: &mut Call<'_>, slot: usize) -> PhpResult<Zval> {
    Ok(call.this().map_or_else(Zval::null, |this| this.slot(slot).clone()))
}

/// A setter of a property.
fn set_from_argument(call: &mut Call<'_>, slot: usize) -> PhpResult<bool> {
    if let Some(value) = call.arg(0) {
        set_property(call, slot, value.clone());
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
    if let Some(websocket) = &*call.payload::<Client>().websocket.borrow() {
        let settings = array_property(call, SETTING).unwrap_or_default();
        websocket.set_options(control_frames(&settings), masks_outgoing(&settings));
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
    let mut all = array_property(call, FILES).unwrap_or_default();
    set_property(call, FILES, ());
    all.push(part);
    set_property(call, FILES, all);
}

fn add_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let (path, name) = (call.text(0)?.into_owned(), call.bytes(1)?);
    let (offset, length) = (call.int_or(4, 0)?, call.int_or(5, 0)?);
    let size = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file).map(|about| about.len());
    let (Some(size), Ok(offset), Ok(length)) = (size, u64::try_from(offset), u64::try_from(length)) else {
        last_error::warn_misuse(&format!(
            "{path} cannot be added: not a readable file, or a negative offset or length"
        ));
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
    set_property(call, METHOD, "GET");
    execute(call)
}

fn post(call: &mut Call<'_>) -> PhpResult<bool> {
    set_property(call, METHOD, "POST");
    if let Some(data) = call.arg(1) {
        set_property(call, BODY_SENT, data.clone());
    }
    execute(call)
}

fn download(call: &mut Call<'_>) -> PhpResult<bool> {
    set_property(call, METHOD, "GET");
    set_property(call, DOWNLOAD_FILE, call.bytes(1)?);
    set_property(call, DOWNLOAD_OFFSET, call.int_or(2, 0)?);
    execute(call)
}

/// Sends the prepared request and reads its response, unless `setDefer()` is on.
fn execute(call: &mut Call<'_>) -> PhpResult<bool> {
    let target = call.bytes(0)?.to_vec();
    run(call, &target, None)
}

fn peer_certificate(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    let conn = call.payload::<Client>().conn.borrow().clone();
    let shown = conn.map(|conn| conn.link.peer_certificates()).unwrap_or_default();
    Ok(OrFalse(shown.first().map(|certificate| to_pem(certificate))))
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    if client.conn.borrow().is_none() {
        if client.exchange.cancel()? {
            return Ok(true);
        }
        last_error::set(NO_CONNECTION);
        set_property(call, ERR_CODE, NO_CONNECTION);
        return Ok(false);
    }
    close_connection(call, client)?;
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
        set_property(call, ERR_CODE, NO_CONNECTION);
    }
    Ok(OrFalse(found.map(|address| describe(&address))))
}
