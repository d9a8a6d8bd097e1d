//! Observing coroutines: counts, backtraces, stack usage.

use super::classes::CONTEXT;
use super::scheduler::{Coroutine, clone_cell, current, current_id, find, with};
use super::timers;
use super::types::{CoroutineState, WaitKind};
use std::rc::Rc;
use swoosh::sys::clock::monotonic_nanos;
use swoosh_zend::{Object, PhpResult, Zval, vm_state};

/// The ids of all live coroutines, in ascending order.
pub fn ids() -> Vec<u64> {
    with(|s| s.table.borrow().ids())
}

/// The running coroutine, or the callback that runs outside of coroutines, for a message.
pub fn running_name() -> String {
    current_id().map_or_else(|| "a callback".to_owned(), |id| format!("coroutine {id}"))
}

/// The number of live coroutines.
pub fn count() -> usize {
    with(|s| s.alive.get())
}

/// The largest number of coroutines that were alive at once.
pub fn peak() -> usize {
    with(|s| s.peak.get())
}

/// The id of the newest coroutine.
pub fn last_id() -> u64 {
    with(|s| s.last_id.get())
}

/// The number of unfinished callbacks of server events.
pub fn callbacks() -> usize {
    with(|s| s.callbacks.get())
}

/// How many coroutines are not over and can still end: callbacks of a server's events, and coroutines that wait for the
/// clock, a descriptor or another thread. The others wait for a coroutine or a value that nothing may ever bring.
pub fn unfinished() -> usize {
    let found = ids().into_iter().filter_map(find).filter(|coroutine| coroutine.is_unfinished()).count();
    // A wait in a channel may have a timeout.
    if found == 0 { timers::pending_waits() } else { found }
}

impl Coroutine {
    /// Whether it is a callback of a server's event, or waits for something outside of the program's coroutines.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_event || matches!(self.waits_for(), None | Some(WaitKind::Sleep | WaitKind::Io | WaitKind::Turn))
    }

    /// Whether its last wait was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Its last wait counts as cancelled, although it ended in another way.
    pub fn mark_cancelled(&self) {
        self.cancelled.set(true);
    }

    /// Milliseconds since it was created.
    pub fn elapsed(&self) -> u64 {
        monotonic_nanos().saturating_sub(self.created_at) / 1_000_000
    }

    /// Bytes of its native stack in use.
    pub fn stack_usage(&self) -> usize {
        let running = self.state.get() == CoroutineState::Running;
        self.stack.usage(running)
    }

    /// Its frames, in the format of `debug_backtrace`.
    pub fn backtrace(&self, options: i64, limit: i64) -> Zval {
        match self.state.get() {
            CoroutineState::Waiting(_) => self.stack.vm_state().backtrace(false, options, limit),
            // The state of a resumer is saved in the VM state of the coroutine it has resumed.
            CoroutineState::Resuming => match self.resumed() {
                Some(resumed) => resumed.stack.vm_state().backtrace(true, options, limit),
                None => Zval::from(swoosh_zend::Array::new()),
            },
            CoroutineState::Running | CoroutineState::Finished => vm_state::backtrace(options, limit),
        }
    }

    /// The coroutine that it has resumed.
    fn resumed(&self) -> Option<Rc<Coroutine>> {
        let mut coroutine = current()?;
        loop {
            let resumer = clone_cell(&coroutine.resumer)?;
            if resumer.id() == self.id() {
                return Some(coroutine);
            }
            coroutine = resumer;
        }
    }

    /// Its context, created on first use.
    pub fn context(&self) -> PhpResult<Object> {
        if let Some(context) = self.context.borrow().as_ref() {
            return Ok(context.clone());
        }
        let context = Object::new(CONTEXT.get())?;
        *self.context.borrow_mut() = Some(context.clone());
        Ok(context)
    }
}
