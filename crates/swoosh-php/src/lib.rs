//! The PHP extension: programs written for Swoole run on the Swoosh engine. PHP sees it as the module `swoole`.
//!
//! | room | what lives there |
//! |---|---|
//! | [`bridge`] | engine and PHP code: the loop, the reactor it waits in, timers, servers, the last error |
//! | [`client`] | requests and answers of HTTP clients |
//! | [`coroutine`] | who runs, who waits, the switch between them |
//! | [`class`] | one file for each `Swoole\*` class |
//! | [`function`] | the `swoole_*()` functions |
//! | [`hook`] | PHP's own functions and streams that wait without blocking |

#![deny(unsafe_code)]

pub mod bridge;
pub mod class;
pub mod client;
pub mod constants;
pub mod coroutine;
pub mod function;
pub mod hook;

use std::ffi::CStr;
use swoosh::sys::process;
use swoosh_zend::info::Info;
use swoosh_zend::machine;
use swoosh_zend::module::{self, Extension, Functions, Module, ModuleEntry};
use swoosh_zend::runtime::{self, ForkHooks};

/// PHP's first call: the module's description.
// The symbol is looked up by name when the library is loaded; this is the crate's only exception.
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

    fn functions(functions: &mut Functions) {
        function::add(functions);
    }

    fn start_up(module: &Module) {
        module.settings(SETTINGS);
        for (name, value) in constants::CONSTANTS {
            module.constant(name, *value);
        }
        let short_names = runtime::switch("swoole.use_shortname");
        class::register(short_names);
        if short_names {
            module.functions(function::coroutine::short_names());
        }
        coroutine::start_up();
        hook::start_up();
        machine::watch_interrupt(|| {
            coroutine::beat();
            bridge::pool::between_instructions();
        });
        runtime::watch_forks(ForkHooks { is_managed: process::is_own_fork, child: bridge::fork::begin });
    }

    fn request_end() {
        class::table::beyond::request_end();
        bridge::signals::request_end();
        bridge::event_loop::request_end();
        bridge::timers::request_end();
        coroutine::request_end();
        bridge::names::request_end();
        bridge::resolvers::request_end();
        bridge::reactor::request_end();
    }

    fn describe(info: &mut Info) {
        info.row("Swoole", "enabled");
        info.row("Engine", concat!("Swoosh ", env!("CARGO_PKG_VERSION")));
        info.row("Version", "6.2.1");
        info.row("server", "tcp, udp, unix, http, websocket; process and base mode");
        info.row("coroutine", "enabled");
        info.row("event loop", "tokio, epoll");
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
];
