//! One exchange: the request is sent, and its response read unless that is deferred.

use super::client::{Client, SETTING, array_property, fail, forget_answer, has_http2};
use super::{request, response};
use crate::api::coroutine_client::Times;
use crate::runtime::last_error;
use swoosh_zend::{Call, PhpResult};

pub(super) fn run(call: &Call<'_>, target: &[u8], key: Option<String>) -> PhpResult<bool> {
    let client = call.payload::<Client>();
    let is_websocket = client.websocket.borrow().as_ref().is_some_and(|websocket| websocket.is_open());
    if is_websocket {
        last_error::warn_misuse("the connection was upgraded to WebSocket and cannot send HTTP requests");
        return Ok(false);
    }
    if target.is_empty() {
        last_error::warn_misuse("a request needs a path");
        return Ok(false);
    }
    if !has_http2(client) {
        client.exchange.check()?;
    }
    let _exchange = client.exchange.begin();
    let put_off = client.defer.get() && key.is_none();
    if client.sent.borrow().is_empty() {
        forget_answer(call);
    }
    let settings = array_property(call, SETTING).unwrap_or_default();
    let times = Times::of(&settings);
    match request::send(call, client, target, key, &settings, times)? {
        Err(failure) => fail(call, client, failure),
        Ok(()) if put_off => Ok(true),
        Ok(()) => response::receive(call, client, &settings, times.read),
    }
}
