//! Packets of a connection.
//!
//! Invariant: the packets follow from the bytes alone, never from how the network split them. The exceptions are the two
//! kinds that have no boundaries of their own, [`Framing::None`] and [`Framing::EofCheck`], which take what has arrived.

mod eof;
mod framer;
mod length;
#[cfg(test)]
mod tests;

pub use crate::frame_status::FrameStatus;
pub use framer::{Framer, Framing};
pub use length::{LengthFraming, LengthFunc, LengthType};
