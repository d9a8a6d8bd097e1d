//! Settings by name: what an embedder's `set(["worker_num" => 4])` becomes.
//!
//! Rust programs set the fields of [`ServerConfig`] and [`PortConfig`] themselves. Both ways meet in one table of ranges
//! (`bounds`): a value refused under its name is refused in its field with the same words.

use crate::config::{
    DispatchFunc, DispatchMode, Framing, LengthFraming, LengthFunc, LengthType, LogRotation, PortConfig, ServerConfig,
    TaskIpc, TlsConfig, descriptor_limit,
};
use crate::error::{Error, Result};
use crate::sys::affinity;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

mod tls;

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
            let letters = set.bytes()?;
            match letters.first().and_then(|&letter| length_type(letter)) {
                Some(kind) => framing.kind = kind,
                None => return set.refused("one of the letters c C s S n v l L N V"),
            }
            if letters.len() > 1 {
                let first = char::from(letters[0]);
                adjusted = Some(format!("of {name} only the first letter, {first}, counts"));
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
        "buffer_output_size" | "output_buffer_size" | "package_max_length" | "socket_buffer_size" => {
            (1, U32_MAX, "bytes")
        }
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
    Error::Setting { name: name.to_owned(), value: value.to_string(), wants }
}

fn length_type(letter: u8) -> Option<LengthType> {
    Some(match letter {
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

/// Why a right name has no field here; `None` where it is the embedder's to act upon.
fn why_not(name: &str) -> Option<&'static str> {
    Some(match name {
        "url_rewrite_rules" => "targets are not rewritten by this version",
        "open_http2_protocol" => "HTTP/2 is not served by this version",
        "bootstrap" | "init_arguments" => "they begin threads, and this engine's workers are processes",
        "buffer_input_size" | "input_buffer_size" => "package_max_length bounds what is kept of an unfinished packet",
        "max_queued_bytes" => "connections of a worker that is behind are not read until it has caught up",
        "debug_mode" | "trace_flags" => "log_level says how much is logged",
        "admin_server" | "stats_file" | "stats_timer_interval" => "this version has no such helper",
        "ssl_dhparam" => "keys are agreed upon over curves only (ssl_ecdh_curve)",
        "ssl_compress" => "compression would give secrets away (CVE-2012-4929)",
        _ => return None,
    })
}

fn is_name(name: &str) -> bool {
    [SERVER_NAMES, PORT_NAMES, PROCESS_NAMES].iter().any(|names| names.contains(&name))
}

/// The name most like `name`, if it takes at most three strokes to put right, and fewer than half its letters.
fn nearest(name: &str, kinds: &[&[&'static str]]) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    if name.len() > LONGEST_MISSPELLING {
        return None;
    }
    let names = kinds.iter().flat_map(|names| names.iter().copied());
    let (strokes, best) =
        names.map(|right| (strokes_between(&name, right), right)).min_by_key(|&(strokes, _)| strokes)?;
    (strokes <= 3 && strokes * 2 < best.len()).then_some(best)
}

/// How many letters must be put in, left out, replaced or swapped with their neighbour to make one word of another
/// (the Damerau-Levenshtein distance, no letter moved twice).
fn strokes_between(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut before = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for i in 0..from.len() {
        let mut row = vec![i + 1; to.len() + 1];
        for j in 0..to.len() {
            let replaced = above[j] + usize::from(from[i] != to[j]);
            row[j + 1] = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j] {
                let swapped: &Vec<usize> = &before;
                row[j + 1] = row[j + 1].min(swapped[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
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
/// A longer word is not a misspelt name, bytes.
const LONGEST_MISSPELLING: usize = 64;
const U32_MAX: i64 = u32::MAX as i64;
const I32_MAX: i64 = i32::MAX as i64;

/// What a server can be set.
const SERVER_NAMES: &[&str] = &[
    "bootstrap",
    "buffer_input_size",
    "buffer_output_size",
    "chroot",
    "compression_level",
    "compression_min_length",
    "compression_types",
    "cpu_affinity_ignore",
    "daemonize",
    "discard_timeout_request",
    "dispatch_func",
    "dispatch_mode",
    "document_root",
    "enable_coroutine",
    "enable_delay_receive",
    "enable_reuse_port",
    "enable_static_handler",
    "enable_unsafe_event",
    "event_object",
    "group",
    "heartbeat_check_interval",
    "heartbeat_idle_time",
    "http_autoindex",
    "http_compression",
    "http_compression_level",
    "http_compression_min_length",
    "http_compression_types",
    "http_gzip_level",
    "http_index_files",
    "http_parse_cookie",
    "http_parse_files",
    "http_parse_post",
    "init_arguments",
    "input_buffer_size",
    "max_concurrency",
    "max_conn",
    "max_connection",
    "max_queued_bytes",
    "max_request",
    "max_request_grace",
    "max_wait_time",
    "message_queue_key",
    "open_cpu_affinity",
    "output_buffer_size",
    "pid_file",
    "reactor_num",
    "reload_async",
    "request_deadline",
    "send_timeout",
    "send_yield",
    "single_thread",
    "start_session_id",
    "static_handler_locations",
    "task_enable_coroutine",
    "task_ipc_mode",
    "task_max_request",
    "task_max_request_grace",
    "task_object",
    "task_tmpdir",
    "task_use_object",
    "task_worker_num",
    "upload_max_filesize",
    "upload_tmp_dir",
    "url_rewrite_rules",
    "user",
    "websocket_compression",
    "worker_max_concurrency",
    "worker_num",
];

/// What a port can be set, and a server for all its ports.
const PORT_NAMES: &[&str] = &[
    "backlog",
    "buffer_high_watermark",
    "buffer_low_watermark",
    "heartbeat_idle_time",
    "http_body_timeout",
    "http_header_timeout",
    "kernel_socket_recv_buffer_size",
    "kernel_socket_send_buffer_size",
    "max_idle_time",
    "open_eof_check",
    "open_eof_split",
    "open_http2_protocol",
    "open_http_protocol",
    "open_length_check",
    "open_mqtt_protocol",
    "open_redis_protocol",
    "open_tcp_keepalive",
    "open_tcp_nodelay",
    "open_websocket_close_frame",
    "open_websocket_ping_frame",
    "open_websocket_pong_frame",
    "open_websocket_protocol",
    "package_body_offset",
    "package_body_start",
    "package_eof",
    "package_length_func",
    "package_length_offset",
    "package_length_type",
    "package_max_length",
    "socket_buffer_size",
    "ssl_allow_self_signed",
    "ssl_cafile",
    "ssl_capath",
    "ssl_cert_file",
    "ssl_ciphers",
    "ssl_client_cert_file",
    "ssl_compress",
    "ssl_dhparam",
    "ssl_ecdh_curve",
    "ssl_handshake_timeout",
    "ssl_key_file",
    "ssl_prefer_server_ciphers",
    "ssl_protocols",
    "ssl_sni_certs",
    "ssl_verify_depth",
    "ssl_verify_peer",
    "tcp_defer_accept",
    "tcp_fastopen",
    "tcp_keepcount",
    "tcp_keepidle",
    "tcp_keepinterval",
    "tcp_user_timeout",
    "websocket_subprotocol",
];

/// What a server can be set too, though it concerns the whole process.
const PROCESS_NAMES: &[&str] = &[
    "debug_mode",
    "display_errors",
    "dns_server",
    "http2_enable_push",
    "http2_header_table_size",
    "http2_init_window_size",
    "http2_max_concurrent_streams",
    "http2_max_frame_size",
    "http2_max_header_list_size",
    "http2_max_headers",
    "log_date_format",
    "log_date_with_microseconds",
    "log_file",
    "log_level",
    "log_rotation",
    "socket_connect_timeout",
    "socket_dns_timeout",
    "socket_read_timeout",
    "socket_recv_timeout",
    "socket_send_timeout",
    "socket_timeout",
    "socket_write_timeout",
    "trace_flags",
    "aio_core_worker_num",
    "aio_max_idle_time",
    "aio_max_wait_time",
    "aio_worker_num",
    "dns_cache_refresh_time",
    "dns_lookup_random",
    "enable_signalfd",
    "iouring_entries",
    "iouring_flag",
    "iouring_workers",
    "max_thread_num",
    "min_thread_num",
    "socket_dontwait",
    "thread_num",
    "use_async_resolver",
    "wait_signal",
    "c_stack_size",
    "dns_cache_capacity",
    "dns_cache_expire",
    "enable_deadlock_check",
    "enable_preemptive_scheduler",
    "hook_flags",
    "max_coro_num",
    "max_coroutine",
    "name_resolver",
    "stack_size",
    "admin_server",
    "stats_file",
    "stats_timer_interval",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Dispatch;
    use std::sync::Arc;

    fn text(text: &str) -> Value {
        Value::Str(text.as_bytes().to_vec())
    }

    fn set(settings: &[(&str, Value)]) -> Result<(ServerConfig, PortConfig)> {
        let (mut server, mut port) = (ServerConfig::default(), PortSettings::new());
        for (name, value) in settings {
            let known = apply_server(&mut server, &mut port, name, value)?;
            assert!(matches!(known, Known::Applied | Known::Adjusted(_)), "{name}: {known:?}");
        }
        let port = port.finish(&server, false)?;
        Ok((server, port))
    }

    fn refused(name: &str, value: Value) -> String {
        match set(&[(name, value.clone())]) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{name} takes {value}"),
        }
    }

    fn known(name: &str, value: Value) -> Known {
        apply_server(&mut ServerConfig::default(), &mut PortSettings::new(), name, &value).unwrap()
    }

    #[test]
    fn values_are_converted_as_php_converts_them() {
        for (value, wanted) in [
            (text("3"), 3),
            (text(" 3\n"), 3),
            (text("2.9"), 2),
            (text("1e2"), 100),
            (Value::Bool(true), 1),
            (Value::Float(2.7), 2),
        ] {
            assert_eq!(set(&[("max_request", value)]).unwrap().0.max_request, wanted);
        }
        for (value, wanted) in [
            (text("yes"), true),
            (text("0"), false),
            (text(""), false),
            (Value::Int(2), true),
            (Value::Float(0.0), false),
            (Value::List(vec![]), false),
        ] {
            assert_eq!(set(&[("daemonize", value)]).unwrap().0.daemonize, wanted);
        }
        assert!(set(&[("discard_timeout_request", Value::Null)]).unwrap().0.discard_timeout_request);
    }

    #[test]
    fn what_is_no_number_is_refused_with_name_value_and_range() {
        let cores = std::thread::available_parallelism().unwrap().get();
        let range = format!("a whole number from 1 to {} (processes: 1000 for each core)", 1000 * cores);
        assert_eq!(refused("worker_num", text("abc")), format!("setting worker_num: \"abc\" is refused: {range}"));
        for value in [text(""), text("8M"), text("inf"), text("0x10"), Value::List(vec![]), Value::Float(f64::NAN)] {
            assert!(refused("worker_num", value).ends_with(&range));
        }
        assert!(refused("worker_num", Value::Map(vec![("a".into(), Value::Int(1))])).contains("[a => 1] is refused"));
    }

    #[test]
    fn numbers_out_of_range_are_refused_and_zero_is_the_default_where_it_says_so() {
        for (name, bad) in [
            ("worker_num", vec![-1, 100_000_000]),
            ("task_worker_num", vec![-1, 100_000_000]),
            ("reactor_num", vec![-1, 257, 10_000]),
            ("dispatch_mode", vec![-1, 0, 11, 99]),
            ("task_ipc_mode", vec![0, 4, 9]),
            ("log_level", vec![-1, 7, 99]),
            ("log_rotation", vec![-1, 5]),
            ("max_conn", vec![-1]),
            ("max_connection", vec![-1]),
            ("heartbeat_check_interval", vec![-1]),
            ("heartbeat_idle_time", vec![-1]),
            ("max_wait_time", vec![-1]),
            ("package_max_length", vec![-1, 1 << 32]),
            ("start_session_id", vec![-1, 0]),
            ("backlog", vec![-1, 1 << 31]),
            ("tcp_keepidle", vec![-1, 32_768]),
            ("package_length_offset", vec![-1, 65_536]),
            ("message_queue_key", vec![1 << 32]),
        ] {
            for bad in bad {
                assert!(refused(name, Value::Int(bad)).contains("is refused: a whole number from "));
            }
        }
        let default = ServerConfig::default();
        let zero = ["worker_num", "reactor_num", "max_conn", "output_buffer_size", "backlog", "socket_buffer_size"];
        let (server, port) = set(&zero.map(|name| (name, Value::Int(0)))).unwrap();
        assert_eq!((server.worker_num, server.reactor_num), (default.worker_num, default.reactor_num));
        assert_eq!((server.max_conn, server.output_buffer_size), (default.max_conn, default.output_buffer_size));
        assert_eq!((port.backlog, port.socket_buffer_size), (511, 8 << 20));
    }

    #[test]
    fn a_field_is_refused_in_the_words_its_name_is() {
        let server = ServerConfig { reactor_num: 257, ..ServerConfig::default() };
        assert_eq!(server.validate().unwrap_err().to_string(), refused("reactor_num", Value::Int(257)));
        let port = PortConfig { tcp_keepcount: 128, ..PortConfig::default() };
        assert_eq!(port.validate().unwrap_err().to_string(), refused("tcp_keepcount", Value::Int(128)));
        let port = PortConfig { framing: Framing::EofSplit(Vec::new()), ..PortConfig::default() };
        assert_eq!(port.validate().unwrap_err().to_string(), refused("package_eof", text("")));
        assert!(PortConfig { backlog: -1, ..PortConfig::default() }.validate().is_err());
        assert!(ServerConfig { worker_num: 0, ..ServerConfig::default() }.validate().is_err());
        ServerConfig::default().validate().unwrap();
        PortConfig::default().validate().unwrap();
    }

    #[test]
    fn aliases_mean_the_same_field() {
        for name in ["max_conn", "max_connection"] {
            assert_eq!(set(&[(name, Value::Int(9))]).unwrap().0.max_conn, 9);
        }
        for name in ["output_buffer_size", "buffer_output_size"] {
            assert_eq!(set(&[(name, Value::Int(9))]).unwrap().0.output_buffer_size, 9);
        }
        for name in ["heartbeat_idle_time", "max_idle_time"] {
            assert_eq!(set(&[(name, Value::Int(9))]).unwrap().1.heartbeat_idle_time, 9);
        }
        for name in ["package_body_offset", "package_body_start"] {
            let (_, port) = set(&[("open_length_check", Value::Bool(true)), (name, Value::Int(9))]).unwrap();
            assert!(matches!(port.framing, Framing::Length(length) if length.body_offset == 9));
        }
    }

    #[test]
    fn more_connections_than_descriptors_are_lowered_and_told() {
        match known("max_conn", Value::Int(i64::from(u32::MAX) - 1)) {
            Known::Adjusted(text) => assert!(text.starts_with("max_conn is lowered from 4294967294 to "), "{text}"),
            other => assert_eq!((descriptor_limit() >= u32::MAX - 1, other), (true, Known::Applied)),
        }
    }

    #[test]
    fn framing_settings_come_in_any_order() {
        let on = |name| (name, Value::Bool(true));
        let eof = ("package_eof", text("|"));
        for (settings, split) in [
            (vec![eof.clone(), on("open_eof_check")], false),
            (vec![on("open_eof_check"), eof.clone()], false),
            (vec![on("open_eof_split"), on("open_eof_check"), eof.clone()], true),
            (vec![on("open_eof_check"), eof.clone(), on("open_eof_split"), on("open_length_check")], true),
        ] {
            match set(&settings).unwrap().1.framing {
                Framing::EofSplit(eof) => assert_eq!((eof.as_slice(), split), (&b"|"[..], true)),
                Framing::EofCheck(eof) => assert_eq!((eof.as_slice(), split), (&b"|"[..], false)),
                _ => panic!("no framing by EOF"),
            }
        }
        assert!(matches!(set(&[eof]).unwrap().1.framing, Framing::None));
        let (_, port) = set(&[
            ("package_length_type", text("n")),
            ("package_length_offset", Value::Int(2)),
            on("open_length_check"),
            ("package_length_func", Value::Func(Callback::Length(Arc::new(|data| data.len() as i64)))),
        ])
        .unwrap();
        let Framing::Length(length) = port.framing else { panic!("no framing by length") };
        assert_eq!((length.kind, length.offset, length.body_offset), (LengthType::U16Be, 2, 4));
        assert_eq!(length.func.map(|func| func(b"abc")), Some(3));
    }

    #[test]
    fn length_types_are_letters_of_which_the_first_counts() {
        for letter in "cCsSnvlLNV".chars() {
            assert_eq!(known("package_length_type", text(&letter.to_string())), Known::Applied);
        }
        for bad in [text("x"), text(""), Value::Int(5)] {
            assert!(refused("package_length_type", bad).ends_with("one of the letters c C s S n v l L N V"));
        }
        assert!(matches!(known("package_length_type", text("NN")), Known::Adjusted(_)));
    }

    #[test]
    fn an_eof_has_one_to_eight_bytes() {
        assert_eq!(known("package_eof", text("12345678")), Known::Applied);
        assert_eq!(
            refused("package_eof", text("123456789")),
            "setting package_eof: \"123456789\" is refused: 1 to 8 bytes"
        );
        assert_eq!(refused("package_eof", text("")), "setting package_eof: \"\" is refused: 1 to 8 bytes");
    }

    #[test]
    fn a_small_package_max_length_is_raised() {
        for small in [0, 10, 65_535] {
            assert!(matches!(known("package_max_length", Value::Int(small)), Known::Adjusted(_)));
            assert_eq!(set(&[("package_max_length", Value::Int(small))]).unwrap().1.package_max_length, 65_536);
        }
        assert_eq!(known("package_max_length", Value::Int(65_536)), Known::Applied);
    }

    #[test]
    fn the_idle_time_is_twice_the_interval_unless_it_is_set() {
        let interval = ("heartbeat_check_interval", Value::Int(5));
        assert_eq!(set(std::slice::from_ref(&interval)).unwrap().1.heartbeat_idle_time, 10);
        assert_eq!(set(&[("heartbeat_idle_time", Value::Int(7)), interval]).unwrap().1.heartbeat_idle_time, 7);
        assert_eq!(set(&[]).unwrap().1.heartbeat_idle_time, 0);
    }

    #[test]
    fn functions_are_taken_where_they_belong_and_nothing_else_is() {
        let dispatch = || Value::Func(Callback::Dispatch(Arc::new(|_, _, _| Dispatch::Fallback)));
        assert!(set(&[("dispatch_func", dispatch())]).unwrap().0.dispatch_func.is_some());
        assert!(refused("dispatch_func", text("nope")).contains("\"nope\" is refused: a function of"));
        assert!(refused("package_length_func", dispatch()).contains("a function is refused: a function of the bytes"));
    }

    #[test]
    fn at_least_one_core_must_be_left() {
        let numbers = |n: u32| Value::List((0..n).map(|core| Value::Int(core.into())).collect());
        assert!(refused("cpu_affinity_ignore", numbers(1024)).contains("at least one core"));
        assert!(refused("cpu_affinity_ignore", Value::Int(0)).contains("a list of whole numbers"));
        assert_eq!(known("cpu_affinity_ignore", numbers(0)), Known::Applied);
    }

    #[test]
    fn strings_and_paths_are_taken_and_empty_ones_mean_none() {
        let (server, _) = set(&[
            ("log_file", text("/tmp/a.log")),
            ("pid_file", text("")),
            ("user", text("www")),
            ("message_queue_key", text("5")),
            ("log_date_format", text("%H")),
        ])
        .unwrap();
        assert_eq!(server.log_file, Some(PathBuf::from("/tmp/a.log")));
        assert_eq!((server.pid_file, server.user.as_deref(), server.message_queue_key), (None, Some("www"), 5));
        assert!(refused("log_file", text("a\0b")).contains("NUL"));
        assert!(refused("user", Value::Str(vec![0xFF])).contains("UTF-8"));
        assert!(refused("task_tmpdir", text("")).contains("a directory"));
    }

    #[test]
    fn seconds_keep_their_fraction_and_their_range() {
        let set = |value: Value| {
            let mut port = PortSettings::new();
            apply_port(&mut port, "http_header_timeout", &value).map(|_| port.config.http_header_timeout)
        };
        for (value, wanted) in [
            (Value::Int(7), 7000),
            (Value::Float(0.25), 250),
            (text(" 1.5 "), 1500),
            (Value::Bool(false), 0),
            (Value::Int(86_400), 86_400_000),
        ] {
            assert_eq!(set(value.clone()).ok(), Some(Duration::from_millis(wanted)), "{value}");
        }
        for value in [Value::Int(-1), Value::Float(-0.1), Value::Float(f64::NAN), Value::Int(86_401), text("soon")] {
            let told = set(value.clone()).expect_err("it is refused").to_string();
            assert!(told.contains("a number from 0 to 86400 (seconds)"), "{value}: {told}");
        }
    }

    #[test]
    fn every_right_name_is_known_and_left_out_by_null() {
        for name in SERVER_NAMES.iter().chain(PORT_NAMES).chain(PROCESS_NAMES) {
            assert_eq!(known(name, Value::Null), Known::Applied, "{name}");
            let one = apply_server(&mut ServerConfig::default(), &mut PortSettings::new(), name, &Value::Int(1));
            assert!(!matches!(one, Ok(Known::Unknown { .. })), "{name}");
        }
        assert_eq!(known("open_http_protocol", Value::Bool(false)), Known::Applied);
        assert!(matches!(known("open_http2_protocol", Value::Bool(true)), Known::NotYet(_)));
        assert!(matches!(known("ssl_dhparam", text("/a")), Known::NotYet(_)));
        assert_eq!(known("enable_coroutine", Value::Bool(true)), Known::Embedder);
        assert_eq!(known("hook_flags", Value::Int(1)), Known::Embedder);
    }

    #[test]
    fn a_misspelt_name_is_told_with_the_right_one() {
        for (wrong, right) in [
            ("worker_nun", Some("worker_num")),
            ("wroker_num", Some("worker_num")),
            ("Worker_Num", Some("worker_num")),
            ("open_eof_chek", Some("open_eof_check")),
            ("no_such_option", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(known(wrong, Value::Int(1)), Known::Unknown { nearest: right }, "{wrong}");
        }
        let port = apply_port(&mut PortSettings::new(), "worker_num", &Value::Int(1)).unwrap();
        assert_eq!(port, Known::NotYet("it is set for the whole server, not for a port"));
        let port = apply_port(&mut PortSettings::new(), "backlok", &Value::Int(1)).unwrap();
        assert_eq!(port, Known::Unknown { nearest: Some("backlog") });
    }

    #[test]
    fn strokes_are_counted_with_swaps_as_one() {
        assert_eq!(strokes_between("", "abc"), 3);
        assert_eq!(strokes_between("abc", "abc"), 0);
        assert_eq!(strokes_between("acb", "abc"), 1);
        assert_eq!(strokes_between("kitten", "sitting"), 3);
    }

    #[test]
    fn the_table_of_parity_tells_the_truth_of_every_setting() {
        let table = include_str!("../../../docs/PARITY.md");
        for name in SERVER_NAMES.iter().chain(PORT_NAMES).chain(PROCESS_NAMES) {
            let row = table.lines().find_map(|line| line.strip_prefix(&format!("| `{name}` | ")));
            let state = row.unwrap_or_else(|| panic!("docs/PARITY.md has no row for {name}"));
            let (mut config, mut port) = (ServerConfig::default(), PortSettings::new());
            let has_effect = match apply_server(&mut config, &mut port, name, &Value::Int(1)) {
                Ok(Known::NotYet(_)) => Some(false),
                Ok(Known::Embedder) => None,
                Ok(Known::Unknown { .. }) => panic!("{name} is no name"),
                _ => Some(true),
            };
            let says = !state.starts_with("missing") && !state.starts_with("no effect");
            assert!(has_effect.is_none_or(|has| has == says), "{name}: {state}");
        }
    }
}
