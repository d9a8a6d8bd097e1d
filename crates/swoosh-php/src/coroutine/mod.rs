//! Coroutines, and the operations that suspend them.
//!
//! | file | contents |
//! |---|---|
//! | `types`, [`scheduler`], `table` | coroutines, the scheduler's state, the table by id |
//! | [`create`](mod@create), [`switch`], `stack_pool` | starting, suspending and resuming; unused stacks |
//! | [`wait`](mod@wait), `join`, [`channel`] | waiting for time, other coroutines, descriptors, futures, values |
//! | `timers`, `time_slice`, `ticker` | timeouts and preemption |
//! | `shutdown`, [`introspection`] | cancellation, script end, deadlock reports; counts and backtraces |
//! | `loop_hooks` | the event loop's interface to the scheduler |
//! | [`socket`], `socket_io`, `socket_poll`, [`tls`], `tls_session`, [`packet_reader`] | sockets, TLS, framed reads |
//! | [`http2`], [`http2_server`] | HTTP/2 connections to servers, and from clients |
//! | [`dns`], [`service_resolvers`], [`cluster`] | host names and services |
//! | [`mod@options`], [`configure`], [`hook_flags`], [`setting_values`] | settings |

pub mod channel;
pub mod classes;
pub mod cluster;
pub mod configure;
pub mod create;
pub mod dns;
pub mod hook_flags;
pub mod http2;
mod http2_output;
pub mod http2_server;
pub mod in_use;
pub mod introspection;
mod join;
mod loop_hooks;
pub mod options;
pub mod packet_reader;
pub mod scheduler;
pub mod service_resolvers;
pub mod setting_values;
mod shutdown;
pub mod socket;
mod socket_io;
mod socket_poll;
mod stack_pool;
pub mod switch;
mod table;
mod ticker;
mod time_slice;
pub mod timeout;
mod timers;
pub mod tls;
mod tls_session;
mod types;
pub mod wait;

pub use create::{create, has_room, leave_parents, run_as_main, spawn_event};
pub use introspection::{callbacks, count, ids, last_id, peak, running_name, unfinished};
pub use loop_hooks::start_up;
pub use options::{Options, options};
pub use scheduler::{Coroutine, current, current_id, expect_current, find, may_wait};
pub use shutdown::{abandon, cancel, end_all, report_deadlock, report_unfinished, request_end, take_exit};
pub use switch::{resume, wait, wake, wake_from};
pub use swoosh_zend::stack::STACK_SIZE;
pub use time_slice::on_interrupt;
pub use types::{Job, WaitKind, WakeReason};
