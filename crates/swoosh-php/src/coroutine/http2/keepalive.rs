//! Detects a peer that does not answer any more, by PING frames (RFC 9113 section 6.7).
//!
//! A task of the thread's runtime sends a PING when nothing was received for a time. Any bytes that arrive after it are an
//! answer. Without one, the connection fails with ECONNABORTED, so that callers can tell it from their own time limits.

use super::failure::Failure;
use std::rc::Weak;
use std::time::{Duration, Instant};
use swoosh_zend::{Array, Zval};
use tokio::time::sleep;

/// A connection that is watched.
pub(super) trait Watched {
    fn has_ended(&self) -> bool;

    /// Streams whose response was not taken to its end.
    fn stream_count(&self) -> usize;

    /// When bytes of the peer were read last; before any, when the connection was made.
    fn last_received(&self) -> Instant;

    /// The peer, for messages.
    fn peer(&self) -> &str;

    /// Sends a PING, unless one is on its way already.
    fn ping(&self);

    /// Reads what has arrived.
    fn drive(&self);

    /// The peer is lost: coroutines that wait get the failure, and nothing is read or written any more.
    fn fail(&self, failure: Failure);
}

/// When a PING is sent, and how long its answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keepalive {
    /// The time without received bytes.
    idle: Duration,
    answer: Duration,
    /// Also while no request waits for its response.
    without_streams: bool,
}

impl Keepalive {
    /// From a PHP client's settings. `None` without `keepalive_time`.
    pub(super) fn new(settings: &Array) -> Option<Self> {
        let seconds = |name: &str| settings.get(name).map(Zval::to_float).filter(|seconds| *seconds > 0.0);
        let duration = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).max(SHORTEST);
        Some(Keepalive {
            idle: duration(seconds("keepalive_time")?),
            answer: seconds("keepalive_timeout").map_or(ANSWER, duration),
            without_streams: settings.get("keepalive_without_calls").is_some_and(Zval::to_bool),
        })
    }

    /// Runs until the connection has ended.
    pub(super) async fn watch(self, connection: Weak<impl Watched>) {
        while let Some(shared) = connection.upgrade().filter(|shared| !shared.has_ended()) {
            let rest = self.idle.saturating_sub(shared.last_received().elapsed());
            if !rest.is_zero() {
                drop(shared);
                sleep(rest).await;
                continue;
            }
            if !self.without_streams && shared.stream_count() == 0 {
                drop(shared);
                sleep(self.idle).await;
                continue;
            }
            let sent_at = Instant::now();
            shared.ping();
            drop(shared);
            sleep(self.answer).await;
            let Some(shared) = connection.upgrade() else { return };
            // The answer may be in the socket's buffer, if PHP code has kept the thread busy.
            shared.drive();
            if shared.last_received() < sent_at {
                shared.fail(self.failure(shared.peer()));
                return;
            }
        }
    }

    fn failure(self, peer: &str) -> Failure {
        let message =
            format!("the connection to {peer} is lost: no answer to a PING within {} s", self.answer.as_secs_f64());
        Failure { code: libc::ECONNABORTED, message }
    }
}

/// Default of `keepalive_timeout`: that of gRPC's libraries.
const ANSWER: Duration = Duration::from_secs(20);
const SHORTEST: Duration = Duration::from_millis(1);
