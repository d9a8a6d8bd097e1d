//! `swoole_name_resolver_*()`: the list of registered name resolvers.

use crate::api::name_resolver::cluster::Context;
use crate::coroutine::{dns, service_resolvers, wait};
use swoosh_zend::module::Functions;
use swoosh_zend::{Call, Object, PhpResult, Zval};

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_name_resolver_add(Swoole\\NameResolver $ns): bool", |call: &mut Call<'_>| {
            let given = object(call, 0);
            given.iter().for_each(service_resolvers::add);
            Ok(given.is_some())
        })
        .add("swoole_name_resolver_remove(Swoole\\NameResolver $ns): bool", |call: &mut Call<'_>| {
            Ok(object(call, 0).is_some_and(|resolver| service_resolvers::remove(&resolver)))
        })
        .add("swoole_name_resolver_lookup(string $name, Swoole\\NameResolver\\Context $ctx): string", lookup);
}

fn object(call: &Call<'_>, n: usize) -> Option<Object> {
    call.arg(n).and_then(Zval::object).cloned()
}

/// The address of a name by the resolvers, else by DNS; empty if unknown.
fn lookup(call: &mut Call<'_>) -> PhpResult<String> {
    let name = call.text(0)?.into_owned();
    let Some(given) = object(call, 1) else { return Ok(String::new()) };
    let Some(context) = given.payload::<Context>() else { return Ok(String::new()) };
    if service_resolvers::is_address(&name) {
        return Ok(name);
    }
    if let Some(known) = context.next(&name)? {
        return Ok(known);
    }
    let family = if context.is_six() { libc::AF_INET6 } else { libc::AF_INET };
    let found = wait::run_in_coroutine(move || dns::address(&name, i64::from(family), None))?;
    Ok(found.map(|ip| ip.to_string()).unwrap_or_default())
}
