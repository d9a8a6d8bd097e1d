//! A process that another one looks after: when it is killed, when it is started again, and that it is never started in
//! a storm.
//!
//! Runs in: the manager of a server, the supervisor of a pool.

use crate::sys::clock;
use crate::sys::process;
use std::time::Duration;

/// One of them. Times are monotonic milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChildState {
    /// 0 while it does not run.
    pub pid: i32,
    /// When it was started.
    pub since: u64,
    /// When to start it again, where it waits for that.
    pub again_at: Option<u64>,
    /// It was told to end, and is killed at that moment.
    pub kill_at: Option<u64>,
    /// How often in a row it died at its start.
    pub startup_failures: u32,
}

impl ChildState {
    /// It runs from now on.
    pub fn started(&mut self, pid: i32) {
        *self = ChildState {
            pid,
            since: clock::monotonic_ms(),
            startup_failures: self.startup_failures,
            ..ChildState::default()
        };
    }

    /// It could not be started: that is tried again.
    pub fn not_started(&mut self) {
        self.again_at = Some(clock::monotonic_ms() + LONGEST_PAUSE_MS / 5);
    }

    /// Tells it to end, and from when on it is killed.
    pub fn tell_to_end(&mut self, patience: Duration) {
        if self.pid != 0 {
            process::kill(self.pid, libc::SIGTERM);
            self.kill_at = Some(clock::monotonic_ms() + patience.as_millis() as u64);
        }
    }

    /// Kills it if it was told to end and has not; whether it did.
    pub fn kill_if_late(&mut self) -> bool {
        let now = clock::monotonic_ms();
        let late = self.pid != 0 && self.kill_at.is_some_and(|at| at <= now);
        if late {
            process::kill(self.pid, libc::SIGKILL);
            self.kill_at = Some(now + 1000);
        }
        late
    }

    /// Whether it would be one that died at its start if it ended now.
    pub fn is_young(&self) -> bool {
        clock::monotonic_ms().saturating_sub(self.since) < STARTUP_FAILURE_MS
    }

    /// It has ended, and is to be started again: at once, or, where it dies at its start (`soon`) more than once in a row,
    /// more and more slowly. Gives that pause in milliseconds.
    pub fn start_again(&mut self, soon: bool) -> u64 {
        let startup_failures = if soon { self.startup_failures + 1 } else { 0 };
        let pause = match startup_failures {
            0 | 1 => 0,
            times => (FIRST_PAUSE_MS << (times - 2).min(16)).min(LONGEST_PAUSE_MS),
        };
        let again_at = Some(clock::monotonic_ms() + pause);
        *self = ChildState { startup_failures, again_at, ..ChildState::default() };
        pause
    }

    /// It has ended, and stays so.
    pub fn ended(&mut self) {
        *self = ChildState { startup_failures: self.startup_failures, ..ChildState::default() };
    }

    /// Whether it is to be started now.
    pub fn is_due(&self) -> bool {
        self.again_at.is_some_and(|at| at <= clock::monotonic_ms())
    }

    /// When something is to be done about it next.
    pub fn next(&self) -> Option<u64> {
        [self.again_at, self.kill_at].into_iter().flatten().min()
    }
}

/// A process that ends that soon after its start died at its start.
const STARTUP_FAILURE_MS: u64 = 100;
const FIRST_PAUSE_MS: u64 = 100;
const LONGEST_PAUSE_MS: u64 = 5000;
