//! Messages between the processes of a server.
//!
//! A [`Message`] is pushed by a [`Sender`] into the receiver's [`Mailbox`], a ring in shared memory, and wakes the receiver
//! only if it sleeps. A payload longer than a ring takes at once travels in pieces, which [`Reassembly`] joins.
//!
//! | module | contents |
//! |---|---|
//! | [`message`] | every kind of message, and its encoding |
//! | [`mailbox`], [`sender`], [`reassembly`] | the way of one message |
//! | [`backlog`] | messages that a worker has no room for yet |
//! | [`handover`] | messages that a replaced worker leaves to its successor |
//! | [`spill`] | large payloads in files |

pub mod backlog;
pub mod handover;
pub mod mailbox;
pub mod message;
pub mod reassembly;
pub mod sender;
pub mod spill;

pub use mailbox::{Mailbox, sleep_if};
pub use message::{Command, Content, Message, Reading, ReplyTo, Source};
pub use reassembly::Reassembly;
pub use sender::Sender;
