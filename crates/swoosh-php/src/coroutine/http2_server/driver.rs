//! The task that drives the protocol.

use super::request::Request;
use crate::coroutine::http2::Http2Settings;
use crate::coroutine::socket::CoroutineSocket;
use crate::runtime::reactor;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use swoosh::log;
use swoosh::proto::http2::code;
use swoosh::proto::http2::server::{BodyForm, Event, ServerConnection, Workspace};
use swoosh::sys::clock;

/// A connection, shared with its task and its streams.
pub(super) struct Shared {
    pub(super) link: Rc<CoroutineSocket>,
    http2: RefCell<ServerConnection<Rc<Request>>>,
    /// Output that is being written, and how much of it was.
    output: RefCell<(Vec<u8>, usize)>,
    /// Of the task that drives the connection.
    waker: RefCell<Waker>,
    incoming: RefCell<VecDeque<Rc<Request>>>,
    /// The coroutine that waits for a stream.
    acceptor: RefCell<Option<Waker>>,
    /// Nobody accepts streams.
    refuses: Cell<bool>,
    /// Nothing more is read.
    is_finished: Cell<bool>,
    /// Nothing more is read or written.
    has_ended: Cell<bool>,
    /// Streams that are accepted and not dropped.
    pub(super) open: Cell<usize>,
}

impl Shared {
    /// A connection before the client's preface, with a task that drives it.
    ///
    /// # Errors
    /// There is no event loop.
    pub(super) fn begin(link: Rc<CoroutineSocket>, settings: &Http2Settings) -> io::Result<Rc<Self>> {
        let shared = Rc::new(Shared {
            link,
            http2: RefCell::new(ServerConnection::new(settings.of_protocol())),
            output: RefCell::default(),
            waker: RefCell::new(Waker::noop().clone()),
            incoming: RefCell::default(),
            acceptor: RefCell::default(),
            refuses: Cell::new(false),
            is_finished: Cell::new(false),
            has_ended: Cell::new(false),
            open: Cell::new(0),
        });
        let task = shared.clone();
        reactor::spawn_local(poll_fn(move |cx| {
            task.waker.borrow_mut().clone_from(cx.waker());
            task.poll_drive(cx)
        }))?;
        Ok(shared)
    }

