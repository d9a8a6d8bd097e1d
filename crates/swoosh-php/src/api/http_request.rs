//! `Swoole\Http\Request`.

use crate::runtime::last_error;
use crate::server::http::field_names;
use crate::server::http::request::{HEADER, REQUEST, RequestData, SERVER};
use crate::server::http::server_fields::SERVER_KEYS;
use crate::server::http::settings::HttpSettings;
use swoosh::proto::http1::is_method;
use swoosh::proto::http1::request::reassemble;
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
    if let Some(stored) = data.stored_body() {
        let body = ZStr::filled(stored.len() as usize, |bytes| stored.read_exact_at(0, bytes));
        return Ok(OrFalse(body.map_err(|e| last_error::warn_misuse(&e.to_string())).ok()));
    }
    let body = data.with_body(|body| ZStr::new(body));
    Ok(OrFalse(body.or_else(|| data.is_parsed_by_user().then(|| ZStr::new("")))))
}

fn data(call: &mut Call<'_>) -> PhpResult<OrFalse<ZStr>> {
    let data = call.payload::<RequestData>();
    if let Some(stored) = data.stored_body() {
        let body = stored.read(0..stored.len()).map_err(|e| last_error::warn_misuse(&e.to_string()));
        let whole = body.map(|body| data.with_bytes(|head| ZStr::new(reassemble(head, body))));
        return Ok(OrFalse(whole.ok()));
    }
    let known = data.is_complete() || data.is_parsed_by_user();
    Ok(OrFalse(known.then(|| data.with_bytes(|bytes| ZStr::new(bytes)))))
}

fn method(call: &mut Call<'_>) -> PhpResult<OrFalse<Zval>> {
    let server = call.this().map(|this| this.lazy_slot::<RequestData>(SERVER).clone());
    if let Some(method) = server.as_ref().and_then(Zval::array).and_then(|all| all.get("request_method")) {
        return Ok(OrFalse(Some(method.clone())));
    }
    let data = call.payload::<RequestData>();
    if !data.is_parsed_by_user() {
        return Ok(OrFalse(None));
    }
    // The request is incomplete. Before its method has arrived, Swoole reports DELETE.
    Ok(OrFalse(Some(data.with_bytes(|bytes| {
        let end = bytes.iter().position(|byte| *byte == b' ');
        let token = end.and_then(|end| std::str::from_utf8(&bytes[..end]).ok());
        token.filter(|token| is_method(token)).unwrap_or("DELETE").into_zval()
    }))))
}

fn is_completed(call: &mut Call<'_>) -> PhpResult<bool> {
    Ok(call.payload::<RequestData>().is_complete())
}

fn create(call: &mut Call<'_>) -> PhpResult<Object> {
    let object = Object::new(REQUEST.get())?;
    object.set_slot(HEADER, Array::new());
    object.set_slot(SERVER, Array::new());
    let mut settings = HttpSettings::default();
    if let Some(options) = call.arg(0).and_then(Zval::array) {
        let is_on = |name: &str| options.get(name).is_none_or(Zval::to_bool);
        settings.parse_cookie = is_on("parse_cookie");
        settings.parse_post = is_on("parse_body");
    }
    if let Some(data) = object.payload::<RequestData>() {
        data.begin_parsing(settings);
    }
    Ok(object)
}

/// Parses more bytes of a request. Returns how many belong to it.
fn parse(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let bytes = call.bytes(0)?;
    let data = call.payload::<RequestData>();
    Ok(OrFalse(call.this().and_then(|this| data.parse(this, bytes))))
}
