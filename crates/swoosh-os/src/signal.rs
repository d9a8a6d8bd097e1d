//! Signals as a set of pending bits and an eventfd to wait for.
//!
//! The handlers set a bit and notify an [`EventFd`]; the event loop reads the bits. No signal is blocked, because a
//! blocked signal would stay blocked in programs that the process executes.
//!
//! Two users share the handlers of a process: its event loop ([`Signals`]) and code that subscribes to further signals
//! ([`subscribe`]). Handlers do only what signal-safety(7) allows.

use crate::error::{Error, Result};
use crate::event_fd::EventFd;
use crate::parent_death;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU64, Ordering};

/// Signals that arrived and were not taken yet: bit n for signal n.
static PENDING: AtomicU64 = AtomicU64::new(0);
/// Descriptor of the eventfd to notify of them, or -1.
static EVENT_FD: AtomicI32 = AtomicI32::new(-1);
/// Signals of [`Signals`], [`record_pending`] and [`discard`] in this process: bit `n - 1` for signal n.
static HANDLED: AtomicU64 = AtomicU64::new(0);
static DISCARDED: AtomicU64 = AtomicU64::new(0);
/// Signals whose action this module has changed: bit `n - 1` for signal n.
static INSTALLED: AtomicU64 = AtomicU64::new(0);
/// Subscribed signals that arrived and were not taken yet: bit `n - 1` for signal n.
static SUBSCRIBED: AtomicU64 = AtomicU64::new(0);
/// Descriptor of the eventfd to notify of those, or -1.
static SUBSCRIBED_EVENT_FD: AtomicI32 = AtomicI32::new(-1);
/// The hook of [`set_handler_hook`], or null.
static HANDLER_HOOK: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// The signals that the event loop of a process handles. Only the last one created is in force; a forked process
/// inherits the handlers and creates its own.
///
/// ```
/// use swoosh_os::{process, signal::Signals};
///
/// let signals = Signals::install(&[libc::SIGUSR1], &[libc::SIGPIPE])?;
/// process::kill(process::pid(), libc::SIGUSR1);
/// while !signals.take().contains(libc::SIGUSR1) {} // a server waits for `signals.event_fd()` instead
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug)]
pub struct Signals {
    /// Leaked, because a handler may notify it at any moment.
    event_fd: &'static EventFd,
}

/// A set of signals.
///
/// ```
/// assert!(swoosh_os::signal::SignalSet::default().is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalSet(u64);

