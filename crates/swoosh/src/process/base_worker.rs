//! Base mode: a worker owns its connections, and passes their events to [`request::admit`](crate::request::admit) itself.
//!
//! Runs in: workers of base mode. Handlers that may run inside the runtime get each packet where it was read, without a
//! copy. For the others, events are queued until the runtime has been left.

use crate::blocking;
use crate::clock::{now_seconds, seconds};
use crate::conn::connection::{Connection, ConnectionState};
use crate::conn::owner::{ConnectionObserver, Owner, ReadAction, add};
use crate::conn::timeouts;
use crate::context::{Context, Role};
use crate::handler::{ConnectionEvent, Stop};
use crate::ids::SessionId;
use crate::net::Port;
use crate::net::datagram::{self, Origin};
use crate::proto::http1::head_index::IndexEntry;
use crate::request::{self, Bytes, Event, Packet};
use crate::runtime;
use crate::sys::clock;
use crate::sys::temp_file::TempFile;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Makes this worker an owner of connections.
pub(super) fn open(context: &Context, request_limit: Option<u64>) {
    let id = context.worker_id().map_or(0, |w| w.0);
    let observer: Rc<dyn ConnectionObserver> = match context.handler().inline() {
        true => Rc::new(InlineObserver { context: context.clone(), request_limit, handled: Cell::new(0) }),
        false => Rc::new(QueueingObserver(context.clone())),
    };
    QUEUE.with(|queue| *queue.borrow_mut() = EventQueue::default());
    context.set_owner(Owner::new(context.state(), id, observer));
}

/// Starts to accept and to receive, on this worker's runtime.
pub(super) async fn begin(context: &Context) {
    let Some(owner) = context.owner() else { return };
    let state = context.state();
    for port in state.ports() {
        let port = port.of_worker(owner.id()).clone();
        if port.kind().is_stream() {
            let accept = owner.clone().accept_from(port, |socket, peer| Some((socket, peer)));
            runtime::spawn(accept);
        } else {
            let (context, is_inline) = (context.clone(), context.handler().inline());
            let deliver =
                move |port: &Port, from: Origin, data: &[u8]| receive_datagram(&context, is_inline, port, from, data);
            runtime::spawn(datagram::receive_from(port, || state.accepts(), deliver));
        }
    }
    timeouts::start(owner);
}

/// This worker is to end: it accepts no more connections, and reads no more from those it has.
pub(super) fn quiesce(context: &Context) {
    let Some(owner) = context.owner() else { return };
    owner.stop_accepting();
    owner.quiesce();
}

/// Whether this worker, which ends, waits for clients of HTTP/2: they may still open streams, because they may not know of
/// the end yet. A client that never answers is waited for as long as half of the time allows. `left`: the rest of that time.
pub(super) fn awaits_clients(context: &Context, left: Option<Duration>) -> bool {
    let has_time = left.is_none_or(|left| left > context.state().config().max_wait_time / 2);
    has_time && context.owner().is_some_and(|owner| owner.awaits_clients())
}

/// Closes this worker's connections: user code gets the close events, and queued output is still written.
pub(super) fn close_all(context: &Context) {
    let Some(owner) = context.owner() else { return };
    owner.stop_accepting();
    owner.refuse_streams();
    for conn in owner.all() {
        match conn.state() {
            // Their responses are still sent.
            ConnectionState::Open if conn.has_streams() => {}
            ConnectionState::Draining | ConnectionState::Closed => {}
            ConnectionState::Handshaking => owner.finish(&conn, true),
            // An error means that it is being closed already.
            _ => _ = context.close(conn.session(), false),
        }
    }
}

/// Waits until queued output is written, then closes what is left.
pub(super) async fn drain(context: &Context) {
    let Some(owner) = context.owner() else { return };
    // Less than the manager waits: output that peers do not read is dropped here, in order, rather than by a kill.
    let limit = context.state().config().max_wait_time.as_millis() as u64 / 2;
    let deadline = clock::monotonic_ms() + limit;
    while !owner.all().is_empty() && clock::monotonic_ms() < deadline {
        tokio::time::sleep(Duration::from_millis(5)).await;
        for conn in owner.all().iter().filter(|conn| conn.is_idle_http2()) {
            // An error means that it is being closed already.
            let _ = context.close(conn.session(), false);
        }
    }
    for conn in owner.all() {
        owner.finish(&conn, true);
    }
    tokio::task::yield_now().await;
}

/// An event of an own connection that waits for the runtime to be left.
#[derive(Debug)]
enum QueuedEvent {
    Connect(SessionId),
    /// A packet of so many bytes and index entries of the queue's buffers.
    Packet(SessionId, usize, usize),
    /// A long packet.
    WholePacket(SessionId, Rc<Vec<u8>>),
    /// A request with a stored body.
    StoredPacket(SessionId, Rc<Vec<u8>>, Rc<TempFile>),
    Close(SessionId),
    Watermark(SessionId, bool),
    /// A datagram: port, sender, and how many bytes of the queue's buffer.
    Datagram(usize, Origin, usize),
}

