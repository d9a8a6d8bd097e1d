//! The one room for system calls.
//!
//! Everything here is a thin, safe type over one kernel interface; it imports nothing of ours but `error`.
#![allow(unsafe_code)]

pub mod error;

pub mod affinity;
pub mod arena;
pub mod clock;
pub mod daemon;
pub mod event_fd;
pub mod fd_channel;
pub mod flock;
pub mod futex;
pub mod listen_fds;
pub mod local_time;
pub mod memfd;
pub mod memory;
pub mod message_queue;
pub mod mutex;
pub mod open;
pub mod process;
pub mod signal;
pub mod socket;
pub mod temp_file;
pub mod title;
pub mod user;
pub mod watch;

pub use error::{Error, Result};
