//! Settings by name: what an embedder's `set(["worker_num" => 4])` becomes.
//!
//! Rust programs set the fields of [`ServerConfig`] and [`PortConfig`] themselves. Both ways meet in one table of ranges
//! (`bounds`): a value refused under its name is refused in its field with the same words.

use crate::config::{
    DispatchFunc, DispatchMode, Framing, LengthFraming, LengthFunc, LengthType, LogRotation, PortConfig, ServerConfig,
    SlowConsumer, TaskIpc, TlsConfig, descriptor_limit,
};
use crate::error::{Error, Result};
use crate::sys::affinity;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

mod names;
#[cfg(test)]
mod tests;
mod tls;

use names::{PORT_NAMES, PROCESS_NAMES, SERVER_NAMES, is_name, nearest, why_not};
pub(crate) use tls::validate as validate_tls;

/// A setting's value as a dynamic language has it.
#[derive(Clone)]
pub enum Value {
    /// As if the setting were not there.
    Null,
    /// Wanted as a number: 1 or 0.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Wanted as a whole number: without its fraction.
    Float(f64),
    /// Bytes. Wanted as a number: the number they spell; wanted as a truth: false if empty or `0`.
    Str(Vec<u8>),
    /// Values in order.
    List(Vec<Value>),
    /// Values by name.
    Map(Vec<(String, Value)>),
    /// A function.
    Func(Callback),
}

/// A function of user code, made callable by the embedder for the setting it is given to.
#[derive(Clone)]
pub enum Callback {
    /// For `dispatch_func`.
    Dispatch(DispatchFunc),
    /// For `package_length_func`.
    Length(LengthFunc),
}

/// What became of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It is set.
    Applied,
    /// It is set to something near; the text says to what and why, and is meant for the log.
    Adjusted(String),
    /// The engine has no part in it: it concerns the language that handlers are written in, and is the embedder's.
    Embedder,
    /// A right name that this version does not act upon, and why.
    NotYet(&'static str),
    /// No such setting.
    Unknown {
        /// The right name that is most like it, if one is at all.
        nearest: Option<&'static str>,
    },
}

