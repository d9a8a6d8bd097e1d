//! `Swoole\Coroutine\Http\Server`: each connection in a coroutine of its own, which reads requests and calls what was
//! registered for the beginning of their path.

use super::coroutine_server::{accept_all, listen, tls_handshake};
use super::socket::{link_of, object as socket_object, protocol};
use crate::coroutine;
use crate::coroutine::socket::Direction;
use crate::coroutine::tls::CONTEXT_FAILED;
use crate::coroutine::{Job, setting_values};
use crate::runtime::last_error;
use crate::server::http::coroutine_connection::{CoroutineConnection, Handshake};
use crate::server::http::request_reader::{ERROR_RESPONSE_TIMEOUT, RawRequest, RequestReader};
use crate::server::http::settings::HttpSettings;
use crate::server::http::transport::{HttpConnection, Transport};
use crate::server::http::{request as http_request, response as http_response};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;
use swoosh::http::files::{self, Lookup};
use swoosh::proto::http1::Refusal;
use swoosh::proto::http1::request::{Field, Request, field_buffer};
use swoosh::proto::websocket::{accept_handshake, deflate};
use swoosh::sys::error_text;
use swoosh::tls::Acceptor;
use swoosh_zend::{Array, Call, Callable, ClassBuilder, ClassSlot, IntoZval, Key, Object, PhpResult, Value};

static SERVER: ClassSlot = ClassSlot::new();

#[derive(Default)]
struct Server {
    running: Cell<bool>,
    /// The constructor's `$reuse_port`, for a start after `shutdown`.
    reuse_port: Cell<bool>,
    /// Connections that wait for their next request.
    idle: RefCell<Vec<Weak<CoroutineConnection>>>,
}
swoosh_zend::payload!(Server);

/// Registers the class.
pub fn register(short_names: bool) {
    let mut class = ClassBuilder::new("Swoole\\Coroutine\\Http\\Server");
    if short_names {
        class = class.alias("Co\\Http\\Server");
    }
    class
        .is_final()
        .payload::<Server>()
        .property("fd", Value::Int(-1))
        .property("host", Value::Null)
        .property("port", Value::Int(-1))
        .property("ssl", Value::Bool(false))
        .property("settings", Value::Null)
        .property("errCode", Value::Int(0))
        .property("errMsg", Value::Text(""))
        .private_property("handlers", Value::EmptyArray)
        .private_property("socket", Value::Null)
        .method("__construct(string $host, int $port = 0, bool $ssl = false, bool $reuse_port = false)", construct)
        .method("set(array $settings): bool", set)
        .method("handle(string $pattern, callable $callback): bool", handle)
        .method("start(): bool", start)
        .method("shutdown(): void", shutdown)
        .register(&SERVER);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let Some(this) = call.this() else { return Ok(()) };
    let (host, port, reuse) = (call.text(0)?.into_owned(), call.int_or(1, 0)?, call.bool_or(3, false)?);
    this.set_slot(SSL, call.bool_or(2, false)?);
    this.set_slot(HOST, host.as_str());
    call.payload::<Server>().reuse_port.set(reuse);
    open_listener(this, &host, port, reuse)
}

fn open_listener(this: &Object, host: &str, port: i64, reuse_port: bool) -> PhpResult<()> {
    let (link, family, number) = listen(host, port, reuse_port)?;
    this.set_slot(FD, link.fd());
    this.set_slot(PORT, number);
    this.set_slot(SOCKET, socket_object(link, family, libc::SOCK_STREAM)?);
    Ok(())
}

fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(this) = call.this() else { return Ok(false) };
    setting_values::merge(this, SETTINGS, call.array(0)?);
    Ok(true)
}

fn handle(call: &mut Call<'_>) -> PhpResult<bool> {
    let pattern = call.bytes(0)?;
    if let (Some(this), Some(callable)) = (call.this(), call.arg(1)) {
        if let Err(why) = Callable::new(callable) {
            let pattern = String::from_utf8_lossy(pattern);
            last_error::warn_misuse(&format!("the handler of {pattern} cannot be called: {why}"));
            return Ok(false);
        }
        let mut all = this.slot(HANDLERS).array().cloned().unwrap_or_default();
        this.set_slot(HANDLERS, ());
        all.put(pattern, callable.clone());
        this.set_slot(HANDLERS, all);
    }
    Ok(true)
}

