//! The HTTP/2 side of a connection: its state, and the exchange of bytes for streams.
//!
//! Runs in: the thread that owns the connection. It knows no socket: input is passed to it, and its output is taken.

use super::pipe::{Pipe, PipeEnd, SpareBuffers};
use crate::config::Http2Config;
use crate::ids::SessionId;
use crate::proto::http2 as control;
use crate::proto::http2::block_fault::{BlockFault, first_fault};
use crate::proto::http2::guard::FrameGuard;
use crate::proto::http2::{Violation, code};
use crate::sys::clock;
use bytes::Bytes;
use h2::server::{Builder, Handshake, SendResponse};
use h2::{Reason, RecvStream};
use http_types::Request;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The state of a connection that speaks HTTP/2.
pub(crate) struct Session {
    pipe: Rc<Pipe>,
    /// The table that the client may compress its fields with, bytes.
    max_table: usize,
    state: RefCell<State>,
    /// Checks the client's frames.
    guard: RefCell<FrameGuard>,
    /// Streams whose worker has too much to do: no further ones are accepted.
    stalled: RefCell<Vec<SessionId>>,
    /// Wakes the task of the connection.
    waker: RefCell<Waker>,
    /// A stream has sent something, or ended, since the connection was polled.
    has_changed: Cell<bool>,
    /// Streams that are open.
    live: Cell<u32>,
    /// The number of the last stream that was accepted.
    last_stream: Cell<u32>,
    /// The server ends the connection in order.
    is_ending: Cell<bool>,
    /// Streams are refused: the server is ending, or user code has sent GOAWAY.
    refuses: Cell<bool>,
    /// The connection ends once no stream is open: user code has sent GOAWAY.
    ends_when_idle: Cell<bool>,
    /// When a frame began, or a block of header fields, that is not complete and no part of a body: monotonic milliseconds;
    /// 0: there is none.
    incomplete_since: Cell<u64>,
    /// The socket was not read because `h2` had not taken the last bytes.
    was_full: Cell<bool>,
    /// Faults of requests, by stream, until their reset is reported.
    faults: RefCell<Vec<(u32, &'static str)>>,
}

/// The connection of `h2`.
enum State {
    Preface(Handshake<PipeEnd, Bytes>),
    Open(h2::server::Connection<PipeEnd, Bytes>),
    Closed,
}

/// A stream that the client has opened.
pub(super) type Incoming = (Request<RecvStream>, SendResponse<Bytes>);

/// The outcome of an exchange of frames.
pub(super) enum Next {
    /// The client has opened a stream.
    Stream(Box<Incoming>),
    /// Nothing more can be done now.
    Pending,
    /// The connection has ended in order.
    End,
    /// It has failed for this reason; `h2` has written a GOAWAY.
    Failed(String),
    /// It was closed before.
    Closed,
}

impl Session {
    /// A session before the client's preface.
    pub(super) fn new(config: &Http2Config) -> Self {
        let pipe = Rc::new(Pipe::default());
        let mut builder = Builder::new();
        builder
            .header_table_size(config.header_table_size)
            .max_concurrent_streams(config.max_concurrent_streams)
            .initial_window_size(config.init_window_size)
            .initial_connection_window_size(config.init_window_size.max(CONNECTION_WINDOW))
            .max_frame_size(config.max_frame_size)
            .max_header_list_size(config.max_header_list_size)
            .max_send_buffer_size(MAX_SEND_BUFFER)
            .data_frame_budget(FRAME_BUDGET)
            .enable_connect_protocol();
        let handshake = builder.handshake(PipeEnd(pipe.clone()));
        Session {
            pipe,
            max_table: config.header_table_size as usize,
            state: RefCell::new(State::Preface(handshake)),
            guard: RefCell::new(FrameGuard::new(config.max_frame_size, config.max_header_list_size)),
            stalled: RefCell::default(),
            waker: RefCell::new(Waker::noop().clone()),
            has_changed: Cell::new(false),
            live: Cell::new(0),
            last_stream: Cell::new(0),
            is_ending: Cell::new(false),
            refuses: Cell::new(false),
            ends_when_idle: Cell::new(false),
            incomplete_since: Cell::new(0),
            was_full: Cell::new(false),
            faults: RefCell::default(),
        }
    }

    /// Takes bytes of the client.
    ///
    /// # Errors
    /// If it breaks a rule that the guard knows: the connection is to be closed.
    pub(super) fn receive(&self, bytes: &[u8], spare: &SpareBuffers) -> Result<(), Violation> {
        let now = clock::monotonic_ms();
        let mut guard = self.guard.borrow_mut();
        let frames_before = guard.frames();
        let outcome = self.pipe.receive(spare, |input| guard.take(bytes, now, input));
        if let Some((stream, fault)) = guard.take_malformed() {
            self.note_fault(stream, fault);
        }
        if !guard.is_incomplete() {
            self.incomplete_since.set(0);
        } else if self.incomplete_since.get() == 0 || guard.frames() != frames_before {
            self.incomplete_since.set(now);
        }
        outcome
    }

