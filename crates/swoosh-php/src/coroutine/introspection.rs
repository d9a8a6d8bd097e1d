//! What can be seen of coroutines: how many there are, and what one of them is doing.

use super::classes::CONTEXT;
use super::scheduler::{Coroutine, current, find, held, with};
use super::timers;
use super::types::{Stage, Wait};
use std::rc::Rc;
use swoosh::sys::clock::monotonic_nanos;
use swoosh_zend::{Object, PhpResult, Zval, machine};

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

/// How many coroutines are not over and can still end: callbacks of a server's events, and coroutines that wait for the
/// clock, a descriptor or another thread. The others wait for a coroutine or a value that nothing may ever bring.
pub fn unfinished() -> usize {
    let found = ids().into_iter().filter_map(find).filter(|coroutine| coroutine.is_unfinished()).count();
    // A wait in a channel may have a timeout.
    if found == 0 { timers::waits() } else { found }
}

impl Coroutine {
    /// Whether it is a callback of a server's event, or waits for something outside of the program's coroutines.
    pub(super) fn is_unfinished(&self) -> bool {
        self.is_event || matches!(self.waits_for(), None | Some(Wait::Sleep | Wait::Io | Wait::Turn))
    }

    /// Whether its last wait was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// Milliseconds since it was created.
    pub fn elapsed(&self) -> u64 {
        monotonic_nanos().saturating_sub(self.began) / 1_000_000
    }

    /// Bytes of its native stack in use.
    pub fn stack_usage(&self) -> usize {
        let running = self.stage.get() == Stage::Runs;
        self.vessel.stack_usage(running)
    }

    /// Its frames as `debug_backtrace` gives them.
    pub fn backtrace(&self, options: i64, limit: i64) -> Zval {
        match self.stage.get() {
            Stage::Waits(_) => self.vessel.machine().backtrace(false, options, limit),
            // Whom it has resumed keeps its frames for it.
            Stage::Resumes => match self.resumed() {
                Some(resumed) => resumed.vessel.machine().backtrace(true, options, limit),
                None => Zval::from(swoosh_zend::Array::new()),
            },
            Stage::Runs | Stage::Over => machine::backtrace(options, limit),
        }
    }

    /// Whom it has resumed and waits for.
    fn resumed(&self) -> Option<Rc<Coroutine>> {
        let mut at = current()?;
        loop {
            let resumer = held(&at.resumer)?;
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
