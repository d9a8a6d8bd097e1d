//! `Swoole\Http\Request`.

use crate::runtime::last_error;
use crate::server::http::field_names;
use crate::server::http::request::{HEADER, REQUEST, RequestData, SERVER, SERVER_KEYS, fill, server_fields};
use crate::server::http::settings::HttpSettings;
use swoosh::proto::framing::FrameStatus;
use swoosh::proto::http1::is_method;
use swoosh::proto::http1::request::{Request, field_buffer, reassemble};
use swoosh::proto::http1::request_framer::Framer;
use swoosh_zend::{Array, Call, ClassBuilder, IntoZval, Object, OrFalse, PhpResult, Value, ZStr, Zval};

/// Registers the class. The order of properties is the order of slots in `server::http::request`.
pub fn register() {
    SERVER_KEYS.iter().for_each(|key| key.make());
    field_names::make();
    ClassBuilder::new("Swoole\\Http\\Request")
        .alias("swoole_http_request")
        .payload::<RequestData>()
        .allow_dynamic()
        .property("fd", Value::Int(0))
        .property("streamId", Value::Int(0))
        .property("header", Value::Null)
        .property("server", Value::Null)
        .property("cookie", Value::Null)
        .property("get", Value::Null)
        .property("files", Value::Null)
        .property("post", Value::Null)
        .property("tmpfiles", Value::Null)
        .method("getContent(): string|false", content)
        .method("rawContent(): string|false", content)
        .method("getData(): string|false", data)
        .method("static create(array $options = []): Swoole\\Http\\Request", create)
        .method("parse(string $data): int|false", parse)
        .method("isCompleted(): bool", is_completed)
        .method("getMethod(): string|false", method)
        .register(&REQUEST);
}

fn content(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let data = call.payload::<RequestData>();
    let stored = data.stored.borrow().clone();
    if let Some(stored) = stored {
        let body = ZStr::filled(stored.len() as usize, |bytes| stored.read_exact_at(0, bytes));
        return Ok(OrFalse(body.map_err(|e| last_error::warn_misuse(&e.to_string())).ok()));
    }
    if let Some(body) = &*data.body.borrow() {
        return Ok(OrFalse(Some(ZStr::new(body))));
    }
    let raw = data.raw.borrow();
    Ok(OrFalse(match data.request_length.get() {
        Some(whole) => Some(ZStr::new(&raw[data.head_length.get()..whole])),
        None => data.framer.borrow().is_some().then(|| ZStr::new("")),
    }))
}

fn data(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let data = call.payload::<RequestData>();
    let stored = data.stored.borrow().clone();
    if let Some(stored) = stored {
        let body = stored.read(0..stored.len()).map_err(|e| last_error::warn_misuse(&e.to_string()));
        return Ok(OrFalse(body.ok().map(|body| ZStr::new(reassemble(&data.raw.borrow(), body)))));
    }
    let known = data.request_length.get().is_some() || data.framer.borrow().is_some();
    Ok(OrFalse(known.then(|| ZStr::new(&**data.raw.borrow()))))
}

fn method(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let server = call.this().map(|this| this.lazy_slot::<RequestData>(SERVER).clone());
    if let Some(method) = server.as_ref().and_then(Zval::array).and_then(|all| all.get("request_method")) {
        return Ok(OrFalse(Some(method.clone())));
    }
    let data = call.payload::<RequestData>();
    if data.framer.borrow().is_none() {
        return Ok(OrFalse(None));
    }
    // The request is incomplete. Before its method has arrived, Swoole reports DELETE.
    let raw = data.raw.borrow();
    let token = raw.iter().position(|byte| *byte == b' ').and_then(|end| std::str::from_utf8(&raw[..end]).ok());
    Ok(OrFalse(Some(token.filter(|token| is_method(token)).unwrap_or("DELETE").into_zval())))
}

fn is_completed(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(call.payload::<RequestData>().request_length.get().is_some())
}

fn create(call: &mut Call<'_>) -> PhpResult<Object> {
    let object = Object::new(REQUEST.get())?;
    object.set_slot(HEADER, Array::new());
    object.set_slot(SERVER, Array::new());
    let mut config = HttpSettings::default();
    if let Some(options) = call.arg(0).and_then(Zval::array) {
        let is_on = |name: &str| options.get(name).is_none_or(Zval::to_bool);
        config.parse_cookie = is_on("parse_cookie");
        config.parse_post = is_on("parse_body");
    }
    if let Some(data) = object.payload::<RequestData>() {
        *data.framer.borrow_mut() = Some(Framer::default());
        *data.options.borrow_mut() = Some(config);
    }
    Ok(object)
}

/// Parses more bytes of a request. Returns how many belong to it.
fn parse(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let bytes = call.bytes(0)?;
    let data = call.payload::<RequestData>();
    let Some(this) = call.this() else { return Ok(OrFalse(None)) };
    if data.request_length.get().is_some() || data.framer.borrow().is_none() {
        return Ok(OrFalse(None));
    }
    let before = data.raw.borrow().len();
    data.raw.borrow_mut().extend(bytes);
    let cut = match &mut *data.framer.borrow_mut() {
        Some(framer) => framer.next(MAX_REQUEST, &data.raw.borrow()),
        None => return Ok(OrFalse(None)),
    };
    match cut {
        Ok(FrameStatus::Complete(length)) => {
            data.request_length.set(Some(length));
            let raw = &*data.raw.borrow();
            let mut fields = field_buffer();
            if let Some((request, headers)) = Request::parse(&raw[..length], &mut fields) {
                this.set_slot(SERVER, server_fields(request.line(), swoosh::clock::now_seconds(), false));
                let config = data.options.borrow_mut().take().unwrap_or_default();
                let filled = fill(this, data, &config, &request, headers);
                if filled.is_err() {
                    return Ok(OrFalse(None));
                }
            }
            Ok(OrFalse(Some(length.saturating_sub(before))))
        }
        Ok(FrameStatus::Incomplete(_)) => Ok(OrFalse(Some(bytes.len()))),
        Err(_) => Ok(OrFalse(Some(0))),
    }
}

/// The longest request that `parse` takes.
const MAX_REQUEST: u64 = 1 << 31;
