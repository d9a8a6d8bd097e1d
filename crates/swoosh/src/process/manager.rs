//! The manager: forks, reaps, replaces and reloads the others; serves nobody.
//!
//! Runs in: the manager process (base mode: the process that called `start`), which has one thread for ever, so that
//! what it forks is whole.

use crate::config::Mode;
use crate::error::Result;
use crate::handler::{Flow, WorkerError, WorkerId};
use crate::ipc::sleep_if;
use crate::node::{Node, Role};
use crate::process::worker::receive;
use crate::process::{End, task, user, worker};
use crate::restart_policy::ChildState;
use crate::state::{ProcessKind, ServerPhase, ServerState};
use crate::sys::process::{self, ChildExit, Fork};
use crate::sys::signal::Signals;
use crate::sys::{clock, socket};
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// A process that the manager looks after.
#[derive(Debug, Clone, Copy, Default)]
struct ManagedProcess {
    ward: ChildState,
    /// Requests that its predecessors had handled when it was forked.
    handled_before: u64,
    /// It is part of the reload that goes on.
    reloading: bool,
}

/// The manager at work.
struct Manager {
    node: Node,
    signals: Signals,
    charges: Vec<ManagedProcess>,
    /// A reload goes on.
    reloading: bool,
    /// A reload was asked for meanwhile: 1 of all, 2 of task workers.
    next_reload: u32,
    ending: bool,
    /// The master is gone: nobody is left to serve for.
    orphaned: bool,
    master: i32,
}

/// Forks every process and keeps them alive until the server ends. In a process it has forked: that one's end.
pub fn run(node: &Node) -> End {
    match begin(node) {
        Ok(mut manager) => match manager.work() {
            Ok(None) => End::Head,
            Ok(Some(end)) => end,
            Err(stop) => {
                manager.kill_all();
                End::Forked { code: stop.code, fatal: true }
            }
        },
        Err(e) => {
            crate::log::error!("manager: {e}");
            End::Forked { code: 255, fatal: false }
        }
    }
}

fn begin(node: &Node) -> Result<Manager> {
    let state = node.state();
    let rt = libc::SIGRTMIN();
    let own = [libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD, rt];
    let base = state.mode == Mode::Base;
    // In base mode this process is the server's head, and an interrupt from the terminal is for it.
    let (mut handled, mut ignored) = (own.to_vec(), vec![libc::SIGPIPE]);
    if base {
        handled.push(libc::SIGINT)
    } else {
        ignored.push(libc::SIGINT)
    }
    let signals = Signals::install(&handled, &ignored)?;
    let charges = vec![ManagedProcess::default(); state.processes()];
    Ok(Manager {
        node: node.clone(),
        signals,
        charges,
        reloading: false,
        next_reload: 0,
        ending: false,
        orphaned: false,
        master: if base { 0 } else { process::parent_pid() },
    })
}

impl Manager {
    fn work(&mut self) -> std::result::Result<Option<End>, crate::handler::Stop> {
        let node = self.node.clone();
        for n in 0..self.charges.len() {
            if let Some(end) = self.fork(n) {
                return Ok(Some(end));
            }
        }
        node.0.handler.manager_start(&node)?;
        loop {
            if let Some(end) = self.look_after()? {
                return Ok(Some(end));
            }
            if self.ending && self.charges.iter().all(|c| c.ward.pid == 0) {
                break;
            }
            self.take_mail()?;
            node.0.handler.turn(&node)?;
            worker::run_timers(&node);
            self.wait();
        }
        node.0.handler.manager_stop(&node)?;
        Ok(None)
    }

