//! Timeouts as PHP code gives them.

use std::time::Duration;

/// A timeout as PHP code gives it: no time and less mean for ever.
pub fn limit(seconds: f64) -> Option<Duration> {
    (seconds > 0.0).then(|| duration(seconds))
}

/// Seconds as a time, a millisecond at least.
pub fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.001, 1e9)).unwrap_or(Duration::from_millis(1))
}
