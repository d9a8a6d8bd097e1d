//! The loop of a worker or task worker: takes what has arrived, sleeps until more arrives, and shuts down in order.
//!
//! Runs in: workers and task workers. User code runs between two waits, outside the async runtime; only handlers that agree
//! ([`Handler::inline`](crate::handler::Handler::inline)) are called from within it.

mod activity;
mod sleep;

pub(super) use activity::{Activity, Progress};

use super::end_signals::asks_to_end;
use super::{base_worker, blocking_watch, service_reporter::ServiceReporter};
use crate::blocking;
use crate::config::Mode;
use crate::context::{Context, Role};
use crate::handler::{Event as HandlerEvent, Flow, Stop};
use crate::ids::WorkerId;
use crate::ipc::handover::Handover;
use crate::ipc::{Mailbox, Reassembly};
use crate::request::{self, Event, admission};
use crate::runtime::WatchedEventFd;
use crate::state::{ServerPhase, WorkerRow, WorkerStatus};
use crate::sys::{clock, process, signal::Signals};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// The loop of one process.
pub(super) struct EventLoop {
    context: Context,
    /// The process that this loop was created in.
    pid: i32,
    signals: Signals,
    inboxes: Vec<Inbox>,
    sleeping: &'static AtomicU32,
    /// Number of requests after which this process is replaced.
    request_limit: Option<u64>,
    handled: u64,
    ticks: u64,
    /// Once this process is to end: until when requests in flight are waited for, in monotonic milliseconds.
    shutdown_deadline: Option<u64>,
    /// The descriptors that the runtime watches.
    watched: RefCell<Option<Rc<Watched>>>,
    /// In the process that called `start`.
    reporter: Option<ServiceReporter>,
}

/// A mailbox of this process.
struct Inbox {
    mailbox: &'static Mailbox,
    reassembly: Rc<RefCell<Reassembly>>,
}

/// The descriptors that wake the loop.
struct Watched {
    mailboxes: WatchedEventFd,
    signals: WatchedEventFd,
}

/// Hands the requests that it has taken over to its successor, also where user code panics.
impl Drop for EventLoop {
    fn drop(&mut self) {
        // A child that user code has forked has nothing to hand over, and its runtime is its parent's.
        let is_own = self.pid == process::pid();
        let runtime = self.context.executor().take_runtime();
        if is_own {
            // The tasks hold their owner, which holds them.
            if let Some(owner) = self.context.owner() {
                crate::conn::send_last(owner);
                owner.tasks().clear();
            }
            drop(self.watched.take());
            drop(runtime);
            self.context.return_files();
        } else {
            std::mem::forget(self.watched.take());
            std::mem::forget(runtime);
        }
        if let Some(handover) = self.handover().filter(|_| is_own)
            && let Err(e) = handover.save(&admission::take_for_successor(), &mut self.requests().borrow_mut())
        {
            crate::log::error!("requests that this worker has taken are lost: {e}");
        }
    }
}

impl EventLoop {
    /// The loop of this process.
    pub(super) fn new(context: &Context, request_limit: Option<u64>) -> crate::error::Result<Self> {
        let ignored = [libc::SIGINT, libc::SIGQUIT, libc::SIGPIPE, libc::SIGXFSZ];
        let signals = Signals::install(&[libc::SIGTERM, libc::SIGRTMIN()], &ignored)?;
        Self::with_signals(context, request_limit, signals)
    }

    /// Like [`new`](Self::new), in the process that called `start`: it ends by the keys of a terminal.
    pub(super) fn in_head(context: &Context) -> crate::error::Result<Self> {
        let handled = [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT, libc::SIGRTMIN()];
        let signals = Signals::install(&handled, &[libc::SIGPIPE, libc::SIGXFSZ])?;
        let mut work = Self::with_signals(context, None, signals)?;
        work.reporter = Some(ServiceReporter::new(context.state()));
        Ok(work)
    }

