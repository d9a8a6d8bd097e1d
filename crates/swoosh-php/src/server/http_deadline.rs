//! `request_deadline`: how long the callback of a request may take until its answer is whole.
//!
//! Runs in: workers, between two waits of their loop. Whoever is late is answered 504, and its coroutine is cancelled
//! where it waits. A coroutine that never waits is not late before it does.

use super::http_order;
use super::state::State;
use crate::coroutine;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh::sys::clock;
use swoosh::timer::{TimerId, TimerWheel};
use swoosh_zend::PhpResult;

/// A request that has a deadline, for its response and for the clock.
pub struct Deadline {
    session: SessionId,
    /// The coroutine that was begun for it.
    coroutine: u64,
    /// Its answer ends where the connection does.
    until_closed: bool,
    timer: Cell<Option<TimerId>>,
    begun: Cell<bool>,
    over: Cell<bool>,
}

thread_local! {
    static WHEEL: RefCell<Option<TimerWheel<Rc<Deadline>>>> = const { RefCell::new(None) };
}

/// A deadline for a request whose coroutine is the next one to be created.
pub fn begin(session: SessionId, limit: Duration, until_closed: bool) -> Rc<Deadline> {
    let deadline = Rc::new(Deadline {
        session,
        coroutine: coroutine::last_id() + 1,
        until_closed,
        timer: Cell::new(None),
        begun: Cell::new(false),
        over: Cell::new(false),
    });
    let now = clock::monotonic_ms();
    let timer = WHEEL.with_borrow_mut(|wheel| {
        let wheel = wheel.get_or_insert_with(|| TimerWheel::new(now));
        wheel.after(now, limit.as_millis() as u64, deadline.clone())
    });
    deadline.timer.set(Some(timer));
    deadline
}

impl Deadline {
    /// Some of the answer is sent.
    pub fn answer_begun(&self) {
        self.begun.set(true);
    }

    /// The answer is whole, or somebody else's to give.
    pub fn met(&self) {
        if let Some(timer) = self.timer.take() {
            let held = WHEEL.with_borrow_mut(|wheel| wheel.as_mut().and_then(|wheel| wheel.cancel(timer).ok()));
            drop(held);
        }
    }

    /// Whether it has passed: the answer was given here.
    pub fn is_over(&self) -> bool {
        self.over.get()
    }

    fn pass(&self, node: &Context) -> PhpResult<()> {
        self.timer.set(None);
        self.over.set(true);
        swoosh::log::notice!("a request of connection {} took longer than its deadline", self.session.0);
        if node.exists(self.session) {
            node.end_request(self.session);
            if self.begun.get() {
                // An answer that ends with its connection would look whole, if that ended in order.
                let _ = node.close(self.session, self.until_closed);
            } else {
                node.refuse_request(self.session, 504);
            }
            http_order::answered(self.session.0);
        }
        coroutine::abandon(self.coroutine)
    }
}

/// Answers for every request whose deadline has passed.
pub fn run_due(node: &Context) -> PhpResult<()> {
    let now = clock::monotonic_ms();
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

/// How long the loop may sleep before the next one.
pub fn sleep_limit() -> Option<Duration> {
    let next = WHEEL.with_borrow(|wheel| wheel.as_ref().and_then(TimerWheel::next_deadline))?;
    Some(Duration::from_millis(next.saturating_sub(clock::monotonic_ms())))
}

/// A worker starts: says, once for the server, where the setting cannot do anything.
pub fn tell_of_effect(state: &State, node: &Context, apart: bool) {
    let is_set = state.http.get().is_some_and(|config| config.deadline.is_some());
    if is_set && !apart && node.worker_id().is_some_and(|id| id.0 == 0) {
        swoosh::log::warn!("request_deadline has no effect: callbacks run in coroutines only with enable_coroutine");
    }
}
