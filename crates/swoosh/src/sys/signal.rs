//! Signals as bits to read: a handler that sets a bit and rings a bell.
//!
//! No signal is blocked: a blocked one would stay blocked in what a worker executes (proc_open, exec).

use crate::error::{Error, Result};
use crate::sys::bell::Bell;
use crate::sys::process;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// Signals that arrived and were not taken yet: bit n for signal n.
static ARRIVED: AtomicU64 = AtomicU64::new(0);
/// Descriptor of the bell to ring, or -1.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// The signals of one process. Only one is in force at a time; a fork inherits the handlers and makes its own.
#[derive(Debug)]
pub struct Signals {
    /// Never closed: a handler may ring it at any moment.
    bell: &'static Bell,
}

/// A set of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(u64);

impl SignalSet {
    /// Whether the signal is in it.
    pub fn has(self, signal: i32) -> bool {
        self.0 & (1 << signal) != 0
    }

    /// Whether none is.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Blocks every signal in this thread.
pub fn block_all() -> Result<()> {
    use nix::sys::signal::SigSet;
    SigSet::all().thread_set_mask().map_err(|e| Error::system("block", "the signals of a thread", e))
}

impl Signals {
    /// Takes over `signals` (handled here) and `ignored` (dropped by the kernel) in this process.
    pub fn take_over(signals: &[i32], ignored: &[i32]) -> Result<Self> {
        let bell: &'static Bell = Box::leak(Box::new(Bell::new()?));
        BELL.store(bell.as_raw_fd(), Ordering::SeqCst);
        let handled = |signal: &i32| (*signal, on_signal as *const () as libc::sighandler_t);
        let dropped = |signal: &i32| (*signal, libc::SIG_IGN);
        for (signal, action) in signals.iter().map(handled).chain(ignored.iter().map(dropped)) {
            install(signal, action)?;
        }
        if ARRIVED.load(Ordering::SeqCst) != 0 {
            bell.ring();
        }
        Ok(Signals { bell })
    }

    /// What has arrived since the last call.
    pub fn take(&self) -> SignalSet {
        if ARRIVED.load(Ordering::Relaxed) == 0 {
            return SignalSet(0);
        }
        self.bell.silence();
        SignalSet(ARRIVED.swap(0, Ordering::SeqCst))
    }

    /// Rings when a signal arrives.
    pub fn bell(&self) -> &'static Bell {
        self.bell
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let own = self.bell.as_raw_fd();
        if BELL.compare_exchange(own, -1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            forget();
        }
    }
}

/// From now on these wait for the [`Signals`] of whatever process this becomes: a server that was just started is not
/// ended by a signal that comes before it is ready for it.
pub fn collect(signals: &[i32]) -> Result<()> {
    signals.iter().try_for_each(|signal| install(*signal, on_signal as *const () as libc::sighandler_t))
}

/// Forgets what has arrived and was not taken: in a new process it was for its parent.
pub(crate) fn forget() {
    ARRIVED.store(0, Ordering::SeqCst);
}

/// Puts the kernel's own action back for these signals.
pub fn restore_defaults(signals: &[i32]) {
    for signal in signals {
        let _ = install(*signal, libc::SIG_DFL);
    }
}

/// Lets every signal through: a fork may have been made while some were blocked.
pub fn unblock_all() {
    let _ = nix::sys::signal::sigprocmask(
        nix::sys::signal::SigmaskHow::SIG_SETMASK,
        Some(&nix::sys::signal::SigSet::empty()),
        None,
    );
}

fn install(signal: i32, action: libc::sighandler_t) -> Result<()> {
    // SAFETY: `sigaction` is fully initialised, and `on_signal` does only what signal-safety(7) allows.
    let done = unsafe {
        let mut what: libc::sigaction = std::mem::zeroed();
        what.sa_sigaction = action;
        what.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&mut what.sa_mask);
        libc::sigaction(signal, &what, std::ptr::null_mut())
    };
    if done == 0 {
        Ok(())
    } else {
        Err(Error::system("handle", format!("signal {signal}"), std::io::Error::last_os_error()))
    }
}

extern "C" fn on_signal(signal: libc::c_int) {
    // SAFETY: errno is this thread's own; a handler has to leave it as it was.
    let errno = unsafe { *libc::__errno_location() };
    ARRIVED.fetch_or(1 << signal, Ordering::SeqCst);
    if signal == libc::SIGTERM {
        process::arm_last_resort(LAST_RESORT_MS);
    }
    let bell = BELL.load(Ordering::SeqCst);
    if bell >= 0 {
        let one = 1u64;
        // SAFETY: write(2) is allowed in a handler; eight bytes of `one` are readable. SAFETY of errno: as above.
        unsafe {
            libc::write(bell, (&raw const one).cast(), 8);
            *libc::__errno_location() = errno;
        }
    }
}

/// How long a process whose parent is gone may still take after a termination signal.
const LAST_RESORT_MS: i64 = 800;
