//! The client's side of an HTTP/2 connection (RFC 9113), on which several coroutines send and wait.
//!
//! The crate h2 has the protocol. A task of the thread's runtime drives it, so that pings and settings are answered and
//! windows are opened while PHP code waits elsewhere; a coroutine that sends drives it too, so that its request is written
//! before it goes on.
//!
//! Memory is bounded: a body that no coroutine waits for is read up to 64 KiB and then left to
//! the peer by flow control. Bodies that are sent wait for the peer's window.
//!
//! | file | contents |
//! |---|---|
//! | `transport` | the socket as h2 reads and writes it; the peer's settings and GOAWAY frames |
//! | `inbox` | responses that have arrived and the coroutines that wait for them |
//! | `outgoing` | a request to send |
//! | `send_half` | bodies of requests, as the peer's windows allow |
//! | `keepalive` | detects a peer that does not answer any more |
//! | `settings`, `failure` | settings, errors |
//! | `shared` | the state that coroutines share, and the task that drives the protocol |
//! | `connection` | connecting, sending, receiving, closing |

mod connection;
mod failure;
mod inbox;
mod keepalive;
mod outgoing;
pub(in crate::coroutine) mod send_half;
mod settings;
mod shared;
mod transport;

pub use connection::Http2Connection;
pub use failure::Failure;
pub use inbox::{Delivery, Want};
pub use outgoing::{FORBIDDEN, OutgoingRequest, Parts, uri};
pub use settings::Http2Settings;
