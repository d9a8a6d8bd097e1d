//! Sending into mailboxes, and waking the receivers.
//!
//! A reactor wakes each receiver once per tick of its loop, for all that the tick has pushed; a process that runs user
//! code wakes at once, for that code may run for long.

use super::mailbox::{Mailbox, wake_sleeper};
use super::message::{Message, Payload, Piece, Source};
use crate::shm::ring::RingFull;
use crate::sys::clock;
use crate::sys::event_fd::EventFd;
use std::cell::RefCell;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// A sender: one for each process and reactor thread.
#[derive(Default)]
pub struct Sender {
    to_wake: RefCell<Vec<(&'static AtomicU32, &'static EventFd)>>,
    wakes_at_once: bool,
}

impl Sender {
    /// A sender that wakes receivers at once. The default one wakes them in [`wake_receivers`](Self::wake_receivers).
    pub fn waking_at_once() -> Self {
        Sender { wakes_at_once: true, ..Sender::default() }
    }

    /// Pushes one message, if there is room for all of it.
    ///
    /// # Errors
    /// Where the mailbox is full, or the message longer than a ring takes at once; see [`push_all`](Self::push_all).
    pub fn push<P: Payload>(&self, to: &Mailbox, source: Source, message: &Message<P>) -> Result<(), RingFull> {
        to.ring.push(&message.meta(source, Piece::WHOLE), &[message.payload()])?;
        self.schedule_wake(to);
        Ok(())
    }

    /// Pushes the piece of a message that starts at byte `from` of its payload. Returns where the piece ends.
    ///
    /// # Errors
    /// Where the mailbox is full.
    pub(crate) fn push_piece<P: Payload>(
        &self,
        to: &Mailbox,
        source: Source,
        message: &Message<P>,
        from: usize,
    ) -> Result<usize, RingFull> {
        let data = message.payload();
        let end = data.len().min(from + to.ring.longest());
        let piece = Piece { first: from == 0, more: end < data.len() };
        to.ring.push(&message.meta(source, piece), &[&data[from..end]])?;
        self.schedule_wake(to);
        Ok(end)
    }

    /// Pushes a message of any length, waiting for room up to `timeout` per piece. A long message that found no room for
    /// its first piece leaves no trace; one that got stuck later is dropped by the receiver.
    ///
    /// # Errors
    /// Where there was no room within `timeout`.
    pub fn push_all<P: Payload>(
        &self,
        to: &Mailbox,
        source: Source,
        message: &Message<P>,
        timeout: Duration,
    ) -> Result<(), RingFull> {
        self.push_while(to, source, message, timeout, || false)
    }

    /// Like [`push_all`](Self::push_all); while there is no room, `meanwhile` is called. It returns whether it did
    /// something that may have made room.
    ///
    /// # Errors
    /// Where there was no room within `timeout`.
    pub fn push_while<P: Payload>(
        &self,
        to: &Mailbox,
        source: Source,
        message: &Message<P>,
        timeout: Duration,
        mut meanwhile: impl FnMut() -> bool,
    ) -> Result<(), RingFull> {
        let length = message.payload().len();
        let mut from = 0;
        let mut deadline = None;
        let mut tries = 0u32;
        loop {
            match self.push_piece(to, source, message, from) {
                Ok(end) if end == length => return Ok(()),
                Ok(end) => (from, deadline) = (end, None),
                Err(RingFull) => {
                    let now = clock::monotonic_ms();
                    if now > *deadline.get_or_insert(now + timeout.as_millis() as u64) {
                        return Err(RingFull);
                    }
                    self.wake_receivers();
                    to.event_fd().notify();
                    tries += 1;
                    if meanwhile() {
                        tries = 0;
                        continue;
                    }
                    std::thread::sleep(Duration::from_micros(if tries < 10 { 20 } else { 300 }));
                }
            }
        }
    }

    fn schedule_wake(&self, to: &Mailbox) {
        if self.wakes_at_once {
            // Orders the push before the load of the flag; its counterpart is in `sleep_if`.
            std::sync::atomic::fence(SeqCst);
            to.wake_sleeper();
            return;
        }
        let mut list = self.to_wake.borrow_mut();
        if !list.iter().any(|(flag, _)| std::ptr::eq(*flag, to.sleeping)) {
            list.push((to.sleeping, to.event_fd()));
        }
    }

    /// Wakes every sleeping receiver that something was pushed for. Called at the end of each tick.
    pub fn wake_receivers(&self) {
        let mut list = self.to_wake.borrow_mut();
        if list.is_empty() {
            return;
        }
        // Orders the pushes before the loads of the flags; its counterpart is in `sleep_if`.
        std::sync::atomic::fence(SeqCst);
        for (flag, event_fd) in list.drain(..) {
            wake_sleeper(flag, event_fd);
        }
    }

