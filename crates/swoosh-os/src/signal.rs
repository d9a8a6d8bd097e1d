//! Signals as bits to read: a handler that sets a bit and rings a bell.
//!
//! No signal is blocked: a blocked one would stay blocked in what a worker executes (proc_open, exec).

use crate::error::{Error, Result};
use crate::event_fd::EventFd;
use crate::process;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering};

/// Signals that arrived and were not taken yet: bit n for signal n.
static PENDING: AtomicU64 = AtomicU64::new(0);
/// Descriptor of the bell to ring, or -1.
static EVENT_FD: AtomicI32 = AtomicI32::new(-1);
/// Those of them that user code may handle instead.
static SUBSCRIBABLE: AtomicU64 = AtomicU64::new(0);

/// The signals of one process. Only one is in force at a time; a fork inherits the handlers and makes its own.
#[derive(Debug)]
pub struct Signals {
    /// Never closed: a handler may ring it at any moment.
    event_fd: &'static EventFd,
}

/// A set of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(u64);

impl SignalSet {
    /// Whether the signal is in it.
    pub fn contains(self, signal: i32) -> bool {
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
    pub fn install(signals: &[i32], ignored: &[i32]) -> Result<Self> {
        let event_fd: &'static EventFd = Box::leak(Box::new(EventFd::new()?));
        EVENT_FD.store(event_fd.as_raw_fd(), Ordering::SeqCst);
        let handled = |signal: &i32| (*signal, on_signal as *const () as libc::sighandler_t);
        let dropped = |signal: &i32| (*signal, libc::SIG_IGN);
        for (signal, action) in signals.iter().map(handled).chain(ignored.iter().map(dropped)) {
            set_action(signal, action)?;
        }
        if PENDING.load(Ordering::SeqCst) != 0 {
            event_fd.notify();
        }
        Ok(Signals { event_fd })
    }

    /// Leaves a signal that was taken over here to user code, should that want to [`subscribe`] it.
    pub fn allow_subscription(&self, signal: i32) {
        SUBSCRIBABLE.fetch_or(1 << signal, Ordering::SeqCst);
    }

    /// What has arrived since the last call.
    pub fn take(&self) -> SignalSet {
        if PENDING.load(Ordering::Relaxed) == 0 {
            return SignalSet(0);
        }
        self.event_fd.drain();
        SignalSet(PENDING.swap(0, Ordering::SeqCst))
    }

    /// Rings when a signal arrives.
    pub fn event_fd(&self) -> &'static EventFd {
        self.event_fd
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let own = self.event_fd.as_raw_fd();
        if EVENT_FD.compare_exchange(own, -1, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            clear_pending();
        }
    }
}

/// From now on these wait for the [`Signals`] of whatever process this becomes: a server that was just started is not
/// ended by a signal that comes before it is ready for it.
pub fn record_pending(signals: &[i32]) -> Result<()> {
    signals.iter().try_for_each(|signal| set_action(*signal, on_signal as *const () as libc::sighandler_t))
}

/// Has `hook` called, in the signal's handler, whenever a signal has come that was taken over. It must do only what
/// signal-safety(7) allows.
pub fn set_handler_hook(hook: extern "C" fn()) {
    HANDLER_HOOK.store(hook as *mut (), Ordering::SeqCst);
}

/// The hook of [`set_handler_hook`]; null: none.
static HANDLER_HOOK: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Forgets what has arrived and was not taken: in a new process it was for its parent.
pub fn clear_pending() {
    PENDING.store(0, Ordering::SeqCst);
}