/// Sets one setting of a server, or, under a port's name, of the `port` that stands for all ports without settings of
/// their own.
///
/// # Errors
/// [`Error::Setting`] where the value is of the wrong type or out of range; nothing is changed then.
pub fn apply_server(config: &mut ServerConfig, port: &mut PortSettings, name: &str, value: &Value) -> Result<Known> {
    let set = Setting { name, value };
    if set.is_left_out() && is_name(name) {
        return Ok(Known::Applied);
    }
    let mut adjusted = None;
    match name {
        "reactor_num" => config.reactor_num = set.number_or(|| ServerConfig::default().reactor_num)?,
        "worker_num" => config.worker_num = set.number_or(|| ServerConfig::default().worker_num)?,
        "task_worker_num" => config.task_worker_num = set.number()?,
        "dispatch_mode" => config.dispatch_mode = set.one_of(&DISPATCH_MODES)?,
        "dispatch_func" => match value {
            Value::Func(Callback::Dispatch(func)) => config.dispatch_func = Some(func.clone()),
            _ => return set.refused("a function of the server, the connection, the event's type and the data"),
        },
        "enable_unsafe_event" => config.enable_unsafe_event = set.truth(),
        "discard_timeout_request" => config.discard_timeout_request = set.truth(),
        "enable_delay_receive" => config.enable_delay_receive = set.truth(),
        "single_thread" => config.single_thread = set.truth(),
        "max_conn" | "max_connection" => {
            let wanted: u32 = set.number_or(|| ServerConfig::default().max_conn)?;
            config.max_conn = wanted.min(descriptor_limit());
            if config.max_conn < wanted {
                let limit = config.max_conn;
                adjusted = Some(format!(
                    "{name} is lowered from {wanted} to {limit}: no more descriptors may be open (ulimit -n)"
                ));
            }
        }
        "max_concurrency" => config.max_concurrency = set.number()?,
        "worker_max_concurrency" => config.worker_max_concurrency = set.number()?,
        "max_queued_bytes" => config.max_queued_bytes = set.number()?,
        "max_request" => config.max_request = set.number()?,
        "max_request_grace" => config.max_request_grace = set.number()?,
        "task_max_request" => config.task_max_request = set.number()?,
        "task_max_request_grace" => config.task_max_request_grace = set.number()?,
        "max_wait_time" => config.max_wait_time = Duration::from_secs(set.number()?),
        "request_deadline" => return set.seconds().map(|_| Known::Embedder),
        // What it asks for is always done; Swoole's workers wait even where it is off.
        "reload_async" => {}
        "task_ipc_mode" => config.task_ipc = set.one_of(&TASK_IPC_MODES)?,
        // Keys are 32 bits, which some languages show as a signed and some as an unsigned number.
        "message_queue_key" => config.message_queue_key = set.number::<i64>()? as i32,
        "task_tmpdir" => {
            config.task_tmpdir = match set.path()? {
                Some(path) => path,
                None => return set.refused("a directory"),
            }
        }
        "buffer_output_size" | "output_buffer_size" => {
            config.output_buffer_size = set.number_or(|| ServerConfig::default().output_buffer_size)?;
        }
        "buffer_input_size" | "input_buffer_size" => {
            config.input_buffer_size = set.number_or(|| ServerConfig::default().input_buffer_size)?;
        }
        "upload_tmp_dir" => {
            config.upload_tmp_dir = set.path()?.unwrap_or_else(|| ServerConfig::default().upload_tmp_dir);
        }
        "start_session_id" => config.start_session_id = set.number()?,
        "heartbeat_check_interval" => config.heartbeat_check_interval = set.number()?,
        "daemonize" => config.daemonize = set.truth(),
        "log_file" => config.log_file = set.path()?,
        "log_level" => config.log_level = set.number()?,
        "log_rotation" => config.log_rotation = set.one_of(&LOG_ROTATIONS)?,
        "log_date_format" => config.log_date_format = set.text()?,
        "log_date_with_microseconds" => config.log_date_with_microseconds = set.truth(),
        "pid_file" => config.pid_file = set.path()?,
        "user" => config.user = set.text()?,
        "group" => config.group = set.text()?,
        "chroot" => config.chroot = set.path()?,
        "open_cpu_affinity" => config.open_cpu_affinity = set.truth(),
        "cpu_affinity_ignore" => {
            let cores = set.numbers()?;
            check_ignored_cores(&cores)?;
            config.cpu_affinity_ignore = cores;
        }
        "enable_reuse_port" => port.config.reuse_port = set.truth(),
        _ if PORT_NAMES.contains(&name) => return apply_port(port, name, value),
        _ => return Ok(set.not_applied(&[SERVER_NAMES, PORT_NAMES, PROCESS_NAMES])),
    }
    Ok(adjusted.map_or(Known::Applied, Known::Adjusted))
}

