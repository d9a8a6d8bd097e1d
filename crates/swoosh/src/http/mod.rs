//! HTTP/1.1 and WebSocket servers.
//!
//! [`Server`] is the entry point for Rust programs: its handler is an async closure that gets a [`Request`] and fills a
//! [`Response`]. The responses of one connection are sent in the order of its requests; a handler that waits does not delay
//! other connections. The layers below serve PHP too: [`files`], [`compress`], [`form`], [`mime`], [`incoming`].
//!
//! ```no_run
//! use swoosh::{Mode, http};
//!
//! fn main() -> swoosh::Result<()> {
//!     http::Server::bind("127.0.0.1:9501", Mode::Process)?
//!         .workers(2)
//!         .handle(async |request, response| {
//!             response.text(&format!("you asked for {}\n", request.path()));
//!         })
//!         .start()
//! }
//! ```

#[cfg(not(feature = "http"))]
mod absent;
#[cfg(feature = "http")]
mod body_window;
#[cfg(feature = "http")]
pub mod compress;
#[cfg(feature = "http")]
mod date;
pub mod files;
#[cfg(feature = "http")]
pub mod form;
pub mod incoming;
#[cfg(feature = "http")]
pub mod mime;
#[cfg(feature = "http")]
mod request;
#[cfg(feature = "http")]
mod response;
#[cfg(feature = "http")]
mod response_head;
#[cfg(feature = "http")]
mod server;
#[cfg(feature = "http")]
mod service;
#[cfg(feature = "websocket")]
mod websocket;

pub use crate::sys::temp_file::TempFile;
#[cfg(not(feature = "http"))]
pub(crate) use absent::Service;
#[cfg(feature = "http")]
pub use date::now;
#[cfg(feature = "http")]
pub use request::Request;
#[cfg(feature = "http")]
pub use response::Response;
#[cfg(feature = "http")]
pub use server::{Ready, Server};
#[cfg(feature = "http")]
pub(crate) use service::Service;
#[cfg(feature = "websocket")]
pub use websocket::{Frame, Message, WebSocket, websockets};
