//! The builder of HTTP servers.

use super::compress::Rules;
use super::request::Request;
use super::response::Response;
use super::service::Service;
use crate::config::{Framing, Http2Config, Mode, PortConfig, ServerConfig};
use crate::error::Result;
use crate::handler::Outcome;
use crate::static_files::Files;
use std::path::Path;
use std::time::Duration;

/// An HTTP server, to be configured and started.
///
/// ```no_run
/// use std::time::Duration;
/// use swoosh::{Mode, http};
///
/// http::Server::bind("127.0.0.1:9501", Mode::Base)?
///     .deadline(Duration::from_secs(10))
///     .handle(async |request, response| {
///         response.text(request.path());
///     })
///     .start()?;
/// # Ok::<(), swoosh::Error>(())
/// ```
pub struct Server {
    inner: crate::Server,
    rules: Rules,
    files: Option<Files>,
    deadline: Option<Duration>,
    pub(super) websocket_compression: bool,
}

impl Server {
    /// A server on one address; [`crate::Server::bind`] lists the forms of addresses.
    ///
    /// # Errors
    /// If the address is in use or malformed.
    pub fn bind(address: &str, mode: Mode) -> Result<Self> {
        let inner = crate::Server::bind(address, mode)?.ports(|port| port.framing = Framing::Http);
        Ok(Server { inner, rules: Rules::off(), files: None, deadline: None, websocket_compression: true })
    }

    /// The port number of the address with that index, as the kernel assigned it; 0 for a Unix socket.
    pub fn port(&self, index: usize) -> u16 {
        self.inner.port(index)
    }

    /// Sets the number of workers. Default: the number of cores.
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

    /// Speaks HTTP/2 too (RFC 9113), on every port and with the same handler: by prior knowledge, by `Upgrade: h2c`, and by
    /// ALPN on a port with TLS. `trailers` of requests and responses, and WebSockets (RFC 8441), work alike.
    pub fn http2(self, config: Http2Config) -> Self {
        self.ports(|port| port.http2 = Some(config))
    }

    /// Speaks HTTP/2, and handles gRPC calls once their head has arrived, so that messages and replies take turns. The handler is
    /// one of `http::tower`, or reads [`Request::body_parts`].
    pub fn grpc(self) -> Self {
        self.ports(|port| {
            let http2 = port.http2.unwrap_or_default();
            port.http2 = Some(Http2Config { grpc_streams: true, ..http2 });
        })
    }

    /// Configures the underlying server: tasks, timers, more ports, lifecycle callbacks.
    pub fn with(mut self, change: impl FnOnce(crate::Server) -> crate::Server) -> Self {
        self.inner = change(self.inner);
        self
    }

    /// Serves the files of a directory for `GET` and `HEAD`; the handler gets requests for which there is no file. Nothing
    /// outside the directory is served, also not through `..` or symbolic links.
    ///
    /// # Errors
    /// If the directory does not exist or cannot be read.
    pub fn files(mut self, root: impl AsRef<Path>) -> Result<Self> {
        let mut files = Files::under(root.as_ref())?;
        files.index = vec!["index.html".to_owned()];
        self.files = Some(files);
        Ok(self)
    }

    /// Compresses responses (gzip, deflate, br, zstd, as the client accepts) of text types with at least 20 bytes.
    #[cfg(feature = "compression")]
    pub fn compress(mut self) -> Self {
        self.rules = Rules::default();
        self
    }

    /// Sets whether WebSocket messages are compressed if the client offers it (RFC 7692). Default: true.
    #[cfg(feature = "websocket")]
    pub fn compress_messages(mut self, on: bool) -> Self {
        self.websocket_compression = on;
        self
    }

    /// Sets the time that a handler may take for one request. After it the handler is dropped where it waits, and the client
    /// gets 504, or an incomplete response if one had started. A WebSocket has no such limit.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.deadline = Some(limit);
        self
    }

    /// Sets the handler. An error that it returns is logged, and the client gets 500 if nothing was sent.
    pub fn handle<H, R>(self, handler: H) -> Ready
    where
        H: AsyncFn(Request, &mut Response) -> R + 'static,
        R: Outcome,
    {
        let service = Service::new(handler, self.files, self.rules, self.deadline, self.websocket_compression);
        Ready(self.inner.serve_http(service))
    }
}

/// A server with its handler, ready to start: see [`Server::handle`].
pub struct Ready(crate::Server);

impl Ready {
    /// As [`Server::port`].
    pub fn port(&self, index: usize) -> u16 {
        self.0.port(index)
    }

    /// Runs the server until it is asked to end; see [`crate::Server::start`].
    ///
    /// # Errors
    /// If a setting is out of range, or the server cannot continue.
    pub fn start(self) -> Result<()> {
        self.0.start()
    }
}
