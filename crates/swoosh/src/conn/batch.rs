//! Answers to requests that came together: they go out together, as long as none of them is waited for long.
//!
//! Who answers in microseconds saves a system call for each answer. Where the handlers take longer than [`SHORT`], that
//! call is little beside them, and an answer would wait for the work of requests behind it: then each goes out at once.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// The batch of one thread.
#[derive(Debug, Default)]
pub struct Batch {
    /// The connection whose requests are answered; 0: none.
    session: Cell<u64>,
    handover: Cell<Option<Instant>>,
    answers: Cell<u32>,
    /// The last batch took long: the answers of this one do not wait.
    slow: Cell<bool>,
}

impl Batch {
    /// Something of this connection is to be answered, and `again`: what comes right behind it answers it once more.
    /// The connection whose answers are over, if any.
    pub fn begin(&self, session: u64, again: bool) -> Option<u64> {
        if self.session.get() == session {
            return None;
        }
        let before = self.finish();
        if again {
            self.session.set(session);
            self.answers.set(0);
            self.handover.set(Some(Instant::now()));
        }
        before
    }

    /// Its answer is given, or others will give it. The connection whose answers are over, if any.
    pub fn end(&self, again: bool) -> Option<u64> {
        if again { None } else { self.finish() }
    }

    /// An answer to this connection is given: whether it waits for the next one.
    pub fn holds(&self, session: u64) -> bool {
        if session == 0 || self.session.get() != session {
            return false;
        }
        self.answers.set(self.answers.get().saturating_add(1));
        !self.slow.get()
    }

    fn finish(&self) -> Option<u64> {
        let handover = self.handover.take()?;
        // Requests that others answer say nothing of how long an answer takes.
        if self.answers.get() > 0 {
            self.slow.set(handover.elapsed() > SHORT * self.answers.get());
        }
        Some(self.session.replace(0))
    }
}

/// What an answer may take for others to wait for it.
const SHORT: Duration = Duration::from_micros(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_one_connection_wait_until_the_last_one() {
        let batch = Batch::default();
        assert_eq!(batch.begin(7, true), None);
        assert!(batch.holds(7) && !batch.holds(8) && !batch.holds(0));
        assert_eq!(batch.end(true), None);
        assert_eq!(batch.begin(7, false), None);
        assert!(batch.holds(7), "the last one goes out with those before it");
        assert_eq!(batch.end(false), Some(7));
        assert!(!batch.holds(7));
        assert_eq!(batch.end(false), None);
    }

    #[test]
    fn another_connection_ends_a_batch() {
        let batch = Batch::default();
        batch.begin(7, true);
        batch.end(true);
        assert_eq!(batch.begin(8, false), Some(7));
        assert!(!batch.holds(7) && !batch.holds(8), "a single answer waits for none");
    }

    #[test]
    fn after_slow_answers_none_waits_until_they_are_short_again() {
        let batch = Batch::default();
        batch.begin(7, true);
        std::thread::sleep(SHORT * 2);
        assert!(batch.holds(7));
        batch.end(false);
        batch.begin(7, true);
        batch.end(false);
        batch.begin(7, true);
        assert!(!batch.holds(7), "the last answer took longer than one may, and nobody has given one since");
        // Ten thousand may take a second: these take none of it.
        (0..10_000).for_each(|_| _ = batch.holds(7));
        assert_eq!(batch.end(false), Some(7));
        batch.begin(7, true);
        assert!(batch.holds(7));
    }
}
