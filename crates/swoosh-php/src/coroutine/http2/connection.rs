//! Connecting, sending, receiving, closing.

use super::failure::{Failure, connection_lost, failure_of, no_http2, outcome};
use super::inbox::{Delivery, Inbox, Want, run_waiters};
use super::outgoing::OutgoingRequest;
use super::send_half::SendHalf;
use super::settings::Http2Settings;
use super::transport::{Observed, Transport};
use crate::coroutine::scheduler::expect_current;
use crate::coroutine::socket::CoroutineSocket;
use crate::coroutine::types::WaitKind;
use crate::coroutine::wait::{self, WaitOutcome};
use crate::runtime::reactor;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong, Reason};
use http::HeaderMap;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use swoosh::proto::http2::{PeerSettings, goaway};
use swoosh_zend::{PhpResult, runtime};
use tokio::sync::Mutex;

/// A connection. Dropping it closes it.
pub struct Http2Connection {
    shared: Rc<Shared>,
    generation: u32,
}

struct Shared {
    link: Rc<CoroutineSocket>,
    /// The server, for messages.
    peer: String,
    settings: Http2Settings,
    inbox: RefCell<Inbox>,
    observed: Rc<RefCell<Observed>>,
    sender: RefCell<Option<SendRequest<Bytes>>>,
    /// Coroutines that send take turns at opening a stream, in which they may wait for the peer's limit.
    opening: Mutex<()>,
    /// Taken out while it is polled; `None` once the connection has ended.
    driver: RefCell<Option<Driver>>,
    /// Of the task that drives the connection.
    waker: RefCell<Waker>,
    next_stream_id: Cell<u32>,
}

