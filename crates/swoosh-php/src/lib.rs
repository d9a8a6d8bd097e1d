//! The PHP extension: programs written for Swoole run on the Swoosh engine. PHP sees it as the module `swoole`.
//!
//! | room | what lives there |
//! |---|---|
//! | [`zend`] | the only raw FFI, behind safe types |
//! | [`bridge`] | engine and PHP code: timers, the loop of a plain script, the last error |
//! | [`class`] | one file for each `Swoole\*` class |
//! | [`function`] | the `swoole_*()` functions |

pub mod bridge;
pub mod class;
pub mod constants;
pub mod function;
pub mod zend;

use zend::info::Info;
use zend::module::{Functions, Module};
use zend::runtime;

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
    class::register();
    runtime::watch_forks();
}

/// The request (for a command, the script) ends.
pub fn request_end() {
    bridge::event_loop::request_end();
    bridge::timers::request_end();
}

/// What `php --ri swoole` says.
pub fn describe(info: &mut Info) {
    info.row("Swoole", "enabled");
    info.row("Engine", concat!("Swoosh ", env!("CARGO_PKG_VERSION")));
    info.row("Version", "6.2.1");
    info.row("timer", "enabled");
    info.row("atomic", "enabled");
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
