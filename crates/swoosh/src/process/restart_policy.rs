//! Restart policy of a supervised process: when it is killed, and when it is started again. A process that dies at its
//! start repeatedly is restarted with growing pauses.
//!
//! Runs in: the manager of a server, the supervisor of a pool.

use crate::sys::clock;
use crate::sys::process;
use std::time::Duration;

/// The supervisor's view of one child process. Times are monotonic milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChildState {
    /// Process id; 0 while it does not run.
    pub(crate) pid: i32,
    /// When it was started.
    pub(crate) since: u64,
    /// When to start it again.
    pub(crate) again_at: Option<u64>,
    /// It was asked to end, and is killed at this time.
    pub(crate) kill_at: Option<u64>,
    /// Number of consecutive deaths at its start.
    pub(crate) startup_failures: u32,
}

impl ChildState {
    /// It was started.
    pub(crate) fn started(&mut self, pid: i32) {
        *self = ChildState {
            pid,
            since: clock::monotonic_ms(),
            startup_failures: self.startup_failures,
            ..ChildState::default()
        };
    }

    /// It could not be started: tries again later.
    pub(crate) fn not_started(&mut self) {
        self.again_at = Some(clock::monotonic_ms() + LONGEST_PAUSE_MS / 5);
    }

    /// Asks it to end; after `timeout` it is killed.
    pub(crate) fn tell_to_end(&mut self, timeout: Duration) {
        if self.pid != 0 {
            process::kill(self.pid, libc::SIGTERM);
            self.kill_at = Some(clock::monotonic_ms() + timeout.as_millis() as u64);
        }
    }

    /// Kills it if it was asked to end and the timeout is over. Returns whether it was killed.
    pub(crate) fn kill_if_late(&mut self) -> bool {
        let now = clock::monotonic_ms();
        let late = self.pid != 0 && self.kill_at.is_some_and(|at| at <= now);
        if late {
            process::kill(self.pid, libc::SIGKILL);
            self.kill_at = Some(now + 1000);
        }
        late
    }

    /// Whether an end now would be a death at its start.
    pub(crate) fn is_young(&self) -> bool {
        clock::monotonic_ms().saturating_sub(self.since) < STARTUP_FAILURE_MS
    }

    /// It has ended, and is to be started again: at once, or with growing pauses where it died at its start (`soon`) more
    /// than once in a row. Returns the pause in milliseconds.
    pub(crate) fn start_again(&mut self, soon: bool) -> u64 {
        let startup_failures = if soon { self.startup_failures + 1 } else { 0 };
        let pause = match startup_failures {
            0 | 1 => 0,
            times => (FIRST_PAUSE_MS << (times - 2).min(16)).min(LONGEST_PAUSE_MS),
        };
        let again_at = Some(clock::monotonic_ms() + pause);
        *self = ChildState { startup_failures, again_at, ..ChildState::default() };
        pause
    }

    /// Starts a process that does not run, without waiting for its back-off.
    pub(crate) fn start_now(&mut self) {
        self.again_at = Some(clock::monotonic_ms());
    }

    /// It has ended, and is not started again.
    pub(crate) fn ended(&mut self) {
        *self = ChildState { startup_failures: self.startup_failures, ..ChildState::default() };
    }

    /// Whether it is to be started now.
    pub(crate) fn is_due(&self) -> bool {
        self.again_at.is_some_and(|at| at <= clock::monotonic_ms())
    }

    /// When it is to be killed or started next.
    pub(crate) fn next(&self) -> Option<u64> {
        [self.again_at, self.kill_at].into_iter().flatten().min()
    }
}

/// A process that ends within this time has died at its start.
const STARTUP_FAILURE_MS: u64 = 100;
const FIRST_PAUSE_MS: u64 = 100;
const LONGEST_PAUSE_MS: u64 = 5000;
