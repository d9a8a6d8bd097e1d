//! A two-way pipe between processes.

use crate::error::{Error, Result};
use crate::sys::socket;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use socket2::SockRef;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// The kind of data that a pipe carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipeKind {
    /// A byte stream without boundaries.
    Stream,
    /// Messages, which are received whole or truncated to the receiver's buffer.
    Datagram,
}

/// One end of a two-way pipe: a Unix socket (unix(7)).
///
/// ```
/// use swoosh::pool::{Pipe, PipeKind};
///
/// let (one, other) = Pipe::pair(PipeKind::Datagram).unwrap();
/// one.send(b"hello").unwrap();
/// let mut buffer = [0; 16];
/// assert_eq!(other.receive(&mut buffer).unwrap(), 5);
/// ```
#[derive(Debug)]
pub struct Pipe(OwnedFd);

impl Pipe {
    /// Both ends of a new pipe.
    ///
    /// # Errors
    /// If no descriptors are left.
    pub fn pair(kind: PipeKind) -> Result<(Pipe, Pipe)> {
        let kind = match kind {
            PipeKind::Stream => SockType::Stream,
            PipeKind::Datagram => SockType::Datagram,
        };
        socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)
            .map(|(one, other)| (Pipe(one), Pipe(other)))
            .map_err(|e| Error::system("open", "a process's pipe", e))
    }

    /// Waits for room and sends; to a stream possibly only a part. Returns the number of bytes sent.
    ///
    /// # Errors
    /// If the other end is closed, or a message is longer than the kernel accepts.
    pub fn send(&self, data: &[u8]) -> Result<usize> {
        retry(|| send(self.as_raw_fd(), data, MsgFlags::MSG_NOSIGNAL))
            .map_err(|e| Error::system("write to", "a pipe", e))
    }

    /// Sends one message, waiting at most `timeout` for room.
    ///
    /// # Errors
    /// As [`send`](Pipe::send); also if there was no room in time.
    pub fn send_within(&self, message: &[u8], timeout: Duration) -> Result<()> {
        let until = Instant::now() + timeout;
        loop {
            match retry(|| send(self.as_raw_fd(), message, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT)) {
                Ok(_) => return Ok(()),
                // The receiver's buffer is full.
                Err(Errno::EAGAIN | Errno::ENOBUFS) if Instant::now() < until => {
                    let left = until.saturating_duration_since(Instant::now());
                    socket::wait_writable(self.as_raw_fd(), left.as_millis().clamp(1, 1000) as i32);
                }
                Err(e) => return Err(Error::system("write to", "a pipe", e)),
            }
        }
    }

    /// Waits for data and receives it. 0: the other end of a stream is closed. The part of a message that does not fit
    /// `buffer` is lost.
    ///
    /// # Errors
    /// As recv(2).
    pub fn receive(&self, buffer: &mut [u8]) -> Result<usize> {
        retry(|| recv(self.as_raw_fd(), buffer, MsgFlags::empty())).map_err(|e| Error::system("read from", "a pipe", e))
    }

    /// Sets the longest wait of [`send`](Pipe::send) and [`receive`](Pipe::receive), at least 1 µs, after which they fail
    /// with EAGAIN; `None`: no limit.
    ///
    /// # Errors
    /// As setsockopt(2).
    pub fn set_timeout(&self, time: Option<Duration>) -> Result<()> {
        let micros = time.map_or(0, |time| time.as_micros().clamp(1, 1 << 50) as i64);
        let time = TimeVal::microseconds(micros);
        setsockopt(self, sockopt::ReceiveTimeout, &time)
            .and_then(|()| setsockopt(self, sockopt::SendTimeout, &time))
            .map_err(|e| Error::system("set the timeout of", "a pipe", e))
    }

    /// Sets whether this end blocks; if not, operations fail with EAGAIN at once. Applies to every copy of this end, in any
    /// process.
    ///
    /// # Errors
    /// As fcntl(2).
    pub fn set_blocking(&self, blocking: bool) -> Result<()> {
        SockRef::from(self)
            .set_nonblocking(!blocking)
            .map_err(|e| Error::system("change the blocking mode of", "a pipe", e))
    }

    /// Shuts down one direction of this end, for every copy of it.
    ///
    /// # Errors
    /// As shutdown(2).
    pub fn shut_down(&self, direction: Shutdown) -> Result<()> {
        SockRef::from(self).shutdown(direction).map_err(|e| Error::system("shut down", "a pipe", e))
    }

    /// Another descriptor of this end.
    ///
    /// # Errors
    /// If no descriptors are left.
    pub fn try_clone(&self) -> Result<Pipe> {
        self.0.try_clone().map(Pipe).map_err(|e| Error::system("duplicate", "a pipe", e))
    }

    /// Makes this end the process's standard input and output, also for a program that it executes.
    ///
    /// # Errors
    /// As dup2(2).
    pub fn redirect_standard_streams(&self) -> Result<()> {
        nix::unistd::dup2_stdin(self)
            .and_then(|()| nix::unistd::dup2_stdout(self))
            .and_then(|()| nix::unistd::dup2_stderr(self))
            .map_err(|e| Error::system("redirect standard streams to", "a pipe", e))
    }
}

impl From<Pipe> for OwnedFd {
    fn from(pipe: Pipe) -> OwnedFd {
        pipe.0
    }
}

impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Pipe {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Repeats a call that a signal interrupts.
fn retry<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_merges_messages_and_a_datagram_does_not() {
        let mut buffer = [0; 16];
        for (kind, first) in [(PipeKind::Stream, &b"onetwo"[..]), (PipeKind::Datagram, b"one")] {
            let (here, there) = Pipe::pair(kind).unwrap();
            assert_eq!((here.send(b"one").unwrap(), here.try_clone().unwrap().send(b"two").unwrap()), (3, 3));
            let got = there.receive(&mut buffer).unwrap();
            assert_eq!(&buffer[..got], first);
        }
    }

    #[test]
    fn a_timeout_bounds_a_wait() {
        let (here, there) = Pipe::pair(PipeKind::Stream).unwrap();
        there.set_timeout(Some(Duration::from_millis(20))).unwrap();
        let start = Instant::now();
        assert_eq!(there.receive(&mut [0]).unwrap_err().code(), libc::EAGAIN);
        assert!(start.elapsed() >= Duration::from_millis(20));
        there.set_blocking(false).unwrap();
        assert_eq!(there.receive(&mut [0]).unwrap_err().code(), libc::EAGAIN);
        here.set_blocking(false).unwrap();
        while here.send(&[0; 4096]).is_ok() {}
        assert_eq!(here.send(&[0]).unwrap_err().code(), libc::EAGAIN);
    }

    #[test]
    fn a_direction_can_be_shut_down() {
        let (here, there) = Pipe::pair(PipeKind::Stream).unwrap();
        here.shut_down(Shutdown::Write).unwrap();
        assert_eq!(there.receive(&mut [0]).unwrap(), 0);
        assert_eq!(here.send(b"x").unwrap_err().code(), libc::EPIPE);
        there.send(b"x").unwrap();
        assert_eq!(here.receive(&mut [0]).unwrap(), 1);
    }
}
