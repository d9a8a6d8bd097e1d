//! HTTP requests that a worker received: from the packet to the `request` callback.
//!
//! Responses of one connection leave in the order of its requests. A callback that returns before its response is complete
//! (a timer or a coroutine completes it) delays that connection's next requests, and no other connection's.

use crate::coroutine;
use crate::runtime::scheduler;
use crate::server::callback::{Completion, PendingCall};
use crate::server::callbacks::{Callbacks, PortEvent};
use crate::server::http::transport::HttpConnection;
use crate::server::http::{deadline, request, response, response_order};
use crate::server::state::PhpServer;
use crate::server::websocket;
use std::rc::Rc;
use swoosh::config::Framing;
use swoosh::context::Context;
use swoosh::handler::ConnectionEvent;
use swoosh::http::TempFile;
use swoosh::http::request_parts::RequestParts;
use swoosh::proto::http1::head_index;
use swoosh::proto::http1::request::field_buffer;
use swoosh_zend::{IntoZval, PhpResult};

/// Whether a port's packets are HTTP requests for a PHP callback.
pub fn serves(callbacks: &Callbacks, node: &Context, port: usize) -> bool {
    let is_http = node.state().ports().get(port).is_some_and(|p| matches!(p.config().framing, Framing::Http));
    is_http && callbacks.answers_requests(port)
}

/// Prepares the callback of a request or a WebSocket frame. `None`: the request is queued behind an unfinished response,
/// or has been answered without a callback. `stored`: a body that was spilled to a file.
pub fn begin(
    state: &Rc<PhpServer>,
    node: &Context,
    event: &ConnectionEvent,
    data: &[u8],
    stored: Option<Rc<TempFile>>,
) -> PhpResult<Option<PendingCall>> {
    let session = event.session.0;
    let Some(callbacks) = state.callbacks() else { return Ok(None) };
    if RequestParts::take_packet(node, event.session, data) {
        return Ok(None);
    }
    if node.was_websocket(event.session) {
        return websocket::dispatch::receive(state, &callbacks, node, event, data);
    }
    if response_order::queue_request(event, || node.share_packet(data), &stored) {
        return Ok(None);
    }
    let mut fields = field_buffer();
    let index = node.head_index(data);
    let Some((parsed, headers)) = head_index::parse(data, index.as_deref(), &mut fields) else {
        node.refuse_request(event.session, 400);
        return Ok(None);
    };
    let config = state.http_or_default();
    if let Some(files) = &config.files
        && !node.has_no_file()
        && swoosh::http::serve_file(node, files, event.session, &parsed, headers)
    {
        return Ok(None);
    }
    let upgrades = websocket::dispatch::is_upgrade(&callbacks, event.port, headers);
    let callable = match callbacks.of_port(event.port, PortEvent::Request).cloned() {
        Some(callable) => Some(callable),
        None if upgrades => None,
        None => {
            node.refuse_request(event.session, 400);
            return Ok(None);
        }
    };
    let request = match request::from_engine(node, config, event, (data, stored), (&parsed, headers, index.clone()))? {
        Ok(request) => request,
        Err(status) => {
            node.refuse_request(event.session, status);
            return Ok(None);
        }
    };
    if scheduler::callbacks_in_coroutines() && !coroutine::has_room() {
        swoosh::log::warn!(
            "connection {session}: answered with 503: max_coroutine is reached; raise it, or limit requests with worker_max_concurrency"
        );
        node.refuse_request(event.session, 503);
        return Ok(None);
    }
    node.begin_request(event.session);
    let response = response::for_request(HttpConnection::Server(state.clone(), event.session), &parsed, headers)?;
    let Some(callable) = callable.filter(|_| !upgrades) else {
        return websocket::dispatch::shake_hands(state, &callbacks, node, event, &parsed, headers, (request, response));
    };
    if let Some(limit) = config.deadline.filter(|_| scheduler::callbacks_in_coroutines()) {
        response::set_deadline(&response, deadline::begin(event.session, limit, parsed.minor == 0));
    }
    let args = [request.into_zval(), response.clone().into_zval()];
    Ok(Some(PendingCall { callable, args, completion: Completion::CheckAnswered(response, session) }))
}
