//! Descriptors that belong to user code and are known by their number only. User code may close one at any time; a system
//! call on it then fails, or concerns what the number was given to next.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// A descriptor that user code owns. It is never closed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignFd(RawFd);

impl ForeignFd {
    /// Wraps a number, which must not be negative.
    pub fn new(fd: RawFd) -> Self {
        assert!(fd >= 0, "a descriptor is not negative");
        ForeignFd(fd)
    }

    /// A descriptor of our own for the same open file (`F_DUPFD_CLOEXEC`).
    pub fn duplicate(self) -> io::Result<OwnedFd> {
        self.as_fd().try_clone_to_owned()
    }

    /// Writes without waiting: send(2) with `MSG_DONTWAIT` and `MSG_NOSIGNAL`, or write(2) where it is no socket.
    pub fn send_or_write(self, bytes: &[u8]) -> io::Result<usize> {
        match super::socket::send(self.0, bytes) {
            Err(e) if e.raw_os_error() == Some(libc::ENOTSOCK) => Ok(nix::unistd::write(self, bytes)?),
            sent => sent,
        }
    }

    /// Makes it this process's standard stream `number`: 0 input, 1 output, 2 error (dup2(2)).
    pub fn redirect_standard(self, number: usize) -> io::Result<()> {
        match number {
            0 => nix::unistd::dup2_stdin(self)?,
            1 => nix::unistd::dup2_stdout(self)?,
            2 => nix::unistd::dup2_stderr(self)?,
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        }
        Ok(())
    }
}

impl AsRawFd for ForeignFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

impl AsFd for ForeignFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: not -1. Nothing is closed by a borrow, and a system call on a number that is not open says so.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    #[test]
    fn bytes_go_to_sockets_and_to_pipes() {
        let (one, mut other) = UnixStream::pair().unwrap();
        assert_eq!(ForeignFd::new(one.as_raw_fd()).send_or_write(b"abc").unwrap(), 3);
        let (mut read, write) = std::io::pipe().unwrap();
        assert_eq!(ForeignFd::new(write.as_raw_fd()).send_or_write(b"de").unwrap(), 2);
        let mut bytes = [0; 3];
        other.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"abc");
        read.read_exact(&mut bytes[..2]).unwrap();
        assert_eq!(&bytes[..2], b"de");
    }
}
