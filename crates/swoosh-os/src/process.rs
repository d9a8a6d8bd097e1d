//! Processes: fork, wait, kill, and what a child is told about its parent's death.

use crate::error::{Error, Result};
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::unistd::ForkResult;
use std::sync::Once;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

/// Which side of a fork this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fork {
    /// The new process.
    Child,
    /// The old one, with the new one's id.
    Parent(i32),
}

/// How a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChildExit {
    /// Which child.
    pub pid: i32,
    /// The status word of waitpid(2).
    pub status: i32,
}

impl ChildExit {
    /// Exit status; 0 where a signal ended it.
    pub fn exit_code(&self) -> i32 {
        if libc::WIFEXITED(self.status) { libc::WEXITSTATUS(self.status) } else { 0 }
    }

    /// The signal that ended it; 0 where it exited.
    pub fn signal(&self) -> i32 {
        if libc::WIFSIGNALED(self.status) { libc::WTERMSIG(self.status) } else { 0 }
    }
}

/// This process's id, as [`pid`] gives it, without a system call each time: a forked child asks anew.
pub fn cached_pid() -> i32 {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| {
        // SAFETY: what a child calls stores one number, which it may do at any time (pthread_atfork(3)); the function lives
        // as long as the program.
        unsafe { libc::pthread_atfork(None, None, Some(forget_pid)) };
    });
    match KNOWN.load(Relaxed) {
        0 => {
            let pid = pid();
            KNOWN.store(pid, Relaxed);
            pid
        }
        known => known,
    }
}

static KNOWN: AtomicI32 = AtomicI32::new(0);

extern "C" fn forget_pid() {
    KNOWN.store(0, Relaxed);
}

/// The descriptors of this process that are event queues or event counters: what an async runtime is made of.
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

/// A descriptor that can be read once that process has ended (pidfd_open(2)). `None` where the kernel gives none.
pub fn pidfd_open(pid: i32) -> Option<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: pidfd_open(2) takes two numbers; what it gives is a new descriptor, ours.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
        (fd >= 0).then(|| std::os::fd::OwnedFd::from_raw_fd(fd as i32))
    }
}

/// Closes a descriptor by its number. Only for one whose owner in this process has been left behind for good.
pub fn close_descriptor(fd: i32) {
    // SAFETY: close(2) of a number; the caller vouches that nothing in this process uses it any more.
    unsafe { libc::close(fd) };
}

/// Forks. Only from a process that has one thread, or whose child uses nothing that another thread may hold.
pub fn fork() -> Result<Fork> {
    fork_with(|| ()).map(|(side, _)| side)
}

/// Forks as [`fork`] does; the child calls `begin` before any signal reaches it, so that one that is sent to it at once
/// finds the handlers that `begin` has installed.
pub fn fork_with<T>(begin: impl FnOnce() -> T) -> Result<(Fork, Option<T>)> {
    // No signal falls between two handlers: one for the child waits until what its parent was sent is forgotten.
    let mut before = SigSet::empty();
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before));
    let forked = fork_now();
    let begun = matches!(forked, Ok(Fork::Child)).then(|| {
        crate::signal::clear_pending();
        begin()
    });
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
    forked.map(|side| (side, begun))
}

/// Whether the fork that is going on is one of [`fork`]'s: for handlers of pthread_atfork(3), which are called for every fork.
pub fn is_own_fork() -> bool {
    OWN_FORK.load(Relaxed)
}

static OWN_FORK: AtomicBool = AtomicBool::new(false);

fn fork_now() -> Result<Fork> {
    OWN_FORK.store(true, Relaxed);
    // SAFETY: the engine forks before it starts threads (see ARCHITECTURE.md, "Fork comes before threads"), so the
    // child finds every lock free.
    let forked = unsafe { nix::unistd::fork() };
    OWN_FORK.store(false, Relaxed);
    match forked {
        Ok(ForkResult::Child) => Ok(Fork::Child),
        Ok(ForkResult::Parent { child }) => Ok(Fork::Parent(child.as_raw())),
        Err(e) => Err(Error::system("fork", "a process", e)),
    }
}

/// This process's id.
pub fn pid() -> i32 {
    nix::unistd::getpid().as_raw()
}

/// The parent's id.
pub fn parent_pid() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Sends a signal; `false` where there is no such process (any more).
pub fn kill(pid: i32, signal: i32) -> bool {
    // SAFETY: kill(2) takes two numbers and touches no memory of ours.
    pid > 0 && unsafe { libc::kill(pid, signal) } == 0
}

/// The next child that has ended, if any; does not wait.
pub fn reap() -> Option<ChildExit> {
    reap_with(-1, libc::WNOHANG)
}

