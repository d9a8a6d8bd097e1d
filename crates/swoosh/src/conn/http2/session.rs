//! The HTTP/2 side of a connection: its state, and its requests until they are accepted.
//!
//! Runs in: the thread that owns the connection. It knows no socket: input is passed to it, and its output is taken.

use super::body::{QUANTUM, Request};
use crate::config::Http2Config;
use crate::ids::SessionId;
use crate::proto::http2::server::{Event, ServerConnection, ServerSettings, Workspace};
use crate::proto::http2::{Violation, code};
use crate::sys::clock;
use std::cell::{Cell, RefCell, RefMut};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

/// The state of a connection that speaks HTTP/2.
pub(crate) struct Session {
    http2: RefCell<ServerConnection<Rc<Request>>>,
    /// Input that was not taken: the client has to take output first.
    input: RefCell<Vec<u8>>,
    /// Requests that are not accepted yet.
    requests: RefCell<VecDeque<Rc<Request>>>,
    /// Requests of which something has arrived.
    arrived: RefCell<Vec<Rc<Request>>>,
    /// Requests whose responses wait for send capacity, round robin.
    writers: RefCell<VecDeque<Rc<Request>>>,
    /// Streams whose worker has a full backlog: no further ones are accepted.
    stalled: RefCell<Vec<SessionId>>,
    /// Wakes the task of the connection.
    waker: RefCell<Waker>,
    /// A stream has sent something, or ended, since the connection was polled.
    has_changed: Cell<bool>,
    /// Streams are refused: the server is ending, or user code has sent GOAWAY.
    refuses: Cell<bool>,
    /// The connection ends once no stream is open: user code has sent GOAWAY.
    ends_when_idle: Cell<bool>,
    /// Since when a frame or a header block is incomplete, bodies excluded: monotonic milliseconds; 0: everything is complete.
    incomplete_since: Cell<u64>,
    /// The socket was not read because input was left.
    was_full: Cell<bool>,
    is_closed: Cell<bool>,
    spare: Rc<SpareBuffer>,
}

