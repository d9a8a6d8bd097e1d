//! Servers of HTTP/1.1 and WebSocket.
//!
//! [`Server`] is the way in for programs in Rust: its handler is an async closure that gets a [`Request`] and fills a
//! [`Response`]. The answers of one connection go out in the order of its requests; a handler that waits holds up nobody
//! else. What stands below it serves PHP too: [`files`], [`compress`], [`form`], [`mime`].
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

pub mod compress;
pub mod files;
pub mod form;
pub mod mime;
mod request;
mod response;
mod service;
mod websocket;
mod window;

pub use crate::conn::incoming;
pub use crate::sys::temp_file::TempFile;
pub use request::Request;
pub use response::Response;
pub use websocket::{Frame, Message, WebSocket, websockets};

use crate::config::{Framing, Mode, PortConfig, ServerConfig};
use crate::error::Result;
use crate::handler::Outcome;
use crate::proto::http1::response_writer::date;
use crate::sys::clock;
use compress::Rules;
use files::Files;
pub(crate) use service::Service;
use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

/// The time of this second, as HTTP writes it (RFC 9110 section 5.6.7).
pub fn now() -> [u8; 29] {
    thread_local! {
        static LAST: Cell<(i64, [u8; 29])> = const { Cell::new((-1, [0; 29])) };
    }
    let seconds = (clock::wall_nanos() / 1_000_000_000) as i64;
    let (of, text) = LAST.get();
    if of == seconds {
        return text;
    }
    let text = date(seconds);
    LAST.set((seconds, text));
    text
}

/// A server of HTTP to be built and started.
pub struct Server {
    inner: crate::Server,
    rules: Rules,
    files: Option<Files>,
    deadline: Option<Duration>,
    websocket_compression: bool,
}

impl Server {
    /// A server on one address; what addresses there are says [`crate::Server::bind`].
    ///
    /// # Errors
    /// Where the address is in use or cannot be understood.
    pub fn bind(address: &str, mode: Mode) -> Result<Self> {
        let inner = crate::Server::bind(address, mode)?.ports(|port| port.framing = Framing::Http);
        Ok(Server { inner, rules: Rules::off(), files: None, deadline: None, websocket_compression: true })
    }

    /// The port number of the `index`th address, as the kernel has it; 0 for a Unix socket.
    pub fn port(&self, index: usize) -> u16 {
        self.inner.port(index)
    }

    /// How many workers run the handler (default: the cores).
    pub fn workers(self, count: u32) -> Self {
        self.with(|server| server.workers(count))
    }

    /// Changes any setting of the server.
    pub fn configure(self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        self.with(|server| server.configure(change))
    }

    /// Changes any setting of the ports, such as the longest request (`package_max_length`) or `tls`.
    pub fn ports(self, change: impl FnOnce(&mut PortConfig)) -> Self {
        self.with(|server| server.ports(change))
    }

    /// Adds what any server has: tasks, timers, more ports, callbacks of its life.
    pub fn with(mut self, change: impl FnOnce(crate::Server) -> crate::Server) -> Self {
        self.inner = change(self.inner);
        self
    }

    /// Answers `GET` and `HEAD` with the files of a folder, where there is one of that name; the handler gets the rest.
    /// Nothing outside of the folder is served, whatever links and dots say.
    ///
    /// # Errors
    /// Where the folder cannot be looked into.
    pub fn files(mut self, root: impl AsRef<Path>) -> Result<Self> {
        let mut files = Files::under(root.as_ref())?;
        files.index = vec!["index.html".to_owned()];
        self.files = Some(files);
        Ok(self)
    }

    /// Compresses answers that a client takes compressed (gzip, deflate, br, zstd), if their type is one of text and they
    /// have 20 bytes at least.
    pub fn compress(mut self) -> Self {
        self.rules = Rules::default();
        self
    }

    /// Whether messages of WebSocket are compressed where a client offers it (default: yes).
    pub fn compress_messages(mut self, on: bool) -> Self {
        self.websocket_compression = on;
        self
    }

    /// How long a handler may take for one request. Then it is dropped where it waits, and the client gets 504, or an
    /// answer that breaks off where it had begun. A WebSocket has no such limit.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// The code that answers. A result that is an error is logged, and the client gets 500 where nothing was sent.
    pub fn handle<H, R>(self, handler: H) -> Ready
    where
        H: AsyncFn(Request, &mut Response) -> R + 'static,
        R: Outcome,
    {
        let service = Service::new(handler, self.files, self.rules, self.deadline, self.websocket_compression);
        Ready(self.inner.serve_http(service))
    }
}

/// A server with its handler, ready to start.
pub struct Ready(crate::Server);

impl Ready {
    /// The port number of the `index`th address.
    pub fn port(&self, index: usize) -> u16 {
        self.0.port(index)
    }

    /// Runs it until it is told to end; see [`crate::Server::start`].
    ///
    /// # Errors
    /// Where a setting cannot be, or the server cannot go on.
    pub fn start(self) -> Result<()> {
        self.0.start()
    }
}
