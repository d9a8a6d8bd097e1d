//! Response order (HTTP pipelining): while a connection's response is incomplete, its later requests are queued in a
//! [`Pipeline`], the engine's own.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::{ConnectionEvent, Flow, Handler, SessionId};
use swoosh::http::TempFile;
use swoosh::request::pipeline::Pipeline;

/// An event queued behind an unfinished response of its connection.
enum Queued {
    Request(ConnectionEvent, Rc<Vec<u8>>, Option<Rc<TempFile>>),
    Refusal(u16),
}

thread_local! {
    /// The connections with an unfinished response, and the events behind it.
    static PIPELINE: RefCell<Pipeline<Queued>> = RefCell::default();
    /// Events whose connection is free again, in order of arrival.
    static READY: RefCell<VecDeque<(u64, Queued)>> = const { RefCell::new(VecDeque::new()) };
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
}

/// Queues the connection's later requests until [`response_complete`].
pub fn hold_requests(session: u64) {
    ACTIVE.set(true);
    PIPELINE.with_borrow_mut(|pipeline| pipeline.begin(SessionId(session)));
}

/// Queues a request behind an unfinished response; `false`: handle it now. `keep` is called only to queue it.
pub fn queue_request(
    event: &ConnectionEvent,
    keep: impl FnOnce() -> Rc<Vec<u8>>,
    stored: &Option<Rc<TempFile>>,
) -> bool {
    ACTIVE.get() && hold(event.session.0, || Queued::Request(*event, keep(), stored.clone()))
}

/// Queues an event if the connection has an unfinished response.
fn hold(session: u64, what: impl FnOnce() -> Queued) -> bool {
    PIPELINE.with_borrow_mut(|pipeline| pipeline.enqueue(SessionId(session), what).is_some())
}

/// The connection's response is complete: its queued events become ready.
pub fn response_complete(session: u64) {
    if !ACTIVE.get() {
        return;
    }
    let Some(queue) = PIPELINE.with_borrow_mut(|pipeline| pipeline.finish(SessionId(session))) else { return };
    READY.with_borrow_mut(|ready| ready.extend(queue.into_iter().map(|queued| (session, queued))));
}

/// Discards the queued events of a closed connection.
pub fn connection_closed(session: u64) {
    if ACTIVE.get() {
        let gone = PIPELINE.with_borrow_mut(|pipeline| pipeline.finish(SessionId(session)));
        READY.with_borrow_mut(|ready| ready.retain(|(of, _)| *of != session));
        drop(gone);
    }
}

/// Queues an error response behind an unfinished one; `false`: send it now.
pub fn queue_refusal(session: u64, status: u16) -> bool {
    ACTIVE.get() && hold(session, || Queued::Refusal(status))
}

/// Handles ready events while the worker accepts requests.
pub fn run_ready(handler: &dyn Handler, node: &Context) -> Flow {
    if !ACTIVE.get() {
        return Ok(());
    }
    while node.has_room_for_request()
        && let Some((session, next)) = READY.with_borrow_mut(VecDeque::pop_front)
    {
        match next {
            Queued::Request(event, data, None) => handler.receive(node, &event, &data)?,
            Queued::Request(event, head, Some(body)) => handler.receive_stored(node, &event, &head, body)?,
            // An earlier event of this loop may have left its response unfinished.
            Queued::Refusal(status) if queue_refusal(session, status) => {}
            Queued::Refusal(status) => node.refuse_request(SessionId(session), status),
        }
    }
    ACTIVE.set(!PIPELINE.with_borrow(Pipeline::is_empty) || !READY.with_borrow(VecDeque::is_empty));
    Ok(())
}
