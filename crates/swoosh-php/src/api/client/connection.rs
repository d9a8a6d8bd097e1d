//! Opening, describing and closing a connection.

use super::asynchronous;
use super::data::{ID, NO_CONNECTION, Payload, fail, name, require_connection, set_error, set_property, set_type};
use super::settings::{limit, parsed, tls_of};
use super::synchronous::{self, Target};
use crate::api::server_port::socket_object;
use crate::runtime::last_error;
use std::net::Shutdown;
use swoosh::client::{Client, Kind};
use swoosh::tls::to_pem;
use swoosh_zend::error::{throw_error, warning};
use swoosh_zend::{Array, Call, OrFalse, PhpResult, Zval};

pub(super) fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    if call.bool_or(1, false)? {
        return Err(throw_error(
            "the asynchronous client is Swoole\\Async\\Client; swoole_client accepts SWOOLE_SOCK_ASYNC",
        ));
    }
    set_type(call, call.int(0)?)?;
    let id = call.bytes_or(2, b"")?;
    if !id.is_empty() {
        call.payload::<Payload>().id.replace(id.to_vec());
        set_property(call, ID, id);
    }
    Ok(())
}

pub(super) fn connect(call: &mut Call<'_>) -> PhpResult<bool> {
    let payload = call.payload::<Payload>();
    let Some(kind) = payload.kind.get() else {
        warning("the constructor of Swoole\\Client was not called");
        return Ok(false);
    };
    let (host, port) = (call.bytes(0)?.to_vec(), call.int_or(1, 0)?);
    let (timeout, flag) = (limit(call.float_or(2, 0.5)?), call.int_or(3, 0)?);
    if host.is_empty() {
        last_error::warn_misuse("the host is empty");
        return Ok(false);
    }
    let lowest = if payload.asynchronous.get().is_some() { 1 } else { 0 };
    if !kind.is_unix() && !(lowest..=65535).contains(&port) {
        last_error::warn_misuse(&format!("the port {port} is invalid"));
        return Ok(false);
    }
    if let Some(state) = payload.asynchronous.get() {
        return asynchronous::connect(call, &state.clone(), kind, &host, port, timeout);
    }
    if payload.client.borrow().is_some() {
        warning("the client is connected already");
        return Ok(false);
    }
    let Some(settings) = parsed(call, kind) else { return Ok(false) };
    let port = port as u16;
    synchronous::connect(call, Target { kind, host, port, timeout, flag }, settings)
}

pub(super) fn is_connected(call: &mut Call<'_>) -> PhpResult<bool> {
    let payload = call.payload::<Payload>();
    Ok(match payload.asynchronous.get() {
        Some(state) => state.is_connected(),
        None => payload.client.borrow().is_some() && !payload.pending.get(),
    })
}

pub(super) fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let payload = call.payload::<Payload>();
    if let Some(state) = payload.asynchronous.get() {
        return asynchronous::close(call, &state.clone());
    }
    if payload.client.borrow().is_none() {
        warning("the client is not connected to a server");
        return Ok(false);
    }
    payload.close(call.bool_or(0, false)?);
    Ok(true)
}

pub(super) fn shutdown(call: &mut Call<'_>) -> PhpResult<bool> {
    if !require_connection(call) {
        return Ok(false);
    }
    let how = match call.int(0)? {
        0 => Shutdown::Read,
        1 => Shutdown::Write,
        2 => Shutdown::Both,
        _ => return Ok(false),
    };
    let payload = call.payload::<Payload>();
    let done = match payload.asynchronous.get().and_then(|state| state.link()) {
        Some(link) => link.socket().shutdown(how).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO)),
        None => payload.client.borrow().as_ref().map_or(Ok(()), |client| client.shutdown(how)).map_err(|e| e.code()),
    };
    if let Err(code) = done {
        fail(call, code, "the socket cannot be shut down");
    }
    Ok(done.is_ok())
}

