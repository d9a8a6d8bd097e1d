//! `Swoole\Client` and `Swoole\Async\Client`. One payload serves both, because the methods of the one are inherited by the
//! other.

mod async_run;
mod async_state;
mod asynchronous;
mod connection;
mod data;
mod idle;
mod settings;
mod synchronous;
mod transfer;

use super::exception::{EXCEPTION, constructed};
use data::Payload;
use swoosh_zend::{Call, ClassBuilder, ClassSlot, Value};

static CLIENT: ClassSlot = ClassSlot::new();
static ASYNC_CLIENT: ClassSlot = ClassSlot::new();
static OLD_CLIENT: ClassSlot = ClassSlot::new();
static CLIENT_EXCEPTION: ClassSlot = ClassSlot::new();

/// Registers the classes.
pub fn register() {
    ClassBuilder::new("Swoole\\Client\\Exception").extends(EXCEPTION.get()).register(&CLIENT_EXCEPTION);
    let client = ClassBuilder::new("Swoole\\Client")
        .payload::<Payload>()
        .constant("MSG_OOB", Value::Int(1))
        .constant("MSG_PEEK", Value::Int(2))
        .constant("MSG_DONTWAIT", Value::Int(64))
        .constant("MSG_WAITALL", Value::Int(256))
        .constant("SHUT_RDWR", Value::Int(2))
        .constant("SHUT_RD", Value::Int(0))
        .constant("SHUT_WR", Value::Int(1))
        .property("errCode", Value::Int(0))
        .property("sock", Value::Int(-1))
        .property("reuse", Value::Bool(false))
        .property("reuseCount", Value::Int(0))
        .property("type", Value::Int(0))
        .property("id", Value::Null)
        .property("setting", Value::Null)
        .method("__construct(int $type, bool $async = SWOOLE_SOCK_SYNC, string $id = '')", connection::construct)
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method("set(array $settings): bool", constructed::<Payload, _>(settings::set))
        .method(
            "connect(string $host, int $port = 0, float $timeout = 0.5, int $sock_flag = 0): bool",
            constructed::<Payload, _>(connection::connect),
        )
        .method("recv(int $size = 65536, int $flag = 0): string|false", constructed::<Payload, _>(transfer::recv))
        .method("send(string $data, int $flag = 0): int|false", constructed::<Payload, _>(transfer::send))
        .method(
            "sendfile(string $filename, int $offset = 0, int $length = 0): bool",
            constructed::<Payload, _>(transfer::send_file),
        )
        .method("sendto(string $ip, int $port, string $data): bool", constructed::<Payload, _>(transfer::send_to))
        .method("shutdown(int $how): bool", constructed::<Payload, _>(connection::shutdown))
        .method("enableSSL(?callable $onSslReady = null): bool", constructed::<Payload, _>(connection::enable_tls))
        .method("getPeerCert(): string|bool", constructed::<Payload, _>(connection::peer_certificate))
        .method("verifyPeerCert(...): bool", constructed::<Payload, _>(connection::verify_peer))
        .method("isConnected(): bool", constructed::<Payload, _>(connection::is_connected))
        .method("getsockname(): array|false", constructed::<Payload, _>(connection::local_name))
        .method("getpeername(): array|false", constructed::<Payload, _>(connection::peer_name))
        .method("close(bool $force = false): bool", constructed::<Payload, _>(connection::close))
        .method("getSocket(): Socket|false", constructed::<Payload, _>(connection::socket))
        .register(&CLIENT);
    let asynchronous_client = ClassBuilder::new("Swoole\\Async\\Client")
        .extends(client)
        .payload::<Payload>()
        .method("__construct(int $type)", asynchronous::construct)
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method(
            "connect(string $host, int $port = 0, float $timeout = 0.5, int $sock_flag = 0): bool",
            constructed::<Payload, _>(connection::connect),
        )
        .method("sleep(): bool", constructed::<Payload, _>(asynchronous::sleep))
        .method("wakeup(): bool", constructed::<Payload, _>(asynchronous::wake_up))
        .method("pause(): bool", constructed::<Payload, _>(asynchronous::sleep))
        .method("resume(): bool", constructed::<Payload, _>(asynchronous::wake_up))
        .method("enableSSL(?callable $onSslReady = null): bool", constructed::<Payload, _>(connection::enable_tls))
        .method("isConnected(): bool", constructed::<Payload, _>(connection::is_connected))
        .method("close(bool $force = false): bool", constructed::<Payload, _>(connection::close))
        .method("on(string $host, callable $callback): bool", constructed::<Payload, _>(asynchronous::on))
        .register(&ASYNC_CLIENT);
    // The class of Swoole 1 to 4, which is of either kind.
    ClassBuilder::new("swoole_client")
        .extends(asynchronous_client)
        .payload::<Payload>()
        .method("__construct(int $type, bool $async = SWOOLE_SOCK_SYNC, string $id = '')", |call: &mut Call<'_>| {
            match call.bool_or(1, false)? {
                true => asynchronous::construct(call),
                false => connection::construct(call),
            }
        })
        .register(&OLD_CLIENT);
}

pub use data::has_input;
