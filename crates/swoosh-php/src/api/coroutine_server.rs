//! `Swoole\Coroutine\Server`: accepts connections, each handled in a coroutine of its own; and its `Connection`.

use super::exception;
use super::socket::{link_of, object, protocol, set_framing};
use crate::coroutine;
use crate::coroutine::socket::{CoroutineSocket, Direction, ErrorCode};
use crate::coroutine::tls::CONTEXT_FAILED;
use crate::coroutine::{Job, setting_values, wait};
use crate::runtime::last_error;
use socket2::SockAddr;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use swoosh_zend::error::throw;
use swoosh_zend::{Call, Callable, ClassBuilder, ClassSlot, IntoZval, Object, PhpResult, Raised, Value, Zval};

static SERVER: ClassSlot = ClassSlot::new();
static CONNECTION: ClassSlot = ClassSlot::new();

/// Registers the classes.
pub fn register(short_names: bool) {
    let short = |class: ClassBuilder, name: &'static str| if short_names { class.alias(name) } else { class };
    let server = ClassBuilder::new("Swoole\\Coroutine\\Server")
        .property("host", Value::Text(""))
        .property("port", Value::Int(0))
        .property("type", Value::Int(2))
        .property("fd", Value::Int(-1))
        .property("errCode", Value::Int(0))
        .property("setting", Value::EmptyArray)
        .protected_property("running", Value::Bool(false))
        .protected_property("fn", Value::Null)
        .protected_property("socket", Value::Null)
        .method("__construct(string $host, int $port = 0, bool $ssl = false, bool $reuse_port = false)", construct)
        .method("set(array $setting): void", set)
        .method("handle(callable $fn): void", handle)
        .method("shutdown(): bool", shutdown)
        .method("start(): bool", start);
    short(server, "Co\\Server").register(&SERVER);
    let connection = ClassBuilder::new("Swoole\\Coroutine\\Server\\Connection")
        .protected_property("socket", Value::Null)
        .method("__construct(Swoole\\Coroutine\\Socket $conn)", construct_connection)
        .method("recv(float $timeout = 0.0)", |call: &mut Call<'_>| {
            let timeout = call.float_or(0, 0.0)?;
            call_socket(call, "recvPacket", &mut [timeout.into_zval()])
        })
        .method("send(string $data)", |call: &mut Call<'_>| {
            let data = call.string(0)?.clone();
            call_socket(call, "sendAll", &mut [data.into_zval()])
        })
        .method("close(): bool", |call: &mut Call<'_>| call_socket(call, "close", &mut []))
        .method("exportSocket(): Swoole\\Coroutine\\Socket", |call: &mut Call<'_>| {
            Ok(call.this().map(|this| this.slot(0).clone()))
        });
    short(connection, "Co\\Server\\Connection").register(&CONNECTION);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let Some(this) = call.this() else { return Ok(()) };
    let (host, port, reuse) = (call.text(0)?.into_owned(), call.int_or(1, 0)?, call.bool_or(3, false)?);
    let (link, family, number) = listen(&host, port, reuse)?;
    this.set_slot(HOST, host);
    this.set_slot(PORT, number);
    this.set_slot(TYPE, family);
    if call.bool_or(2, false)? {
        let mut setting = this.slot(SETTING).array().cloned().unwrap_or_default();
        setting.insert("open_ssl", true);
        this.set_slot(SETTING, setting);
    }
    this.set_slot(FD, link.fd());
    this.set_slot(SOCKET, object(link, family, libc::SOCK_STREAM)?);
    Ok(())
}

/// A listening socket, its family, and its port's number.
pub fn listen(host: &str, port: i64, reuse: bool) -> PhpResult<(Rc<CoroutineSocket>, i32, i64)> {
    let family = match () {
        () if host.starts_with("unix:/") => libc::AF_UNIX,
        () if host.contains(':') => libc::AF_INET6,
        () => libc::AF_INET,
    };
    let address = match family {
        libc::AF_UNIX => SockAddr::unix(host.trim_start_matches("unix:").replacen("//", "/", 1)).ok(),
        _ => host.parse().ok().zip(u16::try_from(port).ok()).map(|(ip, port)| SocketAddr::new(ip, port).into()),
    };
    let Some(address) = address else {
        return Err(refuse(&format!("{host}: not an IP address or unix:/ path"), libc::EINVAL));
    };
    let listening = CoroutineSocket::new(family, libc::SOCK_STREAM, 0).and_then(|link| {
        if family != libc::AF_UNIX {
            link.socket().set_reuse_address(true)?;
            link.socket().set_reuse_port(reuse)?;
        }
        link.socket().bind(&address)?;
        link.socket().listen(BACKLOG)?;
        Ok(Rc::new(link))
    });
    let link = listening.map_err(|e| {
        let code = e.raw_os_error().unwrap_or(libc::EINVAL);
        refuse(&format!("listen on {host}:{port}: {e}"), code)
    })?;
    let bound = link.socket().local_addr().ok().and_then(|address| address.as_socket());
    let number = bound.map_or(port, |bound| i64::from(bound.port()));
    Ok((link, family, number))
}

/// The exception of a server that cannot listen.
#[cold]
pub fn refuse(message: &str, code: i32) -> Raised {
    throw(exception::EXCEPTION.get(), message, i64::from(code))
}

fn set(call: &mut Call<'_>) -> PhpResult<()> {
    let Some(this) = call.this() else { return Ok(()) };
    setting_values::merge(this, SETTING, call.array(0)?);
    Ok(())
}

