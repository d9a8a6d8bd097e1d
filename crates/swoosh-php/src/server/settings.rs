//! PHP settings arrays to typed engine settings.

use super::callbacks::CallbackOptions;
use super::http::form_limits::max_form_length;
use super::http::settings::HttpSettings;
use super::state::PhpServer;
use super::{classes, state};
use crate::coroutine::configure;
use crate::coroutine::options;
use crate::coroutine::setting_values::{named, plain, unknown};
use send_wrapper::SendWrapper;
use std::rc::Rc;
use std::sync::Arc;
use swoosh::config::{
    Callback, Dispatch, EmbedderConfig, Outcome, PortSettings, ServerConfig, Settings, Value, apply_port, apply_server,
};
use swoosh::server::ServerBuilder;
use swoosh_zend::error::{fatal, raise_uncaught, warning};
use swoosh_zend::{Array, Callable, IntoZval, Object, PhpResult, Raised, Zval};

/// Validates settings when `set()` is called: an unknown name is a warning, an impossible framing a fatal error.
pub fn validate(given: &Array, of_port: bool) -> PhpResult<()> {
    let mut all = Settings::default();
    for (name, value) in named(given) {
        let value = plain(&value);
        let outcome = match of_port {
            true => apply_port(&mut all.port, &name, &value),
            false => all.apply(&name, &value),
        };
        match outcome {
            Err(e) if FATAL_WHEN_SET.contains(&name.as_str()) => {
                let why = e.to_string();
                drop((e, all, value, name));
                return Err(fatal(&why));
            }
            Ok(Outcome::Unknown { nearest }) => warning(&unknown(&name, nearest)),
            Ok(Outcome::NotSupported(why)) if name.starts_with(TLS_PREFIX) => {
                warning(&format!("setting {name} has no effect: {why}"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Applies the settings of the server and its ports to the builder, and adds effective defaults to `$server->setting`.
pub fn apply(
    state: &Rc<PhpServer>,
    object: &Object,
    builder: &mut ServerBuilder,
) -> Result<CallbackOptions, StartError> {
    let slot = classes::server_slot("setting").map_err(StartError::Raised)?;
    let own = object.slot(slot).array().cloned().unwrap_or_default();
    let mut embedder = EmbedderConfig::default();
    let mut notes = Vec::new();
    let refused = |e: swoosh::Error| StartError::Fatal(e.to_string());
    let speaks_http = classes::is_http(object);
    let speaks_redis = classes::is_redis(object);
    if speaks_http {
        builder.settings_mut().1.speak_http();
    }
    if speaks_redis {
        builder.settings_mut().1.speak_redis();
    }
    for (name, value) in named(&own) {
        let value = convert(state, &name, &value, builder)?;
        let (server, port) = builder.settings_mut();
        let outcome = apply_server(server, port, &mut embedder, &name, &value);
        note(&mut notes, &name, outcome.map_err(refused)?);
    }
    for (index, port) in state::ports(object).into_iter().enumerate() {
        let Some(given) = port.slot(classes::port_slot("setting").map_err(StartError::Raised)?).array().cloned() else {
            continue;
        };
        let mut settings = if index == 0 { builder.port_settings().clone() } else { PortSettings::new() };
        let framed = |name: &&str| given.get(name).is_some_and(Zval::to_bool);
        if speaks_http && index > 0 && !OTHER_FRAMINGS.iter().any(framed) {
            settings.speak_http();
        }
        for (name, value) in named(&given) {
            let value = convert(state, &name, &value, builder)?;
            let outcome = apply_port(&mut settings, &name, &value).map_err(refused)?;
            // Frameworks give every port all settings of the server, where they do have an effect.
            if index > 0 && !is_same_scalar(own.get(&name), given.get(&name)) {
                note(&mut notes, &name, outcome);
            }
        }
        if index == 0 {
            *builder.settings_mut().1 = settings;
        } else if index < builder.ports().len() {
            builder.set_port_settings(index, settings);
        }
    }
    let max_form_length = max_form_length(embedder.http.upload_max_filesize, builder.port_settings());
    builder.settings_mut().0.max_form_length = max_form_length;
    builder.check().map_err(refused)?;
    builder.check_tls().map_err(|e| StartError::Fatal(e.to_string()))?;
    swoosh::log::init(&builder.config().log()).map_err(refused)?;
    for note in notes {
        swoosh::log::notice!("{note}");
    }
    show_defaults(object, slot, own.clone(), builder.config());
    let http = HttpSettings::new(builder.config(), builder.port_settings(), &embedder);
    state.set_http(http);
    configure::set(&coroutine_settings(&own));
    let callback = embedder.callback;
    state.send_queues().configure(callback.send_yield, callback.send_timeout);
    Ok(CallbackOptions {
        coroutine: callback.coroutine,
        task_coroutine: callback.task_coroutine,
        hook_flags: options(|o| o.hook_flags()).unwrap_or(0),
        event_object: callback.event_object,
        error_page: embedder.http.error_page,
        task_object: callback.event_object || callback.task_object || callback.task_coroutine,
    })
}

/// The subset of settings that configure coroutines.
fn coroutine_settings(all: &Array) -> Array {
    let mut found = Array::new();
    for name in ["max_coroutine", "max_coro_num", "enable_deadlock_check", "enable_preemptive_scheduler", "hook_flags"]
    {
        if let Some(value) = all.get(name) {
            found.insert(name, value.clone());
        }
    }
    found
}

fn show_defaults(object: &Object, slot: usize, mut all: Array, config: &ServerConfig) {
    for (name, value) in [
        ("worker_num", u64::from(config.worker_num)),
        ("task_worker_num", config.task_worker_num.into()),
        ("output_buffer_size", config.output_buffer_size),
        ("max_connection", config.max_conn.into()),
    ] {
        if all.get(name).is_none() {
            all.insert(name, value);
        }
    }
    object.set_slot(slot, all);
}

fn is_same_scalar(one: Option<&Zval>, other: Option<&Zval>) -> bool {
    match (one.map(plain), other.map(plain)) {
        (Some(Value::Str(one)), Some(Value::Str(other))) => one == other,
        (Some(one), Some(other)) => {
            let number = one.whole_number();
            number.is_some() && number == other.whole_number()
        }
        _ => false,
    }
}

fn note(notes: &mut Vec<String>, name: &str, outcome: Outcome) {
    match outcome {
        Outcome::Adjusted(text) => notes.push(text),
        // `validate` has warned.
        Outcome::NotSupported(_) if name.starts_with(TLS_PREFIX) => {}
        Outcome::NotSupported(why) => notes.push(format!("setting {name} has no effect: {why}")),
        Outcome::Applied | Outcome::Unknown { .. } => {}
    }
}

/// Converts a value to the engine's type; two settings take callables.
fn convert(state: &Rc<PhpServer>, name: &str, value: &Zval, builder: &mut ServerBuilder) -> Result<Value, StartError> {
    if !["dispatch_func", "package_length_func"].contains(&name) || value.is_null() {
        return Ok(plain(value));
    }
    let callable = Callable::new(value).map_err(|why| StartError::Fatal(format!("setting {name}: {why}")))?;
    // The callable runs in the master, whose reactor must then be its only thread.
    builder.settings_mut().0.single_thread = true;
    let hold = SendWrapper::new((callable, state.clone()));
    Ok(Value::Func(if name == "dispatch_func" {
        Callback::Dispatch(Arc::new(move |session, kind, data| dispatch(&hold.1, &hold.0, session, kind, data)))
    } else {
        Callback::Length(Arc::new(move |data| {
            // A negative length closes the connection.
            call_in_engine(&hold.1, &hold.0, &mut [data.into_zval()]).map_or(-1, |length| length.to_int())
        }))
    }))
}

fn dispatch(state: &PhpServer, callable: &Callable, session: u64, kind: u8, data: &[u8]) -> Dispatch {
    let Some(callbacks) = state.callbacks() else { return Dispatch::Fallback };
    let mut args =
        [callbacks.server().clone().into_zval(), session.into_zval(), i32::from(kind).into_zval(), data.into_zval()];
    match call_in_engine(state, callable, &mut args).map(|answer| answer.to_int()) {
        Some(worker @ 0..) => Dispatch::Worker(u32::try_from(worker).unwrap_or(u32::MAX)),
        Some(-1) => Dispatch::Discard,
        Some(-2) => Dispatch::Close,
        _ => Dispatch::Fallback,
    }
}

/// Calls a function that stands between the engine's own steps: where it fails, this process ends after them.
fn call_in_engine(state: &PhpServer, callable: &Callable, args: &mut [Zval]) -> Option<Zval> {
    if state.check().is_err() {
        return None;
    }
    match callable.call(args) {
        Ok(answer) => Some(answer),
        Err(raised) => {
            let raised = if raised == Raised::Exception { raise_uncaught(raised) } else { raised };
            state.set_stop(raised);
            if let Some(node) = state.node() {
                let _ = node.stop(None);
            }
            None
        }
    }
}

/// Settings that give a port of an HTTP server another framing.
const OTHER_FRAMINGS: &[&str] = &["open_eof_check", "open_eof_split", "open_length_check"];
/// Prefix of the TLS settings.
const TLS_PREFIX: &str = "ssl_";
/// Settings whose invalid values are fatal in `set()`.
const FATAL_WHEN_SET: &[&str] = &["package_length_type", "package_eof", "cpu_affinity_ignore"];

/// The reason that a server does not start.
pub enum StartError {
    /// A fatal error with this message.
    Fatal(String),
    /// An exception is pending.
    Raised(Raised),
}
