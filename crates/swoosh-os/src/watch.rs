//! Registers descriptors with a tokio runtime.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Watches a descriptor on the current tokio runtime, edge-triggered. The value is dropped if that fails.
///
/// `T` has to own one descriptor, or share one that is never closed: `as_raw_fd` returns the same open descriptor for
/// as long as the value lives. Otherwise the runtime reports events of another file.
///
/// ```no_run
/// use swoosh_os::{event_fd::EventFd, watch::watch};
/// use tokio::io::Interest;
///
/// async fn notified(event_fd: EventFd) -> std::io::Result<()> {
///     watch(event_fd, Interest::READABLE)?.readable().await?.clear_ready();
///     Ok(())
/// }
/// ```
///
/// # Errors
/// If the kernel cannot watch it, as with a regular file.
///
/// # Panics
/// Outside of a runtime whose I/O driver is enabled.
pub fn watch<T: AsFd + AsRawFd>(source: T, interest: Interest) -> io::Result<AsyncFd<T>> {
    // SAFETY: the documentation of `watch` requires that `T` keeps its one descriptor open for as long as it lives.
    // A type that does not can only cause wrong readiness events, not invalid memory accesses.
    unsafe { AsyncFd::register_with_interest(source, interest) }.map_err(io::Error::from)
}
