//! `Swoole\Coroutine\Http\request()`, `get()` and `post()`, and their result `ClientProxy`.

use crate::api::http_client::{CLIENT_EXCEPTION, HTTP_CLIENT};
use swoosh_zend::error::throw;
use swoosh_zend::module::Functions;
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, IntoZval, Object, PhpResult, Value, Zval, call_function};

static PROXY: ClassSlot = ClassSlot::new();

/// Registers the class of what the functions give.
pub fn register() {
    ClassBuilder::new("Swoole\\Coroutine\\Http\\ClientProxy")
        .private_property("body", Value::Text(""))
        .private_property("statusCode", Value::Int(0))
        .private_property("headers", Value::Null)
        .private_property("cookies", Value::Null)
        .method(
            "__construct(string $body, int $statusCode, ?array $headers, ?array $cookies)",
            |call: &mut Call<'_>| {
                let (body, status) = (call.string(0)?.clone(), call.int(1)?);
                let Some(this) = call.this() else { return Ok(()) };
                this.set_slot(BODY, body);
                this.set_slot(STATUS, status);
                for (n, slot) in [(2, HEADERS), (3, COOKIES)] {
                    this.set_slot(slot, call.arg(n).cloned().unwrap_or_else(Zval::null));
                }
                Ok(())
            },
        )
        .method("getBody(): string", |call: &mut Call<'_>| Ok(slot(call, BODY)))
        .method("getStatusCode(): int", |call: &mut Call<'_>| Ok(slot(call, STATUS)))
        .method("getHeaders(): array", |call: &mut Call<'_>| Ok(list(call, HEADERS)))
        .method("getCookies(): array", |call: &mut Call<'_>| Ok(list(call, COOKIES)))
        .register(&PROXY);
}

fn slot(call: &Call<'_>, slot: usize) -> Zval {
    call.this().map_or_else(Zval::null, |this| this.slot(slot).clone())
}

fn list(call: &Call<'_>, slot: usize) -> Array {
    call.this().and_then(|this| this.slot(slot).array().cloned()).unwrap_or_default()
}

/// Adds the functions of this file.
pub fn add(functions: &mut Functions) {
    const MORE: &str = "?array $options = null, ?array $headers = null, ?array $cookies = null)";
    for name in ["request", "request_with_http_client", "request_with_curl", "request_with_stream"] {
        let signature = format!(
            "Swoole\\Coroutine\\Http\\{name}(string $url, string $method, mixed $data = null, {MORE}: Swoole\\Coroutine\\Http\\ClientProxy"
        );
        functions.add(&signature, |call: &mut Call<'_>| {
            let (method, data) = (call.bytes(1)?.to_vec(), call.arg(2).cloned().unwrap_or_else(Zval::null));
            request(call, &method, data, 3)
        });
    }
    let post =
        format!("Swoole\\Coroutine\\Http\\post(string $url, mixed $data, {MORE}: Swoole\\Coroutine\\Http\\ClientProxy");
    functions.add(&post, |call: &mut Call<'_>| {
        let data = call.arg(1).cloned().unwrap_or_else(Zval::null);
        request(call, b"POST", data, 2)
    });
    let get = format!("Swoole\\Coroutine\\Http\\get(string $url, {MORE}: Swoole\\Coroutine\\Http\\ClientProxy");
    functions.add(&get, |call: &mut Call<'_>| request(call, b"GET", Zval::null(), 1));
}

/// Sends a request and returns its response; options, headers and cookies are the arguments from `at` on.
fn request(call: &mut Call<'_>, method: &[u8], data: Zval, at: usize) -> PhpResult<Object> {
    let more = ["set", "setHeaders", "setCookies"].into_iter().enumerate();
    let given = more.filter_map(|(n, method)| Some((method, call.arg(at + n)?.clone())));
    let given: Vec<(&str, Zval)> =
        given.filter(|(_, given)| given.array().is_some_and(|all| !all.is_empty())).collect();
    let url = call.string(0)?.clone();
    fetch(url.as_bytes(), method, data, &given)
}

/// Sends one request by a client on which these methods were called before: a `ClientProxy`.
pub fn fetch(url: &[u8], method: &[u8], data: Zval, settings: &[(&str, Zval)]) -> PhpResult<Object> {
    let refuse = |why: &str, code: i64| throw(CLIENT_EXCEPTION.get(), why, code);
    let parts = call_function("parse_url", &mut [url.into_zval()])?.unwrap_or(Zval::null());
    let text = |name: &str| parts.array().and_then(|p| p.get(name)).and_then(Zval::bytes).map(<[u8]>::to_vec);
    let secure = match text("scheme").unwrap_or_default().to_ascii_lowercase().as_slice() {
        b"http" => false,
        b"https" => true,
        _ => return Err(refuse("the URL must begin with http:// or https://", INVALID_PARAMS)),
    };
    let host = text("host").ok_or_else(|| refuse("the URL has no host", INVALID_PARAMS))?;
    let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(&host);
    let port = parts.array().and_then(|p| p.get("port")).map_or(0, Zval::to_int);
    let mut target = text("path").unwrap_or_else(|| b"/".to_vec());
    if let Some(query) = text("query") {
        target.push(b'?');
        target.extend_from_slice(&query);
    }
    let client = Object::new(HTTP_CLIENT.get())?;
    client.construct(&mut [host.into_zval(), port.into_zval(), secure.into_zval()])?;
    for (method, given) in settings {
        client.call_method(method, &mut [given.clone()])?;
    }
    if !data.is_null() {
        client.call_method("setData", &mut [data])?;
    }
    client.call_method("setMethod", &mut [method.into_zval()])?;
    if !client.call_method("execute", &mut [target.into_zval()])?.to_bool() {
        let why = client.get("errMsg").to_zstr().map(|text| text.to_text().into_owned()).unwrap_or_default();
        return Err(refuse(&why, client.get("errCode").to_int()));
    }
    let answer = Object::new(PROXY.get())?;
    answer.construct(&mut ["body", "statusCode", "headers", "cookies"].map(|name| client.get(name)))?;
    Ok(answer)
}

const BODY: usize = 0;
const STATUS: usize = 1;
const HEADERS: usize = 2;
const COOKIES: usize = 3;
/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i64 = 505;
