//! `$request->server`: the request line, and when and where the request arrived.

use crate::coroutine::socket::CoroutineSocket;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;
use swoosh::clock::seconds;
use swoosh::context::Context;
use swoosh::handler::ConnectionEvent;
use swoosh::http::form::percent_decode;
use swoosh::net::{AddressText, Port};
use swoosh::proto::http1::request::RequestLine;
use swoosh::state::registry::{Peer, Registry};
use swoosh_zend::{Array, InternedKey, IntoZval};

static QUERY_STRING: InternedKey = InternedKey::new("query_string");
static REQUEST_METHOD: InternedKey = InternedKey::new("request_method");
static REQUEST_URI: InternedKey = InternedKey::new("request_uri");
static PATH_INFO: InternedKey = InternedKey::new("path_info");
static REQUEST_TIME: InternedKey = InternedKey::new("request_time");
static REQUEST_TIME_FLOAT: InternedKey = InternedKey::new("request_time_float");
static SERVER_PROTOCOL: InternedKey = InternedKey::new("server_protocol");
static SERVER_PORT: InternedKey = InternedKey::new("server_port");
static SERVER_ADDR: InternedKey = InternedKey::new("server_addr");
static REMOTE_PORT: InternedKey = InternedKey::new("remote_port");
static REMOTE_ADDR: InternedKey = InternedKey::new("remote_addr");
static MASTER_TIME: InternedKey = InternedKey::new("master_time");
/// Keys of `$request->server`, interned at module start-up.
pub static SERVER_KEYS: [&InternedKey; 12] = [
    &QUERY_STRING,
    &REQUEST_METHOD,
    &REQUEST_URI,
    &PATH_INFO,
    &REQUEST_TIME,
    &REQUEST_TIME_FLOAT,
    &SERVER_PROTOCOL,
    &SERVER_PORT,
    &SERVER_ADDR,
    &REMOTE_PORT,
    &REMOTE_ADDR,
    &MASTER_TIME,
];

/// When and where a request came to a server.
#[derive(Clone, Copy)]
pub struct Arrival {
    time: f64,
    port: Option<&'static Port>,
    /// The peer, and when its bytes were received: nanoseconds since the epoch.
    peer: Option<(Peer, u64)>,
    /// The connection's local address, if its port is bound to every address.
    local: Option<IpAddr>,
    /// It is a stream of HTTP/2.
    is_http2: bool,
}

impl Arrival {
    /// The arrival of a request that a server received.
    pub(super) fn new(node: &Context, event: &ConnectionEvent) -> Self {
        let state = node.state();
        let known = state.registry().find(event.session);
        Arrival {
            time: event.dispatch_time,
            port: state.ports().get(event.port).map(|port| &**port),
            peer: known.map(|(_, slot)| (Registry::peer(slot), slot.last_recv.load(Relaxed))),
            local: known.and_then(|(_, slot)| Registry::local_address(slot)),
            is_http2: event.session.is_stream(),
        }
    }

    /// `$request->server`.
    pub(super) fn server_fields(&self, line: RequestLine<'_>) -> Array {
        let mut server = server_fields(line, self.time, self.is_http2);
        if let Some(port) = self.port {
            server.append_interned(&SERVER_PORT, port.number());
            match self.local {
                Some(local) => server.append_interned(&SERVER_ADDR, AddressText::new(local).as_bytes()),
                None => server.append_interned(&SERVER_ADDR, host_of(port.address())),
            }
        }
        if let Some((peer, received)) = self.peer {
            server.append_interned(&REMOTE_PORT, peer.port);
            match peer.ip {
                Some(ip) => server.append_interned(&REMOTE_ADDR, AddressText::new(ip).as_bytes()),
                None => server.append_interned(&REMOTE_ADDR, ""),
            }
            server.append_interned(&MASTER_TIME, seconds(received) as i64);
        }
        server
    }
}

fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host.trim_start_matches('[').trim_end_matches(']'))
}

/// `$request->server` from the request line and the time of arrival.
pub(super) fn server_fields(line: RequestLine<'_>, time: f64, is_http2: bool) -> Array {
    let mut server = Array::with_capacity(16);
    let (path, query) = line.path_and_query();
    if let Some(query) = query.filter(|q| !q.is_empty()) {
        server.append_interned(&QUERY_STRING, query);
    }
    server.append_interned(&REQUEST_METHOD, line.method);
    let path_value = path.into_zval();
    let path_info = match percent_decode(path) {
        Cow::Borrowed(_) => path_value.clone(),
        Cow::Owned(decoded) => decoded.into_zval(),
    };
    server.append_interned(&REQUEST_URI, path_value);
    server.append_interned(&PATH_INFO, path_info);
    server.append_interned(&REQUEST_TIME, time as i64);
    server.append_interned(&REQUEST_TIME_FLOAT, time);
    let protocol = match line.minor {
        _ if is_http2 => "HTTP/2",
        0 => "HTTP/1.0",
        _ => "HTTP/1.1",
    };
    server.append_interned(&SERVER_PROTOCOL, protocol);
    server
}

/// `$request->server` of a request that a coroutine server read.
pub(super) fn coroutine_server_fields(link: &CoroutineSocket, line: RequestLine<'_>) -> Array {
    let mut server = server_fields(line, swoosh::clock::now_seconds(), false);
    let ends = [
        (link.socket().peer_addr(), &REMOTE_ADDR, &REMOTE_PORT),
        (link.socket().local_addr(), &SERVER_ADDR, &SERVER_PORT),
    ];
    for (address, host, port) in ends {
        if let Some(address) = address.ok().and_then(|address| address.as_socket()) {
            server.insert_interned(host, address.ip().to_string());
            server.insert_interned(port, address.port());
        }
    }
    server
}