/// A stream that was reset because of a fault of the client: number, error code, fault.
pub(super) type Fault = (u32, u32, &'static str);

impl Session {
    /// A session before the client's preface. `spare`: the thread's buffer for output.
    pub(super) fn new(config: &Http2Config, spare: Rc<SpareBuffer>) -> Self {
        let settings = ServerSettings {
            header_table_size: config.header_table_size,
            max_concurrent_streams: config.max_concurrent_streams,
            initial_window_size: config.init_window_size,
            connection_window: config.init_window_size.max(CONNECTION_WINDOW),
            max_frame_size: config.max_frame_size,
            max_header_list_size: config.max_header_list_size,
            max_headers: config.max_headers,
            grpc_streams: config.grpc_streams,
            connect_protocol: true,
        };
        Session {
            http2: RefCell::new(ServerConnection::new(settings)),
            input: RefCell::default(),
            requests: RefCell::default(),
            arrived: RefCell::default(),
            writers: RefCell::default(),
            stalled: RefCell::default(),
            waker: RefCell::new(Waker::noop().clone()),
            has_changed: Cell::new(false),
            refuses: Cell::new(false),
            ends_when_idle: Cell::new(false),
            incomplete_since: Cell::new(0),
            was_full: Cell::new(false),
            is_closed: Cell::new(false),
            spare,
        }
    }

    /// The protocol's side, with a buffer for output.
    fn http2(&self) -> RefMut<'_, ServerConnection<Rc<Request>>> {
        let mut http2 = self.http2.borrow_mut();
        if !http2.has_buffer() {
            http2.lend_output(self.spare.take());
        }
        http2
    }

    /// Takes bytes of the client, and notes the requests that begin and what arrives of them. The rest is kept while the client
    /// does not take its output. `fault` is called for each stream that was reset because of its client.
    ///
    /// # Errors
    /// If the client breaks a rule: the connection is to be closed.
    pub(super) fn receive(
        &self,
        bytes: &[u8],
        workspace: &mut Workspace,
        fault: impl FnMut(Fault),
    ) -> Result<(), Violation> {
        let mut kept = self.input.take();
        let mut rest = bytes;
        if !kept.is_empty() {
            kept.extend_from_slice(bytes);
            rest = &kept;
        }
        let now = clock::monotonic_ms();
        let mut http2 = self.http2();
        let frames_before = http2.frames();
        let outcome = self.take_events(&mut http2, &mut rest, workspace, now, fault);
        if outcome.is_ok() && !rest.is_empty() {
            *self.input.borrow_mut() = rest.to_vec();
        }
        if !http2.is_incomplete() {
            self.incomplete_since.set(0);
        } else if self.incomplete_since.get() == 0 || http2.frames() != frames_before {
            self.incomplete_since.set(now);
        }
        outcome
    }

    fn take_events(
        &self,
        http2: &mut ServerConnection<Rc<Request>>,
        rest: &mut &[u8],
        workspace: &mut Workspace,
        now: u64,
        mut on_fault: impl FnMut(Fault),
    ) -> Result<(), Violation> {
        while http2.output_length() < MAX_OUTPUT {
            match http2.next(rest, workspace, now)? {
                None => break,
                Some(Event::Request { stream, form, is_too_large, is_head }) => {
                    let head = if is_too_large { &[] } else { &workspace.message[..] };
                    let mut request = Request::new(stream, form, head);
                    (request.is_too_large, request.is_head) = (is_too_large, is_head);
                    let request = Rc::new(request);
                    http2.set_user_data(stream, request.clone());
                    self.requests.borrow_mut().push_back(request);
                }
                Some(Event::Data { stream, data }) => {
                    if let Some(request) = http2.user_data(stream) {
                        request.push(data);
                        self.note_arrival(request);
                    }
                }
                Some(Event::End { stream }) => {
                    if let Some(request) = http2.user_data(stream) {
                        request.complete(&workspace.message);
                        self.note_arrival(request);
                    }
                }
                Some(Event::Reset { stream, code, fault, user_data }) => {
                    if let Some(request) = user_data {
                        request.note_reset();
                    }
                    if let Some(fault) = fault {
                        on_fault((stream, code, fault));
                    }
                }
            }
        }
        Ok(())
    }

    fn note_arrival(&self, request: &Rc<Request>) {
        if !request.is_listed.replace(true) {
            self.arrived.borrow_mut().push(request.clone());
        }
    }

    /// The next request to accept; `None` while no request waits, or a stream is stalled.
    pub(super) fn next_request(&self) -> Option<Rc<Request>> {
        if !self.stalled.borrow().is_empty() || self.is_closed.get() {
            return None;
        }
        self.requests.borrow_mut().pop_front()
    }

    /// The next request of which something has arrived.
    pub(super) fn next_arrival(&self) -> Option<Rc<Request>> {
        let request = self.arrived.borrow_mut().pop()?;
        request.is_listed.set(false);
        Some(request)
    }

    /// So many bytes of a body were taken: the client may send as many more.
    pub(super) fn release(&self, stream: u32, bytes: usize) {
        self.http2().release(stream, bytes);
    }

    /// Does something with the protocol's side.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut ServerConnection<Rc<Request>>) -> R) -> R {
        act(&mut self.http2())
    }

    /// Whether a stream may send something; if not, its task is woken once it may.
    pub(super) fn may_send(&self, request: &Rc<Request>) -> bool {
        if self.send_capacity(request, 1) > 0 {
            return true;
        }
        if !request.waits_for_capacity.replace(true) {
            let mut writers = self.writers.borrow_mut();
            // A writer that was woken without progress keeps its place.
            match (request.was_woken.take(), request.quantum.replace(QUANTUM)) {
                (true, QUANTUM) => writers.push_front(request.clone()),
                _ => writers.push_back(request.clone()),
            }
        }
        false
    }

    /// How much of `wanted` bytes a stream may send now: while others wait, no more than its quantum.
    pub(super) fn send_capacity(&self, request: &Request, wanted: usize) -> usize {
        let quantum = if self.writers.borrow().is_empty() { wanted } else { request.quantum.get() };
        self.http2.borrow().send_capacity(request.number, wanted.min(quantum))
    }

    /// Sends bytes of a response.
    pub(super) fn send_data(&self, request: &Request, data: &[u8], is_end: bool) {
        request.quantum.set(request.quantum.get().saturating_sub(data.len()));
        self.with(|http2| http2.send_data(request.number, data, is_end));
    }

    /// Wakes the streams that wait for send capacity, as many as there is capacity for, in their order.
    pub(super) fn wake_writers(&self) {
        let mut writers = self.writers.borrow_mut();
        let mut left = self.http2.borrow().connection_capacity();
        for _ in 0..writers.len() {
            if left == 0 {
                return;
            }
            let Some(request) = writers.pop_front() else { return };
            let http2 = self.http2.borrow();
            let is_open = http2.user_data(request.number).is_some();
            if is_open && http2.send_capacity(request.number, 1) == 0 {
                writers.push_back(request);
                continue;
            }
            left = left.saturating_sub(QUANTUM);
            request.waits_for_capacity.set(false);
            request.was_woken.set(true);
            request.wake();
        }
    }

    /// Whether no more is to be read before what is here was taken.
    pub(in crate::conn) fn is_full(&self) -> bool {
        let is_full = self.has_input();
        self.was_full.set(self.was_full.get() || is_full);
        is_full
    }

    /// Whether input is left that waits for output to be taken.
    pub(super) fn has_input(&self) -> bool {
        !self.input.borrow().is_empty()
    }

    /// Whether input that was left can be taken now.
    pub(super) fn can_go_on(&self) -> bool {
        self.has_input() && self.http2.borrow().output_length() < MAX_OUTPUT
    }

    /// Whether the connection is to be read or written once more: the input that was not taken was taken now, or output can be
    /// written now. Neither is reported by the socket. `has_output`: the connection's own output is not written.
    pub(in crate::conn) fn continues(&self, has_output: bool) -> bool {
        if self.is_closed.get() {
            return false;
        }
        let was_full = self.was_full.replace(false);
        was_full && !self.has_input() || !has_output && self.has_output()
    }

    fn has_output(&self) -> bool {
        self.http2.borrow().output_length() > 0
    }

    /// Milliseconds for which a frame or a header block has been incomplete; `None`: all are complete. Bodies do not count.
    pub(in crate::conn) fn incomplete_for(&self, now: u64) -> Option<u64> {
        Some(self.incomplete_since.get()).filter(|since| *since > 0).map(|since| now.saturating_sub(since))
    }

    /// Tells the client to open no more streams; those that were accepted are answered, then the connection ends. Streams that
    /// are on the way are accepted too, unless `refuses`: then they are refused in the way that clients send their requests
    /// again elsewhere.
    pub(in crate::conn) fn end_in_order(&self, refuses: bool) {
        self.refuses.set(self.refuses.get() || refuses);
        self.http2().shut_down();
    }

    /// Whether the client may still open streams after [`end_in_order`](Self::end_in_order), because it may not know yet.
    pub(in crate::conn) fn awaits_client(&self) -> bool {
        !self.is_closed.get() && self.http2.borrow().awaits_client()
    }

    /// Whether streams are open.
    pub(in crate::conn) fn has_streams(&self) -> bool {
        !self.is_closed.get() && self.http2.borrow().has_streams()
    }

    /// Sends a PING.
    pub(in crate::conn) fn ping(&self, data: [u8; 8]) {
        self.http2().ping(data);
    }

    /// Sends a GOAWAY with an error code and a reason for the client's log. Streams that follow are refused, and the
    /// connection ends once no stream is open.
    pub(in crate::conn) fn go_away(&self, code: u32, debug: &[u8]) {
        self.http2().go_away(code, &debug[..debug.len().min(MAX_DEBUG)]);
        self.refuses.set(true);
        self.ends_when_idle.set(true);
    }

    /// Ends the connection at once. A GOAWAY is the last output; the caller writes it and calls [`close`](Self::close).
    pub(in crate::conn) fn abort(&self, code: u32) {
        if !self.is_closed.get() {
            self.http2.borrow_mut().abort(code, b"");
        }
    }

    /// Registers the waker of the connection's task for [`wake`](Self::wake).
    pub(in crate::conn) fn keep_waker(&self, waker: &Waker) {
        self.waker.borrow_mut().clone_from(waker);
    }

    /// Wakes the connection's task: there is something to exchange.
    pub(in crate::conn) fn wake(&self) {
        self.has_changed.set(true);
        self.waker.borrow().wake_by_ref();
    }

    /// Nothing more is exchanged: the streams end.
    pub(in crate::conn) fn close(&self) {
        if self.is_closed.replace(true) {
            return;
        }
        self.input.take();
        self.requests.take();
        self.arrived.take();
        self.writers.take();
        let mut http2 = self.http2.borrow_mut();
        http2.abort(code::NO_ERROR, b"");
        drop(http2.take_output(Vec::new()));
        http2.all_user_data().for_each(|request| request.note_reset());
    }

    /// Whether nothing more is exchanged.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.get()
    }

    /// Whether the client has not opened a stream yet.
    pub(in crate::conn) fn is_unused(&self) -> bool {
        self.http2.borrow().last_stream() == 0
    }

    /// The backlog of a stream's worker is full.
    pub(super) fn note_stalled(&self, stream: SessionId) {
        self.stalled.borrow_mut().push(stream);
    }

    /// Forgets the stalled streams for which `is_stalled` does not hold any more.
    pub(super) fn retain_stalled(&self, is_stalled: impl Fn(SessionId) -> bool) {
        self.stalled.borrow_mut().retain(|stream| is_stalled(*stream));
    }

    /// Whether streams are refused.
    pub(super) fn refuses_streams(&self) -> bool {
        self.refuses.get()
    }

    /// Takes the output, which is to be written in one piece and given back to [`recycle`](Self::recycle).
    pub(in crate::conn) fn take_output(&self) -> Option<Vec<u8>> {
        let mut http2 = self.http2.borrow_mut();
        (http2.output_length() > 0).then(|| http2.take_output(Vec::new()))
    }

    /// Whether no stream is open, and everything was taken that streams have sent.
    pub(in crate::conn) fn is_idle(&self) -> bool {
        !self.has_streams() && !self.has_changed.get() && !self.has_output()
    }

    /// The connection is polled: everything that streams have sent until now is handled.
    pub(super) fn note_exchange(&self) {
        self.has_changed.set(false);
    }

    /// Gives the memory of written output back, while the connection is busy.
    pub(in crate::conn) fn recycle(&self, output: Vec<u8>) {
        self.spare.give_back(output);
    }

    /// Gives an empty buffer back to the thread.
    pub(super) fn give_back(&self) {
        let mut http2 = self.http2.borrow_mut();
        if http2.has_buffer() && http2.output_length() == 0 {
            self.spare.give_back(http2.take_output(Vec::new()));
        }
    }

    /// Whether the connection has ended in order, and the last response was taken.
    pub(super) fn is_done(&self) -> bool {
        let http2 = self.http2.borrow();
        let opens_none = http2.is_done() || self.ends_when_idle.get() && !http2.has_streams();
        opens_none && self.requests.borrow().is_empty() && http2.output_length() == 0
    }
}

/// A buffer for the output of one connection after the other: an idle connection holds none.
#[derive(Default)]
pub(in crate::conn) struct SpareBuffer(Cell<Vec<u8>>);

impl SpareBuffer {
    fn take(&self) -> Vec<u8> {
        self.0.take()
    }

    /// Keeps the larger buffer, up to [`KEPT`] bytes.
    fn give_back(&self, mut buffer: Vec<u8>) {
        let kept = self.0.take();
        buffer.clear();
        let is_better = buffer.capacity() > kept.capacity() && buffer.capacity() <= KEPT;
        self.0.set(if is_better { buffer } else { kept });
    }
}

/// The window of the whole connection: it bounds what is received of all bodies together.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Bytes of output at which no more input is taken: the client reads nothing.
const MAX_OUTPUT: usize = 256 << 10;
/// Bytes of a GOAWAY's text.
const MAX_DEBUG: usize = 1024;
/// Memory that is kept for the next output.
const KEPT: usize = 256 << 10;
