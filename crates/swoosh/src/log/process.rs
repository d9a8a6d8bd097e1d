//! The functions of the process-wide log.

use super::file::Log;
use super::logger::Logger;
use super::types::{Level, LogConfig};
use crate::error::Result;
use crate::role::Role;
use crate::sys::local_time::LocalTime;
use nix::sys::stat::fstat;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;
use std::time::SystemTime;

/// Opens the log that `config` describes, or replaces the current one. Before the first call lines go to standard error.
///
/// # Errors
/// If the file cannot be opened; the log is unchanged then.
pub fn init(config: &LogConfig) -> Result<()> {
    let log = Log::open(config)?;
    LOG.level.store(config.level, Ordering::Relaxed);
    LOG.replace(log)
}

/// Opens the file again by its name, after it was renamed. Standard output and standard error follow where they are the
/// same file, as in a daemon.
///
/// # Errors
/// If the file cannot be opened; the old one stays in use then.
pub fn reopen() -> Result<()> {
    let Some(log) = LOG.current() else {
        return Ok(());
    };
    let fresh = log.reopened(LocalTime::at(SystemTime::now()))?;
    if let (Some(old), Some(new)) = (&log.file, &fresh.file) {
        redirect_standard_output(old, new);
    }
    LOG.replace(fresh)
}

/// Makes standard output and standard error refer to `new` if they refer to `old`. Descriptors that cannot be changed
/// keep their file.
pub(super) fn redirect_standard_output(old: &File, new: &File) {
    let same = |fd: BorrowedFd<'_>| match (fstat(fd), fstat(old)) {
        (Ok(one), Ok(other)) => (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino),
        _ => false,
    };
    if same(std::io::stdout().as_fd()) {
        let _ = nix::unistd::dup2_stdout(new);
    }
    if same(std::io::stderr().as_fd()) {
        let _ = nix::unistd::dup2_stderr(new);
    }
}

/// Sets the least level that this process logs: 0 (debug) to 5 (error), 6 for none.
pub fn set_level(level: u8) {
    LOG.level.store(level, Ordering::Relaxed);
}

/// Whether lines of this level are written.
pub fn enabled(level: Level) -> bool {
    level as u8 >= LOG.level.load(Ordering::Relaxed)
}

/// Sets the role and the number of this process, for the lines that it writes.
pub fn set_mark(role: Role, id: u32) {
    LOG.role.store(role as u8, Ordering::Relaxed);
    LOG.id.store(id, Ordering::Relaxed);
}

/// Writes one line, if its level is enabled. A message with line breaks is one write as well.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    if enabled(level) {
        LOG.line(level, message);
    }
}

static LOG: Logger = Logger::new();
