//! `Swoole\NameResolver`: service discovery. Implementations are in `services`.

pub mod cluster;

mod registry;
mod services;

use crate::coroutine::service_resolvers::RESOLVER;
use registry::{EXCEPTION, check_answer, check_url, prepare};
use swoosh_zend::{Call, Callable, Class, ClassBuilder, IntoZval, PhpResult, Value, Zval};

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

/// Body of abstract methods, never called.
fn not_there(_: &mut Call<'_>) -> PhpResult<()> {
    Ok(())
}

/// The cluster of a name; `null` if the filter rejects it or the name is unknown.
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

const FILTER: usize = 0;
