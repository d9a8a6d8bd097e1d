//! The loop of a worker: takes what has come, gives it to user code, sleeps until more comes.
//!
//! Runs in: workers, task workers (`process::task` handles what only they get) and, with other hooks, the master's own
//! thread. User code runs between two waits, outside the async runtime; only handlers that say so
//! ([`Handler::inline`](crate::handler::Handler::inline)) are called from within it.

pub mod admission;
pub mod base;
pub mod receive;

use crate::config::Mode;
use crate::conn::registry::Flags;
use crate::handler::{Event, Flow, Stop, WorkerId};
use crate::ipc::handover::Handover;
use crate::ipc::{Assembler, Kind, Mailbox, sleep_if};
use crate::node::{Node, Role};
use crate::process::End;
use crate::runtime::ThreadRuntime;
use crate::state::{ServerPhase, ServerState};
use crate::sys::clock;
use crate::sys::signal::Signals;
use crate::sys::{affinity, process, socket};
use admission::Waiting;
use std::cell::RefCell;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// What a loop looks at beside user code.
pub struct Loop {
    pub(crate) node: Node,
    /// The process that this loop was made in.
    pid: i32,
    pub(crate) signals: Signals,
    mailboxes: Vec<&'static Mailbox>,
    assemblers: Vec<Rc<RefCell<Assembler>>>,
    sleeping: &'static AtomicU32,
    /// Requests after which this process is replaced.
    request_limit: Option<u64>,
    handled: u64,
    turns: u64,
    /// Until when what user code has in hand is waited for, once this process is to end: monotonic milliseconds.
    ends_by: Option<u64>,
}

/// Runs worker `id` until it is told to end.
pub fn run(node: &Node, id: WorkerId) -> End {
    let state = node.state();
    prepare_process(node, id, "worker");
    if state.config.open_cpu_affinity {
        affinity::bind_to_nth(id.0 as usize, &state.config.cpu_affinity_ignore);
    }
    let config = &state.config;
    let mut work = match Loop::new(node, id, limit_of(config.max_request, config.max_request_grace)) {
        Ok(work) => work,
        Err(e) => {
            crate::log::error!("worker {}: {e}", id.0);
            return End::Forked { code: 255, fatal: false };
        }
    };
    work.restore();
    let flow = work.serve(|work| work.turn_of_worker());
    leave(node, flow)
}

/// Runs the only worker of a base-mode server, in the process that called `start`.
pub fn run_alone(node: &Node) -> End {
    let id = WorkerId(0);
    mark(node, id, "worker");
    let mut work = match Loop::new(node, id, None) {
        Ok(work) => work,
        Err(e) => {
            crate::log::error!("worker 0: {e}");
            return End::Forked { code: 255, fatal: false };
        }
    };
    match Signals::install(&[libc::SIGTERM, libc::SIGINT, libc::SIGRTMIN()], &[libc::SIGPIPE, libc::SIGXFSZ]) {
        Ok(signals) => work.signals = signals,
        Err(e) => crate::log::error!("worker 0: {e}"),
    }
    let flow = work.serve(|work| work.turn_of_worker());
    leave(node, flow)
}

/// What every new process of the server does first.
pub fn prepare_process(node: &Node, id: WorkerId, title: &str) {
    let state = node.state();
    let config = &state.config;
    crate::process::manager::announce(node, id, title);
    if let Err(e) =
        crate::sys::user::drop_privileges(config.user.as_deref(), config.group.as_deref(), config.chroot.as_deref())
    {
        crate::log::error!("{title} {}: {e}", id.0);
    }
}

/// How many requests a process handles in its life; `grace` spreads the ends.
pub fn limit_of(max: u32, grace: u32) -> Option<u64> {
    let spread = if grace > 0 { clock::wall_nanos() / 1000 % u64::from(grace + 1) } else { 0 };
    (max > 0).then_some(u64::from(max) + spread)
}

/// The end of a process: its flow as an exit status.
pub fn leave(node: &Node, flow: Flow) -> End {
    match flow.and_then(|()| node.0.fatal.get().map_or(Ok(()), Err)) {
        Ok(()) => End::Forked { code: 0, fatal: false },
        Err(Stop { code }) => End::Forked { code, fatal: true },
    }
}