/// The handler of a path: that of the longest registered prefix, case-insensitive.
fn handler_of(server: &Object, path: &[u8]) -> Option<Callable> {
    let all = server.slot(HANDLERS).array()?;
    let matches = all.iter().filter_map(|(key, callable)| match key {
        Key::Name(name) => {
            let begins = path.get(..name.as_bytes().len()).is_some_and(|b| b.eq_ignore_ascii_case(name.as_bytes()));
            begins.then(|| (name.as_bytes().len(), callable))
        }
        Key::Index(_) => None,
    });
    let (_, callable) = matches.max_by_key(|(length, _)| *length)?;
    Callable::new(callable).ok()
}

fn shutdown(call: &mut Call<'_>) -> PhpResult<()> {
    let Some(this) = call.this() else { return Ok(()) };
    let server = call.payload::<Server>();
    server.running.set(false);
    let listening = this.slot(SOCKET).object().and_then(link_of);
    if let Some(link) = listening {
        link.close()?;
    }
    let socket = this.slot(SOCKET).clone();
    this.set_slot(SOCKET, ());
    drop(socket);
    // Idle connections are closed; pending responses are completed.
    for connection in server.idle.take().iter().filter_map(Weak::upgrade) {
        connection.close_after_response();
        connection.link().cancel(Direction::Read)?;
    }
    Ok(())
}

/// Accepts connections until `shutdown()`; `false`, with the error code set, after a failure.
fn start(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(this) = call.this().cloned() else { return Ok(false) };
    let server = call.payload::<Server>();
    if this.slot(SOCKET).object().is_none() {
        // `shutdown` closed the listening socket: this is another start.
        let host = this.slot(HOST).to_zstr().map(|host| host.to_text().into_owned()).unwrap_or_default();
        open_listener(&this, &host, this.slot(PORT).to_int(), server.reuse_port.get())?;
    }
    let Some(link) = this.slot(SOCKET).object().and_then(link_of) else {
        this.set_slot(ERR_CODE, libc::EBADF);
        return Ok(false);
    };
    let settings = this.slot(SETTINGS).array().map(setting_values::read).unwrap_or_default();
    let config = Rc::new(HttpSettings::new(&settings.server, &settings.port, &settings.embedder));
    let tls = if this.slot(SSL).to_bool() {
        let Some(found) = acceptor(&this) else {
            this.set_slot(ERR_CODE, CONTEXT_FAILED);
            this.set_slot(ERR_MSG, "invalid TLS settings");
            return Ok(false);
        };
        Some(found)
    } else {
        None
    };
    let limit = tls.as_ref().map_or(Duration::ZERO, |(_, limit)| *limit);
    server.running.set(true);
    let ended = accept_all(
        &link,
        || server.running.get(),
        |accepted| {
            let sealed = tls.as_ref().map(|(acceptor, _)| acceptor.begin()).transpose();
            let Ok(session) = sealed.inspect_err(|e| swoosh::log::warn!("{e}")) else { return Ok(()) };
            session.into_iter().for_each(|session| accepted.start_tls(session));
            let connection = CoroutineConnection::new(Rc::new(accepted), config.clone());
            let this = this.clone();
            let run = move || match tls_handshake(connection.link(), limit)? {
                true => serve(&this, &connection),
                false => Ok(()),
            };
            coroutine::create(Job::Native(Box::new(run))).map(drop)
        },
    )?;
    let Some(code) = ended else { return Ok(true) };
    this.set_slot(ERR_CODE, code);
    this.set_slot(ERR_MSG, error_text(code));
    // `shutdown()` or cancellation, not a failure.
    Ok(!server.running.get() || code == libc::ECANCELED)
}