/// Sets one setting of a port.
///
/// # Errors
/// [`Error::Setting`] where the value is of the wrong type or out of range; nothing is changed then.
pub fn apply_port(port: &mut PortSettings, name: &str, value: &Value) -> Result<Known> {
    let set = Setting { name, value };
    if set.is_left_out() && PORT_NAMES.contains(&name) {
        return Ok(Known::Applied);
    }
    let (config, framing) = (&mut port.config, &mut port.framing);
    let mut adjusted = None;
    match name {
        "backlog" => config.backlog = set.number_or(|| PortConfig::default().backlog)?,
        "socket_buffer_size" => {
            config.socket_buffer_size = set.number_or(|| PortConfig::default().socket_buffer_size)?;
        }
        "buffer_high_watermark" => config.high_watermark = set.number()?,
        "buffer_low_watermark" => config.low_watermark = set.number()?,
        "slow_consumer" => {
            config.slow_consumer = match set.text()?.as_deref() {
                Some("drop") => SlowConsumer::Drop,
                Some("close") => SlowConsumer::Close,
                _ => return set.refused("drop or close"),
            }
        }
        "heartbeat_idle_time" | "max_idle_time" => port.idle_time = Some(set.number()?),
        "http_header_timeout" => config.http_header_timeout = set.seconds()?,
        "http_body_timeout" => config.http_body_timeout = set.seconds()?,
        "open_tcp_nodelay" => config.tcp_nodelay = set.truth(),
        "open_tcp_keepalive" => config.tcp_keepalive = set.truth(),
        "tcp_keepidle" => config.tcp_keepidle = set.number()?,
        "tcp_keepinterval" => config.tcp_keepinterval = set.number()?,
        "tcp_keepcount" => config.tcp_keepcount = set.number()?,
        "tcp_user_timeout" => config.tcp_user_timeout = set.number()?,
        "tcp_defer_accept" => config.tcp_defer_accept = set.number()?,
        "tcp_fastopen" => config.tcp_fastopen = set.truth(),
        "kernel_socket_recv_buffer_size" => config.recv_buffer = set.number()?,
        "kernel_socket_send_buffer_size" => config.send_buffer = set.number()?,
        "open_http_protocol" => framing.http = set.truth(),
        "open_websocket_protocol" => framing.http |= set.truth(),
        "open_redis_protocol" => framing.redis = set.truth(),
        "open_mqtt_protocol" => framing.mqtt = set.truth(),
        "open_eof_check" => framing.eof_check = set.truth(),
        "open_eof_split" => framing.eof_split = set.truth(),
        "package_eof" => {
            let eof = set.bytes()?;
            check_eof(&eof)?;
            framing.eof = eof;
        }
        "open_length_check" => framing.length_check = set.truth(),
        "package_length_type" => {
            let messages = set.bytes()?;
            match messages.first().and_then(|&message| length_type(message)) {
                Some(kind) => framing.kind = kind,
                None => return set.refused("one of the messages c C s S n v l L N V"),
            }
            if messages.len() > 1 {
                let first = char::from(messages[0]);
                adjusted = Some(format!("of {name} only the first message, {first}, counts"));
            }
        }
        "package_length_offset" => framing.offset = set.number()?,
        "package_body_offset" | "package_body_start" => framing.body_offset = set.number()?,
        "package_length_func" => match value {
            Value::Func(Callback::Length(func)) => framing.func = Some(func.clone()),
            _ => return set.refused("a function of the bytes so far that gives the packet's length"),
        },
        "package_max_length" => {
            let wanted: u64 = set.number_or(|| 0)?;
            config.package_max_length = wanted.max(LEAST_PACKAGE_MAX);
            if wanted < LEAST_PACKAGE_MAX {
                adjusted = Some(format!("{name} is raised from {wanted} to {LEAST_PACKAGE_MAX}, the least there is"));
            }
        }
        _ if name.starts_with("ssl_") && PORT_NAMES.contains(&name) && why_not(name).is_none() => {
            adjusted = tls::apply(&mut port.tls, &set)?;
        }
        _ if PORT_NAMES.contains(&name) || !is_name(name) => return Ok(set.not_applied(&[PORT_NAMES])),
        _ => return Ok(Known::NotYet("it is set for the whole server, not for a port")),
    }
    Ok(adjusted.map_or(Known::Applied, Known::Adjusted))
}

/// A port's settings while they arrive, in any order.
#[derive(Clone, Default)]
pub struct PortSettings {
    config: PortConfig,
    framing: FramingBuilder,
    idle_time: Option<u32>,
    tls: TlsConfig,
    /// The fields were set directly, framing and all: nothing is composed.
    typed: bool,
}

impl PortSettings {
    /// Settings whose fields were set directly.
    pub fn typed(config: PortConfig) -> Self {
        PortSettings { config, typed: true, ..PortSettings::default() }
    }

    /// A port that speaks HTTP unless its settings say another thing: `open_http_protocol` is on.
    pub fn speak_http(&mut self) {
        self.framing.http = true;
    }