/// The protocol, and the tasks that read responses.
struct Driver {
    connection: Connection<Transport, Bytes>,
    pings: Option<PingPong>,
    /// A ping without its answer.
    pinged: bool,
    responses: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Http2Connection {
    /// Speaks HTTP/2 on a connected socket, whose TLS handshake is complete if it has TLS.
    pub fn begin(
        link: Rc<CoroutineSocket>,
        peer: String,
        settings: Http2Settings,
        limit: Option<Duration>,
    ) -> PhpResult<Result<Self, Failure>> {
        let observed = Rc::new(RefCell::new(Observed::default()));
        let handshake = settings.builder().handshake::<_, Bytes>(Transport::new(link.clone(), observed.clone()));
        let (sender, mut connection) = match wait::future(handshake, limit)? {
            WaitOutcome::Done(Ok(pair)) => pair,
            WaitOutcome::Done(Err(e)) => return Ok(Err(failure_of(&e, &peer))),
            WaitOutcome::TimedOut => return Ok(outcome(WaitOutcome::TimedOut)),
            WaitOutcome::Cancelled => return Ok(outcome(WaitOutcome::Cancelled)),
        };
        let pings = connection.ping_pong();
        let driver = Driver { connection, pings, pinged: false, responses: FuturesUnordered::new() };
        let shared = Rc::new(Shared {
            link,
            peer,
            settings,
            inbox: RefCell::default(),
            observed,
            sender: RefCell::new(Some(sender)),
            opening: Mutex::new(()),
            driver: RefCell::new(Some(driver)),
            waker: RefCell::new(Waker::noop().clone()),
            next_stream_id: Cell::new(1),
        });
        shared.drive();
        let task = shared.clone();
        let spawned = reactor::spawn_local(poll_fn(move |cx| {
            task.waker.borrow_mut().clone_from(cx.waker());
            task.poll_drive(cx)
        }));
        match spawned {
            Ok(()) => Ok(Ok(Http2Connection { shared, generation: runtime::generation() })),
            Err(e) => {
                drop(shared.close());
                Ok(Err(Failure {
                    code: e.raw_os_error().unwrap_or(libc::EIO),
                    message: format!("HTTP/2 needs an event loop: {e}"),
                }))
            }
        }
    }

    /// Whether it was made by a parent of this process, whose runtime drives it.
    fn is_inherited(&self) -> bool {
        self.generation != runtime::generation()
    }

    /// Why it is of no use any more. Responses that have arrived can still be taken.
    pub fn failure(&self) -> Option<Failure> {
        if self.is_inherited() {
            return Some(Failure { code: libc::EBADF, message: "the connection is the parent process's".to_owned() });
        }
        self.shared.inbox.borrow().closed().cloned()
    }

    /// The socket.
    pub fn link(&self) -> &Rc<CoroutineSocket> {
        &self.shared.link
    }

    /// Sends a request, and waits until the peer's window has taken the body; returns the stream's number. A body that the
    /// peer refuses is not an error here: its response, or the error of its stream, is delivered.
    pub fn send(
        &self,
        request: OutgoingRequest<impl AsRef<[u8]>>,
        limit: Option<Duration>,
    ) -> PhpResult<Result<u32, Failure>> {
        if let Some(failure) = self.failure() {
            return Ok(Err(failure));
        }
        let _demand = Demand::new(&self.shared);
        let sent = wait::future(self.shared.clone().send(request), limit)?;
        Ok(outcome(sent).and_then(|sent| sent))
    }

    /// Sends more of the body of an open request. Fails with EINVAL if the stream has none.
    pub fn write(
        &self,
        stream_id: u32,
        data: impl AsRef<[u8]>,
        ends: bool,
        limit: Option<Duration>,
    ) -> PhpResult<Result<(), Failure>> {
        if let Some(failure) = self.failure() {
            return Ok(Err(failure));
        }
        let no_request = || Failure { code: libc::EINVAL, message: format!("stream {stream_id} has no open request") };
        let Some(body) = self.shared.inbox.borrow().request_body(stream_id) else { return Ok(Err(no_request())) };
        let _demand = Demand::new(&self.shared);
        let shared = self.shared.clone();
        let written = wait::future(
            async move {
                let mut incomplete = ResetOnDrop { shared: &shared, id: stream_id, body: Some(body.clone()) };
                let mut stream = body.lock().await;
                if !shared.inbox.borrow().has_stream(stream_id) {
                    incomplete.body = None;
                    return Err(no_request());
                }
                let sent = body.send(&mut stream, data.as_ref(), ends, || shared.drive()).await;
                drop(stream);
                incomplete.body = None;
                if ends {
                    shared.inbox.borrow_mut().end_request(stream_id);
                }
                match shared.inbox.borrow().closed() {
                    Some(failure) => Err(failure.clone()),
                    None => sent.map_err(|e| failure_of(&e, &shared.peer)),
                }
            },
            limit,
        )?;
        Ok(outcome(written).and_then(|written| written))
    }

    /// Waits for a response, or a part of one.
    pub fn recv(&self, want: Want, limit: Option<Duration>) -> PhpResult<Result<Delivery, Failure>> {
        if self.is_inherited() {
            return Ok(Err(self.failure().unwrap_or_else(|| connection_lost(&self.shared.peer))));
        }
        let inbox = &self.shared.inbox;
        if let Some(delivery) = inbox.borrow_mut().take(want) {
            return Ok(Ok(delivery));
        }
        let coroutine = expect_current()?;
        let ticket = inbox.borrow_mut().ticket();
        let demand = Demand::new(&self.shared);
        let waited = wait::poll(WaitKind::Io, limit, |cx| inbox.borrow_mut().poll_take(want, ticket, &coroutine, cx));
        drop(demand);
        inbox.borrow_mut().leave(ticket);
        let taken = match waited? {
            WaitOutcome::Done(taken) => Ok(taken),
            // It may have arrived after the time was up.
            WaitOutcome::TimedOut => match inbox.borrow_mut().take(want) {
                Some(delivery) => Ok(Some(delivery)),
                None => outcome(WaitOutcome::TimedOut),
            },
            WaitOutcome::Cancelled => outcome(WaitOutcome::Cancelled),
        };
        let no_stream = || Failure { code: libc::ECANCELED, message: "the stream was given up".to_owned() };
        Ok(taken.and_then(|taken| taken.ok_or_else(|| self.failure().unwrap_or_else(no_stream))))
    }

    /// Ends a stream with an error code (RFC 9113 section 6.4). Its response is not delivered; coroutines that wait for it
    /// alone, or for the peer to take the request, get an error. False without such a stream.
    pub fn reset(&self, stream_id: u32, code: u32) -> bool {
        if self.failure().is_some() {
            return false;
        }
        let Some(stream) = self.shared.inbox.borrow_mut().remove_stream(stream_id) else { return false };
        stream.reset(code.into());
        self.shared.drive();
        true
    }

    /// Sends a PING, unless one is on its way already.
    pub fn ping(&self) -> Result<(), Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        if let Some(driver) = &mut *self.shared.driver.borrow_mut()
            && let Some(pings) = &mut driver.pings
            && !driver.pinged
        {
            driver.pinged = pings.send_ping(Ping::opaque()).is_ok();
        }
        self.shared.drive();
        Ok(())
    }

