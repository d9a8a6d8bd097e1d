//! The sampling profiler, and the search for objects that accumulate: `swoole_tracer_*`.
//!
//! A thread requests an interrupt at a fixed interval; between two PHP instructions the handler counts the running stack of
//! calls. Time in a blocking call is therefore counted for the instruction after it, once.

use crate::runtime::{last_error, object_counts};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use swoosh::sys::{process, signal};
use swoosh_zend::error::notice;
use swoosh_zend::module::Functions;
use swoosh_zend::runtime::ini_bool;
use swoosh_zend::vm_state::backtrace;
use swoosh_zend::{Call, PhpResult, Zval, interrupt};

/// A profile that is being taken.
struct Profile {
    /// The number of samples of each stack, the outermost call first, separated by semicolons.
    stacks: HashMap<String, u64>,
    /// Ends the thread.
    is_running: Arc<AtomicBool>,
}

impl Drop for Profile {
    fn drop(&mut self) {
        self.is_running.store(false, Ordering::Relaxed);
    }
}

thread_local! {
    static PROFILE: RefCell<Option<Profile>> = const { RefCell::new(None) };
    /// Whether there is one: asked at each interrupt.
    static IS_PROFILING: Cell<bool> = const { Cell::new(false) };
}

/// Adds the functions of this file.
pub(super) fn add(functions: &mut Functions) {
    functions
        .add("swoole_tracer_prof_begin(?array $options = null): bool", begin_profile)
        .add("swoole_tracer_prof_end(string $output_file): bool", end_profile)
        .add("swoole_tracer_leak_detect(int $threshold = 64): void", detect_leaks);
}

/// Begins the profile of the whole script if `swoole.profile` is on.
pub fn start_up() {
    if ini_bool("swoole.profile") {
        begin(DEFAULT_INTERVAL);
    }
}

/// Writes the profile of the whole script.
pub fn request_end() {
    if IS_PROFILING.get() && ini_bool("swoole.profile") {
        let _ = end(&format!("swoole-profile-{}.txt", process::pid()));
    }
}

/// Options: `interval`, microseconds between two samples.
fn begin_profile(call: &mut Call<'_>) -> PhpResult<bool> {
    let interval = call.arg(0).and_then(Zval::array).and_then(|options| options.get("interval")).map(Zval::to_int);
    let interval = interval.and_then(|micros| u64::try_from(micros).ok()).filter(|&micros| micros > 0);
    if IS_PROFILING.get() {
        last_error::warn_misuse("a profile is being taken already");
        return Ok(false);
    }
    Ok(begin(interval.map_or(DEFAULT_INTERVAL, Duration::from_micros)))
}

fn begin(interval: Duration) -> bool {
    let is_running = Arc::new(AtomicBool::new(true));
    let runs = is_running.clone();
    let tick = move || {
        let _ = signal::block_all();
        while runs.load(Ordering::Relaxed) {
            std::thread::sleep(interval);
            interrupt::request();
        }
    };
    let started = std::thread::Builder::new().name("swoosh-profiler".to_owned()).spawn(tick).is_ok();
    if started {
        PROFILE.set(Some(Profile { stacks: HashMap::new(), is_running }));
        IS_PROFILING.set(true);
    }
    started
}

/// Writes the samples: a line for each stack, with its number, as flame graph tools read them.
fn end_profile(call: &mut Call<'_>) -> PhpResult<bool> {
    if !IS_PROFILING.get() {
        last_error::warn_misuse("no profile is being taken");
        return Ok(false);
    }
    match end(&call.text(0)?) {
        Ok(()) => Ok(true),
        Err(e) => {
            last_error::warn_misuse(&format!("the profile cannot be written: {e}"));
            Ok(false)
        }
    }
}

fn end(file: &str) -> std::io::Result<()> {
    IS_PROFILING.set(false);
    let Some(mut profile) = PROFILE.take() else { return Ok(()) };
    let mut lines: Vec<(String, u64)> = std::mem::take(&mut profile.stacks).into_iter().collect();
    lines.sort();
    let text: String = lines.iter().map(|(stack, samples)| format!("{stack} {samples}\n")).collect();
    std::fs::write(file, text)
}

/// Counts the running stack. Called between two PHP instructions.
pub fn sample() {
    if !IS_PROFILING.get() {
        return;
    }
    let frames = backtrace(IGNORE_ARGUMENTS, 0);
    let name = |frame: &Zval| -> Option<String> {
        let frame = frame.array()?;
        let text = |key: &str| frame.get(key).and_then(Zval::to_zstr).map(|text| text.to_text().into_owned());
        let function = text("function")?;
        Some(match text("class") {
            Some(class) => format!("{class}::{function}"),
            None => function,
        })
    };
    let mut calls: Vec<String> = frames.array().into_iter().flatten().filter_map(|(_, frame)| name(frame)).collect();
    calls.push("{main}".to_owned());
    calls.reverse();
    PROFILE.with_borrow_mut(|profile| {
        if let Some(profile) = profile {
            *profile.stacks.entry(calls.join(";")).or_default() += 1;
        }
    });
}

/// Compares the living objects of each class with those at the last call, and reports each class of which there are more than
/// `$threshold` more.
fn detect_leaks(call: &mut Call<'_>) -> PhpResult<()> {
    let threshold = call.int_or(0, 64)?;
    let Some(growth) = object_counts::growth(threshold) else { return Ok(()) };
    for (class, more) in growth.classes {
        notice(&format!("{more} more objects of {class} than at the last check, memory {:+} bytes", growth.memory));
    }
    Ok(())
}

/// `DEBUG_BACKTRACE_IGNORE_ARGS`.
const IGNORE_ARGUMENTS: i64 = 2;
const DEFAULT_INTERVAL: Duration = Duration::from_millis(1);
