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

mod body;
mod body_window;
mod coding;
pub mod compress;
#[cfg(feature = "compression")]
mod encode;
#[cfg(feature = "compression")]
mod encoded_cache;
pub mod form;
mod request;
pub mod request_parts;
mod response;
mod response_head;
mod serve_file;
mod server;
mod service;
mod shared;
pub mod sse;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "websocket")]
mod websocket;
#[cfg(feature = "websocket")]
mod websocket_state;

pub use crate::conn::incoming;
pub use crate::static_files as files;
pub use crate::static_files::date::now;
pub use crate::static_files::mime;
pub use crate::sys::temp_file::TempFile;
pub use request::Request;
pub use response::Response;
pub use serve_file::serve_file;
pub use server::{Ready, Server};
#[cfg(feature = "websocket")]
pub use websocket::{Frame, WebSocket, websockets};
#[cfg(feature = "websocket")]
pub use websocket_state::Message;
