//! Times in the form in which events carry them: seconds since the epoch.

use crate::sys::clock;

/// Nanoseconds since the epoch as seconds.
pub fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Seconds since the epoch as nanoseconds, exact to about a microsecond.
pub(crate) fn nanos(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// The current time in seconds since the epoch.
pub fn now_seconds() -> f64 {
    seconds(clock::wall_nanos())
}