/// Leaves the requests that it has begun to take to its successor, also where user code panics.
impl Drop for Loop {
    fn drop(&mut self) {
        // What user code has forked has nothing to leave, and the runtime that it inherited is its parent's.
        let own = self.pid == process::pid();
        let runtime = self.node.0.worker_runtime.take();
        if own {
            // They hold their owner, which holds them.
            if let Some(owner) = self.node.0.owner.get() {
                owner.tasks.clear();
            }
            drop(runtime);
            self.node.leave_files();
        } else {
            std::mem::forget(runtime)
        }
        if let Some(handover) = self.handover().filter(|_| own)
            && let Err(e) = handover.leave(&admission::leave(), &mut self.assemblers[0].borrow_mut())
        {
            crate::log::error!("requests that this worker has taken are lost: {e}");
        }
    }
}

impl Loop {
    /// The loop of process `id`, in that process.
    pub fn new(node: &Node, id: WorkerId, request_limit: Option<u64>) -> crate::error::Result<Self> {
        let state = node.state();
        let signals =
            Signals::install(&[libc::SIGTERM, libc::SIGRTMIN()], &[libc::SIGINT, libc::SIGPIPE, libc::SIGXFSZ])?;
        node.begin_count();
        let slot = &state.workers.as_static()[id.0 as usize];
        let here = id.0 as usize;
        let mut mailboxes: Vec<&'static Mailbox> = Vec::new();
        mailboxes.extend(state.requests.get(here));
        let messages = mailboxes.len();
        mailboxes.extend(state.messages.get(here));
        mailboxes.extend(state.results.get(here).and_then(Option::as_ref));
        let mut assemblers: Vec<Rc<RefCell<Assembler>>> = mailboxes.iter().map(|_| Rc::default()).collect();
        assemblers[messages] = node.0.messages.clone();
        let work = Loop {
            node: node.clone(),
            pid: process::pid(),
            signals,
            mailboxes,
            assemblers,
            sleeping: &slot.sleeping,
            request_limit,
            handled: 0,
            turns: 0,
            ends_by: None,
        };
        let base = state.mode == Mode::Base && node.role() == Role::Worker;
        if base || node.0.handler.inline() {
            work.node.runtime()?;
        }
        if base {
            base::open(&work);
        }
        Ok(work)
    }

    /// The runtime, where this loop has one: user code may ask for it at any time.
    fn runtime(&self) -> Option<Rc<ThreadRuntime>> {
        self.node.0.worker_runtime.borrow().clone()
    }

