//! Requests of HTTP: from a worker's packet to the callback `request`, and their order.
//!
//! The answers of one connection go out in the order of its requests. A callback that returns before its answer is
//! whole (a timer or a coroutine goes on with it) holds what the connection asks next; nothing else waits for it.

use super::callback::{Then, Wanted};
use super::http_config::Config;
use super::http_peer::Peer;
use super::state::{Calls, PortEvent, State};
use super::{http_deadline, http_order, http_request, http_response, websocket};
use crate::runtime::scheduler;
use std::rc::Rc;
use swoosh::config::Framing;
use swoosh::context::Context;
use swoosh::handler::ConnectionEvent;
use swoosh::http::TempFile;
use swoosh::http::files;
use swoosh::proto::http1::request::{Request, header_buffer};
use swoosh_zend::{IntoZval, PhpResult};

/// Whether a port's packets are requests for the callback `request`.
pub fn serves(calls: &Calls, node: &Context, port: usize) -> bool {
    let is_http = node.state().ports.get(port).is_some_and(|p| matches!(p.config.framing, Framing::Http));
    is_http && calls.answers_requests(port)
}

/// Makes ready what a request's callback gets, or a WebSocket's; `None` where it waits for another one's answer, or is
/// answered already. `stored`: its body, where that is not in `data`.
pub fn begin(
    state: &Rc<State>,
    node: &Context,
    event: &ConnectionEvent,
    data: &[u8],
    stored: Option<Rc<TempFile>>,
) -> PhpResult<Option<Wanted>> {
    let session = event.session.0;
    let Some(calls) = state.calls() else { return Ok(None) };
    if node.was_websocket(event.session) {
        return websocket::receive(state, &calls, node, event, data);
    }
    if http_order::holds_request(event, || node.share_packet(data), &stored) {
        return Ok(None);
    }
    let mut fields = header_buffer();
    let Some((parsed, headers)) = Request::parse(data, &mut fields) else {
        node.refuse_request(event.session, 400);
        return Ok(None);
    };
    let config = state.http.get_or_init(Config::default);
    if let Some(files) = &config.files
        && !node.has_no_file()
        && swoosh::http::serve_file(node, files, event.session, &parsed, headers)
    {
        return Ok(None);
    }
    let upgrades = websocket::wanted(&calls, event.port, headers);
    let callable = match calls.ports[event.port][PortEvent::Request as usize].clone() {
        Some(callable) => Some(callable),
        None if upgrades => None,
        None => {
            node.refuse_request(event.session, 400);
            return Ok(None);
        }
    };
    let request = match http_request::serve(node, config, event, (data, stored), &parsed, headers)? {
        Ok(request) => request,
        Err(status) => {
            node.refuse_request(event.session, status);
            return Ok(None);
        }
    };
    node.begin_request(event.session);
    let response = http_response::serve(Peer::Server(state.clone(), event.session), &parsed, headers)?;
    let Some(callable) = callable.filter(|_| !upgrades) else {
        return websocket::shake_hands(state, &calls, node, event, &parsed, headers, (request, response));
    };
    if let Some(limit) = config.deadline.filter(|_| scheduler::runs_apart()) {
        http_response::expect_by(&response, http_deadline::begin(event.session, limit, parsed.minor == 0));
    }
    let args = [request.into_zval(), response.clone().into_zval()];
    Ok(Some(Wanted { callable, args, then: Then::Settle(response, session) }))
}
