//! Where a response is sent: through the engine, or on the socket of a coroutine server.

use crate::server::http::coroutine_connection::CoroutineConnection;
use crate::server::http::response_order;
use crate::server::http::settings::HttpSettings;
use crate::server::send_yield::{self, Output};
use crate::server::state::{PhpServer, succeeded};
use std::fs::File;
use std::rc::Rc;
use swoosh::conn::Parts;
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh::proto::websocket::deflate::DeflateParams;
use swoosh_zend::PhpResult;

/// The connection that a response belongs to.
#[derive(Clone)]
pub enum HttpConnection {
    /// Of a `Swoole\Http\Server`.
    Server(Rc<PhpServer>, SessionId),
    /// Of a `Swoole\Coroutine\Http\Server`.
    Coroutine(Rc<CoroutineConnection>),
}

/// The means to send on a connection from this process.
pub enum Transport {
    /// A connection of the engine.
    Engine(Rc<PhpServer>, Context, SessionId),
    /// A socket of this process.
    Socket(Rc<CoroutineConnection>),
}

impl HttpConnection {
    /// The transport; `None`, with a warning, if the server is not running.
    pub fn transport(&self) -> Option<Transport> {
        match self {
            HttpConnection::Server(state, session) => {
                state.running().map(|node| Transport::Engine(state.clone(), node, *session))
            }
            HttpConnection::Coroutine(connection) => Some(Transport::Socket(connection.clone())),
        }
    }

    /// Reads the HTTP settings of the connection's server.
    pub fn with_config<T>(&self, look: impl FnOnce(&HttpSettings) -> T) -> Option<T> {
        match self {
            HttpConnection::Server(state, _) => state.http().map(look),
            HttpConnection::Coroutine(connection) => Some(look(connection.settings())),
        }
    }
}

impl Transport {
    /// Sends bytes; `false`, with the error code set, on failure. This and the other sends wait in a coroutine until the
    /// peer has made room.
    pub fn send(&self, bytes: &[u8]) -> PhpResult<bool> {
        match self {
            Transport::Engine(state, node, session) => send_output(state, node, *session, Output::Bytes(bytes)),
            Transport::Socket(connection) => connection.send(bytes),
        }
    }

    /// Sends the last bytes of a response.
    pub fn send_final(&self, parts: Parts<'_>) -> PhpResult<bool> {
        match self {
            Transport::Engine(state, node, session) => send_output(state, node, *session, Output::ResponseEnd(parts)),
            Transport::Socket(connection) => connection.send(&parts.joined()),
        }
    }

    /// Sends a head that a file follows, so that both may share segments.
    pub fn send_head(&self, bytes: &[u8]) -> PhpResult<bool> {
        match self {
            Transport::Engine(state, node, session) => send_output(state, node, *session, Output::HeadOfFile(bytes)),
            Transport::Socket(connection) => connection.send(bytes),
        }
    }

    /// Sends a file's bytes `offset..end`.
    pub fn send_file(&self, file: &Rc<File>, offset: u64, end: u64) -> PhpResult<bool> {
        match self {
            Transport::Engine(state, node, session) => {
                send_output(state, node, *session, Output::File(file, offset, end))
            }
            Transport::Socket(connection) => connection.send_file(file, offset, end),
        }
    }

    /// Switches the connection's framing to WebSocket.
    pub fn begin_websocket(&self, agreed: Option<DeflateParams>) {
        if let Transport::Engine(_, node, session) = self {
            node.begin_websocket(*session, agreed);
        }
    }

    /// The response is no longer pending.
    pub fn end_request(&self) {
        match self {
            Transport::Engine(_, node, session) => node.end_request(*session),
            Transport::Socket(connection) => connection.end_response(),
        }
    }

    /// The response will be sent by other code (`detach`).
    pub fn detach_request(&self) {
        match self {
            Transport::Engine(_, node, session) => node.leave_request(*session),
            Transport::Socket(connection) => connection.end_response(),
        }
    }

    /// Releases what waits for the complete response.
    pub fn response_complete(&self) {
        match self {
            Transport::Engine(_, _, session) => response_order::response_complete(session.0),
            Transport::Socket(connection) => connection.wake_waiter(),
        }
    }

    /// Closes the connection after queued output.
    pub fn close(&self) -> bool {
        match self {
            Transport::Engine(_, node, session) => succeeded(node.close(*session, false)),
            Transport::Socket(connection) => connection.close_after_response(),
        }
    }

    /// Closes the connection behind its last response. Nothing is reported of a peer that has disconnected: the response has
    /// reported it.
    pub fn close_behind_response(&self) {
        match self {
            Transport::Engine(_, node, session) => drop(node.close(*session, false)),
            Transport::Socket(connection) => _ = connection.close_after_response(),
        }
    }

    /// Resets the connection: the peer must not take what it has received for a complete response.
    pub fn reset(&self) {
        match self {
            // Fails only when the peer has disconnected.
            Transport::Engine(_, node, session) => drop(node.close(*session, true)),
            Transport::Socket(connection) => {
                connection.link().reset_on_close();
                connection.close_after_response();
            }
        }
    }
}

fn send_output(state: &PhpServer, node: &Context, session: SessionId, output: Output<'_>) -> PhpResult<bool> {
    send_yield::send(state, node, session.0 as i64, output)
}
