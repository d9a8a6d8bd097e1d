//! The log: one file for all processes of a server, a line a write.
//!
//! Lines look like `[2026-01-31 12:00:00 *4711.0]\tWARNING\tmessage`: when, which process (`*4711.0`: worker 0, with
//! process id 4711; see [`Role`]), how grave, what.
//!
//! With [`LogRotation`] lines go to `log_file.202601` and the like, named after the local time: every process finds
//! the right file by itself, and nothing is ever renamed.
//!
//! Logging never fails, blocks on a lock, or panics. Where a file cannot be written (a full disk), that is told once on
//! standard error, and how many lines were lost is told in the file as soon as it can be written again. A lock
//! that a forked process inherited from a thread it has not got does no harm: lines go to standard error then.

use crate::config::{LogRotation, ServerConfig};
use crate::error::{Error, Result};
use crate::sys::calendar::LocalTime;
use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, RwLock, TryLockError};
use std::time::SystemTime;

/// How grave a line is (the `SWOOLE_LOG_*` constants). Lines below `log_level` are not written.
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

/// Which kind of process writes a line: the sign before its process id.
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
    /// `@`: a user process, and every process that has not said what it is.
    #[default]
    User = b'@' as isize,
}

/// Writes a line of level [`Level::Debug`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Debug, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Info`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Info, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Notice`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_notice {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Notice, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Warning`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Warning, format_args!($($message)+)) };
}

/// Writes a line of level [`Level::Error`](crate::log::Level), with the arguments of [`format!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($message:tt)+) => { $crate::log::write($crate::log::Level::Error, format_args!($($message)+)) };
}

#[doc(inline)]
pub use {
    crate::__log_debug as debug, crate::__log_error as error, crate::__log_info as info, crate::__log_notice as notice,
    crate::__log_warn as warn,
};

/// Begins the log that `config` describes; what was written before went to standard error. Called once more, it
/// replaces the log.
///
/// Fails where the file cannot be opened; the log stays as it was then.
pub fn init(config: &ServerConfig) -> Result<()> {
    let log = Log::open(config)?;
    LOG.level.store(config.log_level, Ordering::Relaxed);
    LOG.replace(log)
}

/// Closes the file and opens it by its name again, after somebody moved it away.
///
/// Fails where it cannot be opened; lines go on to the old one then.
pub fn reopen() -> Result<()> {
    let Some(log) = LOG.current() else {
        return Ok(());
    };
    LOG.replace(log.reopened(LocalTime::at(SystemTime::now()))?)
}

/// Writes only lines of at least this level from now on: 0 (debug) to 5 (error), 6 for none at all. In this process
/// only.
pub fn set_level(level: u8) {
    LOG.level.store(level, Ordering::Relaxed);
}

/// Whether lines of this level are written.
pub fn enabled(level: Level) -> bool {
    level as u8 >= LOG.level.load(Ordering::Relaxed)
}

/// Says what this process is, in the lines it writes from now on.
pub fn set_mark(role: Role, id: u32) {
    LOG.role.store(role as u8, Ordering::Relaxed);
    LOG.id.store(id, Ordering::Relaxed);
}

/// Writes one line, if its level is on. A message of several lines stays one write.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    if enabled(level) {
        LOG.line(level, message);
    }
}

static LOG: Logger = Logger::new();

struct Logger {
    level: AtomicU8,
    role: AtomicU8,
    id: AtomicU32,
    current: RwLock<Option<Arc<Log>>>,
    /// Lines that could not be written since the last one that could.
    lost: AtomicU64,
    /// The last write stopped within a line.
    torn: AtomicBool,
}

impl Logger {
    const fn new() -> Self {
        Logger {
            level: AtomicU8::new(2),
            role: AtomicU8::new(Role::User as u8),
            id: AtomicU32::new(0),
            current: RwLock::new(None),
            lost: AtomicU64::new(0),
            torn: AtomicBool::new(false),
        }
    }