    /// Does something with the protocol; [`drive`](Self::drive) sends what comes of it.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut ServerConnection<Rc<Request>>) -> R) -> R {
        act(&mut self.http2.borrow_mut())
    }

    /// Drives the connection in the calling coroutine, so that what was queued is written now.
    pub(super) fn drive(&self) {
        let waker = self.waker.borrow().clone();
        if self.poll_drive(&mut Context::from_waker(&waker)).is_ready() {
            // The task ends.
            waker.wake();
        }
    }

    /// Ready once the connection has ended.
    fn poll_drive(&self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.has_ended.get() {
            let written = self.poll_write(cx);
            if let Poll::Ready(Err(e)) = &written {
                self.note_end(e);
                break;
            }
            let is_over = self.is_finished.get() || self.http2.borrow().is_done();
            if is_over && written.is_ready() {
                self.finish();
                break;
            }
            // A client that does not take its output is not read.
            let may_read = !self.is_finished.get() && (written.is_ready() || self.pending_output() < MAX_OUTPUT);
            if !may_read || self.poll_receive(cx).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    fn pending_output(&self) -> usize {
        let (bytes, written) = &*self.output.borrow();
        bytes.len() - written + self.http2.borrow().output_length()
    }

    /// Writes what is queued, and wakes the coroutines that have waited for that. Pending while the socket takes no more.
    fn poll_write(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut output = self.output.borrow_mut();
            if output.1 == output.0.len() {
                let mut empty = std::mem::take(&mut output.0);
                empty.clear();
                *output = (self.http2.borrow_mut().take_output(empty), 0);
                if output.0.is_empty() {
                    return self.link.poll_flush(cx);
                }
            }
            let written = ready!(self.link.poll_write(cx, &[IoSlice::new(&output.0[output.1..])]))?;
            output.1 += written;
            drop(output);
            self.http2.borrow_mut().all_user_data().for_each(|request| request.wake_writer());
        }
    }

    /// Receives bytes, and handles what they complete. Pending while none arrive.
    fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; PIECE];
        match ready!(self.link.poll_read(cx, &mut bytes)) {
            Ok(0) => {
                self.is_finished.set(true);
                self.lose_requests();
            }
            Ok(length) => self.receive(&bytes[..length]),
            Err(e) => self.note_end(&e),
        }
        Poll::Ready(())
    }

    fn receive(&self, mut bytes: &[u8]) {
        let (mut http2, mut workspace) = (self.http2.borrow_mut(), Workspace::default());
        loop {
            match http2.next(&mut bytes, &mut workspace, clock::monotonic_ms()) {
                Ok(None) => break,
                Ok(Some(event)) => self.handle(&mut http2, event, &workspace.message),
                Err(violation) => {
                    let (peer, code) = (peer_name(&self.link), code::name(violation.code));
                    log::info!("HTTP/2 connection from {peer} is closed: {code}: {}", violation.reason);
                    http2.abort(violation.code, violation.reason.as_bytes());
                    drop(http2);
                    self.is_finished.set(true);
                    return self.lose_requests();
                }
            }
        }
        // Windows may be larger now.
        http2.all_user_data().for_each(|request| request.wake_writer());
    }

    fn handle(&self, http2: &mut ServerConnection<Rc<Request>>, event: Event<'_, Rc<Request>>, message: &[u8]) {
        match event {
            Event::Request { stream, is_too_large: true, .. } => {
                http2.send_head(stream, 431, &[], true);
                http2.close(stream);
            }
            Event::Request { stream, .. } if self.refuses.get() => http2.reset(stream, code::REFUSED_STREAM),
            Event::Request { stream, form, .. } => {
                let request = Rc::new(Request::new(stream, message, form == BodyForm::None));
                http2.set_user_data(stream, request.clone());
                self.incoming.borrow_mut().push_back(request);
                self.wake_acceptor();
            }
            Event::Data { stream, data } => {
                if let Some(request) = http2.user_data(stream) {
                    request.push(data);
                }
            }
            Event::End { stream } => {
                if let Some(request) = http2.user_data(stream) {
                    request.complete();
                }
            }
            Event::Reset { stream, code, fault, user_data } => {
                if let Some(fault) = fault {
                    log::info!("HTTP/2 connection from {}: stream {stream} is reset: {fault}", peer_name(&self.link));
                }
                if let Some(request) = user_data {
                    request.note_reset(code);
                }
            }
        }
    }

    /// The socket has failed. A client that is gone is no fault.
    fn note_end(&self, error: &io::Error) {
        log::debug!("HTTP/2 connection from {} is closed: {error}", peer_name(&self.link));
        self.finish();
    }

    fn finish(&self) {
        self.has_ended.set(true);
        self.incoming.take();
        self.lose_requests();
        self.wake_acceptor();
    }

    /// The connection is gone before its requests were answered.
    fn lose_requests(&self) {
        self.http2.borrow_mut().all_user_data().for_each(|request| request.note_reset(code::CANCEL));
    }

    fn wake_acceptor(&self) {
        if let Some(waker) = self.acceptor.take() {
            waker.wake();
        }
    }

    /// Ready with the next stream; `None` once the connection has ended.
    pub(super) fn poll_incoming(&self, cx: &mut Context<'_>) -> Poll<Option<Rc<Request>>> {
        if let Some(request) = self.incoming.borrow_mut().pop_front() {
            return Poll::Ready(Some(request));
        }
        if self.has_ended.get() {
            return Poll::Ready(None);
        }
        *self.acceptor.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Refuses streams that were not accepted: the client sends their requests again elsewhere.
    pub(super) fn refuse_streams(&self) {
        self.refuses.set(true);
        for request in self.incoming.take() {
            self.with(|http2| http2.reset(request.number, code::REFUSED_STREAM));
        }
    }

    /// Accepts no further stream; ends after those that are open.
    pub(super) fn shut_down(&self) {
        match self.with(|http2| http2.has_begun()) {
            true => self.with(|http2| http2.shut_down()),
            false => self.finish(),
        }
        self.drive();
        self.wake_acceptor();
    }

    /// Ends now. The socket is left open.
    pub(super) fn end(&self) {
        if !self.has_ended.get() {
            self.with(|http2| http2.abort(code::NO_ERROR, b""));
            // Writes what fits, without waiting.
            let _ = self.poll_write(&mut Context::from_waker(Waker::noop()));
            self.finish();
        }
        self.waker.borrow().wake_by_ref();
    }
}

/// The client, for the log.
fn peer_name(link: &CoroutineSocket) -> String {
    let address = link.socket().peer_addr().ok().and_then(|address| address.as_socket());
    address.map_or_else(|| "a local client".to_owned(), |address| address.to_string())
}

/// Bytes that are read at once.
const PIECE: usize = 16 << 10;
/// Bytes of output at which no more input is taken.
const MAX_OUTPUT: usize = 256 << 10;
