//! The pipe between a process and its parent.

use crate::error::{Error, Result};
use crate::sys::socket;
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use socket2::SockRef;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

/// What a pipe carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipeKind {
    /// Bytes: what is sent in two parts may arrive in one.
    Stream,
    /// Messages: each arrives whole, or as much of it as there is room for.
    Datagram,
}

/// One end of a pipe that goes both ways: a Unix socket (unix(7)).
#[derive(Debug)]
pub struct Pipe(OwnedFd);

impl Pipe {
    /// Both ends of a new one. Fails where there are no descriptors left.
    pub fn pair(kind: PipeKind) -> Result<(Pipe, Pipe)> {
        let kind = match kind {
            PipeKind::Stream => SockType::Stream,
            PipeKind::Datagram => SockType::Datagram,
        };
        socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)
            .map(|(one, other)| (Pipe(one), Pipe(other)))
            .map_err(|e| Error::system("open", "a process's pipe", e))
    }

    /// Waits until there is room, and sends. Of a stream: as much as there is room for. Gives how many bytes it was.
    ///
    /// Fails where the other end is closed, or a message is longer than the kernel takes.
    pub fn send(&self, data: &[u8]) -> Result<usize> {
        again(|| send(self.as_raw_fd(), data, MsgFlags::MSG_NOSIGNAL))
            .map_err(|e| Error::system("write to", "a pipe", e))
    }

    /// Sends one message, as soon as there is room for it. Fails as [`send`](Pipe::send) does, and where there was no room
    /// in time.
    pub fn send_within(&self, message: &[u8], patience: Duration) -> Result<()> {
        let until = Instant::now() + patience;
        loop {
            match again(|| send(self.as_raw_fd(), message, MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT)) {
                Ok(_) => return Ok(()),
                // A receiver that was just replaced, or one that is full.
                Err(Errno::EAGAIN | Errno::ENOBUFS) if Instant::now() < until => {
                    let left = until.saturating_duration_since(Instant::now());
                    socket::wait_writable(self.as_raw_fd(), left.as_millis().clamp(1, 1000) as i32);
                }
                Err(e) => return Err(Error::system("write to", "a pipe", e)),
            }
        }
    }

    /// Waits until there is something, and takes it. 0: the other end of a stream is closed. What does not fit of a
    /// message is lost.
    pub fn receive(&self, room: &mut [u8]) -> Result<usize> {
        again(|| recv(self.as_raw_fd(), room, MsgFlags::empty())).map_err(|e| Error::system("read from", "a pipe", e))
    }

    /// How long [`send`](Pipe::send) and [`receive`](Pipe::receive) of this end wait at most, after which they fail with
    /// EAGAIN; `None`: for ever. Of a time below a microsecond as much.
    pub fn set_timeout(&self, time: Option<Duration>) -> Result<()> {
        let micros = time.map_or(0, |time| time.as_micros().clamp(1, 1 << 50) as i64);
        let time = TimeVal::microseconds(micros);
        setsockopt(self, sockopt::ReceiveTimeout, &time)
            .and_then(|()| setsockopt(self, sockopt::SendTimeout, &time))
            .map_err(|e| Error::system("set the timeout of", "a pipe", e))
    }

    /// Whether this end waits at all; otherwise it fails with EAGAIN at once. So for every copy of it, in any process.
    pub fn set_blocking(&self, blocking: bool) -> Result<()> {
        SockRef::from(self)
            .set_nonblocking(!blocking)
            .map_err(|e| Error::system("change the blocking mode of", "a pipe", e))
    }

    /// Ends a direction of this end, for every copy of it: nothing is received any more, or nothing sent.
    pub fn shut_down(&self, direction: Shutdown) -> Result<()> {
        SockRef::from(self).shutdown(direction).map_err(|e| Error::system("shut down", "a pipe", e))
    }

    /// Another descriptor of the same end.
    pub fn try_clone(&self) -> Result<Pipe> {
        self.0.try_clone().map(Pipe).map_err(|e| Error::system("duplicate", "a pipe", e))
    }

    /// Puts this end in the place of the process's standard input and output: what it prints, or a program that it becomes,
    /// goes to the other end.
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

fn again<T>(mut act: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match act() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_joins_what_a_datagram_keeps_apart() {
        let mut room = [0; 16];
        for (kind, first) in [(PipeKind::Stream, &b"onetwo"[..]), (PipeKind::Datagram, b"one")] {
            let (here, there) = Pipe::pair(kind).unwrap();
            assert_eq!((here.send(b"one").unwrap(), here.try_clone().unwrap().send(b"two").unwrap()), (3, 3));
            let got = there.receive(&mut room).unwrap();
            assert_eq!(&room[..got], first);
        }
    }

    #[test]
    fn an_end_waits_as_long_as_it_was_told_to() {
        let (here, there) = Pipe::pair(PipeKind::Stream).unwrap();
        there.set_timeout(Some(Duration::from_millis(20))).unwrap();
        let handover = Instant::now();
        assert_eq!(there.receive(&mut [0]).unwrap_err().code(), libc::EAGAIN);
        assert!(handover.elapsed() >= Duration::from_millis(20));
        there.set_blocking(false).unwrap();
        assert_eq!(there.receive(&mut [0]).unwrap_err().code(), libc::EAGAIN);
        here.set_blocking(false).unwrap();
        while here.send(&[0; 4096]).is_ok() {}
        assert_eq!(here.send(&[0]).unwrap_err().code(), libc::EAGAIN);
    }

    #[test]
    fn a_direction_that_is_shut_down_carries_nothing_more() {
        let (here, there) = Pipe::pair(PipeKind::Stream).unwrap();
        here.shut_down(Shutdown::Write).unwrap();
        assert_eq!(there.receive(&mut [0]).unwrap(), 0);
        assert_eq!(here.send(b"x").unwrap_err().code(), libc::EPIPE);
        there.send(b"x").unwrap();
        assert_eq!(here.receive(&mut [0]).unwrap(), 1);
    }
}
