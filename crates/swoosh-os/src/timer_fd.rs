//! A timer that wakes an event queue (timerfd_create(2)), exact to microseconds.

use crate::error::{Error, Result};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{self, ClockId, Expiration, TimerFlags, TimerSetTimeFlags};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

/// A one-shot timer on `CLOCK_MONOTONIC` whose descriptor becomes readable when it expires.
///
/// Unlike the timeout of epoll_wait(2) it is not rounded up to milliseconds, and the timer slack of the thread
/// (prctl(2), `PR_SET_TIMERSLACK`) does not delay it.
///
/// ```
/// use std::os::fd::AsRawFd;
/// use std::time::Duration;
/// use swoosh_os::{clock, socket, timer_fd::TimerFd};
///
/// let timer = TimerFd::new()?;
/// let deadline = clock::monotonic_nanos() + 200_000;
/// timer.set(deadline)?;
/// socket::wait_readable(&[timer.as_raw_fd()], Some(Duration::from_secs(60)));
/// assert!(clock::monotonic_nanos() >= deadline);
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct TimerFd(timerfd::TimerFd);

impl TimerFd {
    /// Creates a timer that is not set; its descriptor is non-blocking and closed on exec.
    ///
    /// # Errors
    /// If the process has no descriptors left.
    pub fn new() -> Result<Self> {
        timerfd::TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)
            .map(TimerFd)
            .map_err(|e| Error::system("create", "a timer descriptor", e))
    }

    /// Sets the time at which it expires, in nanoseconds of [`clock::monotonic_nanos`](crate::clock::monotonic_nanos),
    /// instead of the time set before. A time in the past expires at once. The descriptor is not readable before.
    ///
    /// # Errors
    /// The errors of timerfd_settime(2); none is expected for a valid descriptor.
    pub fn set(&self, deadline: u64) -> Result<()> {
        // A time of 0 would disarm the timer; nanoseconds beyond i64 are 292 years away.
        let deadline = deadline.clamp(1, i64::MAX as u64);
        let at = Expiration::OneShot(TimeSpec::from_duration(Duration::from_nanos(deadline)));
        self.0.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME).map_err(|e| Error::system("set", "a timer descriptor", e))
    }
}

impl AsFd for TimerFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for TimerFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::monotonic_nanos;
    use crate::socket::wait_readable;

    fn is_readable(timer: &TimerFd) -> bool {
        let wanted = [(timer.as_raw_fd(), crate::poll::PollFlags::POLLIN)];
        !crate::poll::ready(&wanted, Some(Duration::ZERO)).unwrap()[0].is_empty()
    }

    #[test]
    fn a_timer_expires_at_its_time_and_not_before() {
        let timer = TimerFd::new().unwrap();
        assert!(!is_readable(&timer));
        let deadline = monotonic_nanos() + 3_000_000;
        timer.set(deadline).unwrap();
        wait_readable(&[timer.as_raw_fd()], Some(Duration::from_secs(60)));
        assert!(monotonic_nanos() >= deadline);
        assert!(is_readable(&timer));
    }

    #[test]
    fn a_new_time_replaces_the_old_one() {
        let timer = TimerFd::new().unwrap();
        timer.set(0).unwrap();
        wait_readable(&[timer.as_raw_fd()], Some(Duration::from_secs(60)));
        timer.set(u64::MAX).unwrap();
        assert!(!is_readable(&timer));
    }
}