    /// A port that speaks Redis: `open_redis_protocol` is on.
    pub fn speak_redis(&mut self) {
        self.framing.redis = true;
    }

    /// Every setting at its default.
    pub fn new() -> Self {
        PortSettings::default()
    }

    /// What the settings come to, together with those of the server: a port without `heartbeat_idle_time` closes
    /// after twice the server's `heartbeat_check_interval`. `tls`: the port speaks it, as the settings say.
    ///
    /// # Errors
    /// [`Error::Setting`] where settings are each possible, but not together.
    pub fn finish(&self, server: &ServerConfig, tls: bool) -> Result<PortConfig> {
        let mut config = self.config.clone();
        if !self.typed {
            config.framing = self.framing.finish();
            config.heartbeat_idle_time = self.idle_time.unwrap_or(server.heartbeat_check_interval.saturating_mul(2));
            config.tls = tls.then(|| self.tls.clone());
        }
        config.validate()?;
        Ok(config)
    }
}

/// The settings that say how bytes become packets, before it is known which of them count.
#[derive(Clone)]
struct FramingBuilder {
    http: bool,
    redis: bool,
    mqtt: bool,
    eof_check: bool,
    eof_split: bool,
    length_check: bool,
    eof: Vec<u8>,
    kind: LengthType,
    offset: u32,
    body_offset: u32,
    func: Option<LengthFunc>,
}

impl FramingBuilder {
    /// A protocol goes before everything, HTTP before the others; splitting at EOFs before checking for them, and either before the length.
    fn finish(&self) -> Framing {
        if self.http {
            Framing::Http
        } else if self.redis {
            Framing::Redis
        } else if self.mqtt {
            Framing::Mqtt
        } else if self.eof_split {
            Framing::EofSplit(self.eof.clone())
        } else if self.eof_check {
            Framing::EofCheck(self.eof.clone())
        } else if self.length_check {
            Framing::Length(LengthFraming {
                kind: self.kind,
                offset: self.offset,
                body_offset: self.body_offset,
                func: self.func.clone(),
            })
        } else {
            Framing::None
        }
    }
}

impl Default for FramingBuilder {
    fn default() -> Self {
        FramingBuilder {
            http: false,
            redis: false,
            mqtt: false,
            eof_check: false,
            eof_split: false,
            length_check: false,
            eof: b"\r\n".to_vec(),
            kind: LengthType::U32Be,
            offset: 0,
            body_offset: 4,
            func: None,
        }
    }
}

impl ServerConfig {
    /// Whether every field is in its range, told with the setting's name.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first field that is not.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            ("reactor_num", u64::from(self.reactor_num)),
            ("worker_num", self.worker_num.into()),
            ("task_worker_num", self.task_worker_num.into()),
            ("max_conn", self.max_conn.into()),
            ("max_wait_time", self.max_wait_time.as_secs()),
            ("output_buffer_size", self.output_buffer_size),
            ("start_session_id", self.start_session_id),
            ("log_level", self.log_level.into()),
        ] {
            check(name, value)?;
        }
        check_ignored_cores(&self.cpu_affinity_ignore)
    }
}

impl PortConfig {
    /// Whether every field is in its range, told with the setting's name.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first field that is not.
    pub fn validate(&self) -> Result<()> {
        for (name, value) in [
            // A negative backlog is as impossible as the largest number.
            ("backlog", u64::try_from(self.backlog).unwrap_or(u64::MAX)),
            ("package_max_length", self.package_max_length),
            ("socket_buffer_size", self.socket_buffer_size),
            ("buffer_high_watermark", self.high_watermark),
            ("buffer_low_watermark", self.low_watermark),
            ("http_header_timeout", self.http_header_timeout.as_secs()),
            ("http_body_timeout", self.http_body_timeout.as_secs()),
            ("tcp_keepidle", self.tcp_keepidle.into()),
            ("tcp_keepinterval", self.tcp_keepinterval.into()),
            ("tcp_keepcount", self.tcp_keepcount.into()),
            ("tcp_user_timeout", self.tcp_user_timeout.into()),
            ("tcp_defer_accept", self.tcp_defer_accept.into()),
            ("kernel_socket_recv_buffer_size", self.recv_buffer.into()),
            ("kernel_socket_send_buffer_size", self.send_buffer.into()),
        ] {
            check(name, value)?;
        }
        match &self.framing {
            Framing::None | Framing::Http | Framing::Redis | Framing::Mqtt => Ok(()),
            Framing::EofCheck(eof) | Framing::EofSplit(eof) => check_eof(eof),
            Framing::Length(length) => {
                check("package_length_offset", length.offset.into())?;
                check("package_body_offset", length.body_offset.into())?;
                let header = u64::from(length.offset) + length.kind.size() as u64;
                if header > self.package_max_length {
                    let wants =
                        format!("the length field must be within package_max_length, {}", self.package_max_length);
                    return Err(refusal("package_length_offset", length.offset, wants));
                }
                Ok(())
            }
        }
    }
}

