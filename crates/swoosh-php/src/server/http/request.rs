//! The request object. Its properties are built when PHP code first reads them; unread ones cost nothing.

use crate::coroutine::socket::CoroutineSocket;
use crate::server::http::field_names::request_field;
use crate::server::http::form;
use crate::server::http::settings::HttpSettings;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::LocalKey;
use swoosh::clock::seconds;
use swoosh::context::Context;
use swoosh::handler::ConnectionEvent;
use swoosh::http::TempFile;
use swoosh::http::form::{Body, is_type, percent_decode};
use swoosh::http::request_parts::RequestParts;
use swoosh::net::{AddressText, Port};
use swoosh::proto::http1::head_index::HeadIndex;
use swoosh::proto::http1::request::{Field, Request, RequestLine, field_buffer, trailer_fields};
use swoosh::proto::http1::request_framer::Framer;
use swoosh::state::registry::{Peer, Registry};
use swoosh_zend::form::parse_query;
use swoosh_zend::object_pool::ObjectPool;
use swoosh_zend::{Array, ClassSlot, InternedKey, IntoZval, Object, PhpResult, Zval};

/// The class.
pub static REQUEST: ClassSlot = ClassSlot::new();

/// Payload of a request object.
#[derive(Default)]
pub struct RequestData {
    /// The received bytes.
    pub raw: RefCell<RawRequest>,
    /// The body without its transfer coding, if it is not a suffix of `raw`.
    pub body: RefCell<Option<Vec<u8>>>,
    /// The body, if it was spilled to a file.
    pub stored: RefCell<Option<Rc<TempFile>>>,
    /// The body, if it follows the head in parts.
    pub parts: RefCell<Option<Rc<RequestParts>>>,
    /// Bytes of its head.
    pub head_length: Cell<usize>,
    /// The index of its head, where it is known.
    pub index: OnceCell<Rc<HeadIndex>>,
    /// Bytes of `raw` that are the request.
    pub request_length: Cell<Option<usize>>,
    /// The parser state of `Request::create()`; `None` for requests of a server.
    pub framer: RefCell<Option<Framer>>,
    /// Settings of `Request::create()`.
    pub options: RefCell<Option<HttpSettings>>,
    /// Paths of its uploaded files, removed with it.
    pub tmpfiles: RefCell<Vec<String>>,
    /// Connection data for `$request->server`.
    pub arrival: Cell<Option<Arrival>>,
    /// `http_parse_cookie`.
    pub parse_cookie: Cell<bool>,
    /// It is a stream of HTTP/2.
    pub is_http2: Cell<bool>,
}

/// The bytes of a request.
pub enum RawRequest {
    /// In its own memory.
    Own(Vec<u8>),
    /// A long request, in the memory that it was received in.
    Shared(Rc<Vec<u8>>),
}

impl Default for RawRequest {
    fn default() -> Self {
        RawRequest::Own(Vec::new())
    }
}

impl std::ops::Deref for RawRequest {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            RawRequest::Own(bytes) => bytes,
            RawRequest::Shared(bytes) => bytes,
        }
    }
}

impl RawRequest {
    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        match self {
            RawRequest::Own(own) => own.extend_from_slice(bytes),
            RawRequest::Shared(shared) => *self = RawRequest::Own([shared.as_slice(), bytes].concat()),
        }
    }
}

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

impl swoosh_zend::Payload for RequestData {
    fn handlers() -> &'static swoosh_zend::object::HandlerTable {
        static TABLE: swoosh_zend::object::HandlerTable = swoosh_zend::object::HandlerTable::new();
        &TABLE
    }
    const KEEPS_PROPERTIES: bool = true;
    const HAS_LAZY_PROPERTIES: bool = true;

    fn pool() -> Option<&'static LocalKey<ObjectPool>> {
        thread_local! {
            static POOL: ObjectPool = const { ObjectPool::new() };
        }
        Some(&POOL)
    }

    /// Keeps the memory of its bytes.
    fn reset(&mut self) {
        let mut raw = self.raw.take();
        *self = RequestData::default();
        if let RawRequest::Own(bytes) = &mut raw
            && bytes.capacity() <= MAX_KEPT
        {
            bytes.clear();
            *self.raw.get_mut() = raw;
        }
    }

    /// Most handlers read few properties, and building one costs more than finding the parts of the head again.
    fn lazy_property(&self, slot: usize) -> Zval {
        let raw = &*self.raw.borrow();
        let mut fields = field_buffer();
        if self.index.get().is_none() {
            let Some((request, headers)) = Request::parse(raw, &mut fields) else { return Zval::null() };
            let index = HeadIndex::of(&request, headers);
            if index.is_empty() {
                return self.property(slot, request.line(), headers.iter().copied());
            }
            let _ = self.index.set(Rc::new(index));
        }
        let of_index = self.index.get().and_then(|index| Some((index.line(raw)?, index.fields(raw))));
        of_index.map_or_else(Zval::null, |(line, fields)| self.property(slot, line, fields))
    }
}

