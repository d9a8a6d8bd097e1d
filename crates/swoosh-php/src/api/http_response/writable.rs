//! The check before every method that changes or sends a response.

use crate::runtime::last_error;
use crate::server::http::response::state::{Phase, ResponseState};
use crate::server::http::transport::{HttpConnection, Transport};
use swoosh_zend::error::warning;
use swoosh_zend::{Call, Object};

/// The response, while it can be changed and sent; else `None`, and the code for it.
pub(super) fn open<'a>(call: &Call<'a>) -> Option<(&'a ResponseState, &'a Object)> {
    let state = call.payload::<ResponseState>();
    if matches!(state.phase(), Phase::NotSent | Phase::HeadSent) {
        return call.this().map(|this| (state, this));
    }
    let why = match state.phase() {
        Phase::Ended => "the response was already ended",
        Phase::Detached => "the response is detached from its connection",
        _ => "the response belongs to no request",
    };
    warning(why);
    last_error::set(CONTEXT_UNAVAILABLE);
    None
}

pub(super) fn transport_of(state: &ResponseState) -> Option<Transport> {
    state.connection().and_then(HttpConnection::transport)
}

/// SWOOLE_ERROR_HTTP_CONTEXT_UNAVAILABLE.
pub(super) const CONTEXT_UNAVAILABLE: i32 = 7106;
