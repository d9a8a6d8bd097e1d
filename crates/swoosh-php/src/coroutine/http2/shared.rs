//! The state of a connection that its coroutines and tasks share, and the task that drives the protocol.

use super::failure::{Failure, connection_lost, failure_of, no_http2};
use super::inbox::Inbox;
use super::keepalive::Watched;
use super::outgoing::OutgoingRequest;
use super::send_half::SendHalf;
use super::settings::Http2Settings;
use super::transport::{Observed, Transport};
use crate::coroutine::socket::CoroutineSocket;
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
use std::time::Instant;
use tokio::sync::Mutex;

pub(super) struct Shared {
    pub(super) link: Rc<CoroutineSocket>,
    /// The server, for messages.
    pub(super) peer: String,
    pub(super) settings: Http2Settings,
    pub(super) inbox: RefCell<Inbox>,
    pub(super) observed: Rc<RefCell<Observed>>,
    pub(super) sender: RefCell<Option<SendRequest<Bytes>>>,
    /// Coroutines that send take turns at opening a stream, in which they may wait for the peer's limit.
    pub(super) opening: Mutex<()>,
    /// Taken out while it is polled; `None` once the connection has ended.
    pub(super) driver: RefCell<Option<Driver>>,
    /// Of the task that drives the connection.
    pub(super) waker: RefCell<Waker>,
    pub(super) next_stream_id: Cell<u32>,
}

/// The protocol, and the tasks that read responses.
pub(super) struct Driver {
    pub(super) connection: Connection<Transport, Bytes>,
    pub(super) pings: Option<PingPong>,
    /// A ping without its answer.
    pub(super) pinged: bool,
    pub(super) responses: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Shared {
    /// Drives the connection in the calling coroutine, so that what was queued is written now.
    pub(super) fn drive(&self) {
        let waker = self.waker.borrow().clone();
        let _ = self.poll_drive(&mut Context::from_waker(&waker));
    }

    /// Sends a PING, unless one is on its way already.
    pub(super) fn ping(&self) {
        if let Some(driver) = &mut *self.driver.borrow_mut()
            && let Some(pings) = &mut driver.pings
            && !driver.pinged
        {
            driver.pinged = pings.send_ping(Ping::opaque()).is_ok();
        }
        self.drive();
    }

    /// Streams whose response was not taken to its end.
    pub(super) fn stream_count(&self) -> usize {
        self.inbox.borrow().stream_count()
    }

    /// Ready once the connection has ended.
    pub(super) fn poll_drive(&self, cx: &mut Context<'_>) -> Poll<()> {
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
    pub(super) fn close(&self) -> Vec<(u64, u64)> {
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

    pub(super) async fn send(self: Rc<Self>, request: OutgoingRequest<impl AsRef<[u8]>>) -> Result<u32, Failure> {
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

impl Watched for Shared {
    fn has_ended(&self) -> bool {
        self.inbox.borrow().closed().is_some()
    }

    fn stream_count(&self) -> usize {
        Shared::stream_count(self)
    }

    fn last_received(&self) -> Instant {
        self.observed.borrow().last_received
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn ping(&self) {
        Shared::ping(self);
    }

    fn drive(&self) {
        Shared::drive(self);
    }

    fn fail(&self, failure: Failure) {
        drop(self.inbox.borrow_mut().close(failure));
        drop((self.sender.take(), self.driver.take()));
        self.waker.borrow().wake_by_ref();
    }
}

/// A coroutine that waits for the peer: responses are read meanwhile, however long they are.
pub(super) struct Demand<'a>(&'a Shared);

impl<'a> Demand<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
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
pub(super) struct ResetOnDrop<'a> {
    pub(super) shared: &'a Shared,
    pub(super) id: u32,
    pub(super) body: Option<Rc<SendHalf>>,
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
