//! Class slots of servers and ports. `api` registers the classes; this layer needs their identity.

use swoosh_zend::{ClassSlot, Object, PhpResult, Raised};

/// `Swoole\Server`.
pub static SERVER: ClassSlot = ClassSlot::new();
/// `Swoole\Server\Port`.
pub static PORT: ClassSlot = ClassSlot::new();
/// `Swoole\Http\Server`.
pub static HTTP_SERVER: ClassSlot = ClassSlot::new();
/// `Swoole\WebSocket\Server`.
pub static WEBSOCKET_SERVER: ClassSlot = ClassSlot::new();
/// `Swoole\Redis\Server`.
pub static REDIS_SERVER: ClassSlot = ClassSlot::new();

/// Whether a server is an HTTP server.
pub fn is_http(server: &Object) -> bool {
    server.class().is_a(HTTP_SERVER.get())
}

/// Whether a server is a WebSocket server.
pub fn is_websocket(server: &Object) -> bool {
    server.class().is_a(WEBSOCKET_SERVER.get())
}

/// Whether a server is a Redis server.
pub fn is_redis(server: &Object) -> bool {
    server.class().is_a(REDIS_SERVER.get())
}

/// The slot of a server's property.
pub fn server_slot(property: &str) -> PhpResult<usize> {
    SERVER.get().slot(property).ok_or(Raised::Exception)
}

/// The slot of a port's property.
pub fn port_slot(property: &str) -> PhpResult<usize> {
    PORT.get().slot(property).ok_or(Raised::Exception)
}