impl QueuedEvent {
    /// The connection, where it is a packet in the buffer.
    fn packet_of(&self) -> Option<SessionId> {
        match self {
            QueuedEvent::Packet(session, ..) => Some(*session),
            _ => None,
        }
    }

    /// Number of its bytes in the buffer.
    fn buffered(&self) -> usize {
        match self {
            QueuedEvent::Packet(_, len, _) | QueuedEvent::Datagram(_, _, len) => *len,
            _ => 0,
        }
    }

    /// Number of its index entries in the buffer.
    fn entries(&self) -> usize {
        match self {
            QueuedEvent::Packet(_, _, count) => *count,
            _ => 0,
        }
    }

    /// The event; `None` where its connection is gone.
    fn decode<'a>(self, context: &Context, data: &'a [u8], entries: &'a [IndexEntry]) -> Option<Event<'a>> {
        let connection = |session| {
            let (owner, conn) = context.own_connection(session)?;
            Some(event_of(owner, &conn))
        };
        let receive =
            |session, packet| Some(Event::Receive { event: connection(session)?, packet, files_checked: false });
        match self {
            QueuedEvent::Connect(session) => connection(session).map(Event::Connect),
            QueuedEvent::Packet(session, ..) => receive(session, Packet::Borrowed(data, entries)),
            QueuedEvent::WholePacket(session, data) => receive(session, Packet::Shared(data)),
            QueuedEvent::StoredPacket(session, head, body) => receive(session, Packet::Stored { head, body }),
            QueuedEvent::Close(session) => Some(Event::Close { event: connection(session)?, by_server: false }),
            QueuedEvent::Watermark(session, above) => Some(Event::Watermark { event: connection(session)?, above }),
            QueuedEvent::Datagram(port, origin, _) => {
                Some(Event::Datagram { port, origin, time: now_seconds(), data: Bytes::Borrowed(data) })
            }
        }
    }
}

/// Events in order, the bytes of their packets in one buffer, and the index entries of their heads in another.
#[derive(Debug, Default)]
struct EventQueue {
    events: VecDeque<QueuedEvent>,
    bytes: Vec<u8>,
    entries: Vec<IndexEntry>,
    /// Bytes that were taken.
    taken: usize,
    /// Index entries that were taken.
    taken_entries: usize,
}

/// An event that was taken from the queue, with its bytes and index entries.
struct Next<'a> {
    event: QueuedEvent,
    data: &'a [u8],
    entries: &'a [IndexEntry],
    /// The next event is another packet of the same connection.
    more_follow: bool,
}

thread_local! {
    static QUEUE: RefCell<EventQueue> = RefCell::default();
}

impl EventQueue {
    fn next(&mut self) -> Option<Next<'_>> {
        let event = self.events.pop_front()?;
        let (from, first) = (self.taken, self.taken_entries);
        self.taken += event.buffered();
        self.taken_entries += event.entries();
        let session = event.packet_of();
        let more_follow = session.is_some() && self.events.front().and_then(QueuedEvent::packet_of) == session;
        let (data, entries) = (&self.bytes[from..self.taken], &self.entries[first..self.taken_entries]);
        Some(Next { event, data, entries, more_follow })
    }

    /// Puts the rest of a batch back, before the events that were queued meanwhile; keeps its memory.
    fn put_back(mut self) {
        QUEUE.with(|queue| {
            let mut current = queue.borrow_mut();
            self.bytes.drain(..self.taken);
            self.entries.drain(..self.taken_entries);
            (self.taken, self.taken_entries) = (0, 0);
            if self.bytes.is_empty() && self.bytes.capacity() > KEPT_CAPACITY {
                self.bytes = Vec::new();
            }
            self.events.extend(current.events.drain(..));
            self.bytes.extend_from_slice(&current.bytes);
            self.entries.extend_from_slice(&current.entries);
            *current = self;
        });
    }
}

/// Whether events are queued.
pub(super) fn has_events(context: &Context) -> bool {
    context.role() == Role::Worker && QUEUE.with(|queue| !queue.borrow().events.is_empty())
}

/// Handles the queued events. `is_last` gets whether an event was a request, and returns whether to stop behind it.
pub(super) fn handle_events(context: &Context, mut is_last: impl FnMut(bool) -> bool) -> Result<bool, Stop> {
    let Some(owner) = context.owner() else { return Ok(false) };
    let mut batch = QUEUE.with(RefCell::take);
    let any = !batch.events.is_empty();
    while let Some(Next { event, data, entries, more_follow }) = batch.next() {
        blocking::begin();
        owner.begin_reply(event.packet_of(), more_follow);
        let counts = match event.decode(context, data, entries) {
            Some(event) => request::admit(context, &event),
            None => Ok(false),
        };
        // Replies that were corked before are written, whatever became of this request.
        owner.end_reply(more_follow && counts.is_ok() && !context.lifecycle().is_fatal());
        if is_last(counts?) || context.lifecycle().is_fatal() {
            break;
        }
    }
    batch.put_back();
    Ok(any)
}

