//! The one room for system calls.
//!
//! Everything here is a thin, safe type over one kernel interface; it imports nothing of ours but `error`.
#![allow(unsafe_code)]

pub mod error;

pub mod affinity;
pub mod arena;
pub mod calendar;
pub mod child;
pub mod clock;
pub mod command;
pub mod daemon;
pub mod event_fd;
pub mod fd_channel;
pub mod flock;
pub mod foreign_fd;
pub mod futex;
pub mod listen_fds;
pub mod machine;
pub mod memory;
pub mod mutex;
pub mod open;
pub mod poll;
pub mod process;
pub mod queue;
pub mod scratch;
pub mod signal;
pub mod signal_fd;
pub mod socket;
pub mod stored;
pub mod title;
pub mod user;
pub mod watch;

pub use error::{Error, Result};
