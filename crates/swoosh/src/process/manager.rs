//! The manager: forks, reaps, replaces and reloads the others; serves nobody.
//!
//! Runs in: the manager process (base mode: the process that called `start`). Invariant: it has one thread, so that its
//! children are complete copies.

use super::change_watch::ChangeWatch;
use super::end_signals::asks_to_end;
use super::restart_policy::ChildState;
use super::service_reporter::ServiceReporter;
use super::{End, cleanup, task_worker, user_process, worker};
use crate::config::Mode;
use crate::context::{Context, Role};
use crate::error::Result;
use crate::handler::{Flow, WorkerError};
use crate::ids::WorkerId;
use crate::ipc::sleep_if;
use crate::request::{self, Event};
use crate::state::{ManagerRequest, ProcessKind, ServerPhase, WorkerRow};
use crate::sys::process::{self, ChildExit, Fork};
use crate::sys::signal::{self, Signals};
use crate::sys::{clock, socket};
use std::os::fd::AsRawFd;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

/// A process that the manager supervises.
#[derive(Debug, Clone, Copy, Default)]
struct ManagedProcess {
    child: ChildState,
    /// Requests that its predecessors had handled when it was forked.
    handled_before: u64,
    /// The current reload replaces it.
    reloading: bool,
}

struct Manager {
    context: Context,
    signals: Signals,
    processes: Vec<ManagedProcess>,
    /// A reload is in progress.
    is_reloading: bool,
    /// A reload was requested, and waits for the current one.
    next_reload: Option<Reload>,
    is_ending: bool,
    /// The master is gone.
    is_orphaned: bool,
    /// Process id of the master; `None` in base mode.
    master: Option<i32>,
    /// `reload_on_change`.
    changes: Option<ChangeWatch>,
    /// The next reload is due to changed files.
    files_changed: bool,
    /// During a reload due to changed files: the process that runs them first. The others are replaced once it is ready.
    probe: Option<usize>,
    /// In base mode, where this process heads the server.
    reporter: Option<ServiceReporter>,
}

/// The extent of a reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reload {
    /// Workers and task workers.
    All,
    TaskWorkers,
}