impl SignalSet {
    /// Whether the set contains the signal.
    pub fn contains(self, signal: i32) -> bool {
        self.0 & (1 << signal) != 0
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// Blocks every signal in the calling thread.
pub fn block_all() -> Result<()> {
    use nix::sys::signal::SigSet;
    SigSet::all().thread_set_mask().map_err(|e| Error::system("block", "the signals of a thread", e))
}

impl Signals {
    /// Handles `signals` in this process and has the kernel drop `ignored`.
    ///
    /// # Errors
    /// If a number is not a signal that can be handled.
    pub fn install(signals: &[i32], ignored: &[i32]) -> Result<Self> {
        let event_fd: &'static EventFd = Box::leak(Box::new(EventFd::new()?));
        EVENT_FD.store(event_fd.as_raw_fd(), Ordering::SeqCst);
        let handled = |signal: &i32| (*signal, on_signal as *const () as libc::sighandler_t);
        let dropped = |signal: &i32| (*signal, libc::SIG_IGN);
        for (signal, action) in signals.iter().map(handled).chain(ignored.iter().map(dropped)) {
            set_action(signal, action)?;
        }
        HANDLED.fetch_or(bits(signals), Ordering::SeqCst);
        if PENDING.load(Ordering::SeqCst) != 0 {
            event_fd.notify();
        }
        Ok(Signals { event_fd })
    }

    /// The signals that have arrived since the last call.
    pub fn take(&self) -> SignalSet {
        if PENDING.load(Ordering::Relaxed) == 0 {
            return SignalSet(0);
        }
        self.event_fd.drain();
        SignalSet(PENDING.swap(0, Ordering::SeqCst))
    }

    /// Notified when a signal arrives.
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

/// Records signals until this process, or what it becomes by daemon(7), creates its [`Signals`]. A signal sent to a
/// server that is still starting is handled then instead of killing it.
pub fn record_pending(signals: &[i32]) -> Result<()> {
    HANDLED.fetch_or(bits(signals), Ordering::SeqCst);
    signals.iter().try_for_each(|signal| set_action(*signal, on_signal as *const () as libc::sighandler_t))
}

fn bits(signals: &[i32]) -> u64 {
    signals.iter().fold(0, |bits, signal| bits | 1 << (signal - 1))
}

/// Calls `hook` inside the handler whenever a signal of [`Signals`] arrives. The hook must restrict itself to what
/// signal-safety(7) allows.
pub fn set_handler_hook(hook: extern "C" fn()) {
    HANDLER_HOOK.store(hook as *mut (), Ordering::SeqCst);
}

/// Discards the pending signals: in a forked process they were meant for its parent.
pub fn clear_pending() {
    PENDING.store(0, Ordering::SeqCst);
}

/// Restores the kernel's default action of these signals.
pub fn restore_defaults(signals: &[i32]) {
    HANDLED.fetch_and(!bits(signals), Ordering::SeqCst);
    for signal in signals {
        let _ = set_action(*signal, libc::SIG_DFL);
    }
}

/// Has these signals do nothing. They are not ignored, because programs that the process executes would inherit that.
///
/// # Errors
/// If a number is not a signal that can be handled.
pub fn discard(signals: &[i32]) -> Result<()> {
    HANDLED.fetch_and(!bits(signals), Ordering::SeqCst);
    DISCARDED.fetch_or(bits(signals), Ordering::SeqCst);
    signals.iter().try_for_each(|signal| set_action(*signal, on_discarded_signal as *const () as libc::sighandler_t))
}

/// Like [`discard`], for those of the signals whose action is the default one.
///
/// # Errors
/// As [`discard`].
pub fn discard_defaults(signals: &[i32]) -> Result<()> {
    let unhandled: Vec<i32> = signals.iter().copied().filter(|s| current_action(*s) == libc::SIG_DFL).collect();
    discard(&unhandled)
}

/// Records a signal for [`take_subscribed`] from now on and notifies `event_fd` of it, in place of [`Signals`] where that
/// handled it. One eventfd serves all subscriptions: the last one given.
///
/// # Errors
/// `EINVAL` for a signal that does not exist or cannot be handled.
pub fn subscribe(signal: i32, event_fd: &'static EventFd) -> Result<()> {
    let refused = |cause: i32| Error::system("handle", format!("signal {signal}"), io::Error::from_raw_os_error(cause));
    if !(1..=64).contains(&signal) {
        return Err(refused(libc::EINVAL));
    }
    SUBSCRIBED_EVENT_FD.store(event_fd.as_raw_fd(), Ordering::SeqCst);
    set_action(signal, on_subscribed_signal as *const () as libc::sighandler_t)
}

/// Ends the subscription of a signal: [`Signals`] handles it again where it did before, else it has its default action.
pub fn unsubscribe(signal: i32) {
    if !(1..=64).contains(&signal) {
        return;
    }
    let is_in = |set: &AtomicU64| set.load(Ordering::SeqCst) & bits(&[signal]) != 0;
    let action = match (is_in(&HANDLED), is_in(&DISCARDED)) {
        (true, _) => on_signal as *const () as libc::sighandler_t,
        (false, true) => on_discarded_signal as *const () as libc::sighandler_t,
        (false, false) => libc::SIG_DFL,
    };
    let _ = set_action(signal, action);
}

/// The subscribed signals that have arrived since the last call, in ascending order.
pub fn take_subscribed() -> impl Iterator<Item = i32> {
    let arrived = if SUBSCRIBED.load(Ordering::Relaxed) == 0 { 0 } else { SUBSCRIBED.swap(0, Ordering::SeqCst) };
    (1..=64).filter(move |signal| arrived >> (signal - 1) & 1 != 0)
}

/// Whether a subscribed signal has arrived that was not taken yet.
pub fn has_subscribed() -> bool {
    SUBSCRIBED.load(Ordering::Relaxed) != 0
}

/// The descriptor that is readable once a subscribed signal has arrived; `None` before the first subscription.
pub fn subscription_fd() -> Option<RawFd> {
    Some(SUBSCRIBED_EVENT_FD.load(Ordering::SeqCst)).filter(|fd| *fd >= 0)
}

/// Ends every subscription, in a forked process that continues its parent's work: they were meant for the parent.
pub fn unsubscribe_all() {
    SUBSCRIBED_EVENT_FD.store(-1, Ordering::SeqCst);
    let installed = INSTALLED.load(Ordering::SeqCst);
    let changed = (1..=64).filter(|signal| installed >> (signal - 1) & 1 != 0);
    changed
        .filter(|s| current_action(*s) == on_subscribed_signal as *const () as libc::sighandler_t)
        .for_each(unsubscribe);
    SUBSCRIBED.store(0, Ordering::SeqCst);
}

/// Restores the default action of every signal that this module handles and discards what is pending. To be called in
/// a forked process that does not continue its parent's work.
pub fn reset_after_fork() {
    let installed = INSTALLED.load(Ordering::SeqCst);
    let ours = [on_signal as *const (), on_subscribed_signal as *const (), on_discarded_signal as *const ()]
        .map(|handler| handler as libc::sighandler_t);
    EVENT_FD.store(-1, Ordering::SeqCst);
    SUBSCRIBED_EVENT_FD.store(-1, Ordering::SeqCst);
    let changed = (1..=64).filter(|signal| installed >> (signal - 1) & 1 != 0);
    for signal in changed.filter(|signal| ours.contains(&current_action(*signal))) {
        let _ = set_action(signal, libc::SIG_DFL);
    }
    SUBSCRIBED.store(0, Ordering::SeqCst);
    HANDLED.store(0, Ordering::SeqCst);
    DISCARDED.store(0, Ordering::SeqCst);
    clear_pending();
}

/// The clock of a timer that [`set_interval_timer`] sets, and the signal it sends.
///
/// ```
/// use std::time::Duration;
/// use swoosh_os::signal::{IntervalTimer, set_interval_timer};
///
/// set_interval_timer(Duration::ZERO, IntervalTimer::Real)?; // no timer runs: nothing to stop
/// # Ok::<(), swoosh_os::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalTimer {
    /// Elapsed time; sends SIGALRM.
    Real,
    /// CPU time of this process in user mode; sends SIGVTALRM.
    Virtual,
    /// CPU time of this process in user and kernel mode; sends SIGPROF.
    Profile,
}

/// Sends a signal to this process at regular intervals, in steps of a microsecond; zero stops that (setitimer(2)).
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
    // SAFETY: the kernel reads `timer`, which outlives the call; the old value is not asked for.
    match unsafe { libc::setitimer(clock, &timer, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(Error::system("set", "an interval timer", io::Error::last_os_error())),
    }
}

fn set_action(signal: i32, action: libc::sighandler_t) -> Result<()> {
    // SAFETY: zero is a valid `sigaction`, and `new` outlives the call. `action` is a default action or one of this
    // module's handlers, which do only what signal-safety(7) allows.
    let done = unsafe {
        let mut new: libc::sigaction = std::mem::zeroed();
        new.sa_sigaction = action;
        new.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&mut new.sa_mask);
        libc::sigaction(signal, &new, std::ptr::null_mut())
    };
    if done == 0 {
        INSTALLED.fetch_or(1 << (signal - 1), Ordering::SeqCst);
        Ok(())
    } else {
        Err(Error::system("handle", format!("signal {signal}"), io::Error::last_os_error()))
    }
}

/// The action of a signal in this process: a handler, `SIG_DFL` or `SIG_IGN`.
fn current_action(signal: i32) -> libc::sighandler_t {
    // SAFETY: sigaction(2) fills `current`, a live value for which zero is valid, and changes nothing.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        libc::sigaction(signal, std::ptr::null(), &mut current);
        current.sa_sigaction
    }
}

