//! One child process, and the pipe between it and its parent.

use crate::error::{Error, Result};
use crate::sys::process::{self as system, Ended, Fork};
use crate::sys::{signal, socket};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
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

    /// The descriptor itself.
    pub fn into_descriptor(self) -> OwnedFd {
        self.0
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

/// A child process. It ends with this process, at the latest; dropping this value neither ends it nor waits for it.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    pipe: Option<Pipe>,
}

/// The child, as its code sees it.
#[derive(Debug)]
pub struct Child {
    pipe: Option<Pipe>,
}

impl Process {
    /// Forks a process that calls `body` and ends with the exit status that it gives (101 where it panics), with a pipe
    /// between the two if one is wanted. Only from a process that has one thread.
    ///
    /// Fails where there may be no more processes, or descriptors.
    pub fn spawn(pipe: Option<PipeKind>, body: impl FnOnce(&Child) -> i32) -> Result<Process> {
        let (own, childs) = pipe.map(Pipe::pair).transpose()?.unzip();
        let parent = system::pid();
        flush();
        match system::fork()? {
            Fork::Parent(pid) => Ok(Process { pid, pipe: own }),
            Fork::Child => {
                drop(own);
                signal::start_over();
                system::on_parent_death(libc::SIGKILL, parent);
                let child = Child { pipe: childs };
                end(|| body(&child))
            }
        }
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The parent's end of the pipe.
    pub fn pipe(&self) -> Option<&Pipe> {
        self.pipe.as_ref()
    }

    /// Sends it a signal; `false` where it has ended and was waited for.
    pub fn kill(&self, signal: i32) -> bool {
        system::kill(self.pid, signal)
    }

    /// How it has ended, if it has; does not wait.
    pub fn try_wait(&self) -> Option<Ended> {
        system::reap_one(self.pid)
    }

    /// Waits until it has ended. Fails where somebody else has waited for it.
    pub fn wait(self) -> Result<Ended> {
        system::wait_for(self.pid)
    }
}

impl Child {
    /// The child's end of the pipe.
    pub fn pipe(&self) -> Option<&Pipe> {
        self.pipe.as_ref()
    }

    /// Becomes another program: `path`, which is not looked for, with these arguments. Returns only if that fails.
    pub fn exec(&self, path: &Path, arguments: &[&str]) -> Error {
        let words = [path.as_os_str().as_bytes()].into_iter().chain(arguments.iter().map(|word| word.as_bytes()));
        let words: std::result::Result<Vec<CString>, _> = words.map(CString::new).collect();
        match words {
            Err(e) => Error::system("run", path.display(), std::io::Error::from(e)),
            Ok(words) => {
                let Err(e) = nix::unistd::execv(&words[0], &words);
                Error::system("run", path.display(), e)
            }
        }
    }
}

/// Before a fork: what was printed is printed once.
pub(super) fn flush() {
    use std::io::Write;
    let _ = std::io::stdout().flush();
}

/// The end of a forked process: what it prints is printed, a panic is an exit status.
pub(super) fn end(body: impl FnOnce() -> i32) -> ! {
    let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(PANICKED);
    flush();
    system::exit_now(status)
}

/// The exit status of a process whose code panicked, as the standard library has it.
const PANICKED: i32 = 101;
