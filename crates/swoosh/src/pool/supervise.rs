//! The supervisor of a pool: starts the workers, replaces each that ends, and ends them all.
//!
//! Runs in: the process that called `run`, which has one thread, so that a forked child is complete.

use super::ipc::Ipc;
use super::process::{end, flush};
use super::shared::Shared;
use super::supervisor::Supervisor;
use super::work::Work;
use super::worker::Worker;
use super::worker_loop;
use crate::error::{Error, Result};
use crate::handler::Flow;
use crate::process::restart_policy::ChildState;
use crate::shm::slots::PoolSlot;
use crate::sys::process::{self, ChildExit, Fork};
use crate::sys::signal::{self, Signals};
use crate::sys::{clock, socket};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

pub(super) fn run(shared: Shared, work: &impl Work) -> Result<()> {
    let workers = shared.options.workers as usize;
    let signals = Signals::install(&HANDLED, &[])?;
    signal::discard_defaults(&[libc::SIGHUP, libc::SIGALRM, libc::SIGPIPE])?;
    let pool = Supervisor(Rc::new(shared));
    let mut supervision = Supervision {
        pool: &pool,
        work,
        signals: &signals,
        children: vec![ChildState::default(); workers],
        handled: vec![0; workers],
        pending_reloads: Vec::new(),
        shutting_down: false,
    };
    let ended = supervision.run();
    if let Err(stop) = ended {
        supervision.end_all(Duration::ZERO);
        crate::log::error!("pool: code in the supervisor stopped with status {}; killing all workers", stop.code);
    }
    if pool.0.has_private_queue()
        && let Some(queue) = pool.0.queue
    {
        let _ = queue.remove();
    }
    signal::restore_defaults(&HANDLED);
    ended.map_err(|stop| Error::State {
        operation: "run the pool",
        reason: format!("its code stopped with status {}", stop.code),
    })
}

/// The supervisor's loop.
struct Supervision<'p, W: Work> {
    pool: &'p Supervisor,
    work: &'p W,
    signals: &'p Signals,
    /// By worker.
    children: Vec<ChildState>,
    /// By worker: the messages that its predecessors had handled when it was started.
    handled: Vec<u64>,
    /// Workers that a reload has yet to replace, the next one last.
    pending_reloads: Vec<usize>,
    shutting_down: bool,
}

