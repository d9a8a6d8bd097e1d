//! `request_deadline`: the time limit from a request to its complete response.
//!
//! Runs in: workers, between two waits of their loop. A late request is answered with 504 and its coroutine is cancelled at
//! its wait. A coroutine that computes without waiting is cancelled when it next waits.

use crate::coroutine;
use crate::server::http::response_order;
use crate::server::state::PhpServer;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh::sys::clock;
use swoosh::timer::{TimerId, TimerWheel};
use swoosh_zend::PhpResult;

/// The deadline of one request, shared by its response and the timer wheel.
pub struct Deadline {
    session: SessionId,
    /// The coroutine that handles the request.
    coroutine: u64,
    /// HTTP/1.0: the end of the connection ends the body.
    until_closed: bool,
    timer: Cell<Option<TimerId>>,
    begun: Cell<bool>,
    over: Cell<bool>,
}

thread_local! {
    static WHEEL: RefCell<Option<TimerWheel<Rc<Deadline>>>> = const { RefCell::new(None) };
}

/// Starts the deadline of a request whose coroutine is the next one to be created.
pub fn begin(session: SessionId, limit: Duration, until_closed: bool) -> Rc<Deadline> {
    let deadline = Rc::new(Deadline {
        session,
        coroutine: coroutine::last_id() + 1,
        until_closed,
        timer: Cell::new(None),
        begun: Cell::new(false),
        over: Cell::new(false),
    });
    let now = clock::monotonic_nanos();
    let timer = WHEEL.with_borrow_mut(|wheel| {
        let wheel = wheel.get_or_insert_with(|| TimerWheel::new(now));
        wheel.after(now, limit, deadline.clone())
    });
    deadline.timer.set(Some(timer));
    deadline
}

impl Deadline {
    /// The response's head was sent.
    pub fn answer_begun(&self) {
        self.begun.set(true);
    }

    /// The response is complete or detached: cancels the timer.
    pub fn met(&self) {
        if let Some(timer) = self.timer.take() {
            let held = WHEEL.with_borrow_mut(|wheel| wheel.as_mut().and_then(|wheel| wheel.cancel(timer).ok()));
            drop(held);
        }
    }

    /// Whether the deadline expired, so that the response was ended here.
    pub fn is_over(&self) -> bool {
        self.over.get()
    }

    fn pass(&self, node: &Context) -> PhpResult<()> {
        self.timer.set(None);
        self.over.set(true);
        swoosh::log::notice!("connection {}: request deadline exceeded", self.session.0);
        if node.exists(self.session) {
            node.end_request(self.session);
            if self.begun.get() {
                // A body delimited by the connection's end must not look complete: reset instead of an orderly close.
                let _ = node.close(self.session, self.until_closed);
            } else {
                node.refuse_request(self.session, 504);
            }
            response_order::response_complete(self.session.0);
        }
        coroutine::abandon(self.coroutine)
    }
}

/// Ends every request whose deadline has passed.
pub fn run_due(node: &Context) -> PhpResult<()> {
    let now = clock::monotonic_nanos();
    loop {
        let late = WHEEL.with_borrow_mut(|wheel| {
            let wheel = wheel.as_mut().filter(|wheel| !wheel.is_empty())?;
            let due = wheel.next_due(now)?;
            wheel.finish(due.id)
        });
        match late {
            Some(late) => late.pass(node)?,
            None => return Ok(()),
        }
    }
}

/// Time until the next deadline.
pub fn sleep_limit() -> Option<Duration> {
    WHEEL.with_borrow(|wheel| wheel.as_ref()?.time_left(clock::monotonic_nanos))
}

/// Warns at the start of worker 0 if the setting has no effect.
pub fn warn_without_effect(state: &PhpServer, node: &Context, apart: bool) {
    let is_set = state.http().is_some_and(|config| config.deadline.is_some());
    if is_set && !apart && node.worker_id().is_some_and(|id| id.0 == 0) {
        swoosh::log::warn!("request_deadline has no effect: callbacks run in coroutines only with enable_coroutine");
    }
}
