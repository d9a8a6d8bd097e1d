//! The log of a process: formats lines and writes them to the current file.

use super::file::{Log, write_line};
use super::types::Level;
use crate::error::{Error, Result};
use crate::role::Role;
use crate::sys::local_time::LocalTime;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, RwLock, TryLockError};
use std::time::SystemTime;

/// The log of a process: level, role, and the current file.
pub(super) struct Logger {
    pub(super) level: AtomicU8,
    pub(super) role: AtomicU8,
    pub(super) id: AtomicU32,
    pub(super) current: RwLock<Option<Arc<Log>>>,
    /// Lines lost since the last successful write.
    lost: AtomicU64,
    /// The last write ended within a line.
    pub(super) partial_line: AtomicBool,
}

impl Logger {
    pub(super) const fn new() -> Self {
        Logger {
            level: AtomicU8::new(2),
            role: AtomicU8::new(Role::User as u8),
            id: AtomicU32::new(0),
            current: RwLock::new(None),
            lost: AtomicU64::new(0),
            partial_line: AtomicBool::new(false),
        }
    }

    /// Writes a line.
    pub(super) fn line(&self, level: Level, message: fmt::Arguments<'_>) {
        let now = LocalTime::at(SystemTime::now());
        let mut log = self.current();
        if let Some(stale) = log.as_ref().filter(|log| log.period != log.rotation.period(&now)) {
            // If the new file cannot be opened, the old one stays in use.
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

    /// Writes `line` to `file`. A lost line is counted; the first one is reported on `fallback`.
    pub(super) fn deliver(&self, file: BorrowedFd<'_>, fallback: BorrowedFd<'_>, head: &str, line: &str) {
        let lost = self.lost.load(Ordering::Relaxed);
        let mut whole = String::with_capacity(line.len());
        if self.partial_line.load(Ordering::Relaxed) {
            // Without a line break this line would continue the incomplete one.
            whole.push('\n');
        }
        if lost > 0 {
            whole.push_str(&format!("{head}\tWARNING\t{lost} log lines lost\n"));
        }
        whole.push_str(line);
        match write_line(file, whole.as_bytes()) {
            Ok(()) => {
                self.partial_line.store(false, Ordering::Relaxed);
                // Another thread may have reported the same number meanwhile: it is reported at least once.
                let _ = self.lost.compare_exchange(lost, 0, Ordering::Relaxed, Ordering::Relaxed);
            }
            Err((written, cause)) => {
                if written > 0 {
                    self.partial_line.store(true, Ordering::Relaxed);
                }
                if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    let note =
                        format!("{head}\tERROR\twrite log file: {cause}; lines are lost until it can be written\n");
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
    pub(super) fn replace(&self, log: Log) -> Result<()> {
        for _ in 0..LOCK_ATTEMPTS {
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
        let reason = "its lock was held when this process was forked; start a new process".to_owned();
        Err(Error::State { operation: "replace the log", reason })
    }

    /// The current log; `None` if there is none or its lock cannot be taken.
    pub(super) fn current(&self) -> Option<Arc<Log>> {
        for _ in 0..LOCK_ATTEMPTS {
            match self.current.try_read() {
                Ok(current) => return current.clone(),
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner().clone(),
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
        None
    }
}

/// The default of `log_date_format`.
const DATE_FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// Attempts to take a lock whose holder releases it after a few instructions, unless it was lost in a fork.
const LOCK_ATTEMPTS: u32 = 1000;
