//! Wakes another process or thread (eventfd(2)).

use crate::error::{Error, Result};
use nix::sys::eventfd::{self, EfdFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// An eventfd that carries no value: any process that inherited it may notify, and a waiter sees at least one wakeup
/// after each notification.
///
/// ```
/// use std::os::fd::AsRawFd;
/// use std::time::Duration;
/// use swoosh_os::{event_fd::EventFd, socket};
///
/// let event_fd = EventFd::new()?;
/// event_fd.notify();
/// socket::wait_readable(&[event_fd.as_raw_fd()], Some(Duration::from_secs(60))); // returns at once
/// event_fd.drain();
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct EventFd(eventfd::EventFd);

impl EventFd {
    /// Creates an eventfd without a pending notification; it is non-blocking and closed on exec.
    ///
    /// # Errors
    /// If the process has no descriptors left.
    pub fn new() -> Result<Self> {
        eventfd::EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
            .map(EventFd)
            .map_err(|e| Error::system("create", "an eventfd", e))
    }

    /// Makes the descriptor readable, which wakes its waiters.
    pub fn notify(&self) {
        // It fails otherwise only if the counter is near 2^64, and then the descriptor is readable already.
        while self.0.write(1) == Err(nix::Error::EINTR) {}
    }

    /// Clears pending notifications. Only level-triggered waiters need it.
    pub fn drain(&self) {
        let _ = self.0.read();
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}
