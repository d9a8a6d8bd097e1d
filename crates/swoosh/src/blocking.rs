//! Finds code that holds the loop of a process: while it runs, no other request of that process is served.
//!
//! A loop reports when it begins to run code ([`begin`]) and when it sleeps ([`end`]); a thread looks whether one piece of
//! code has run for longer than the threshold.
//!
//! ```
//! use std::sync::mpsc;
//! use std::time::Duration;
//! use swoosh::blocking;
//!
//! let (report, reports) = mpsc::channel();
//! let watch = blocking::watch(Duration::from_millis(20), move |held| {
//!     let _ = report.send(held);
//! })
//! .unwrap();
//! blocking::begin();
//! std::thread::sleep(Duration::from_millis(200));
//! blocking::end();
//! assert!(reports.recv().unwrap().time >= Duration::from_millis(20));
//! drop(watch);
//! ```

use crate::error::{Error, Result};
use crate::sys::{clock, signal};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

thread_local! {
    /// Whether this thread runs the watched loop.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// When the running piece of code began, in monotonic nanoseconds; 0 while the watched loop sleeps. One loop of a process
/// is watched.
static SINCE: AtomicU64 = AtomicU64::new(0);

/// The watched loop begins to run a piece of code. Does nothing in other threads.
#[inline]
pub fn begin() {
    if WATCHED.get() {
        SINCE.store(clock::monotonic_nanos(), Ordering::Relaxed);
    }
}

/// The watched loop sleeps. Does nothing in other threads.
#[inline]
pub fn end() {
    if WATCHED.get() {
        SINCE.store(0, Ordering::Relaxed);
    }
}

/// A piece of code that has held the loop for at least the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockingCode {
    /// How long it had run when it was found.
    pub time: Duration,
    began: u64,
}

impl BlockingCode {
    /// How long it has run until now; `None` if it has ended.
    pub fn elapsed(&self) -> Option<Duration> {
        let now = clock::monotonic_nanos();
        (SINCE.load(Ordering::Relaxed) == self.began).then(|| Duration::from_nanos(now.saturating_sub(self.began)))
    }
}

/// Ends the watch when it is dropped, in the thread that began it.
#[derive(Debug)]
pub struct Watch {
    goes_on: Arc<AtomicBool>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.goes_on.store(false, Ordering::Relaxed);
        WATCHED.set(false);
        SINCE.store(0, Ordering::Relaxed);
    }
}

/// Watches the loop that this thread runs. Each piece of code that runs for longer than `threshold` is reported once, from
/// another thread.
///
/// # Errors
/// If the thread cannot be started.
pub fn watch(threshold: Duration, report: impl Fn(BlockingCode) + Send + 'static) -> Result<Watch> {
    let goes_on = Arc::new(AtomicBool::new(true));
    let look = {
        let goes_on = goes_on.clone();
        move || {
            let _ = signal::block_all();
            let interval = (threshold / 4).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
            let mut reported = 0;
            while goes_on.load(Ordering::Relaxed) {
                std::thread::sleep(interval);
                let began = SINCE.load(Ordering::Relaxed);
                let time = Duration::from_nanos(clock::monotonic_nanos().saturating_sub(began));
                if began != 0 && began != reported && time >= threshold {
                    reported = began;
                    report(BlockingCode { time, began });
                }
            }
        }
    };
    let thread = std::thread::Builder::new().name("swoosh-watch".to_owned()).spawn(look);
    thread.map_err(|e| Error::system("start", "the thread that finds blocking code", e))?;
    WATCHED.set(true);
    Ok(Watch { goes_on })
}

const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
const LONGEST_INTERVAL: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn each_piece_of_code_is_reported_once_and_a_sleeping_loop_never() {
        let (report, reports) = mpsc::channel();
        let watch = watch(Duration::from_millis(10), move |held| {
            let _ = report.send(held);
        })
        .unwrap();
        for _ in 0..2 {
            begin();
            let held = reports.recv().unwrap();
            assert!(held.elapsed().unwrap() >= held.time);
            std::thread::sleep(Duration::from_millis(50));
            end();
            assert_eq!(held.elapsed(), None);
        }
        std::thread::sleep(Duration::from_millis(50));
        assert!(reports.try_recv().is_err());
        drop(watch);
        begin();
        assert_eq!(SINCE.load(Ordering::Relaxed), 0);
    }
}
