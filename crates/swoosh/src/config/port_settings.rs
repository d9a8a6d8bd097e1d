//! A port's settings while they arrive by name, in any order.

use super::http2::Http2Config;
use super::port::PortConfig;
use super::server::ServerConfig;
use super::tls::TlsConfig;
use std::time::Duration;
use swoosh_proto::framing::{Framing, LengthFraming, LengthFunc, LengthType};

/// A port's settings while they arrive, in any order; [`finish`](Self::finish) composes them.
///
/// ```
/// use swoosh::config::{Framing, PortSettings, ServerConfig, Value, apply_port};
///
/// let mut port = PortSettings::new();
/// apply_port(&mut port, "package_eof", &Value::from("\n")).unwrap();
/// apply_port(&mut port, "open_eof_split", &Value::Bool(true)).unwrap();
/// let config = port.finish(&ServerConfig::default(), false).unwrap();
/// assert!(matches!(config.framing, Framing::EofSplit(eof) if eof == b"\n"));
/// ```
#[derive(Clone, Default)]
pub struct PortSettings {
    pub(super) config: PortConfig,
    pub(super) framing: FramingBuilder,
    pub(super) package_max_length: Option<u64>,
    pub(super) idle_time: Option<u32>,
    pub(super) tls: TlsConfig,
    pub(super) speaks_http2: bool,
    pub(super) http2: Http2Config,
    /// The fields were set directly, framing included: nothing is composed.
    typed: bool,
}

impl PortSettings {
    /// Every setting at its default.
    pub fn new() -> Self {
        PortSettings::default()
    }

    /// Settings whose fields were set directly.
    pub fn typed(config: PortConfig) -> Self {
        PortSettings { config, typed: true, ..PortSettings::default() }
    }

    /// Turns `open_http_protocol` on, as the first port of an HTTP server does; later settings may turn it off.
    pub fn speak_http(&mut self) {
        self.framing.http = true;
    }

    /// Turns `open_redis_protocol` on, as the first port of a Redis server does.
    pub fn speak_redis(&mut self) {
        self.framing.redis = true;
    }

    /// `package_max_length` as it was given, bytes, without the minimum that ports of a server have.
    pub fn package_max_length(&self) -> Option<u64> {
        self.package_max_length
    }

    /// `http_header_timeout`; zero: no limit.
    pub fn http_header_timeout(&self) -> Duration {
        self.config.http_header_timeout
    }

    /// `http_require_host`.
    pub fn http_require_host(&self) -> bool {
        self.config.http_require_host
    }

    /// `http_body_timeout`; zero: no limit.
    pub fn http_body_timeout(&self) -> Duration {
        self.config.http_body_timeout
    }

    /// The configuration that the settings make together, not yet checked.
    pub(super) fn compose(&self, server: &ServerConfig, tls: bool) -> PortConfig {
        let mut config = self.config.clone();
        if !self.typed {
            config.framing = self.framing.finish();
            config.http2 = (self.speaks_http2 && matches!(config.framing, Framing::Http)).then_some(self.http2);
            config.heartbeat_idle_time = self.idle_time.unwrap_or(server.heartbeat_check_interval.saturating_mul(2));
            config.tls = tls.then(|| self.tls.clone());
            if let Some(bytes) = self.package_max_length {
                config.package_max_length = bytes.max(LEAST_PACKAGE_MAX);
            }
        }
        config
    }
}

/// The settings that select a framing; which of them count is known when all have arrived.
#[derive(Clone)]
pub(super) struct FramingBuilder {
    pub(super) http: bool,
    pub(super) redis: bool,
    pub(super) mqtt: bool,
    pub(super) eof_check: bool,
    pub(super) eof_split: bool,
    pub(super) length_check: bool,
    pub(super) eof: Vec<u8>,
    pub(super) length: LengthType,
    pub(super) offset: u32,
    pub(super) body_offset: u32,
    pub(super) func: Option<LengthFunc>,
}

impl FramingBuilder {
    /// Protocols take precedence over delimiters, HTTP over the other protocols; splitting at delimiters over checking for
    /// one; and delimiters over length fields.
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
                kind: self.length,
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
            length: LengthType::U32Be,
            offset: 0,
            body_offset: 4,
            func: None,
        }
    }
}

/// A smaller `package_max_length` is raised to it, bytes: programs written for Swoole set less and send more.
pub(super) const LEAST_PACKAGE_MAX: u64 = 65_536;
