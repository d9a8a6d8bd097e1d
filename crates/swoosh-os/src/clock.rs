//! Clocks: wall time for people, monotonic time for timeouts.
//!
//! ```
//! let before = swoosh_os::clock::monotonic_ms();
//! assert!(swoosh_os::clock::monotonic_ms() >= before);
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the epoch.
pub fn wall_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_nanos() as u64
}

/// Milliseconds of `CLOCK_MONOTONIC` (clock_gettime(2)), which all processes of the machine share.
pub fn monotonic_ms() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("CLOCK_MONOTONIC exists");
    now.tv_sec() as u64 * 1000 + now.tv_nsec() as u64 / 1_000_000
}

/// Nanoseconds of `CLOCK_MONOTONIC` (clock_gettime(2)), which all processes of the machine share.
pub fn monotonic_nanos() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("CLOCK_MONOTONIC exists");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}
