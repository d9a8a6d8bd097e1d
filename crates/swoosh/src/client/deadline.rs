//! Waits with a time limit.

use super::error::ClientError;
use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};
use swoosh_os::poll::{self, PollFlags};

/// The end of an operation of several steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    end: Option<Instant>,
    /// For the error message.
    operation: &'static str,
}

impl Deadline {
    /// That of an operation that starts now.
    pub(super) fn new(operation: &'static str, limit: Option<Duration>) -> Self {
        Deadline { end: limit.map(|limit| Instant::now() + limit), operation }
    }

    /// Waits until a descriptor is ready.
    pub(super) fn wait(&self, fd: RawFd, flags: PollFlags) -> Result<(), ClientError> {
        loop {
            let left = self.end.map(|end| end.saturating_duration_since(Instant::now()));
            // poll(2) counts whole milliseconds; zero would not wait.
            let left = left.map(|left| if left.is_zero() { left } else { left.max(Duration::from_millis(1)) });
            match poll::ready(&[(fd, flags)], left) {
                Ok(ready) if !ready[0].is_empty() => return Ok(()),
                Ok(_) if left.is_some_and(|left| left.is_zero()) => return Err(ClientError::timed_out(self.operation)),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(ClientError::system(self.operation, e)),
            }
        }
    }

    /// Repeats `step`, waiting in between, until it does not return `WouldBlock`.
    pub(super) fn retry<T>(
        &self,
        fd: RawFd,
        flags: PollFlags,
        mut step: impl FnMut() -> io::Result<T>,
    ) -> Result<T, ClientError> {
        loop {
            match step() {
                Ok(value) => return Ok(value),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.wait(fd, flags)?,
                Err(e) => return Err(ClientError::system(self.operation, e)),
            }
        }
    }
}
