//! Swoosh: a supervised multi-process server engine.
//!
//! A server is a master that accepts and owns the sockets, a manager that forks and replaces, and workers that run your
//! code; or (base mode) workers that do all of it for themselves. The smallest one:
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
//! # The way of a request (process mode)
//!
//! 1. [`process::master`] accepts and gives the socket to the reactor thread with the fewest connections;
//! 2. [`conn::drive`] reads it there, [`proto::framing`] cuts packets;
//! 3. [`process::reactor::dispatch`] chooses the worker;
//! 4. [`ipc`] carries the packet over, through a ring in [`shm`];
//! 5. [`process::worker`] takes it out, [`process::worker::receive`] finds what it means;
//! 6. [`handler`] is what user code looks like from here;
//! 7. [`node`] is what user code can do: `send` goes back through [`ipc`];
//! 8. `process::reactor::orders` gives it to [`conn::owner`], which writes it to the socket.
//!
//! In base mode 2 to 8 run in one process, and [`process::worker::base`] stands for 3 to 5.
//!
//! # Modules
//!
//! | module | contents |
//! |---|---|
//! | [`config`] | settings: the table of names, types and ranges; typed configuration |
//! | [`error`], [`log`] | one error; one log |
//! | [`handler`], [`node`] | what the engine asks of user code; what user code asks of the engine |
//! | [`state`] | all that crosses a fork |
//! | [`sys`] | system calls |
//! | [`shm`] | shared memory |
//! | [`proto`] | bytes in, packets out |
//! | [`tls`] | sealed bytes in, plain bytes out |
//! | [`http`] | servers of HTTP and WebSocket: handlers, forms, files, compression |
//! | [`conn`] | connections and their registry |
//! | [`ipc`] | the border between processes |
//! | [`process`] | who runs |
//! | [`server`] | builder and start |
//! | [`pool`] | supervised processes without a server |
//! | [`timer`], [`runtime`] | time; the event loop |

#![forbid(unsafe_code)]

pub mod config;
pub mod conn;
pub mod error;
pub mod handler;
pub mod http;
pub mod ipc;
pub mod log;
pub mod node;
pub mod pool;
pub mod process;
mod restart_policy;
pub mod runtime;
pub mod server;
pub mod state;
pub mod timer;
pub mod tls;

pub use config::Mode;
pub use error::{Error, Result};
pub use handler::{SessionId, WorkerId};
pub use node::Node;
pub use server::Server;
#[doc(inline)]
pub use swoosh_os as sys;
#[doc(inline)]
pub use swoosh_proto as proto;
#[doc(inline)]
pub use swoosh_shm as shm;
