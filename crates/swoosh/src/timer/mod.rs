//! Timers of one thread: a hierarchical timer wheel with ticks of 65.5 microseconds.
//!
//! The wheel never reads a clock: the caller passes `now`, nanoseconds of a monotonic clock. It calls no code either:
//! [`TimerWheel::next_due`] returns one due timer at a time, and the caller runs it, so that callbacks may add and cancel
//! timers, including their own.
//!
//! Each level has 64 slots; a slot of one level spans the whole level below; eleven levels cover any `u64`. Adding and
//! cancelling touch one slot. A timer moves down at most once for each level.

mod id_index;
#[cfg(test)]
mod tests;
mod types;
mod wheel;

pub use types::{Due, NoSuchTimer, TimerId, TimerInfo};
pub use wheel::TimerWheel;