    /// Runs `future` on this loop's runtime, where it has one.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let runtime = self.runtime()?;
        Some(match self.node.0.owner.get() {
            Some(owner) => runtime.block_on(owner.tasks.run_until(future)),
            None => runtime.block_on(future),
        })
    }

    /// The whole life: `worker_start`, turns until it is to end, the last things, `worker_stop`.
    pub fn serve(&mut self, mut turn: impl FnMut(&mut Loop) -> Result<bool, Stop>) -> Flow {
        let node = self.node.clone();
        let slot = node.own_slot().expect("a loop has a row");
        slot.status.store(IDLE, Relaxed);
        // In base mode there is no master: the first worker tells of the server's life.
        let first = node.state().mode == Mode::Base && node.worker_id() == Some(WorkerId(0));
        if first {
            node.state().server[0].master_pid.store(process::pid(), Relaxed);
            if slot.generation.load(Relaxed) == 1 {
                node.0.handler.start(&node)?;
            }
        }
        node.0.handler.worker_start(&node)?;
        slot.ready.store(slot.generation.load(Relaxed), Relaxed);
        base::begin(self);
        loop {
            self.look_at_signals();
            if node.is_stopping() {
                base::quiesce(self);
                // Less than what the manager waits: the last words are user code's.
                let patience = node.state().config.max_wait_time.as_millis() as u64 * 4 / 5;
                self.ends_by.get_or_insert_with(|| clock::monotonic_ms() + patience);
            }
            if self.must_leave() {
                break;
            }
            slot.status.store(BUSY, Relaxed);
            let busy = turn(self)?;
            slot.status.store(IDLE, Relaxed);
            if let Some(stop) = node.0.fatal.get() {
                return Err(stop);
            }
            self.wait(busy);
        }
        slot.status.store(EXIT, Relaxed);
        self.handle_deferred()?;
        if first && node.state().phase() >= ServerPhase::Ending {
            node.0.handler.before_shutdown(&node)?;
        }
        self.last_things()?;
        node.0.handler.worker_stop(&node)?;
        base::close_all(self);
        Ok(())
    }

    /// Whether this process ends now. One that is replaced leaves at once what waits in its mailboxes to its successor;
    /// when the server ends, all of it is handled first, as far as `max_wait_time` allows (the manager sees to that).
    fn must_leave(&self) -> bool {
        if !self.node.is_stopping() {
            return false;
        }
        let ending = self.node.state().phase() >= ServerPhase::Ending;
        let joins = self.handover().is_some() && self.assemblers[0].borrow().is_joining();
        let in_line = !admission::is_empty() && self.patience().is_none_or(|left| left > Duration::ZERO);
        let waits = joins || in_line || self.mailboxes.iter().any(|m| !m.is_empty());
        !(ending && waits || base::has_frames(&self.node) || in_line && self.handover().is_none())
    }

    /// Goes on with the requests that its predecessor had taken.
    fn restore(&mut self) {
        let Some(handover) = self.handover() else { return };
        match handover.restore(&mut self.assemblers[0].borrow_mut()) {
            Ok(messages) => admission::restore(&self.node, messages),
            Err(e) => crate::log::error!("requests that the last worker had taken are lost: {e}"),
        }
    }

    /// By which way the requests of its first mailbox are handed over; `None` in base mode, which has no such mailbox.
    fn handover(&self) -> Option<&'static Handover> {
        self.node.state().handover.get(self.node.worker_id()?.0 as usize)
    }

    fn look_at_signals(&self) {
        let arrived = self.signals.take();
        if arrived.contains(libc::SIGTERM) || arrived.contains(libc::SIGINT) {
            if self.node.state().head_pid() == process::pid() {
                self.node.state().enter(ServerPhase::Ending);
            }
            self.node.0.stopping.set(true);
        }
        if arrived.contains(libc::SIGRTMIN())
            && let Err(e) = crate::log::reopen()
        {
            crate::log::error!("{e}");
        }
    }

    /// What user code has alive ends first: futures, callbacks that wait (what
    /// [`Handler::unfinished`](crate::handler::Handler::unfinished) counts), and, where it wants to be told of it (`worker_exit`), timers and
    /// whatever [`Handler::pending`](crate::handler::Handler::pending) counts.
    fn last_things(&mut self) -> Flow {
        let node = self.node.clone();
        let handler = &node.0.handler;
        let tells = handler.wants(Event::WorkerExit, 0);
        let kept_by = || if tells { handler.pending() + node.0.timers.borrow().len() } else { 0 };
        let waits_for = || handler.unfinished() + node.0.futures.get();
        let mut tell_at = clock::monotonic_ms();
        while kept_by() + waits_for() > 0 && self.patience().is_none_or(|left| left > Duration::ZERO) {
            if kept_by() > 0 && clock::monotonic_ms() >= tell_at {
                tell_at = clock::monotonic_ms() + EXIT_INTERVAL_MS;
                handler.worker_exit(&node)?;
            }
            handler.turn(&node)?;
            self.run_timers()?;
            if kept_by() + waits_for() > 0 {
                let limit = self.sleep_limit().unwrap_or(LAST_LOOK).min(LAST_LOOK);
                if limit > Duration::ZERO {
                    self.sleep(Some(limit));
                }
            }
        }
        if self.handover().is_none() && !admission::is_empty() {
            crate::log::warn!("{} requests in line are given up: others did not end", admission::leave_behind());
        }
        let left = handler.unfinished();
        if left > 0 {
            crate::log::warn!("{left} callbacks did not end within max_wait_time: they are given up");
            handler.gave_up();
        }
        Ok(())
    }

    /// Sleeps until something comes, unless something is there.
    fn wait(&mut self, busy: bool) {
        self.turns += 1;
        let limit = self.sleep_limit();
        if busy || limit == Some(Duration::ZERO) {
            // Never let a full mailbox keep the runtime from its own work.
            if self.turns.is_multiple_of(TURNS_BETWEEN_POLLS) {
                self.block_on(base::look(self));
            }
            return;
        }
        let mailboxes = &self.mailboxes;
        if sleep_if(self.sleeping, || mailboxes.iter().all(|m| m.is_empty())) {
            self.sleep(limit);
            self.sleeping.store(0, Relaxed);
        }
    }

    fn sleep(&self, limit: Option<Duration>) {
        let Some(event_fd) = self.mailboxes.first().map(|m| m.event_fd()) else { return };
        if self.block_on(base::something(self, limit)).is_none() {
            socket::wait_readable(&[event_fd.as_raw_fd(), self.signals.event_fd().as_raw_fd()], limit);
            event_fd.drain();
        }
    }

    /// How long what user code has in hand is waited for still; `None` while this process is not to end.
    fn patience(&self) -> Option<Duration> {
        self.ends_by.map(|by| Duration::from_millis(by.saturating_sub(clock::monotonic_ms())))
    }

    fn sleep_limit(&self) -> Option<Duration> {
        let node = &self.node;
        let patience = self.patience().filter(|_| !admission::is_empty());
        let own = node.0.timers.borrow().next_deadline();
        let own = own.map(|at| Duration::from_millis(at.saturating_sub(clock::monotonic_ms())));
        let queue = node.state().task_queue.is_some() && node.role() == Role::TaskWorker;
        [own, node.0.handler.sleep_limit(), queue.then_some(QUEUE_LOOK), patience].into_iter().flatten().min()
    }

    /// One turn of a worker; whether there may be more to do at once.
    fn turn_of_worker(&mut self) -> Result<bool, Stop> {
        let mut busy = false;
        let node = self.node.clone();
        for which in 0..self.mailboxes.len() {
            for _ in 0..MESSAGES_A_TURN {
                let Some(message) = self.mailboxes[which].take(&mut self.assemblers[which].borrow_mut()) else {
                    break;
                };
                busy = true;
                let counts = receive::handle(&node, &message)?;
                self.assemblers[which].borrow_mut().recycle(message);
                // What was taken out while this was handled is older than what waits.
                self.handle_deferred()?;
                if counts && self.is_spent() {
                    return Ok(true);
                }
                if node.is_stopping() || node.0.fatal.get().is_some() {
                    return Ok(true);
                }
            }
        }
        busy |= self.handle_frames()?;
        busy |= self.handle_deferred()?;
        self.run_timers()?;
        node.0.handler.turn(&node)?;
        busy |= self.handle_line()?;
        Ok(busy)
    }

    /// Tells what waits in line ([`admission`]), as far as there is room now.
    fn handle_line(&mut self) -> Result<bool, Stop> {
        let node = self.node.clone();
        let mut any = false;
        while let Some(waiting) = admission::next(&node) {
            any = true;
            let counts = match waiting {
                Waiting::Message(message) => receive::tell(&node, &message)?,
                Waiting::Frame(frame, data) => base::tell(&node, frame, &data)?,
            };
            // What a successor takes up is left to it.
            let leaves = counts && self.is_spent() || node.is_stopping();
            if leaves && self.handover().is_some() || node.0.fatal.get().is_some() {
                break;
            }
        }
        Ok(any)
    }

    fn handle_frames(&mut self) -> Result<bool, Stop> {
        let node = self.node.clone();
        let mut batch = base::take_frames(&node);
        let any = !batch.is_empty();
        let owner = node.0.owner.get();
        while let Some((frame, data, again)) = batch.take_next() {
            if let Some(owner) = owner {
                owner.begin_answer(frame.packet_of(), again);
            }
            let counts = base::handle_frame(&node, frame, data);
            if let Some(owner) = owner {
                // What was answered before is answered, whatever became of this one.
                owner.end_answer(again && counts.is_ok() && node.0.fatal.get().is_none());
            }
            let counts = counts?;
            if counts && self.is_spent() || node.0.fatal.get().is_some() {
                break;
            }
        }
        base::give_back(batch);
        Ok(any)
    }

    /// What came while this process waited for task results.
    pub(crate) fn handle_deferred(&mut self) -> Result<bool, Stop> {
        let mut any = false;
        loop {
            let message = self.node.0.deferred.borrow_mut().pop_front();
            let Some(message) = message else { return Ok(any) };
            any = true;
            receive::handle(&self.node, &message)?;
        }
    }

    /// Counts one request; whether it was the last one of this process's life.
    pub(crate) fn is_spent(&mut self) -> bool {
        self.handled += 1;
        let spent = self.request_limit.is_some_and(|limit| self.handled >= limit);
        if spent {
            self.node.0.stopping.set(true);
        }
        spent
    }

    /// Runs the timers of programs in Rust that are due. The requests of this turn are done: timers are no work that
    /// `getWorkerStatus` and dispatch know of.
    pub(crate) fn run_timers(&self) -> Flow {
        if let Some(slot) = self.node.own_slot()
            && slot.status.load(Relaxed) == BUSY
        {
            slot.status.store(IDLE, Relaxed);
        }
        run_timers(&self.node);
        self.node.0.fatal.get().map_or(Ok(()), Err)
    }

    pub(crate) fn mail(&mut self) -> Option<crate::ipc::Message> {
        self.mailboxes.iter().zip(&self.assemblers).find_map(|(m, a)| m.take(&mut a.borrow_mut()))
    }

    pub(crate) fn recycle(&mut self, message: crate::ipc::Message) {
        self.assemblers[0].borrow_mut().recycle(message);
    }
}

