//! The process that looks after a pool's workers: it starts them, replaces each that ends, and ends them all.
//!
//! Runs in: the process that called `run`. It has one thread, so that what it forks is whole.

use super::process::{end, flush};
use super::worker::Worker;
use super::{Ipc, Pipe, Shared, Work};
use crate::error::{Error, Result};
use crate::handler::Flow;
use crate::restart_policy::ChildState;
use crate::shm::slots::PoolSlot;
use crate::sys::process::{self, Ended, Fork};
use crate::sys::signal::{self, Signals};
use crate::sys::{clock, socket};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The pool, as code in the supervisor sees it.
#[derive(Debug, Clone)]
pub struct Supervisor(Rc<Shared>);

impl Supervisor {
    /// Process id of a worker; `None` while there is none of that number.
    pub fn pid_of(&self, id: u32) -> Option<i32> {
        self.0.pid(id)
    }

    /// Sends a message to a worker, see [`Worker::send`].
    pub fn send(&self, to: u32, data: &[u8]) -> Result<()> {
        self.0.send(to, data)
    }

    /// The end of a worker's pipe that leads to it.
    pub fn pipe_of(&self, id: u32) -> Option<&Pipe> {
        self.0.pipes.get(id as usize).map(|(entrance, _)| entrance)
    }

    /// Tells the pool to end.
    pub fn shut_down(&self) -> bool {
        process::kill(self.0.supervisor, libc::SIGTERM)
    }
}

pub(super) fn run(shared: Shared, work: &impl Work) -> Result<()> {
    let workers = shared.pool.workers as usize;
    let signals = Signals::take_over(&HANDLED, &[])?;
    let pool = Supervisor(Rc::new(shared));
    let mut care = Care {
        wards: vec![ChildState::default(); workers],
        handled: vec![0; workers],
        ..Care::new(&pool, work, &signals)
    };
    let ended = care.look_after();
    if let Err(stop) = ended {
        care.end_all(Duration::ZERO);
        crate::log::error!(
            "pool: its code cannot go on in the supervisor: its workers are killed, status {}",
            stop.code
        );
    }
    if pool.0.owns_queue
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

/// The supervisor at work.
struct Care<'p, W: Work> {
    pool: &'p Supervisor,
    work: &'p W,
    signals: &'p Signals,
    /// By worker.
    wards: Vec<ChildState>,
    /// What those of that number had handled when the present one was started.
    handled: Vec<u64>,
    /// Workers that are still to be replaced, the next one last.
    reloads: Vec<usize>,
    ending: bool,
}

impl<'p, W: Work> Care<'p, W> {
    fn new(pool: &'p Supervisor, work: &'p W, signals: &'p Signals) -> Self {
        Care { pool, work, signals, wards: Vec::new(), handled: Vec::new(), reloads: Vec::new(), ending: false }
    }

    fn look_after(&mut self) -> Flow {
        self.work.start(self.pool)?;
        for ward in &mut self.wards {
            ward.start_again(false);
        }
        loop {
            let arrived = self.signals.take();
            if !self.ending && (arrived.has(libc::SIGTERM) || arrived.has(libc::SIGINT)) {
                self.ending = true;
                self.reloads.clear();
                let patience = self.pool.0.pool.patience;
                for ward in &mut self.wards {
                    ward.again_at = None;
                    ward.tell_to_end(patience);
                }
            }
            if !self.ending && (arrived.has(libc::SIGUSR1) || arrived.has(libc::SIGUSR2)) {
                self.reloads = (0..self.wards.len()).rev().collect();
            }
            self.pool.0.event_fd.drain();
            self.let_go();
            while let Some(ended) = process::reap() {
                self.reaped(ended);
            }
            if self.ending && self.wards.iter().all(|ward| ward.pid == 0) {
                return self.work.shutdown(self.pool);
            }
            self.kill_late();
            for id in 0..self.wards.len() {
                if !self.ending && self.wards[id].is_due() {
                    self.start(id);
                }
            }
            self.replace_next();
            let limit = self.work.turn(self.pool)?;
            self.wait(limit);
        }
    }

    /// Those that do not want to be looked after any more.
    fn let_go(&mut self) {
        for (ward, slot) in self.wards.iter_mut().zip(self.pool.0.slots.iter()) {
            let detached = slot.detached.swap(0, Relaxed);
            if detached != 0 && detached == ward.pid {
                slot.pid.store(0, Relaxed);
                ward.start_again(false);
            }
        }
    }