fn event_of(owner: &Owner, conn: &Connection) -> ConnectionEvent {
    ConnectionEvent {
        session: conn.session(),
        reactor_id: owner.id() as i32,
        dispatch_time: seconds(owner.now()),
        port: conn.port().index(),
    }
}

fn receive_datagram(context: &Context, is_inline: bool, port: &Port, origin: Origin, data: &[u8]) {
    if is_inline {
        let event = Event::Datagram { port: port.index(), origin, time: now_seconds(), data: Bytes::Borrowed(data) };
        return context.lifecycle().record(request::admit(context, &event).map(drop));
    }
    push(context, QueuedEvent::Datagram(port.index(), origin, data.len()), data, &[]);
}

fn push(context: &Context, event: QueuedEvent, data: &[u8], entries: &[IndexEntry]) {
    QUEUE.with(|queue| {
        let mut queue = queue.borrow_mut();
        queue.events.push_back(event);
        queue.bytes.extend_from_slice(data);
        queue.entries.extend_from_slice(entries);
    });
    context.lifecycle().wake().raise();
}

/// Counts a packet, of which `bytes` are in memory until it is delivered.
fn count_packet(context: &Context, owner: &Owner, conn: &Connection, bytes: usize) {
    add(&owner.slot().requests, 1);
    conn.slot().last_dispatch.store(owner.now(), Relaxed);
    conn.note_queued(context.state().config().queued_bytes_limit(), bytes);
}

/// Delivers events where they happen, inside the runtime.
struct InlineObserver {
    context: Context,
    /// Number of requests after which this process is replaced.
    request_limit: Option<u64>,
    handled: Cell<u64>,
}

impl InlineObserver {
    fn admit(&self, event: &Event<'_>) -> ReadAction {
        self.context.lifecycle().record(request::admit(&self.context, event).map(drop));
        ReadAction::Continue
    }

    fn receive(&self, owner: &Owner, conn: &Connection, packet: Packet<'_>) -> ReadAction {
        count_packet(&self.context, owner, conn, packet.queued_bytes());
        self.handled.set(self.handled.get() + 1);
        if self.request_limit.is_some_and(|limit| self.handled.get() >= limit) {
            self.context.lifecycle().stop();
        }
        self.admit(&Event::Receive { event: event_of(owner, conn), packet, files_checked: false })
    }
}

impl ConnectionObserver for InlineObserver {
    fn connect(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) -> ReadAction {
        self.admit(&Event::Connect(event_of(owner, conn)))
    }

    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8], head: &[IndexEntry]) -> ReadAction {
        self.receive(owner, conn, Packet::Borrowed(data, head))
    }

    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> ReadAction {
        self.receive(owner, conn, Packet::Stored { head: Rc::new(head), body: Rc::new(body) })
    }

    fn close(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) {
        self.admit(&Event::Close { event: event_of(owner, conn), by_server: false });
    }

    fn watermark(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, above: bool) {
        self.admit(&Event::Watermark { event: event_of(owner, conn), above });
    }
}

/// Queues events until the runtime has been left.
struct QueueingObserver(Context);

impl ConnectionObserver for QueueingObserver {
    fn connect(&self, _: &Rc<Owner>, conn: &Rc<Connection>) -> ReadAction {
        push(&self.0, QueuedEvent::Connect(conn.session()), &[], &[]);
        ReadAction::Continue
    }

    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8], head: &[IndexEntry]) -> ReadAction {
        count_packet(&self.0, owner, conn, data.len());
        push(&self.0, QueuedEvent::Packet(conn.session(), data.len(), head.len()), data, head);
        ReadAction::Continue
    }

    fn whole_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: Vec<u8>) -> ReadAction {
        count_packet(&self.0, owner, conn, data.len());
        push(&self.0, QueuedEvent::WholePacket(conn.session(), Rc::new(data)), &[], &[]);
        ReadAction::Continue
    }

    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> ReadAction {
        count_packet(&self.0, owner, conn, 0);
        push(&self.0, QueuedEvent::StoredPacket(conn.session(), Rc::new(head), Rc::new(body)), &[], &[]);
        ReadAction::Continue
    }

    fn close(&self, _: &Rc<Owner>, conn: &Rc<Connection>) {
        push(&self.0, QueuedEvent::Close(conn.session()), &[], &[]);
    }

    fn watermark(&self, _: &Rc<Owner>, conn: &Rc<Connection>, above: bool) {
        push(&self.0, QueuedEvent::Watermark(conn.session(), above), &[], &[]);
    }
}

/// Memory of the queue's buffer is kept up to this size.
const KEPT_CAPACITY: usize = 1 << 20;