/// Ends the connections that a worker was closing when it was killed, and those that it owed the rest of an answer:
/// nobody else would. Called in the manager.
pub fn finish_closes(node: &Node, id: WorkerId) {
    for (session, _, slot) in node.state().registry.all() {
        let flags = Flags(slot.flags.load(Relaxed));
        let (kind, reset) = match () {
            () if slot.worker.get() != Some(id.0) => continue,
            () if flags.any(Flags::CLOSING | Flags::CLOSED) => (Kind::Finished, 0),
            () if flags.any(Flags::HANDLING) => (Kind::CloseWanted, 1),
            () => continue,
        };
        if kind == Kind::CloseWanted {
            slot.flags.fetch_or(Flags::BROKEN, Relaxed);
        }
        if let Err(e) = node.order(slot, kind, session, reset, &[]) {
            crate::log::warn!("{e}");
        }
    }
}

/// Runs the timers of programs in Rust that are due in this process.
pub fn run_timers(node: &Node) {
    loop {
        let now = clock::monotonic_ms();
        let due = {
            let mut timers = node.0.timers.borrow_mut();
            let due = timers.next_due(now);
            due.and_then(|due| timers.value(due.id).cloned().map(|code| (due.id, code)))
        };
        let Some((id, code)) = due else { return };
        code(node, id.0);
        let finished = node.0.timers.borrow_mut().finish(id);
        drop(finished);
    }
}

