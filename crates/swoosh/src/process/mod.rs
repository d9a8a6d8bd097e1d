//! The processes of a server: one module per role. Roles never import one another; they meet in `ipc` and `conn`.
//!
//! [`launch`] reserves what is shared and forks the `manager`, which forks the workers; the `master` then starts the
//! `reactor` threads.

mod base_worker;
mod blocking_watch;
mod change_watch;
mod child;
mod cleanup;
mod end_signals;
mod event_loop;
mod launch;
mod manager;
mod master;
mod reactor;
pub(crate) mod restart_policy;
mod service_reporter;
mod task_worker;
mod title;
mod user_process;
mod worker;

pub use launch::{ServerBuilder, launch};

/// How a role ends: what its process does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// This is the process that called `start`: it continues behind the call.
    Head,
    /// This is a forked process: it exits.
    Forked {
        /// Exit status.
        code: i32,
        /// User code could not continue.
        fatal: bool,
    },
}
