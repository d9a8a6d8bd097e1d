//! WebSocket (RFC 6455): frames, messages, the opening handshake, and compression (RFC 7692).
//!
//! [`next_frame`] finds the frames of a connection, [`MessageAssembler`] turns them into [`Event`]s, and [`put_frame`]
//! encodes frames to send. Section numbers refer to RFC 6455.

mod error;
mod frame;
mod handshake;
mod message;

#[cfg(feature = "compression")]
pub mod deflate;

pub use error::WebSocketError;
pub use frame::{FrameRules, Opcode, close_frame, masked_close_frame, next_frame, put_frame, unmask};
pub use handshake::{accept_handshake, accept_key};
pub use message::{Event, MessageAssembler, is_close_code};

#[cfg(all(test, feature = "compression"))]
mod tests;
