//! Reports to the service manager: readiness, reloads, shutdown, health (sd_notify(3)).
//!
//! Runs in: the process that called `start`. Without a service manager nothing is sent, and nobody is woken.

use crate::config::Mode;
use crate::shm::slots::WorkerSlot;
use crate::state::{ServerPhase, ServerState, WorkerRow};
use crate::sys::{clock, process};
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The reports of one server.
pub(super) struct ServiceReporter {
    state: &'static ServerState,
    reported: Reported,
    /// Reloads that have been reported as begun.
    reloads: u32,
    /// When to report health again, monotonic milliseconds.
    next_heartbeat: u64,
    /// A report could not be sent. Logged once.
    has_failed: bool,
}

/// The last state that the service manager knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reported {
    Starting,
    Ready,
    Reloading,
    Stopping,
}

impl ServiceReporter {
    pub(super) fn new(state: &'static ServerState) -> Self {
        let now = clock::monotonic_ms();
        // Until the first tick of every loop, its start counts as a sign of life.
        state.server().manager_alive_at.fetch_max(now, Relaxed);
        state.reactors().iter().for_each(|reactor| _ = reactor.alive_at.fetch_max(now, Relaxed));
        ServiceReporter { state, reported: Reported::Starting, reloads: 0, next_heartbeat: 0, has_failed: false }
    }

    /// Reports what has changed since the last call. Called on each tick of the loop.
    pub(super) fn report(&mut self) {
        let Some(service) = self.state.service_manager() else { return };
        let mut message = String::new();
        let begun = self.state.server().reloads_begun.load(Relaxed);
        if self.state.phase() >= ServerPhase::Ending {
            self.report_stop(&mut message);
        } else if self.reported == Reported::Starting {
            if self.is_ready() {
                self.reported = Reported::Ready;
                message.push_str("READY=1\n");
                if self.state.config().daemonize {
                    let _ = writeln!(message, "MAINPID={}", process::pid());
                }
                self.reloads = begun;
            }
        } else {
            if begun != self.reloads {
                self.reloads = begun;
                self.reported = Reported::Reloading;
                // MONOTONIC_USEC lets the service manager match this report with its own request (Type=notify-reload).
                let now = clock::monotonic_nanos() / 1000;
                self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}\nSTATUS=replacing workers\n"));
            }
            if self.reported == Reported::Reloading && !self.is_reloading() && self.is_ready() {
                self.reported = Reported::Ready;
                message.push_str("READY=1\n");
            }
        }
        if let Some(interval) = service.watchdog
            && clock::monotonic_ms() >= self.next_heartbeat
            && self.is_healthy(interval)
        {
            self.next_heartbeat = clock::monotonic_ms() + interval.as_millis() as u64 / 2;
            message.push_str("WATCHDOG=1\n");
        }
        if !message.is_empty() {
            if self.reported == Reported::Ready {
                self.push_status(&mut message);
            }
            self.send(&message);
        }
    }

    /// When to call [`report`](Self::report) again at the latest; `None` if a signal announces the next change.
    pub(super) fn next_delay(&self) -> Option<Duration> {
        let service = self.state.service_manager()?;
        let poll = matches!(self.reported, Reported::Starting | Reported::Reloading).then_some(STARTUP_POLL);
        let heartbeat = service.watchdog.map(|interval| {
            let left = self.next_heartbeat.saturating_sub(clock::monotonic_ms());
            // A server that is not healthy is asked again soon.
            Duration::from_millis(left).max(interval / 20)
        });
        [poll, heartbeat].into_iter().flatten().min()
    }

    fn report_stop(&mut self, message: &mut String) {
        if self.reported != Reported::Stopping {
            self.reported = Reported::Stopping;
            let longest = self.state.config().max_wait_time + SHUTDOWN_MARGIN;
            let _ = writeln!(message, "STOPPING=1\nEXTEND_TIMEOUT_USEC={}", longest.as_micros());
            message.push_str("STATUS=finishing requests\n");
        }
    }

    /// Whether the server accepts connections and the start callback of every worker and task worker has returned.
    fn is_ready(&self) -> bool {
        let is_up = |w: &WorkerSlot| w.current_generation() > 0 && w.ready.load(Relaxed) == w.current_generation();
        self.state.phase() == ServerPhase::Running
            && self.state.request_workers().iter().chain(self.state.task_workers()).all(is_up)
    }

    fn is_reloading(&self) -> bool {
        let server = self.state.server();
        server.reloads_begun.load(Relaxed) != server.reloads.load(Relaxed)
    }

    /// Whether every loop that the server cannot do without has shown a sign of life within `interval`: this process's own,
    /// which makes this call, and in process mode the manager's and the reactor threads'. Workers do not count: user code may
    /// keep one busy, and the others serve meanwhile.
    fn is_healthy(&self, interval: Duration) -> bool {
        if self.state.mode() == Mode::Base {
            return true;
        }
        let oldest = clock::monotonic_ms().saturating_sub(interval.as_millis() as u64);
        let manager = &self.state.server().manager_alive_at;
        manager.load(Relaxed) >= oldest && self.state.reactors().iter().all(|r| r.alive_at.load(Relaxed) >= oldest)
    }

    /// One line for `systemctl status`.
    fn push_status(&self, message: &mut String) {
        let (config, server) = (self.state.config(), self.state.server());
        message.push_str("STATUS=serving");
        for (n, port) in self.state.ports().iter().enumerate() {
            let _ = write!(message, "{} {}", if n > 0 { "," } else { "" }, port.address());
        }
        let _ = write!(message, "; {} workers", config.worker_num);
        if config.task_worker_num > 0 {
            let _ = write!(message, ", {} task workers", config.task_worker_num);
        }
        let _ = writeln!(message, ", {} connections", server.connections.load(Relaxed));
    }

    fn send(&mut self, message: &str) {
        let Some(service) = self.state.service_manager() else { return };
        if let Err(e) = service.notifier.send(message.trim_end())
            && !std::mem::replace(&mut self.has_failed, true)
        {
            crate::log::warn!("the service manager misses reports: {e}");
        }
    }
}

/// How often to check whether the workers are ready while that is awaited.
const STARTUP_POLL: Duration = Duration::from_millis(10);
/// How much longer than `max_wait_time` an orderly shutdown may take.
const SHUTDOWN_MARGIN: Duration = Duration::from_secs(5);