/// Which numbers a setting takes: the least, the most, and of what. One of the least 1 takes 0 by its name for "the
/// default", where it has one.
fn bounds(name: &str) -> (i64, i64, &'static str) {
    let per_core = || 1000 * std::thread::available_parallelism().map_or(1, |cores| cores.get() as i64);
    match name {
        "reactor_num" => (1, 256, "threads"),
        "worker_num" => (1, per_core(), "processes: 1000 for each core"),
        "task_worker_num" => (0, per_core(), "processes: 1000 for each core"),
        "dispatch_mode" => (1, 10, "a mode"),
        "task_ipc_mode" => (1, 3, "a mode"),
        "log_level" => (0, 6, "a level"),
        "log_rotation" => (0, 4, "a period"),
        "max_conn" | "max_connection" => (1, U32_MAX, "connections"),
        "message_queue_key" => (i64::from(i32::MIN), U32_MAX, "a key"),
        "buffer_input_size" | "input_buffer_size" | "buffer_output_size" | "output_buffer_size"
        | "package_max_length" | "socket_buffer_size" => (1, U32_MAX, "bytes"),
        "start_session_id" => (1, i64::MAX, "an id"),
        "buffer_high_watermark" | "buffer_low_watermark" => (0, U32_MAX, "bytes"),
        "kernel_socket_recv_buffer_size" | "kernel_socket_send_buffer_size" => (0, I32_MAX, "bytes"),
        "package_length_offset" | "package_body_offset" | "package_body_start" => (0, 65_535, "bytes"),
        "backlog" => (1, I32_MAX, "connections"),
        // The kernel's own bounds: MAX_TCP_KEEPIDLE and the like.
        "tcp_keepidle" | "tcp_keepinterval" => (0, 32_767, "seconds"),
        "tcp_keepcount" => (0, 127, "probes"),
        "tcp_user_timeout" => (0, I32_MAX, "milliseconds"),
        "tcp_defer_accept" => (0, I32_MAX, "seconds"),
        "heartbeat_check_interval" | "heartbeat_idle_time" | "max_idle_time" | "max_wait_time" => {
            (0, U32_MAX, "seconds")
        }
        "http_header_timeout" | "http_body_timeout" | "request_deadline" => (0, 86_400, "seconds"),
        "ssl_handshake_timeout" => (1, 3600, "seconds"),
        "ssl_verify_depth" => (0, 100, "issuers"),
        _ => (0, U32_MAX, "a number"),
    }
}

fn check(name: &str, value: u64) -> Result<()> {
    let (least, most, _) = bounds(name);
    match i64::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(()),
        _ => Err(refusal(name, value, wants_number(name))),
    }
}

fn wants_number(name: &str) -> String {
    let (least, most, what) = bounds(name);
    format!("a whole number from {least} to {most} ({what})")
}

fn check_eof(eof: &[u8]) -> Result<()> {
    if (1..=8).contains(&eof.len()) {
        return Ok(());
    }
    Err(refusal("package_eof", Value::Str(eof.to_vec()), "1 to 8 bytes".to_owned()))
}

