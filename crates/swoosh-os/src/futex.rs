//! Waits for a word in shared memory to change (futex(2)).
//!
//! ```
//! use std::sync::atomic::AtomicU32;
//! use std::time::Duration;
//! use swoosh_os::futex;
//!
//! let word = AtomicU32::new(0);
//! assert!(futex::wait(&word, 1, None), "the word has another value already");
//! assert!(!futex::wait(&word, 0, Some(Duration::from_millis(1))), "timed out");
//! ```

use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitEnd {
    /// [`wake`] was called for the word.
    Woken,
    /// The word had another value before the wait began.
    Changed,
    /// The limit passed.
    TimedOut,
}

/// Waits while `word` is `value`, until [`wake`] is called for it or `limit` has passed (`None`: no limit). `true` if it
/// was woken or the word had another value. Signals do not end the wait.
pub fn wait(word: &AtomicU32, value: u32, limit: Option<Duration>) -> bool {
    wait_end(word, value, limit) != WaitEnd::TimedOut
}

/// As [`wait`], and tells a wake from another value.
pub fn wait_end(word: &AtomicU32, value: u32, limit: Option<Duration>) -> WaitEnd {
    let end = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let time = left.map(|left| libc::timespec {
            tv_sec: left.as_secs() as libc::time_t,
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        let time = time.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: futex(2) reads `word` and `time`, which outlive the call.
        let result = unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, value, time) };
        if result == 0 {
            return WaitEnd::Woken;
        }
        match std::io::Error::last_os_error().raw_os_error() {
            Some(libc::EINTR) => continue,
            Some(libc::EAGAIN) => return WaitEnd::Changed,
            _ => return WaitEnd::TimedOut,
        }
    }
}

/// Wakes at most `count` waiters of the word, in any process that shares it.
pub fn wake(word: &AtomicU32, count: u32) {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    // SAFETY: FUTEX_WAKE uses the address as a key and does not access the word.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, count) };
}
