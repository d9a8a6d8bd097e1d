//! Responses that have arrived, whole or in parts, and the coroutines that wait for them.

use super::failure::Failure;
use super::outgoing::Parts;
use super::send_half::SendHalf;
use crate::coroutine::scheduler::Coroutine;
use crate::coroutine::switch::wake_from;
use crate::runtime::reactor;
use h2::Reason;
use http::HeaderMap;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use swoosh_zend::PhpResult;

/// A response, or a part of one.
#[derive(Debug)]
pub struct Delivery {
    /// Its stream.
    pub stream_id: u32,
    /// Status and fields; with the first part only.
    pub head: Option<(u16, HeaderMap)>,
    /// The body, still in its content coding.
    pub body: Vec<u8>,
    /// With the last part, if there are any.
    pub trailers: Option<HeaderMap>,
    /// No part follows.
    pub is_last: bool,
    /// The HTTP/2 error code with which the stream ended (RFC 9113 section 7).
    pub error: Option<u32>,
}

/// The deliveries that a coroutine waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// Whole responses, and parts of those that were requested in parts.
    Response,
    /// Parts of any response.
    Part,
    /// Parts of that stream's response.
    Stream(u32),
}

#[derive(Default)]
struct Stream {
    delivered: Parts,
    head: Option<(u16, HeaderMap)>,
    parts: VecDeque<Vec<u8>>,
    /// Bytes in `parts`.
    buffered: usize,
    trailers: Option<HeaderMap>,
    ended: bool,
    error: Option<u32>,
    /// Its place in `Inbox::ready` or `Inbox::partial`.
    place: Option<Place>,
    /// Its task, which waits for room.
    room: Option<Waker>,
    request: Option<Rc<SendHalf>>,
    /// More of the request follows.
    is_open: bool,
}

/// A queue, and the position in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Ready(u64),
    Partial(u64),
}

/// A coroutine that waits.
struct Waiter {
    ticket: u64,
    want: Want,
    coroutine: u64,
    token: u64,
    waker: Waker,
}

#[derive(Default)]
pub(super) struct Inbox {
    streams: HashMap<u32, Stream>,
    /// Streams from which everyone may take, in order of arrival.
    ready: BTreeMap<u64, u32>,
    /// Streams of incomplete responses from which a part may be taken.
    partial: BTreeMap<u64, u32>,
    positions: u64,
    waiters: VecDeque<Waiter>,
    tickets: u64,
    /// Coroutines that wait for responses or for the peer to take their request.
    demand: usize,
    closed: Option<Failure>,
    /// The stream of the last delivery.
    last_delivered: Cell<u32>,
}

impl Inbox {
    pub(super) fn add_stream(&mut self, id: u32, delivered: Parts, request: Rc<SendHalf>, is_open: bool) {
        self.streams.insert(id, Stream { delivered, request: Some(request), is_open, ..Stream::default() });
    }

    /// Forgets a stream whose response is not wanted any more; returns its sending half.
    pub(super) fn remove_stream(&mut self, id: u32) -> Option<Rc<SendHalf>> {
        self.set_place(id, None);
        let stream = self.streams.remove(&id)?;
        self.waiters.retain(|waiter| {
            let waits = waiter.want == Want::Stream(id);
            if waits {
                waiter.waker.wake_by_ref();
            }
            !waits
        });
        stream.request
    }

    pub(super) fn has_stream(&self, id: u32) -> bool {
        self.streams.contains_key(&id)
    }

    pub(super) fn stream_count(&self) -> usize {
        self.streams.len()
    }

    pub(super) fn last_delivered(&self) -> u32 {
        self.last_delivered.get()
    }

    /// The sending half of a stream whose request has not ended.
    pub(super) fn request_body(&self, id: u32) -> Option<Rc<SendHalf>> {
        self.streams.get(&id).filter(|stream| stream.is_open)?.request.clone()
    }

