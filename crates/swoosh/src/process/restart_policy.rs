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
    pid: i32,
    started_at: u64,
    restart_at: Option<u64>,
    /// It was asked to end, and is killed at this time.
    kill_at: Option<u64>,
    /// Consecutive ones.
    startup_failures: u32,
}

impl ChildState {
    /// Its process id; 0 while it does not run.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether it runs.
    pub(crate) fn is_running(&self) -> bool {
        self.pid > 0
    }

    /// When it was started.
    pub(crate) fn started_at(&self) -> u64 {
        self.started_at
    }

    /// Whether it was asked to end.
    pub(crate) fn is_terminating(&self) -> bool {
        self.kill_at.is_some()
    }

    /// The number of its consecutive deaths at its start.
    pub(crate) fn startup_failures(&self) -> u32 {
        self.startup_failures
    }

    /// It was started.
    pub(crate) fn started(&mut self, pid: i32) {
        *self = ChildState {
            pid,
            started_at: clock::monotonic_ms(),
            startup_failures: self.startup_failures,
            ..ChildState::default()
        };
    }

    /// It could not be started: tries again later.
    pub(crate) fn not_started(&mut self) {
        self.restart_at = Some(clock::monotonic_ms() + LONGEST_PAUSE_MS / 5);
    }

    /// Asks it to end; after `timeout` it is killed.
    pub(crate) fn terminate(&mut self, timeout: Duration) {
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
        clock::monotonic_ms().saturating_sub(self.started_at) < STARTUP_FAILURE_MS
    }

    /// It has ended, and is to be started again: at once, or with growing pauses where it died at its start (`soon`) more
    /// than once in a row. Returns the pause in milliseconds.
    pub(crate) fn start_again(&mut self, soon: bool) -> u64 {
        let startup_failures = if soon { self.startup_failures + 1 } else { 0 };
        let pause = match startup_failures {
            0 | 1 => 0,
            times => (FIRST_PAUSE_MS << (times - 2).min(16)).min(LONGEST_PAUSE_MS),
        };
        let restart_at = Some(clock::monotonic_ms() + pause);
        *self = ChildState { startup_failures, restart_at, ..ChildState::default() };
        pause
    }

    /// Starts a process that does not run, without waiting for its back-off.
    pub(crate) fn start_now(&mut self) {
        self.restart_at = Some(clock::monotonic_ms());
    }

    /// Starts a process that does not run no earlier than `at`.
    pub(crate) fn start_after(&mut self, at: u64) {
        self.restart_at = Some(clock::monotonic_ms().max(at));
    }

    /// A process that does not run is not started again.
    pub(crate) fn cancel_restart(&mut self) {
        self.restart_at = None;
    }

    /// It has ended, and is not started again.
    pub(crate) fn ended(&mut self) {
        *self = ChildState { startup_failures: self.startup_failures, ..ChildState::default() };
    }

    /// Whether it is to be started now.
    pub(crate) fn is_due(&self) -> bool {
        self.restart_at.is_some_and(|at| at <= clock::monotonic_ms())
    }

    /// When it is to be killed or started next.
    pub(crate) fn next(&self) -> Option<u64> {
        [self.restart_at, self.kill_at].into_iter().flatten().min()
    }
}

/// A process that ends within this time has died at its start.
const STARTUP_FAILURE_MS: u64 = 100;
const FIRST_PAUSE_MS: u64 = 100;
const LONGEST_PAUSE_MS: u64 = 5000;
