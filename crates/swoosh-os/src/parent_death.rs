//! Ending with the parent: a signal from the kernel when it dies, and a last resort for code that never returns.
//!
//! ```
//! use swoosh_os::parent_death;
//!
//! parent_death::record_parent();
//! // The parent lives: nothing happens.
//! parent_death::kill_after_if_orphaned(1);
//! ```

use std::sync::atomic::{AtomicI32, Ordering};

/// Asks the kernel to send `signal` to this process when the thread that forked it ends (`PR_SET_PDEATHSIG` of
/// prctl(2)). `parent` is the expected parent: if it has ended already, the signal is raised at once.
pub fn set_parent_death_signal(signal: i32, parent: i32) {
    if let Ok(signal) = nix::sys::signal::Signal::try_from(signal) {
        let _ = nix::sys::prctl::set_pdeathsig(signal);
        if nix::unistd::getppid().as_raw() != parent {
            let _ = nix::sys::signal::raise(signal);
        }
    }
}

/// Undoes [`set_parent_death_signal`].
pub fn clear_parent_death_signal() {
    let _ = nix::sys::prctl::set_pdeathsig(None);
}

/// The parent recorded for [`kill_after_if_orphaned`]; 0 if none was.
static PARENT: AtomicI32 = AtomicI32::new(0);

/// Records the present parent, for [`kill_after_if_orphaned`].
pub fn record_parent() {
    PARENT.store(nix::unistd::getppid().as_raw(), Ordering::Relaxed);
}

/// If the recorded parent has died, has a kernel timer send SIGKILL to this process after `ms` milliseconds: no parent
/// is left that could kill it if its code does not return.
///
/// Runs in: a signal handler, too.
pub fn kill_after_if_orphaned(ms: i64) {
    let parent = PARENT.load(Ordering::Relaxed);
    // SAFETY: getppid(2), timer_create(2) and timer_settime(2) access local values only, for which zero is valid. The
    // C library allocates nothing for SIGEV_SIGNAL, so a signal handler may call it.
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
