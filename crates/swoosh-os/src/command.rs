//! Runs commands like a shell: with the default signal mask, and one pipe for standard output and error if both are
//! wanted.
//!
//! Runs in: threads of a blocking pool.

use crate::child::send_signal;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ends a command that [`output`] runs in another thread.
#[derive(Debug, Default)]
pub struct Termination {
    /// Whether it was requested, and the running command.
    state: Mutex<(bool, Option<i32>)>,
}

impl Termination {
    /// Sends SIGTERM to the command, also if it is only about to start. Does nothing once it has ended.
    pub fn request(&self) {
        let mut state = self.lock();
        state.0 = true;
        if let Some(pid) = state.1 {
            let _ = send_signal(pid, libc::SIGTERM);
        }
    }

    /// The command runs, or is about to be reaped and cannot be signalled any more.
    fn running(&self, pid: Option<i32>) {
        let mut state = self.lock();
        state.1 = pid;
        if let (true, Some(pid)) = *state {
            let _ = send_signal(pid, libc::SIGTERM);
        }
    }

    fn lock(&self) -> MutexGuard<'_, (bool, Option<i32>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs `command` to its end and collects its standard output; with `errors` its standard error too, in the order in
/// which the two were written. Standard error is inherited otherwise; standard input is empty.
///
/// The status is `None` if other code of this process reaped the child first, such as a SIGCHLD handler that waits for
/// any child. The output is complete nevertheless.
///
/// ```
/// use std::process::Command;
///
/// let never = swoosh_os::command::Termination::default();
/// let (text, status) = swoosh_os::command::output(Command::new("echo").arg("hello"), false, &never).unwrap();
/// assert_eq!(text, b"hello\n");
/// assert!(status.unwrap().success());
/// ```
///
/// # Errors
/// If the command cannot be started or its output cannot be read.
pub fn output(
    command: &mut Command,
    errors: bool,
    termination: &Termination,
) -> io::Result<(Vec<u8>, Option<ExitStatus>)> {
    let (mut reader, writer) = io::pipe()?;
    command.stdin(Stdio::null());
    if errors {
        command.stderr(writer.try_clone()?);
    }
    command.stdout(writer);
    let spawned = with_default_signal_mask(|| command.spawn());
    // The pipe ends once no process holds its writing end: `command` must let go of it.
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    let mut child = spawned?;
    termination.running(Some(child.id() as i32));
    let mut text = Vec::new();
    let read = reader.read_to_end(&mut text);
    // A command may run on without its output. Its id is in use until it is reaped.
    wait_without_reaping(child.id());
    termination.running(None);
    let ended = child.wait();
    read?;
    match ended {
        Ok(status) => Ok((text, Some(status))),
        Err(e) if e.raw_os_error() == Some(libc::ECHILD) => Ok((text, None)),
        Err(e) => Err(e),
    }
}

/// Returns once the child has ended, or was reaped by other code.
fn wait_without_reaping(pid: u32) {
    let ended = || waitid(Id::Pid(Pid::from_raw(pid as i32)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
    while ended() == Err(Errno::EINTR) {}
}

/// Starts `command` like popen(3): its standard output (`reads`) or input is a pipe, the rest is inherited. Returns this
/// process's end of the pipe and the child's id. The caller reaps the child.
///
/// # Errors
/// If the command cannot be started.
pub fn pipe(command: &mut Command, reads: bool) -> io::Result<(OwnedFd, i32)> {
    let (reader, writer) = io::pipe()?;
    let ours: OwnedFd = if reads {
        command.stdout(writer);
        reader.into()
    } else {
        command.stdin(reader);
        writer.into()
    };
    let spawned = with_default_signal_mask(|| command.spawn());
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit());
    Ok((ours, spawned?.id() as i32))
}

/// A child inherits the signal mask of the thread that starts it, and threads of a pool block every signal.
fn with_default_signal_mask<T>(spawn: impl FnOnce() -> T) -> T {
    let blocked = SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK);
    let spawned = spawn();
    if let Ok(blocked) = blocked {
        let _ = blocked.thread_set_mask();
    }
    spawned
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn shell(line: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(line);
        shell
    }

    #[test]
    fn a_command_has_no_signal_blocked_although_the_thread_has_all() {
        let answer = std::thread::spawn(|| {
            SigSet::all().thread_block().unwrap();
            output(&mut shell("kill -TERM $$; echo alive"), false, &Termination::default()).unwrap()
        });
        let (text, status) = answer.join().unwrap();
        assert_eq!((text.as_slice(), status.unwrap().code()), (&b""[..], None));
    }

    #[test]
    fn both_outputs_keep_the_order_in_which_they_were_written() {
        let line = "echo 1; echo 2 >&2; echo 3; echo 4 >&2";
        let (text, _) = output(&mut shell(line), true, &Termination::default()).unwrap();
        assert_eq!(text, b"1\n2\n3\n4\n");
    }

    #[test]
    fn a_command_is_terminated_while_it_writes_and_after_it_has_closed_its_output() {
        for line in ["exec sleep 60", "exec sleep 60 >&-"] {
            for before in [false, true] {
                let termination = std::sync::Arc::new(Termination::default());
                let end = termination.clone();
                if before {
                    termination.request();
                }
                let running = std::thread::spawn(move || output(&mut shell(line), false, &end).unwrap());
                while !running.is_finished() {
                    termination.request();
                    std::thread::yield_now();
                }
                let (_, status) = running.join().unwrap();
                assert_eq!(status.unwrap().signal(), Some(libc::SIGTERM), "{line}");
            }
        }
    }
}
