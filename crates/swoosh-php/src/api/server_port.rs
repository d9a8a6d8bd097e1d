//! `Swoole\Server\Port`: one address of a server, with callbacks and settings of its own.

use super::connection_iterator;
use crate::coroutine::setting_values;
use crate::runtime::last_error;
use crate::server::callbacks::PORT_EVENTS;
use crate::server::classes::{PORT, port_slot as slot};
use crate::server::settings;
use crate::server::state::{PhpServer, ServerRef};
use std::rc::Rc;
use swoosh::config::nearest;
use swoosh::net::listener::BoundPort;
use swoosh::sys::socket;
use swoosh_zend::{
    Call, Callable, ClassBuilder, IntoZval, Object, OrFalse, PhpResult, Value, Zval, call_function, runtime,
};

/// Registers the class.
pub fn register() {
    let mut class = ClassBuilder::new("Swoole\\Server\\Port").alias("swoole_server_port").payload::<ServerRef>();
    for (_, property) in PORT_EVENTS {
        class = class.private_property(property, Value::Null);
    }
    class
        .property("host", Value::Null)
        .property("port", Value::Int(0))
        .property("type", Value::Int(0))
        .property("sock", Value::Int(-1))
        .property("ssl", Value::Bool(false))
        .property("setting", Value::Null)
        .property("connections", Value::Null)
        .method("private __construct()", |_: &mut Call<'_>| Ok(()))
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method("set(array $settings): void", set)
        .method("on(string $event_name, callable $callback): bool", on)
        .method("getCallback(string $event_name): ?Closure", callback)
        .method("getSocket(): Socket|false", get_socket)
        .register(&PORT);
}

/// The object of a bound port, the `index`th.
pub fn object(state: &Rc<PhpServer>, index: usize, bound: &BoundPort) -> PhpResult<Object> {
    let object = Object::new(PORT.get())?;
    if let Some(belongs) = object.payload::<ServerRef>() {
        belongs.attach(state, Some(index));
    }
    object.set_slot(slot("host")?, bound.host());
    object.set_slot(slot("port")?, bound.number());
    object.set_slot(slot("type")?, bound.kind() as i32);
    object.set_slot(slot("sock")?, bound.fd());
    object.set_slot(slot("ssl")?, bound.uses_tls());
    object.set_slot(slot("connections")?, connection_iterator::of(state, Some(index))?);
    Ok(object)
}

fn set(call: &mut Call<'_>) -> PhpResult<()> {
    let given = call.array(0)?;
    let (Some(this), state) = (call.this(), call.payload::<ServerRef>().state()?) else { return Ok(()) };
    if state.configure(|_| ()).is_none() {
        // As in Swoole: logged, without an error code.
        swoosh::log::warn!("Port::set() has no effect after start()");
        return Ok(());
    }
    settings::validate(given, true)?;
    setting_values::merge(this, slot("setting")?, given);
    Ok(())
}

fn on(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(this) = call.this() else { return Ok(false) };
    if !call.payload::<ServerRef>().state()?.is_new() {
        return Ok(false);
    }
    let name = call.text(0)?;
    Ok(set_callback(this, &name, call.arg(1)).unwrap_or_else(|| unknown(&name, &[])))
}

/// Sets a port's callback; `None` if the event is unknown.
pub fn set_callback(port: &Object, name: &str, callback: Option<&Zval>) -> Option<bool> {
    let property = property_of(name)?;
    Some(put(port, PORT.get().slot(property)?, callback))
}

/// Puts a callback into its property, if it can be called.
pub fn put(object: &Object, slot: usize, callback: Option<&Zval>) -> bool {
    let Some(callback) = callback else { return false };
    match Callable::new(callback) {
        Ok(_) => {
            object.set_slot(slot, callback.clone());
            true
        }
        Err(why) => {
            last_error::warn_misuse(&format!("the callback cannot be called: {why}"));
            false
        }
    }
}

/// Warns that an event is unknown; `others`: events of the object beside those of a port.
pub fn unknown(name: &str, others: &[(&'static str, &'static str)]) -> bool {
    let bare = name.get(..2).filter(|start| start.eq_ignore_ascii_case("on")).map_or(name, |_| &name[2..]);
    let known = || PORT_EVENTS.iter().chain(others);
    let hint = match known().find(|(lower, _)| bare.eq_ignore_ascii_case(lower)) {
        Some(&(event, _)) => format!("event names are written without 'on': '{event}'"),
        None => match nearest(bare, known().map(|&(event, _)| event)) {
            Some(event) => format!("did you mean '{event}'?"),
            None => format!("its events are {}", known().map(|&(event, _)| event).collect::<Vec<_>>().join(", ")),
        },
    };
    last_error::warn_misuse(&format!("there is no event '{name}'; {hint}"));
    false
}

fn property_of(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    PORT_EVENTS.iter().find(|(lower, _)| *lower == name).map(|(_, property)| *property)
}

/// A port's callback, if set.
pub fn get_callback(port: &Object, name: &str) -> Option<Zval> {
    let value = port.slot(PORT.get().slot(property_of(name)?)?).clone();
    (!value.is_null()).then_some(value)
}

fn callback(call: &mut Call<'_>) -> PhpResult<Option<Zval>> {
    let name = call.text(0)?;
    Ok(call.this().and_then(|this| get_callback(this, &name)))
}

fn get_socket(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    call.this().map_or(Ok(OrFalse(None)), socket_of)
}

/// A port's socket as an object of ext/sockets, with a descriptor of its own.
pub fn socket_of(port: &Object) -> PhpResult<OrFalse<Zval>> {
    socket_object(port.slot(slot("sock")?).to_int() as i32)
}

/// A socket as an object of ext/sockets, with a descriptor of its own.
pub(crate) fn socket_object(fd: i32) -> PhpResult<OrFalse<Zval>> {
    let kind = |option| socket::option(fd, libc::SOL_SOCKET, option);
    let (domain, kind) = match (kind(libc::SO_DOMAIN), kind(libc::SO_TYPE)) {
        (Ok(domain), Ok(kind)) => (domain, kind),
        (Err(e), _) | (_, Err(e)) => {
            last_error::warn_misuse(&format!("get the socket: {e}"));
            return Ok(OrFalse(None));
        }
    };
    // Creates a socket object, then replaces its descriptor.
    let Some(made) = call_function("socket_create", &mut [domain.into_zval(), kind.into_zval(), 0.into_zval()])? else {
        last_error::warn_misuse("getSocket() requires the PHP extension sockets");
        return Ok(OrFalse(None));
    };
    let Some(own) = runtime::descriptor(&made) else { return Ok(OrFalse(None)) };
    Ok(OrFalse(match socket::dup_onto(fd, own) {
        Ok(()) => Some(made),
        Err(e) => {
            last_error::warn_misuse(&format!("get the socket: {e}"));
            None
        }
    }))
}