    fn with_signals(context: &Context, request_limit: Option<u64>, signals: Signals) -> crate::error::Result<Self> {
        let state = context.state();
        let here = context.worker_id().expect("a loop has a row");
        let slot = &state.workers()[here.0 as usize];
        context.in_flight().attach(slot);
        let inbox = |mailbox| Inbox { mailbox, reassembly: Rc::default() };
        let (mailboxes, mut inboxes) = (state.mailboxes(), Vec::new());
        inboxes.extend(mailboxes.requests().get(here.0 as usize).map(inbox));
        let reassembly = context.mail().messages().clone();
        inboxes.extend(mailboxes.messages(here).map(|mailbox| Inbox { mailbox, reassembly }));
        inboxes.extend(mailboxes.results(here).map(inbox));
        let work = EventLoop {
            context: context.clone(),
            pid: process::pid(),
            signals,
            inboxes,
            sleeping: &slot.sleeping,
            request_limit,
            handled: 0,
            ticks: 0,
            shutdown_deadline: None,
            watched: RefCell::default(),
            reporter: None,
        };
        let is_base = state.mode() == Mode::Base && context.role() == Role::Worker;
        if is_base || context.handler().inline() {
            context.runtime()?;
        }
        if is_base {
            base_worker::open(context, request_limit);
        }
        Ok(work)
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// The reassembly of the first mailbox, which is the one for requests where there is one.
    fn requests(&self) -> &RefCell<Reassembly> {
        &self.inboxes[0].reassembly
    }

    /// Runs `future` on this loop's runtime; `None` where it has none.
    fn block_on<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let runtime = self.context.executor().runtime()?;
        Some(match self.context.owner() {
            Some(owner) => runtime.block_on(owner.tasks().run_until(future)),
            None => runtime.block_on(future),
        })
    }

    /// Serves until the process is to end: `worker_start`, ticks, shutdown, `worker_stop`. A tick returns what it has
    /// found.
    pub(super) fn serve(&mut self, mut tick: impl FnMut(&mut EventLoop) -> Result<Activity, Stop>) -> Flow {
        let context = self.context.clone();
        let state = context.state();
        let slot = context.own_slot().expect("a loop has a row");
        slot.set_status(WorkerStatus::Idle);
        // In base mode there is no master: the first worker raises the events of the server.
        let is_first = state.mode() == Mode::Base && context.worker_id() == Some(WorkerId(0));
        if is_first {
            state.server().master_pid.store(process::pid(), Relaxed);
            if slot.current_generation() == 1 {
                context.handler().start(&context)?;
            }
        }
        let _watch = blocking_watch::start(&context);
        context.handler().worker_start(&context)?;
        slot.ready.store(slot.current_generation(), Relaxed);
        if context.owner().is_some() {
            self.block_on(base_worker::begin(&context));
        }
        loop {
            self.handle_signals();
            self.reporter.iter_mut().for_each(ServiceReporter::report);
            if context.is_stopping() {
                base_worker::quiesce(&context);
                // Less than the manager waits: the end of the shutdown is user code's.
                let timeout = state.config().max_wait_time.as_millis() as u64 * 4 / 5;
                self.shutdown_deadline.get_or_insert_with(|| clock::monotonic_ms() + timeout);
            }
            if self.must_end() {
                break;
            }
            slot.set_status(WorkerStatus::Busy);
            blocking::begin();
            let activity = tick(self)?;
            context.flush_tasks();
            slot.set_status(WorkerStatus::Idle);
            context.lifecycle().check()?;
            blocking::end();
            self.wait(activity);
        }
        slot.set_status(WorkerStatus::Exiting);
        self.handle_deferred()?;
        if is_first && state.phase() >= ServerPhase::Ending {
            context.handler().before_shutdown(&context)?;
        }
        self.finish_user_code()?;
        context.handler().worker_stop(&context)?;
        base_worker::close_all(&context);
        if context.owner().is_some() {
            self.block_on(base_worker::drain(&context));
        }
        Ok(())
    }

