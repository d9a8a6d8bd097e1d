//! The one room for system calls.
//!
//! It knows nothing of ours but [`error`](crate::error), and hands out safe types.
#![allow(unsafe_code)]

pub mod affinity;
pub mod calendar;
pub mod daemon;
pub mod listen_fds;
pub mod queue;
pub mod title;
pub mod user;
