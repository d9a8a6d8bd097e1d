//! Mailboxes: where messages for one process or reactor thread wait, and how the receiver is woken.
//!
//! Invariant: a receiver that sleeps has an empty mailbox or a pending wake-up. It announces its sleep before it checks
//! the mailbox ([`sleep_if`]); a sender checks the announcement after it has pushed.

use super::message::Message;
use super::reassembly::Reassembly;
use crate::error::Result;
use crate::shm::ring::Ring;
use crate::sys::event_fd::EventFd;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

/// A ring in shared memory, with the means to wake its receiver.
#[derive(Clone, Copy)]
pub struct Mailbox {
    pub(super) ring: Ring,
    /// Wakes the receiver, whichever of its mailboxes received something.
    event_fd: &'static EventFd,
    pub(super) sleeping: &'static AtomicU32,
}

impl Mailbox {
    /// A mailbox of `capacity` bytes, whose receiver waits on `event_fd` and announces its sleep in `sleeping`.
    ///
    /// # Errors
    /// Where shared memory cannot be reserved.
    pub fn new(
        capacity: usize,
        purpose: &str,
        event_fd: &'static EventFd,
        sleeping: &'static AtomicU32,
    ) -> Result<Self> {
        Ok(Mailbox { ring: Ring::new(capacity, purpose)?, event_fd, sleeping })
    }

    /// Number of messages (and pieces of long ones) that wait.
    pub fn len(&self) -> u64 {
        self.ring.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// The receiver's event descriptor.
    pub fn event_fd(&self) -> &'static EventFd {
        self.event_fd
    }

    /// Takes the oldest message. `reassembly` is the receiver's own, one per mailbox.
    pub fn take(&self, reassembly: &mut Reassembly) -> Option<Message> {
        loop {
            let message = self.ring.pop(|meta, data| reassembly.add(meta, data))?;
            if let Some(message) = message {
                return Some(message);
            }
        }
    }

    /// Wakes the receiver if it sleeps.
    pub(super) fn wake_sleeper(&self) {
        wake_sleeper(self.sleeping, self.event_fd);
    }
}

pub(super) fn wake_sleeper(sleeping: &AtomicU32, event_fd: &EventFd) {
    if sleeping.load(SeqCst) == 1 && sleeping.swap(0, SeqCst) == 1 {
        event_fd.notify();
    }
}

/// Announces that this receiver is about to sleep, unless something waits: then `false`, and it must look.
pub fn sleep_if(sleeping: &AtomicU32, is_empty: impl Fn() -> bool) -> bool {
    sleeping.store(1, SeqCst);
    std::sync::atomic::fence(SeqCst);
    if is_empty() {
        return true;
    }
    sleeping.store(0, SeqCst);
    false
}

/// Creates an event descriptor for a receiver, which lives as long as the process.
pub fn new_event_fd() -> Result<&'static EventFd> {
    Ok(Box::leak(Box::new(EventFd::new()?)))
}
