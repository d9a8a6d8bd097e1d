//! Linux system calls behind safe types, for servers made of several processes.
//!
//! Each module wraps one kernel interface: processes, signals, sockets, shared mappings, descriptor passing, daemons.
//! The crate holds no policy: it decides neither which processes there are nor what they send to each other. Its only
//! state is what the kernel ties to a process, such as signal handlers.
//!
//! # Example
//!
//! Shares a counter between a process and its child:
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use swoosh_os::memory::SharedMemory;
//! use swoosh_os::process::{self, Fork};
//!
//! # fn main() -> swoosh_os::Result<()> {
//! let memory = SharedMemory::new(8, "a counter")?;
//! // SAFETY: the mapping is zeroed, page-aligned, at least 8 bytes long and never unmapped.
//! let counter = unsafe { memory.start().cast::<AtomicU64>().as_ref() };
//! match process::fork()? {
//!     Fork::Child => {
//!         counter.fetch_add(1, Ordering::Relaxed);
//!         process::exit_now(0);
//!     }
//!     Fork::Parent(child) => {
//!         process::wait_for(child)?;
//!         assert_eq!(counter.load(Ordering::Relaxed), 1);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! | area | modules |
//! |---|---|
//! | processes | [`process`], [`child`], [`command`], [`parent_death`], [`daemon`], [`user`], [`affinity`], [`title`], [`sd_notify`] |
//! | signals and waking | [`signal`], [`signal_fd`], [`event_fd`], [`timer_fd`], [`futex`], [`poll`], [`watch`] |
//! | memory | [`memory`], [`heap`], [`arena`], [`memfd`] |
//! | locks | [`mutex`], [`flock`] |
//! | sockets and descriptors | [`socket`], [`fd_channel`], [`foreign_fd`], [`descriptor_kind`], [`listen_fds`], [`network_interface`] |
//! | files | [`open`], [`temp_file`], [`folder_watch`] |
//! | queues | [`message_queue`] |
//! | time and machine | [`clock`], [`local_time`], [`machine`] |
#![allow(unsafe_code)]
#![deny(missing_docs, unreachable_pub)]

mod error;
mod shared_memory;

pub mod affinity;
pub mod arena;
pub mod child;
pub mod clock;
pub mod command;
pub mod daemon;
pub mod descriptor_kind;
pub mod event_fd;
pub mod fd_channel;
pub mod flock;
pub mod folder_watch;
pub mod foreign_fd;
pub mod futex;
pub mod heap;
pub mod listen_fds;
pub mod local_time;
pub mod machine;
pub mod memfd;
pub mod memory;
pub mod message_queue;
pub mod mutex;
pub mod network_interface;
pub mod open;
pub mod parent_death;
pub mod poll;
pub mod process;
pub mod sd_notify;
pub mod signal;
pub mod signal_fd;
pub mod socket;
pub mod temp_file;
pub mod timer_fd;
pub mod title;
pub mod user;
pub mod watch;

pub use error::{Error, Result, error_text};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