    /// Inserts the frames of stream 1, which the client has sent as a request of HTTP/1.1.
    pub(super) fn receive_upgraded(&self, frames: &[u8], spare: &SpareBuffers) {
        self.guard.borrow_mut().note_upgraded_stream();
        self.pipe.receive(spare, |input| input.extend_from_slice(frames));
    }

    /// Whether no more is to be read before `h2` has taken what is here.
    pub(in crate::conn) fn is_full(&self) -> bool {
        let is_full = self.pipe.has_input();
        self.was_full.set(self.was_full.get() || is_full);
        is_full
    }

    /// Whether the connection is to be read or written once more: the input that was not taken was taken now, or output of
    /// `h2` can be written now. Neither is reported by the socket. `has_output`: the connection's own output is not written.
    pub(in crate::conn) fn continues(&self, has_output: bool) -> bool {
        if matches!(&*self.state.borrow(), State::Closed) {
            return false;
        }
        let was_full = self.was_full.replace(false);
        was_full && !self.pipe.has_input() || !has_output && self.pipe.has_output()
    }

    /// Milliseconds for which a frame, or a block of header fields, has been incomplete; `None`: none is. Bodies do not count.
    pub(in crate::conn) fn incomplete_for(&self, now: u64) -> Option<u64> {
        Some(self.incomplete_since.get()).filter(|since| *since > 0).map(|since| now.saturating_sub(since))
    }

    /// Has the client open no more streams; those that were accepted are answered, then the connection ends. Streams that
    /// are on the way are accepted too, unless `refuses`: then they are refused in the way that clients send their requests
    /// again elsewhere.
    pub(in crate::conn) fn end_in_order(&self, refuses: bool) {
        self.refuses.set(self.refuses.get() || refuses);
        if !self.is_ending.replace(true)
            && let State::Open(h2) = &mut *self.state.borrow_mut()
        {
            h2.graceful_shutdown();
        }
    }

    /// Whether the client may still open streams after [`end_in_order`](Self::end_in_order), because it may not know yet.
    pub(in crate::conn) fn awaits_client(&self) -> bool {
        // The first GOAWAY names no stream, the second one the last: the client has answered in between.
        self.is_ending.get() && self.pipe.goaways() < 2 && matches!(&*self.state.borrow(), State::Open(_))
    }

    /// Whether streams are open.
    pub(in crate::conn) fn has_streams(&self) -> bool {
        self.live.get() > 0
    }

    /// Sends a PING that is answered by the client alone.
    pub(in crate::conn) fn ping(&self, data: [u8; 8]) {
        self.pipe.insert(&control::ping(data));
    }

    /// Sends a GOAWAY with an error code and a reason for the client's log. Streams that follow are refused, and the
    /// connection ends once no stream is open.
    pub(in crate::conn) fn go_away(&self, code: u32, debug: &[u8]) {
        self.pipe.insert(&control::goaway(self.last_stream.get(), code, &debug[..debug.len().min(MAX_DEBUG)]));
        self.refuses.set(true);
        self.ends_when_idle.set(true);
    }

    /// Ends the connection at once. A GOAWAY is the last output; the caller writes it and calls [`close`](Self::close).
    pub(in crate::conn) fn abort(&self, reason: Reason) {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = self.poll_handshake(&mut cx);
        if let State::Open(h2) = &mut *self.state.borrow_mut() {
            h2.abrupt_shutdown(reason);
            // Has the frame written to the pipe; its outcome is the end that was asked for.
            let _ = h2.poll_closed(&mut cx);
        }
    }

    /// Has the connection's task woken by [`wake`](Self::wake).
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
        self.pipe.end_input();
        let state = std::mem::replace(&mut *self.state.borrow_mut(), State::Closed);
        drop(state);
    }

    /// A stream was accepted.
    pub(super) fn note_stream(&self, number: u32) {
        self.last_stream.set(number);
        self.live.set(self.live.get() + 1);
    }

    /// Whether the client has not opened a stream yet.
    pub(in crate::conn) fn is_unused(&self) -> bool {
        self.last_stream.get() == 0
    }

    /// The worker of a stream has too much to do.
    pub(super) fn note_stalled(&self, stream: SessionId) {
        self.stalled.borrow_mut().push(stream);
    }

    /// Forgets the stalled streams for which `is_stalled` does not hold any more.
    pub(super) fn retain_stalled(&self, is_stalled: impl Fn(SessionId) -> bool) {
        self.stalled.borrow_mut().retain(|stream| is_stalled(*stream));
    }

    /// The fault for which a stream is about to be reset.
    pub(super) fn note_fault(&self, stream: u32, fault: &'static str) {
        self.faults.borrow_mut().push((stream, fault));
    }