    /// Number of receivers that are to be woken.
    pub fn pending_wakes(&self) -> usize {
        self.to_wake.borrow().len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::mailbox::sleep_if;
    use super::super::reassembly::Reassembly;
    use super::*;
    use crate::ids::SessionId;
    use crate::ids::WorkerId;
    use crate::ipc::message::{Command, Content};
    use crate::sys::process::{self, Fork, fork};

    fn mailbox(capacity: usize) -> Mailbox {
        let flag: &'static AtomicU32 = Box::leak(Box::default());
        Mailbox::new(capacity, "a test", crate::ipc::mailbox::new_event_fd().unwrap(), flag).unwrap()
    }

    fn send(data: &[u8]) -> Message<&[u8]> {
        Message::Command { session: SessionId(1), command: Command::Send { data, file_follows: false } }
    }

    const ONE: Source = Source::HEAD;

    fn two() -> Source {
        Source::process(WorkerId(2))
    }

    #[test]
    fn a_message_longer_than_the_ring_arrives_whole_between_others() {
        let mailbox = mailbox(8192);
        let long: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        let Fork::Parent(pid) = fork().unwrap() else {
            let sender = Sender::default();
            let timeout = Duration::from_secs(5);
            for data in [&b"before"[..], &long, b""] {
                sender.push_all(&mailbox, ONE, &send(data), timeout).unwrap();
            }
            process::exit_now(0);
        };
        let mut reassembly = Reassembly::default();
        let mut got = Vec::new();
        while got.len() < 3 {
            got.extend(mailbox.take(&mut reassembly).map(|m| m.payload().to_vec()));
        }
        assert_eq!(got, vec![b"before".to_vec(), long, Vec::new()]);
        process::wait_for(pid).unwrap();
    }

    #[test]
    fn pieces_of_a_sender_that_died_are_dropped_when_it_sends_again() {
        let mailbox = mailbox(8192);
        let (sender, mut reassembly) = (Sender::default(), Reassembly::default());
        let long = vec![1; 10_000];
        let end = sender.push_piece(&mailbox, ONE, &send(&long), 0).unwrap();
        assert!(end < long.len());
        sender.push(&mailbox, two(), &send(b"other")).unwrap();
        let mut from = 0;
        let second = vec![2; 5000];
        let mut got = Vec::new();
        while from < second.len() {
            from = sender.push_piece(&mailbox, ONE, &send(&second), from).unwrap();
            got.extend(mailbox.take(&mut reassembly).map(|m| m.payload().to_vec()));
        }
        got.extend(mailbox.take(&mut reassembly).map(|m| m.payload().to_vec()));
        assert_eq!(got, vec![b"other".to_vec(), second]);
    }

    #[test]
    fn the_rest_of_a_message_whose_beginning_is_gone_is_dropped() {
        let mailbox = mailbox(8192);
        let sender = Sender::default();
        let long = vec![1; 5000];
        let mut from = 0;
        for _ in 0..2 {
            from = sender.push_piece(&mailbox, ONE, &send(&long), from).unwrap();
        }
        assert!(mailbox.take(&mut Reassembly::default()).is_none());
        sender.push_piece(&mailbox, ONE, &send(&long), from).unwrap();
        sender.push(&mailbox, ONE, &send(b"next")).unwrap();
        assert_eq!(mailbox.take(&mut Reassembly::default()).unwrap().payload(), b"next");
    }

    #[test]
    fn a_message_without_payload_arrives_between_others_of_its_source() {
        let mailbox = mailbox(4096);
        let (sender, mut reassembly) = (Sender::default(), Reassembly::default());
        let finish = Message::Command { session: SessionId(1), command: Command::Finish { reset: true } };
        sender.push::<&[u8]>(&mailbox, ONE, &finish).unwrap();
        let message =
            Message::PipeMessage { id: 1, source: two(), time: 2, flags: 3, content: Content::Inline(&b"x"[..]) };
        sender.push(&mailbox, two(), &message).unwrap();
        assert_eq!(mailbox.take(&mut reassembly), Some(finish.map(|data: &[u8]| data.to_vec().into())));
        assert_eq!(mailbox.take(&mut reassembly), Some(message.map(|data| data.to_vec().into())));
    }

    #[test]
    fn a_full_mailbox_is_reported_after_the_timeout() {
        let mailbox = mailbox(4096);
        let sender = Sender::default();
        while sender.push(&mailbox, ONE, &send(&[0; 500])).is_ok() {}
        assert_eq!(sender.push_all(&mailbox, ONE, &send(&[0; 500]), Duration::from_millis(5)), Err(RingFull));
    }

    #[test]
    fn only_a_sleeping_receiver_is_woken() {
        let mailbox = mailbox(4096);
        let sender = Sender::default();
        assert!(sleep_if(mailbox.sleeping, || mailbox.is_empty()));
        sender.push(&mailbox, ONE, &send(b"x")).unwrap();
        assert_eq!(sender.pending_wakes(), 1);
        sender.wake_receivers();
        assert_eq!(mailbox.sleeping.load(SeqCst), 0);
        assert!(!sleep_if(mailbox.sleeping, || mailbox.is_empty()));
    }
}
