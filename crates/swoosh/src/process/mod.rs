//! Who runs: one room a role. Roles never import one another; they meet in `ipc` and `conn`.

pub mod manager;
pub mod master;
pub mod reactor;
pub mod task;
pub mod user;
pub mod worker;

/// How a role ends: what the process it ran in does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// This is the process that called `start`: it goes on behind it.
    Head,
    /// This is a process that was forked: it ends with that exit status. `fatal`: user code could not go on.
    Forked {
        /// Exit status.
        code: i32,
        /// Whether user code could not go on.
        fatal: bool,
    },
}
