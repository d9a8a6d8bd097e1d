//! The order of answers: what a connection asks while an earlier request of it has no whole answer is kept here.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::{ConnectionEvent, Flow, Handler, SessionId};
use swoosh::http::TempFile;

/// What waits for the answer of an earlier request of its connection.
enum Held {
    Request(ConnectionEvent, Rc<Vec<u8>>, Option<Rc<TempFile>>),
    Refusal(u16),
}

thread_local! {
    /// By connection: its request has no whole answer yet.
    static HELD: RefCell<HashMap<u64, VecDeque<Held>>> = RefCell::default();
    /// What may be handled now, in order.
    static READY: RefCell<VecDeque<(u64, Held)>> = const { RefCell::new(VecDeque::new()) };
    static HOLDS: Cell<bool> = const { Cell::new(false) };
}

/// From here on requests of the connection are kept until its answer is whole.
pub fn begin_holding(session: u64) {
    HOLDS.set(true);
    HELD.with_borrow_mut(|held| {
        held.entry(session).or_default();
    });
}

/// Keeps a request for later, where an earlier one of its connection has no whole answer; `false`: its turn is now.
/// `keep` gives its bytes, for as long as they are kept.
pub fn holds_request(
    event: &ConnectionEvent,
    keep: impl FnOnce() -> Rc<Vec<u8>>,
    stored: &Option<Rc<TempFile>>,
) -> bool {
    HOLDS.get() && hold(event.session.0, || Held::Request(*event, keep(), stored.clone()))
}

/// Keeps something for later, where a request of the connection has no whole answer.
fn hold(session: u64, what: impl FnOnce() -> Held) -> bool {
    HELD.with_borrow_mut(|held| held.get_mut(&session).map(|queue| queue.push_back(what())).is_some())
}

/// The answer of a connection's request is whole: what it asked meanwhile is next.
pub fn answered(session: u64) {
    if !HOLDS.get() {
        return;
    }
    let next = HELD.with_borrow_mut(|held| held.remove(&session));
    let Some(mut queue) = next else { return };
    READY.with_borrow_mut(|ready| ready.extend(queue.drain(..).map(|held| (session, held))));
}

/// A connection is gone, and what it asked with it.
pub fn closed(session: u64) {
    if HOLDS.get() {
        let gone = HELD.with_borrow_mut(|held| held.remove(&session));
        READY.with_borrow_mut(|ready| ready.retain(|(of, _)| *of != session));
        drop(gone);
    }
}

/// A refusal; `false` where its turn is now.
pub fn holds_refusal(session: u64, status: u16) -> bool {
    HOLDS.get() && hold(session, || Held::Refusal(status))
}

/// Handles what has waited long enough.
pub fn turn(handler: &dyn Handler, node: &Context) -> Flow {
    if !HOLDS.get() {
        return Ok(());
    }
    while node.has_room_for_request()
        && let Some((session, next)) = READY.with_borrow_mut(VecDeque::pop_front)
    {
        match next {
            Held::Request(event, data, None) => handler.receive(node, &event, &data)?,
            Held::Request(event, head, Some(body)) => handler.receive_stored(node, &event, &head, body)?,
            // One of those before may hold it again.
            Held::Refusal(status) if holds_refusal(session, status) => {}
            Held::Refusal(status) => node.refuse_request(SessionId(session), status),
        }
    }
    HOLDS.set(!HELD.with_borrow(HashMap::is_empty) || !READY.with_borrow(VecDeque::is_empty));
    Ok(())
}
