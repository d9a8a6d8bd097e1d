//! Processes without a server: one child with a pipe to it ([`Process`]), and a pool of supervised workers ([`Pool`]).
//!
//! ```no_run
//! use swoosh::pool::{Pool, Worker};
//!
//! fn main() -> swoosh::Result<()> {
//!     Pool::new(4).run(&|worker: &Worker| {
//!         while !worker.should_stop() {
//!             // take some work, and do it
//!         }
//!     })
//! }
//! ```
//!
//! The process that calls [`Pool::run`] supervises until SIGTERM or SIGINT. It replaces a worker that ends, and all workers,
//! one after the other, at SIGUSR1 or SIGUSR2. Invariant: no worker outlives the supervisor. A worker that does not end in
//! time is killed, and the kernel kills workers whose supervisor was killed (PR_SET_PDEATHSIG).
//!
//! Messages reach workers through sockets of their own ([`Ipc::UnixSocket`]), a System V queue that they share
//! ([`Ipc::Queue`]), or from clients ([`Ipc::Socket`]).

mod builder;
mod clients;
mod fragments;
mod inbox;
mod ipc;
mod pipe;
mod process;
mod shared;
mod supervise;
mod supervisor;
mod work;
mod worker;
mod worker_loop;

pub use builder::Pool;
pub use inbox::{Inbox, Message};
pub use ipc::Ipc;
pub use pipe::{Pipe, PipeKind};
pub use process::{Child, Process, exec};
pub use supervisor::Supervisor;
pub use work::Work;
pub use worker::Worker;