/// Marks what a process is, in its row, its title and its log lines; arms it against its parent's death.
pub fn mark(node: &Node, id: WorkerId, title: &str) {
    let state: &'static ServerState = node.state();
    let slot = &state.workers[id.0 as usize];
    slot.pid.store(process::pid(), Relaxed);
    crate::log::set_mark(
        match node.role() {
            Role::TaskWorker => crate::log::Role::TaskWorker,
            Role::User => crate::log::Role::User,
            _ => crate::log::Role::Worker,
        },
        id.0,
    );
    crate::server::title(node, &format!("{title} {}", id.0));
}

/// `SWOOLE_WORKER_BUSY`, `SWOOLE_WORKER_IDLE`, `SWOOLE_WORKER_EXIT`.
const BUSY: u32 = 1;
const IDLE: u32 = 2;
const EXIT: u32 = 3;
/// Messages taken from one mailbox before the others have their turn.
const MESSAGES_A_TURN: u32 = 128;
const TURNS_BETWEEN_POLLS: u64 = 61;
const EXIT_INTERVAL_MS: u64 = 1000;
/// How long a process that is to end sleeps at most while user code has something alive.
const LAST_LOOK: Duration = Duration::from_millis(20);
/// How often a task worker looks into a System V queue that another program may have filled.
const QUEUE_LOOK: Duration = Duration::from_millis(50);
