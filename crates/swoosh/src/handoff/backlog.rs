//! What a reactor could not give to a worker yet. A slow worker fills its own backlog and nobody else's.

use super::{Head, Mailbox, Post};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Messages for one worker, in order, behind those in its mailbox.
#[derive(Debug, Default)]
pub struct Backlog {
    queue: VecDeque<(Head, Vec<u8>)>,
    /// How much of the first one has been pushed, where it is long.
    begun: usize,
    bytes: usize,
}

impl Backlog {
    /// Gives a message to the worker now, or keeps it until there is room.
    pub fn deliver(&mut self, post: &Post, to: &Mailbox, head: Head, data: Cow<'_, [u8]>) {
        if self.queue.is_empty() && data.len() <= to.ring.longest() && post.push(to, &head, &[&data]).is_ok() {
            return;
        }
        self.bytes += data.len() + OVERHEAD;
        self.queue.push_back((head, data.into_owned()));
        self.flush(post, to);
    }

    /// Pushes what there is room for; whether all is gone.
    pub fn flush(&mut self, post: &Post, to: &Mailbox) -> bool {
        while let Some((head, data)) = self.queue.front() {
            match post.push_piece(to, head, data, self.begun) {
                Ok(end) if end == data.len() => {
                    self.bytes -= data.len() + OVERHEAD;
                    self.begun = 0;
                    self.queue.pop_front();
                }
                Ok(end) => self.begun = end,
                Err(_) => return false,
            }
        }
        true
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
/// What a kept message costs beside its payload.
const OVERHEAD: usize = 96;