impl Drop for RequestData {
    fn drop(&mut self) {
        if !self.tmpfiles.get_mut().is_empty() {
            form::remove(self.tmpfiles.get_mut());
        }
    }
}

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
pub(crate) const FD: usize = 0;
pub(crate) const STREAM_ID: usize = 1;
pub(crate) const HEADER: usize = 2;
pub(crate) const SERVER: usize = 3;
pub(crate) const COOKIE: usize = 4;
pub(crate) const GET: usize = 5;
pub(crate) const FILES: usize = 6;
pub(crate) const POST: usize = 7;
pub(crate) const TMPFILES: usize = 8;

/// The object of a request that a worker received. The inner `Err` is the status code to reject it with.
pub fn from_engine(
    node: &Context,
    config: &HttpSettings,
    event: &ConnectionEvent,
    (bytes, stored): (&[u8], Option<Rc<TempFile>>),
    (request, headers, index): (&Request<'_>, &[Field<'_>], Option<Rc<HeadIndex>>),
) -> PhpResult<Result<Object, u16>> {
    let object = Object::pooled::<RequestData>(REQUEST.get())?;
    object.set_slot(FD, event.session.0);
    let Some(data) = object.payload::<RequestData>() else { return Ok(Ok(object)) };
    if let Some(index) = index {
        let _ = data.index.set(index);
    }
    match node.long_packet(bytes) {
        Some(shared) => *data.raw.borrow_mut() = RawRequest::Shared(shared),
        None => data.raw.borrow_mut().extend(bytes),
    }
    *data.stored.borrow_mut() = stored;
    *data.parts.borrow_mut() = RequestParts::begin(node, event.session);
    data.request_length.set(Some(bytes.len()));
    let known = node.state().registry().find(event.session);
    let stream = node.http2_stream(event.session);
    if let Some(stream) = stream {
        object.set_slot(STREAM_ID, stream);
    }
    data.is_http2.set(event.session.is_stream());
    data.arrival.set(Some(Arrival {
        time: event.dispatch_time,
        port: node.state().ports().get(event.port).map(|port| &**port),
        peer: known.map(|(_, slot)| (Registry::peer(slot), slot.last_recv.load(Relaxed))),
        local: known.and_then(|(_, slot)| Registry::local_address(slot)),
        is_http2: event.session.is_stream(),
    }));
    object.set_lazy_slot(SERVER);
    Ok(fill(&object, data, config, request, headers).map(|()| object))
}