    fn reaped(&mut self, ended: Ended) {
        let Some(id) = self.wards.iter().position(|ward| ward.pid == ended.pid) else { return };
        let slot = &self.pool.0.slots[id];
        slot.pid.store(0, Relaxed);
        let ward = &mut self.wards[id];
        let told = ward.kill_at.is_some();
        if self.ending {
            return ward.ended();
        }
        let failed = ended.status != 0 && !(told && ended.signal() != 0);
        let served = slot.handled.load(Relaxed) > self.handled[id];
        let since = ward.since;
        let pause = ward.start_again(failed && ward.is_young() && !served);
        if !failed {
            // Work that is done at once is no mistake, but no reason to fork as fast as the machine can either.
            let soonest = if told { 0 } else { since + SHORTEST_ROUND_MS };
            ward.again_at = Some(clock::monotonic_ms().max(soonest));
            return;
        }
        let (code, signal, pid) = (ended.exit_code(), ended.signal(), ended.pid);
        crate::log::warn!(
            "pool: worker {id} (process {pid}) has ended with status {code}, signal {signal}; it is replaced"
        );
        if pause > 0 {
            let times = ward.startup_failures;
            crate::log::error!(
                "pool: worker {id} died at its start {times} times in a row: it is started again in {pause} ms"
            );
        }
    }

    /// In a reload one worker ends at a time, once all others serve; those that die at their start are not waited for.
    fn replace_next(&mut self) {
        let late = clock::monotonic_ms().saturating_sub(self.pool.0.pool.patience.as_millis() as u64);
        let serves = |(ward, slot): (&ChildState, &PoolSlot)| {
            let handover = slot.serves.load(Relaxed) == slot.starts.load(Relaxed) || ward.since <= late;
            ward.kill_at.is_none() && if ward.pid > 0 { handover } else { ward.startup_failures > 1 }
        };
        if self.wards.iter().zip(self.pool.0.slots.iter()).all(serves)
            && let Some(id) = self.reloads.pop()
        {
            self.wards[id].tell_to_end(self.pool.0.pool.patience);
        }
    }

    fn kill_late(&mut self) {
        let waits_deaf = self.waits_deaf();
        for (id, ward) in self.wards.iter_mut().enumerate() {
            if ward.kill_if_late() {
                let pid = ward.pid;
                crate::log::warn!("pool: worker {id} (process {pid}) did not end in time: it is killed");
            } else if waits_deaf && ward.kill_at.is_some() {
                // The signal may have come just before it began to wait for a message.
                process::kill(ward.pid, libc::SIGTERM);
            }
        }
    }

    /// Whether workers wait where only a signal reaches them.
    fn waits_deaf(&self) -> bool {
        matches!(self.pool.0.pool.ipc, Ipc::Queue(_))
    }

    fn start(&mut self, id: usize) {
        let slot = &self.pool.0.slots[id];
        let handled = slot.handled.load(Relaxed);
        slot.starts.fetch_add(1, Relaxed);
        slot.detached.store(0, Relaxed);
        flush();
        let shared = self.pool.0.clone();
        let begin = || {
            signal::start_over();
            Worker::new(shared, id as u32)
        };
        match process::fork_with(begin) {
            Ok((Fork::Parent(pid), _)) => {
                slot.pid.store(pid, Relaxed);
                self.wards[id].started(pid);
                self.handled[id] = handled;
            }
            Ok((Fork::Child, worker)) => {
                let work = self.work;
                end(|| match worker.transpose() {
                    Ok(worker) => worker.map_or(1, |worker| work.serve(&worker)),
                    Err(e) => {
                        crate::log::error!("pool: worker {id}: {e}");
                        1
                    }
                })
            }
            Err(e) => {
                crate::log::error!("pool: worker {id}: {e}");
                self.wards[id].not_started();
            }
        }
    }

    /// Ends all of them, within `patience`.
    fn end_all(&mut self, patience: Duration) {
        self.ending = true;
        self.wards.iter_mut().for_each(|ward| ward.tell_to_end(patience));
        while self.wards.iter().any(|ward| ward.pid > 0) {
            self.kill_late();
            while let Some(ended) = process::reap() {
                self.reaped(ended);
            }
            self.wait(Some(REMIND));
        }
    }

    /// Sleeps until a signal comes, a worker has something to say, or something is due.
    fn wait(&self, limit: Option<Duration>) {
        let now = clock::monotonic_ms();
        let due = self
            .wards
            .iter()
            .filter_map(ChildState::next)
            .min()
            .map(|at| Duration::from_millis(at.saturating_sub(now)));
        let remind =
            self.wards.iter().any(|ward| ward.kill_at.is_some()).then_some(REMIND).filter(|_| self.waits_deaf());
        let reloads = (!self.reloads.is_empty()).then_some(REMIND);
        let limit = [due, limit, remind, reloads].into_iter().flatten().min();
        socket::wait_readable(&[self.signals.event_fd().as_raw_fd(), self.pool.0.event_fd.as_raw_fd()], limit);
    }
}

const HANDLED: [i32; 5] = [libc::SIGTERM, libc::SIGINT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD];
/// A worker that ends in order is not started more often than that.
const SHORTEST_ROUND_MS: u64 = 50;
const REMIND: Duration = Duration::from_millis(50);
