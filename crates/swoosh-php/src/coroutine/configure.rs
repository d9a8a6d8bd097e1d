//! Applies the settings of `Swoole\Coroutine::set`.

use super::options::{Options, options};
use super::{hook_flags, service_resolvers, setting_values as convert};
use crate::runtime::last_error;
use swoosh::config::Settings;
use swoosh_zend::{Array, Key, Zval};

/// Merges settings into the current ones.
pub fn set(settings: &Array) {
    if settings.is_empty() {
        return;
    }
    check(settings);
    Options::set(settings);
    if let Some(list) = settings.get("name_resolver").and_then(Zval::array) {
        service_resolvers::set(service_resolvers::resolvers_in(list));
    }
    let is_log_setting = |key: Key<'_>| matches!(key, Key::Name(name) if name.as_bytes().starts_with(b"log_"));
    if settings.iter().any(|(key, _)| is_log_setting(key)) {
        configure_log(&options(Options::given).unwrap_or_default());
    }
}

/// Like [`set`], and applies `hook_flags` too.
pub fn apply(settings: &Array) {
    set(settings);
    if let Some(flags) = settings.get("hook_flags") {
        hook_flags::set_flags(flags.to_int());
    }
}

/// Warns of values that a setting does not take, which are left out. Those of the log are checked when they are applied.
fn check(settings: &Array) {
    let mut all = Settings::default();
    for (name, value) in convert::named(settings) {
        if !name.starts_with("log_")
            && let Err(e) = all.apply(&name, &convert::plain(&value))
        {
            last_error::warn_misuse(&e.to_string());
        }
    }
}

/// Applies the `log_*` settings.
fn configure_log(all: &Array) {
    let mut settings = Settings::default();
    for (name, value) in convert::named(all) {
        if name.starts_with("log_")
            && let Err(e) = settings.apply(&name, &convert::plain(&value))
        {
            return last_error::warn_misuse(&e.to_string());
        }
    }
    if let Err(e) = swoosh::log::init(&settings.server.log()) {
        last_error::warn_misuse(&e.to_string());
    }
}
