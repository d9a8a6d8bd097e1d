//! Descriptors that belong to user code and are known by their number only.
//!
//! User code may close such a descriptor at any time. A system call on it then fails, or concerns the file that the number
//! was reused for.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// A descriptor that user code owns; this type never closes it.
///
/// ```
/// use std::os::fd::AsRawFd;
/// use swoosh_os::foreign_fd::ForeignFd;
///
/// let file = std::fs::File::open("/dev/null").unwrap();
/// let duplicate = ForeignFd::new(file.as_raw_fd()).duplicate().unwrap();
/// assert_ne!(duplicate.as_raw_fd(), file.as_raw_fd());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForeignFd(RawFd);

impl ForeignFd {
    /// Wraps a descriptor's number.
    ///
    /// # Panics
    /// If the number is negative.
    pub fn new(fd: RawFd) -> Self {
        assert!(fd >= 0, "a descriptor is not negative");
        ForeignFd(fd)
    }

    /// An owned descriptor of the same open file (`F_DUPFD_CLOEXEC` of fcntl(2)).
    ///
    /// # Errors
    /// `EBADF` if it is not open, `EMFILE` if no descriptors are left.
    pub fn duplicate(self) -> io::Result<OwnedFd> {
        self.as_fd().try_clone_to_owned()
    }

    /// Sends without blocking and without SIGPIPE (send(2)), or, if it is not a socket, writes (write(2)). Returns the bytes
    /// written.
    ///
    /// # Errors
    /// The errors of send(2) and write(2).
    pub fn send_or_write(self, bytes: &[u8]) -> io::Result<usize> {
        match super::socket::send(self.0, bytes) {
            Err(e) if e.raw_os_error() == Some(libc::ENOTSOCK) => Ok(nix::unistd::write(self, bytes)?),
            sent => sent,
        }
    }

    /// Makes this process's standard input (0), output (1) or error (2) refer to the same file (dup2(2)).
    ///
    /// # Errors
    /// `InvalidInput` for another number, or the errors of dup2(2).
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
        // SAFETY: `new` excludes -1, the only invalid value of the type. The borrow closes nothing, and a system call on a
        // closed number fails with EBADF.
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
