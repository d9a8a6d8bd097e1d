//! Sending and receiving.

use super::asynchronous;
use super::data::{Payload, SOCK, fail, require_connection, set_error, set_property};
use super::settings::parsed;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use swoosh::client::{Client, ClientError, Kind, Recv};
use swoosh::config::Framing;
use swoosh_zend::error::{pending, warning};
use swoosh_zend::{Call, Kind as Type, OrFalse, PhpResult, Raised, ZStr};

pub(super) fn recv(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    if !require_connection(call) {
        return Ok(OrFalse(None));
    }
    let payload = call.payload::<Payload>();
    let size = usize::try_from(call.int_or(0, 65536)?).unwrap_or(0);
    if let Some(state) = payload.asynchronous.get() {
        return asynchronous::recv(call, &state.clone(), size);
    }
    // `true` as the second argument stands for MSG_WAITALL.
    let flag = match call.arg(1).map(|flag| flag.kind()) {
        Some(Type::True) => WAIT_ALL,
        _ => call.int_or(1, 0)?,
    };
    // A length function runs while the packet is read, and must find the client connected but not in use by itself.
    let Some(mut client) = payload.client.take() else { return Ok(OrFalse(None)) };
    let framed = !matches!(client.config_mut().framing, Framing::None) && !client.config_mut().kind.is_datagram();
    let result = match flag {
        _ if framed => client.recv_packet(),
        flag if flag & OUT_OF_BAND != 0 => client.recv_urgent(),
        flag if flag & DONT_WAIT != 0 => client.recv(size, Recv::Now),
        flag if flag & PEEK != 0 => client.recv(size, Recv::Peek),
        flag if flag & WAIT_ALL != 0 => client.recv(size, Recv::All),
        _ => client.recv(size, Recv::Some),
    };
    let result = match result {
        // A stream that ended within the bytes that were waited for returns them.
        Ok(bytes) => Some(bytes),
        Err(ClientError::Packet(fault)) => {
            if pending().is_some() {
                *payload.client.borrow_mut() = Some(client);
                return Err(Raised::Exception);
            }
            // To the program the stream has ended, as in Swoole: nothing more can be read from it.
            swoosh::log::info!("a packet from {} is refused: {fault}", payload.peer.borrow());
            Some(Vec::new())
        }
        Err(e) => {
            *payload.client.borrow_mut() = Some(client);
            let message = format!("{}: {e}", payload.peer.borrow());
            fail(call, transfer_code(&e), &message);
            return Ok(OrFalse(None));
        }
    };
    *payload.client.borrow_mut() = Some(client);
    Ok(OrFalse(result.map(ZStr::new)))
}

pub(super) fn send(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let data = call.string(0)?.clone();
    let flag = call.int_or(1, 0)?;
    if data.as_bytes().is_empty() {
        warning("the data to send is empty");
        return Ok(OrFalse(None));
    }
    if !require_connection(call) {
        return Ok(OrFalse(None));
    }
    let payload = call.payload::<Payload>();
    if let Some(state) = payload.asynchronous.get() {
        return asynchronous::send(call, &state.clone(), data.as_bytes());
    }
    let mut client = payload.client.borrow_mut();
    let Some(client) = client.as_mut() else { return Ok(OrFalse(None)) };
    let sent = match flag {
        flag if flag & OUT_OF_BAND != 0 => client.send_urgent(data.as_bytes()),
        flag if flag & DONT_WAIT != 0 => client.send_now(data.as_bytes()),
        _ => client.send_all(data.as_bytes()).map(|()| data.as_bytes().len()),
    };
    Ok(OrFalse(match sent {
        Ok(sent) => Some(sent),
        Err(e) => {
            fail(call, transfer_code(&e), &e.to_string());
            None
        }
    }))
}

