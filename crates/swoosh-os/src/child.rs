//! Child processes and signals with the full range of the system calls, for language runtimes: any process, and the
//! kernel's own error. The engine itself uses [`process`](super::process).
//!
//! ```
//! use swoosh_os::child;
//!
//! let process = std::process::Command::new("true").spawn().unwrap();
//! let exit = child::wait(process.id() as i32, true).unwrap().unwrap();
//! assert_eq!(exit.exit_code(), 0);
//! ```

use super::process::ChildExit;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

/// Reaps a child that has ended: the one with this id, or any for -1; 0 and other negative numbers as in waitpid(2).
/// `None` if none has ended and `wait` is false. Signals do not end the wait. A wait for any child skips those with an
/// [`ExitClaim`].
///
/// # Errors
/// `ECHILD` if there is no such child.
pub fn wait(pid: i32, wait: bool) -> io::Result<Option<ChildExit>> {
    let flags = if wait { 0 } else { libc::WNOHANG };
    loop {
        let mut status = 0;
        // SAFETY: waitpid(2) writes to `status` only, which outlives the call.
        match unsafe { libc::waitpid(pid, &mut status, flags) } {
            0 => return Ok(None),
            -1 => match io::Error::last_os_error() {
                e if e.kind() == io::ErrorKind::Interrupted => {}
                e => return Err(e),
            },
            ended if pid <= 0 && keep_status(ended, status) => {}
            pid => return Ok(Some(ChildExit { pid, status })),
        }
    }
}

/// The exit statuses that a caller waits for, by the id of this process and that of the child. `Some`: the child was
/// reaped meanwhile by a wait for any child.
static CLAIMED: Mutex<BTreeMap<(u32, i32), Option<i32>>> = Mutex::new(BTreeMap::new());

/// The right to a child's exit status: no wait for any child in this process takes it away.
///
/// ```
/// use swoosh_os::child::{self, ExitClaim};
///
/// let process = std::process::Command::new("true").spawn().unwrap();
/// let claim = ExitClaim::new(process.id() as i32);
/// // There is no other child.
/// assert!(child::wait(-1, true).is_err());
/// assert_eq!(claim.take().unwrap().unwrap().exit_code(), 0);
/// ```
#[derive(Debug)]
pub struct ExitClaim {
    pid: i32,
}

impl ExitClaim {
    /// Claims the status of a child of this process. A child has one claim at most.
    pub fn new(pid: i32) -> Self {
        claimed(|all| all.insert((std::process::id(), pid), None));
        ExitClaim { pid }
    }

    /// The status that a wait for any child has kept for this claim.
    pub fn kept(&self) -> Option<i32> {
        claimed(|all| all.get(&(std::process::id(), self.pid)).copied().flatten())
    }

    /// The child's exit; `None` while it runs. A status is taken once.
    ///
    /// # Errors
    /// `ECHILD` if there is no such child.
    pub fn take(&self) -> io::Result<Option<ChildExit>> {
        match self.kept() {
            Some(status) => Ok(Some(ChildExit { pid: self.pid, status })),
            None => wait(self.pid, false),
        }
    }
}

impl Drop for ExitClaim {
    fn drop(&mut self) {
        claimed(|all| all.remove(&(std::process::id(), self.pid)));
    }
}

/// Keeps the status of a child that a wait for any child has reaped, if another caller claims it.
pub fn keep_status(pid: i32, status: i32) -> bool {
    claimed(|all| match all.get_mut(&(std::process::id(), pid)) {
        Some(kept) => {
            *kept = Some(status);
            true
        }
        None => false,
    })
}

fn claimed<T>(work: impl FnOnce(&mut BTreeMap<(u32, i32), Option<i32>>) -> T) -> T {
    work(&mut CLAIMED.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Sends a signal (kill(2)): a negative `pid` names a process group; signal 0 only checks whether one could be sent.
///
/// # Errors
/// `ESRCH` if there is no such process, `EPERM`, or `EINVAL` for a number that is not a signal.
pub fn send_signal(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill(2) takes two numbers and accesses no memory of this process.
    if unsafe { libc::kill(pid, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Continues in the background, in a session of its own (daemon(3)). Only for a process with one thread.
///
/// # Errors
/// If no process can be created.
pub fn to_background(keep_directory: bool, keep_output: bool) -> io::Result<()> {
    Ok(nix::unistd::daemon(keep_directory, keep_output)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::zombie_processes, reason = "the test reaps it by its id")]
    fn a_signalled_child_is_waited_for() {
        let child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id() as i32;
        assert!(wait(pid, false).unwrap().is_none());
        send_signal(pid, libc::SIGKILL).unwrap();
        let ended = wait(pid, true).unwrap().unwrap();
        assert_eq!((ended.pid, ended.signal()), (pid, libc::SIGKILL));
        assert_eq!(wait(pid, true).unwrap_err().raw_os_error(), Some(libc::ECHILD));
    }
}
