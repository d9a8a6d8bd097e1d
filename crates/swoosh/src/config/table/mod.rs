//! The table of settings, in the order of `docs/SETTINGS.md`.

mod absent;
mod coroutine;
mod front_end;
mod http2;
mod log;
mod port;
mod rows;
mod server;
mod tls;

use super::setting::Setting;

/// Every setting, in the order of `docs/SETTINGS.md`.
///
/// ```
/// let workers = swoosh::config::settings().find(|setting| setting.name == "worker_num").unwrap();
/// assert_eq!(workers.default, "the number of cores; 1 in base mode");
/// ```
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    [
        server::SERVER,
        front_end::CALLBACK,
        front_end::HELPER,
        front_end::HTTP,
        front_end::WEBSOCKET_SERVER,
        port::PORT,
        http2::HTTP2,
        tls::TLS,
        front_end::WEBSOCKET,
        log::LOG,
        coroutine::COROUTINE,
        absent::ABSENT,
    ]
    .into_iter()
    .flatten()
}
