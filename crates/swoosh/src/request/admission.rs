//! Admission control: requests beyond `worker_max_concurrency` are queued here, those beyond `max_concurrency` are refused.
//!
//! Invariant: the events of one connection keep their order. A packet or a close event is queued behind the queued events of
//! its connection. Parts of a body ([`crate::http::request_parts`]) wait for no room once their request is handled.
//!
//! The queue is bounded: a connection is not read while much of it is queued (`max_queued_bytes`), and while 64 MiB are
//! queued, HTTP requests are refused and datagrams dropped.

use super::deliver::is_part;
use super::event::Event;
use crate::config::Framing;
use crate::context::handler::{ConnectionEvent, Stop};
use crate::context::{Context, RequestGuard};
use crate::ids::SessionMap;
use crate::ipc::Message;
use std::cell::RefCell;
use std::collections::{HashSet, VecDeque};

/// The decision about an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is delivered now.
    Admitted,
    /// It is delivered later.
    Queued,
    /// It is not delivered; an HTTP client has been answered 503.
    Refused,
}

struct Entry {
    event: Event<'static>,
    /// The request's place among those in flight; `None` for close events.
    request: Option<RequestGuard>,
}

#[derive(Default)]
struct Queue {
    entries: VecDeque<Entry>,
    /// Number of queued events by connection.
    by_session: SessionMap<usize>,
    /// Queued parts of bodies.
    parts: usize,
    /// Bytes of all queued events.
    bytes: usize,
    /// Datagrams that were dropped since the queue was empty last.
    dropped: usize,
}

impl Entry {
    fn is_part(&self) -> bool {
        matches!(&self.event, Event::Receive { event, packet, .. } if is_part(event.session, packet.in_memory()))
    }
}

impl Queue {
    /// The first part of a body whose request is being handled: it waits for no room, because its handler waits for it.
    fn first_part(&self) -> Option<usize> {
        if self.parts == 0 {
            return None;
        }
        let mut waiting = HashSet::new();
        self.entries.iter().position(|entry| {
            let session = entry.event.ordering_key();
            if entry.is_part() {
                return !waiting.contains(&session);
            }
            waiting.insert(session);
            false
        })
    }
}

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::default();
}

/// Decides about an event, and queues it if it has to wait.
pub(crate) fn check(context: &Context, event: &Event<'_>) -> Result<Admission, Stop> {
    match event {
        Event::Receive { event: connection, packet, .. } if is_part(connection.session, packet.in_memory()) => {
            check_part(context, event, connection)
        }
        Event::Receive { event: connection, .. } => check_request(context, event, Some(connection)),
        Event::Datagram { .. } => check_request(context, event, None),
        Event::Close { event: connection, .. } => {
            let has_queued = |queue: &Queue| queue.by_session.contains_key(&connection.session);
            if context.in_flight().queued() > 0 && QUEUE.with_borrow(has_queued) {
                push(context, event.to_owned(), None);
                return Ok(Admission::Queued);
            }
            Ok(Admission::Admitted)
        }
        _ => Ok(Admission::Admitted),
    }
}

/// A part of a request that is being handled waits for no room: its handler, which has it, may wait for the part.
fn check_part(context: &Context, event: &Event<'_>, connection: &ConnectionEvent) -> Result<Admission, Stop> {
    let request = context.in_flight().begin();
    if context.in_flight().queued() > 0 && QUEUE.with_borrow(|queue| queue.by_session.contains_key(&connection.session))
    {
        push(context, event.to_owned(), Some(request));
        return Ok(Admission::Queued);
    }
    context.in_flight().admit(request);
    Ok(Admission::Admitted)
}

