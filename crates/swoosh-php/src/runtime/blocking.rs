//! `swoole.blocking_detection`: logs code that holds the event loop for longer than `swoole.blocking_threshold`, with its
//! PHP stack.
//!
//! A thread finds the code and requests a VM interrupt, whose handler reads the stack. An interrupt comes only between two
//! PHP instructions, possibly many behind a function that has blocked in the kernel or in a library. The stack is therefore
//! read when such a function returns, while its call is still there.

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;
use swoosh::blocking::{self, BlockingCode, Watch};
use swoosh::sys::clock;
use swoosh_zend::{interrupt, runtime, vm_state};

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
    /// The generation ([`runtime::generation`]) of the process whose loop is watched, plus one; 0 if none is.
    static WATCHED_PROCESS: Cell<u32> = const { Cell::new(0) };
}

/// Code that was found, until the interrupt handler takes it.
static FOUND: Mutex<Option<BlockingCode>> = Mutex::new(None);
/// Whether there is any; read without the lock.
static IS_FOUND: AtomicBool = AtomicBool::new(false);
/// The threshold in nanoseconds.
static THRESHOLD: AtomicU64 = AtomicU64::new(0);
/// Names the code that runs.
static DESCRIBE: OnceLock<fn() -> String> = OnceLock::new();

/// Sets the function that names the code that runs, and watches functions from the first line of a script if the INI
/// setting is on. During module startup.
pub fn start_up(describe: fn() -> String) {
    let _ = DESCRIBE.set(describe);
    if runtime::ini_bool("swoole.blocking_detection") {
        interrupt::watch_internal_calls(clock::monotonic_nanos, after_internal_call);
    }
}

/// Starts to watch the loop that this thread runs, if the INI setting is on and it is not watched yet.
pub fn ensure_started() {
    if WATCHED_PROCESS.get() == runtime::generation() + 1 || !runtime::ini_bool("swoole.blocking_detection") {
        return;
    }
    let threshold = Duration::from_micros(threshold_micros());
    THRESHOLD.store(threshold.as_nanos() as u64, Ordering::Relaxed);
    // Turned on by the script: for code that is compiled later.
    interrupt::watch_internal_calls(clock::monotonic_nanos, after_internal_call);
    let started = blocking::watch(threshold, |held| {
        *FOUND.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        IS_FOUND.store(true, Ordering::Release);
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

/// The interrupt handler: runs between two PHP instructions.
pub fn on_interrupt() {
    if !IS_FOUND.load(Ordering::Acquire) || WATCHED_PROCESS.get() == 0 {
        return;
    }
    let Some(held) = take() else { return };
    match held.elapsed() {
        Some(time) => {
            let (file, line) = runtime::running_line();
            log(time, &format!(", and is at {file}({line})"));
        }
        None => swoosh::log::warn!("code that has ended held the event loop for {} ms", held.time.as_millis()),
    }
}

/// A function that is not written in PHP has returned, and its call is still the innermost one. The interrupt handler logs
/// what is left: code that took its time in PHP.
fn after_internal_call(began: u64) {
    if !IS_FOUND.load(Ordering::Acquire) || WATCHED_PROCESS.get() == 0 {
        return;
    }
    let took = Duration::from_nanos(clock::monotonic_nanos().saturating_sub(began));
    if took.as_nanos() < u128::from(THRESHOLD.load(Ordering::Relaxed)) {
        return;
    }
    // The function may have waited in a coroutine, while others held the loop.
    let still = FOUND.lock().unwrap_or_else(PoisonError::into_inner).and_then(|held| held.elapsed());
    if let Some(time) = still.filter(|&time| time >= took)
        && take().is_some()
    {
        let name = runtime::running_name().unwrap_or_default();
        log(time, &format!(", {} ms of them in {name}()", took.as_millis()));
    }
}

fn take() -> Option<BlockingCode> {
    IS_FOUND.store(false, Ordering::Relaxed);
    FOUND.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn log(time: Duration, part: &str) {
    let trace = vm_state::trace_as_text(&vm_state::backtrace(IGNORE_ARGS, 0));
    let name = DESCRIBE.get().map_or_else(String::new, |describe| describe());
    swoosh::log::warn!("{name} has held the event loop for {} ms{part}\n{}", time.as_millis(), trace.trim_end());
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
