//! Settings: typed configuration, and the table that maps setting names to it.
//!
//! Rust programs set the fields of [`ServerConfig`] and [`PortConfig`]. Front ends for dynamic languages pass names and
//! [`Value`]s to [`apply_server`] and [`apply_port`]. Every setting is one row of [`settings()`]: its names, type, range,
//! default, target, documentation and setter. The checks of both paths, the suggestion for a misspelt name and
//! `docs/SETTINGS.md` ([`reference()`]) are derived from that row.
//!
//! ```
//! use swoosh::config::{Outcome, Settings, Value};
//!
//! let mut settings = Settings::default();
//! assert_eq!(settings.apply("worker_num", &Value::Int(4)).unwrap(), Outcome::Applied);
//! assert_eq!(settings.server.worker_num, 4);
//! let misspelt = settings.apply("wroker_num", &Value::Int(4)).unwrap();
//! assert_eq!(misspelt, Outcome::Unknown { nearest: Some("worker_num") });
//! let error = settings.apply("log_level", &Value::Int(9)).unwrap_err();
//! assert_eq!(error.to_string(), "setting log_level: 9 is refused: a whole number from 0 to 6 (a level)");
//! ```

mod apply;
mod checks;
mod embedder;
mod http2;
mod input;
mod kind;
mod nearest;
mod port;
mod port_settings;
mod reference;
mod server;
mod setting;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod types;
mod validate;
mod value;

pub use crate::log::LogRotation;
pub use apply::{Outcome, Settings, apply_embedder, apply_port, apply_server, check, find};
pub use embedder::{
    CallbackConfig, CompressionConfig, CoroutineConfig, EmbedderConfig, HelperConfig, HttpConfig, NotARule,
    StaticFilesConfig, WebSocketConfig,
};
pub use http2::Http2Config;
pub use kind::{Kind, Max};
pub use nearest::nearest;
pub use port::{PortConfig, SlowConsumer};
pub use port_settings::PortSettings;
pub use reference::reference;
pub use server::ServerConfig;
pub use setting::{Setting, Target};
pub use swoosh_proto::framing::{Framing, LengthFraming, LengthFunc, LengthType};
pub use table::settings;
pub use tls::{NamedCertificate, TlsConfig, Versions, check_ciphers, check_curves};
#[cfg(feature = "tls")]
pub(crate) use tls::{cipher_suites, curves};
pub use types::{Dispatch, DispatchFunc, DispatchMode, Mode, TaskIpc};
pub use value::{Callback, Value};
