//! `Swoole\Coroutine::set`: what an array of settings says of coroutines, and of what they use.

use super::options::{Options, options};
use super::{hook_flags, resolvers, setting_values as convert};
use crate::runtime::last_error;
use swoosh::config::Settings;
use swoosh_zend::{Array, Key, Zval};

/// Adds settings to those that are set.
pub fn set(settings: &Array) {
    if settings.is_empty() {
        return;
    }
    Options::set(settings);
    if let Some(list) = settings.get("name_resolver").and_then(Zval::array) {
        resolvers::set(resolvers::resolvers_in(list));
    }
    let says = |key: Key<'_>| matches!(key, Key::Name(name) if name.as_bytes().starts_with(b"log_"));
    if settings.iter().any(|(key, _)| says(key)) {
        log_as(&options(Options::given).unwrap_or_default());
    }
}

/// As [`set`], together with the flags of hooks.
pub fn apply(settings: &Array) {
    set(settings);
    if let Some(flags) = settings.get("hook_flags") {
        hook_flags::set_flags(flags.to_int());
    }
}

/// Configures the log by the `log_` settings.
fn log_as(all: &Array) {
    let mut settings = Settings::default();
    for (name, value) in convert::named(all) {
        if name.starts_with("log_")
            && let Err(e) = settings.apply(&name, &convert::plain(&value))
        {
            return last_error::refuse(&e.to_string());
        }
    }
    if let Err(e) = swoosh::log::init(&settings.server.log()) {
        last_error::refuse(&e.to_string());
    }
}
