//! The PHP extension: runs programs written for Swoole on the Swoosh engine. PHP sees it as the module `swoole`.
//!
//! | folder | contents |
//! |---|---|
//! | [`runtime`] | event loop, reactor, timers, signals, forks, last error; does not depend on coroutines |
//! | [`coroutine`] | coroutine scheduler, channels, sockets, DNS and TLS that suspend the coroutine |
//! | [`server`] | dispatches engine events to PHP callbacks and their results back |
//! | [`hook`] | PHP's own functions and streams, made non-blocking in coroutines |
//! | [`library`] | classes written in PHP, compiled into the extension and loaded on first use |
//! | [`api`] | one file for each PHP class or function group: parses arguments and calls the other layers |
//!
//! Each imports only modules above it in this table; `server` and `hook` do not import each other. PHP's C API, and with it
//! all unsafe code, is in the crate `swoosh-zend`.

#![deny(unsafe_code, unreachable_pub)]

pub mod api;
pub mod coroutine;
pub mod hook;
pub mod library;
pub mod runtime;
pub mod server;

use crate::runtime::{blocking, event_loop, fork, object_counts, reactor, scheduler, script_end, signals, timers};
use std::ffi::CStr;
use swoosh::sys::process;
use swoosh_zend::info::Info;
use swoosh_zend::interrupt;
use swoosh_zend::module::{self, Extension, Functions, Module, ModuleEntry};
use swoosh_zend::runtime::{ForkHooks, ini_bool, install_fork_hooks};

/// The symbol that PHP looks up when it loads the extension; returns the module's description.
// `no_mangle` counts as unsafe code; this export is the crate's only exception.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
pub extern "C" fn get_module() -> *mut ModuleEntry {
    module::entry::<Swoosh>()
}

/// The extension.
#[derive(Debug)]
pub struct Swoosh;

impl Extension for Swoosh {
    const NAME: &CStr = c"swoole";
    const VERSION: &CStr = c"6.2.1";
    // Their functions are hooked when this module starts.
    const STARTS_AFTER: &[&CStr] =
        &[c"curl", c"sockets", c"pcntl", c"pgsql", c"pdo_pgsql", c"sqlite3", c"pdo_sqlite", c"mysqlnd"];

    fn functions(functions: &mut Functions) {
        api::functions::add(functions);
        library::functions::add(functions);
    }

    fn start_up(module: &Module) {
        module.settings(SETTINGS);
        for (name, value) in api::constants::CONSTANTS {
            module.constant(name, *value);
        }
        let short_names = ini_bool("swoole.use_shortname");
        api::register(short_names);
        if short_names {
            module.functions(api::functions::coroutine::short_names());
        }
        coroutine::start_up();
        hook::start_up();
        library::start_up();
        api::functions::tracer::start_up();
        blocking::start_up(coroutine::running_name);
        interrupt::set_handler(|| {
            blocking::on_interrupt();
            api::functions::tracer::sample();
            coroutine::on_interrupt();
            server::pool::between_instructions();
        });
        script_end::on_renewal(event_loop::renew);
        fork::on_child(server::state::step_out);
        install_fork_hooks(ForkHooks { is_managed: process::is_own_fork, child: fork::begin });
    }

    fn request_end() {
        api::functions::tracer::request_end();
        api::shared_memory::request_end();
        signals::request_end();
        event_loop::request_end();
        blocking::request_end();
        object_counts::request_end();
        script_end::request_end();
        scheduler::request_end();
        timers::request_end();
        coroutine::request_end();
        hook::request_end();
        coroutine::dns::request_end();
        coroutine::service_resolvers::request_end();
        reactor::request_end();
    }

    fn describe(info: &mut Info) {
        info.row("Swoole", "enabled");
        info.row("Engine", concat!("Swoosh ", env!("CARGO_PKG_VERSION")));
        info.row("Version", "6.2.1");
        info.row("server", "tcp, udp, unix, http, websocket; process and base mode");
        info.row("coroutine", "enabled");
        info.row("event loop", "tokio, epoll");
        info.row("hooks", &coroutine::hook_flags::served());
        for (flag, functions) in coroutine::hook_flags::unserved() {
            info.row(flag, &format!("no effect on {functions}"));
        }
        info.row("shared memory", "table, lock, atomic");
        info.row("http compression", "gzip, deflate, br, zstd");
    }
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
    // Not in Swoole: OpenSwoole's class names.
    ("swoole.openswoole_names", "Off"),
    // Not in Swoole: reports what requests leave behind, for development.
    ("swoole.state_leaks", "Off"),
];
