//! What can be seen of coroutines: how many there are, and what one of them is doing.

use super::classes::CONTEXT;
use super::scheduler::{Coroutine, clone_cell, current, with};
use super::types::CoroutineState;
use std::rc::Rc;
use swoosh::sys::clock::monotonic_nanos;
use swoosh_zend::{Object, PhpResult, Zval, vm_state};

/// The ids of all that are not over, in order.
pub fn ids() -> Vec<u64> {
    with(|s| s.table.borrow().ids())
}

/// How many there are.
pub fn count() -> usize {
    with(|s| s.alive.get())
}

/// The most there were at once.
pub fn peak() -> usize {
    with(|s| s.peak.get())
}

/// The last id that was given.
pub fn last_id() -> u64 {
    with(|s| s.last_id.get())
}

/// How many callbacks of a server's events are not over.
pub fn callbacks() -> usize {
    with(|s| s.callbacks.get())
}

impl Coroutine {
    /// Whether its last wait was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
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

    /// Its frames as `debug_backtrace` gives them.
    pub fn backtrace(&self, options: i64, limit: i64) -> Zval {
        match self.state.get() {
            CoroutineState::Waiting(_) => self.stack.vm_state().backtrace(false, options, limit),
            // Whom it has resumed keeps its frames for it.
            CoroutineState::Resuming => match self.resumed() {
                Some(resumed) => resumed.stack.vm_state().backtrace(true, options, limit),
                None => Zval::from(swoosh_zend::Array::new()),
            },
            CoroutineState::Running | CoroutineState::Finished => vm_state::backtrace(options, limit),
        }
    }

    /// Whom it has resumed and waits for.
    fn resumed(&self) -> Option<Rc<Coroutine>> {
        let mut at = current()?;
        loop {
            let resumer = clone_cell(&at.resumer)?;
            if resumer.id == self.id {
                return Some(at);
            }
            at = resumer;
        }
    }

    /// Its context, made when it is first asked for.
    pub fn context(&self) -> PhpResult<Object> {
        if let Some(context) = self.context.borrow().as_ref() {
            return Ok(context.clone());
        }
        let context = Object::new(CONTEXT.get())?;
        *self.context.borrow_mut() = Some(context.clone());
        Ok(context)
    }
}

/// A backtrace as `debug_print_backtrace` prints it.
pub fn trace_as_text(trace: &Zval) -> String {
    let mut text = String::new();
    for (at, (_, frame)) in trace.array().into_iter().flatten().enumerate() {
        let Some(frame) = frame.array() else { continue };
        let part = |name: &str| frame.get(name).and_then(Zval::to_zstr).map(|s| s.to_text().into_owned());
        let place = match (part("file"), part("line")) {
            (Some(file), Some(line)) => format!("{file}({line})"),
            _ => "[internal function]".to_owned(),
        };
        let owner = part("class").map_or(String::new(), |class| class + &part("type").unwrap_or_default());
        text.push_str(&format!("#{at} {place}: {owner}{}()\n", part("function").unwrap_or_default()));
    }
    text
}