    /// Tells the peer that it should open no stream. The connection goes on (RFC 9113 section 6.8).
    pub fn send_goaway(&self, code: u32, debug_data: &[u8]) -> Result<(), Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure);
        }
        // The peer opens no streams: push is disabled.
        self.shared.observed.borrow_mut().inserted.extend_from_slice(&goaway(0, code, debug_data));
        self.shared.drive();
        Ok(())
    }

    /// Whether a stream's response was not taken to its end.
    pub fn has_stream(&self, id: u32) -> bool {
        self.shared.inbox.borrow().has_stream(id)
    }

    /// Streams whose response was not taken to its end.
    pub fn stream_count(&self) -> usize {
        self.shared.inbox.borrow().stream_count()
    }

    /// The next stream's number.
    pub fn next_stream_id(&self) -> u32 {
        self.shared.next_stream_id.get()
    }

    /// The stream of the last delivery, 0 before the first.
    pub fn last_delivered(&self) -> u32 {
        self.shared.inbox.borrow().last_delivered()
    }

    /// The settings that this side has announced.
    pub fn local_settings(&self) -> PeerSettings {
        self.shared.settings.local
    }

    /// The peer's settings: the initial ones until it has sent its own.
    pub fn peer_settings(&self) -> PeerSettings {
        self.shared.observed.borrow().settings.unwrap_or_default()
    }

    /// The last stream and the code of the peer's last GOAWAY.
    pub fn peer_goaway(&self) -> Option<(u32, u32)> {
        self.shared.observed.borrow().goaway.as_ref().map(|(last, code, _)| (*last, *code))
    }

    /// Closes it. Coroutines that wait get ECANCELED, and have run when this returns. False if there were any.
    pub fn close(&self) -> PhpResult<bool> {
        if self.is_inherited() {
            return Ok(true);
        }
        let waiters = self.shared.close();
        let waited = !waiters.is_empty();
        run_waiters(waiters)?;
        self.shared.link.close()?;
        Ok(!waited)
    }
}

impl Drop for Http2Connection {
    fn drop(&mut self) {
        if self.is_inherited() {
            // Its task, and the runtime that it would wake, are the parent's.
            std::mem::forget(self.shared.clone());
        } else {
            drop(self.shared.close());
        }
    }
}

impl Shared {
    /// Drives the connection in the calling coroutine, so that what was queued is written now.
    fn drive(&self) {
        let waker = self.waker.borrow().clone();
        let _ = self.poll_drive(&mut Context::from_waker(&waker));
    }

    /// Ready once the connection has ended.
    fn poll_drive(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(mut driver) = self.driver.take() else { return Poll::Ready(()) };
        let mut result = Pin::new(&mut driver.connection).poll(cx);
        while let Poll::Ready(Some(())) = driver.responses.poll_next_unpin(cx) {}
        if let Some(pings) = &mut driver.pings
            && driver.pinged
            && pings.poll_pong(cx).is_ready()
        {
            driver.pinged = false;
        }
        if result.is_pending() {
            // Windows that were opened and streams that were reset.
            result = Pin::new(&mut driver.connection).poll(cx);
        }
        let Poll::Ready(result) = result else {
            self.driver.replace(Some(driver));
            return Poll::Pending;
        };
        while let Poll::Ready(Some(())) = driver.responses.poll_next_unpin(cx) {}
        let failure = self.failure_at_end(result);
        self.inbox.borrow_mut().close(failure);
        drop(self.sender.take());
        Poll::Ready(())
    }

    /// Why the connection has ended.
    fn failure_at_end(&self, result: Result<(), h2::Error>) -> Failure {
        let observed = self.observed.borrow();
        if let Some(is_http1) = observed.other_protocol {
            return no_http2(&self.peer, is_http1);
        }
        match (result, &observed.goaway) {
            (_, Some((_, code, debug_data))) if *code != 0 => {
                let reason = Reason::from(*code);
                let mut message =
                    format!("{} has ended the connection: {reason:?}, {}", self.peer, reason.description());
                if !debug_data.is_empty() {
                    message = format!("{message} ({})", String::from_utf8_lossy(debug_data));
                }
                Failure { code: *code as i32, message }
            }
            (Err(e), _) => failure_of(&e, &self.peer),
            (Ok(()), _) => connection_lost(&self.peer),
        }
    }

    /// Ends it from this side; returns the coroutines that waited.
    fn close(&self) -> Vec<(u64, u64)> {
        let failure = Failure { code: libc::ECANCELED, message: "the connection was closed".to_owned() };
        let waiters = {
            let mut inbox = self.inbox.borrow_mut();
            let waiters = inbox.close(failure);
            inbox.clear();
            waiters
        };
        drop(self.sender.take());
        if let Some(mut driver) = self.driver.take() {
            driver.responses.clear();
            // Writes a GOAWAY and what else fits, without waiting.
            let _ = Pin::new(&mut driver.connection).poll(&mut Context::from_waker(Waker::noop()));
        }
        self.waker.borrow().wake_by_ref();
        waiters
    }

