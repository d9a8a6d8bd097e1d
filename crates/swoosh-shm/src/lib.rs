//! Data structures in shared memory that survive a killed process: tables, queues, locks and counters.
//!
//! A structure is created by one process and used by it and every process forked afterwards. Its memory holds atomics
//! and bytes guarded by them, never pointers, and each change is committed by a single store: a process killed between
//! any two instructions leaves data that the others can read, and locks that the kernel releases.
//!
//! # Example
//!
//! ```
//! use swoosh_os::process::{self, Fork};
//! use swoosh_shm::table::{ColumnKind, Table, Value};
//!
//! # fn main() -> swoosh_os::Result<()> {
//! let mut columns = Table::builder(1024);
//! let hits = columns.column("hits", ColumnKind::Int);
//! let table = columns.build()?; // before the processes that share it are forked
//!
//! match process::fork()? {
//!     Fork::Child => process::exit_now(table.add_to(b"/index", hits, Value::Int(1)).is_err().into()),
//!     Fork::Parent(child) => assert_eq!(process::wait_for(child)?.exit_code(), 0),
//! }
//! assert_eq!(table.int(b"/index", hits), Some(1));
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! | module | contains |
//! |---|---|
//! | [`table`] | a hash table of rows with typed columns, read without locks |
//! | [`ring`] | a queue of messages: many producers, one consumer |
//! | [`lock`] | mutex, spin lock, read-write lock and semaphore |
//! | [`file_lock`] | a lock for processes that have only a file in common |
//! | [`atomic`] | numbers of 32 and 64 bits, one of which can be waited for |
//! | [`slots`] | the rows that describe connections, workers and reactors of a server |
//!
//! The algorithms that depend on memory ordering (`ring_cursor`, `row_version`, `hash_chains`, `robust_lock`,
//! `unowned_lock`) are compiled a second time by `tests/prove.rs` and `tests/prove_locks.rs`, where loom explores every
//! interleaving.
#![allow(unsafe_code)]
#![deny(missing_docs, unreachable_pub)]

mod bytes;
mod hash_chains;
mod ring_cursor;
mod robust_lock;
mod row_version;
mod shared;
mod sync;
mod unowned_lock;

pub mod atomic;
pub mod file_lock;
pub mod lock;
pub mod ring;
pub mod slots;
pub mod table;

pub use bytes::word_from_bytes;
pub use shared::{Shareable, SharedSlice};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