    fn line(&self, level: Level, message: fmt::Arguments<'_>) {
        let now = LocalTime::at(SystemTime::now());
        let mut log = self.current();
        if let Some(stale) = log.as_ref().filter(|log| log.period != log.rotation.period(&now)) {
            // Where the new file cannot be opened the old one goes on, rather than nothing.
            if let Ok(fresh) = stale.reopened(now) {
                let fresh = Arc::new(fresh);
                if let Ok(mut current) = self.current.try_write() {
                    *current = Some(Arc::clone(&fresh));
                }
                log = Some(fresh);
            }
        }
        let head = self.head(log.as_deref(), &now);
        let line = format!("{head}\t{}\t{message}\n", level.name());
        let Some(file) = log.as_ref().and_then(|log| log.file.as_ref()) else {
            let _ = write_line(io::stderr().as_fd(), line.as_bytes());
            return;
        };
        self.deliver(file.as_fd(), io::stderr().as_fd(), &head, &line);
    }

    /// Writes `line` to `file`; what cannot be written is counted, and told on `fallback` the first time.
    fn deliver(&self, file: BorrowedFd<'_>, fallback: BorrowedFd<'_>, head: &str, line: &str) {
        let lost = self.lost.load(Ordering::Relaxed);
        let mut whole = String::with_capacity(line.len());
        if self.torn.load(Ordering::Relaxed) {
            // A line that could be written in part only would swallow this one.
            whole.push('\n');
        }
        if lost > 0 {
            whole.push_str(&format!("{head}\tWARNING\t{lost} lines could not be written here\n"));
        }
        whole.push_str(line);
        match write_line(file, whole.as_bytes()) {
            Ok(()) => {
                self.torn.store(false, Ordering::Relaxed);
                // Another thread may have told the same number meanwhile; it is not told less than once.
                let _ = self.lost.compare_exchange(lost, 0, Ordering::Relaxed, Ordering::Relaxed);
            }
            Err((written, cause)) => {
                if written > 0 {
                    self.torn.store(true, Ordering::Relaxed);
                }
                if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    let note = format!("{head}\tERROR\twrite log file: {cause}; its lines are lost until that ends\n");
                    let _ = write_line(fallback, note.as_bytes());
                    let _ = write_line(fallback, line.as_bytes());
                }
            }
        }
    }

    /// `[2026-01-31 12:00:00 *4711.0]`
    fn head(&self, log: Option<&Log>, now: &LocalTime) -> String {
        let format = log.and_then(|log| log.date_format.as_deref()).unwrap_or(DATE_FORMAT);
        let date = now.format(format);
        let micros = match log {
            Some(log) if log.microseconds => format!(".{:06}", now.micros),
            _ => String::new(),
        };
        let role = char::from(self.role.load(Ordering::Relaxed));
        format!("[{date}{micros} {role}{}.{}]", std::process::id(), self.id.load(Ordering::Relaxed))
    }

    /// Makes `log` the current one.
    fn replace(&self, log: Log) -> Result<()> {
        for _ in 0..PATIENCE {
            match self.current.try_write() {
                Ok(mut current) => {
                    *current = Some(Arc::new(log));
                    return Ok(());
                }
                Err(TryLockError::Poisoned(poisoned)) => {
                    *poisoned.into_inner() = Some(Arc::new(log));
                    return Ok(());
                }
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
        let why = "its lock was taken when this process was forked; start a new process".to_owned();
        Err(Error::State { operation: "replace the log", reason: why })
    }

    /// The log as it is; `None` where there is none, or its lock is not to be had.
    fn current(&self) -> Option<Arc<Log>> {
        for _ in 0..PATIENCE {
            match self.current.try_read() {
                Ok(current) => return current.clone(),
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner().clone(),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
        None
    }
}

struct Log {
    /// The file as it is set, without the period; `None`: standard error.
    path: Option<PathBuf>,
    /// The file that is written to.
    file: Option<File>,
    rotation: LogRotation,
    /// Which period `file` is for: `202601`; empty without rotation.
    period: String,
    date_format: Option<String>,
    microseconds: bool,
}

impl Log {
    fn open(config: &ServerConfig) -> Result<Log> {
        let unopened = Log {
            path: config.log_file.clone(),
            file: None,
            rotation: config.log_rotation,
            period: String::new(),
            date_format: config.log_date_format.clone(),
            microseconds: config.log_date_with_microseconds,
        };
        unopened.reopened(LocalTime::at(SystemTime::now()))
    }

    /// The same log with its file of this moment.
    fn reopened(&self, now: LocalTime) -> Result<Log> {
        let period = self.rotation.period(&now);
        let file = self.path.as_deref().map(|path| open_file(path, &period)).transpose()?;
        Ok(Log {
            path: self.path.clone(),
            file,
            rotation: self.rotation,
            period,
            date_format: self.date_format.clone(),
            microseconds: self.microseconds,
        })
    }
}

fn open_file(path: &Path, period: &str) -> Result<File> {
    let mut name = OsString::from(path);
    if !period.is_empty() {
        name.push(".");
        name.push(period);
    }
    let file = OpenOptions::new().append(true).create(true).open(&name);
    file.map_err(|e| Error::system("open log file", Path::new(&name).display(), e))
}

impl LogRotation {
    /// The period that `now` is in, as the end of a file's name.
    fn period(self, now: &LocalTime) -> String {
        let [year, month, day, hour, minute] = now.minute();
        match self {
            LogRotation::Single => String::new(),
            LogRotation::Monthly => format!("{year}{month:02}"),
            LogRotation::Daily => format!("{year}{month:02}{day:02}"),
            LogRotation::Hourly => format!("{year}{month:02}{day:02}{hour:02}"),
            LogRotation::EveryMinute => format!("{year}{month:02}{day:02}{hour:02}{minute:02}"),
        }
    }
}

impl Level {
    fn name(self) -> &'static str {
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

/// One write(2), and more only where the kernel took a part. On failure: how many bytes it took, and why no more.
fn write_line(fd: BorrowedFd<'_>, line: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while written < line.len() {
        match nix::unistd::write(fd, &line[written..]) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(nix::Error::EINTR) => {}
            Err(cause) => return Err((written, cause.into())),
        }
    }
    Ok(())
}

/// `log_date_format` where none is set.
const DATE_FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// Tries for a lock that its holder gives back after a few instructions, if that holder is still there.
const PATIENCE: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn config(path: &Path) -> ServerConfig {
        ServerConfig { log_file: Some(path.to_owned()), ..ServerConfig::default() }
    }

    fn logger(config: &ServerConfig) -> Logger {
        let logger = Logger::new();
        *logger.current.write().unwrap() = Some(Arc::new(Log::open(config).unwrap()));
        logger
    }

    fn read(path: impl AsRef<Path>) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_line_tells_when_who_how_grave_and_what() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let logger = logger(&ServerConfig { log_date_format: Some("%Y".into()), ..config(&path) });
        logger.role.store(Role::Worker as u8, Ordering::Relaxed);
        logger.id.store(3, Ordering::Relaxed);
        logger.line(Level::Warning, format_args!("{} things", 2));
        let year = LocalTime::at(SystemTime::now()).minute()[0];
        assert_eq!(read(&path), format!("[{year} *{}.3]\tWARNING\t2 things\n", std::process::id()));
    }

    #[test]
    fn microseconds_follow_the_seconds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let logger = logger(&ServerConfig { log_date_with_microseconds: true, ..config(&path) });
        logger.line(Level::Info, format_args!("x"));
        let text = read(&path);
        let (date, _) = text.split_once(" @").unwrap();
        assert_eq!(date.len(), "[2026-01-31 12:00:00.123456".len(), "{text}");
        assert_eq!(&date[20..21], ".");
    }

    #[test]
    fn each_rotation_names_its_file_after_its_period() {
        let now = LocalTime::at(UNIX_EPOCH + Duration::from_secs(1_769_860_800));
        let whole = now.format("%Y%m%d%H%M");
        for (rotation, length) in [
            (LogRotation::Single, 0),
            (LogRotation::Monthly, 6),
            (LogRotation::Daily, 8),
            (LogRotation::Hourly, 10),
            (LogRotation::EveryMinute, 12),
        ] {
            assert_eq!(rotation.period(&now), whole[..length]);
        }
    }

    #[test]
    fn a_new_period_begins_a_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let logger = logger(&ServerConfig { log_rotation: LogRotation::Monthly, ..config(&path) });
        let month = LocalTime::at(SystemTime::now()).format("%Y%m");
        let stale = Log::open(&config(&dir.path().join("old"))).unwrap();
        *logger.current.write().unwrap() = Some(Arc::new(Log {
            path: Some(path.clone()),
            rotation: LogRotation::Monthly,
            period: "200001".into(),
            ..stale
        }));
        logger.line(Level::Info, format_args!("new"));
        assert!(read(format!("{}.{month}", path.display())).ends_with("new\n"));
        assert_eq!(read(dir.path().join("old")), "");
        assert!(!path.exists());
    }

    #[test]
    fn a_full_disk_is_told_once_and_the_lost_lines_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let open = |name: &str| File::create_new(dir.path().join(name)).unwrap();
        let (full, good, fallback) = (File::options().write(true).open("/dev/full").unwrap(), open("a"), open("b"));
        let logger = Logger::new();
        for line in ["one\n", "two\n", "three\n"] {
            logger.deliver(full.as_fd(), fallback.as_fd(), "[h]", line);
        }
        let told = read(dir.path().join("b"));
        assert!(told.starts_with("[h]\tERROR\twrite log file: No space left on device"), "{told}");
        assert!(told.ends_with("\none\n") && told.lines().count() == 2, "{told}");
        logger.deliver(good.as_fd(), fallback.as_fd(), "[h]", "four\n");
        logger.deliver(good.as_fd(), fallback.as_fd(), "[h]", "five\n");
        let wanted = "[h]\tWARNING\t3 lines could not be written here\nfour\nfive\n";
        assert_eq!(read(dir.path().join("a")), wanted);
        assert_eq!(read(dir.path().join("b")), told);
    }

    #[test]
    fn a_torn_line_does_not_swallow_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let logger = logger(&config(&path));
        logger.torn.store(true, Ordering::Relaxed);
        logger.line(Level::Info, format_args!("x"));
        assert!(read(&path).starts_with("\n["));
    }

    #[test]
    fn a_lock_that_is_never_given_back_does_not_stop_a_line() {
        let logger = Logger::new();
        let _held = logger.current.write().unwrap();
        logger.line(Level::Info, format_args!("a line of the test for a lock that is never given back"));
    }

    #[test]
    fn lines_of_many_threads_never_mix() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let logger = logger(&config(&path));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let logger = &logger;
                scope.spawn(move || (0..200).for_each(|n| logger.line(Level::Info, format_args!("{thread}:{n}"))));
            }
        });
        let text = read(&path);
        assert_eq!(text.lines().count(), 800);
        assert!(text.lines().all(|line| line.matches('[').count() == 1 && line.matches(':').count() == 3));
    }

    /// The process-wide log is one, so all that is said of it is said in one test.
    #[test]
    fn the_log_of_the_process_is_begun_levelled_marked_and_reopened() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert!(reopen().is_ok());
        assert!(init(&config(&dir.path().join("no/such/dir"))).unwrap_err().to_string().starts_with("open log file "));

        init(&ServerConfig { log_level: 3, ..config(&path) }).unwrap();
        set_mark(Role::Manager, 0);
        super::debug!("hidden");
        super::info!("hidden");
        super::notice!("noticed {}", 1);
        assert!(read(&path).ends_with(&format!(" ${}.0]\tNOTICE\tnoticed 1\n", std::process::id())));
        assert!(!read(&path).contains("hidden"));

        std::fs::rename(&path, dir.path().join("moved")).unwrap();
        super::warn!("to the old file");
        reopen().unwrap();
        super::error!("to the new file");
        assert!(read(dir.path().join("moved")).ends_with("\tWARNING\tto the old file\n"));
        assert!(read(&path).ends_with("\tERROR\tto the new file\n") && read(&path).lines().count() == 1);

        set_level(6);
        super::error!("hidden");
        assert!(!enabled(Level::Error) && !read(&path).contains("hidden"));
    }
}