fn handle(call: &mut Call<'_>) -> PhpResult<()> {
    drop(call.callable(0)?);
    if let (Some(this), Some(callable)) = (call.this(), call.arg(0)) {
        this.set_slot(HANDLER, callable.clone());
    }
    Ok(())
}

fn listener(call: &Call<'_>) -> Option<Rc<CoroutineSocket>> {
    call.this().and_then(|this| link_of(this.slot(SOCKET).object()?))
}

fn shutdown(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(this) = call.this() else { return Ok(false) };
    this.set_slot(RUNNING, false);
    listener(call).map_or(Ok(false), |link| link.cancel(Direction::Read))
}

/// Accepts connections until `shutdown()`; `false`, with the error code set, after a failure.
fn start(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(this) = call.this().cloned() else { return Ok(false) };
    let handler = Callable::new(this.slot(HANDLER)).map(Rc::new);
    let (Ok(handler), Some(link)) = (handler, listener(call)) else {
        this.set_slot(ERR_CODE, libc::EINVAL);
        return Ok(false);
    };
    let setting = this.slot(SETTING).array().cloned().unwrap_or_default();
    let Some((config, wanted)) = protocol(&setting) else {
        this.set_slot(ERR_CODE, libc::EINVAL);
        return Ok(false);
    };
    let limit = wanted.config.handshake_timeout;
    let acceptor = match wanted.is_open.then(|| wanted.acceptor()).transpose() {
        Ok(acceptor) => acceptor,
        Err(e) => {
            last_error::warn_misuse(&e.to_string());
            this.set_slot(ERR_CODE, CONTEXT_FAILED);
            return Ok(false);
        }
    };
    let family = this.slot(TYPE).to_int() as i32;
    this.set_slot(RUNNING, true);
    let ended = accept_all(
        &link,
        || this.slot(RUNNING).to_bool(),
        |accepted| {
            let sealed = acceptor.as_ref().map(|acceptor| acceptor.begin()).transpose();
            let Ok(session) = sealed.inspect_err(|e| swoosh::log::warn!("{e}")) else { return Ok(()) };
            session.into_iter().for_each(|session| accepted.start_tls(session));
            let accepted = Rc::new(accepted);
            let socket = object(accepted.clone(), family, libc::SOCK_STREAM)?;
            set_framing(&socket, config.clone());
            let connection = Object::new(CONNECTION.get())?;
            connection.set_slot(0, socket);
            let handler = handler.clone();
            let run = move || {
                if !tls_handshake(&accepted, limit)? {
                    return Ok(());
                }
                drop(accepted);
                handler.call(&mut [connection.into_zval()]).map(drop)
            };
            coroutine::create(Job::Native(Box::new(run))).map(drop)
        },
    )?;
    Ok(match ended {
        None => true,
        Some(libc::ECANCELED) if !this.slot(RUNNING).to_bool() => true,
        Some(code) => {
            this.set_slot(ERR_CODE, code);
            this.set_slot(RUNNING, false);
            code == libc::ECANCELED
        }
    })
}

/// Accepts connections while `goes_on` and passes each to `take`. Returns the errno that ended it, if one did.
pub fn accept_all(
    link: &CoroutineSocket,
    goes_on: impl Fn() -> bool,
    mut take: impl FnMut(CoroutineSocket) -> PhpResult<()>,
) -> PhpResult<Option<ErrorCode>> {
    while goes_on() {
        match link.accept(None)? {
            Ok(accepted) => take(accepted)?,
            // Out of descriptors: retry when some may have been closed.
            Err(libc::EMFILE | libc::ENFILE) => drop(wait::sleep(ACCEPT_RETRY_INTERVAL)?),
            Err(libc::ECONNABORTED | libc::ETIMEDOUT) => {}
            Err(code) => return Ok(Some(code)),
        }
    }
    Ok(None)
}

/// Performs the TLS handshake, if the connection has TLS. Runs in the connection's coroutine, so that a slow peer delays
/// no other connection.
pub fn tls_handshake(link: &CoroutineSocket, limit: Duration) -> PhpResult<bool> {
    if !link.is_tls() {
        return Ok(true);
    }
    let shaken = link.handshake(Some(limit))?;
    if shaken.is_err() {
        let why = link.tls_error().unwrap_or_else(|| "timeout".to_owned());
        swoosh::log::debug!("coroutine server: TLS handshake failed: {why}");
    }
    Ok(shaken.is_ok())
}

fn construct_connection(call: &mut Call<'_>) -> PhpResult<()> {
    if let (Some(this), Some(socket)) = (call.this(), call.arg(0)) {
        this.set_slot(0, socket.clone());
    }
    Ok(())
}

/// Calls a method of the connection's socket.
fn call_socket(call: &Call<'_>, method: &str, args: &mut [Zval]) -> PhpResult<Zval> {
    match call.this().and_then(|this| this.slot(0).object().cloned()) {
        Some(socket) => socket.call_method(method, args),
        None => Ok(false.into_zval()),
    }
}

const HOST: usize = 0;
const PORT: usize = 1;
const TYPE: usize = 2;
const FD: usize = 3;
const ERR_CODE: usize = 4;
const SETTING: usize = 5;
const RUNNING: usize = 6;
const HANDLER: usize = 7;
const SOCKET: usize = 8;
const BACKLOG: i32 = 512;
const ACCEPT_RETRY_INTERVAL: Duration = Duration::from_secs(1);