/// The TLS acceptor and the handshake timeout; `None`, with a warning, if the settings are invalid.
fn acceptor(server: &Object) -> Option<(Acceptor, Duration)> {
    let settings = server.slot(SETTINGS).array().cloned().unwrap_or_default();
    let (_, wanted) = protocol(&settings)?;
    let made = wanted.acceptor().map_err(|e| last_error::warn_misuse(&e.to_string())).ok()?;
    Some((made, wanted.config.handshake_timeout))
}

/// Serves one connection until it is closed.
fn serve(server: &Object, connection: &Rc<CoroutineConnection>) -> PhpResult<()> {
    let mut reader = RequestReader::new(connection.settings().rules);
    while !connection.closes_after_response() {
        let Some(asked) = next_request(server, connection, &mut reader)? else { break };
        answer(server, connection, asked)?;
        let websocket = connection.take_websocket();
        if let Some(websocket) = websocket {
            websocket.send_close(1000, b"")?;
            break;
        }
    }
    connection.link().close()?;
    Ok(())
}

/// Reads a complete request. Idle connections are listed, so that `shutdown()` can close them.
fn next_request(
    server: &Object,
    connection: &Rc<CoroutineConnection>,
    reader: &mut RequestReader,
) -> PhpResult<Option<RawRequest>> {
    let Some(own) = server.payload::<Server>() else { return Ok(None) };
    reader.next(connection, |waits| {
        match waits {
            true if !own.running.get() => return false,
            true => own.idle.borrow_mut().push(Rc::downgrade(connection)),
            false => own.idle.borrow_mut().retain(|other| !std::ptr::eq(other.as_ptr(), Rc::as_ptr(connection))),
        }
        true
    })
}

fn answer(server: &Object, connection: &Rc<CoroutineConnection>, (bytes, stored): RawRequest) -> PhpResult<()> {
    let mut fields = field_buffer();
    let Some((request, headers)) = Request::parse(&bytes, &mut fields) else {
        connection.close_after_response();
        return Ok(());
    };
    if let Some(files) = &connection.settings().files
        && let Lookup::Reply(answer) = files::lookup(files, &request, headers)
    {
        return connection.send_answer(&answer);
    }
    let asked = match http_request::from_coroutine(
        connection.link(),
        connection.settings(),
        (&bytes, stored),
        &request,
        headers,
    )? {
        Ok(asked) => asked,
        Err(status) => {
            connection.close_after_response();
            return connection.link().send_all(&Refusal::response(status), Some(ERROR_RESPONSE_TIMEOUT)).map(drop);
        }
    };
    connection.set_handshake(handshake(connection.settings(), &request, headers));
    let response = http_response::for_request(HttpConnection::Coroutine(connection.clone()), &request, headers)?;
    let transport = Transport::Socket(connection.clone());
    let Some(handler) = handler_of(server, request.path_and_query().0.as_bytes()) else {
        http_response::set_head(&response, 404, Array::new());
        return http_response::end_without_body(&transport, &response);
    };
    connection.begin_response();
    handler.call(&mut [asked.into_zval(), response.into_zval()])?;
    connection.wait_for_response()
}

/// Parameters of the upgrade, if the request is a valid opening handshake (RFC 6455 section 4.2.1).
fn handshake(config: &HttpSettings, request: &Request<'_>, headers: &[Field<'_>]) -> Option<Handshake> {
    let fields = headers.iter().map(|h| (h.name, h.value));
    let accept = accept_handshake(request.method, request.minor, fields).ok()?;
    let own = config.websocket.subprotocol_of(headers);
    let offers = headers.iter().filter(|h| h.is("sec-websocket-extensions")).map(|h| h.value);
    let deflate = if config.websocket.compression { deflate::negotiate(offers) } else { None };
    Some(Handshake { accept, protocol: own.map(<[u8]>::to_vec), deflate })
}

const FD: usize = 0;
const HOST: usize = 1;
const PORT: usize = 2;
const SSL: usize = 3;
const SETTINGS: usize = 4;
const ERR_CODE: usize = 5;
const ERR_MSG: usize = 6;
const HANDLERS: usize = 7;
const SOCKET: usize = 8;
