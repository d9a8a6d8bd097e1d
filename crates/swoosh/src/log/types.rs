//! Severities, and the settings of a log.

use std::path::PathBuf;

/// The severity of a line (the `SWOOLE_LOG_*` constants). Lines below `log_level` are not written.
///
/// ```
/// use swoosh::log::Level;
///
/// assert!(Level::Warning < Level::Error);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Level {
    Debug = 0,
    Trace = 1,
    Info = 2,
    Notice = 3,
    Warning = 4,
    Error = 5,
}

impl Level {
    /// The name in a line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Level::Debug => "DEBUG",
            Level::Trace => "TRACE",
            Level::Info => "INFO",
            Level::Notice => "NOTICE",
            Level::Warning => "WARNING",
            Level::Error => "ERROR",
        }
    }
}

/// The period of one log file (`log_rotation`).
///
/// ```
/// assert_eq!(swoosh::log::LogRotation::Daily as u8, 2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum LogRotation {
    #[default]
    Single = 0,
    Monthly = 1,
    Daily = 2,
    Hourly = 3,
    EveryMinute = 4,
}

/// The settings of a log.
///
/// ```
/// use swoosh::config::ServerConfig;
///
/// swoosh::log::init(&ServerConfig { log_level: 3, ..ServerConfig::default() }.log()).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// The file, without the suffix of a period; `None`: standard error.
    pub file: Option<PathBuf>,
    /// The least level that is written: 0 (debug) to 5 (error), 6 for none.
    pub level: u8,
    /// The period of one file.
    pub rotation: LogRotation,
    /// The format of dates, strftime(3); `None`: `%Y-%m-%d %H:%M:%S`.
    pub date_format: Option<String>,
    /// Dates have microseconds.
    pub microseconds: bool,
}
