//! Detaches a program from its terminal and continues in the background.
//!
//! ```no_run
//! use std::path::Path;
//!
//! // Only the daemon returns from this call.
//! swoosh_os::daemon::daemonize(Some(Path::new("/var/log/example.log")))?;
//! # Ok::<(), swoosh_os::Error>(())
//! ```

use crate::error::{Error, Result};
use crate::open::{self, WriteFrom};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{ForkResult, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
use std::fs::{File, OpenOptions};
use std::path::Path;

/// Continues as a daemon: in a new process and session without a terminal, in the directory `/`, with `/dev/null` as
/// standard input and with standard output and error appended to `output` (`None`: discarded). It forks twice, so that
/// the daemon cannot acquire a terminal again (daemon(7)).
///
/// Returns in the daemon only; the calling process exits with status 0. To be called before any thread is started and
/// before descriptors or memory are shared by process id.
///
/// # Errors
/// Before the first fork, if `output` cannot be opened or no process can be created. An error after that is returned
/// in the new process.
pub fn daemonize(output: Option<&Path>) -> Result<()> {
    let null = OpenOptions::new().read(true).write(true).open("/dev/null");
    let null = null.map_err(|e| Error::system("open", "/dev/null", e))?;
    let output = match output {
        Some(path) => {
            let file = open::for_writing(path, WriteFrom::End, 0o640);
            file.map_err(|e| Error::system("open", path.display(), e))?
        }
        None => null.try_clone().map_err(|e| Error::system("open", "/dev/null", e))?,
    };
    continue_in_child()?;
    setsid().map_err(|e| Error::system("begin", "a session", e))?;
    // A session leader acquires a terminal by opening one; its child does not.
    continue_in_child()?;
    chdir("/").map_err(|e| Error::system("change the directory to", "/", e))?;
    // Files of a daemon are not writable by others, whatever the umask of the process that started it.
    let inherited = umask(Mode::from_bits_truncate(0o022));
    umask(inherited | Mode::from_bits_truncate(0o022));
    redirect(&null, &output).map_err(|e| Error::system("redirect", "standard input and output", e))
}

fn redirect(null: &File, output: &File) -> nix::Result<()> {
    dup2_stdin(null)?;
    dup2_stdout(output)?;
    dup2_stderr(output)
}

fn continue_in_child() -> Result<()> {
    // SAFETY: `daemonize` requires a single-threaded process, so no lock stays locked in the child.
    match unsafe { fork() }.map_err(|e| Error::system("fork", "the daemon", e))? {
        ForkResult::Child => Ok(()),
        ForkResult::Parent { .. } => {
            // SAFETY: _exit(2) has no preconditions. Exit handlers and buffers belong to the child from here on.
            unsafe { libc::_exit(0) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::wait::waitpid;
    use std::time::{Duration, Instant};

    #[test]
    fn a_daemon_has_a_session_of_another_no_parent_here_and_its_output_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("out.log");
        // SAFETY: the child calls `daemonize` alone, writes with plain system calls and ends at once.
        match unsafe { fork() }.unwrap() {
            ForkResult::Child => {
                let status = match daemonize(Some(&log)) {
                    Ok(()) => {
                        let leader = nix::unistd::getsid(None) == Ok(nix::unistd::getpid());
                        let line = format!("leader {leader} directory {:?}\n", std::env::current_dir().ok());
                        nix::unistd::write(std::io::stdout(), line.as_bytes()).is_err().into()
                    }
                    Err(_) => 3,
                };
                // SAFETY: the test's exit handlers belong to the parent.
                unsafe { libc::_exit(status) }
            }
            ForkResult::Parent { child } => waitpid(child, None).unwrap(),
        };
        let begun = Instant::now();
        while std::fs::read_to_string(&log).unwrap_or_default().is_empty() && begun.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "leader false directory Some(\"/\")\n");
    }

    #[test]
    fn output_that_cannot_be_opened_is_told_before_anything_happens() {
        let error = daemonize(Some(Path::new("/no/such/log"))).unwrap_err().to_string();
        assert!(error.starts_with("open /no/such/log: "), "{error}");
    }
}
