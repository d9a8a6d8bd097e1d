//! HTTP/2 over real sockets: requests, known abuses, and the end of connections when the server reloads or ends.

#[path = "../common/mod.rs"]
mod common;
#[path = "../http2_conformance/peer.rs"]
#[allow(dead_code)]
mod peer;

mod abuse;
mod lifecycle;
mod requests;

use common::Server;
use peer::Peer;
use std::net::SocketAddr;

/// A server of HTTP/1.1 and HTTP/2, with further arguments.
fn start(arguments: &[&str]) -> Server {
    Server::start(&[&["framing=http", "http2=1"], arguments].concat())
}

/// A client behind its preface.
fn open(server: &Server) -> Peer {
    open_with(server, &[])
}

/// A client with settings.
fn open_with(server: &Server, settings: &[(u16, u32)]) -> Peer {
    let mut peer = Peer::connect(SocketAddr::from(([127, 0, 0, 1], server.ports[0]))).unwrap();
    peer.open_with(settings).unwrap();
    peer
}

/// Whether a HEADERS frame has a status that is not in the static table: its digits as they are (RFC 7541 section 5.2).
fn has_status(frame: &peer::Frame, status: u16) -> bool {
    let digits = status.to_string().into_bytes();
    let value = [&[digits.len() as u8], &digits[..]].concat();
    frame.payload.windows(value.len()).any(|bytes| bytes == value)
}

/// The field block of a request for a path.
fn request(method: &str, path: &str) -> Vec<u8> {
    peer::block(&[(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")])
}
