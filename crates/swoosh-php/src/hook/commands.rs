//! The children of `exec`, `popen`, `proc_open` and the like: their exit statuses, and their ends.
//!
//! Invariant: a child that no code waits for any more is reaped by the event loop. It stays a zombie only while nothing
//! drives that loop.

use crate::coroutine::wait::{self, WaitOutcome};
use crate::coroutine::{self, may_wait};
use crate::runtime::reactor;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::Duration;
use swoosh::sys::child::{self, ExitClaim};
use swoosh::sys::{command, process};
use swoosh_zend::error::has_exception;
use swoosh_zend::runtime;
use tokio::io::Interest;

/// A command that only a running call of `exec` or the like knows.
struct OwnedCommand {
    pid: i32,
    /// This process's end of its pipe.
    pipe: RawFd,
    /// A wait of the call was cancelled.
    cancelled: bool,
}

thread_local! {
    /// The claims of the children that [`spawn`] or `proc_open` has started.
    static CLAIMS: RefCell<HashMap<i32, ExitClaim>> = RefCell::default();
    static COMMANDS: RefCell<Vec<OwnedCommand>> = const { RefCell::new(Vec::new()) };
}

/// Starts a shell command for popen(3).
pub(super) fn spawn(text: CString, reads: bool) -> io::Result<(OwnedFd, i32)> {
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(OsStr::from_bytes(text.as_bytes()));
    let (end, pid) = command::pipe(&mut shell, reads)?;
    claim(pid);
    if runtime::is_running(&["exec", "shell_exec", "system", "passthru"]) {
        let owned = OwnedCommand { pid, pipe: end.as_raw_fd(), cancelled: false };
        COMMANDS.with_borrow_mut(|commands| commands.push(owned));
    }
    Ok((end, pid))
}

/// Reserves the status of a child for the caller that has started it.
pub(super) fn claim(pid: i32) {
    claims(|claims| drop(claims.insert(pid, ExitClaim::new(pid))));
}

/// The status of a child that another wait has reaped. It is taken once.
pub(super) fn kept(pid: i32) -> Option<i32> {
    claims(|claims| {
        let status = claims.get(&pid)?.kept()?;
        claims.remove(&pid);
        Some(status)
    })
}

/// The child has been reaped.
pub(super) fn forget(pid: i32) {
    claims(|claims| drop(claims.remove(&pid)));
}

/// A transfer with that descriptor was cancelled: if it is a command's pipe, nobody waits for the command's end.
pub(super) fn cancelled(pipe: RawFd) {
    COMMANDS.with_borrow_mut(|commands| {
        commands.iter_mut().filter(|owned| owned.pipe == pipe).for_each(|owned| owned.cancelled = true);
    });
}

/// Waits for a child's end. Other waits for any child leave this one's status to the caller. A cancelled wait, and the
/// cancelled call of `exec` or the like, leave the child to the event loop; its command is terminated, because no program
/// can reach it any more.
pub(super) fn wait_for_child(pid: i32) -> Result<i32, i32> {
    let claim = claims(|claims| claims.remove(&pid)).unwrap_or_else(|| ExitClaim::new(pid));
    let owned = COMMANDS.with_borrow_mut(|commands| {
        let at = commands.iter().position(|owned| owned.pid == pid)?;
        Some(commands.swap_remove(at))
    });
    let mut pause = FIRST_PAUSE;
    // The exception of a cancel frees a stream of `popen` on its way.
    let unwinds = has_exception() && coroutine::current().is_some_and(|me| me.is_cancelled());
    let mut goes_on = !unwinds && !owned.as_ref().is_some_and(|owned| owned.cancelled);
    loop {
        match claim.take() {
            Ok(Some(exit)) => return Ok(exit.status),
            Ok(None) => {}
            Err(e) => return Err(e.raw_os_error().unwrap_or(libc::ECHILD)),
        }
        if !goes_on {
            if owned.is_some() {
                let _ = child::send_signal(pid, libc::SIGTERM);
            }
            reap_later(pid, claim);
            return Err(libc::ECANCELED);
        }
        if !may_wait() {
            drop(claim);
            let exit = child::wait(pid, true).map_err(|e| e.raw_os_error().unwrap_or(libc::ECHILD))?;
            return exit.map(|exit| exit.status).ok_or(libc::ECHILD);
        }
        goes_on = match process::pidfd_open(pid) {
            Some(process) => wait::descriptor(process.as_raw_fd(), true, false, None)
                .is_ok_and(|waited| !matches!(waited, WaitOutcome::Cancelled)),
            // An old kernel.
            None => {
                pause = (pause * 2).min(LONGEST_PAUSE);
                wait::sleep(pause).unwrap_or(false)
            }
        };
        // A `CanceledException` ends the wait like a cancel without one.
        goes_on &= !has_exception();
    }
}

/// The resource of `proc_open` is freed while its child runs: nobody can wait for the child.
pub(super) fn give_up(pid: i32) {
    if let Some(claim) = claims(|claims| claims.remove(&pid)) {
        reap_later(pid, claim);
    }
}

/// Reaps a child when it has ended.
fn reap_later(pid: i32, claim: ExitClaim) {
    let Some(process) = process::pidfd_open(pid) else {
        // An old kernel: a thread of the pool waits.
        drop(reactor::run_blocking(move || child::wait(pid, true)));
        return;
    };
    // Without a runtime nothing can be started in this process either.
    let _ = reactor::spawn_local(async move {
        if let Ok(process) = swoosh::sys::watch::watch(process, Interest::READABLE) {
            let _ = process.readable().await;
        }
        let _ = claim.take();
    });
}

fn claims<T>(work: impl FnOnce(&mut HashMap<i32, ExitClaim>) -> T) -> T {
    CLAIMS.with_borrow_mut(work)
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(16);
