//! Readiness of descriptors (poll(2)).
//!
//! ```
//! use std::os::fd::AsRawFd;
//! use swoosh_os::poll::{PollFlags, ready};
//!
//! let file = std::fs::File::open("/dev/null").unwrap();
//! assert_eq!(ready(&[(file.as_raw_fd(), PollFlags::POLLIN)], None).unwrap(), [PollFlags::POLLIN]);
//! ```

use nix::poll::{PollFd, PollTimeout, poll};
use std::io;
use std::os::fd::{BorrowedFd, RawFd};
use std::time::Duration;

pub use nix::poll::PollFlags;

/// Waits until one of the descriptors is ready or `limit` has passed (`None`: no limit). The result contains the events of
/// each, in the order given; a closed descriptor reports `POLLNVAL`.
///
/// # Errors
/// The errors of poll(2), including `EINTR`.
///
/// # Panics
/// If a number is negative.
pub fn ready(wanted: &[(RawFd, PollFlags)], limit: Option<Duration>) -> io::Result<Vec<PollFlags>> {
    let mut fds: Vec<PollFd<'_>> = wanted
        .iter()
        .map(|&(fd, flags)| {
            assert!(fd >= 0, "a descriptor is not negative");
            // SAFETY: the assertion excludes -1, the only invalid value of the type. The borrow is used in one call of
            // poll(2) only, which reports a closed number as POLLNVAL.
            PollFd::new(unsafe { BorrowedFd::borrow_raw(fd) }, flags)
        })
        .collect();
    let limit = limit.map_or(PollTimeout::NONE, |limit| PollTimeout::try_from(limit).unwrap_or(PollTimeout::MAX));
    poll(&mut fds, limit)?;
    Ok(fds.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn readiness_is_reported_for_each_descriptor_in_order() {
        let (one, mut other) = UnixStream::pair().unwrap();
        let wanted = [(one.as_raw_fd(), PollFlags::POLLIN), (other.as_raw_fd(), PollFlags::POLLOUT)];
        assert_eq!(ready(&wanted, None).unwrap(), [PollFlags::empty(), PollFlags::POLLOUT]);
        other.write_all(b"x").unwrap();
        assert_eq!(ready(&wanted[..1], None).unwrap(), [PollFlags::POLLIN]);
    }

    #[test]
    fn without_readiness_the_limit_ends_the_wait() {
        let (one, _other) = UnixStream::pair().unwrap();
        let limit = Some(Duration::from_millis(5));
        assert_eq!(ready(&[(one.as_raw_fd(), PollFlags::POLLIN)], limit).unwrap(), [PollFlags::empty()]);
    }
}
