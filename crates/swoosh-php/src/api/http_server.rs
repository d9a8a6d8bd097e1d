//! `Swoole\Http\Server`: a server whose ports speak HTTP.

use super::server_object::Server;
use crate::server::classes::HTTP_SERVER;
use crate::server::classes::SERVER;
use swoosh_zend::ClassBuilder;

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Http\\Server")
        .alias("swoole_http_server")
        .extends(SERVER.get())
        .payload::<Server>()
        .register(&HTTP_SERVER);
}
