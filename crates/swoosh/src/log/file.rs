//! Log files: opening, rotation, writing.

use super::types::{LogConfig, LogRotation};
use crate::error::{Error, Result};
use crate::sys::local_time::LocalTime;
use crate::sys::open::{self, WriteFrom};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A log file, with the settings that are needed to open it again.
pub(super) struct Log {
    /// The configured file, without the period; `None`: standard error.
    pub(super) path: Option<PathBuf>,
    /// The file of this period.
    pub(super) file: Option<File>,
    pub(super) rotation: LogRotation,
    /// The period of `file`, such as `202601`; empty without rotation.
    pub(super) period: String,
    pub(super) date_format: Option<String>,
    pub(super) microseconds: bool,
}

impl Log {
    /// Opens the log that `config` describes.
    pub(super) fn open(config: &LogConfig) -> Result<Log> {
        let unopened = Log {
            path: config.file.clone(),
            file: None,
            rotation: config.rotation,
            period: String::new(),
            date_format: config.date_format.clone(),
            microseconds: config.microseconds,
        };
        unopened.reopened(LocalTime::at(SystemTime::now()))
    }

    /// This log with its file opened again, for the period of `now`.
    pub(super) fn reopened(&self, now: LocalTime) -> Result<Log> {
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
    let file = open::for_writing(Path::new(&name), WriteFrom::End, 0o640);
    file.map_err(|e| Error::system("open log file", Path::new(&name).display(), e))
}

impl LogRotation {
    /// The period of `now`, as the suffix of a file name.
    pub(super) fn period(self, now: &LocalTime) -> String {
        let [year, month, day, hour, minute] = now.to_minute();
        match self {
            LogRotation::Single => String::new(),
            LogRotation::Monthly => format!("{year}{month:02}"),
            LogRotation::Daily => format!("{year}{month:02}{day:02}"),
            LogRotation::Hourly => format!("{year}{month:02}{day:02}{hour:02}"),
            LogRotation::EveryMinute => format!("{year}{month:02}{day:02}{hour:02}{minute:02}"),
        }
    }
}

/// Writes a line by one write(2), and by more only if the kernel took a part. An error has the number of bytes written.
pub(super) fn write_line(fd: BorrowedFd<'_>, line: &[u8]) -> Result<(), (usize, io::Error)> {
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
