//! A event_fd between processes: an eventfd(2) that is rung and waited for, but carries no value of interest.

use crate::error::{Error, Result};
use nix::sys::eventfd::{self, EfdFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// Rung by anyone who inherited it; each ring is seen at least once by whoever waits.
#[derive(Debug)]
pub struct EventFd(eventfd::EventFd);

impl EventFd {
    /// A new bell, silent.
    pub fn new() -> Result<Self> {
        eventfd::EventFd::from_value_and_flags(0, EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
            .map(EventFd)
            .map_err(|e| Error::system("create", "an eventfd", e))
    }

    /// Wakes whoever waits, or will.
    pub fn notify(&self) {
        // The only failure is a counter near 2^64, and then the bell is ringing already.
        let _ = self.0.write(1);
    }

    /// Makes it silent again (needed only where it is waited for level-triggered).
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
