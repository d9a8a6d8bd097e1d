//! The table of settings, in the order of `docs/SETTINGS.md`.

mod absent;
mod client;
mod coroutine;
mod front_end;
mod http2;
mod log;
mod port;
mod rows;
mod server;
mod tls;

use super::setting::{Setting, Target};

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

/// The settings of a front end's client or helper; of other targets those of the table.
pub(super) fn settings_of(target: Target) -> impl Iterator<Item = &'static Setting> {
    let tables: &[&'static [Setting]] = match target {
        Target::Http2Client => &[client::HTTP2_CLIENT, client::CLIENT_TLS, tls::TLS],
        Target::GrpcClient => &[client::GRPC_CLIENT, client::HTTP2_CLIENT, client::CLIENT_TLS, tls::TLS],
        Target::GrpcService => &[client::GRPC_SERVICE],
        Target::GrpcServer => &[client::GRPC_SERVER, client::GRPC_SERVICE, http2::HTTP2, tls::TLS],
        _ => &[],
    };
    tables.iter().copied().flatten()
}

/// The settings that only front ends read.
pub(super) fn own_settings() -> impl Iterator<Item = &'static Setting> {
    [client::HTTP2_CLIENT, client::CLIENT_TLS, client::GRPC_CLIENT, client::GRPC_SERVICE, client::GRPC_SERVER]
        .into_iter()
        .flatten()
}
