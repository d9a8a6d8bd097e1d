//! `Swoole\Server`: construction, callbacks, settings, start. Methods of a running server are in [`server_methods`].

use super::server_object::{Server, state};
use super::{connection_iterator, exception, process, server_methods, server_port, timer};
use crate::coroutine::{hook_flags, setting_values};
use crate::library;
use crate::runtime::{event_loop, last_error};
use crate::server::callbacks::SERVER_EVENTS;
use crate::server::classes::{SERVER, server_slot as slot};
use crate::server::start::start as run;
use crate::server::state::{PhpServer, UserProcess, ports, report};
use crate::server::{classes, commands, settings};
use swoosh::net::SocketKind;
use swoosh::net::listener::BoundPort;
use swoosh::{Error, Mode};
use swoosh_zend::error::{argument_count_error, deprecated, throw};
use swoosh_zend::{
    Array, Call, Class, ClassBuilder, IntoZval, Object, OrFalse, PhpResult, Value, Zval, call_function, runtime,
};

/// Registers the class.
pub fn register() {
    let mut class = ClassBuilder::new("Swoole\\Server").alias("swoole_server").payload::<Server>();
    for (_, property) in SERVER_EVENTS {
        class = class.private_property(property, Value::Null);
    }
    class = class
        .property("setting", Value::Null)
        .property("connections", Value::Null)
        .property("host", Value::Text(""))
        .property("port", Value::Int(0))
        .property("type", Value::Int(0))
        .property("ssl", Value::Bool(false))
        .property("mode", Value::Int(0))
        .property("ports", Value::Null)
        .property("master_pid", Value::Int(0))
        .property("manager_pid", Value::Int(0))
        .property("worker_id", Value::Int(-1))
        .property("taskworker", Value::Bool(false))
        .property("worker_pid", Value::Int(0))
        .property("stats_timer", Value::Null)
        .property("admin_server", Value::Null)
        .method(
            "__construct(string $host = \"0.0.0.0\", int $port = 0, int $mode = SWOOLE_BASE, int $sock_type = SWOOLE_SOCK_TCP)",
            construct,
        )
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method("listen(string $host, int $port, int $sock_type): Swoole\\Server\\Port|false", listen)
        .method("addlistener(string $host, int $port, int $sock_type): Swoole\\Server\\Port|false", listen)
        .method("on(string $event_name, callable $callback): bool", on)
        .method("handler(string $event_name, callable $callback): bool", on)
        .method("getCallback(string $event_name): Closure|array|string|null", callback)
        .method("set(array $settings): bool", set)
        .method("start(): bool", start)
        .method("addProcess(Swoole\\Process $process): int|false", add_process)
        .method("addCommand(string $name, int $accepted_process_types, callable $callback): bool", add_command)
        .method(
            "command(string $name, int $process_id, int $process_type, mixed $data, bool $json_decode = true): array|string|false",
            command,
        )
        .method("getSocket(int $port = 0): Socket|false", socket)
        .method("tick(int $ms, callable $callback, ...): int|false", timer::tick)
        .method("after(int $ms, callable $callback, ...): int|false", timer::after)
        .method("clearTimer(int $timer_id): bool", timer::clear)
        .method("addtimer(int $ms): bool", add_timer)
        .method("gettimer(): array", |_: &mut Call<'_>| Ok(Array::new()))
        .method("defer(callable $callback): void", defer);
    server_methods::add(class).register(&SERVER);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    // Optional by its signature, as in Swoole, and needed all the same.
    if call.count() == 0 {
        return Err(argument_count_error(1, 4));
    }
    let host = call.bytes(0)?;
    let (port, mode, kind) = (call.int_or(1, 0)?, call.int_or(2, 1)?, call.int_or(3, 1)?);
    let Some(this) = call.this() else { return Ok(()) };
    if !is_command_line() {
        return Err(throw(Class::error(), "Swoole\\Server can only be used in CLI mode", 0));
    }
    let mode = match mode {
        1 => Mode::Base,
        2 => Mode::Process,
        _ => {
            last_error::set(INVALID_PARAMS);
            let why = format!("invalid mode {mode}: use SWOOLE_BASE ({}) or SWOOLE_PROCESS (2)", 1);
            return Err(throw(Class::error(), &why, 0));
        }
    };
    let state = PhpServer::new(mode);
    let bound = bind(&String::from_utf8_lossy(host), port, kind).map_err(|refused| {
        last_error::set(refused.code);
        throw(exception::EXCEPTION.get(), &refused.why, refused.code.into())
    })?;
    let payload = call.payload::<Server>();
    if !payload.0.attach(&state, None) {
        return Err(throw(Class::error(), "the constructor was already called", 0));
    }
    this.set_slot(slot("host")?, host);
    this.set_slot(slot("port")?, bound.number());
    this.set_slot(slot("type")?, bound.kind() as i32);
    this.set_slot(slot("ssl")?, bound.uses_tls());
    this.set_slot(slot("mode")?, mode as i32);
    this.set_slot(slot("ports")?, Array::new());
    this.set_slot(slot("connections")?, connection_iterator::of(&state, None)?);
    add_port(&state, this, bound)?;
    Ok(())
}

/// Whether PHP runs a program, rather than a page for a web server whose process a server would take over.
fn is_command_line() -> bool {
    let name = call_function("php_sapi_name", &mut []).ok().flatten();
    name.is_some_and(|name| matches!(name.bytes(), Some(b"cli" | b"phpdbg" | b"embed" | b"micro")))
}

/// The error of a port that cannot be bound.
struct Refused {
    why: String,
    code: i32,
}

fn bind(host: &str, port: i64, kind: i64) -> Result<BoundPort, Refused> {
    let tls = kind > 0 && kind & SSL != 0;
    let Some(kind) = SocketKind::from_number(kind & !(SYNC | ASYNC | KEEP | if tls { SSL } else { 0 })) else {
        let why = format!("unknown socket type {kind}: use one of the SWOOLE_SOCK_* constants");
        return Err(Refused { why, code: libc::ESOCKTNOSUPPORT });
    };
    if tls && !kind.is_stream() {
        let why = "TLS over datagrams (DTLS) is not served by this version".to_owned();
        return Err(Refused { why, code: OPERATION_NOT_SUPPORTED });
    }
    let mut bound = BoundPort::bind(kind, host, port).map_err(|e| {
        let code = if matches!(e, Error::State { .. }) { 0 } else { e.code() };
        Refused { why: format!("failed to listen server port [{host}:{port}], Error: {e}"), code }
    })?;
    bound.set_tls(tls);
    Ok(bound)
}

fn add_port(state: &std::rc::Rc<PhpServer>, server: &Object, bound: BoundPort) -> PhpResult<Object> {
    let at = slot("ports")?;
    let mut ports = server.slot(at).array().cloned().unwrap_or_default();
    let index = state.configure(|builder| builder.ports().len()).unwrap_or(0);
    let port = server_port::object(state, index, &bound)?;
    state.configure(|builder| builder.add_port(bound));
    ports.push(port.clone());
    server.set_slot(at, ports);
    Ok(port)
}

/// Adds a listener; `false`, with a warning, if it cannot be bound.
fn listen(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let (host, port, kind) = (call.text(0)?, call.int(1)?, call.int(2)?);
    let state = state(call)?;
    let Some(this) = call.this() else { return Ok(OrFalse(None)) };
    if !state.is_new() {
        return Ok(OrFalse(None));
    }
    match bind(&host, port, kind) {
        Ok(bound) => add_port(state, this, bound).map(|port| OrFalse(Some(port))),
        Err(refused) => {
            last_error::warn_misuse(&refused.why);
            last_error::set(refused.code);
            Ok(OrFalse(None))
        }
    }
}

fn on(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = state(call)?;
    let Some(this) = call.this() else { return Ok(false) };
    if !state.is_new() {
        return Ok(false);
    }
    let name = call.text(0)?;
    if let Some(slot) = own_event(&name) {
        return Ok(server_port::put(this, slot, call.arg(1)));
    }
    let first = ports(this).into_iter().next();
    let set = first.and_then(|port| server_port::set_callback(&port, &name, call.arg(1)));
    Ok(set.unwrap_or_else(|| server_port::unknown(&name, SERVER_EVENTS)))
}

fn own_event(name: &str) -> Option<usize> {
    let name = name.to_ascii_lowercase();
    let (_, property) = SERVER_EVENTS.iter().find(|(lower, _)| *lower == name)?;
    SERVER.get().slot(property)
}

fn callback(call: &mut Call<'_>) -> PhpResult<Option<Zval>> {
    let name = call.text(0)?;
    let Some(this) = call.this() else { return Ok(None) };
    if let Some(slot) = own_event(&name) {
        let value = this.slot(slot).clone();
        return Ok((!value.is_null()).then_some(value));
    }
    Ok(ports(this).first().and_then(|port| server_port::get_callback(port, &name)))
}

fn set(call: &mut Call<'_>) -> PhpResult<bool> {
    let given = call.array(0)?;
    let state = state(call)?;
    let Some(this) = call.this() else { return Ok(false) };
    if !state.is_new() {
        return Ok(false);
    }
    settings::validate(given, false)?;
    if let Some(flags) = given.get("hook_flags") {
        hook_flags::set_flags(flags.to_int());
    }
    setting_values::merge(this, slot("setting")?, given);
    if let Some(first) = ports(this).first() {
        setting_values::merge(first, classes::port_slot("setting")?, given);
    }
    Ok(true)
}

fn start(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = state(call)?;
    let Some(this) = call.this() else { return Ok(false) };
    let settings = this.slot(slot("setting")?).array().cloned().unwrap_or_default();
    let helper = setting_values::of_helper(&settings);
    if state.is_new() && !(helper.admin_server.is_empty() && helper.stats_file.is_empty()) {
        library::run("Swoole\\Server\\Helper::install", vec![this.clone().into_zval()])?;
    }
    if state.is_new() && runtime::ini_bool("swoole.state_leaks") {
        library::run("Swoole\\Internal\\StateLeaks::install", vec![this.clone().into_zval()])?;
    }
    run(state, this)
}

fn add_process(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let state = state(call)?;
    if !state.is_new() {
        return Ok(OrFalse(None));
    }
    let Some(process) = call.arg(0).and_then(Zval::object).filter(|o| o.class().is_a(process::PROCESS.get())) else {
        return Err(swoosh_zend::error::argument_type_error(1, "must be of type Swoole\\Process"));
    };
    if let Err(e) = process::prepare(process) {
        report(&e);
        return Ok(OrFalse(None));
    }
    let index = state.add_process(UserProcess { object: process.clone(), run: process::run_in_server });
    process::set_id(process, index as i64);
    Ok(OrFalse(Some(index)))
}

fn add_command(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = state(call)?;
    let (name, types, callable) = (call.text(0)?, call.int(1)?, call.callable(2)?);
    if !state.is_new() {
        return Ok(false);
    }
    let added = state.commands().add(&name, types, callable);
    Ok(added.inspect_err(|why| last_error::warn_misuse(why)).is_ok())
}

/// Runs a command in a process of this server and returns its reply. Master process only.
fn command(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (name, to, kind) = (call.text(0)?.into_owned(), call.int(1)?, call.int(2)?);
    let (data, decodes) = (call.arg(3).cloned().unwrap_or(Zval::null()), call.bool_or(4, true)?);
    let state = state(call)?;
    let (Some(node), Some(this)) = (state.running(), call.this()) else { return Ok(false.into_zval()) };
    if this.slot(slot("master_pid")?).to_int() != i64::from(std::process::id()) {
        last_error::warn_misuse("commands can only be sent by the master process");
        return Ok(false.into_zval());
    }
    let Some(answer) = commands::run(state, &node, this, (&name, to, kind), &data)? else {
        return Ok(false.into_zval());
    };
    if !decodes {
        return Ok(answer.into_zval());
    }
    let decoded = call_function("json_decode", &mut [answer.into_zval(), true.into_zval()])?;
    Ok(decoded.filter(|decoded| !decoded.is_null()).unwrap_or_else(|| false.into_zval()))
}

/// The socket of a port by its number; of the first one without.
fn socket(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let (number, Some(this)) = (call.int_or(0, 0)?, call.this()) else { return Ok(OrFalse(None)) };
    let all = ports(this);
    let mut fitting = all.iter().filter(|port| number == 0 || port.get("port").int() == Some(number));
    match fitting.next() {
        Some(port) => server_port::socket_of(port),
        None => {
            last_error::warn_misuse(&format!("the server has no port {number}"));
            Ok(OrFalse(None))
        }
    }
}

fn add_timer(call: &mut Call<'_>) -> PhpResult<bool> {
    call.int(0)?;
    deprecated("addtimer() and the timer event are gone; use tick() with a callback");
    Ok(false)
}

fn defer(call: &mut Call<'_>) -> PhpResult<()> {
    event_loop::defer(call.callable(0)?);
    Ok(())
}

/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i32 = 505;
const OPERATION_NOT_SUPPORTED: i32 = 507;
/// SWOOLE_SSL, SWOOLE_ASYNC, SWOOLE_SYNC and SWOOLE_KEEP.
const SSL: i64 = 512;
const ASYNC: i64 = 1024;
const SYNC: i64 = 2048;
const KEEP: i64 = 4096;
