//! The log: one file for all processes of a server, one write(2) for each line.
//!
//! Lines look like `[2026-01-31 12:00:00 *4711.0]\tWARNING\tmessage`: the time, the process (`*4711.0`: worker 0 with
//! process id 4711; see [`Role`](crate::context::Role)), the severity and the message.
//!
//! With [`LogRotation`] lines go to `log_file.202601` and the like, named after the local time:
//! every process determines the file by itself, and no file is renamed.
//!
//! Logging never fails, blocks on a lock or panics. If the file cannot be written (a full disk), this is reported once on
//! standard error, and the number of lost lines is written to the file as soon as it can be written again. A lock that a
//! forked process inherited from a thread that it does not have is harmless: lines go to standard error then.
//!
//! ```
//! swoosh::log::notice!("{} workers are ready", 4);
//! ```

mod file;
mod logger;
mod macros;
mod process;
#[cfg(test)]
mod tests;
mod types;

pub use process::{enabled, init, reopen, set_level, set_mark, write};
pub use types::{Level, LogConfig, LogRotation};

#[doc(inline)]
pub use {
    crate::__log_debug as debug, crate::__log_error as error, crate::__log_info as info, crate::__log_notice as notice,
    crate::__log_warn as warn,
};