fn check_request(
    context: &Context,
    event: &Event<'_>,
    connection: Option<&ConnectionEvent>,
) -> Result<Admission, Stop> {
    let request = context.in_flight().begin();
    let is_full = QUEUE.with_borrow(|queue| queue.bytes > MAX_QUEUED_BYTES);
    if is_full && connection.is_none() {
        count_dropped_datagram();
        return Ok(Admission::Refused);
    }
    if (is_full || context.is_overloaded())
        && let Some(connection) = connection.filter(|connection| is_http(context, connection))
    {
        drop(request);
        context.handler().refuse(context, connection, SERVICE_UNAVAILABLE)?;
        return Ok(Admission::Refused);
    }
    if context.in_flight().queued() == 0 && context.in_flight().admitted() <= context.max_admitted() {
        context.in_flight().admit(request);
        return Ok(Admission::Admitted);
    }
    push(context, event.to_owned(), Some(request));
    Ok(Admission::Queued)
}

/// The next queued event that may be delivered.
pub(crate) fn next(context: &Context) -> Option<Event<'static>> {
    let entry = QUEUE.with_borrow_mut(|queue| {
        let front = queue.entries.front()?;
        let waits = front.request.is_some() && !front.is_part() && !context.has_room_for_request();
        let at = if waits { queue.first_part()? } else { 0 };
        let entry = queue.entries.remove(at)?;
        queue.bytes -= cost(&entry.event);
        queue.parts -= usize::from(entry.is_part());
        if queue.entries.is_empty() {
            queue.dropped = 0;
        }
        let session = entry.event.ordering_key();
        if let Some(left) = queue.by_session.get_mut(&session) {
            *left -= 1;
            if *left == 0 {
                queue.by_session.remove(&session);
            }
        }
        Some(entry)
    })?;
    if let Some(request) = entry.request {
        context.in_flight().note_dequeued(request);
    }
    Some(entry.event)
}

/// Whether nothing is queued.
pub(crate) fn is_empty() -> bool {
    QUEUE.with_borrow(|queue| queue.entries.is_empty())
}

/// This worker ends: takes the queued events out, as messages for its successor.
pub(crate) fn take_for_successor() -> Vec<Message> {
    let entries = QUEUE.take().entries;
    entries.into_iter().filter_map(|entry| entry.event.into_message()).collect()
}

/// Drops what is queued. Returns the number of requests.
pub(crate) fn clear() -> usize {
    let entries = QUEUE.take().entries;
    entries.iter().filter(|entry| entry.request.is_some()).count()
}

/// Queues the messages of a predecessor, before everything that arrives.
pub(crate) fn restore(context: &Context, messages: Vec<Message>) {
    for event in messages.into_iter().filter_map(Event::of) {
        let is_request = matches!(event, Event::Receive { .. } | Event::Datagram { .. });
        let request = is_request.then(|| context.in_flight().begin());
        push(context, Some(event), request);
    }
}

fn push(context: &Context, event: Option<Event<'static>>, request: Option<RequestGuard>) {
    let Some(event) = event else { return };
    if request.is_some() {
        context.in_flight().note_queued();
    }
    QUEUE.with_borrow_mut(|queue| {
        *queue.by_session.entry(event.ordering_key()).or_default() += 1;
        queue.bytes += cost(&event);
        let entry = Entry { event, request };
        queue.parts += usize::from(entry.is_part());
        queue.entries.push_back(entry);
    });
}

fn cost(event: &Event<'_>) -> usize {
    OVERHEAD + event.len()
}

fn count_dropped_datagram() {
    let is_first = QUEUE.with_borrow_mut(|queue| {
        queue.dropped += 1;
        queue.dropped == 1
    });
    if is_first {
        crate::log::warn!(
            "datagrams are dropped: more than {MAX_QUEUED_BYTES} bytes wait in this worker; raise worker_max_concurrency or worker_num"
        );
    }
}

/// Whether a refusal can be expressed in the port's protocol.
fn is_http(context: &Context, event: &ConnectionEvent) -> bool {
    let port = context.state().ports().get(event.port);
    let is_http = port.is_some_and(|port| matches!(port.config().framing, Framing::Http));
    is_http && !context.was_websocket(event.session)
}

/// Queued bytes above which HTTP requests are refused and datagrams dropped.
const MAX_QUEUED_BYTES: usize = 64 << 20;
/// Estimated cost of a queued event beside its bytes.
const OVERHEAD: usize = 128;
/// 503 Service Unavailable (RFC 9110 section 15.6.4).
const SERVICE_UNAVAILABLE: u16 = 503;
