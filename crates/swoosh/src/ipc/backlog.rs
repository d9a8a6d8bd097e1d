//! What a reactor could not give to a worker yet. A slow worker fills its own backlog and nobody else's.

use super::{Head, Mailbox, Sender};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Messages for one worker, in order, behind those in its mailbox.
#[derive(Debug, Default)]
pub struct Backlog {
    queue: VecDeque<(Head, Vec<u8>)>,
    /// How much of the first one has been pushed, where it is long.
    handover: usize,
    bytes: usize,
    /// Datagrams that were dropped since it was empty last.
    dropped: usize,
}

impl Backlog {
    /// Gives a message to the worker now, or keeps it until there is room.
    pub fn deliver(&mut self, sender: &Sender, to: &Mailbox, head: Head, data: Cow<'_, [u8]>) {
        if self.queue.is_empty() && data.len() <= to.ring.longest() && sender.push(to, &head, &[&data]).is_ok() {
            return;
        }
        self.bytes += data.len() + OVERHEAD;
        self.queue.push_back((head, data.into_owned()));
        self.flush(sender, to);
    }

    /// Pushes what there is room for; whether all is gone.
    pub fn flush(&mut self, sender: &Sender, to: &Mailbox) -> bool {
        while let Some((head, data)) = self.queue.front() {
            match sender.push_piece(to, head, data, self.handover) {
                Ok(end) if end == data.len() => {
                    self.bytes -= data.len() + OVERHEAD;
                    self.handover = 0;
                    self.queue.pop_front();
                }
                Ok(end) => self.handover = end,
                Err(_) => return false,
            }
        }
        if std::mem::take(&mut self.dropped) > 0 {
            crate::log::notice!("datagrams are no longer dropped: the worker has taken what waited");
        }
        true
    }

    /// Whether there is no room for a datagram, which nobody can be asked to send later. Once for each time that it fills,
    /// the log tells.
    pub fn drops_datagram(&mut self) -> bool {
        let full = self.bytes > FULL;
        if full {
            self.dropped += 1;
            if self.dropped == 1 {
                crate::log::warn!("datagrams are dropped: more than {FULL} bytes wait for their worker");
            }
        }
        full
    }

    /// Whether the connections that feed it should not be read for now.
    pub fn is_heavy(&self) -> bool {
        self.bytes > HEAVY
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

const HEAVY: usize = 1 << 20;
/// Bytes above which no datagram is kept.
const FULL: usize = 64 << 20;
/// What a kept message costs beside its payload.
const OVERHEAD: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::{Assembler, Kind, MANAGER};
    use std::sync::atomic::AtomicU32;

    #[test]
    fn datagrams_are_dropped_while_too_much_waits_and_kept_again_afterwards() {
        let flag: &'static AtomicU32 = Box::leak(Box::default());
        let to = Mailbox::new(1 << 20, "a test", crate::state::new_event_fd().unwrap(), flag).unwrap();
        let (sender, mut backlog) = (Sender::at_once(), Backlog::default());
        let datagram = vec![7; 60_000];
        let mut kept = 0;
        while !backlog.drops_datagram() {
            let head = Head { kind: Kind::Packet, from: MANAGER, flags: 0, id: kept, time: 0, extra: 0, reactor: 0 };
            backlog.deliver(&sender, &to, head, Cow::Borrowed(&datagram));
            kept += 1;
        }
        let waits = FULL as u64 / (datagram.len() + OVERHEAD) as u64 + 1;
        assert!(kept > waits && kept < waits + 20, "{kept} were kept, {waits} of them beside the mailbox");
        assert!(backlog.drops_datagram());
        // Nothing of what was kept is lost, and then there is room.
        let mut assembler = Assembler::default();
        let mut told = 0;
        while told < kept {
            while let Some(message) = to.take(&mut assembler) {
                assert_eq!((message.head.id, message.data.len()), (told, datagram.len()));
                told += 1;
            }
            backlog.flush(&sender, &to);
        }
        assert!(backlog.is_empty() && !backlog.drops_datagram());
    }
}
