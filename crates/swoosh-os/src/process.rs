//! Processes: fork, wait, kill, priorities, and the death of a parent.

use crate::error::{Error, Result};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::unistd::ForkResult;
use std::sync::Once;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32};

/// The side of a fork that a process is on.
///
/// ```
/// use swoosh_os::process::{self, Fork};
///
/// match process::fork()? {
///     Fork::Child => process::exit_now(3),
///     Fork::Parent(child) => assert_eq!(process::wait_for(child)?.exit_code(), 3),
/// }
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fork {
    /// The new process.
    Child,
    /// The calling process, with the id of the new one.
    Parent(i32),
}

/// The end of a child process.
///
/// ```
/// use swoosh_os::process::ChildExit;
///
/// let killed = ChildExit { pid: 1234, status: 9 };
/// assert_eq!((killed.signal(), killed.exit_code()), (9, 0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildExit {
    /// The child's process id.
    pub pid: i32,
    /// The status word of waitpid(2).
    pub status: i32,
}

impl ChildExit {
    /// The exit status, 0 to 255; 0 if a signal killed the child.
    pub fn exit_code(&self) -> i32 {
        if libc::WIFEXITED(self.status) { libc::WEXITSTATUS(self.status) } else { 0 }
    }

    /// The signal that killed the child; 0 if it exited.
    pub fn signal(&self) -> i32 {
        if libc::WIFSIGNALED(self.status) { libc::WTERMSIG(self.status) } else { 0 }
    }
}

/// Forks. Only for a process with one thread, or one whose child uses nothing that another thread may have locked.
///
/// # Errors
/// If the kernel has no room for another process.
pub fn fork() -> Result<Fork> {
    fork_with(|| ()).map(|(side, _)| side)
}

/// Forks like [`fork`]. The child runs `start` with all signals blocked, so that a signal sent to it at once finds the
/// handlers that `start` installs. The child gets the result of `start`, the parent `None`.
///
/// # Errors
/// If the kernel has no room for another process.
pub fn fork_with<T>(start: impl FnOnce() -> T) -> Result<(Fork, Option<T>)> {
    // A signal for the child stays blocked until the child has discarded those that its parent had received.
    let mut before = SigSet::empty();
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before));
    let forked = fork_now();
    let started = matches!(forked, Ok(Fork::Child)).then(|| {
        crate::signal::clear_pending();
        start()
    });
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    forked.map(|side| (side, started))
}

fn fork_now() -> Result<Fork> {
    OWN_FORK.store(true, Relaxed);
    // SAFETY: `fork` requires that no other thread holds a lock that the child uses.
    let forked = unsafe { nix::unistd::fork() };
    OWN_FORK.store(false, Relaxed);
    match forked {
        Ok(ForkResult::Child) => Ok(Fork::Child),
        Ok(ForkResult::Parent { child }) => Ok(Fork::Parent(child.as_raw())),
        Err(e) => Err(Error::system("fork", "a process", e)),
    }
}

/// Whether the fork in progress was started by [`fork`], for handlers of pthread_atfork(3), which run at every fork.
pub fn is_own_fork() -> bool {
    OWN_FORK.load(Relaxed)
}

static OWN_FORK: AtomicBool = AtomicBool::new(false);

/// The id of this process.
pub fn pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The id of this process, like [`pid`], without a system call each time. A forked child asks the kernel again.
pub fn cached_pid() -> i32 {
    static REGISTER: Once = Once::new();
    REGISTER.call_once(|| {
        // SAFETY: `forget_pid` only stores to an atomic, which a forked child may do (pthread_atfork(3)), and it is
        // never unloaded.
        unsafe { libc::pthread_atfork(None, None, Some(forget_pid)) };
    });
    match CACHED_PID.load(Relaxed) {
        0 => {
            let pid = pid();
            CACHED_PID.store(pid, Relaxed);
            pid
        }
        cached => cached,
    }
}

static CACHED_PID: AtomicI32 = AtomicI32::new(0);

extern "C" fn forget_pid() {
    CACHED_PID.store(0, Relaxed);
}

/// The id of the parent process.
pub fn parent_pid() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Sends a signal to one process; `false` if it does not exist, may not be signalled, or `pid` is not positive.
pub fn kill(pid: i32, signal: i32) -> bool {
    // SAFETY: kill(2) takes two numbers and accesses no memory of this process.
    pid > 0 && unsafe { libc::kill(pid, signal) } == 0
}

