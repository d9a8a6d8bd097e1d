//! `Swoole\NameResolver`: who knows where services are. Its kinds are in [`services`].

pub mod cluster;
mod services;

use crate::coroutine::service_resolvers::RESOLVER;
use swoosh_zend::error::throw;
use swoosh_zend::{
    Call, Callable, Class, ClassBuilder, ClassSlot, IntoZval, Object, PhpResult, Raised, Value, Zval, call_function,
};

static EXCEPTION: ClassSlot = ClassSlot::new();

/// Registers the classes. The order of properties is the order of slots below.
pub fn register() {
    ClassBuilder::new("Swoole\\NameResolver\\Exception").extends(Class::runtime_exception()).register(&EXCEPTION);
    cluster::register();
    let resolver = ClassBuilder::new("Swoole\\NameResolver")
        .is_abstract()
        .private_property("filter", Value::Null)
        .protected_property("baseUrl", Value::Null)
        .protected_property("info", Value::Null)
        .protected_property("prefix", Value::Null)
        .method("__construct(string $url, $prefix = 'swoole_service_')", construct)
        .method("abstract join(string $name, string $ip, int $port, array $options = []): bool", not_there)
        .method("abstract leave(string $name, string $ip, int $port): bool", not_there)
        .method("abstract getCluster(string $name): ?Swoole\\NameResolver\\Cluster", not_there)
        .method("withFilter(callable $fn): self", |call: &mut Call<'_>| {
            drop(call.callable(0)?);
            let Some(this) = call.this() else { return Ok(None) };
            this.set_slot(FILTER, call.arg(0).cloned().unwrap_or_else(Zval::null));
            Ok(Some(this.clone()))
        })
        .method("getFilter()", |call: &mut Call<'_>| Ok(call.this().map(|this| this.slot(FILTER).clone())))
        .method("hasFilter(): bool", |call: &mut Call<'_>| Ok(call.this().is_some_and(|t| !t.slot(FILTER).is_null())))
        .method("lookup(string $name)", lookup)
        .method("protected checkServerUrl(string $url)", |call: &mut Call<'_>| {
            let url = call.string(0)?.clone();
            call.this().map_or(Ok(()), |this| check_url(this, url.as_bytes()))
        })
        .method(
            "protected checkResponse(Swoole\\Coroutine\\Http\\ClientProxy $response): bool",
            |call: &mut Call<'_>| {
                call.arg(0).and_then(Zval::object).map_or(Ok(false), |answer| check_answer(answer).map(|()| true))
            },
        )
        .register(&RESOLVER);
    services::register(resolver);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    prepare(call, "swoole_service_")
}

/// Takes the two arguments of a constructor.
fn prepare(call: &mut Call<'_>, prefix: &str) -> PhpResult<()> {
    let url = call.string(0)?.clone();
    let prefix = call.arg(1).cloned().unwrap_or_else(|| prefix.into_zval());
    let Some(this) = call.this() else { return Ok(()) };
    this.set_slot(PREFIX, prefix);
    check_url(this, url.as_bytes())
}

/// What of an abstract method is never called.
fn not_there(_: &mut Call<'_>) -> PhpResult<()> {
    Ok(())
}

/// What this one knows of a name: `null` if its filter does not want it, or nothing is known.
fn lookup(call: &mut Call<'_>) -> PhpResult<Zval> {
    let name = call.string(0)?.clone();
    let Some(this) = call.this().cloned() else { return Ok(Zval::null()) };
    let filter = this.slot(FILTER).clone();
    if !filter.is_null()
        && let Ok(filter) = Callable::new(&filter)
        && !filter.call(&mut [name.clone().into_zval()])?.to_bool()
    {
        return Ok(Zval::null());
    }
    this.call_method("getCluster", &mut [name.into_zval()])
}

/// Takes an address of a registry apart.
fn check_url(this: &Object, url: &[u8]) -> PhpResult<()> {
    let parts = call_function("parse_url", &mut [url.into_zval()])?.unwrap_or(Zval::null());
    let text = |name: &str| {
        let part = parts.array().and_then(|parts| parts.get(name)).and_then(Zval::to_zstr);
        part.map(|part| part.to_text().into_owned())
    };
    let (Some(scheme), Some(host)) = (text("scheme"), text("host")) else {
        let url = String::from_utf8_lossy(url);
        return Err(refuse(&format!("the address of a registry has a scheme and a host, unlike {url:?}")));
    };
    let port = text("port").map(|port| format!(":{port}")).unwrap_or_default();
    let path = text("path").map(|path| path.trim_end_matches('/').to_owned()).unwrap_or_default();
    this.set_slot(BASE_URL, format!("{scheme}://{host}{port}{path}"));
    this.set_slot(INFO, parts);
    Ok(())
}

/// An answer that is no success is an exception.
fn check_answer(answer: &Object) -> PhpResult<()> {
    let status = answer.call_method("getStatusCode", &mut [])?.to_int();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let body = answer.call_method("getBody", &mut [])?;
    let body = body.bytes().map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    Err(throw(EXCEPTION.get(), &format!("the registry answered {status}: {body}"), status))
}

/// A `Swoole\NameResolver\Exception`.
fn refuse(why: &str) -> Raised {
    throw(EXCEPTION.get(), why, 0)
}

const FILTER: usize = 0;
const BASE_URL: usize = 1;
const INFO: usize = 2;
const PREFIX: usize = 3;
