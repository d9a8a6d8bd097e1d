//! HTTP/2 (RFC 9113): the server's side of a connection, and what clients need beside the crate h2.
//!
//! | module | contains |
//! |---|---|
//! | [`server`] | the server's side of a connection: frames of a client -> requests, responses -> frames |
//! | [`frames`] | the heads of frames in a stream of bytes |
//! | [`FrameTracker`], [`PeerSettings`], [`code`] | control frames as they pass by, and settings in force |
//! | [`budget`] | a limit for frames that cost the receiver work and the sender nothing |
//! | [`part`] | parts of a request's body as packets |
//! | [`response`] | HTTP/1 responses, as they are written, to the parts of an HTTP/2 response |
//! | [`upgrade`] | `Upgrade: h2c`, the change from HTTP/1.1 (RFC 7540 section 3.2) |

pub mod budget;
mod control;
pub mod frames;
mod hpack;
pub mod part;
pub mod response;
pub mod server;
mod settings;
pub mod upgrade;
mod violation;

pub use control::{ControlFrame, FrameTracker, goaway, ping};
pub use settings::PeerSettings;
pub use violation::{Violation, code};

/// The first bytes of a client (RFC 9113 section 3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
