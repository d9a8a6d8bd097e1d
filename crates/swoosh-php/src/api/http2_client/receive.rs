//! Waiting for responses.

use super::client::{Client, connection, is_stream_client, settings, times};
use super::response::response_object;
use crate::coroutine::http2::Want;
use crate::coroutine::wait;
use std::time::Duration;
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// The timeout in an argument, else that of the settings.
pub(super) fn limit(call: &Call<'_>, argument: usize) -> PhpResult<Option<Duration>> {
    Ok(match call.float_or(argument, 0.0)? {
        seconds if seconds > 0.0 => Some(wait::duration(seconds)),
        seconds if seconds < 0.0 => None,
        _ => times(call).read,
    })
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
