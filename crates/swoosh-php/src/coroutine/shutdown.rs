//! How coroutines end that did not end by themselves: cancelled, left at the end of the script, found in a deadlock; and
//! what `exit` is in one.

use super::classes::EXIT;
use super::introspection::{ids, trace_as_text};
use super::options;
use super::scheduler::{current_id, find, resume_with, with};
use super::table::Table;
use super::types::{Resumption, WaitKind, WakeReason};
use crate::runtime::last_error;
use swoosh_zend::{Object, PhpResult, Zval, output, vm_state};

/// Ends the wait of one: its wait gives [`WakeReason::Cancelled`], or an exception is thrown out of it. `false`, and a code,
/// where that cannot be.
pub fn cancel(id: u64, throws: bool) -> PhpResult<bool> {
    let Some(coroutine) = find(id) else {
        last_error::set(NOT_EXISTS);
        return Ok(false);
    };
    if coroutine.waits_for().is_none_or(|what| what == WaitKind::Turn) {
        last_error::set(CANNOT_CANCEL);
        return Ok(false);
    }
    resume_with(coroutine, if throws { Resumption::ThrowCanceled } else { Resumption::Wake(WakeReason::Cancelled) })?;
    Ok(true)
}

/// Ends one whose work nobody wants any more by an exception out of its wait, which it may leave uncaught. Nothing, where
/// it is over or does not wait.
pub fn abandon(id: u64) -> PhpResult<()> {
    match find(id).filter(|coroutine| coroutine.waits_for().is_some()) {
        Some(coroutine) => {
            coroutine.abandoned.set(true);
            resume_with(coroutine, Resumption::ThrowCanceled)
        }
        None => Ok(()),
    }
}

/// Ends every coroutine that waits: `finally` blocks and destructors run, and nothing waits meanwhile. `for_good`: nor
/// afterwards, since the script ends.
pub fn end_all(for_good: bool) -> PhpResult<()> {
    with(|s| s.shutting_down.set(true));
    let mut result = Ok(());
    for id in ids() {
        if let Some(coroutine) = find(id)
            && coroutine.waits_for().is_some()
            && result.is_ok()
        {
            result = resume_with(coroutine, Resumption::Unwind);
        }
    }
    with(|s| s.shutting_down.set(for_good));
    result
}

/// The request ends. What waits still is left as it is: a fatal error ended the script, and nothing of PHP can run.
pub fn request_end() {
    let held = with(|s| {
        let (table, timers) = (s.table.replace(Table::new()), s.timers.take());
        s.alive.set(0);
        s.callbacks.set(0);
        s.external_waits.set(0);
        s.last_id.set(0);
        s.peak.set(0);
        s.shutting_down.set(false);
        std::mem::forget(table);
        (timers, s.free_stacks.take())
    });
    drop(held);
    options::reset();
}

/// Says which coroutines wait, and where, when nothing can wake them any more.
#[cold]
pub fn report_deadlock() -> PhpResult<()> {
    let ids = ids();
    let rule = "=".repeat(65);
    let count = ids.len();
    // Swoole's words and layout: test suites and log filters match on them.
    let mut text =
        format!("\n {rule}\n  [FATAL ERROR]: all coroutines (count: {count}) are asleep - deadlock!\n {rule}\n");
    for id in ids.iter().take(MOST_TOLD) {
        let Some(coroutine) = find(*id) else { continue };
        text.push_str(&format!("\n  [Coroutine-{id}]\n {}\n", "-".repeat(65)));
        text.push_str(&trace_as_text(&coroutine.backtrace(IGNORE_ARGS, 0)));
    }
    if count > MOST_TOLD {
        text.push_str(&format!("\n  and {} more\n", count - MOST_TOLD));
    }
    text.push_str(&format!("\n {rule}\n"));
    output::write(text.as_bytes())
}

/// Says which callbacks of events wait still, and where, when nobody waits for them any longer.
#[cold]
pub fn report_pending_callbacks() {
    for coroutine in ids().into_iter().filter_map(find).filter(|coroutine| coroutine.is_event).take(MOST_TOLD) {
        let what = coroutine.waits_for().map_or("nothing", WaitKind::name);
        let trace = trace_as_text(&coroutine.backtrace(IGNORE_ARGS, 0));
        swoosh::log::warn!("coroutine {} waits for {what} still\n{}", coroutine.id, trace.trim_end());
    }
}

/// The module starts.
pub fn start_up() {
    vm_state::set_exit_handler(exit_in_coroutine);
}

/// `exit` in a coroutine: an `ExitException`, which the coroutine may catch.
fn exit_in_coroutine(status: &Zval) -> bool {
    if current_id().is_none_or(|id| with(|s| s.shutting_down.get() || s.fork_origin.get() == id)) {
        return false;
    }
    let class = EXIT.get();
    let Ok(exception) = Object::new(class) else { return true };
    exception.set("message", "exit in a coroutine");
    if let (Some(flags), Some(at)) = (class.slot("flags"), class.slot("status")) {
        exception.set_slot(flags, EXIT_IN_COROUTINE);
        exception.set_slot(at, status.clone());
    }
    swoosh_zend::error::throw_object(exception);
    true
}

/// SWOOLE_EXIT_IN_COROUTINE.
const EXIT_IN_COROUTINE: i64 = 2;
/// SWOOLE_ERROR_CO_CANNOT_CANCEL.
const CANNOT_CANCEL: i32 = 10015;
/// SWOOLE_ERROR_CO_NOT_EXISTS.
const NOT_EXISTS: i32 = 10016;
/// DEBUG_BACKTRACE_IGNORE_ARGS.
const IGNORE_ARGS: i64 = 2;
/// Coroutines of which a deadlock's report tells.
const MOST_TOLD: usize = 32;
