//! Dispatches requests to the handler, in order for each connection.
//!
//! Runs in: workers, inside their event loop. A handler that does not wait runs without a task; one that waits continues in a
//! task, and further requests of its connection are queued meanwhile.

use super::compress::Rules;
use super::request::Request;
use super::request_parts::RequestParts;
use super::response::Response;
use super::serve_file::serve_file;
use super::shared::Shared;
use crate::context::Context;
use crate::handler::Outcome;
use crate::handler::{ConnectionEvent, SessionId};
use crate::proto::http1::head_index;
use crate::proto::http1::request::field_buffer;
use crate::request::pipeline::Pipeline;
use crate::server::HttpService;
use crate::static_files::Files;
use crate::sys::temp_file::TempFile;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;
use tokio::runtime::Handle;

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// The server's handler, and the state of its connections in one process.
pub(super) struct Service {
    handler: Box<dyn Fn(Request, Response) -> Work>,
    files: Option<Arc<Files>>,
    shared: Rc<Shared>,
    deadline: Option<Duration>,
    /// The order of responses on each connection.
    pipeline: RefCell<Pipeline<Queued>>,
}

/// A request that waits for the response of an earlier one.
enum Queued {
    Request(ConnectionEvent, Vec<u8>, Option<Rc<TempFile>>),
    Refusal(u16),
}

impl HttpService for Service {
    fn files(&self) -> Option<Arc<Files>> {
        self.files.clone()
    }

    fn receive(self: Rc<Self>, node: &Context, event: &ConnectionEvent, data: &[u8], stored: Option<Rc<TempFile>>) {
        if RequestParts::take_packet(node, event.session, data) {
            return;
        }
        #[cfg(feature = "websocket")]
        if node.was_websocket(event.session) {
            let socket = self.shared.socket(event.session);
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

    fn refuse(&self, node: &Context, event: &ConnectionEvent, status: u16) {
        let queued = self.pipeline.borrow_mut().enqueue(event.session, || Queued::Refusal(status));
        if queued.is_none() {
            node.refuse_request(event.session, status);
        }
    }

    fn closed(&self, session: SessionId) {
        self.pipeline.borrow_mut().clear(session);
        #[cfg(feature = "websocket")]
        self.shared.close_socket(session);
    }
}

impl Service {
    /// A service with that handler.
    pub(super) fn new<H, R>(
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
            shared: Rc::new(Shared::new(rules, websocket_compression)),
            deadline,
            pipeline: RefCell::default(),
        })
    }

    /// Handles one request; false if its handler waits and continues in a task.
    fn serve(
        self: &Rc<Self>,
        node: &Context,
        event: &ConnectionEvent,
        data: &[u8],
        stored: Option<Rc<TempFile>>,
    ) -> bool {
        let index = node.head_index(data);
        if let Some(files) = &self.files
            && !node.has_no_file()
        {
            let mut fields = field_buffer();
            if let Some((parsed, headers)) = head_index::parse(data, index.as_deref(), &mut fields)
                && serve_file(node, files, event.session, &parsed, headers)
            {
                return true;
            }
        }
        let parts = RequestParts::begin(node, event.session);
        let Some((request, mode)) = Request::new(data, index.as_deref(), stored, event.session, parts) else {
            node.refuse_request(event.session, 400);
            return true;
        };
        node.begin_request(event.session);
        let max_message = node.state().ports()[event.port].config().package_max_length;
        let response = Response::new(node, &self.shared, &request, mode, max_message);
        let mut work = (self.handler)(request, response);
        // A handler that waits is polled again by its task, so this poll needs no waker. A worker of base mode is usually
        // inside its runtime already.
        let runtime = Handle::try_current().is_err().then(|| node.runtime());
        let _entered = runtime.as_ref().and_then(|runtime| runtime.as_ref().ok()).map(|runtime| runtime.enter());
        if work.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) == Poll::Ready(()) {
            return true;
        }
        let (service, own, session) = (self.clone(), node.clone(), event.session);
        let request = node.keep_request();
        node.spawn(async move {
            service.finish(work, &own, session).await;
            drop(request);
            service.handle_queued(&own, session);
        });
        false
    }

    /// Runs a handler to its end, or to its deadline.
    async fn finish(&self, mut work: Work, node: &Context, session: SessionId) {
        let Some(limit) = self.deadline else { return work.await };
        if tokio::time::timeout(limit, &mut work).await.is_ok() {
            return;
        }
        if node.was_websocket(session) {
            return work.await;
        }
        crate::log::notice!("connection {}: request deadline exceeded", session.0);
        // Dropping the handler sends the response.
        self.shared.fallback.set(504);
        drop(work);
        self.shared.fallback.set(500);
    }

    /// Handles the queued requests of a connection until a handler waits again.
    fn handle_queued(self: &Rc<Self>, node: &Context, session: SessionId) {
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
