//! Signals that are read from a descriptor instead of running a handler (signalfd(2)).

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::{AsRawFd, RawFd};

/// Signals that are blocked and readable from a descriptor for as long as this value lives. Signals that were blocked
/// before stay blocked afterwards.
///
/// ```
/// use swoosh_os::{process, signal_fd::HeldSignals};
///
/// let held = HeldSignals::new(&[libc::SIGUSR2]).unwrap();
/// process::kill(process::pid(), libc::SIGUSR2);
/// while held.take() != Some(libc::SIGUSR2) {}
/// ```
#[derive(Debug)]
pub struct HeldSignals {
    fd: SignalFd,
    /// The signals to unblock on drop.
    blocked: SigSet,
}

impl HeldSignals {
    /// Blocks these signals in the calling thread.
    ///
    /// # Errors
    /// `InvalidInput` for a number that is not a signal; `EMFILE` if no descriptors are left.
    pub fn new(signals: &[i32]) -> io::Result<Self> {
        let mut set = SigSet::empty();
        for &signal in signals {
            set.add(Signal::try_from(signal).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?);
        }
        let mut before = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&set), Some(&mut before))?;
        let mut blocked = SigSet::empty();
        for signal in set.iter().filter(|signal| !before.contains(*signal)) {
            blocked.add(signal);
        }
        match SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC) {
            Ok(fd) => Ok(HeldSignals { fd, blocked }),
            Err(e) => {
                let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&blocked), None);
                Err(e.into())
            }
        }
    }

    /// Whether the number is that of a signal.
    pub fn can_hold(signal: i32) -> bool {
        Signal::try_from(signal).is_ok()
    }

    /// The next signal that has arrived, if any; does not wait.
    pub fn take(&self) -> Option<i32> {
        self.fd.read_signal().ok().flatten().map(|arrived| arrived.ssi_signo as i32)
    }
}

impl AsRawFd for HeldSignals {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

impl Drop for HeldSignals {
    fn drop(&mut self) {
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&self.blocked), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_signal_is_read_and_unblocked_afterwards() {
        let held = HeldSignals::new(&[libc::SIGURG]).unwrap();
        assert_eq!(held.take(), None);
        nix::sys::signal::raise(Signal::SIGURG).unwrap();
        assert_eq!(held.take(), Some(libc::SIGURG));
        drop(held);
        assert!(!SigSet::thread_get_mask().unwrap().contains(Signal::SIGURG));
    }

    #[test]
    fn a_number_that_is_not_a_signal_is_refused() {
        assert!(!HeldSignals::can_hold(4000));
        assert_eq!(HeldSignals::new(&[4000]).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}
