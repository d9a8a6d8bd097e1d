//! Connections, in the thread that owns them: a reactor thread, or a worker in base mode.
//!
//! | module | contents |
//! |---|---|
//! | [`connection`] | one connection and its state |
//! | [`owner`] | the connections of one thread, and who observes them |
//! | `accept`, `handshake`, `drive` | from a listening socket to a connection's task |
//! | `read`, `spool`, [`incoming`] | bytes -> packets; long bodies -> files |
//! | `write`, `output`, `parts`, `wire`, `reply_batch` | replies -> socket |
//! | `output_peak` | memory that is returned after a peak of output |
//! | `http2`, `transport` | connections of HTTP/2, whose streams are connections of their own |
//! | `close`, [`timeouts`] | how a connection ends |
//! | `command` | operations that other processes request |

mod accept;
mod backpressure;
mod close;
mod command;
pub mod connection;
mod drive;
mod handshake;
mod http2;
pub mod incoming;
mod output;
mod output_peak;
pub mod owner;
mod parts;
mod read;
mod reply_batch;
mod spool;
mod tasks;
pub mod timeouts;
mod transport;
mod wire;
pub(crate) mod write;

pub(crate) use http2::drive::send_last;
pub use parts::Parts;
