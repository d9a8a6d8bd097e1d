//! The one place that waits: the reactor, the loop, timers, signals, and what a forked child does. Knows no coroutine; the
//! layer above registers itself as the [`scheduler`].

pub mod event_loop;
pub mod fork;
pub mod last_error;
pub mod reactor;
pub mod scheduler;
pub mod script_end;
pub mod signals;
pub mod timers;
