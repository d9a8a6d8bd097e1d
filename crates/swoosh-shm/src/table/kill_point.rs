//! Steps of a writer. A test kills the process at any one of them; otherwise they compile to nothing.

#[cfg(test)]
use std::sync::atomic::{AtomicI64, Ordering};
#[cfg(test)]
use swoosh_os::process;

/// Steps until this process is killed; 0 or less: never.
#[cfg(test)]
pub(super) static STEPS: AtomicI64 = AtomicI64::new(0);

/// Called between two steps of a writer that a reader or a repairing process can tell apart.
#[inline(always)]
pub(super) fn step() {
    #[cfg(test)]
    if STEPS.load(Ordering::Relaxed) > 0 && STEPS.fetch_sub(1, Ordering::Relaxed) == 1 {
        process::kill(process::pid(), libc::SIGKILL);
    }
}
