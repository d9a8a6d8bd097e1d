//! Sending the body of a request.

use bytes::Bytes;
use h2::{Error, Reason, SendStream};
use std::future::poll_fn;

/// Sends bytes as the peer's windows allow; `flush` writes what was queued.
///
/// # Errors
/// The stream was reset, or the connection has ended.
pub(super) async fn send_body(
    stream: &mut SendStream<Bytes>,
    mut body: &[u8],
    ends: bool,
    flush: impl Fn(),
) -> Result<(), Error> {
    if body.is_empty() && ends {
        stream.send_data(Bytes::new(), true)?;
    }
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let mut room = stream.capacity();
        while room == 0 {
            room = match poll_fn(|cx| stream.poll_capacity(cx)).await {
                Some(room) => room?,
                None => return Err(Reason::STREAM_CLOSED.into()),
            };
        }
        let (piece, rest) = body.split_at(room.min(body.len()));
        stream.send_data(Bytes::copy_from_slice(piece), ends && rest.is_empty())?;
        body = rest;
        flush();
    }
    flush();
    Ok(())
}
