//! The messages between processes. A message in a ring is four words and a payload.
//!
//! | module | contents |
//! |---|---|
//! | `types` | [`Message`], an enum of every kind, and what it carries |
//! | `encoding` | its words: encode and decode, in one file, so that they cannot drift apart. No other file knows them |
//! | `source` | the sender |
//!
//! Sending borrows the payload and copies it once, into the ring; the receiver shares it ([`Rc`](std::rc::Rc)).

mod encoding;
mod source;
#[cfg(test)]
mod tests;
mod types;

pub(super) use encoding::Piece;
pub use encoding::{from_queue_form, to_queue_form};
pub use source::{MAX_PROCESSES, Source};
pub use types::{Command, Content, FileNumber, Message, Origin, Payload, Reading, ReplyTo};
