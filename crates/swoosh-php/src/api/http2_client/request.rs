//! `Swoole\Http2\Request`, and the request that is made of one.

use crate::api::http_client::encode;
use crate::coroutine::http2::{FORBIDDEN, OutgoingRequest, Parts, uri};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use swoosh_zend::{ClassBuilder, ClassSlot, Key, Object, PhpResult, Raised, Value, ZStr, Zval, call_function};

/// `Swoole\Http2\Request`.
pub(super) static REQUEST: ClassSlot = ClassSlot::new();

pub(super) fn register() {
    ClassBuilder::new("Swoole\\Http2\\Request")
        .property("path", Value::Text("/"))
        .property("method", Value::Text("GET"))
        .property("headers", Value::Null)
        .property("cookies", Value::Null)
        .property("data", Value::Text(""))
        .property("pipeline", Value::Bool(false))
        .property("usePipelineRead", Value::Bool(false))
        .allow_dynamic()
        .register(&REQUEST);
}

const PATH: usize = 0;
const METHOD: usize = 1;
const HEADERS: usize = 2;
const COOKIES: usize = 3;
const DATA: usize = 4;
const PIPELINE: usize = 5;
const USE_PIPELINE_READ: usize = 6;

/// The request that a request object describes; the message for PHP if it cannot be sent.
pub(super) fn outgoing(
    object: &Object,
    authority: &[u8],
    scheme: &str,
) -> PhpResult<Result<OutgoingRequest<ZStr>, String>> {
    let (body, is_form) = body_of(object.slot(DATA))?;
    if object.slot(HEADERS).dereferenced().array().is_none() {
        // Swoole leaves an array in the object.
        object.set_slot(HEADERS, swoosh_zend::Array::new());
    }
    let mut fields = HeaderMap::new();
    let mut authority = authority.to_vec();
    let given = object.slot(HEADERS).dereferenced().array().cloned().unwrap_or_default();
    for (key, value) in &given {
        let Key::Name(name) = key else { continue };
        let name = name.as_bytes().to_ascii_lowercase();
        if value.is_null() || name.starts_with(b":") || FORBIDDEN.contains(&name.as_slice()) {
            continue;
        }
        let value = text(value)?;
        match name.as_slice() {
            b"host" => authority = value.as_bytes().to_vec(),
            b"te" if value.as_bytes() != b"trailers" => {}
            b"content-type" if is_form => {}
            _ => {
                if let Err(why) = append(&mut fields, &name, value.as_bytes()) {
                    return Ok(Err(why));
                }
            }
        }
    }
    if is_form {
        fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    }
    if let Err(why) = append_cookies(&mut fields, object.slot(COOKIES))? {
        return Ok(Err(why));
    }
    let method = match text(object.slot(METHOD))?.as_bytes() {
        b"" => Method::GET,
        name => match Method::from_bytes(name) {
            Ok(method) => method,
            Err(_) => return Ok(Err(format!("{:?} is not an HTTP method", String::from_utf8_lossy(name)))),
        },
    };
    let uri = match uri(scheme, &authority, text(object.slot(PATH))?.as_bytes()) {
        Ok(uri) => uri,
        Err(why) => return Ok(Err(why)),
    };
    let mut head = Request::new(());
    (*head.method_mut(), *head.uri_mut(), *head.headers_mut()) = (method, uri, fields);
    let is_open = object.slot(PIPELINE).to_bool();
    let parts = if object.slot(USE_PIPELINE_READ).to_bool() { Parts::Body } else { Parts::Whole };
    Ok(Ok(OutgoingRequest { head, body, is_open, parts }))
}

/// The bytes of a body, and whether it is a form.
pub(super) fn body_of(data: &Zval) -> PhpResult<(ZStr, bool)> {
    let data = data.dereferenced();
    if data.array().is_some() {
        let query = call_function("http_build_query", &mut [data.clone()])?;
        return Ok((query.and_then(|query| query.to_zstr()).unwrap_or_else(|| ZStr::new("")), true));
    }
    Ok((text(data)?, false))
}

/// A value as a string; an exception if it has none.
fn text(value: &Zval) -> PhpResult<ZStr> {
    value.dereferenced().to_zstr().ok_or(Raised::Exception)
}

fn append(fields: &mut HeaderMap, name: &[u8], value: &[u8]) -> Result<(), String> {
    let invalid = || format!("the header field {:?} contains invalid characters", String::from_utf8_lossy(name));
    let known = HeaderName::from_bytes(name).map_err(|_| invalid())?;
    fields.append(known, HeaderValue::from_bytes(value).map_err(|_| invalid())?);
    Ok(())
}

/// Adds cookies to those that the fields have already, as one field.
fn append_cookies(fields: &mut HeaderMap, cookies: &Zval) -> PhpResult<Result<(), String>> {
    let Some(cookies) = cookies.dereferenced().array().filter(|cookies| !cookies.is_empty()) else { return Ok(Ok(())) };
    let mut all = fields.get(header::COOKIE).map(|known| known.as_bytes().to_vec()).unwrap_or_default();
    for (key, value) in cookies {
        let name = match key {
            Key::Name(name) => name.as_bytes().to_vec(),
            Key::Index(index) => index.to_string().into_bytes(),
        };
        if !all.is_empty() {
            all.extend_from_slice(b"; ");
        }
        all.extend_from_slice(&name);
        all.push(b'=');
        all.extend_from_slice(&encode(text(value)?.as_bytes()));
    }
    Ok(match HeaderValue::from_bytes(&all) {
        Ok(value) => {
            fields.insert(header::COOKIE, value);
            Ok(())
        }
        Err(_) => Err("a cookie's name contains invalid characters".to_owned()),
    })
}