/// Runs in: a signal handler.
extern "C" fn on_signal(signal: libc::c_int) {
    // SAFETY: errno is this thread's own. A handler has to leave it unchanged.
    let errno = unsafe { *libc::__errno_location() };
    PENDING.fetch_or(1 << signal, Ordering::SeqCst);
    if signal == libc::SIGTERM {
        parent_death::kill_after_if_orphaned(ORPHAN_GRACE_MS);
    }
    notify(EVENT_FD.load(Ordering::SeqCst));
    let hook = HANDLER_HOOK.load(Ordering::SeqCst);
    if !hook.is_null() {
        // SAFETY: only `set_handler_hook` stores here, and it stores functions of this type, which are never unloaded.
        unsafe { std::mem::transmute::<*mut (), extern "C" fn()>(hook)() };
    }
    // SAFETY: errno is this thread's own; this restores the value read at the beginning.
    unsafe { *libc::__errno_location() = errno };
}

/// Runs in: a signal handler.
extern "C" fn on_discarded_signal(_: libc::c_int) {}

/// Runs in: a signal handler.
extern "C" fn on_subscribed_signal(signal: libc::c_int) {
    SUBSCRIBED.fetch_or(1 << (signal - 1), Ordering::SeqCst);
    notify(SUBSCRIBED_EVENT_FD.load(Ordering::SeqCst));
}

/// Notifies an eventfd by its descriptor. Runs in: a signal handler.
fn notify(event_fd: i32) {
    if event_fd >= 0 {
        let one = 1u64;
        // SAFETY: errno is this thread's own and is restored. write(2) is allowed in a handler and reads the eight
        // bytes of `one`. The eventfd is leaked, so the descriptor is open.
        unsafe {
            let errno = *libc::__errno_location();
            libc::write(event_fd, (&raw const one).cast(), 8);
            *libc::__errno_location() = errno;
        }
    }
}

/// Time that a process whose parent has died gets to react to a termination signal, milliseconds.
const ORPHAN_GRACE_MS: i64 = 800;