fn check_ignored_cores(ignored: &[u32]) -> Result<()> {
    if ignored.is_empty() || affinity::cores()?.iter().any(|core| !ignored.contains(core)) {
        return Ok(());
    }
    let value = Value::List(ignored.iter().map(|&core| Value::Int(core.into())).collect());
    Err(refusal("cpu_affinity_ignore", value, "core numbers that leave at least one core to run on".to_owned()))
}

fn refusal(name: &str, value: impl fmt::Display, wants: String) -> Error {
    Error::Setting { name: name.to_owned(), value: value.to_string(), expected: wants }
}

fn length_type(message: u8) -> Option<LengthType> {
    Some(match message {
        b'c' => LengthType::I8,
        b'C' => LengthType::U8,
        b's' => LengthType::I16,
        b'S' => LengthType::U16,
        b'n' => LengthType::U16Be,
        b'v' => LengthType::U16Le,
        b'l' => LengthType::I32,
        b'L' => LengthType::U32,
        b'N' => LengthType::U32Be,
        b'V' => LengthType::U32Le,
        _ => return None,
    })
}

/// One setting on its way to its field: conversions as PHP does them, where they lose no meaning.
struct Setting<'a> {
    name: &'a str,
    value: &'a Value,
}

impl Setting<'_> {
    fn is_left_out(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    fn refused<T>(&self, wants: impl Into<String>) -> Result<T> {
        Err(refusal(self.name, self.value, wants.into()))
    }

    fn truth(&self) -> bool {
        match self.value {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(value) => !matches!(value.as_slice(), b"" | b"0"),
            Value::List(values) => !values.is_empty(),
            Value::Map(values) => !values.is_empty(),
            Value::Func(_) => true,
        }
    }

    /// A number within the setting's bounds.
    fn number<T: TryFrom<i64>>(&self) -> Result<T> {
        let (least, most, _) = bounds(self.name);
        let number = whole_number(self.value).filter(|number| (least..=most).contains(number));
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(number) => Ok(number),
            None => self.refused(wants_number(self.name)),
        }
    }

    /// Seconds within the setting's bounds, with their fraction: not finer than a millisecond.
    fn seconds(&self) -> Result<Duration> {
        let (least, most, what) = bounds(self.name);
        match real_number(self.value).filter(|number| (least as f64..=most as f64).contains(number)) {
            Some(seconds) => Ok(Duration::from_millis((seconds * 1000.0).round() as u64)),
            None => self.refused(format!("a number from {least} to {most} ({what})")),
        }
    }

    /// The same as [`number`](Setting::number), and 0 for the default.
    fn number_or<T: TryFrom<i64>>(&self, default: impl FnOnce() -> T) -> Result<T> {
        if whole_number(self.value) == Some(0) {
            return Ok(default());
        }
        self.number()
    }

    /// Several numbers; one alone is not a list.
    fn numbers(&self) -> Result<Vec<u32>> {
        let numbers: Option<Vec<u32>> = match self.value {
            Value::List(values) => values.iter().map(small_number).collect(),
            Value::Map(values) => values.iter().map(|(_, value)| small_number(value)).collect(),
            _ => None,
        };
        numbers.map_or_else(|| self.refused("a list of whole numbers from 0"), Ok)
    }

    /// What stands at the number's place, counted from the least.
    fn one_of<T: Copy>(&self, choices: &[T]) -> Result<T> {
        let (least, ..) = bounds(self.name);
        Ok(choices[self.number::<i64>()?.abs_diff(least) as usize])
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        match self.value {
            Value::Str(bytes) => Ok(bytes.clone()),
            Value::Int(number) => Ok(number.to_string().into_bytes()),
            Value::Float(number) => Ok(number.to_string().into_bytes()),
            Value::Bool(true) => Ok(b"1".to_vec()),
            Value::Bool(false) | Value::Null => Ok(Vec::new()),
            Value::List(_) | Value::Map(_) | Value::Func(_) => self.refused("a string"),
        }
    }

    /// `None`: an empty string.
    fn text(&self) -> Result<Option<String>> {
        let Ok(text) = String::from_utf8(self.bytes()?) else {
            return self.refused("a string in UTF-8");
        };
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// `None`: an empty string.
    fn path(&self) -> Result<Option<PathBuf>> {
        let bytes = self.bytes()?;
        if bytes.contains(&0) {
            return self.refused("a path, which has no NUL byte");
        }
        Ok(Some(PathBuf::from(OsString::from_vec(bytes))).filter(|path| !path.as_os_str().is_empty()))
    }

    /// What is to be said of a name that has no field.
    fn not_applied(&self, kinds: &[&[&'static str]]) -> Known {
        if !is_name(self.name) {
            return Known::Unknown { nearest: nearest(self.name, kinds) };
        }
        match why_not(self.name) {
            // What is off needs nobody to act upon it.
            Some(_) if matches!(self.value, Value::Bool(false)) => Known::Applied,
            Some(why) => Known::NotYet(why),
            None => Known::Embedder,
        }
    }
}

/// The number that PHP makes of a value, unless it is one of those that PHP makes of something that is no number.
fn whole_number(value: &Value) -> Option<i64> {
    let from_float = |number: f64| {
        let whole = number.trunc();
        // The bounds are exactly representable: -2^63 and 2^63.
        (whole >= i64::MIN as f64 && whole < -(i64::MIN as f64)).then_some(whole as i64)
    };
    match value {
        Value::Null => Some(0),
        Value::Bool(value) => Some((*value).into()),
        Value::Int(value) => Some(*value),
        Value::Float(value) => from_float(*value),
        Value::Str(bytes) => {
            let text = std::str::from_utf8(bytes).ok()?.trim_ascii();
            // Rust also reads `inf` and `nan`, which PHP does not.
            let numeric = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
            if !numeric {
                return None;
            }
            text.parse().ok().or_else(|| from_float(text.parse().ok()?))
        }
        Value::List(_) | Value::Map(_) | Value::Func(_) => None,
    }
}

/// The same with its fraction.
fn real_number(value: &Value) -> Option<f64> {
    match value {
        Value::Float(value) => Some(*value),
        // A number that is whole is no less a number.
        Value::Str(bytes) if whole_number(value).is_some() => {
            std::str::from_utf8(bytes).ok()?.trim_ascii().parse().ok()
        }
        _ => whole_number(value).map(|number| number as f64),
    }
}

fn small_number(value: &Value) -> Option<u32> {
    whole_number(value).and_then(|number| u32::try_from(number).ok())
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => value.fmt(f),
            Value::Int(value) => value.fmt(f),
            Value::Float(value) => value.fmt(f),
            Value::Str(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Value::List(values) => {
                f.write_str("[")?;
                for (index, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Map(values) => {
                f.write_str("[")?;
                for (index, (name, value)) in values.iter().enumerate() {
                    write!(f, "{}{name} => {value}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Value::Func(_) => f.write_str("a function"),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

const DISPATCH_MODES: [DispatchMode; 10] = [
    DispatchMode::RoundRobin,
    DispatchMode::Connection,
    DispatchMode::Idle,
    DispatchMode::Address,
    DispatchMode::Uid,
    DispatchMode::User,
    DispatchMode::Stream,
    DispatchMode::ConnectionLoad,
    DispatchMode::RequestLoad,
    DispatchMode::Concurrency,
];
const TASK_IPC_MODES: [TaskIpc; 3] = [TaskIpc::Direct, TaskIpc::Queue, TaskIpc::Preemptive];
const LOG_ROTATIONS: [LogRotation; 5] =
    [LogRotation::Single, LogRotation::Monthly, LogRotation::Daily, LogRotation::Hourly, LogRotation::EveryMinute];

/// Below this `package_max_length` is raised, bytes: programs written for Swoole set less and send more.
const LEAST_PACKAGE_MAX: u64 = 65_536;
const U32_MAX: i64 = u32::MAX as i64;
const I32_MAX: i64 = i32::MAX as i64;
