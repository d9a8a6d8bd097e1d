//! `docs/SETTINGS.md`, generated from the table.

use super::setting::{Setting, Target};
use super::table::{own_settings, settings};
use std::fmt::Write;

/// The text of `docs/SETTINGS.md`: every setting with its type, range, default and documentation.
pub fn reference() -> String {
    let mut text = String::from(INTRODUCTION);
    for (target, title, note) in SECTIONS {
        let _ = write!(
            text,
            "\n## {title}\n\n{note}\n\n| setting | type and range | default | meaning |\n|---|---|---|---|\n"
        );
        for setting in settings().chain(own_settings()).filter(|setting| setting.target == *target) {
            row(&mut text, setting);
        }
    }
    text
}

fn row(text: &mut String, setting: &Setting) {
    let _ = write!(text, "| `{}`", setting.name);
    for alias in setting.aliases {
        let _ = write!(text, ", `{alias}`");
    }
    let _ = write!(text, " | {} | {} | {}", setting.kind, setting.default, setting.doc.trim());
    if let Some(reason) = setting.not_supported() {
        let _ = write!(text, " Not supported: {reason}.");
    }
    text.push_str(" |\n");
}

const INTRODUCTION: &str = "\
# Settings

This file is generated from the table of settings (`crates/swoosh/src/config/table/`):
`cargo run -p swoosh --example settings_reference > docs/SETTINGS.md`. A test fails if it is out of date.

Settings are given to `Server::set`, `Server\\Port::set`, `Coroutine::set` and the constructors and `set` methods of clients
and coroutine servers. A misspelt name is reported with the most similar name; a value of the wrong type or out of range is
refused when the server starts. If several names of one setting are given, the last one counts; the first name in a row is
the one to use.
";

const SECTIONS: &[(Target, &str, &str)] = &[
    (Target::Server, "Server", "Settings of the whole server."),
    (
        Target::Port,
        "Port",
        "Settings of one port; given to a server, they apply to every port without settings of its own.",
    ),
    (Target::Callback, "Callbacks", "The form in which the PHP callbacks of a server are called."),
    (Target::Http, "HTTP", "HTTP servers. Numbers out of range are clamped, and a notice says so."),
    (Target::Log, "Log", "The log of the process."),
    (
        Target::Coroutine,
        "Coroutines",
        "Given to `Coroutine::set` and `swoole_async_set`; those of coroutines also to a server.",
    ),
    (Target::Helper, "Helpers", "Parts of a PHP server beside its own callbacks."),
    (
        Target::Http2Client,
        "HTTP/2 clients",
        "`Coroutine\\Http2\\Client` and `MultiplexClient`. A value that is refused is reported with a warning and left out. \
         The settings of TLS are those of a port.",
    ),
    (Target::GrpcClient, "gRPC clients", "`Swoosh\\Grpc\\Client`, which takes the settings of HTTP/2 clients too."),
    (Target::GrpcService, "gRPC services", "`Swoosh\\Grpc\\Service`."),
    (
        Target::GrpcServer,
        "gRPC servers",
        "`Swoosh\\Grpc\\Server`, which takes the settings of services, and the `http2_` and `ssl_` settings of a port too.",
    ),
    (Target::Absent, "Not supported", "Names that are known, and have no effect."),
];
