//! `swoole_curl_*`: the methods of `Swoole\Curl\Handler` as functions.

use super::call::run;
use swoosh_zend::error::argument_type_error;
use swoosh_zend::module::Functions;
use swoosh_zend::{Call, Class, IntoZval, Object, PhpResult, Zval};

/// Adds the functions.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_curl_init(string $url = ''): Swoole\\Curl\\Handler", |call: &mut Call<'_>| {
            call.bytes_or(0, b"")?;
            run("Swoole\\Internal\\Functions::swoole_curl_init", call.rest(0).to_vec())
        })
        .add("swoole_curl_setopt(Swoole\\Curl\\Handler $obj, int $opt, mixed $value): bool", |call: &mut Call<'_>| {
            call.int(1)?;
            method(call, "setOpt")
        })
        .add("swoole_curl_setopt_array(Swoole\\Curl\\Handler $obj, array $array): bool", |call: &mut Call<'_>| {
            for (option, value) in call.array(1)? {
                let swoosh_zend::Key::Index(option) = option else { continue };
                let mut arguments = [option.into_zval(), value.clone()];
                if !handler(call)?.call_method("setOpt", &mut arguments)?.to_bool() {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .add("swoole_curl_exec(Swoole\\Curl\\Handler $obj): string|bool", |call: &mut Call<'_>| method(call, "exec"))
        .add("swoole_curl_getinfo(Swoole\\Curl\\Handler $obj, int $opt = 0): mixed", |call: &mut Call<'_>| {
            run("Swoole\\Internal\\Functions::swoole_curl_getinfo", call.rest(0).to_vec())
        })
        .add("swoole_curl_errno(Swoole\\Curl\\Handler $obj): int", |call: &mut Call<'_>| method(call, "errno"))
        .add("swoole_curl_error(Swoole\\Curl\\Handler $obj): string", |call: &mut Call<'_>| method(call, "error"))
        .add("swoole_curl_reset(Swoole\\Curl\\Handler $obj): void", |call: &mut Call<'_>| {
            method(call, "reset").map(drop)
        })
        .add("swoole_curl_close(Swoole\\Curl\\Handler $obj): void", |call: &mut Call<'_>| {
            method(call, "close").map(drop)
        })
        .add("swoole_curl_multi_getcontent(Swoole\\Curl\\Handler $obj): ?string", |call: &mut Call<'_>| {
            method(call, "getContent")
        });
}

fn handler<'a>(call: &Call<'a>) -> PhpResult<&'a Object> {
    let object = call.arg(0).and_then(Zval::object);
    object
        .filter(|object| Class::named("Swoole\\Curl\\Handler").is_some_and(|class| object.class().is_a(class)))
        .ok_or_else(|| argument_type_error(1, "must be of type Swoole\\Curl\\Handler"))
}

/// Calls a method of the handler with the other arguments.
fn method(call: &Call<'_>, name: &str) -> PhpResult<Zval> {
    handler(call)?.call_method(name, &mut call.rest(1).to_vec())
}
