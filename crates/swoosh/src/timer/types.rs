//! Ids and states of timers.

/// A timer's id: 1, 2, 3... in the order of adding, never reused in a wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(pub u64);

/// A timer that is due: run it, then call [`TimerWheel::finish`](super::TimerWheel::finish).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The timer.
    pub id: TimerId,
    /// Whether it is due again later.
    pub repeats: bool,
}

/// The state of a timer: see [`TimerWheel::info`](super::TimerWheel::info).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimerInfo {
    /// The next time at which it is due, nanoseconds of the caller's clock.
    pub deadline: u64,
    /// Nanoseconds between two times; 0 for a one-shot timer.
    pub interval: u64,
    /// The number of its calls that have ended.
    pub exec_count: u64,
    /// The wheel's round ([`TimerWheel::rounds`](super::TimerWheel::rounds)) in which it was added.
    pub round: u64,
    /// Whether it was cancelled while it ran.
    pub removed: bool,
}

/// The error of an operation on a timer that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchTimer;