impl<W: Work> Supervision<'_, W> {
    fn run(&mut self) -> Flow {
        self.work.start(self.pool)?;
        for child in &mut self.children {
            child.start_again(false);
        }
        loop {
            let arrived = self.signals.take();
            let ends = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT].iter().any(|signal| arrived.contains(*signal));
            if !self.shutting_down && ends {
                self.shutting_down = true;
                self.pending_reloads.clear();
                let timeout = self.pool.0.options.shutdown_timeout;
                for child in &mut self.children {
                    child.cancel_restart();
                    child.terminate(timeout);
                }
            }
            if !self.shutting_down && (arrived.contains(libc::SIGUSR1) || arrived.contains(libc::SIGUSR2)) {
                self.pending_reloads = (0..self.children.len()).rev().collect();
            }
            self.pool.0.event_fd.drain();
            self.release_detached();
            while let Some(ended) = process::reap() {
                self.reaped(ended);
            }
            if self.shutting_down && self.children.iter().all(|child| !child.is_running()) {
                return self.work.shutdown(self.pool);
            }
            self.kill_late();
            for id in 0..self.children.len() {
                if !self.shutting_down && self.children[id].is_due() {
                    self.start(id);
                }
            }
            self.replace_next();
            let limit = self.work.tick(self.pool)?;
            self.wait(limit);
        }
    }

    /// Starts replacements for workers that have detached themselves.
    fn release_detached(&mut self) {
        for (child, slot) in self.children.iter_mut().zip(self.pool.0.slots.iter()) {
            let detached = slot.detached.swap(0, Relaxed);
            if detached != 0 && detached == child.pid() {
                slot.pid.store(0, Relaxed);
                child.start_again(false);
            }
        }
    }

    fn reaped(&mut self, ended: ChildExit) {
        let Some(id) = self.children.iter().position(|child| child.pid() == ended.pid) else { return };
        let slot = &self.pool.0.slots[id];
        slot.pid.store(0, Relaxed);
        let child = &mut self.children[id];
        let stop_requested = child.is_terminating();
        if self.shutting_down {
            return child.ended();
        }
        let failed = ended.status != 0 && !(stop_requested && ended.signal() != 0);
        let served = slot.handled.load(Relaxed) > self.handled[id];
        let started_at = child.started_at();
        let pause = child.start_again(failed && child.is_young() && !served);
        if !failed {
            // A worker that returns at once is not a failure, but must not make the supervisor fork without pause.
            let soonest = if stop_requested { 0 } else { started_at + MIN_LIFETIME_MS };
            child.start_after(soonest);
            return;
        }
        let (code, signal, pid) = (ended.exit_code(), ended.signal(), ended.pid);
        crate::log::warn!("pool: worker {id} (process {pid}) ended with status {code}, signal {signal}; replacing it");
        if pause > 0 {
            let times = child.startup_failures();
            crate::log::error!(
                "pool: worker {id} failed at startup {times} times in a row; starting it again in {pause} ms"
            );
        }
    }

    /// Continues a reload: one worker ends at a time, when all others are ready; workers that fail at startup are not
    /// waited for.
    fn replace_next(&mut self) {
        let late = clock::monotonic_ms().saturating_sub(self.pool.0.options.shutdown_timeout.as_millis() as u64);
        let is_ready = |(child, slot): (&ChildState, &PoolSlot)| {
            let started = slot.serves.load(Relaxed) == slot.starts.load(Relaxed) || child.started_at() <= late;
            !child.is_terminating() && if child.is_running() { started } else { child.startup_failures() > 1 }
        };
        if self.children.iter().zip(self.pool.0.slots.iter()).all(is_ready)
            && let Some(id) = self.pending_reloads.pop()
        {
            self.children[id].terminate(self.pool.0.options.shutdown_timeout);
        }
    }

    fn kill_late(&mut self) {
        let blocks_in_queue = self.blocks_in_queue();
        for (id, child) in self.children.iter_mut().enumerate() {
            if child.kill_if_late() {
                let pid = child.pid();
                crate::log::warn!(
                    "pool: worker {id} (process {pid}) did not end within max_wait_time; killed: let its code check workerRunning, or raise max_wait_time"
                );
            } else if blocks_in_queue && child.is_terminating() {
                // The signal may have arrived just before the worker blocked in msgrcv(2).
                process::kill(child.pid(), libc::SIGTERM);
            }
        }
    }

    /// Whether workers block in msgrcv(2), where only a signal wakes them.
    fn blocks_in_queue(&self) -> bool {
        matches!(self.pool.0.options.ipc, Ipc::Queue(_))
    }

    fn start(&mut self, id: usize) {
        let slot = &self.pool.0.slots[id];
        let handled = slot.handled.load(Relaxed);
        slot.starts.fetch_add(1, Relaxed);
        slot.detached.store(0, Relaxed);
        flush();
        let shared = self.pool.0.clone();
        let start = || {
            signal::reset_after_fork();
            Worker::new(shared, id as u32)
        };
        match process::fork_with(start) {
            Ok((Fork::Parent(pid), _)) => {
                slot.pid.store(pid, Relaxed);
                self.children[id].started(pid);
                self.handled[id] = handled;
            }
            Ok((Fork::Child, worker)) => {
                let work = self.work;
                end(|| match worker.transpose() {
                    Ok(worker) => worker.map_or(1, |worker| worker_loop::run(&worker, work)),
                    Err(e) => {
                        crate::log::error!("pool: worker {id}: {e}");
                        1
                    }
                })
            }
            Err(e) => {
                crate::log::error!("pool: worker {id}: {e}");
                self.children[id].not_started();
            }
        }
    }

    /// Ends all workers, within `timeout`.
    fn end_all(&mut self, timeout: Duration) {
        self.shutting_down = true;
        self.children.iter_mut().for_each(|child| child.terminate(timeout));
        while self.children.iter().any(|child| child.is_running()) {
            self.kill_late();
            while let Some(ended) = process::reap() {
                self.reaped(ended);
            }
            self.wait(Some(REMINDER_INTERVAL));
        }
    }

    /// Sleeps until a signal arrives, a worker changes its slot, or a deadline passes.
    fn wait(&self, limit: Option<Duration>) {
        let now = clock::monotonic_ms();
        let due = self
            .children
            .iter()
            .filter_map(ChildState::next)
            .min()
            .map(|at| Duration::from_millis(at.saturating_sub(now)));
        let remind = self
            .children
            .iter()
            .any(|child| child.is_terminating())
            .then_some(REMINDER_INTERVAL)
            .filter(|_| self.blocks_in_queue());
        let reloads = (!self.pending_reloads.is_empty()).then_some(REMINDER_INTERVAL);
        let limit = [due, limit, remind, reloads].into_iter().flatten().min();
        socket::wait_readable(&[self.signals.event_fd().as_raw_fd(), self.pool.0.event_fd.as_raw_fd()], limit);
    }
}

const HANDLED: [i32; 6] = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD];
/// A worker that ends in order is started at most once in this time.
const MIN_LIFETIME_MS: u64 = 50;
/// The interval of signals to workers that may have missed one.
const REMINDER_INTERVAL: Duration = Duration::from_millis(50);
