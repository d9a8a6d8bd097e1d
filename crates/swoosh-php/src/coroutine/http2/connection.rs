//! Connecting, sending, receiving, closing.

use super::failure::{Failure, connection_lost, failure_of, outcome};
use super::inbox::{Delivery, Want, run_waiters};
use super::outgoing::OutgoingRequest;
use super::settings::Http2Settings;
use super::shared::{Demand, Driver, ResetOnDrop, Shared};
use super::transport::{Observed, Transport};
use crate::coroutine::scheduler::expect_current;
use crate::coroutine::socket::CoroutineSocket;
use crate::coroutine::types::WaitKind;
use crate::coroutine::wait::{self, WaitOutcome};
use crate::runtime::reactor;
use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;
use swoosh::proto::http2::{PeerSettings, goaway};
use swoosh_zend::{PhpResult, runtime};
use tokio::sync::Mutex;

/// A connection. Dropping it closes it.
pub struct Http2Connection {
    shared: Rc<Shared>,
    generation: u32,
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
            Ok(()) => {
                if let Some(keepalive) = settings.keepalive {
                    // The event loop runs: the task above was started.
                    let _ = reactor::spawn_local(keepalive.watch(Rc::downgrade(&shared)));
                }
                Ok(Ok(Http2Connection { shared, generation: runtime::generation() }))
            }
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
        let no_stream = || Failure { code: libc::ECANCELED, message: "the stream was reset by this side".to_owned() };
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
        self.shared.ping();
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
        self.shared.stream_count()
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
