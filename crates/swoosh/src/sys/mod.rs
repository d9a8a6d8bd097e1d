//! The one room for system calls.
//!
//! Everything here is a thin, safe type over one kernel interface; it imports nothing of ours but `error`.
#![allow(unsafe_code)]

pub mod bell;
pub mod clock;
pub mod memory;
pub mod mutex;
pub mod process;
pub mod signal;
pub mod socket;
