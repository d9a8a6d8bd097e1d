//! Conversion of PHP's timeouts, which are floating-point seconds.

use std::time::Duration;

/// The timeout for a number of seconds; zero and negative numbers mean none.
pub fn limit(seconds: f64) -> Option<Duration> {
    (seconds > 0.0).then(|| duration(seconds))
}

/// Seconds as a duration of at least one millisecond.
pub fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.001, 1e9)).unwrap_or(Duration::from_millis(1))
}