    /// Takes the streams that were reset because of a fault: number, error code, and the fault if it is known.
    pub(super) fn take_resets(&self) -> Vec<(u32, Reason, Option<&'static str>)> {
        let resets = self.pipe.take_resets();
        if resets.is_empty() {
            return Vec::new();
        }
        let faults = self.faults.take();
        let fault_of = |stream| faults.iter().find(|(of, _)| *of == stream).map(|(_, fault)| *fault);
        resets.into_iter().map(|(stream, code)| (stream, code.into(), fault_of(stream))).collect()
    }

    /// Whether streams are refused.
    pub(super) fn refuses_streams(&self) -> bool {
        self.refuses.get()
    }

    /// A stream is closed.
    pub(super) fn note_stream_end(&self) {
        self.live.set(self.live.get().saturating_sub(1));
    }

    /// The fault of the header blocks that were received last.
    fn last_block_fault(&self) -> Option<BlockFault> {
        let input = self.pipe.last_input();
        first_fault(input.strip_prefix(&control::PREFACE[..]).unwrap_or(&input), self.max_table)
    }

    /// Exchanges the prefaces.
    fn poll_handshake(&self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        let mut state = self.state.borrow_mut();
        let State::Preface(handshake) = &mut *state else { return Poll::Ready(Ok(())) };
        match Pin::new(handshake).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(mut h2)) => {
                if self.is_ending.get() {
                    h2.graceful_shutdown();
                }
                *state = State::Open(h2);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(e)) => Poll::Ready(Err(format!("its preface is not accepted: {e}"))),
        }
    }

    /// Exchanges frames; returns the next stream, or the reason why there is none.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Next {
        match self.poll_handshake(cx) {
            Poll::Pending => return Next::Pending,
            Poll::Ready(Err(why)) => return Next::Failed(why),
            Poll::Ready(Ok(())) => {}
        }
        let mut state = self.state.borrow_mut();
        let State::Open(h2) = &mut *state else { return Next::Closed };
        let next = match self.stalled.borrow().is_empty() {
            true => h2.poll_accept(cx),
            // Frames are still exchanged, but no stream is accepted.
            false => h2.poll_closed(cx).map(|closed| closed.err().map(Err)),
        };
        match next {
            Poll::Pending => Next::Pending,
            Poll::Ready(Some(Ok(incoming))) => Next::Stream(Box::new(incoming)),
            Poll::Ready(None) => Next::End,
            Poll::Ready(Some(Err(e))) => {
                // The guard has found every other cause of this code.
                if e.is_library()
                    && e.reason() == Some(Reason::PROTOCOL_ERROR)
                    && self.last_block_fault() != Some(BlockFault::Field)
                {
                    self.pipe.change_code_of_goaway(code::PROTOCOL_ERROR, code::COMPRESSION_ERROR);
                    return Next::Failed("COMPRESSION_ERROR: a header block is no valid HPACK (RFC 7541)".to_owned());
                }
                Next::Failed(match e.reason() {
                    Some(reason) => format!("{reason:?}: {e}"),
                    None => e.to_string(),
                })
            }
        }
    }

    /// Takes the output, which is to be written in one piece and given back to [`recycle`](Self::recycle).
    pub(in crate::conn) fn take_output(&self) -> Option<Vec<u8>> {
        if !self.pipe.has_output() {
            return None;
        }
        let output = self.pipe.take_output();
        self.guard.borrow_mut().note_sent(output.len() as u64);
        Some(output)
    }

    /// Gives the memory of written output back.
    pub(in crate::conn) fn recycle(&self, output: Vec<u8>) {
        self.pipe.recycle(output);
    }

    /// Whether `h2` waits until output is taken.
    pub(super) fn is_blocked(&self) -> bool {
        self.pipe.is_blocked()
    }

    /// Whether no stream is open, and everything was taken that streams have sent.
    pub(in crate::conn) fn is_idle(&self) -> bool {
        self.live.get() == 0 && !self.has_changed.get() && !self.pipe.has_output()
    }

    /// An exchange begins: takes a buffer for output from those of the thread.
    pub(super) fn begin_exchange(&self, spare: &SpareBuffers) {
        self.has_changed.set(false);
        self.pipe.borrow_output(spare);
    }

    /// Gives empty buffers back to the thread.
    pub(super) fn give_back(&self, spare: &SpareBuffers) {
        self.pipe.give_back(spare);
    }

    /// Whether user code has ended the connection and the last response was taken.
    pub(super) fn is_done(&self) -> bool {
        self.ends_when_idle.get() && self.live.get() == 0 && !self.pipe.has_output()
    }
}

/// The window of the whole connection: it bounds what is received of all bodies together.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// Memory for frames of bodies beyond their bytes, before they are taken. `h2` counts 256 bytes for a short frame, and its default
/// ends the connection of a gRPC client that sends some thousand short messages at once.
const FRAME_BUDGET: usize = 8 << 20;
/// Bytes of one response that `h2` keeps. The rest waits where the limits of output count it.
const MAX_SEND_BUFFER: usize = 128 << 10;
/// Bytes of a GOAWAY's text.
const MAX_DEBUG: usize = 1024;
