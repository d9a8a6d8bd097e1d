//! `Swoosh\Http2\ServerStream`.

use crate::coroutine::http2_server::{Fields, Received, ServerStream, StreamError};
use crate::coroutine::wait;
use crate::runtime::last_error;
use crate::server::http::request::add_header;
use http::{HeaderName, HeaderValue};
use std::cell::RefCell;
use std::rc::Rc;
use swoosh_zend::error::throw_error;
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, IntoZval, Key, Object, PhpResult, Raised, Value, Zval};

static STREAM: ClassSlot = ClassSlot::new();

#[derive(Default)]
struct Payload {
    stream: RefCell<Option<Rc<ServerStream>>>,
}
swoosh_zend::payload!(Payload);

pub(super) fn register() {
    ClassBuilder::new("Swoosh\\Http2\\ServerStream")
        .is_final()
        .payload::<Payload>()
        .property("streamId", Value::Int(0))
        .property("method", Value::Text(""))
        .property("path", Value::Text(""))
        .property("authority", Value::Text(""))
        .property("headers", Value::Null)
        .property("errCode", Value::Int(0))
        .property("resetCode", Value::Null)
        .method("recv(float $timeout = -1): string|false", recv)
        .method("sendHead(int $status, array $headers = [], bool $end = false): bool", send_head)
        .method("write(string $data, float $timeout = -1): bool", write)
        .method("end(array $trailers = []): bool", end)
        .method("isOpen(): bool", |call: &mut Call<'_>| Ok(stream(call)?.is_open()))
        .method("reset(int $error_code = SWOOLE_HTTP2_ERROR_CANCEL): bool", reset)
        .register(&STREAM);
}

/// The object of a stream.
pub(super) fn object(stream: ServerStream) -> PhpResult<Object> {
    let object = Object::new(STREAM.get())?;
    object.set_slot(STREAM_ID, i64::from(stream.id()));
    stream.with_head(|head, fields| {
        let mut headers = Array::new();
        for field in fields {
            match field.name {
                b"host" => object.set_slot(AUTHORITY, field.value),
                // That of the message that the head is read from.
                b"transfer-encoding" => {}
                name => add_header(&mut headers, name, field.value),
            }
        }
        object.set_slot(METHOD, head.method);
        object.set_slot(PATH, head.target);
        object.set_slot(HEADERS, headers);
    });
    if let Some(payload) = object.payload::<Payload>() {
        *payload.stream.borrow_mut() = Some(Rc::new(stream));
    }
    Ok(object)
}

fn stream(call: &Call<'_>) -> PhpResult<Rc<ServerStream>> {
    let stream = call.payload::<Payload>().stream.borrow().clone();
    stream.ok_or_else(|| throw_error("streams are made by ServerConnection::accept()"))
}

/// A part of the request's body; an empty string at its end.
fn recv(call: &mut Call<'_>) -> PhpResult<Zval> {
    let limit = wait::limit(call.float_or(0, -1.0)?);
    Ok(match stream(call)?.recv(limit)? {
        Ok(Received::Data(data)) => (&data[..]).into_zval(),
        Ok(Received::End) => "".into_zval(),
        Err(error) => fail(call, error).into_zval(),
    })
}

fn send_head(call: &mut Call<'_>) -> PhpResult<bool> {
    let (status, ends) = (call.int(0)?, call.bool_or(2, false)?);
    let none = Array::new();
    let fields = fields(if call.has(1) { call.array(1)? } else { &none })?;
    let Some(status) = u16::try_from(status).ok().filter(|status| (100..1000).contains(status)) else {
        return Err(throw_error("the status is not one of HTTP"));
    };
    Ok(match stream(call)?.send_head(status, &fields, ends) {
        Ok(()) => true,
        Err(error) => fail(call, error),
    })
}

fn write(call: &mut Call<'_>) -> PhpResult<bool> {
    let (data, limit) = (call.string(0)?.clone(), wait::limit(call.float_or(1, -1.0)?));
    Ok(match stream(call)?.send(data.as_bytes(), limit)? {
        Ok(()) => true,
        Err(error) => fail(call, error),
    })
}

fn end(call: &mut Call<'_>) -> PhpResult<bool> {
    let none = Array::new();
    let trailers = fields(if call.has(0) { call.array(0)? } else { &none })?;
    Ok(match stream(call)?.end(&trailers)? {
        Ok(()) => true,
        Err(error) => fail(call, error),
    })
}

fn reset(call: &mut Call<'_>) -> PhpResult<bool> {
    let code = u32::try_from(call.int_or(0, CANCEL)?).unwrap_or(CANCEL as u32);
    Ok(stream(call)?.reset(code))
}

/// Header fields of an array; values are strings or lists of strings.
fn fields(given: &Array) -> PhpResult<Fields> {
    let mut fields = Fields::new();
    for (key, value) in given {
        let name = match key {
            Key::Name(name) => name.as_bytes().to_ascii_lowercase(),
            Key::Index(index) => index.to_string().into_bytes(),
        };
        let mut append = |value: &Zval| {
            let text = value.dereferenced().to_zstr().ok_or(Raised::Exception)?;
            if HeaderName::from_bytes(&name).is_err() || HeaderValue::from_bytes(text.as_bytes()).is_err() {
                let name = String::from_utf8_lossy(&name);
                return Err(throw_error(&format!("the header field {name:?} contains invalid characters")));
            }
            fields.push((name.clone(), text.as_bytes().to_vec()));
            Ok(())
        };
        match value.dereferenced().array() {
            Some(list) => list.iter().try_for_each(|(_, value)| append(value))?,
            None => append(value)?,
        }
    }
    Ok(fields)
}

/// Sets the error properties.
#[cold]
fn fail(call: &Call<'_>, error: StreamError) -> bool {
    let (code, reset) = match error {
        StreamError::TimedOut => (libc::ETIMEDOUT, None),
        StreamError::Cancelled => (libc::ECANCELED, None),
        StreamError::Reset(code) => (libc::ECONNRESET, Some(i64::from(code))),
        StreamError::Misuse => (libc::EINVAL, None),
    };
    last_error::set(code);
    if let Some(this) = call.this() {
        this.set_slot(ERR_CODE, code);
        this.set_slot(RESET_CODE, reset.map_or_else(Zval::null, IntoZval::into_zval));
    }
    false
}

const STREAM_ID: usize = 0;
const METHOD: usize = 1;
const PATH: usize = 2;
const AUTHORITY: usize = 3;
const HEADERS: usize = 4;
const ERR_CODE: usize = 5;
const RESET_CODE: usize = 6;
/// RFC 9113 section 7.
const CANCEL: i64 = 8;