    async fn send(self: Rc<Self>, request: OutgoingRequest<impl AsRef<[u8]>>) -> Result<u32, Failure> {
        let turn = self.opening.lock().await;
        self.opened().await?;
        let ends = !request.is_open && request.body.as_ref().is_empty();
        let opened = match &mut *self.sender.borrow_mut() {
            Some(sender) => sender.send_request(request.head, ends),
            None => return Err(self.closed_failure()),
        };
        let (response, stream) = opened.map_err(|e| self.failure_now(&e))?;
        let id = response.stream_id().as_u32();
        self.next_stream_id.set(id + 2);
        let stream = Rc::new(SendHalf::new(stream));
        self.inbox.borrow_mut().add_stream(id, request.parts, stream.clone(), request.is_open);
        if let Some(driver) = &mut *self.driver.borrow_mut() {
            driver.responses.push(Box::pin(self.clone().read_response(id, response)));
        }
        self.drive();
        let mut incomplete = ResetOnDrop { shared: &self, id, body: Some(stream.clone()) };
        // A stream of h2 has one waker: before the stream is opened, the next request would take the one of its body. An error
        // is that of sending the body, or of the response.
        let _ = self.opened().await;
        drop(turn);
        let body = request.body.as_ref();
        let mut sent = Ok(());
        if !(ends || body.is_empty() && request.is_open) {
            sent = stream.send(&mut *stream.lock().await, body, !request.is_open, || self.drive()).await;
        }
        incomplete.body = None;
        if sent.is_err() && self.inbox.borrow().closed().is_some() {
            return Err(self.closed_failure());
        }
        Ok(id)
    }

    /// Waits until the peer's limit of concurrent streams admits the last request that was sent.
    async fn opened(&self) -> Result<(), Failure> {
        poll_fn(|cx| match &mut *self.sender.borrow_mut() {
            Some(sender) => sender.poll_ready(cx).map_err(|e| self.failure_now(&e)),
            None => Poll::Ready(Err(self.closed_failure())),
        })
        .await
    }

    /// Reads a response into the inbox.
    async fn read_response(self: Rc<Self>, id: u32, response: ResponseFuture) {
        let result = self.read_stream(id, response).await;
        let mut inbox = self.inbox.borrow_mut();
        match result {
            Ok(trailers) => inbox.end_stream(id, trailers, None),
            Err(e) if e.is_go_away() && e.is_remote() && e.reason() == Some(Reason::NO_ERROR) => {
                // The peer has not looked at it (RFC 9113 section 6.8): it can be sent again elsewhere.
                inbox.end_stream(id, None, Some(Reason::REFUSED_STREAM.into()));
            }
            // The connection's end takes them all.
            Err(e) if e.is_io() || e.is_go_away() => {}
            Err(e) => {
                let code = e.reason().unwrap_or(Reason::INTERNAL_ERROR);
                inbox.end_stream(id, None, Some(code.into()));
            }
        }
    }

    async fn read_stream(&self, id: u32, response: ResponseFuture) -> Result<Option<HeaderMap>, h2::Error> {
        let (head, mut body) = response.await?.into_parts();
        self.inbox.borrow_mut().set_head(id, head.status.as_u16(), head.headers);
        while !body.is_end_stream() {
            poll_fn(|cx| self.inbox.borrow_mut().poll_room(id, cx)).await;
            let Some(data) = body.data().await else { return body.trailers().await };
            let data = data?;
            if !self.inbox.borrow_mut().add_data(id, &data, self.settings.max_body) {
                return Err(Reason::CANCEL.into());
            }
            body.flow_control().release_capacity(data.len())?;
        }
        Ok(None)
    }

    fn closed_failure(&self) -> Failure {
        self.inbox.borrow().closed().cloned().unwrap_or_else(|| connection_lost(&self.peer))
    }

    /// The reason why the connection has ended if it has, else the error.
    fn failure_now(&self, error: &h2::Error) -> Failure {
        self.inbox.borrow().closed().cloned().unwrap_or_else(|| failure_of(error, &self.peer))
    }
}

/// A coroutine that waits for the peer: responses are read meanwhile, however long they are.
struct Demand<'a>(&'a Shared);

impl<'a> Demand<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.inbox.borrow_mut().add_demand();
        Demand(shared)
    }
}

impl Drop for Demand<'_> {
    fn drop(&mut self) {
        self.0.inbox.borrow_mut().remove_demand();
    }
}

/// Resets a stream whose request is not sent to its end because the wait has ended: the peer must not take it for whole.
struct ResetOnDrop<'a> {
    shared: &'a Shared,
    id: u32,
    body: Option<Rc<SendHalf>>,
}

impl Drop for ResetOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            body.reset(Reason::CANCEL);
            drop(self.shared.inbox.borrow_mut().remove_stream(self.id));
            self.shared.waker.borrow().wake_by_ref();
        }
    }
}
