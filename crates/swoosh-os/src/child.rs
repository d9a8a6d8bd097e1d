//! Child processes and signals as user code asks for them: with the system's own error, and for any process.

use super::process::Ended;
use std::io;

/// The next child that has ended: the one with this id, or any with -1; other negative numbers and 0 as in waitpid(2).
/// `None` where none has ended yet and `wait` is false. A signal does not interrupt it.
pub fn wait(pid: i32, wait: bool) -> io::Result<Option<Ended>> {
    let flags = if wait { 0 } else { libc::WNOHANG };
    loop {
        let mut status = 0;
        // SAFETY: `status` outlives the call.
        match unsafe { libc::waitpid(pid, &mut status, flags) } {
            0 => return Ok(None),
            -1 => match io::Error::last_os_error() {
                e if e.kind() == io::ErrorKind::Interrupted => {}
                e => return Err(e),
            },
            pid => return Ok(Some(Ended { pid, status })),
        }
    }
}

/// Sends a signal as kill(2) does: a negative `pid` names a process group, signal 0 asks only whether it could be sent.
pub fn send_signal(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: kill(2) takes two numbers and touches no memory of ours.
    if unsafe { libc::kill(pid, signal) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Goes on in the background, in a session of its own (daemon(3)). Only from a process that has one thread.
pub fn to_background(keep_directory: bool, keep_output: bool) -> io::Result<()> {
    Ok(nix::unistd::daemon(keep_directory, keep_output)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::zombie_processes, reason = "it is waited for by its id")]
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
