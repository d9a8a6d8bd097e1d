//! `Swoole\Http2\Response`, made of what has arrived.

use super::client::Client;
use crate::api::http_client::{Decoder, STEP};
use crate::coroutine::http2::Delivery;
use crate::server::http::request::add_header;
use http::{HeaderMap, header};
use std::io;
use swoosh::http::form::pairs;
use swoosh_zend::{Array, ClassBuilder, ClassSlot, Object, PhpResult, Value, Zval};

/// `Swoole\Http2\Response`.
pub(super) static RESPONSE: ClassSlot = ClassSlot::new();

pub(super) fn register() {
    ClassBuilder::new("Swoole\\Http2\\Response")
        .property("streamId", Value::Int(0))
        .property("errCode", Value::Int(0))
        .property("statusCode", Value::Int(0))
        .property("pipeline", Value::Bool(false))
        .property("headers", Value::Null)
        .property("set_cookie_headers", Value::Null)
        .property("cookies", Value::Null)
        .property("data", Value::Null)
        .allow_dynamic()
        .register(&RESPONSE);
}

const STREAM_ID: usize = 0;
const ERR_CODE: usize = 1;
const STATUS: usize = 2;
const PIPELINE: usize = 3;
const HEADERS: usize = 4;
const SET_COOKIES: usize = 5;
const COOKIES: usize = 6;
const DATA: usize = 7;

/// The object of a response or of a part of one; `None` if the part has nothing to show yet. `splits_trailers`: trailers are
/// in the property `trailers` instead of `headers`.
pub(super) fn response_object(
    client: &Client,
    delivery: Delivery,
    settings: Option<&Array>,
    splits_trailers: bool,
) -> PhpResult<Option<Object>> {
    let id = delivery.stream_id;
    let mut decoder = client.decoders.borrow_mut().remove(&id);
    if let Some((_, fields)) = &delivery.head
        && let Some(coding) = fields.get(header::CONTENT_ENCODING)
        && settings.and_then(|settings| settings.get("body_decompression")).is_none_or(Zval::to_bool)
    {
        decoder = Some(Decoder::new(coding.as_bytes()));
    }
    let mut error = delivery.error;
    let body = match &mut decoder {
        Some(decoder) if error.is_none() => match decode(decoder, &delivery.body, delivery.is_last, max_body(settings))
        {
            Ok(body) => body,
            Err(_) => {
                error = Some(INTERNAL_ERROR);
                Vec::new()
            }
        },
        _ => delivery.body,
    };
    if !delivery.is_last {
        client.decoders.borrow_mut().extend(decoder.map(|decoder| (id, decoder)));
        if body.is_empty() && delivery.head.is_none() {
            return Ok(None);
        }
    }
    let object = Object::new(RESPONSE.get())?;
    object.set_slot(STREAM_ID, i64::from(id));
    object.set_slot(PIPELINE, !delivery.is_last);
    let mut all = Array::new();
    if let Some((status, fields)) = &delivery.head {
        object.set_slot(STATUS, i64::from(*status));
        add_fields(&object, &mut all, fields);
    }
    let mut trailers = Array::new();
    if let Some(fields) = &delivery.trailers {
        add_fields(&object, if splits_trailers { &mut trailers } else { &mut all }, fields);
    }
    if splits_trailers {
        object.set("trailers", trailers);
    }
    object.set_slot(HEADERS, all);
    if !body.is_empty() {
        object.set_slot(DATA, body);
    }
    if let Some(error) = error {
        object.set_slot(STATUS, SERVER_RESET);
        object.set_slot(ERR_CODE, i64::from(error));
    }
    Ok(Some(object))
}

/// Decompresses a piece of a body.
fn decode(decoder: &mut Decoder, piece: &[u8], is_last: bool, max: u64) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    for step in piece.chunks(STEP) {
        plain.append(&mut decoder.take(step)?);
        if plain.len() as u64 > max {
            return Err(io::Error::other("the body is longer than package_max_length"));
        }
    }
    if is_last {
        plain.append(&mut decoder.finish()?);
    }
    Ok(plain)
}

fn max_body(settings: Option<&Array>) -> u64 {
    let given = settings.and_then(|settings| settings.get("package_max_length")).map(Zval::to_int);
    u64::try_from(given.unwrap_or(crate::api::http_client::DEFAULT_MAX_BODY)).unwrap_or(0)
}

fn add_fields(object: &Object, all: &mut Array, fields: &HeaderMap) {
    let (mut set, mut cookies) = (Array::new(), Array::new());
    for (name, value) in fields {
        add_header(all, name.as_str().as_bytes(), value.as_bytes());
        if name == header::SET_COOKIE {
            set.push(value.as_bytes());
            let pair = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default();
            if let Some((name, value)) = pairs(pair).pop().filter(|(name, _)| !name.is_empty()) {
                cookies.put(name.trim_ascii(), value);
            }
        }
    }
    if !set.is_empty() {
        object.set_slot(SET_COOKIES, set);
        object.set_slot(COOKIES, cookies);
    }
}

/// RFC 9113 section 7.
const INTERNAL_ERROR: u32 = 2;
/// SWOOLE_HTTP_CLIENT_ESTATUS_SERVER_RESET.
const SERVER_RESET: i64 = -3;
