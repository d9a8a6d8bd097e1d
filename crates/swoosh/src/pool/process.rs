//! One child process, and the pipe between it and its parent.

use super::pipe::{Pipe, PipeKind};
use crate::error::{Error, Result};
use crate::sys::process::{self as system, ChildExit, Fork};
use crate::sys::signal;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A child process. It ends with this process at the latest; dropping this value neither ends it nor waits for it.
///
/// ```no_run
/// use swoosh::pool::{PipeKind, Process};
///
/// let child = Process::spawn(Some(PipeKind::Stream), |child| {
///     child.pipe().map_or(1, |pipe| i32::from(pipe.send(b"ready").is_err()))
/// })?;
/// let mut buffer = [0; 16];
/// assert_eq!(child.pipe().unwrap().receive(&mut buffer)?, 5);
/// assert_eq!(child.wait()?.exit_code(), 0);
/// # Ok::<(), swoosh::Error>(())
/// ```
#[derive(Debug)]
pub struct Process {
    pid: i32,
    pipe: Option<Pipe>,
}

/// A child process, as its code sees it.
#[derive(Debug)]
pub struct Child {
    pipe: Option<Pipe>,
}

impl Process {
    /// Forks a child that calls `body` and ends with the exit status that it returns, or 101 if it panics; `pipe` makes a
    /// pipe between parent and child. Call it from a process with one thread.
    ///
    /// # Errors
    /// If no process or descriptor is left.
    pub fn spawn(pipe: Option<PipeKind>, body: impl FnOnce(&Child) -> i32) -> Result<Process> {
        let (parent_end, child_end) = pipe.map(Pipe::pair).transpose()?.unzip();
        let parent = system::pid();
        flush();
        match system::fork()? {
            Fork::Parent(pid) => Ok(Process { pid, pipe: parent_end }),
            Fork::Child => {
                drop(parent_end);
                signal::reset_after_fork();
                crate::sys::parent_death::set_parent_death_signal(libc::SIGKILL, parent);
                let child = Child { pipe: child_end };
                end(|| body(&child))
            }
        }
    }

    /// The child's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// The parent's end of the pipe.
    pub fn pipe(&self) -> Option<&Pipe> {
        self.pipe.as_ref()
    }

    /// Sends a signal; false if the child has ended and was waited for.
    pub fn kill(&self, signal: i32) -> bool {
        system::kill(self.pid, signal)
    }

    /// The child's exit status if it has ended; does not block.
    pub fn try_wait(&self) -> Option<ChildExit> {
        system::try_wait(self.pid)
    }

    /// Waits until the child has ended.
    ///
    /// # Errors
    /// If other code has waited for it.
    pub fn wait(self) -> Result<ChildExit> {
        Ok(system::wait_for(self.pid)?)
    }
}

impl Child {
    /// The child's end of the pipe.
    pub fn pipe(&self) -> Option<&Pipe> {
        self.pipe.as_ref()
    }

    /// See [`exec`].
    pub fn exec(&self, path: &Path, arguments: &[&str]) -> Error {
        exec(path, arguments)
    }
}

/// Executes another program in this process (execv(3)): `path`, which is not searched for, with these arguments after its
/// name. Returns only if that fails.
pub fn exec(path: &Path, arguments: &[impl AsRef<OsStr>]) -> Error {
    let words = std::iter::once(path.as_os_str()).chain(arguments.iter().map(AsRef::as_ref));
    let words: std::result::Result<Vec<CString>, _> = words.map(|word| CString::new(word.as_bytes())).collect();
    match words {
        Err(e) => Error::system("run", path.display(), std::io::Error::from(e)),
        Ok(words) => {
            let Err(e) = nix::unistd::execv(&words[0], &words);
            Error::system("run", path.display(), e)
        }
    }
}

/// Flushes standard output before a fork, so that buffered output is printed once.
pub(super) fn flush() {
    use std::io::Write;
    let _ = std::io::stdout().flush();
}

/// Runs a forked process to its end; a panic becomes an exit status.
pub(super) fn end(body: impl FnOnce() -> i32) -> ! {
    let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(PANICKED);
    flush();
    system::exit_now(status)
}

/// The exit status after a panic, as in the standard library.
const PANICKED: i32 = 101;