    /// The request was sent to its end.
    pub(super) fn end_request(&mut self, id: u32) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.is_open = false;
        }
    }

    pub(super) fn set_head(&mut self, id: u32, status: u16, fields: HeaderMap) {
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.head = Some((status, fields));
            self.update(id);
        }
    }

    /// Adds a piece of a body. False if the response is not wanted any more or is longer than `max` bytes.
    pub(super) fn add_data(&mut self, id: u32, data: &[u8], max: u64) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        if (stream.buffered + data.len()) as u64 > max {
            return false;
        }
        stream.buffered += data.len();
        let separate = stream.delivered != Parts::Whole && stream.parts.len() < MAX_PARTS;
        match stream.parts.back_mut().filter(|_| !separate) {
            Some(last) => last.extend_from_slice(data),
            None if data.is_empty() => {}
            None => stream.parts.push_back(data.to_vec()),
        }
        self.update(id);
        true
    }

    /// Ends a response, with an HTTP/2 error code if it is incomplete.
    pub(super) fn end_stream(&mut self, id: u32, trailers: Option<HeaderMap>, error: Option<u32>) {
        if let Some(stream) = self.streams.get_mut(&id) {
            (stream.trailers, stream.error, stream.ended) = (trailers, error, true);
            self.update(id);
        }
    }

    /// The connection is of no use any more: incomplete responses are lost, except for parts that have arrived. Returns the
    /// waiters, which the caller may wake itself; they are woken anyway.
    pub(super) fn close(&mut self, failure: Failure) -> Vec<(u64, u64)> {
        if self.closed.is_none() {
            self.closed = Some(failure);
        }
        let open: Vec<u32> = self.streams.iter().filter(|(_, stream)| !stream.ended).map(|(id, _)| *id).collect();
        for id in open {
            match self.streams.get(&id) {
                Some(stream) if stream.delivered != Parts::Whole && !stream.parts.is_empty() => {
                    self.end_stream(id, None, Some(INTERNAL_ERROR));
                }
                _ => drop(self.remove_stream(id)),
            }
        }
        self.waiters
            .drain(..)
            .map(|waiter| {
                waiter.waker.wake();
                (waiter.coroutine, waiter.token)
            })
            .collect()
    }

    pub(super) fn closed(&self) -> Option<&Failure> {
        self.closed.as_ref()
    }

    /// Drops everything that was not taken.
    pub(super) fn clear(&mut self) {
        self.streams.clear();
        self.ready.clear();
        self.partial.clear();
    }

    /// Ready if the stream's task may read more of the body.
    pub(super) fn poll_room(&mut self, id: u32, cx: &mut Context<'_>) -> Poll<()> {
        let demand = self.demand > 0;
        let Some(stream) = self.streams.get_mut(&id) else { return Poll::Ready(()) };
        if stream.buffered < STREAM_BUFFER || demand && stream.delivered == Parts::Whole {
            return Poll::Ready(());
        }
        stream.room = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(super) fn add_demand(&mut self) {
        self.demand += 1;
        if self.demand == 1 {
            self.streams.values_mut().filter_map(|stream| stream.room.take()).for_each(Waker::wake);
        }
    }

    pub(super) fn remove_demand(&mut self) {
        self.demand -= 1;
    }

    pub(super) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    /// Takes a delivery; registers the coroutine if nothing has arrived. `None`: the connection is closed.
    pub(super) fn poll_take(
        &mut self,
        want: Want,
        ticket: u64,
        coroutine: &Coroutine,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Delivery>> {
        self.waiters.retain(|waiter| waiter.ticket != ticket);
        if let Some(delivery) = self.take(want) {
            return Poll::Ready(Some(delivery));
        }
        if self.closed.is_some() || matches!(want, Want::Stream(id) if !self.streams.contains_key(&id)) {
            return Poll::Ready(None);
        }
        let (id, token) = (coroutine.id(), coroutine.next_token());
        self.waiters.push_back(Waiter { ticket, want, coroutine: id, token, waker: cx.waker().clone() });
        Poll::Pending
    }

    /// A coroutine does not wait any more: a delivery that it was woken for is another's.
    pub(super) fn leave(&mut self, ticket: u64) {
        self.waiters.retain(|waiter| waiter.ticket != ticket);
        self.notify();
    }

    /// Takes what has arrived.
    pub(super) fn take(&mut self, want: Want) -> Option<Delivery> {
        let first = |queue: &BTreeMap<u64, u32>| queue.first_key_value().map(|(place, id)| (*place, *id));
        let id = match want {
            Want::Stream(id) => self.streams.get(&id)?.place.map(|_| id),
            Want::Response => first(&self.ready).map(|(_, id)| id),
            Want::Part => [first(&self.ready), first(&self.partial)].into_iter().flatten().min().map(|(_, id)| id),
        }?;
        self.set_place(id, None);
        let stream = self.streams.get_mut(&id)?;
        let body = stream.parts.pop_front().unwrap_or_default();
        stream.buffered -= body.len();
        let is_last = stream.ended && stream.parts.is_empty();
        let mut delivery =
            Delivery { stream_id: id, head: stream.head.take(), body, trailers: None, is_last, error: None };
        if is_last {
            (delivery.trailers, delivery.error) = (stream.trailers.take(), stream.error);
            if let Some(request) = stream.request.take().filter(|_| stream.is_open) {
                // A coroutine may still be writing, although the peer does not read it.
                request.reset(Reason::CANCEL);
            }
            self.streams.remove(&id);
        } else {
            if let Some(room) = stream.room.take() {
                room.wake();
            }
            self.update(id);
        }
        self.last_delivered.set(id);
        Some(delivery)
    }

    /// Puts a stream into the queue that it belongs to, and wakes a coroutine that waits for it.
    fn update(&mut self, id: u32) {
        let Some(stream) = self.streams.get(&id) else { return };
        let has_part = !stream.parts.is_empty();
        let is_ready = stream.ended
            || match stream.delivered {
                Parts::Whole => false,
                Parts::Body => has_part,
                Parts::HeadFirst => has_part || stream.head.is_some(),
            };
        let place = match stream.place {
            known @ Some(Place::Ready(_)) if is_ready => known,
            known @ Some(Place::Partial(_)) if !is_ready && has_part => known,
            _ => {
                self.positions += 1;
                match (is_ready, has_part) {
                    (true, _) => Some(Place::Ready(self.positions)),
                    (false, true) => Some(Place::Partial(self.positions)),
                    _ => None,
                }
            }
        };
        self.set_place(id, place);
        if place.is_some() {
            self.notify();
        }
    }

    fn set_place(&mut self, id: u32, place: Option<Place>) {
        let Some(stream) = self.streams.get_mut(&id) else { return };
        match std::mem::replace(&mut stream.place, place) {
            Some(Place::Ready(position)) => drop(self.ready.remove(&position)),
            Some(Place::Partial(position)) => drop(self.partial.remove(&position)),
            None => {}
        }
        match place {
            Some(Place::Ready(position)) => drop(self.ready.insert(position, id)),
            Some(Place::Partial(position)) => drop(self.partial.insert(position, id)),
            None => {}
        }
    }

    /// Wakes the first coroutine that waits for something that is there.
    fn notify(&mut self) {
        let is_wanted = |waiter: &Waiter| match waiter.want {
            Want::Response => !self.ready.is_empty(),
            Want::Part => !self.ready.is_empty() || !self.partial.is_empty(),
            Want::Stream(id) => self.streams.get(&id).is_none_or(|stream| stream.place.is_some()),
        };
        if let Some(waiter) = self.waiters.iter().position(is_wanted).and_then(|at| self.waiters.remove(at)) {
            waiter.waker.wake();
        }
    }
}

/// Runs coroutines whose wait [`Inbox::close`] has ended, so that they have run when this returns.
pub(super) fn run_waiters(waiters: Vec<(u64, u64)>) -> PhpResult<()> {
    waiters.into_iter().try_for_each(|(id, token)| wake_from(id, reactor::token_wait_number(token)))
}

/// Bytes of a body that are kept although no coroutine waits for it.
const STREAM_BUFFER: usize = 64 << 10;
/// Parts of a body that are kept apart.
const MAX_PARTS: usize = 64;
/// RFC 9113 section 7.
const INTERNAL_ERROR: u32 = 2;
