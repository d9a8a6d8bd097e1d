//! Runs commands like a shell: with the default signal mask, and one pipe for standard output and error if both are
//! wanted.
//!
//! Runs in: threads of a blocking pool.

use nix::sys::signal::{SigSet, SigmaskHow};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus, Stdio};

/// Runs `command` to its end and collects its standard output; with `errors` its standard error too, in the order in
/// which the two were written. Standard error is inherited otherwise; standard input is empty.
///
/// The status is `None` if other code of this process reaped the child first, such as a SIGCHLD handler that waits for
/// any child. The output is complete nevertheless.
///
/// ```
/// use std::process::Command;
///
/// let (text, status) = swoosh_os::command::output(Command::new("echo").arg("hello"), false).unwrap();
/// assert_eq!(text, b"hello\n");
/// assert!(status.unwrap().success());
/// ```
///
/// # Errors
/// If the command cannot be started or its output cannot be read.
pub fn output(command: &mut Command, errors: bool) -> io::Result<(Vec<u8>, Option<ExitStatus>)> {
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
    let mut text = Vec::new();
    reader.read_to_end(&mut text)?;
    match child.wait() {
        Ok(status) => Ok((text, Some(status))),
        Err(e) if e.raw_os_error() == Some(libc::ECHILD) => Ok((text, None)),
        Err(e) => Err(e),
    }
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

    fn shell(line: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(line);
        shell
    }

    #[test]
    fn a_command_has_no_signal_blocked_although_the_thread_has_all() {
        let answer = std::thread::spawn(|| {
            SigSet::all().thread_block().unwrap();
            output(&mut shell("kill -TERM $$; echo alive"), false).unwrap()
        });
        let (text, status) = answer.join().unwrap();
        assert_eq!((text.as_slice(), status.unwrap().code()), (&b""[..], None));
    }

    #[test]
    fn both_outputs_keep_the_order_in_which_they_were_written() {
        let (text, _) = output(&mut shell("echo 1; echo 2 >&2; echo 3; echo 4 >&2"), true).unwrap();
        assert_eq!(text, b"1\n2\n3\n4\n");
    }
}
