//! Descriptors as the async runtime watches them.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Watches a descriptor on the runtime that is entered now; edge-triggered.
pub fn watch<T: AsFd + AsRawFd>(what: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: `T` is one of the types of ours and of socket2 that own one descriptor, or share one that is never
    // closed: it is open, and the same, for as long as the value lives.
    unsafe { AsyncFd::register_with_interest(what, interest) }.map_err(io::Error::from)
}
