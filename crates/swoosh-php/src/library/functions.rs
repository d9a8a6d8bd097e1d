//! The library's functions. They exist from the start; the PHP code that they run is loaded on first use.

use super::call::run;
use super::{curl, state_leaks};
use crate::coroutine::setting_values::{Finding, findings};
use swoosh::config::Target;
use swoosh_zend::module::Functions;
use swoosh_zend::{Array, Call, IntoZval, PhpResult, Zval, call_function};

/// Adds the functions of the library.
pub(crate) fn add(functions: &mut Functions) {
    curl::add(functions);
    state_leaks::add(functions);
    functions
        .add("Swoole\\Internal\\check_settings(string $of, array $settings): array", check_settings)
        .add("_array(array $array = []): Swoole\\ArrayObject", array)
        .add("swoole_array(array $array = []): Swoole\\ArrayObject", array)
        .add("swoole_array_list(mixed ...$arrray): Swoole\\ArrayObject", |call: &mut Call<'_>| {
            let items: Array = call.rest(0).iter().cloned().collect();
            run("Swoole\\ArrayObject::from", vec![items.into_zval()])
        })
        .add("swoole_array_default_value(array $array, mixed $key, mixed $default_value = null): mixed", default_value)
        .add("_string(string $string = ''): Swoole\\StringObject", string)
        .add("swoole_string(string $string = ''): Swoole\\StringObject", string)
        .add("_mbstring(string $string = ''): Swoole\\MultibyteStringObject", multibyte)
        .add("swoole_mbstring(string $string = ''): Swoole\\MultibyteStringObject", multibyte)
        .add("swoole_library_set_options(array $options): void", |call: &mut Call<'_>| {
            call.array(0)?;
            forward(call, "swoole_library_set_options")
        })
        .add("swoole_library_get_options(): array", |call: &mut Call<'_>| forward(call, "swoole_library_get_options"))
        .add("swoole_library_set_option(string $key, mixed $value): void", |call: &mut Call<'_>| {
            call.string(0)?;
            forward(call, "swoole_library_set_option")
        })
        .add("swoole_library_get_option(string $key): mixed", |call: &mut Call<'_>| {
            call.string(0)?;
            forward(call, "swoole_library_get_option")
        })
        .add("swoole_get_default_remote_object_client(): Swoole\\RemoteObject\\Client", |call: &mut Call<'_>| {
            forward(call, "swoole_get_default_remote_object_client")
        })
        .add("swoole_get_default_remote_object_server_dir(): string", |call: &mut Call<'_>| {
            forward(call, "swoole_get_default_remote_object_server_dir")
        })
        .add("swoole_init_default_remote_object_server(): void", |call: &mut Call<'_>| {
            forward(call, "swoole_init_default_remote_object_server")
        })
        .add(
            "swoole_mail(string $to, string $subject, string $message, array $headers = []): bool",
            |call: &mut Call<'_>| forward(call, "swoole_mail"),
        )
        .add(
            "swoole_real_getmxrr(string $hostname, ?array $hosts = null, ?array $weights = null): array",
            |call: &mut Call<'_>| forward(call, "swoole_real_getmxrr"),
        )
        .add("swoole_async_readfile(string $filename, callable $callback): bool", |call: &mut Call<'_>| {
            forward(call, "swoole_async_readfile")
        })
        .add(
            "swoole_async_writefile(string $filename, string $content, ?callable $callback = null, int $flags = 0): bool",
            |call: &mut Call<'_>| forward(call, "swoole_async_writefile"),
        )
        .add(
            "swoole_async_read(string $filename, callable $callback, int $trunk_size = 8192, int $offset = 0): bool",
            |call: &mut Call<'_>| forward(call, "swoole_async_read"),
        )
        .add(
            "swoole_async_write(string $filename, string $content, int $offset = -1, ?callable $callback = null): bool",
            |call: &mut Call<'_>| forward(call, "swoole_async_write"),
        )
        .add("swoole_async_dns_lookup(string $hostname, callable $callback): bool", |call: &mut Call<'_>| {
            forward(call, "swoole_async_dns_lookup")
        });
}

/// The findings about settings: texts of unknown ones, and of the values that are refused.
fn check_settings(call: &mut Call<'_>) -> PhpResult<Array> {
    let of = match call.bytes(0)? {
        b"client" => Target::GrpcClient,
        b"service" => Target::GrpcService,
        _ => Target::GrpcServer,
    };
    let (mut unknown, mut refused) = (Array::new(), Array::new());
    for finding in findings(of, call.array(1)?) {
        match finding {
            Finding::Unknown { text, .. } => unknown.push(text),
            Finding::Refused(_, text) => refused.push(text),
        }
    }
    let mut all = Array::new();
    all.push(unknown);
    all.push(refused);
    Ok(all)
}

/// Runs the PHP function of that name with the arguments of the call.
fn forward(call: &Call<'_>, name: &str) -> PhpResult<Zval> {
    run(&format!("Swoole\\Internal\\Functions::{name}"), call.rest(0).to_vec())
}

fn array(call: &mut Call<'_>) -> PhpResult<Zval> {
    if call.count() > 0 {
        call.array(0)?;
    }
    run("Swoole\\ArrayObject::from", call.rest(0).to_vec())
}

fn string(call: &mut Call<'_>) -> PhpResult<Zval> {
    call.bytes_or(0, b"")?;
    run("Swoole\\StringObject::from", call.rest(0).to_vec())
}

fn multibyte(call: &mut Call<'_>) -> PhpResult<Zval> {
    call.bytes_or(0, b"")?;
    run("Swoole\\MultibyteStringObject::from", call.rest(0).to_vec())
}

/// The element, `null` included, or the default.
fn default_value(call: &mut Call<'_>) -> PhpResult<Zval> {
    let array = call.array(0)?;
    let key = call.arg(1).cloned().unwrap_or(Zval::null());
    let exists = call_function("array_key_exists", &mut [key.clone(), array.clone().into_zval()])?;
    if !exists.is_some_and(|exists| exists.to_bool()) {
        return Ok(call.arg(2).cloned().unwrap_or(Zval::null()));
    }
    // PHP's own rules for keys: the only element of the column is the value.
    let mut rows = Array::new();
    rows.push(array.clone());
    let column = call_function("array_column", &mut [rows.into_zval(), key])?;
    Ok(column.and_then(|column| column.array()?.at(0).cloned()).unwrap_or(Zval::null()))
}
