//! The protocol and the task that drives it.

use super::transport::{Transport, peer_name};
use crate::coroutine::http2::Http2Settings;
use crate::coroutine::socket::CoroutineSocket;
use crate::runtime::reactor;
use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Connection, Handshake, SendResponse};
use http::Request;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use swoosh::log;
use swoosh::proto::http2::guard::FrameGuard;

/// A request, and what sends its response.
pub(super) type Incoming = (Request<RecvStream>, SendResponse<Bytes>);

/// A connection, shared with its task and its streams.
pub(super) struct Shared {
    pub(super) link: Rc<CoroutineSocket>,
    /// Taken out while it is polled.
    state: RefCell<State>,
    /// Of the task that drives the connection.
    waker: RefCell<Waker>,
    incoming: RefCell<VecDeque<Incoming>>,
    /// The coroutine that waits for a stream.
    acceptor: RefCell<Option<Waker>>,
    last_stream: Rc<Cell<u32>>,
    /// Streams that are accepted and not dropped.
    pub(super) open: Cell<usize>,
}

enum State {
    Preface(Handshake<Transport, Bytes>),
    Open(Connection<Transport, Bytes>),
    Ended,
}

impl Shared {
    /// Drives the connection in the calling coroutine, so that what was queued is written now.
    pub(super) fn drive(&self) {
        let waker = self.waker.borrow().clone();
        let _ = self.poll_drive(&mut Context::from_waker(&waker));
    }

    /// Ready once the connection has ended.
    fn poll_drive(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Ok(mut borrowed) = self.state.try_borrow_mut() else { return Poll::Pending };
        let mut state = std::mem::replace(&mut *borrowed, State::Ended);
        let ended = loop {
            match &mut state {
                State::Preface(handshake) => match Pin::new(handshake).poll(cx) {
                    Poll::Ready(Ok(connection)) => state = State::Open(connection),
                    Poll::Ready(Err(e)) => {
                        self.log_end(&e);
                        break true;
                    }
                    Poll::Pending => break false,
                },
                State::Open(connection) => match connection.poll_accept(cx) {
                    Poll::Ready(Some(Ok((request, respond)))) => {
                        self.last_stream.set(respond.stream_id().as_u32());
                        self.incoming.borrow_mut().push_back((request, respond));
                        self.wake_acceptor();
                    }
                    Poll::Ready(Some(Err(e))) => {
                        self.log_end(&e);
                        break true;
                    }
                    Poll::Ready(None) => break true,
                    Poll::Pending => break false,
                },
                State::Ended => break true,
            }
        };
        if ended {
            drop(borrowed);
            drop(state);
            self.incoming.take();
            self.wake_acceptor();
            return Poll::Ready(());
        }
        *borrowed = state;
        Poll::Pending
    }

    /// Logs why the connection has ended. A client that is gone is no fault.
    fn log_end(&self, error: &h2::Error) {
        let peer = peer_name(&self.link);
        match error.reason() {
            _ if error.is_io() => log::debug!("HTTP/2 connection from {peer} is closed: {error}"),
            Some(reason) if self.last_stream.get() == 0 => {
                log::info!("HTTP/2 connection from {peer} is closed: {reason:?} before its first request");
            }
            _ => log::info!("HTTP/2 connection from {peer} is closed: {error}"),
        }
    }

    fn wake_acceptor(&self) {
        if let Some(waker) = self.acceptor.take() {
            waker.wake();
        }
    }

    /// A connection before the client's preface, with a task that drives it.
    ///
    /// # Errors
    /// There is no event loop.
    pub(super) fn begin(link: Rc<CoroutineSocket>, settings: &Http2Settings) -> io::Result<Rc<Self>> {
        let last_stream = Rc::new(Cell::new(0));
        let guard = FrameGuard::new(settings.local.max_frame_size, settings.local.max_header_list_size);
        let transport = Transport::new(link.clone(), guard, last_stream.clone());
        let shared = Rc::new(Shared {
            link,
            state: RefCell::new(State::Preface(settings.server_builder().handshake(transport))),
            waker: RefCell::new(Waker::noop().clone()),
            incoming: RefCell::default(),
            acceptor: RefCell::default(),
            last_stream,
            open: Cell::new(0),
        });
        let task = shared.clone();
        reactor::spawn_local(poll_fn(move |cx| {
            task.waker.borrow_mut().clone_from(cx.waker());
            task.poll_drive(cx)
        }))?;
        Ok(shared)
    }

    /// Ready with the next stream; `None` once the connection has ended.
    pub(super) fn poll_incoming(&self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        if let Some(stream) = self.incoming.borrow_mut().pop_front() {
            return Poll::Ready(Some(stream));
        }
        if matches!(&*self.state.borrow(), State::Ended) {
            return Poll::Ready(None);
        }
        *self.acceptor.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Accepts no further stream; ends after those that are open.
    pub(super) fn shut_down(&self) {
        match &mut *self.state.borrow_mut() {
            State::Open(connection) => connection.graceful_shutdown(),
            state => *state = State::Ended,
        }
        self.drive();
        self.wake_acceptor();
    }

    /// Ends now. The socket is left open.
    pub(super) fn end(&self) {
        let state = std::mem::replace(&mut *self.state.borrow_mut(), State::Ended);
        if let State::Open(mut connection) = state {
            connection.abrupt_shutdown(h2::Reason::NO_ERROR);
            // Writes what fits, without waiting.
            let _ = connection.poll_closed(&mut Context::from_waker(Waker::noop()));
        }
        self.incoming.take();
        self.wake_acceptor();
        self.waker.borrow().wake_by_ref();
    }
}
