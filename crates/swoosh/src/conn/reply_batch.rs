//! Replies to pipelined requests leave in one write, as long as none of them is delayed for long.
//!
//! A handler that replies within microseconds saves a system call per reply. Where handlers take longer than
//! [`SHORT`], that call costs little beside them, and a reply would wait for the work of the requests behind it: then each
//! reply is written at once.

use crate::ids::SessionId;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The batch of one thread.
#[derive(Debug, Default)]
pub(super) struct ReplyBatch {
    /// The connection whose requests are handled.
    session: Cell<Option<SessionId>>,
    started_at: Cell<Option<Instant>>,
    replies: Cell<u32>,
    /// The last batch took long: replies of this one are not held.
    is_slow: Cell<bool>,
}

impl ReplyBatch {
    /// A request of `session` (`None`: something else) is about to be handled. `more_follow`: another request of this
    /// connection is right behind it. Returns the connection whose batch this ends, if any.
    pub(super) fn begin(&self, session: Option<SessionId>, more_follow: bool) -> Option<SessionId> {
        if session.is_some() && self.session.get() == session {
            return None;
        }
        let ended = self.finish();
        if more_follow && session.is_some() {
            self.session.set(session);
            self.replies.set(0);
            self.started_at.set(Some(Instant::now()));
        }
        ended
    }

    /// The request was handled. Returns the connection whose batch this ends, if any.
    pub(super) fn end(&self, more_follow: bool) -> Option<SessionId> {
        if more_follow { None } else { self.finish() }
    }

    /// A reply to this connection is complete. Returns whether it is to be held for the next one.
    pub(super) fn holds(&self, session: SessionId) -> bool {
        if self.session.get() != Some(session) {
            return false;
        }
        self.replies.set(self.replies.get().saturating_add(1));
        !self.is_slow.get()
    }

    fn finish(&self) -> Option<SessionId> {
        let started_at = self.started_at.take()?;
        // A batch without replies says nothing about how long one takes.
        if self.replies.get() > 0 {
            self.is_slow.set(started_at.elapsed() > SHORT * self.replies.get());
        }
        self.session.take()
    }
}

/// Time that a reply may take for others to wait for it.
const SHORT: Duration = Duration::from_micros(100);

#[cfg(test)]
mod tests {
    use super::*;

    const SEVEN: SessionId = SessionId(7);
    const EIGHT: SessionId = SessionId(8);

    #[test]
    fn replies_to_one_connection_are_held_until_the_last_one() {
        let batch = ReplyBatch::default();
        assert_eq!(batch.begin(Some(SEVEN), true), None);
        assert!(batch.holds(SEVEN) && !batch.holds(EIGHT));
        assert_eq!(batch.end(true), None);
        assert_eq!(batch.begin(Some(SEVEN), false), None);
        assert!(batch.holds(SEVEN), "the last one leaves with those before it");
        assert_eq!(batch.end(false), Some(SEVEN));
        assert!(!batch.holds(SEVEN));
        assert_eq!(batch.end(false), None);
    }

    #[test]
    fn another_connection_ends_a_batch() {
        let batch = ReplyBatch::default();
        batch.begin(Some(SEVEN), true);
        batch.end(true);
        assert_eq!(batch.begin(Some(EIGHT), false), Some(SEVEN));
        assert!(!batch.holds(SEVEN) && !batch.holds(EIGHT), "a single reply is not held");
        batch.begin(Some(SEVEN), true);
        assert_eq!(batch.begin(None, true), Some(SEVEN));
    }

    #[test]
    fn after_slow_replies_none_is_held_until_they_are_fast_again() {
        let batch = ReplyBatch::default();
        batch.begin(Some(SEVEN), true);
        std::thread::sleep(SHORT * 2);
        assert!(batch.holds(SEVEN));
        batch.end(false);
        batch.begin(Some(SEVEN), true);
        batch.end(false);
        batch.begin(Some(SEVEN), true);
        assert!(!batch.holds(SEVEN), "the last reply was slow, and there was none since");
        // Ten thousand replies may take a second: these take no time.
        (0..10_000).for_each(|_| _ = batch.holds(SEVEN));
        assert_eq!(batch.end(false), Some(SEVEN));
        batch.begin(Some(SEVEN), true);
        assert!(batch.holds(SEVEN));
    }
}
