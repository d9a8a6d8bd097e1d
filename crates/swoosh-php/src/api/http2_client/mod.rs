//! `Swoole\Coroutine\Http2\Client` with `Swoole\Http2\Request` and `Swoole\Http2\Response`. `client` is the state and the
//! connection, `request` makes HTTP/2 of PHP's request object, `response` the reverse, `statistics` is `stats()`, `streams`
//! the class with access to single streams.

mod client;
mod exchange;
mod request;
mod response;
mod statistics;
mod streams;

use super::exception::{EXCEPTION, constructed};
use crate::coroutine::http2::Want;
use crate::coroutine::setting_values::{self, Finding};
use crate::runtime::last_error;
use client::{
    CLIENT_EXCEPTION, Client, ERR_CODE, ERR_MSG, HOST, PORT, SETTING, SSL, connect, connection, disconnect, fail, times,
};
use exchange::{limit, receive, send, write};
use swoosh::config::Target;
use swoosh_zend::error::{throw, warning};
use swoosh_zend::{Call, ClassBuilder, ClassSlot, PhpResult, Value};

/// `Swoole\Coroutine\Http2\Client`.
pub static HTTP2_CLIENT: ClassSlot = ClassSlot::new();

/// Registers the classes.
pub fn register(short_names: bool) {
    let short = |class: ClassBuilder, name: &'static str| if short_names { class.alias(name) } else { class };
    let exception = ClassBuilder::new("Swoole\\Coroutine\\Http2\\Client\\Exception").extends(EXCEPTION.get());
    short(exception, "Co\\Http2\\Client\\Exception").register(&CLIENT_EXCEPTION);
    request::register();
    response::register();
    let class = ClassBuilder::new("Swoole\\Coroutine\\Http2\\Client")
        .payload::<Client>()
        .property("errCode", Value::Int(0))
        .property("errMsg", Value::Text(""))
        .property("sock", Value::Int(-1))
        .property("type", Value::Int(0))
        .property("setting", Value::Null)
        .property("socket", Value::Null)
        .property("connected", Value::Bool(false))
        .property("host", Value::Null)
        .property("port", Value::Int(0))
        .property("ssl", Value::Bool(false))
        .property("serverLastStreamId", Value::Int(0))
        .method("__construct(string $host, int $port = 80, bool $open_ssl = false)", construct)
        .method("__destruct()", destruct)
        .method("set(array $settings): bool", constructed::<Client, _>(set))
        .method("connect(): bool", constructed::<Client, _>(connect))
        .method("stats(string $key = ''): array|int", constructed::<Client, _>(statistics::stats))
        .method("isStreamExist(int $stream_id): bool", constructed::<Client, _>(is_stream_exist))
        .method(
            "send(Swoole\\Http2\\Request $request): int|false",
            constructed::<Client, _>(|call: &mut Call<'_>| send(call, times(call).write)),
        )
        .method(
            "write(int $stream_id, mixed $data, bool $end_stream = false): bool",
            constructed::<Client, _>(|call: &mut Call<'_>| write(call, times(call).write)),
        )
        .method(
            "recv(float $timeout = 0): Swoole\\Http2\\Response|false",
            constructed::<Client, _>(|call: &mut Call<'_>| {
                receive(call, Want::Response, limit(call, 0, |times| times.read)?)
            }),
        )
        .method(
            "read(float $timeout = 0): Swoole\\Http2\\Response|false",
            constructed::<Client, _>(|call: &mut Call<'_>| {
                receive(call, Want::Part, limit(call, 0, |times| times.read)?)
            }),
        )
        .method(
            "goaway(int $error_code = SWOOLE_HTTP2_ERROR_NO_ERROR, string $debug_data = ''): bool",
            constructed::<Client, _>(goaway),
        )
        .method("ping(): bool", constructed::<Client, _>(ping))
        .method("close(): bool", constructed::<Client, _>(close));
    short(class, "Co\\Http2\\Client").register(&HTTP2_CLIENT);
    streams::register(HTTP2_CLIENT.get());
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let (host, port, ssl) = (call.bytes(0)?, call.int_or(1, 80)?, call.bool_or(2, false)?);
    if host.is_empty() {
        return Err(throw(CLIENT_EXCEPTION.get(), "host is empty", INVALID_PARAMS));
    }
    let family = match () {
        () if host.starts_with(b"unix:/") => libc::AF_UNIX,
        () if host.contains(&b':') => libc::AF_INET6,
        () => libc::AF_INET,
    };
    call.payload::<Client>().family.set(family);
    if let Some(this) = call.this() {
        this.set_slot(HOST, host);
        this.set_slot(PORT, port);
        this.set_slot(SSL, ssl);
    }
    Ok(())
}

fn destruct(call: &mut Call<'_>) -> PhpResult<()> {
    disconnect(call).map(drop)
}

fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let mut accepted = call.array(0)?.clone();
    let findings = setting_values::findings(Target::Http2Client, &accepted);
    let mut are_accepted = true;
    for finding in findings {
        match finding {
            Finding::Unknown { text, is_misspelt: true } => warning(&text),
            // Programs pass settings of their own libraries along, such as Hyperf's gRPC client.
            Finding::Unknown { .. } => {}
            Finding::Refused(name, text) => {
                accepted.remove(&name);
                are_accepted = false;
                last_error::warn_misuse(&text);
            }
        }
    }
    if let Some(this) = call.this() {
        setting_values::merge(this, SETTING, &accepted);
    }
    Ok(are_accepted)
}

fn is_stream_exist(call: &mut Call<'_>) -> PhpResult<bool> {
    let id = call.int(0)?;
    let Some(connection) = connection(call) else { return Ok(false) };
    // Stream 0 is the connection itself.
    Ok(id == 0 || u32::try_from(id).is_ok_and(|id| connection.has_stream(id)))
}

fn goaway(call: &mut Call<'_>) -> PhpResult<bool> {
    let (code, debug_data) = (call.int_or(0, 0)?, call.bytes_or(1, b"")?.to_vec());
    let Some(connection) = connection(call) else { return Ok(false) };
    let Ok(code) = u32::try_from(code) else {
        fail(call, libc::EINVAL, "the error code of a GOAWAY is a number of 32 bits")?;
        return Ok(false);
    };
    match connection.send_goaway(code, &debug_data) {
        Ok(()) => Ok(true),
        Err(failure) => {
            call.payload::<Client>().note_failure(call, &connection, failure, true)?;
            Ok(false)
        }
    }
}

fn ping(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(connection) = connection(call) else { return Ok(false) };
    match connection.ping() {
        Ok(()) => Ok(true),
        Err(failure) => {
            call.payload::<Client>().note_failure(call, &connection, failure, true)?;
            Ok(false)
        }
    }
}

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    match disconnect(call)? {
        Some(closed) => Ok(closed),
        None => {
            last_error::set(libc::EBADF);
            if let Some(this) = call.this() {
                this.set_slot(ERR_CODE, libc::EBADF);
                this.set_slot(ERR_MSG, swoosh::sys::error_text(libc::EBADF));
            }
            Ok(false)
        }
    }
}

/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i64 = 505;
