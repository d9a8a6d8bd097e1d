//! Converts PHP arrays of settings to the engine's values, and merges them.

use send_wrapper::SendWrapper;
use std::sync::Arc;
use swoosh::config::{
    Callback, CoroutineConfig, EmbedderConfig, HelperConfig, Outcome, Settings, Target, Value, apply_embedder, check,
};
use swoosh_zend::{Array, Callable, IntoZval, Key, Kind, Object, Zval};

/// Merges settings into the `setting` property of an object.
pub fn merge(object: &Object, slot: usize, given: &Array) {
    let all = merged(object, slot, given);
    object.set_slot(slot, all);
}

/// The settings in the object's slot, overridden by those in `given`.
pub fn merged(object: &Object, slot: usize, given: &Array) -> Array {
    let mut all = object.slot(slot).array().cloned().unwrap_or_default();
    for (key, value) in given {
        match key {
            Key::Name(name) => all.insert(name.as_bytes(), value.clone()),
            Key::Index(index) => all.set(index, value.clone()),
        }
    }
    all
}

/// A copy of the settings with their names; an error handler may change the array while they are read.
pub fn named(settings: &Array) -> Vec<(String, Zval)> {
    let name = |key: Key<'_>| match key {
        Key::Name(name) => name.to_text().into_owned(),
        Key::Index(index) => index.to_string(),
    };
    settings.iter().map(|(key, value)| (name(key), value.clone())).collect()
}

/// The typed settings in an array. A value that a setting does not take is logged and left out.
pub fn read(given: &Array) -> Settings {
    let mut all = Settings::default();
    for (name, value) in named(given) {
        if let Err(e) = all.apply(&name, &plain(&value)) {
            swoosh::log::warn!("{e}");
        }
    }
    all
}

/// A finding about one of the settings in an array.
pub enum Finding {
    /// There is no such setting.
    Unknown {
        /// Suggests another name if the setting is misspelt.
        text: String,
        /// A setting with a similar name exists.
        is_misspelt: bool,
    },
    /// The setting of that name does not take its value.
    Refused(String, String),
}

/// The findings about the settings of a client or helper.
pub fn findings(of: Target, given: &Array) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, value) in named(given) {
        match check(of, &name, &plain(&value)) {
            Ok(Outcome::Unknown { nearest }) => {
                findings.push(Finding::Unknown { text: unknown(&name, nearest), is_misspelt: nearest.is_some() });
            }
            Ok(_) => {}
            Err(e) => findings.push(Finding::Refused(name, e.to_string())),
        }
    }
    findings
}

/// The text about a setting that does not exist.
pub fn unknown(name: &str, nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("unknown setting {name}; did you mean {nearest}?"),
        None => format!("unknown setting {name}"),
    }
}

/// The typed settings of coroutines in an array.
pub fn of_coroutines(given: &Array) -> CoroutineConfig {
    let mut embedder = EmbedderConfig::default();
    for (name, value) in named(given) {
        apply_embedder(&mut embedder, &name, &plain(&value));
    }
    embedder.coroutine
}

/// The typed settings of the helpers in an array.
pub fn of_helper(given: &Array) -> HelperConfig {
    let mut embedder = EmbedderConfig::default();
    for name in ["admin_server", "stats_file"] {
        if let Some(value) = given.get(name) {
            apply_embedder(&mut embedder, name, &plain(value));
        }
    }
    embedder.helper
}

/// A value without functions.
pub fn plain(value: &Zval) -> Value {
    match value.kind() {
        Kind::Undef | Kind::Null => Value::Null,
        Kind::False => Value::Bool(false),
        Kind::True => Value::Bool(true),
        Kind::Int => Value::Int(value.to_int()),
        Kind::Float => Value::Float(value.to_float()),
        Kind::Text => Value::Str(value.bytes().unwrap_or_default().to_vec()),
        Kind::Array => {
            let Some(array) = value.array() else { return Value::Null };
            if array.iter().all(|(key, _)| matches!(key, Key::Index(_))) {
                Value::List(array.iter().map(|(_, value)| plain(value)).collect())
            } else {
                Value::Map(named(array).into_iter().map(|(name, value)| (name, plain(&value))).collect())
            }
        }
        Kind::Object | Kind::Resource | Kind::Other => Value::Str(b"an object".to_vec()),
    }
}

/// The engine's value for a client's `package_length_func`, which computes the length from the bytes received. If it throws,
/// the length is invalid, so the read fails, and the exception stays pending.
pub fn length_function(value: &Zval) -> Result<Value, String> {
    let callable = SendWrapper::new(Callable::new(value)?);
    Ok(Value::Func(Callback::Length(Arc::new(move |data| {
        callable.call(&mut [data.into_zval()]).map_or(-1, |length| length.to_int())
    }))))
}
