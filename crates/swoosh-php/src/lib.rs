//! The PHP extension: programs written for Swoole run on the Swoosh engine. PHP sees it as the module `swoole`.
//!
//! | room | what lives there |
//! |---|---|
//! | [`zend`] | the only raw FFI, behind safe types |
//! | [`bridge`] | engine and PHP code: the loop, the reactor it waits in, timers, servers, the last error |
//! | [`client`] | requests and answers of HTTP clients |
//! | [`coroutine`] | who runs, who waits, the switch between them |
//! | [`class`] | one file for each `Swoole\*` class |
//! | [`function`] | the `swoole_*()` functions |
//! | [`hook`] | PHP's own functions and streams that wait without blocking |

pub mod bridge;
pub mod class;
pub mod client;
pub mod constants;
pub mod coroutine;
pub mod function;
pub mod hook;
pub mod zend;

use zend::info::Info;
use zend::module::{Functions, Module};
use zend::{machine, runtime};

/// The module's functions.
pub fn functions(functions: &mut Functions) {
    function::add(functions);
}

/// The module starts, once in a process: settings, constants, classes.
pub fn start_up(module: &Module) {
    module.settings(SETTINGS);
    for (name, value) in constants::CONSTANTS {
        module.constant(name, *value);
    }
    let short_names = runtime::switch("swoole.use_shortname");
    class::register(short_names);
    if short_names {
        module.functions(function::coroutine::short_names());
    }
    bridge::reactor::start_up();
    coroutine::start_up();
    hook::start_up();
    machine::watch_interrupt(|| {
        coroutine::beat();
        bridge::pool::between_instructions();
    });
    runtime::watch_forks(bridge::child::begin);
}

/// The request (for a command, the script) ends.
pub fn request_end() {
    class::table::beyond::request_end();
    bridge::signals::request_end();
    bridge::event_loop::request_end();
    bridge::timers::request_end();
    coroutine::request_end();
    bridge::names::request_end();
    bridge::resolvers::request_end();
    bridge::reactor::request_end();
}

/// What `php --ri swoole` says.
pub fn describe(info: &mut Info) {
    info.row("Swoole", "enabled");
    info.row("Engine", concat!("Swoosh ", env!("CARGO_PKG_VERSION")));
    info.row("Version", "6.2.1");
    info.row("server", "tcp, udp, unix, http, websocket; process and base mode");
    info.row("coroutine", "enabled");
    info.row("event loop", "tokio, epoll");
    info.row("shared memory", "table, lock, atomic");
    info.row("http compression", "gzip, deflate, br, zstd");
}

const SETTINGS: &[(&str, &str)] = &[
    ("swoole.enable_library", "On"),
    ("swoole.enable_fiber_mock", "Off"),
    ("swoole.enable_preemptive_scheduler", "Off"),
    ("swoole.display_errors", "On"),
    ("swoole.use_shortname", "1"),
    ("swoole.socket_buffer_size", "8388608"),
    ("swoole.blocking_detection", "Off"),
    ("swoole.blocking_threshold", "100000"),
    ("swoole.profile", "Off"),
    ("swoole.leak_detection", "Off"),
];
