//! Objects of libraries, such as database connections, that one coroutine at a time may use.

use crate::coroutine::{self, WaitKind, WakeReason};
use crate::runtime::reactor;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

/// An object that is in use.
struct Use {
    /// The coroutine that uses it, and how many of its calls do.
    user: u64,
    depth: usize,
    /// The waiting coroutines and the tokens that wake them.
    waiters: VecDeque<(u64, u64)>,
}

thread_local! {
    /// The objects in use, by address.
    static USES: RefCell<HashMap<usize, Use>> = RefCell::default();
}

/// Waits until no other coroutine uses the object. False if the wait was cancelled; otherwise [`leave`] is called once the
/// use ends.
pub(super) fn enter(object: usize) -> bool {
    let Some(me) = coroutine::current() else { return true };
    loop {
        let token = me.next_token();
        let entered = USES.with_borrow_mut(|uses| match uses.get_mut(&object) {
            // In a forked child the coroutines of its parent do not exist.
            Some(other) if other.user != me.id() && coroutine::find(other.user).is_some() => {
                other.waiters.push_back((me.id(), token));
                false
            }
            Some(own) if own.user == me.id() => {
                own.depth += 1;
                true
            }
            _ => {
                uses.insert(object, Use { user: me.id(), depth: 1, waiters: VecDeque::new() });
                true
            }
        });
        if entered {
            return true;
        }
        let woken = me.wait(WaitKind::Io, None);
        USES.with_borrow_mut(|uses| {
            if let Some(other) = uses.get_mut(&object) {
                other.waiters.retain(|&(_, waiting)| waiting != token);
            }
        });
        if !matches!(woken, Ok(WakeReason::Done)) {
            return false;
        }
    }
}

/// Ends a use; wakes those who wait in the next tick of the event loop.
pub(super) fn leave(object: usize) {
    let waiters = USES.with_borrow_mut(|uses| {
        let own = uses.get_mut(&object).filter(|own| coroutine::current_id() == Some(own.user))?;
        own.depth -= 1;
        (own.depth == 0).then(|| uses.remove(&object)).flatten()
    });
    for (_, token) in waiters.into_iter().flat_map(|ended| ended.waiters) {
        reactor::wake(token);
    }
}
