//! The state of a process, by topic. The parts know nothing of the context that holds them.

pub(crate) mod executor;
pub(crate) mod files;
pub(crate) mod in_flight;
pub(crate) mod lifecycle;
pub(crate) mod mail;
pub(crate) mod tasks;
pub(crate) mod timers;
