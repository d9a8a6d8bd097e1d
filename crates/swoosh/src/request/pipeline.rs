//! Reply order on one connection: the replies of pipelined requests leave in the order of the requests.
//!
//! Invariant: at most one request of a connection is being handled. Requests that arrive meanwhile are kept, and are handled
//! in order once the reply before them is complete. Other connections do not wait.

use crate::ids::{SessionId, SessionMap};
use std::collections::VecDeque;

/// The connections whose request is being handled, and what they requested behind it. `T`: a kept request.
///
/// ```
/// use swoosh::SessionId;
/// use swoosh::request::pipeline::Pipeline;
///
/// let mut pipeline = Pipeline::default();
/// let connection = SessionId(1);
/// assert!(pipeline.enqueue(connection, || "first").is_none(), "it is handled at once");
/// pipeline.begin(connection);
/// assert_eq!(pipeline.enqueue(connection, || "second"), Some(1), "it is kept");
/// // The first reply is complete.
/// assert_eq!(pipeline.next(connection), Some("second"));
/// assert_eq!(pipeline.next(connection), None);
/// assert!(!pipeline.is_busy(connection));
/// ```
#[derive(Debug)]
pub struct Pipeline<T>(SessionMap<VecDeque<T>>);

impl<T> Default for Pipeline<T> {
    fn default() -> Self {
        Pipeline(SessionMap::default())
    }
}

impl<T> Pipeline<T> {
    /// Keeps a request if an earlier one of its connection is being handled. Returns the number of kept requests of the
    /// connection; `None`: the request is to be handled now, and `request` was not called.
    pub fn enqueue(&mut self, session: SessionId, request: impl FnOnce() -> T) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let queue = self.0.get_mut(&session)?;
        queue.push_back(request());
        Some(queue.len())
    }

    /// The reply to the current request of a connection is not complete: later requests are kept.
    pub fn begin(&mut self, session: SessionId) {
        self.0.entry(session).or_default();
    }

    /// The reply is complete: the request to be handled next. `None`: there is none, and the connection is not busy any more.
    pub fn next(&mut self, session: SessionId) -> Option<T> {
        let next = self.0.get_mut(&session)?.pop_front();
        if next.is_none() {
            self.0.remove(&session);
        }
        next
    }

    /// The reply is complete: all kept requests, in order. The connection is not busy any more.
    pub fn finish(&mut self, session: SessionId) -> Option<VecDeque<T>> {
        self.0.remove(&session)
    }

    /// Drops the kept requests of a connection, which is closed. Its current request goes on.
    pub fn clear(&mut self, session: SessionId) {
        if let Some(queue) = self.0.get_mut(&session) {
            queue.clear();
        }
    }

    /// Number of kept requests of a connection.
    pub fn kept(&self, session: SessionId) -> usize {
        self.0.get(&session).map_or(0, VecDeque::len)
    }

    /// Whether a request of the connection is being handled.
    pub fn is_busy(&self, session: SessionId) -> bool {
        self.0.contains_key(&session)
    }

    /// Whether no connection is busy.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: SessionId = SessionId(1);
    const TWO: SessionId = SessionId(2);

    #[test]
    fn requests_behind_an_incomplete_reply_are_handled_in_their_order() {
        let mut pipeline = Pipeline::default();
        pipeline.begin(ONE);
        for n in 0..5 {
            assert_eq!(pipeline.enqueue(ONE, || n), Some(n + 1));
        }
        for n in 0..5 {
            assert_eq!(pipeline.next(ONE), Some(n));
            assert!(pipeline.is_busy(ONE), "request {n} is being handled");
        }
        assert_eq!(pipeline.next(ONE), None);
        assert!(pipeline.is_empty());
    }

    #[test]
    fn other_connections_do_not_wait() {
        let mut pipeline = Pipeline::default();
        pipeline.begin(ONE);
        assert_eq!(pipeline.enqueue(TWO, || unreachable!("it is not kept")), None::<usize>);
        assert_eq!(pipeline.enqueue(ONE, || ()), Some(1));
        assert!(pipeline.is_busy(ONE) && !pipeline.is_busy(TWO));
    }

    #[test]
    fn requests_of_a_closed_connection_are_dropped_and_the_current_one_goes_on() {
        let mut pipeline = Pipeline::default();
        pipeline.begin(ONE);
        pipeline.enqueue(ONE, || 'a');
        pipeline.clear(ONE);
        assert_eq!((pipeline.kept(ONE), pipeline.is_busy(ONE)), (0, true));
        assert_eq!(pipeline.next(ONE), None);
        assert!(!pipeline.is_busy(ONE));
    }

    #[test]
    fn all_kept_requests_can_be_taken_at_once() {
        let mut pipeline = Pipeline::default();
        pipeline.begin(ONE);
        pipeline.enqueue(ONE, || 'a');
        pipeline.enqueue(ONE, || 'b');
        assert_eq!(pipeline.finish(ONE), Some(VecDeque::from(['a', 'b'])));
        assert_eq!(pipeline.finish(ONE), None);
        assert_eq!(pipeline.enqueue(ONE, || 'c'), None);
    }
}
