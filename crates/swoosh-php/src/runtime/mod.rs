//! Everything that waits: the event loop, the reactor it sleeps in, timers, signals and watched descriptors. This layer
//! knows no coroutines; the layer above implements [`scheduler::Scheduler`].

pub mod blocking;
pub mod event_loop;
pub mod fork;
pub mod last_error;
pub mod object_counts;
pub mod reactor;
pub mod scheduler;
pub mod script_end;
pub mod server_process;
pub mod signals;
pub mod timers;
pub mod watchers;