/// Whether this very child has ended; does not wait.
pub fn try_wait(pid: i32) -> Option<ChildExit> {
    reap_with(pid, libc::WNOHANG)
}

fn reap_with(pid: i32, flags: i32) -> Option<ChildExit> {
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    let got = unsafe { libc::waitpid(pid, &mut status, flags) };
    (got > 0).then_some(ChildExit { pid: got, status })
}

/// Waits until that child has ended.
pub fn wait_for(pid: i32) -> Result<ChildExit> {
    loop {
        match reap_with(pid, 0) {
            Some(ended) => return Ok(ended),
            None => match std::io::Error::last_os_error() {
                e if e.kind() == std::io::ErrorKind::Interrupted => {}
                e => return Err(Error::system("wait for", format!("process {pid}"), e)),
            },
        }
    }
}

/// Ends this process at once: no destructor, no exit handler, no buffer is flushed.
#[allow(clippy::disallowed_methods)]
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Asks the kernel to send `signal` to this process when the thread that forked it ends (PR_SET_PDEATHSIG, prctl(2)).
/// `parent` is who that should be: where it is gone already, the signal is raised now.
pub fn set_parent_death_signal(signal: i32, parent: i32) {
    if let Ok(signal) = nix::sys::signal::Signal::try_from(signal) {
        let _ = nix::sys::prctl::set_pdeathsig(signal);
        if parent_pid() != parent {
            let _ = nix::sys::signal::raise(signal);
        }
    }
}

/// Takes back what [`set_parent_death_signal`] asked for.
pub fn clear_parent_death_signal() {
    let _ = nix::sys::prctl::set_pdeathsig(None);
}

/// Whom this process was forked by, for [`kill_after_if_orphaned`].
static PARENT: AtomicI32 = AtomicI32::new(0);

/// Remembers the parent, whose death makes a termination signal final; see [`kill_after_if_orphaned`].
pub fn record_parent() {
    PARENT.store(parent_pid(), Ordering::Relaxed);
}

/// Called from a signal handler. Where the parent is gone nobody is left to kill this process if its code never
/// returns: a timer of the kernel does it after `ms` milliseconds.
pub fn kill_after_if_orphaned(ms: i64) {
    let parent = PARENT.load(Ordering::Relaxed);
    // SAFETY: getppid(2), timer_create(2) and timer_settime(2) are plain system calls on local memory; the libc
    // wrappers of the latter two allocate nothing for SIGEV_SIGNAL.
    unsafe {
        if parent == 0 || libc::getppid() == parent {
            return;
        }
        let mut event: libc::sigevent = std::mem::zeroed();
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = libc::SIGKILL;
        let mut timer: libc::timer_t = std::mem::zeroed();
        if libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) == 0 {
            let mut when: libc::itimerspec = std::mem::zeroed();
            when.it_value.tv_sec = ms / 1000;
            when.it_value.tv_nsec = (ms % 1000) * 1_000_000;
            libc::timer_settime(timer, 0, &when, std::ptr::null_mut());
        }
    }
}

/// PriorityTarget priority [`priority`] is about: a process, a group of them or a user (`PRIO_*` of getpriority(2)), and its
/// number; 0 is this process's own.
pub type PriorityTarget = (u32, u32);

/// How nice it is: -20, which runs first, to 19.
pub fn priority(whose: PriorityTarget) -> Result<i32> {
    // SAFETY: errno is this thread's own; -1 is a priority as well as a failure, which only errno tells apart.
    let (got, errno) = unsafe {
        *libc::__errno_location() = 0;
        let got = libc::getpriority(whose.0, whose.1);
        (got, *libc::__errno_location())
    };
    if got == -1 && errno != 0 {
        return Err(Error::system(
            "read",
            format_args!("priority {whose:?}"),
            std::io::Error::from_raw_os_error(errno),
        ));
    }
    Ok(got)
}

/// Makes it as nice as that.
pub fn set_priority(whose: PriorityTarget, nice: i32) -> Result<()> {
    // SAFETY: three numbers.
    if unsafe { libc::setpriority(whose.0, whose.1, nice) } == 0 {
        return Ok(());
    }
    Err(Error::system("set", format_args!("priority {whose:?}"), std::io::Error::last_os_error()))
}

/// The descriptor limit: what it is now.
pub fn descriptor_limit() -> u64 {
    nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}

/// Whether a process of that id exists and has not ended.
pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|s| s != 'Z' && s != 'X')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_knows_itself_and_not_its_parent() {
        assert_eq!(cached_pid(), pid());
        match fork().unwrap() {
            Fork::Child => exit_now(if cached_pid() == pid() { 0 } else { 1 }),
            Fork::Parent(child) => assert_eq!(wait_for(child).unwrap().exit_code(), 0),
        }
        assert_eq!(cached_pid(), pid());
    }
}