    /// One look at everything that may have happened. `Some`: this is a process just forked.
    fn look_after(&mut self) -> std::result::Result<Option<End>, crate::handler::Stop> {
        let arrived = self.signals.take();
        if self.master != 0 && process::parent_pid() != self.master && !self.orphaned {
            self.orphaned = true;
            crate::log::error!("the master process {} is gone: its server ends", self.master);
            self.node.state().enter(ServerPhase::Ending);
            self.begin_end(ORPHAN_PATIENCE);
        }
        let wants_end = arrived.contains(libc::SIGTERM) || arrived.contains(libc::SIGINT);
        if !self.ending && (wants_end || self.node.state().phase() >= ServerPhase::Ending) {
            self.node.state().enter(ServerPhase::Ending);
            if self.node.state().mode == Mode::Base {
                crate::server::stop_listening(self.node.state());
            }
            let patience = self.node.state().config.max_wait_time;
            self.begin_end(patience);
        }
        if arrived.contains(libc::SIGUSR1) {
            self.next_reload = 1;
        } else if arrived.contains(libc::SIGUSR2) && self.next_reload == 0 {
            self.next_reload = 2;
        }
        if arrived.contains(libc::SIGRTMIN()) {
            let _ = crate::log::reopen().inspect_err(|e| crate::log::error!("{e}"));
            for charge in &self.charges {
                process::kill(charge.ward.pid, libc::SIGRTMIN());
            }
        }
        while let Some(ended) = process::reap() {
            self.reaped(ended)?;
        }
        if self.next_reload > 0 && !self.reloading && !self.ending {
            self.begin_reload()?;
        }
        self.kill_late();
        if let Some(end) = self.fork_again() {
            return Ok(Some(end));
        }
        if self.reloading && self.charges.iter().all(|c| !c.reloading) {
            self.reloading = false;
            self.node.state().server[0].reloads.fetch_add(1, Relaxed);
            self.node.0.handler.after_reload(&self.node)?;
        }
        Ok(None)
    }

    /// Gives user code the messages that have come.
    fn take_mail(&self) -> Flow {
        let node = &self.node;
        let next = || node.state().to_manager.take(&mut node.0.messages.borrow_mut());
        while let Some(message) = next() {
            receive::tell(node, &message)?;
            node.0.messages.borrow_mut().recycle(message);
        }
        Ok(())
    }

    fn begin_end(&mut self, patience: Duration) {
        self.ending = true;
        self.tell_to_end(|_| true, patience);
    }

    fn begin_reload(&mut self) -> Flow {
        let tasks_only = std::mem::take(&mut self.next_reload) == 2;
        self.node.0.handler.before_reload(&self.node)?;
        crate::log::info!("{} are replaced", if tasks_only { "task workers" } else { "workers" });
        self.reloading = true;
        let node = self.node.clone();
        let wanted = move |n: usize| match node.state().kind_of(WorkerId(n as u32)) {
            ProcessKind::Worker => !tasks_only,
            ProcessKind::TaskWorker => true,
            ProcessKind::User => false,
        };
        for (n, charge) in self.charges.iter_mut().enumerate() {
            charge.reloading = wanted(n);
        }
        self.tell_to_end(wanted, self.node.state().config.max_wait_time);
        Ok(())
    }

    fn tell_to_end(&mut self, wanted: impl Fn(usize) -> bool, patience: Duration) {
        for (n, charge) in self.charges.iter_mut().enumerate() {
            if wanted(n) {
                charge.ward.tell_to_end(patience);
            }
            charge.ward.again_at = charge.ward.again_at.filter(|_| !self.ending);
        }
    }

    fn kill_late(&mut self) {
        for (n, charge) in self.charges.iter_mut().enumerate() {
            if charge.ward.kill_if_late() {
                let pid = charge.ward.pid;
                crate::log::warn!("worker {n} (process {pid}) did not end within max_wait_time: it is killed");
            }
        }
    }

    fn kill_all(&self) {
        for charge in &self.charges {
            process::kill(charge.ward.pid, libc::SIGKILL);
        }
    }

    /// A process has ended: told where it should not have, and forked again unless the server ends.
    fn reaped(&mut self, ended: ChildExit) -> Flow {
        let Some(n) = self.charges.iter().position(|c| c.ward.pid == ended.pid) else { return Ok(()) };
        let state = self.node.state();
        let id = WorkerId(n as u32);
        let told_to_end = self.charges[n].ward.kill_at.is_some();
        let slot = &state.workers[n];
        slot.pid.store(0, Relaxed);
        slot.sleeping.store(0, Relaxed);
        let started = slot.ready.load(Relaxed) == slot.generation.load(Relaxed);
        if state.mode == Mode::Base && state.kind_of(id) == ProcessKind::Worker {
            worker::base::release_rows(&self.node, id.0);
        }
        let failed = ended.exit_code() != 0 || ended.signal() != 0;
        if failed {
            wake_everyone(state);
        }
        if failed && state.mode == Mode::Process && state.kind_of(id) == ProcessKind::Worker {
            worker::finish_closes(&self.node, id);
        }
        let charge = &mut self.charges[n];
        // Code that fails at one request in ten is no reason to keep the other nine waiting.
        let served = slot.requests.load(Relaxed) > charge.handled_before;
        let user = state.kind_of(id) == ProcessKind::User;
        let soon = charge.ward.is_young() && !served && (user || !started || failed);
        charge.handled_before = 0;
        if self.ending {
            charge.ward.ended();
            return Ok(());
        }
        let wait = charge.ward.start_again(soon);
        // One that was told to end and was killed for being late is told of there; one that failed on its way out is not.
        if failed && !(told_to_end && ended.signal() != 0) {
            let how = match ended.signal() {
                0 => format!("exit status {}", ended.exit_code()),
                signal => format!("signal {signal}"),
            };
            crate::log::warn!("worker {n} (process {}) has ended with {how}; it is replaced", ended.pid);
            let error = WorkerError {
                worker: id,
                pid: ended.pid,
                status: ended.status,
                exit_code: ended.exit_code(),
                signal: ended.signal(),
            };
            self.node.0.handler.worker_error(&self.node, &error)?;
        }
        if wait > 0 {
            let times = self.charges[n].ward.startup_failures;
            crate::log::error!("worker {n} died at its start {times} times in a row: it is started again in {wait} ms");
        }
        Ok(())
    }