pub(super) fn send_to(call: &mut Call<'_>) -> PhpResult<bool> {
    let (host, port, data) = (call.bytes(0)?.to_vec(), call.int(1)?, call.string(2)?.clone());
    if data.as_bytes().is_empty() {
        warning("the data to send is empty");
        return Ok(false);
    }
    let payload = call.payload::<Payload>();
    let kind = payload.kind.get().unwrap_or(Kind::Tcp);
    if !kind.is_datagram() {
        set_error(call, NOT_SUPPORTED);
        return Ok(false);
    }
    let Some(port) = u16::try_from(port).ok().filter(|&port| port > 0 || kind.is_unix()) else {
        set_error(call, libc::EINVAL);
        return Ok(false);
    };
    if let Some(state) = payload.asynchronous.get() {
        return asynchronous::send_to(call, &state.clone(), &host, port, data.as_bytes());
    }
    if payload.client.borrow().is_none() {
        let Some(settings) = parsed(call, kind) else { return Ok(false) };
        match Client::unconnected(&settings.engine) {
            Ok(client) => {
                set_property(call, SOCK, client.fd());
                *payload.client.borrow_mut() = Some(client);
            }
            Err(e) => {
                set_error(call, e.code());
                return Ok(false);
            }
        }
    }
    let sent = payload
        .client
        .borrow_mut()
        .as_mut()
        .map(|client| client.send_to(&String::from_utf8_lossy(&host), port, data.as_bytes()));
    if let Some(Err(e)) = &sent {
        set_error(call, transfer_code(e));
    }
    Ok(matches!(sent, Some(Ok(_))))
}

pub(super) fn send_file(call: &mut Call<'_>) -> PhpResult<bool> {
    let path = call.bytes(0)?.to_vec();
    let (offset, length) = (call.int_or(1, 0)?, call.int_or(2, 0)?);
    if !require_connection(call) {
        return Ok(false);
    }
    let payload = call.payload::<Payload>();
    if payload.kind.get().is_some_and(Kind::is_datagram) {
        warning("a file cannot be sent as datagrams");
        return Ok(false);
    }
    let file = File::open(Path::new(std::ffi::OsStr::from_bytes(&path)));
    let opened = file.and_then(|file| file.metadata().map(|about| (about.is_file().then_some(about.len()), file)));
    let Ok((Some(size), file)) = opened else {
        fail(call, WRONG_USE, "the file cannot be read");
        return Ok(false);
    };
    let offset = u64::try_from(offset).ok().filter(|&offset| offset < size);
    let end = match (offset, u64::try_from(length)) {
        (Some(offset), Ok(length)) if length > 0 => offset.checked_add(length).filter(|&end| end <= size),
        (Some(_), _) => Some(size),
        (None, _) => None,
    };
    let (Some(offset), Some(end)) = (offset, end) else {
        fail(call, WRONG_USE, "offset and length are outside of the file");
        return Ok(false);
    };
    let sent = match payload.asynchronous.get() {
        Some(state) => asynchronous::send_file(&state.clone(), file, offset, end)?,
        None => payload
            .client
            .borrow_mut()
            .as_mut()
            .map_or(Ok(()), |client| client.send_file(&file, offset, end))
            .map_err(|e| transfer_code(&e)),
    };
    if let Err(code) = sent {
        fail(call, code, "the file cannot be sent");
    }
    Ok(sent.is_ok())
}

/// The code of an error; a timeout is EAGAIN, as with SO_RCVTIMEO (socket(7)).
fn transfer_code(e: &ClientError) -> i32 {
    if e.is_timeout() { libc::EAGAIN } else { e.code() }
}

const OUT_OF_BAND: i64 = 1;
const PEEK: i64 = 2;
const DONT_WAIT: i64 = 64;
const WAIT_ALL: i64 = 256;
/// SWOOLE_ERROR_OPERATION_NOT_SUPPORT.
const NOT_SUPPORTED: i32 = 507;
/// SWOOLE_ERROR_PHP_FATAL_ERROR.
const WRONG_USE: i32 = 503;
