//! The request object. Its properties are built when PHP code first reads them; unread ones cost nothing.

use crate::coroutine::socket::CoroutineSocket;
use crate::server::http::field_names::request_field;
use crate::server::http::form;
use crate::server::http::server_fields::{Arrival, coroutine_server_fields, server_fields};
use crate::server::http::settings::HttpSettings;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::thread::LocalKey;
use swoosh::context::Context;
use swoosh::handler::ConnectionEvent;
use swoosh::http::TempFile;
use swoosh::http::form::{Body, is_type};
use swoosh::http::request_parts::RequestParts;
use swoosh::proto::framing::FrameStatus;
use swoosh::proto::http1::head_index::HeadIndex;
use swoosh::proto::http1::request::{Field, Request, RequestLine, field_buffer, trailer_fields};
use swoosh::proto::http1::request_framer::Framer;
use swoosh_zend::form::parse_query;
use swoosh_zend::object_pool::ObjectPool;
use swoosh_zend::{Array, ClassSlot, IntoZval, Object, PhpResult, Zval};

/// The class.
pub static REQUEST: ClassSlot = ClassSlot::new();

/// Payload of a request object.
#[derive(Default)]
pub struct RequestData {
    /// The received bytes.
    raw: RefCell<RawRequest>,
    /// The body without its transfer coding, if it is not a suffix of `raw`.
    body: RefCell<Option<Vec<u8>>>,
    /// The body, if it was spilled to a file.
    stored: RefCell<Option<Rc<TempFile>>>,
    /// The body, if it follows the head in parts.
    parts: RefCell<Option<Rc<RequestParts>>>,
    /// Bytes of its head.
    head_length: Cell<usize>,
    /// The index of its head, where it is known.
    index: OnceCell<Rc<HeadIndex>>,
    /// Bytes of `raw` that are the request.
    request_length: Cell<Option<usize>>,
    /// The parser state of `Request::create()`; `None` for requests of a server.
    framer: RefCell<Option<Framer>>,
    /// Settings of `Request::create()`.
    options: RefCell<Option<HttpSettings>>,
    /// Paths of its uploaded files, removed with it.
    tmpfiles: RefCell<Vec<String>>,
    /// Connection data for `$request->server`.
    arrival: Cell<Option<Arrival>>,
    /// `http_parse_cookie`.
    parse_cookie: Cell<bool>,
    /// It is a stream of HTTP/2.
    is_http2: Cell<bool>,
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
    if let Some(stream) = node.http2_stream(event.session) {
        object.set_slot(STREAM_ID, stream);
    }
    data.is_http2.set(event.session.is_stream());
    data.arrival.set(Some(Arrival::new(node, event)));
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
    object.set_slot(SERVER, coroutine_server_fields(link, request.line()));
    let Some(data) = object.payload::<RequestData>() else { return Ok(Ok(object)) };
    data.raw.borrow_mut().extend(bytes);
    *data.stored.borrow_mut() = stored;
    data.request_length.set(Some(bytes.len()));
    Ok(fill(&object, data, config, request, headers).map(|()| object))
}

impl RequestData {
    /// Prepares it to be parsed from bytes that user code passes, with these settings.
    pub fn begin_parsing(&self, settings: HttpSettings) {
        *self.framer.borrow_mut() = Some(Framer::default());
        *self.options.borrow_mut() = Some(settings);
    }

    /// Whether user code passes its bytes.
    pub fn is_parsed_by_user(&self) -> bool {
        self.framer.borrow().is_some()
    }

    /// Whether all of its bytes have arrived.
    pub fn is_complete(&self) -> bool {
        self.request_length.get().is_some()
    }

    /// Appends bytes that user code passes, to `object`, whose payload this is. Returns how many belong to the request, 0 where
    /// they are malformed; `None` where it takes no bytes or its body cannot be parsed.
    pub fn parse(&self, object: &Object, bytes: &[u8]) -> Option<usize> {
        if self.is_complete() {
            return None;
        }
        let before = self.raw.borrow().len();
        let cut = {
            let mut framer = self.framer.borrow_mut();
            let framer = framer.as_mut()?;
            self.raw.borrow_mut().extend(bytes);
            framer.next(MAX_PARSED, &self.raw.borrow())
        };
        match cut {
            Ok(FrameStatus::Complete(length)) => {
                self.request_length.set(Some(length));
                let raw = &*self.raw.borrow();
                let mut fields = field_buffer();
                if let Some((request, headers)) = Request::parse(&raw[..length], &mut fields) {
                    object.set_slot(SERVER, server_fields(request.line(), swoosh::clock::now_seconds(), false));
                    let settings = self.options.borrow_mut().take().unwrap_or_default();
                    fill(object, self, &settings, &request, headers).ok()?;
                }
                Some(length.saturating_sub(before))
            }
            Ok(FrameStatus::Incomplete(_)) => Some(bytes.len()),
            Err(_) => Some(0),
        }
    }

    /// The body that was spilled to a file.
    pub fn stored_body(&self) -> Option<Rc<TempFile>> {
        self.stored.borrow().clone()
    }

    /// The body, where it follows the head in parts.
    pub fn body_parts(&self) -> Option<Rc<RequestParts>> {
        self.parts.borrow().clone()
    }

    /// Runs `f` on the body in memory, without its transfer coding; `None` before the request is complete.
    pub fn with_body<R>(&self, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
        if let Some(body) = &*self.body.borrow() {
            return Some(f(body));
        }
        let length = self.request_length.get()?;
        Some(f(&self.raw.borrow()[self.head_length.get()..length]))
    }

    /// Runs `f` on the received bytes, without a body that was spilled.
    pub fn with_bytes<R>(&self, f: impl FnOnce(&[u8]) -> R) -> R {
        f(&self.raw.borrow())
    }

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

/// The longest request that user code passes in parts.
const MAX_PARSED: u64 = 1 << 31;
/// Memory for the bytes of a request that is kept for the next one, at most.
const MAX_KEPT: usize = 8 << 10;

fn query_of(line: RequestLine<'_>) -> Option<Array> {
    let query = line.path_and_query().1.filter(|query| !query.is_empty())?;
    Some(parse_query(query))
}

/// Parses the body, and marks the head's properties to be built on first read. `Err`: the status code of the response.
fn fill(
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
