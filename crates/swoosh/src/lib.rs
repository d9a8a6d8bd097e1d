//! Swoosh: a supervised multi-process server engine.
//!
//! In process mode, a master accepts connections and owns them in reactor threads, a manager forks workers and replaces
//! those that end, and workers run your code. In base mode, each worker does all of it. The smallest server:
//!
//! ```no_run
//! use swoosh::{Mode, Server};
//!
//! fn main() -> swoosh::Result<()> {
//!     Server::bind("127.0.0.1:9501", Mode::Process)?
//!         .workers(2)
//!         .on_receive(|worker, conn, data| worker.send(conn, data))
//!         .start()
//! }
//! ```
//!
//! # The path of a request (process mode)
//!
//! 1. `process::master` accepts the connection and passes it to the reactor thread with the fewest connections;
//! 2. [`conn`] reads it there, and [`proto::framing`] cuts the bytes into packets;
//! 3. `process::reactor::dispatch` chooses the worker;
//! 4. [`ipc`] carries the packet as an [`ipc::Message`], through a ring in [`shm`];
//! 5. `process::event_loop` takes it in the worker, and `request::event` decodes it, once;
//! 6. [`request`] admits it and delivers it to the [`handler`];
//! 7. [`context`] is what the handler can ask for: `send` goes back through [`ipc`], as an [`ipc::Command`];
//! 8. `process::reactor` passes the command to the connection's [`conn::owner`], which writes the bytes to the socket.
//!
//! In base mode all of this happens in one process: `process::base_worker` passes events from 2 to 6 directly.
//!
//! # Modules
//!
//! A module depends on those below it.
//!
//! | module | contents |
//! |---|---|
//! | [`http`] | HTTP and WebSocket servers: handlers, forms, compression |
//! | [`pool`] | supervised processes without a server |
//! | [`server`] | [`Server`]: builder and start |
//! | [`process`] | the roles: master, manager, reactors, workers |
//! | [`request`] | from an event to the handler: admission, delivery, reply order |
//! | [`context`], [`handler`] | what handlers can ask for; what they handle |
//! | [`conn`] | connections, in the thread that owns them |
//! | [`state`] | what crosses a fork: settings, registry, mailboxes |
//! | [`net`] | ports, listening sockets, datagrams |
//! | [`ipc`] | messages between processes |
//! | [`static_files`] | files that are served without a handler |
//! | [`client`] | a blocking client: streams, datagrams, packets, TLS, proxies |
//! | [`tls`] | TLS |
//! | [`config`] | settings: the table of names, types and ranges; typed configuration |
//! | [`timer`], [`runtime`], [`blocking`] | timers; the event loop; detection of code that blocks it |
//! | [`clock`], [`ids`], `role` | times; numbers; kinds of processes |
//! | [`error`], [`log`] | the error type; the log |
//! | [`proto`], [`shm`], [`sys`] | protocols; shared memory; system calls (crates of their own) |

#![forbid(unsafe_code)]
#![deny(missing_docs, unreachable_pub)]

pub mod blocking;
#[cfg(feature = "tls")]
pub mod client;
pub mod clock;
pub mod config;
pub mod conn;
pub mod context;
pub mod error;
#[cfg(feature = "http")]
pub mod http;
pub mod ids;
pub mod ipc;
pub mod log;
pub mod net;
pub mod pool;
pub mod process;
pub mod request;
mod role;
pub mod runtime;
pub mod server;
pub mod state;
pub mod static_files;
pub mod timer;
pub mod tls;

pub use config::Mode;
pub use context::Context;
#[doc(inline)]
pub use context::handler;
pub use error::{Error, Result};
pub use ids::{SessionId, WorkerId};
pub use server::Server;
#[doc(inline)]
pub use swoosh_os as sys;
#[doc(inline)]
pub use swoosh_proto as proto;
#[doc(inline)]
pub use swoosh_shm as shm;

// The Rust in documents, compiled by the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
#[cfg(doctest)]
#[doc = include_str!("../../../README.zh-CN.md")]
struct ReadmeInChinese;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/COROUTINES.md")]
struct Coroutines;