/// Puts the kernel's own action back for these signals.
pub fn restore_defaults(signals: &[i32]) {
    for signal in signals {
        let _ = set_action(*signal, libc::SIG_DFL);
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

fn set_action(signal: i32, action: libc::sighandler_t) -> Result<()> {
    // SAFETY: `sigaction` is fully initialised, and `on_signal` does only what signal-safety(7) allows.
    let done = unsafe {
        let mut what: libc::sigaction = std::mem::zeroed();
        what.sa_sigaction = action;
        what.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&mut what.sa_mask);
        libc::sigaction(signal, &what, std::ptr::null_mut())
    };
    if done == 0 {
        INSTALLED.fetch_or(1 << (signal - 1), Ordering::SeqCst);
        Ok(())
    } else {
        Err(Error::system("handle", format!("signal {signal}"), io::Error::last_os_error()))
    }
}

/// Signals of which the action was ever changed here: bit `n - 1` for signal n.
static INSTALLED: AtomicU64 = AtomicU64::new(0);

/// Signals that user code handles: each as bit `n - 1`, from its arrival until [`take_subscribed`] takes it.
static SUBSCRIBED: AtomicU64 = AtomicU64::new(0);
/// Descriptor of the bell to ring for those, or -1.
static SUBSCRIBED_EVENT_FD: AtomicI32 = AtomicI32::new(-1);

/// From now on this signal is noted for [`take_subscribed`], and rings `bell`. One bell serves all of them.
///
/// Fails for a signal that does not exist or cannot be handled, and for one that the engine takes in this process.
pub fn subscribe(signal: i32, event_fd: &'static EventFd) -> Result<()> {
    let refused = |cause: i32| Error::system("handle", format!("signal {signal}"), io::Error::from_raw_os_error(cause));
    if !(1..=64).contains(&signal) {
        return Err(refused(libc::EINVAL));
    }
    let lent = SUBSCRIBABLE.load(Ordering::SeqCst).checked_shr(signal as u32).unwrap_or(0) & 1 != 0;
    if action(signal) == on_signal as *const () as libc::sighandler_t && !lent {
        return Err(refused(libc::EBUSY));
    }
    SUBSCRIBED_EVENT_FD.store(event_fd.as_raw_fd(), Ordering::SeqCst);
    set_action(signal, on_subscribed_signal as *const () as libc::sighandler_t)
}

/// The signals that have arrived since the last call, lowest first.
pub fn take_subscribed() -> impl Iterator<Item = i32> {
    let arrived = if SUBSCRIBED.load(Ordering::Relaxed) == 0 { 0 } else { SUBSCRIBED.swap(0, Ordering::SeqCst) };
    (1..=64).filter(move |signal| arrived >> (signal - 1) & 1 != 0)
}

/// Puts the kernel's own action back for every signal that this library handles, in a process that was just forked: what
/// its parent does about them is its parent's.
pub fn reset_after_fork() {
    let installed = INSTALLED.load(Ordering::SeqCst);
    let ours = [on_signal as *const () as libc::sighandler_t, on_subscribed_signal as *const () as libc::sighandler_t];
    EVENT_FD.store(-1, Ordering::SeqCst);
    SUBSCRIBED_EVENT_FD.store(-1, Ordering::SeqCst);
    let here = (1..=64).filter(|signal| installed >> (signal - 1) & 1 != 0);
    for signal in here.filter(|signal| ours.contains(&action(*signal))) {
        let _ = set_action(signal, libc::SIG_DFL);
    }
    SUBSCRIBED.store(0, Ordering::SeqCst);
    SUBSCRIBABLE.store(0, Ordering::SeqCst);
    clear_pending();
}

/// What the kernel does about a signal in this process.
fn action(signal: i32) -> libc::sighandler_t {
    // SAFETY: `what` is a live value of the type that sigaction(2) fills; nothing is changed.
    unsafe {
        let mut what: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut what);
        what.sa_sigaction
    }
}

extern "C" fn on_subscribed_signal(signal: libc::c_int) {
    SUBSCRIBED.fetch_or(1 << (signal - 1), Ordering::SeqCst);
    ring(SUBSCRIBED_EVENT_FD.load(Ordering::SeqCst));
}

/// In a signal handler.
fn ring(event_fd: i32) {
    if event_fd >= 0 {
        let one = 1u64;
        // SAFETY: errno is this thread's own, and a handler has to leave it as it was; write(2) is allowed in a handler,
        // and eight bytes of `one` are readable.
        unsafe {
            let errno = *libc::__errno_location();
            libc::write(event_fd, (&raw const one).cast(), 8);
            *libc::__errno_location() = errno;
        }
    }
}

/// Which clock an [`set_interval_timer`] goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalTimer {
    /// Time; sends SIGALRM.
    Real,
    /// What this process itself computes; sends SIGVTALRM.
    Virtual,
    /// The same and what the kernel does for it; sends SIGPROF.
    Profile,
}

/// Has the kernel send a signal again and again, at intervals of that time; zero ends that (setitimer(2)).
pub fn set_interval_timer(interval: std::time::Duration, clock: IntervalTimer) -> Result<()> {
    let clock = match clock {
        IntervalTimer::Real => libc::ITIMER_REAL,
        IntervalTimer::Virtual => libc::ITIMER_VIRTUAL,
        IntervalTimer::Profile => libc::ITIMER_PROF,
    };
    let time = libc::timeval {
        tv_sec: interval.as_secs() as libc::time_t,
        tv_usec: interval.subsec_micros() as libc::suseconds_t,
    };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    // SAFETY: the kernel reads one live value.
    match unsafe { libc::setitimer(clock, &timer, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(Error::system("set", "an alarm", io::Error::last_os_error())),
    }
}

extern "C" fn on_signal(signal: libc::c_int) {
    // SAFETY: errno is this thread's own; a handler has to leave it as it was.
    let errno = unsafe { *libc::__errno_location() };
    PENDING.fetch_or(1 << signal, Ordering::SeqCst);
    if signal == libc::SIGTERM {
        process::kill_after_if_orphaned(LAST_RESORT_MS);
    }
    ring(EVENT_FD.load(Ordering::SeqCst));
    let hook = HANDLER_HOOK.load(Ordering::SeqCst);
    if !hook.is_null() {
        // SAFETY: what is stored there is such a function, and lives as long as the process.
        unsafe { std::mem::transmute::<*mut (), extern "C" fn()>(hook)() };
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

/// How long a process whose parent is gone may still take after a termination signal.
const LAST_RESORT_MS: i64 = 800;
