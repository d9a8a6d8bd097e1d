//! Ending coroutines from outside: cancellation, unwinding at the end of the script, deadlock reports; and `exit` in a
//! coroutine, which becomes an `ExitException`.

use super::classes::EXIT;
use super::introspection::ids;
use super::options;
use super::scheduler::{current_id, find, with};
use super::switch::resume_with;
use super::table::Table;
use super::types::{Resumption, WaitKind, WakeReason};
use crate::runtime::{last_error, server_process};
use swoosh_zend::vm_state::{self, PendingException, trace_as_text};
use swoosh_zend::{Object, PhpResult, Raised, Zval, output, runtime};

/// Cancels the wait of a coroutine: it returns [`WakeReason::Cancelled`], or with `throws` a `CanceledException` is thrown.
/// `false`, with the last error set, if there is no such coroutine or it cannot be cancelled.
pub fn cancel(id: u64, throws: bool) -> PhpResult<bool> {
    let Some(coroutine) = find(id) else {
        last_error::set(NOT_EXISTS);
        return Ok(false);
    };
    if coroutine.waits_for().is_none_or(|kind| kind == WaitKind::Turn) {
        last_error::set(CANNOT_CANCEL);
        return Ok(false);
    }
    resume_with(coroutine, if throws { Resumption::ThrowCanceled } else { Resumption::Wake(WakeReason::Cancelled) })?;
    Ok(true)
}

/// Throws a `CanceledException` into the wait of a coroutine whose result is no longer needed; if uncaught it is not
/// reported. Does nothing if the coroutine has ended or does not wait.
pub fn abandon(id: u64) -> PhpResult<()> {
    match find(id).filter(|coroutine| coroutine.waits_for().is_some()) {
        Some(coroutine) => {
            coroutine.abandoned.set(true);
            resume_with(coroutine, Resumption::ThrowCanceled)
        }
        None => Ok(()),
    }
}

/// Unwinds every waiting coroutine: `finally` blocks and destructors run, and waits in them return at once. With
/// `script_ends`, later waits return at once too.
pub fn end_all(script_ends: bool) -> PhpResult<()> {
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
    with(|s| s.shutting_down.set(script_ends));
    result
}

/// Drops the scheduler's state at the end of the request. Coroutines that still wait are leaked: a fatal error has ended the
/// script, so their destructors must not run.
pub fn request_end() {
    let state = with(|s| {
        let timers = s.timers.take();
        forget_all();
        s.last_id.set(0);
        s.peak.set(0);
        s.shutting_down.set(false);
        (timers, s.stacks.take_all())
    });
    drop(state);
    options::reset();
}

/// Leaks every coroutine, with its timeouts, after a fatal error: none goes on, and no destructor runs.
pub(super) fn forget_all() {
    with(|s| {
        std::mem::forget((s.table.replace(Table::new()), s.timers.take(), s.current.take()));
        s.alive.set(0);
        s.callbacks.set(0);
        s.external_waits.set(0);
    });
}

/// Prints which coroutines wait, and where, when nothing can wake them.
#[cold]
pub fn report_deadlock() -> PhpResult<()> {
    let ids = ids();
    let rule = "=".repeat(65);
    let count = ids.len();
    // Swoole's text and layout, which test suites and log filters match on.
    let mut text =
        format!("\n {rule}\n  [FATAL ERROR]: all coroutines (count: {count}) are asleep - deadlock!\n {rule}\n");
    for id in ids.iter().take(MAX_REPORTED) {
        let Some(coroutine) = find(*id) else { continue };
        text.push_str(&format!("\n  [Coroutine-{id}]\n {}\n", "-".repeat(65)));
        text.push_str(&trace_as_text(&coroutine.backtrace(IGNORE_ARGS, 0)));
    }
    if count > MAX_REPORTED {
        text.push_str(&format!("\n  and {} more\n", count - MAX_REPORTED));
    }
    text.push_str(&format!("\n {rule}\n"));
    output::write(text.as_bytes())
}

/// Logs which coroutines a process that ends abandons, and where they wait.
#[cold]
pub fn report_unfinished() {
    let unfinished = ids().into_iter().filter_map(find).filter(|coroutine| coroutine.is_unfinished());
    for coroutine in unfinished.take(MAX_REPORTED) {
        let kind = coroutine.waits_for().map_or("nothing", WaitKind::name);
        let trace = trace_as_text(&coroutine.backtrace(IGNORE_ARGS, 0));
        swoosh::log::warn!("coroutine {} still waits for {kind}\n{}", coroutine.id(), trace.trim_end());
    }
}

/// Installs the `exit` handler during module startup.
pub(super) fn start_up() {
    vm_state::set_exit_handler(throw_exit);
}

/// Turns `exit` in a coroutine or in a callback of a server into an `ExitException`, which user code may catch.
/// Uncaught, it ends the process: with status 255 if it has left a coroutine, as any exception does, otherwise by
/// [`take_exit`].
fn throw_exit(status: &Zval) -> bool {
    let coroutine = current_id();
    if with(|s| s.shutting_down.get() || coroutine.is_some_and(|id| s.fork_origin.get() == id)) {
        return false;
    }
    let in_coroutine = if coroutine.is_some() { EXIT_IN_COROUTINE } else { 0 };
    let in_server = if server_process::is_current() { EXIT_IN_SERVER } else { 0 };
    let places = in_coroutine | in_server;
    if places == 0 {
        return false;
    }
    let class = EXIT.get();
    let Ok(exception) = Object::new(class) else { return true };
    exception.set("message", "swoole exit");
    if let (Some(flags), Some(at)) = (class.slot("flags"), class.slot("status")) {
        exception.set_slot(flags, places);
        exception.set_slot(at, status.clone());
    }
    swoosh_zend::error::throw_object(exception);
    true
}

/// Handles what a callback of a server has raised outside of coroutines: an `ExitException` that nothing caught becomes the
/// `exit` that it was.
#[cold]
pub fn take_exit(raised: Raised) -> Raised {
    let PendingException::Exception(exception) = vm_state::take_pending_exception() else { return raised };
    let class = EXIT.get();
    let (Some(flags), Some(status)) = (class.slot("flags"), class.slot("status")) else { return raised };
    if !exception.class().is_a(class) || exception.slot(flags).to_int() != EXIT_IN_SERVER {
        swoosh_zend::error::throw_object(exception);
        return raised;
    }
    let status = exception.slot(status);
    match status.bytes() {
        // Output can fail only by a fatal error, which ends the process as well.
        Some(text) => drop(output::write(text)),
        None => runtime::set_exit_status(status.to_int() as i32),
    }
    vm_state::rethrow_exit()
}

/// SWOOLE_EXIT_IN_COROUTINE.
const EXIT_IN_COROUTINE: i64 = 2;
/// SWOOLE_EXIT_IN_SERVER.
const EXIT_IN_SERVER: i64 = 4;
/// SWOOLE_ERROR_CO_CANNOT_CANCEL.
const CANNOT_CANCEL: i32 = 10015;
/// SWOOLE_ERROR_CO_NOT_EXISTS.
const NOT_EXISTS: i32 = 10016;
/// DEBUG_BACKTRACE_IGNORE_ARGS.
const IGNORE_ARGS: i64 = 2;
/// Coroutines that a report lists in detail.
const MAX_REPORTED: usize = 32;
