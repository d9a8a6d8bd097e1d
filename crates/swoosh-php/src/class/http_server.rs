//! `Swoole\Http\Server`: a server whose ports speak HTTP.

use crate::class::server::{SERVER, Server};
use swoosh_zend::{ClassBuilder, ClassSlot, Object};

/// The class.
pub static HTTP_SERVER: ClassSlot = ClassSlot::new();

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Http\\Server")
        .alias("swoole_http_server")
        .extends(SERVER.get())
        .payload::<Server>()
        .register(&HTTP_SERVER);
}

/// Whether a server is one of HTTP.
pub fn is_one(server: &Object) -> bool {
    server.class().is_a(HTTP_SERVER.get())
}