    fn fork_again(&mut self) -> Option<End> {
        if self.ending {
            return None;
        }
        let due: Vec<usize> = (0..self.charges.len()).filter(|n| self.charges[*n].ward.is_due()).collect();
        due.into_iter().find_map(|n| self.fork(n))
    }

    /// Forks process `n`. In it: runs it, and gives its end.
    fn fork(&mut self, n: usize) -> Option<End> {
        let state = self.node.state();
        let id = WorkerId(n as u32);
        let slot = &state.workers[n];
        slot.generation.fetch_add(1, Relaxed);
        let handled_before = slot.requests.load(Relaxed);
        let charge = &mut self.charges[n];
        match process::fork() {
            Ok(Fork::Parent(pid)) => {
                slot.pid.store(pid, Relaxed);
                charge.ward.started(pid);
                charge.handled_before = handled_before;
                charge.reloading = false;
                None
            }
            Ok(Fork::Child) => {
                let kind = state.kind_of(id);
                let role = match kind {
                    ProcessKind::Worker => Role::Worker,
                    ProcessKind::TaskWorker => Role::TaskWorker,
                    ProcessKind::User => Role::User,
                };
                let node = Node::new(state, self.node.0.handler.clone(), role, Some(id));
                node.0.handler.after_fork();
                Some(match kind {
                    ProcessKind::Worker => worker::run(&node, id),
                    ProcessKind::TaskWorker => task::run(&node, id),
                    ProcessKind::User => user::run(&node, id),
                })
            }
            Err(e) => {
                crate::log::error!("worker {n}: {e}");
                charge.ward.not_started();
                None
            }
        }
    }

    /// Sleeps until a signal or a message comes, or something is due.
    fn wait(&self) {
        let now = clock::monotonic_ms();
        let due = self.charges.iter().filter_map(|c| c.ward.next()).min();
        let timer = self.node.0.timers.borrow().next_deadline();
        let at = [due, timer].into_iter().flatten().min().map(|at| Duration::from_millis(at.saturating_sub(now)));
        let limit = [at, self.node.0.handler.sleep_limit()].into_iter().flatten().min();
        let mail = &self.node.state().to_manager;
        let sleeping = &self.node.state().server.as_static()[0].manager_sleeping;
        if sleep_if(sleeping, || mail.is_empty()) {
            socket::wait_readable(&[self.signals.event_fd().as_raw_fd(), mail.event_fd().as_raw_fd()], limit);
            sleeping.store(0, Relaxed);
            mail.event_fd().drain();
        }
    }
}

/// A process that died in the middle of a turn has rung for nothing that it had given away in it.
fn wake_everyone(state: &ServerState) {
    let results = state.results.iter().flatten();
    for mailbox in state.orders.iter().chain(&state.messages).chain(results) {
        mailbox.event_fd().notify();
    }
}

/// What a process that the manager has forked does first: its row, its title, its mark in the log, and its end if the
/// manager dies.
pub fn announce(node: &Node, id: WorkerId, title: &str) {
    worker::mark(node, id, title);
    process::record_parent();
    process::set_parent_death_signal(libc::SIGTERM, node.manager_pid());
}

/// How long workers of a server whose master was killed may take to end.
const ORPHAN_PATIENCE: Duration = Duration::from_millis(700);
