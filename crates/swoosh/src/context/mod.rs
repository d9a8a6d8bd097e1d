//! The operations that a handler can ask of its process: send, close, tasks, messages, timers, statistics.
//!
//! Runs in: every process of the server. A [`Context`] is handed to every event of its process. Calls that make no sense in
//! that process fail with an error that says where they work.
//!
//! | module | contents |
//! |---|---|
//! | [`handler`] | the events that user code handles |
//! | `handle` | [`Context`] itself, and the trait that handlers implement |
//! | `parts` | the state of a process, by topic |
//! | `connections`, `send`, `close` | connections: queries, output, closing |
//! | `http2` | the HTTP/2 connections of streams |
//! | `tasks`, `messages` | tasks and messages between processes |
//! | `lifecycle` | stopping, reloading, faults |
//! | `in_flight` | requests that are being handled |
//! | `timers`, `executor` | timers; the async runtime and its futures |
//! | `stats`, `files` | statistics; request bodies that arrive in files |

mod close;
mod connections;
mod events;
mod executor;
mod files;
mod handle;
mod http2;
mod in_flight;
mod lifecycle;
mod messages;
mod parts;
mod send;
mod stats;
mod tasks;
mod timers;

pub use crate::ipc::Reading;
pub use crate::role::Role;
pub use connections::ClientInfo;
pub use handle::{Context, TimerFn};
pub use parts::in_flight::RequestGuard;
pub use parts::tasks::{TaskReply, TaskResult};
pub use stats::Stats;
pub(crate) use tasks::finish_event;
pub use tasks::{PendingResults, pack_task, unpack_task};

/// The events that user code handles: the trait [`Handler`](handler::Handler), what its methods get, and what they return.
pub mod handler {
    pub use super::events::{
        ConnectionEvent, Event, FinishEvent, Flow, MessageEvent, Outcome, PacketEvent, Stop, TaskEvent, WorkerError,
    };
    pub use super::handle::{Handler, receive_whole};
    pub use crate::ids::{SessionId, WorkerId};
}
