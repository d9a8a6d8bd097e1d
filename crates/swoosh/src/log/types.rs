//! Severities, and the roles of processes.

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

/// The kind of process that writes a line: the sign before its process id.
///
/// ```
/// use swoosh::log::Role;
///
/// assert_eq!(Role::Worker as u8, b'*');
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// `#`: the master; its number is the reactor thread's.
    Master = b'#' as isize,
    /// `$`: the manager.
    Manager = b'$' as isize,
    /// `*`: a worker; its number is the worker's.
    Worker = b'*' as isize,
    /// `^`: a task worker; its number is the worker's.
    TaskWorker = b'^' as isize,
    /// `@`: a user process, and every process without a role.
    #[default]
    User = b'@' as isize,
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
