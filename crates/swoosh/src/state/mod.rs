//! State that crosses a fork: settings, sockets, shared memory, mailboxes.
//!
//! Invariant: everything here is created before the first fork, and every process of the server sees the same. Nothing
//! else may be relied on after a fork.
//!
//! | module | contents |
//! |---|---|
//! | `server_state` | [`ServerState`]: everything that the processes of one server share |
//! | `mailboxes` | [`Mailboxes`]: the mailboxes and descriptor channels between them |
//! | [`registry`], `connection_flags` | the rows of connections |
//! | [`certificates`] | client certificates of process mode |
//! | `phase`, `worker` | what rows say: phase of the server, kind and status of its processes |
//! | [`service_manager`] | systemd |

pub mod certificates;
mod connection_flags;
mod mailboxes;
mod phase;
pub mod registry;
mod server_state;
pub mod service_manager;
mod worker;

pub use mailboxes::Mailboxes;
pub use phase::{ManagerRequest, ServerPhase};
pub use server_state::ServerState;
pub use worker::{ProcessKind, WorkerRow, WorkerStatus};
