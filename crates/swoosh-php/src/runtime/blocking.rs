//! `swoole.blocking_detection`: logs code that holds the event loop for longer than `swoole.blocking_threshold`, with its
//! PHP stack.
//!
//! A thread finds the code and requests a VM interrupt, whose handler reads the stack. A function that blocks in the kernel
//! is therefore logged when it returns.

use std::cell::{Cell, RefCell};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use swoosh::blocking::{self, BlockingCode, Watch};
use swoosh_zend::{interrupt, runtime, vm_state};

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
    /// The generation ([`runtime::generation`]) of the process whose loop is watched, plus one; 0 if none is.
    static WATCHED_PROCESS: Cell<u32> = const { Cell::new(0) };
}

/// Code that was found, until the interrupt handler takes it.
static FOUND: Mutex<Option<BlockingCode>> = Mutex::new(None);

/// Starts to watch the loop that this thread runs, if the INI setting is on and it is not watched yet.
pub fn ensure_started() {
    if WATCHED_PROCESS.get() == runtime::generation() + 1 || !runtime::ini_bool("swoole.blocking_detection") {
        return;
    }
    let threshold = Duration::from_micros(threshold_micros());
    let started = blocking::watch(threshold, |held| {
        *FOUND.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        interrupt::request();
    });
    match started {
        Ok(watch) => {
            // The watch of a parent process has no thread here.
            std::mem::forget(WATCH.replace(Some(watch)));
            WATCHED_PROCESS.set(runtime::generation() + 1);
        }
        Err(e) => swoosh::log::warn!("{e}"),
    }
}

fn threshold_micros() -> u64 {
    let Some(text) = runtime::ini_string("swoole.blocking_threshold") else { return DEFAULT_THRESHOLD_MICROS };
    match text.trim().parse() {
        Ok(micros) if micros > 0 => micros,
        _ => {
            swoosh::log::warn!(
                "swoole.blocking_threshold is {:?}: give a number of microseconds from 1; {DEFAULT_THRESHOLD_MICROS} is used",
                text.trim()
            );
            DEFAULT_THRESHOLD_MICROS
        }
    }
}

/// The interrupt handler: runs between two PHP instructions. `describe` names the code that runs.
pub fn on_interrupt(describe: impl FnOnce() -> String) {
    if WATCHED_PROCESS.get() == 0 {
        return;
    }
    let Some(held) = FOUND.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    match held.elapsed() {
        Some(time) => {
            let trace = vm_state::trace_as_text(&vm_state::backtrace(IGNORE_ARGS, 0));
            let name = describe();
            swoosh::log::warn!("{name} has held the event loop for {} ms\n{}", time.as_millis(), trace.trim_end());
        }
        None => swoosh::log::warn!("code that has ended held the event loop for {} ms", held.time.as_millis()),
    }
}

/// Ends the watch at the end of the request.
pub fn request_end() {
    if WATCHED_PROCESS.replace(0) != 0 {
        drop(WATCH.take());
    }
}

/// The default of `swoole.blocking_threshold`.
const DEFAULT_THRESHOLD_MICROS: u64 = 100_000;
/// DEBUG_BACKTRACE_IGNORE_ARGS.
const IGNORE_ARGS: i64 = 2;
