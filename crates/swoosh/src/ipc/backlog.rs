//! Messages that a worker has no room for yet. A slow worker fills its own backlog and no other.

use super::{Mailbox, Message, Sender, Source};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Messages for one worker, in order, behind those in its mailbox.
#[derive(Debug)]
pub struct Backlog {
    source: Source,
    queue: VecDeque<Message<Vec<u8>>>,
    /// Bytes of the first message that have been pushed.
    pushed: usize,
    bytes: usize,
    /// Datagrams that were dropped since the backlog was empty last.
    dropped: usize,
}

impl Backlog {
    /// An empty backlog of messages from `source`.
    pub fn new(source: Source) -> Self {
        Backlog { source, queue: VecDeque::new(), pushed: 0, bytes: 0, dropped: 0 }
    }

    /// Pushes a message into the worker's mailbox, or keeps it until there is room.
    pub fn push(&mut self, sender: &Sender, to: &Mailbox, message: Message<Cow<'_, [u8]>>) {
        if self.queue.is_empty()
            && message.payload().len() <= to.ring.longest()
            && sender.push(to, self.source, &message).is_ok()
        {
            return;
        }
        self.bytes += message.payload().len() + OVERHEAD;
        self.queue.push_back(message.map(Cow::into_owned));
        self.flush(sender, to);
    }

    /// Pushes what there is room for. Returns whether the backlog is empty.
    pub fn flush(&mut self, sender: &Sender, to: &Mailbox) -> bool {
        while let Some(message) = self.queue.front() {
            let length = message.payload().len();
            match sender.push_piece(to, self.source, message, self.pushed) {
                Ok(end) if end == length => {
                    self.bytes -= length + OVERHEAD;
                    self.pushed = 0;
                    self.queue.pop_front();
                }
                Ok(end) => self.pushed = end,
                Err(_) => return false,
            }
        }
        if std::mem::take(&mut self.dropped) > 0 {
            crate::log::notice!("datagrams are accepted again: the worker has emptied its backlog");
        }
        true
    }

    /// Whether a datagram has to be dropped because the backlog is full: its sender cannot be paused. The first drop since
    /// the backlog was empty is logged.
    pub fn drops_datagram(&mut self) -> bool {
        let is_full = self.bytes > FULL;
        if is_full {
            self.dropped += 1;
            if self.dropped == 1 {
                crate::log::warn!(
                    "datagrams are dropped: more than {FULL} bytes wait for their worker; raise worker_num, or make onPacket faster"
                );
            }
        }
        is_full
    }

    /// Whether the connections that feed it should not be read for now.
    pub fn is_heavy(&self) -> bool {
        self.bytes > HEAVY
    }

    /// Whether it holds no message.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

const HEAVY: usize = 1 << 20;
/// Bytes above which datagrams are dropped.
const FULL: usize = 64 << 20;
/// Estimated cost of a queued message beside its payload.
const OVERHEAD: usize = 96;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::Reassembly;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn datagrams_are_dropped_while_the_backlog_is_full_and_kept_again_afterwards() {
        let flag: &'static AtomicU32 = Box::leak(Box::default());
        let to = Mailbox::new(1 << 20, "a test", crate::ipc::mailbox::new_event_fd().unwrap(), flag).unwrap();
        let (sender, mut backlog) = (Sender::waking_at_once(), Backlog::new(Source::HEAD));
        let datagram = vec![7; 60_000];
        let mut kept = 0;
        while !backlog.drops_datagram() {
            let data = Cow::Borrowed(datagram.as_slice());
            backlog.push(&sender, &to, Message::Datagram { port: 0, time: kept, data });
            kept += 1;
        }
        let queued = FULL as u64 / (datagram.len() + OVERHEAD) as u64 + 1;
        assert!(kept > queued && kept < queued + 20, "{kept} were kept, {queued} of them outside the mailbox");
        assert!(backlog.drops_datagram());
        // No kept datagram is lost; afterwards there is room again.
        let mut reassembly = Reassembly::default();
        let mut received = 0;
        while received < kept {
            while let Some(message) = to.take(&mut reassembly) {
                let Message::Datagram { time, data, .. } = message else { panic!("{message:?}") };
                assert_eq!((time, data.len()), (received, datagram.len()));
                received += 1;
            }
            backlog.flush(&sender, &to);
        }
        assert!(backlog.is_empty() && !backlog.drops_datagram());
    }
}