    /// Whether this process ends now. One that is replaced leaves the contents of its mailboxes to its successor; when the
    /// server ends, all of it is handled first, as far as `max_wait_time` allows (the manager enforces it).
    fn must_end(&self) -> bool {
        if !self.context.is_stopping() || base_worker::awaits_clients(&self.context, self.time_left()) {
            return false;
        }
        let is_server_ending = self.context.state().phase() >= ServerPhase::Ending;
        let has_successor = self.handover().is_some();
        let is_joining = has_successor && self.requests().borrow().is_joining();
        let has_queued = !admission::is_empty() && self.time_left().is_none_or(|left| left > Duration::ZERO);
        let has_work = is_joining || has_queued || self.inboxes.iter().any(|inbox| !inbox.mailbox.is_empty());
        !(is_server_ending && has_work || base_worker::has_events(&self.context) || has_queued && !has_successor)
    }

    /// Continues with the requests that the predecessor had taken.
    pub(super) fn restore(&mut self) {
        let Some(handover) = self.handover() else { return };
        match handover.restore(&mut self.requests().borrow_mut()) {
            Ok(messages) => admission::restore(&self.context, messages),
            Err(e) => crate::log::error!("requests that the last worker had taken are lost: {e}"),
        }
    }

    /// The handover to this worker's successor; `None` in base mode, and for task workers.
    fn handover(&self) -> Option<&'static Handover> {
        self.context.state().mailboxes().handover(self.context.worker_id()?)
    }

    fn handle_signals(&self) {
        let arrived = self.signals.take();
        if asks_to_end(arrived) {
            if self.context.state().head_pid() == process::pid() {
                self.context.state().enter(ServerPhase::Ending);
            }
            self.context.lifecycle().stop();
        }
        if arrived.contains(libc::SIGRTMIN())
            && let Err(e) = crate::log::reopen()
        {
            crate::log::error!("{e}");
        }
    }

    /// Whether this process is to end, after one of many messages: the signal may have arrived while a handler blocked, and the
    /// rest is left to the successor.
    pub(super) fn is_to_end(&self) -> bool {
        self.handle_signals();
        self.context.is_stopping()
    }

    /// Waits for user code to finish: futures, callbacks ([`Handler::unfinished`](crate::handler::Handler::unfinished)),
    /// and, where it handles `worker_exit`, timers and descriptors ([`Handler::pending`](crate::handler::Handler::pending)).
    fn finish_user_code(&mut self) -> Flow {
        let context = self.context.clone();
        let handler = context.handler();
        let has_exit_event = handler.wants(HandlerEvent::WorkerExit, 0);
        let pending = || if has_exit_event { handler.pending() + context.timers().len() } else { 0 };
        let timeout = || self.time_left().unwrap_or(Duration::ZERO);
        let unfinished = || {
            handler.unfinished() + handler.due_within(timeout()) + context.executor().futures() + context.queued_tasks()
        };
        let mut next_exit_event = clock::monotonic_ms();
        while pending() + unfinished() > 0 && self.time_left().is_none_or(|left| left > Duration::ZERO) {
            if pending() > 0 && clock::monotonic_ms() >= next_exit_event {
                next_exit_event = clock::monotonic_ms() + EXIT_EVENT_INTERVAL_MS;
                handler.worker_exit(&context)?;
            }
            self.handle_results()?;
            context.flush_tasks();
            handler.tick(&context)?;
            self.run_timers()?;
            if pending() + unfinished() > 0 {
                let limit = self.sleep_limit().unwrap_or(SHUTDOWN_POLL).min(SHUTDOWN_POLL);
                if limit > Duration::ZERO {
                    self.sleep(Some(limit));
                }
            }
        }
        if self.handover().is_none() && !admission::is_empty() {
            crate::log::warn!(
                "dropping {} queued requests: shutdown timed out; raise max_wait_time",
                admission::clear()
            );
        }
        if context.queued_tasks() > 0 {
            let count = context.queued_tasks();
            crate::log::warn!(
                "dropping {count} tasks: their task workers had no room within max_wait_time; raise it, or task_worker_num"
            );
        }
        let left = handler.unfinished();
        if left > 0 {
            crate::log::warn!(
                "{left} coroutines did not end within max_wait_time: abandoned; end them in onWorkerExit, or raise max_wait_time"
            );
        }
        handler.gave_up();
        Ok(())
    }

    /// How long requests in flight are still waited for; `None` while this process is not to end.
    fn time_left(&self) -> Option<Duration> {
        self.shutdown_deadline.map(|at| Duration::from_millis(at.saturating_sub(clock::monotonic_ms())))
    }

    /// Takes messages of every mailbox, up to `limit` each, and handles them. Returns whether there was one; stops early
    /// where the process is to end.
    pub(super) fn handle_messages(&mut self, limit: u32) -> Result<Progress, Stop> {
        let context = self.context.clone();
        // Messages that were deferred since the last tick are older than those in the mailboxes.
        let mut progress = if self.handle_deferred()? { Progress::Busy } else { Progress::Idle };
        for which in 0..self.inboxes.len() {
            for _ in 0..limit {
                let inbox = &self.inboxes[which];
                let Some(message) = inbox.mailbox.take(&mut inbox.reassembly.borrow_mut()) else { break };
                progress = Progress::Busy;
                blocking::begin();
                let Some(event) = Event::of(message) else { continue };
                let counts = request::admit(&context, &event)?;
                if let Some(buffer) = event.into_buffer() {
                    inbox.reassembly.borrow_mut().recycle(buffer);
                }
                // Messages that were deferred meanwhile are older than those in the mailbox.
                self.handle_deferred()?;
                if counts && self.reaches_limit() || self.is_to_end() || context.lifecycle().is_fatal() {
                    return Ok(Progress::Ending);
                }
            }
        }
        Ok(progress)
    }

    /// Hands results of tasks to the coroutines that wait for them, in a process that takes no other messages any more.
    fn handle_results(&self) -> Flow {
        if !self.context.expects_results() {
            return Ok(());
        }
        let Some(mailbox) = self.context.own_results() else { return Ok(()) };
        let own = self.inboxes.iter().find(|inbox| std::ptr::eq(inbox.mailbox, mailbox));
        let next = || own.and_then(|inbox| mailbox.take(&mut inbox.reassembly.borrow_mut()));
        while let Some(message) = next() {
            if let Some(event) = Event::of(message) {
                request::admit(&self.context, &event)?;
            }
        }
        Ok(())
    }

    /// Handles messages that were taken while this process waited for task results.
    pub(super) fn handle_deferred(&mut self) -> Result<bool, Stop> {
        let mut any = false;
        while let Some(message) = self.context.mail().next_deferred() {
            any = true;
            if let Some(event) = Event::of(message) {
                request::admit(&self.context, &event)?;
            }
        }
        Ok(any)
    }

    /// Delivers queued requests, as far as there is room now.
    pub(super) fn handle_queued(&mut self) -> Result<bool, Stop> {
        let context = self.context.clone();
        let mut any = false;
        while let Some(event) = admission::next(&context) {
            any = true;
            blocking::begin();
            let counts = request::deliver::deliver(&context, &event)?;
            // The rest is left to the successor, where there is one.
            let is_ending = counts && self.reaches_limit() || self.is_to_end();
            if is_ending && self.handover().is_some() || context.lifecycle().is_fatal() {
                break;
            }
        }
        Ok(any)
    }

    /// Handles the events of this worker's own connections (base mode).
    pub(super) fn handle_own_events(&mut self) -> Result<bool, Stop> {
        let context = self.context.clone();
        base_worker::handle_events(&context, |counts| counts && self.reaches_limit())
    }

    /// Counts a request. Returns whether it was the last one before this process is replaced.
    pub(super) fn reaches_limit(&mut self) -> bool {
        self.handled += 1;
        let reached = self.request_limit.is_some_and(|limit| self.handled >= limit);
        if reached {
            self.context.lifecycle().stop();
        }
        reached
    }

    /// Runs expired timers of programs in Rust. The requests of this tick are done: timers do not count as work for
    /// `getWorkerStatus` and for dispatch.
    pub(super) fn run_timers(&self) -> Flow {
        if let Some(slot) = self.context.own_slot()
            && slot.is_busy()
        {
            slot.set_status(WorkerStatus::Idle);
        }
        self.context.run_due_timers();
        self.context.lifecycle().check()
    }
}

const EXIT_EVENT_INTERVAL_MS: u64 = 1000;
/// How long a process that shuts down sleeps at most while user code is unfinished.
const SHUTDOWN_POLL: Duration = Duration::from_millis(20);
