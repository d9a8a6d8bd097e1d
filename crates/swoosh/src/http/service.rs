//! From a worker's packets to the handler, and their order.
//!
//! Runs in: workers, inside their event loop. A handler that does not wait runs at once and costs no task; one that waits
//! goes on as a task, and what its connection asks meanwhile is held.

use super::compress::Rules;
use super::files::{self, Files};
use super::request::Request;
use super::response::Response;
use super::websocket::Socket;
use crate::context::Context;
use crate::handler::Outcome;
use crate::handler::{ConnectionEvent, SessionId};
use crate::proto::http1::request::{Request as Parsed, header_buffer};
use crate::request::pipeline::Pipeline;
use crate::sys::temp_file::TempFile;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;
use tokio::runtime::Handle;

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// The server's code, with what one process knows of its connections.
pub(crate) struct Service {
    handler: Box<dyn Fn(Request, Response) -> Work>,
    files: Option<Arc<Files>>,
    pub(super) rules: Rules,
    deadline: Option<Duration>,
    pub(super) websocket_compression: bool,
    /// What is said where a handler is dropped before it has said anything.
    pub(super) fallback: Cell<u16>,
    /// The order of replies on each connection.
    pipeline: RefCell<Pipeline<Queued>>,
    sockets: RefCell<HashMap<SessionId, Rc<Socket>>>,
}

/// A request behind an unanswered one.
enum Queued {
    Request(ConnectionEvent, Vec<u8>, Option<Rc<TempFile>>),
    Refusal(u16),
}

impl Service {
    /// With that code.
    pub fn new<H, R>(
        handler: H,
        files: Option<Files>,
        rules: Rules,
        deadline: Option<Duration>,
        websocket_compression: bool,
    ) -> Rc<Self>
    where
        H: AsyncFn(Request, &mut Response) -> R + 'static,
        R: Outcome,
    {
        let handler = Rc::new(handler);
        let handler = move |request: Request, mut response: Response| -> Work {
            let handler = handler.clone();
            Box::pin(async move {
                let outcome = handler(request, &mut response).await;
                response.finish(outcome.failed());
                outcome.settle("request");
            })
        };
        Rc::new(Service {
            handler: Box::new(handler),
            files: files.map(Arc::new),
            rules,
            deadline,
            websocket_compression,
            fallback: Cell::new(500),
            pipeline: RefCell::default(),
            sockets: RefCell::default(),
        })
    }

    /// What it serves without its code.
    pub fn files(&self) -> Option<Arc<Files>> {
        self.files.clone()
    }

    /// A packet: a whole request, or a frame; `stored`: a request's body, where it is not in `data`.
    pub fn receive(
        self: &Rc<Self>,
        node: &Context,
        event: &ConnectionEvent,
        data: &[u8],
        stored: Option<Rc<TempFile>>,
    ) {
        if node.was_websocket(event.session) {
            let socket = self.sockets.borrow().get(&event.session).cloned();
            if let Some(socket) = socket {
                socket.receive(node, event, data);
            }
            return;
        }
        let queued = || Queued::Request(*event, data.to_vec(), stored.clone());
        if self.pipeline.borrow_mut().enqueue(event.session, queued).is_some() {
            return;
        }
        if !self.serve(node, event, data, stored) {
            self.pipeline.borrow_mut().begin(event.session);
        }
    }

    /// A request that is refused with a status, in its turn.
    pub fn refuse(&self, node: &Context, event: &ConnectionEvent, status: u16) {
        let queued = self.pipeline.borrow_mut().enqueue(event.session, || Queued::Refusal(status));
        if queued.is_none() {
            node.refuse_request(event.session, status);
        }
    }

    /// A connection is gone, and what it asked with it.
    pub fn closed(&self, session: SessionId) {
        self.pipeline.borrow_mut().clear(session);
        let socket = self.sockets.borrow_mut().remove(&session);
        if let Some(socket) = socket {
            socket.close();
        }
    }

    /// A connection that speaks WebSocket from here on.
    pub(super) fn open_socket(&self, session: SessionId, max: u64) -> Rc<Socket> {
        let socket = Rc::new(Socket::new(max));
        self.sockets.borrow_mut().insert(session, socket.clone());
        socket
    }

    /// Handles one request; `false`: its handler waits, and goes on by itself.
    fn serve(
        self: &Rc<Self>,
        node: &Context,
        event: &ConnectionEvent,
        data: &[u8],
        stored: Option<Rc<TempFile>>,
    ) -> bool {
        if let Some(files) = &self.files
            && !node.has_no_file()
        {
            let mut fields = header_buffer();
            if let Some((parsed, headers)) = Parsed::parse(data, &mut fields)
                && files::serve(node, files, event.session, &parsed, headers)
            {
                return true;
            }
        }
        let Some((request, head)) = Request::new(data, stored, event.session) else {
            node.refuse_request(event.session, 400);
            return true;
        };
        node.begin_request(event.session);
        let longest = node.state().ports[event.port].config.package_max_length;
        let response = Response::new(node, self, &request, &head, longest);
        let mut work = (self.handler)(request, response);
        // Whoever waits is polled again as a task, by which it is woken.
        // A worker of base mode is mostly inside its event loop already.
        let runtime = Handle::try_current().is_err().then(|| node.runtime());
        let _entered = runtime.as_ref().and_then(|runtime| runtime.as_ref().ok()).map(|runtime| runtime.enter());
        if work.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) == Poll::Ready(()) {
            return true;
        }
        let (service, own, session) = (self.clone(), node.clone(), event.session);
        node.spawn(async move {
            service.finish(work, &own, session).await;
            service.go_on(&own, session);
        });
        false
    }

    /// Waits for a handler as long as it may take.
    async fn finish(&self, mut work: Work, node: &Context, session: SessionId) {
        let Some(limit) = self.deadline else { return work.await };
        if tokio::time::timeout(limit, &mut work).await.is_ok() {
            return;
        }
        if node.was_websocket(session) {
            return work.await;
        }
        crate::log::notice!("a request of connection {} took longer than its deadline", session.0);
        // The answer is given as the handler is dropped.
        self.fallback.set(504);
        drop(work);
        self.fallback.set(500);
    }

    /// What a connection asked meanwhile, until a handler waits again.
    fn go_on(self: &Rc<Self>, node: &Context, session: SessionId) {
        loop {
            let next = self.pipeline.borrow_mut().next(session);
            match next {
                Some(Queued::Request(event, data, stored)) => {
                    if !self.serve(node, &event, &data, stored) {
                        return;
                    }
                }
                Some(Queued::Refusal(status)) => node.refuse_request(session, status),
                None => return,
            }
        }
    }
}
