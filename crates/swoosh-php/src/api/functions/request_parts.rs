//! Functions of the gRPC library: the body of a request that is handled before its end, and whether its client is there.

use crate::coroutine::WaitKind;
use crate::coroutine::wait::{self, WaitOutcome};
use crate::server::http::request::{REQUEST, RequestData};
use crate::server::http::response::state::{RESPONSE, ResponseState};
use crate::server::http::transport::{HttpConnection, Transport};
use std::rc::Rc;
use swoosh::http::request_parts::RequestParts;
use swoosh_zend::module::Functions;
use swoosh_zend::{Call, IntoZval, PhpResult, Zval};

/// Adds the functions.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("Swoole\\Internal\\has_request_parts(Swoole\\Http\\Request $request): bool", |call: &mut Call<'_>| {
            Ok(parts(call).is_some())
        })
        .add("Swoole\\Internal\\next_request_part(Swoole\\Http\\Request $request): string|false|null", next)
        .add("Swoole\\Internal\\is_awaited(Swoole\\Http\\Response $response): bool", |call: &mut Call<'_>| {
            Ok(is_awaited(call))
        });
}

fn parts(call: &Call<'_>) -> Option<Rc<RequestParts>> {
    let request = call.arg(0).and_then(Zval::object).filter(|object| object.class().is_a(REQUEST.get()))?;
    request.payload::<RequestData>()?.body_parts()
}

/// Whether the client of a response has not left.
fn is_awaited(call: &Call<'_>) -> bool {
    let response = call.arg(0).and_then(Zval::object).filter(|object| object.class().is_a(RESPONSE.get()));
    let state = response.and_then(|response| response.payload::<ResponseState>());
    match state.and_then(|state| state.connection()).and_then(HttpConnection::transport) {
        Some(Transport::Engine(_, node, session)) => node.exists(session),
        Some(Transport::Socket(_)) => true,
        None => false,
    }
}

/// Waits for the next part; an empty string at the end of the body, false if the client has left, null if the wait was
/// cancelled.
fn next(call: &mut Call<'_>) -> PhpResult<Zval> {
    let Some(parts) = parts(call) else { return Ok("".into_zval()) };
    let next = wait::poll(WaitKind::Io, None, |cx| parts.poll_next(cx))?;
    Ok(match next {
        WaitOutcome::Done(Some(Ok(part))) => (&part[..]).into_zval(),
        WaitOutcome::Done(None) => "".into_zval(),
        WaitOutcome::Done(Some(Err(_))) => false.into_zval(),
        WaitOutcome::TimedOut | WaitOutcome::Cancelled => Zval::null(),
    })
}
