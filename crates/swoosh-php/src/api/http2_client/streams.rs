//! `Swoosh\Http2\Client`: the HTTP/2 client with reads and resets of single streams, on which libraries can build protocols
//! such as gRPC. Not part of Swoole's API.

use super::client::{Client, STREAM_CLIENT, connection, fail};
use super::exchange::{limit, receive, send, write};
use crate::api::exception::constructed;
use crate::coroutine::http2::Want;
use swoosh_zend::{Call, Class, ClassBuilder, PhpResult, Zval};

pub(super) fn register(parent: Class) {
    ClassBuilder::new("Swoosh\\Http2\\Client")
        .extends(parent)
        .payload::<Client>()
        .method(
            "recvStream(int $stream_id, float $timeout = 0): Swoole\\Http2\\Response|false",
            constructed::<Client, _>(recv_stream),
        )
        .method(
            "send(Swoole\\Http2\\Request $request, float $timeout = 0): int|false",
            constructed::<Client, _>(|call: &mut Call<'_>| send(call, limit(call, 1, |times| times.write)?)),
        )
        .method(
            "write(int $stream_id, mixed $data, bool $end_stream = false, float $timeout = 0): bool",
            constructed::<Client, _>(|call: &mut Call<'_>| write(call, limit(call, 3, |times| times.write)?)),
        )
        .method(
            "reset(int $stream_id, int $error_code = SWOOLE_HTTP2_ERROR_CANCEL): bool",
            constructed::<Client, _>(reset),
        )
        .register(&STREAM_CLIENT);
}

/// Waits for the response of one stream, or for its next part.
fn recv_stream(call: &mut Call<'_>) -> PhpResult<Zval> {
    let (id, limit) = (call.int(0)?, limit(call, 1, |times| times.read)?);
    receive(call, Want::Stream(u32::try_from(id).unwrap_or(0)), limit)
}

/// Gives a stream up; coroutines that wait for it get ECANCELED.
fn reset(call: &mut Call<'_>) -> PhpResult<bool> {
    let (id, code) = (call.int(0)?, call.int_or(1, CANCEL)?);
    let Some(connection) = connection(call) else { return Ok(false) };
    let (Ok(id), Ok(code)) = (u32::try_from(id), u32::try_from(code)) else {
        fail(call, libc::EINVAL, "a stream and an error code are numbers of 32 bits")?;
        return Ok(false);
    };
    call.payload::<Client>().decoders.borrow_mut().remove(&id);
    Ok(connection.reset(id, code))
}

/// RFC 9113 section 7.
const CANCEL: i64 = 8;