/// Forks every process and keeps them alive until the server ends. In a forked process: returns its end.
pub(super) fn run(context: &Context) -> End {
    match begin(context) {
        Ok(mut manager) => match manager.supervise() {
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

fn begin(context: &Context) -> Result<Manager> {
    let state = context.state();
    let rt = libc::SIGRTMIN();
    let own = [libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGCHLD, rt];
    let base = state.mode() == Mode::Base;
    // In base mode this process heads the server: it ends by the keys of a terminal.
    let (mut handled, mut ignored) = (own.to_vec(), vec![libc::SIGPIPE]);
    if base {
        handled.extend([libc::SIGINT, libc::SIGQUIT]);
    } else {
        ignored.extend([libc::SIGINT, libc::SIGQUIT]);
    }
    let signals = Signals::install(&handled, &ignored)?;
    let processes = vec![ManagedProcess::default(); state.processes()];
    Ok(Manager {
        context: context.clone(),
        signals,
        processes,
        is_reloading: false,
        next_reload: None,
        is_ending: false,
        is_orphaned: false,
        master: (!base).then(process::parent_pid),
        changes: ChangeWatch::new(state.config()),
        files_changed: false,
        probe: None,
        reporter: base.then(|| ServiceReporter::new(state)),
    })
}

impl Manager {
    fn supervise(&mut self) -> std::result::Result<Option<End>, crate::handler::Stop> {
        let context = self.context.clone();
        for n in 0..self.processes.len() {
            if let Some(end) = self.fork(n) {
                return Ok(Some(end));
            }
        }
        context.handler().manager_start(&context)?;
        loop {
            if let Some(end) = self.check_processes()? {
                return Ok(Some(end));
            }
            // Before the loop can end: children may end as soon as they are asked to.
            self.report();
            if self.is_ending && self.processes.iter().all(|c| !c.child.is_running()) {
                break;
            }
            self.handle_messages()?;
            context.handler().tick(&context)?;
            context.run_due_timers();
            self.wait();
        }
        context.handler().manager_stop(&context)?;
        Ok(None)
    }

    /// Handles signals and ended processes. `Some`: this is a process that was just forked.
    fn check_processes(&mut self) -> std::result::Result<Option<End>, crate::handler::Stop> {
        let arrived = self.signals.take();
        if let Some(master) = self.master
            && process::parent_pid() != master
            && !self.is_orphaned
        {
            self.is_orphaned = true;
            crate::log::error!("the master process {master} is gone: the server ends");
            self.context.state().enter(ServerPhase::Ending);
            self.begin_end(ORPHAN_TIMEOUT);
        }
        let asked = self.context.state().server().manager_requests.swap(0, SeqCst);
        let is_asked = |request: ManagerRequest| asked & request as u32 != 0;
        let mut wants_end = asks_to_end(arrived);
        if is_asked(ManagerRequest::Shutdown) {
            // The master, where there is one, ends the server.
            wants_end |= !self.master.is_some_and(|master| process::kill(master, libc::SIGTERM));
        }
        if !self.is_ending && (wants_end || self.context.state().phase() >= ServerPhase::Ending) {
            self.context.state().enter(ServerPhase::Ending);
            if self.context.state().mode() == Mode::Base {
                crate::net::stop_listening(self.context.state().ports());
            }
            let timeout = self.context.state().config().max_wait_time;
            self.begin_end(timeout);
        }
        if arrived.contains(libc::SIGUSR1) || is_asked(ManagerRequest::Reload) {
            self.next_reload = Some(Reload::All);
        } else if (arrived.contains(libc::SIGUSR2) || is_asked(ManagerRequest::ReloadTaskWorkers))
            && self.next_reload.is_none()
        {
            self.next_reload = Some(Reload::TaskWorkers);
        }
        if self.changes.as_mut().is_some_and(ChangeWatch::is_due) {
            self.next_reload = Some(Reload::All);
            self.files_changed = true;
        }
        if arrived.contains(libc::SIGRTMIN()) {
            let _ = crate::log::reopen().inspect_err(|e| crate::log::error!("{e}"));
            for managed in &self.processes {
                process::kill(managed.child.pid(), libc::SIGRTMIN());
            }
        }
        while let Some(ended) = process::reap() {
            self.reaped(ended)?;
        }
        if !self.is_reloading
            && !self.is_ending
            && let Some(reload) = self.next_reload.take()
        {
            self.begin_reload(reload)?;
        }
        self.kill_late();
        self.check_probe();
        if let Some(end) = self.fork_again() {
            return Ok(Some(end));
        }
        if self.is_reloading && self.processes.iter().all(|c| !c.reloading) {
            self.is_reloading = false;
            self.context.state().server().reloads.fetch_add(1, Relaxed);
            self.context.handler().after_reload(&self.context)?;
        }
        Ok(None)
    }

    fn handle_messages(&self) -> Flow {
        let context = &self.context;
        let next = || context.state().mailboxes().to_manager().take(&mut context.mail().messages().borrow_mut());
        while let Some(message) = next() {
            if let Some(event) = Event::of(message) {
                request::deliver::deliver(context, &event)?;
            }
        }
        Ok(())
    }

    /// Reports to the service manager, or gives the master a sign of life for its reports.
    fn report(&mut self) {
        match &mut self.reporter {
            Some(reporter) => reporter.report(),
            None => self.context.state().server().manager_alive_at.store(clock::monotonic_ms(), Relaxed),
        }
    }

    fn report_delay(&self) -> Option<Duration> {
        match &self.reporter {
            Some(reporter) => reporter.next_delay(),
            None => self.context.state().service_manager()?.heartbeat(),
        }
    }

    fn begin_end(&mut self, timeout: Duration) {
        self.is_ending = true;
        self.terminate(|_| true, timeout);
    }

    fn begin_reload(&mut self, reload: Reload) -> Flow {
        let tasks_only = reload == Reload::TaskWorkers;
        self.context.handler().before_reload(&self.context)?;
        crate::log::info!("replacing {}", if tasks_only { "task workers" } else { "workers" });
        self.is_reloading = true;
        let context = self.context.clone();
        context.state().server().reloads_begun.fetch_add(1, Relaxed);
        if let Some(master) = self.master.filter(|_| context.state().service_manager().is_some()) {
            // Wakes the master's loop, which waits for signals, so that it reports the reload.
            process::kill(master, libc::SIGCHLD);
        }
        let is_replaced = move |n: usize| match context.state().kind_of(WorkerId(n as u32)) {
            ProcessKind::Worker => !tasks_only,
            ProcessKind::TaskWorker => true,
            ProcessKind::User => false,
        };
        for (n, managed) in self.processes.iter_mut().enumerate() {
            managed.reloading = is_replaced(n);
        }
        self.probe = std::mem::take(&mut self.files_changed).then_some(0);
        match self.probe {
            Some(probe) => self.replace(|n| n == probe),
            None => self.replace(is_replaced),
        }
        Ok(())
    }

    /// Replaces processes: those that run are asked to end, and those that are held are started.
    fn replace(&mut self, which: impl Fn(usize) -> bool) {
        for (n, managed) in self.processes.iter_mut().enumerate() {
            if which(n) && !managed.child.is_running() {
                managed.child.start_now();
            }
        }
        self.terminate(which, self.context.state().config().max_wait_time);
    }

    /// Goes on with a reload due to changed files once the first process is ready with them.
    fn check_probe(&mut self) {
        let Some(probe) = self.probe else { return };
        let slot = &self.context.state().workers()[probe];
        let is_ready = slot.ready.load(Relaxed) == slot.current_generation();
        if !self.processes[probe].reloading && is_ready {
            self.probe = None;
            let rest: Vec<bool> = self.processes.iter().map(|managed| managed.reloading).collect();
            self.replace(|n| rest[n]);
        }
    }

    /// Process `n` does not start with the files as they are: it is started again when they change. A reload ends with it, so
    /// that the other processes go on with the files as they were.
    fn hold(&mut self, n: usize) {
        crate::log::error!("worker {n} does not start: it is started again when a file changes (reload_on_change)");
        self.processes[n].child.ended();
        if self.probe.take().is_some() {
            self.is_reloading = false;
            self.processes.iter_mut().for_each(|managed| managed.reloading = false);
        }
    }

    fn terminate(&mut self, which: impl Fn(usize) -> bool, timeout: Duration) {
        for (n, managed) in self.processes.iter_mut().enumerate() {
            if which(n) {
                managed.child.terminate(timeout);
            }
            if self.is_ending {
                managed.child.cancel_restart();
            }
        }
    }

    fn kill_late(&mut self) {
        for (n, managed) in self.processes.iter_mut().enumerate() {
            if managed.child.kill_if_late() {
                let pid = managed.child.pid();
                crate::log::warn!(
                    "worker {n} (process {pid}) did not end within max_wait_time: killed; raise max_wait_time if its requests take longer"
                );
            }
        }
    }

    fn kill_all(&self) {
        for managed in &self.processes {
            process::kill(managed.child.pid(), libc::SIGKILL);
        }
    }

    /// A process has ended: an abnormal end is reported, and the process is forked again unless the server ends.
    fn reaped(&mut self, ended: ChildExit) -> Flow {
        let Some(n) = self.processes.iter().position(|c| c.child.pid() == ended.pid) else { return Ok(()) };
        let state = self.context.state();
        let id = WorkerId(n as u32);
        let was_ending = self.processes[n].child.is_terminating();
        let slot = &state.workers()[n];
        slot.pid.store(0, Relaxed);
        slot.sleeping.store(0, Relaxed);
        let started = slot.ready.load(Relaxed) == slot.current_generation();
        let failed = ended.exit_code() != 0 || ended.signal() != 0;
        cleanup::after_end(&self.context, id, failed);
        let managed = &mut self.processes[n];
        // Code that fails in one request of ten must not delay the other nine.
        let served = slot.requests.load(Relaxed) > managed.handled_before;
        let is_user = state.kind_of(id) == ProcessKind::User;
        // On a busy machine the start of a worker takes any time.
        let failed_to_start = failed && !started && !is_user;
        let died_young = managed.child.is_young() && (is_user || !started || failed);
        let died_at_start = !served && (failed_to_start || died_young);
        managed.handled_before = 0;
        if self.is_ending {
            managed.child.ended();
            return Ok(());
        }
        let is_held = failed && !started && !is_user && self.changes.is_some();
        let pause = if is_held { 0 } else { managed.child.start_again(died_at_start) };
        if is_held {
            self.hold(n);
        }
        // A kill after max_wait_time is logged there; a failure during shutdown is logged here.
        if failed && !(was_ending && ended.signal() != 0) {
            let how = match ended.signal() {
                0 => format!("exit status {}", ended.exit_code()),
                signal => format!("signal {signal}"),
            };
            if !is_held {
                crate::log::warn!("worker {n} (process {}) ended with {how}; it is replaced", ended.pid);
            }
            let error = WorkerError {
                worker: id,
                pid: ended.pid,
                status: ended.status,
                exit_code: ended.exit_code(),
                signal: ended.signal(),
            };
            self.context.handler().worker_error(&self.context, &error)?;
        }
        if pause > 0 {
            let times = self.processes[n].child.startup_failures();
            crate::log::error!("worker {n} died at its start {times} times in a row: restart in {pause} ms");
        }
        Ok(())
    }

    fn fork_again(&mut self) -> Option<End> {
        if self.is_ending {
            return None;
        }
        let due: Vec<usize> = (0..self.processes.len()).filter(|n| self.processes[*n].child.is_due()).collect();
        due.into_iter().find_map(|n| self.fork(n))
    }

    /// Forks process `n`. In the child: runs it, and returns its end.
    fn fork(&mut self, n: usize) -> Option<End> {
        let state = self.context.state();
        let id = WorkerId(n as u32);
        let slot = &state.workers()[n];
        slot.generation.fetch_add(1, Relaxed);
        let handled_before = slot.requests.load(Relaxed);
        let managed = &mut self.processes[n];
        match process::fork() {
            Ok(Fork::Parent(pid)) => {
                slot.pid.store(pid, Relaxed);
                managed.child.started(pid);
                managed.handled_before = handled_before;
                managed.reloading = false;
                None
            }
            Ok(Fork::Child) => {
                signal::unsubscribe_all();
                self.changes = None;
                let kind = state.kind_of(id);
                let role = match kind {
                    ProcessKind::Worker => Role::Worker,
                    ProcessKind::TaskWorker => Role::TaskWorker,
                    ProcessKind::User => Role::User,
                };
                let context = Context::new(state, self.context.share_handler(), role, Some(id));
                context.handler().after_fork();
                Some(match kind {
                    ProcessKind::Worker => worker::run(&context, id),
                    ProcessKind::TaskWorker => task_worker::run(&context, id),
                    ProcessKind::User => user_process::run(&context, id),
                })
            }
            Err(e) => {
                crate::log::error!("worker {n}: {e}");
                managed.child.not_started();
                None
            }
        }
    }

    /// Sleeps until a signal or a message arrives, or a timeout expires.
    fn wait(&self) {
        let now = clock::monotonic_ms();
        let timeout = self.processes.iter().filter_map(|c| c.child.next()).min();
        let child = timeout.map(|at| Duration::from_millis(at.saturating_sub(now)));
        let timer = self.context.timers().next_delay();
        let change = self.changes.as_ref().and_then(ChangeWatch::delay);
        let report = self.report_delay();
        let probe = self.probe.map(|_| PROBE_INTERVAL);
        let limit =
            [child, timer, self.context.handler().sleep_limit(), change, report, probe].into_iter().flatten().min();
        let mailbox = self.context.state().mailboxes().to_manager();
        let sleeping = &self.context.state().server().manager_sleeping;
        let requests = &self.context.state().server().manager_requests;
        if sleep_if(sleeping, || mailbox.is_empty() && requests.load(SeqCst) == 0) {
            let subscribed = signal::subscription_fd();
            let own = [self.signals.event_fd().as_raw_fd(), mailbox.event_fd().as_raw_fd()];
            let descriptors: Vec<_> =
                own.into_iter().chain(subscribed).chain(self.changes.as_ref().map(ChangeWatch::descriptor)).collect();
            socket::wait_readable(&descriptors, limit);
            sleeping.store(0, Relaxed);
            mailbox.event_fd().drain();
        }
    }
}

/// How often a reload checks whether its first process is ready.
const PROBE_INTERVAL: Duration = Duration::from_millis(10);
/// How long workers may take to end when the master was killed.
const ORPHAN_TIMEOUT: Duration = Duration::from_millis(700);