/// Reaps any child that has ended; does not wait.
pub fn reap() -> Option<ChildExit> {
    wait(-1, libc::WNOHANG)
}

/// Reaps this child if it has ended; does not wait.
pub fn try_wait(pid: i32) -> Option<ChildExit> {
    wait(pid, libc::WNOHANG)
}

/// Waits until this child has ended and reaps it.
///
/// # Errors
/// If it is not a child of this process, or was reaped before.
pub fn wait_for(pid: i32) -> Result<ChildExit> {
    loop {
        match wait(pid, 0) {
            Some(exit) => return Ok(exit),
            None => match std::io::Error::last_os_error() {
                e if e.kind() == std::io::ErrorKind::Interrupted => {}
                e => return Err(Error::system("wait for", format!("process {pid}"), e)),
            },
        }
    }
}

fn wait(pid: i32, flags: i32) -> Option<ChildExit> {
    let mut status = 0;
    // SAFETY: waitpid(2) writes to `status` only, which outlives the call.
    let reaped = unsafe { libc::waitpid(pid, &mut status, flags) };
    (reaped > 0).then_some(ChildExit { pid: reaped, status })
}

/// Ends this process at once (_exit(2)): no destructor or exit handler runs and no buffer is flushed.
#[allow(clippy::disallowed_methods)]
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Whether a process of that id exists and has not ended. A zombie has ended.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|s| s != 'Z' && s != 'X')
}

/// Opens a descriptor that becomes readable when the process has ended (pidfd_open(2)). `None` if there is no such
/// process or the kernel does not support the call.
pub fn pidfd_open(pid: i32) -> Option<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: pidfd_open(2) takes two numbers. A result of 0 or more is a new descriptor that nothing else owns.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        (fd >= 0).then(|| std::os::fd::OwnedFd::from_raw_fd(fd as i32))
    }
}

/// The epoll, eventfd and similar descriptors of this process: those that an async runtime consists of.
pub fn event_fds() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    let is_event = |path: &std::path::Path| {
        std::fs::read_link(path).is_ok_and(|to| to.to_string_lossy().starts_with("anon_inode:[event"))
    };
    entries
        .flatten()
        .filter(|entry| is_event(&entry.path()))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Closes a descriptor by its number. Only for a descriptor whose owner in this process was leaked, such as one that a
/// forked child inherited and does not use.
pub fn close_descriptor(fd: i32) {
    // SAFETY: close(2) takes a number and accesses no memory of this process.
    unsafe { libc::close(fd) };
}

/// The soft limit of open descriptors (`RLIMIT_NOFILE` of getrlimit(2)); 1024 if it cannot be read.
pub fn descriptor_limit() -> u64 {
    nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}

/// The processes that [`priority`] is about: kind (`PRIO_PROCESS`, `PRIO_PGRP` or `PRIO_USER` of getpriority(2)) and
/// id. Id 0 means the calling process, its group or its user.
pub type PriorityTarget = (u32, u32);

/// The nice value, -20 (runs first) to 19; the lowest one of several processes.
///
/// # Errors
/// If no process matches, or the kind is invalid.
pub fn priority(target: PriorityTarget) -> Result<i32> {
    // SAFETY: errno is this thread's own; it is cleared because -1 is a valid result as well as a failure.
    let (value, errno) = unsafe {
        *libc::__errno_location() = 0;
        let value = libc::getpriority(target.0, target.1);
        (value, *libc::__errno_location())
    };
    if value == -1 && errno != 0 {
        return Err(Error::system(
            "read",
            format_args!("priority {target:?}"),
            std::io::Error::from_raw_os_error(errno),
        ));
    }
    Ok(value)
}

/// Sets the nice value; the kernel clamps it to -20 to 19.
///
/// # Errors
/// If no process matches, or a lower value needs privileges that this process does not have.
pub fn set_priority(target: PriorityTarget, nice: i32) -> Result<()> {
    // SAFETY: setpriority(2) takes three numbers and accesses no memory of this process.
    if unsafe { libc::setpriority(target.0, target.1, nice) } == 0 {
        return Ok(());
    }
    Err(Error::system("set", format_args!("priority {target:?}"), std::io::Error::last_os_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_does_not_use_its_parents_cached_id() {
        assert_eq!(cached_pid(), pid());
        match fork().unwrap() {
            Fork::Child => exit_now(if cached_pid() == pid() { 0 } else { 1 }),
            Fork::Parent(child) => assert_eq!(wait_for(child).unwrap().exit_code(), 0),
        }
        assert_eq!(cached_pid(), pid());
    }
}