/// The object of a request that a coroutine server read. The inner `Err` is the status code to reject it with.
pub fn from_coroutine(
    link: &CoroutineSocket,
    config: &HttpSettings,
    (bytes, stored): (&[u8], Option<Rc<TempFile>>),
    request: &Request<'_>,
    headers: &[Field<'_>],
) -> PhpResult<Result<Object, u16>> {
    let object = Object::pooled::<RequestData>(REQUEST.get())?;
    object.set_slot(FD, link.fd());
    let mut server = server_fields(request.line(), swoosh::clock::now_seconds(), false);
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
    object.set_slot(SERVER, server);
    let Some(data) = object.payload::<RequestData>() else { return Ok(Ok(object)) };
    data.raw.borrow_mut().extend(bytes);
    *data.stored.borrow_mut() = stored;
    data.request_length.set(Some(bytes.len()));
    Ok(fill(&object, data, config, request, headers).map(|()| object))
}

impl Arrival {
    fn server_fields(&self, line: RequestLine<'_>) -> Array {
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
pub fn server_fields(line: RequestLine<'_>, time: f64, is_http2: bool) -> Array {
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

impl RequestData {
    /// The value of a property that is built from the head.
    #[inline]
    fn property<'a>(&self, slot: usize, line: RequestLine<'_>, fields: impl Iterator<Item = Field<'a>>) -> Zval {
        match slot {
            SERVER => self.arrival.get().map(|arrival| arrival.server_fields(line)).into_zval(),
            HEADER => self.header_of(fields).into_zval(),
            COOKIE => self.cookie_of(fields).into_zval(),
            GET => query_of(line).into_zval(),
            _ => Zval::null(),
        }
    }

    fn header_of<'a>(&self, headers: impl Iterator<Item = Field<'a>>) -> Array {
        let mut all = Array::with_capacity(headers.size_hint().1.unwrap_or(0));
        let mut lower = [0; 64];
        for header in headers {
            if self.parse_cookie.get() && header.is("cookie") {
                continue;
            }
            if self.is_http2.get() && header.is("transfer-encoding") {
                // The server's own: HTTP/2 has no such field.
                continue;
            }
            let name = header.name;
            match lower.get_mut(..name.len()) {
                Some(place) => {
                    place.copy_from_slice(name);
                    place.make_ascii_lowercase();
                    add_header(&mut all, place, header.value);
                }
                None => add_header(&mut all, &name.to_ascii_lowercase(), header.value),
            }
        }
        all
    }

    fn cookie_of<'a>(&self, headers: impl Iterator<Item = Field<'a>>) -> Option<Array> {
        if self.parse_cookie.get() { form::cookies(headers) } else { None }
    }
}

/// Memory for the bytes of a request that is kept for the next one, at most.
const MAX_KEPT: usize = 8 << 10;

fn query_of(line: RequestLine<'_>) -> Option<Array> {
    let query = line.path_and_query().1.filter(|query| !query.is_empty())?;
    Some(parse_query(query))
}

/// Parses the body, and marks the head's properties to be built on first read. `Err`: the status code of the response.
pub fn fill(
    object: &Object,
    data: &RequestData,
    config: &HttpSettings,
    request: &Request<'_>,
    headers: &[Field<'_>],
) -> Result<(), u16> {
    data.head_length.set(request.head);
    data.parse_cookie.set(config.parse_cookie);
    [HEADER, COOKIE, GET].into_iter().for_each(|slot| object.set_lazy_slot(slot));
    if request.is_head_only() && data.stored.borrow().is_none() {
        return Ok(());
    }
    let stored = data.stored.borrow().clone();
    let plain = request.body(headers);
    let body = stored.as_ref().map_or(Body::Memory(&plain), |stored| Body::Disk(stored));
    if !body.whole().is_empty() && request.method != "GET" {
        if config.parse_post && is_type(headers, "application/x-www-form-urlencoded") {
            object.set_slot(POST, parse_query(&body.whole().bytes().map_err(form::unreadable)?));
        } else if is_type(headers, "multipart/form-data") {
            let form = form::multipart(config, headers, body)?;
            if let Some(post) = form.post {
                object.set_slot(POST, post);
            }
            if let Some(files) = form.files {
                object.set_slot(FILES, files);
            }
            if !form.tmpfiles.is_empty() {
                object.set_slot(TMPFILES, form.tmpfiles.iter().map(String::as_str).collect::<Array>());
                *data.tmpfiles.borrow_mut() = form.tmpfiles;
            }
        }
    }
    let mut trailers = Array::new();
    for (name, value) in trailer_fields(request.trailers(headers)) {
        add_header(&mut trailers, &name.to_ascii_lowercase(), value);
    }
    if !trailers.is_empty() {
        object.set("trailer", trailers);
    }
    if let std::borrow::Cow::Owned(body) = plain {
        *data.body.borrow_mut() = Some(body);
    }
    Ok(())
}

/// Adds a field with a lower-case name. Repeated fields become a list.
pub fn add_header(all: &mut Array, name: &[u8], value: &[u8]) {
    let added = match request_field(name) {
        Some(key) => all.add_interned(key, value),
        None => all.add(name, value),
    };
    if let Err(value) = added {
        let mut list = match all.find(name).cloned() {
            Some(before) if before.array().is_some() => before.array().cloned().unwrap_or_default(),
            before => before.into_iter().collect(),
        };
        list.push(value);
        all.put(name, list);
    }
}
