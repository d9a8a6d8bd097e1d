//! Coroutines: their scheduler, what they wait for and with, and sockets, names and TLS whose waiting lets others run.
//!
//! | file | contents |
//! |---|---|
//! | [`scheduler`] | the coroutines and the switch between them |
//! | [`wait`] | time, each other, descriptors, futures |
//! | [`loop_hooks`] | what the loop asks |
//! | `shutdown`, `introspection`, `time_slice` | how coroutines end, what can be seen of them, when they must give way |

pub mod channel;
pub mod classes;
pub mod cluster;
pub mod configure;
pub mod hook_flags;
pub mod introspection;
mod join;
mod loop_hooks;
pub mod names;
pub mod options;
pub mod packets;
pub mod resolvers;
pub mod scheduler;
pub mod setting_values;
mod shutdown;
pub mod socket;
mod table;
mod ticker;
mod time_slice;
pub mod timeout;
mod timers;
pub mod tls;
mod tls_session;
mod types;
pub mod wait;

pub use introspection::{callbacks, count, ids, last_id, peak};
pub use loop_hooks::start_up;
pub use options::{Options, options};
pub use scheduler::{
    Coroutine, create, current, current_id, expect_current, find, may_wait, resume, run_event, wait, wake, wake_from, has_room
};
pub use shutdown::{abandon, cancel, end_all, request_end, tell_of_callbacks, tell_of_deadlock};
pub use swoosh_zend::switch::STACK;
pub use time_slice::beat;
pub use types::{Job, Wait, Wake};
