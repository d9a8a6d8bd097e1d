//! Sending requests and waiting for responses.

use super::client::{Client, connection, fail, is_stream_client, settings, times};
use super::request::{REQUEST, body_of, outgoing};
use super::response::response_object;
use crate::api::coroutine_client::Times;
use crate::coroutine::http2::{Parts, Want};
use crate::coroutine::wait;
use std::time::Duration;
use swoosh_zend::error::{argument_type_error, warning};
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// The timeout in an argument, else `usual` of the settings.
pub(super) fn limit(
    call: &Call<'_>,
    argument: usize,
    usual: fn(&Times) -> Option<Duration>,
) -> PhpResult<Option<Duration>> {
    Ok(match call.float_or(argument, 0.0)? {
        seconds if seconds > 0.0 => Some(wait::duration(seconds)),
        seconds if seconds < 0.0 => None,
        _ => usual(&times(call)),
    })
}

/// Sends a request; returns its stream.
pub(super) fn send(call: &mut Call<'_>, limit: Option<Duration>) -> PhpResult<Zval> {
    let Some(request) = call.arg(0).and_then(Zval::object).filter(|object| object.class().is_a(REQUEST.get())) else {
        return Err(argument_type_error(1, "must be of type Swoole\\Http2\\Request"));
    };
    let Some(connection) = connection(call) else { return Ok(false.into_zval()) };
    let client = call.payload::<Client>();
    let mut outgoing = match outgoing(request, &client.authority(call), client.scheme(call))? {
        Ok(outgoing) => outgoing,
        Err(why) => {
            warning(&format!("the request is not sent: {why}"));
            fail(call, libc::EINVAL, &why)?;
            return Ok(false.into_zval());
        }
    };
    if outgoing.parts == Parts::Body && is_stream_client(call) {
        outgoing.parts = Parts::HeadFirst;
    }
    match connection.send(outgoing, limit)? {
        Ok(id) => Ok(i64::from(id).into_zval()),
        Err(failure) => {
            client.note_failure(call, &connection, failure, true)?;
            Ok(false.into_zval())
        }
    }
}

/// Sends more of an open request.
pub(super) fn write(call: &mut Call<'_>, limit: Option<Duration>) -> PhpResult<bool> {
    let (id, ends) = (call.int(0)?, call.bool_or(2, false)?);
    let Some(connection) = connection(call) else { return Ok(false) };
    let Some(data) = call.arg(1) else { return Ok(false) };
    let (data, _) = body_of(data)?;
    let id = u32::try_from(id).unwrap_or(0);
    match connection.write(id, data, ends, limit)? {
        Ok(()) => Ok(true),
        Err(failure) => {
            call.payload::<Client>().note_failure(call, &connection, failure, true)?;
            Ok(false)
        }
    }
}

/// Waits for a response, or a part of one.
pub(super) fn receive(call: &mut Call<'_>, want: Want, limit: Option<Duration>) -> PhpResult<Zval> {
    let client = call.payload::<Client>();
    // Responses that have arrived can be read although the connection has ended meanwhile.
    let known = client.connection.borrow().clone();
    let Some(connection) = known.or_else(|| connection(call)) else { return Ok(false.into_zval()) };
    loop {
        let delivery = match connection.recv(want, limit)? {
            Ok(delivery) => delivery,
            Err(failure) => {
                client.note_failure(call, &connection, failure, false)?;
                return Ok(false.into_zval());
            }
        };
        client.note_goaway(call, &connection);
        let splits_trailers = is_stream_client(call);
        if let Some(response) = response_object(client, delivery, settings(call).as_ref(), splits_trailers)? {
            return Ok(response.into_zval());
        }
    }
}
