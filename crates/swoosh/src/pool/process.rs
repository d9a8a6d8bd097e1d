//! One child process, and the pipe between it and its parent.

use super::pipe::{Pipe, PipeKind};
use crate::error::{Error, Result};
use crate::sys::process::{self as system, ChildExit, Fork};
use crate::sys::signal;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

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
                signal::reset_after_fork();
                system::set_parent_death_signal(libc::SIGKILL, parent);
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
    pub fn try_wait(&self) -> Option<ChildExit> {
        system::try_wait(self.pid)
    }

    /// Waits until it has ended. Fails where somebody else has waited for it.
    pub fn wait(self) -> Result<ChildExit> {
        Ok(system::wait_for(self.pid)?)
    }
}

impl Child {
    /// The child's end of the pipe.
    pub fn pipe(&self) -> Option<&Pipe> {
        self.pipe.as_ref()
    }

    /// As [`exec`].
    pub fn exec(&self, path: &Path, arguments: &[&str]) -> Error {
        exec(path, arguments)
    }
}

/// Has this process become another program: `path`, which is not looked for, with these arguments behind its own name
/// (execv(3)). Returns only if that fails.
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
