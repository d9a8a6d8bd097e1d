//! Settings by name: finds the row, checks the value and stores it.

use super::embedder::EmbedderConfig;
use super::input::{Input, Note};
use super::nearest::nearest;
use super::port_settings::PortSettings;
use super::server::ServerConfig;
use super::setting::{Setter, Setting, Target};
use super::table::{settings, settings_of};
use super::value::Value;
use crate::error::Result;

/// The effect of a setting that was given by name.
///
/// ```
/// use swoosh::config::{Outcome, PortSettings, Value, apply_port};
///
/// let outcome = apply_port(&mut PortSettings::new(), "backlok", &Value::Int(1)).unwrap();
/// assert_eq!(outcome, Outcome::Unknown { nearest: Some("backlog") });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The value is stored.
    Applied,
    /// A changed value is stored; the text, for the log, says which and why.
    Adjusted(String),
    /// The setting exists and has no effect in this version, for this reason.
    NotSupported(&'static str),
    /// There is no such setting.
    Unknown {
        /// The most similar name, if one is similar.
        nearest: Option<&'static str>,
    },
}

/// All settings of a server: the engine's, those of its ports and those of the front end.
///
/// ```
/// use swoosh::config::{Settings, Value};
///
/// let mut settings = Settings::default();
/// settings.apply("backlog", &Value::Int(128)).unwrap();
/// assert_eq!(settings.port.finish(&settings.server, false).unwrap().backlog, 128);
/// ```
#[derive(Clone, Default)]
pub struct Settings {
    /// Settings of the whole server.
    pub server: ServerConfig,
    /// Settings of every port without settings of its own.
    pub port: PortSettings,
    /// Settings of the front end for a dynamic language.
    pub embedder: EmbedderConfig,
}

impl Settings {
    /// Sets one setting of a server.
    ///
    /// # Errors
    /// As [`apply_server`].
    pub fn apply(&mut self, name: &str, value: &Value) -> Result<Outcome> {
        apply_server(&mut self.server, &mut self.port, &mut self.embedder, name, value)
    }
}

/// Sets one setting of a server; a port's setting is stored in `port`, a front end's in `embedder`.
///
/// # Errors
/// [`Error::Setting`](crate::Error::Setting) if the value is of the wrong type or out of range; nothing is changed then.
pub fn apply_server(
    server: &mut ServerConfig,
    port: &mut PortSettings,
    embedder: &mut EmbedderConfig,
    name: &str,
    value: &Value,
) -> Result<Outcome> {
    let Some(setting) = find(name) else {
        return Ok(Outcome::Unknown { nearest: nearest(name, settings().flat_map(Setting::names)) });
    };
    if matches!(value, Value::Null) {
        return Ok(Outcome::Applied);
    }
    setting.check_type(name, value)?;
    let input = Input { name, kind: setting.kind, value };
    match setting.setter {
        Setter::Server(set) => set(server, &input).map(outcome),
        Setter::Port(set) => set(port, &input).map(outcome),
        Setter::Embedder(set) => set(embedder, &input).map(outcome),
        _ => Ok(without_field(setting, value)),
    }
}

/// Sets one setting of a port.
///
/// # Errors
/// [`Error::Setting`](crate::Error::Setting) if the value is of the wrong type or out of range; nothing is changed then.
pub fn apply_port(port: &mut PortSettings, name: &str, value: &Value) -> Result<Outcome> {
    let of_port = |setting: &&Setting| setting.target == Target::Port;
    let Some(setting) = find(name) else {
        return Ok(Outcome::Unknown { nearest: nearest(name, settings().filter(of_port).flat_map(Setting::names)) });
    };
    if setting.target != Target::Port {
        return Ok(Outcome::NotSupported("it is set for the whole server, not for a port"));
    }
    if matches!(value, Value::Null) {
        return Ok(Outcome::Applied);
    }
    setting.check_type(name, value)?;
    match setting.setter {
        Setter::Port(set) => set(port, &Input { name, kind: setting.kind, value }).map(outcome),
        _ => Ok(without_field(setting, value)),
    }
}

/// Sets one setting of the front end. Settings of the engine and values of the wrong type are ignored.
pub fn apply_embedder(embedder: &mut EmbedderConfig, name: &str, value: &Value) {
    if let Some(Setting { setter: Setter::Embedder(set), kind, .. }) = find(name)
        && !matches!(value, Value::Null)
        && kind.check_type(name, value).is_ok()
    {
        // A front end's setter refuses a value only if its range is checked by `apply_server` as well.
        let _ = set(embedder, &Input { name, kind: *kind, value });
    }
}

/// Checks a setting of a front end's client or helper, which reads the value itself. Numbers out of range are refused.
///
/// ```
/// use swoosh::config::{Outcome, Target, Value, check};
///
/// let misspelt = check(Target::Http2Client, "tiemout", &Value::Int(1)).unwrap();
/// assert_eq!(misspelt, Outcome::Unknown { nearest: Some("timeout") });
/// assert!(check(Target::Http2Client, "http2_max_frame_size", &Value::from("abc")).is_err());
/// ```
///
/// # Errors
/// [`Error::Setting`](crate::Error::Setting) if the value is of the wrong type or out of range.
pub fn check(of: Target, name: &str, value: &Value) -> Result<Outcome> {
    let mut rows = settings_of(of);
    let Some(setting) = rows.find(|setting| setting.names().any(|own| own == name)) else {
        return Ok(Outcome::Unknown { nearest: nearest(name, settings_of(of).flat_map(Setting::names)) });
    };
    if !matches!(value, Value::Null) {
        setting.kind.check_value(name, value)?;
    }
    Ok(Outcome::Applied)
}

/// The setting of that name or alias.
pub fn find(name: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.names().any(|own| own == name))
}

fn outcome(note: Note) -> Outcome {
    note.map_or(Outcome::Applied, Outcome::Adjusted)
}

fn without_field(setting: &Setting, value: &Value) -> Outcome {
    match setting.setter {
        // A feature that is turned off needs no support.
        Setter::Unsupported(_) if matches!(value, Value::Bool(false)) => Outcome::Applied,
        Setter::Unsupported(reason) => Outcome::NotSupported(reason),
        _ => Outcome::Applied,
    }
}