pub(super) fn enable_tls(call: &mut Call<'_>) -> PhpResult<bool> {
    let payload = call.payload::<Payload>();
    if let Some(state) = payload.asynchronous.get() {
        return asynchronous::enable_tls(call, &state.clone());
    }
    if !require_connection(call) {
        return Ok(false);
    }
    let kind = payload.kind.get().unwrap_or(Kind::Tcp);
    if kind.is_datagram() || payload.client.borrow().as_ref().is_some_and(Client::is_tls) {
        warning("TLS can be enabled once, on a stream");
        return Ok(false);
    }
    let Some(settings) = parsed(call, kind) else { return Ok(false) };
    let host = payload.host.borrow().clone();
    let Some(tls) = tls_of(&settings, true, host.as_bytes()) else { return Ok(false) };
    let started = payload.client.borrow_mut().as_mut().map_or(Ok(()), |client| client.start_tls(&tls));
    if let Err(e) = started {
        fail(call, e.code(), &format!("TLS cannot be enabled: {e}"));
        payload.close(true);
        return Ok(false);
    }
    // A plain client must not get this connection.
    payload.key.take();
    Ok(true)
}

/// The server's certificate in PEM form.
pub(super) fn peer_certificate(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    if !require_connection(call) {
        return Ok(OrFalse(None));
    }
    let payload = call.payload::<Payload>();
    let certificate = match payload.asynchronous.get().and_then(|state| state.link()) {
        Some(link) => link.peer_certificates().into_iter().next(),
        None => payload.client.borrow().as_ref().and_then(Client::peer_certificate),
    };
    if certificate.is_none() {
        warning("the connection does not use TLS");
    }
    Ok(OrFalse(certificate.map(|der| to_pem(&der))))
}

/// Verifies the server's certificate, also if the handshake did not.
pub(super) fn verify_peer(call: &mut Call<'_>) -> PhpResult<bool> {
    if !require_connection(call) {
        return Ok(false);
    }
    let allow_self_signed = call.bool_or(0, false)?;
    let payload = call.payload::<Payload>();
    if let Some(state) = payload.asynchronous.get() {
        return Ok(state.verify_peer(allow_self_signed));
    }
    let client = payload.client.borrow();
    let Some(client) = client.as_ref().filter(|client| client.is_tls()) else {
        warning("the connection does not use TLS");
        return Ok(false);
    };
    Ok(client.verify_peer(allow_self_signed).is_ok())
}

pub(super) fn local_name(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    names(call, true)
}

pub(super) fn peer_name(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    names(call, false)
}

fn names(call: &Call<'_>, local: bool) -> PhpResult<OrFalse<Array>> {
    if !require_connection(call) {
        return Ok(OrFalse(None));
    }
    let payload = call.payload::<Payload>();
    let kind = payload.kind.get();
    let found = match (payload.asynchronous.get().and_then(|state| state.link()), payload.client.borrow().as_ref()) {
        (Some(link), _) => {
            let address = if local { link.socket().local_addr() } else { link.socket().peer_addr() };
            address.map(Some).map_err(|e| e.raw_os_error().unwrap_or(libc::EIO))
        }
        (None, Some(client)) if local => client.local_addr().map(Some).map_err(|e| e.code()),
        (None, Some(client)) => client.peer_addr().map_err(|e| e.code()),
        (None, None) => Err(NO_CONNECTION),
    };
    Ok(OrFalse(match found {
        Ok(address) => Some(name(address.as_ref(), kind)),
        Err(code) => {
            set_error(call, code);
            None
        }
    }))
}

/// The socket as an object of ext/sockets.
pub(super) fn socket(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    if !require_connection(call) {
        return Ok(OrFalse(None));
    }
    let payload = call.payload::<Payload>();
    if let Some(known) = payload.socket.borrow().clone() {
        return Ok(OrFalse(Some(known)));
    }
    let fd = match payload.asynchronous.get().and_then(|state| state.link()) {
        Some(link) => link.fd(),
        None => payload.client.borrow().as_ref().map_or(-1, Client::fd),
    };
    let made = socket_object(fd)?;
    *payload.socket.borrow_mut() = made.0.clone();
    Ok(made)
}
