//! A PHP process pool: its configuration before `start()`, its per-process state afterwards.
//!
//! A worker without coroutines blocks in the kernel between messages ([`Work::run_worker`]). A worker with coroutines runs
//! the event loop, and messages are one of its event sources.

use super::pool_callbacks::{PoolCallbacks, PoolSlots};
use crate::coroutine;
use crate::runtime::fork::ForkGuard;
use crate::runtime::reactor::Watch;
use crate::runtime::{event_loop, last_error, reactor, scheduler, signals};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::task::Context;
use std::time::{Duration, Instant};
use swoosh::handler::{Flow, Stop};
use swoosh::pool::{Inbox, Ipc, Message, Pool, Supervisor, Work, Worker};
use swoosh_zend::error::raise_uncaught;
use swoosh_zend::{Callable, IntoZval, Object, PhpResult, Raised, Zval, interrupt, runtime};
use tokio::io::Interest;

/// A pool, as one process sees it.
#[derive(Default)]
pub struct PhpPool {
    /// The configuration; taken by `start()`.
    builder: RefCell<Option<Pool>>,
    ipc: Cell<Ipc>,
    /// Workers run the event loop, and each callback in its own coroutine.
    coroutine: Cell<bool>,
    /// Time limit for a worker's shutdown.
    shutdown_timeout: Cell<Duration>,
    /// `Process\Manager`: the function of each worker, and whether it runs in a coroutine.
    worker_functions: RefCell<Vec<(Rc<Callable>, bool)>>,
    /// The process whose callbacks run.
    home: ForkGuard,
    process: RefCell<PoolProcess>,
    inbox: RefCell<Option<Inbox>>,
    /// Messages in progress, by coroutine id; 0: outside of coroutines.
    messages: RefCell<BTreeMap<u64, Message>>,
    stop: Cell<Option<Raised>>,
}

/// The role of this process in the pool.
#[derive(Default, Clone)]
pub enum PoolProcess {
    /// Not a process of a running pool.
    #[default]
    Outside,
    /// The process that called `start`.
    Supervisor(Supervisor),
    /// A worker.
    Worker(Worker),
}

thread_local! {
    /// The worker that this process is, with the object whose properties show that it is stopping.
    static CURRENT_WORKER: RefCell<Option<(Worker, Object, PoolSlots)>> = const { RefCell::new(None) };
}

impl PhpPool {
    /// A pool that is not started. `coroutine`: workers run the event loop, and each callback in its own coroutine.
    pub fn new(pool: Pool, ipc: Ipc, coroutine: bool, shutdown_timeout: Duration) -> Self {
        let own = PhpPool::default();
        own.ipc.set(ipc);
        own.coroutine.set(coroutine);
        own.builder.replace(Some(pool.ipc(ipc)));
        own.set_shutdown_timeout(shutdown_timeout);
        own
    }

    /// Changes the configuration; does nothing after `start()`, which takes it.
    pub fn configure(&self, change: impl FnOnce(Pool) -> Pool) {
        let before = self.builder.take();
        *self.builder.borrow_mut() = before.map(change);
    }

    /// Adds a listening address; `None` after `start()`.
    pub fn listen(&self, host: &str, port: i64, backlog: i32) -> Option<swoosh::Result<u16>> {
        self.builder.borrow_mut().as_mut().map(|pool| pool.listen(host, port, backlog))
    }

    /// The transport of messages.
    pub fn ipc(&self) -> Ipc {
        self.ipc.get()
    }

    /// Whether workers run the event loop, and each callback in its own coroutine.
    pub fn uses_coroutines(&self) -> bool {
        self.coroutine.get()
    }

    /// Sets whether workers run the event loop, and each callback in its own coroutine.
    pub fn set_coroutine(&self, coroutine: bool) {
        self.coroutine.set(coroutine);
    }

    /// Sets the time limit for a worker's shutdown.
    pub fn set_shutdown_timeout(&self, timeout: Duration) {
        self.shutdown_timeout.set(timeout);
        self.configure(|pool| pool.shutdown_timeout(timeout));
    }

    /// Sets the function of each worker, and whether it runs in a coroutine (`Process\Manager`).
    pub fn set_worker_functions(&self, functions: Vec<(Rc<Callable>, bool)>) {
        *self.worker_functions.borrow_mut() = functions;
    }

    /// Whether workers have functions of their own.
    pub fn has_worker_functions(&self) -> bool {
        !self.worker_functions.borrow().is_empty()
    }

    /// The role of this process.
    pub fn process(&self) -> PoolProcess {
        self.process.borrow().clone()
    }

    /// The worker that this process is; `None`, with a warning, in other processes.
    pub fn worker(&self) -> Option<Worker> {
        match self.process() {
            PoolProcess::Worker(worker) => Some(worker),
            _ => {
                last_error::warn_misuse("this must be called in a worker of the pool, in onWorkerStart or onMessage");
                None
            }
        }
    }

    /// Whether the pool can still be configured; warns if not.
    pub fn is_new(&self) -> bool {
        let new = self.builder.borrow().is_some();
        if !new {
            last_error::warn_misuse("the pool was already started, or its constructor was not called");
        }
        new
    }

    /// The value of `running` or `workerRunning` when it is first read in a worker: its code asks whether it has to end, and
    /// decides itself from here on.
    pub fn running_property(&self) -> bool {
        let PoolProcess::Worker(worker) = self.process() else { return true };
        if let Err(e) = worker.stop_when_told() {
            swoosh::log::warn!("{e}");
        }
        !worker.should_stop()
    }

    /// Appends to the reply to the message in progress; `false` if there is none or its sender expects no reply.
    pub fn reply(&self, data: &[u8]) -> bool {
        self.messages.borrow_mut().get_mut(&current_message_key()).is_some_and(|message| message.reply(data))
    }
}

/// Key of the message in progress: the running coroutine.
fn current_message_key() -> u64 {
    coroutine::current_id().unwrap_or(0)
}

/// Runs the pool. Returns in the calling process when the pool has ended; workers never return.
pub fn start(state: &Rc<PhpPool>, object: &Object, callbacks: PoolCallbacks, slots: PoolSlots) -> PhpResult<bool> {
    let Some(pool) = state.builder.borrow_mut().take() else { return Ok(false) };
    event_loop::host();
    let bridge = PoolBridge { state: state.clone(), object: object.clone(), callbacks: Rc::new(callbacks), slots };
    signals::discard_unhandled();
    let ended = pool.run(&bridge);
    signals::restore_discarded();
    *state.process.borrow_mut() = PoolProcess::Outside;
    if let Some(raised) = state.stop.get() {
        event_loop::end_by(raised);
        return Err(raised);
    }
    event_loop::end_hosting();
    coroutine::end_all(false)?;
    if let Err(e) = &ended {
        last_error::set(e.code());
        swoosh_zend::error::warning(&e.to_string());
    }
    Ok(ended.is_ok())
}

/// Runs between two PHP instructions: a worker with a pending stop request clears the `running` properties.
pub fn between_instructions() {
    let here = CURRENT_WORKER.with_borrow(|here| here.as_ref().filter(|(worker, ..)| worker.should_stop()).cloned());
    if let Some((_, object, slots)) = here {
        mark_stopped(&object, &slots);
    }
}

fn mark_stopped(object: &Object, slots: &PoolSlots) {
    object.set_slot(slots.running, false);
    object.set_slot(slots.worker_running, false);
}

/// The engine's callbacks for one PHP pool.
struct PoolBridge {
    state: Rc<PhpPool>,
    object: Object,
    callbacks: Rc<PoolCallbacks>,
    slots: PoolSlots,
}

impl PoolBridge {
    fn call(&self, callable: &Option<Rc<Callable>>, mut args: Vec<Zval>) -> Flow {
        let Some(callable) = callable else { return Ok(()) };
        args.insert(0, self.object.clone().into_zval());
        self.finish_call(callable.call(&mut args).map(drop))
    }

    /// Calls the callback of an event that ends a process, and runs what it has begun.
    fn call_last(&self, callable: &Option<Rc<Callable>>, args: Vec<Zval>) -> Flow {
        event_loop::leave_behind();
        self.call(callable, args)?;
        self.finish_call(event_loop::run())
    }

    /// Ends this process after `exit`, a fatal error or an raise_uncaught exception. A forked child does not return to the engine.
    fn finish_call(&self, result: PhpResult<()>) -> Flow {
        self.state.home.leave_if_child(result).map_err(|raised| {
            let raised = if raised == Raised::Exception { raise_uncaught(raised) } else { raised };
            self.state.stop.set(Some(raised));
            Stop { code: if raised == Raised::Exit { runtime::exit_status() } else { 255 } }
        })
    }

    fn enter(&self, worker: &Worker) {
        self.state.home.arm();
        *self.state.process.borrow_mut() = PoolProcess::Worker(worker.clone());
        self.object.set_slot(self.slots.worker_id, worker.id());
        self.object.set_slot(self.slots.worker_pid, swoosh::sys::process::pid());
        CURRENT_WORKER.set(Some((worker.clone(), self.object.clone(), self.slots)));
        swoosh::sys::signal::set_handler_hook(interrupt::request_from_signal_handler);
        scheduler::set_callbacks_in_coroutines(self.state.coroutine.get());
    }

    /// SIGTERM ends a worker at once whose code does not ask whether it has to end: it has no message loop and no event loop
    /// of ours, has no handler, and has not read `running` or `workerRunning` ([`PhpPool::running_property`]).
    fn leave_termination_to_kernel(&self, worker: &Worker) {
        if self.state.coroutine.get() || self.takes_messages() {
            return;
        }
        self.object.set_lazy_slot(self.slots.running);
        self.object.set_lazy_slot(self.slots.worker_running);
        worker.die_when_told();
        // A signal that arrived before has been recorded.
        if worker.should_stop() {
            runtime::end_process(0);
        }
    }

    /// The function that `Process\Manager` assigned to this worker.
    fn worker_function(&self, worker: &Worker) -> Option<Rc<Callable>> {
        self.state.worker_functions.borrow().get(worker.id() as usize).map(|(callable, _)| callable.clone())
    }

    /// Runs a worker with an event loop, from its start callback to its stop callback.
    fn run_event_loop(&self, worker: &Worker) -> Flow {
        let me = (self.object.clone(), worker.id());
        let begin = self.worker_function(worker).or_else(|| self.callbacks.worker_start.clone());
        self.finish_call(coroutine::spawn_event(move || match begin {
            Some(begin) => begin.call(&mut [me.0.into_zval(), me.1.into_zval()]).map(drop),
            None => Ok(()),
        }))?;
        worker.mark_ready();
        let opened = if self.takes_messages() { worker.inbox().map(Some) } else { Ok(None) };
        match opened {
            Ok(inbox) => *self.state.inbox.borrow_mut() = inbox,
            Err(e) => swoosh::log::error!("worker {}: {e}", worker.id()),
        }
        let event_fd = Wakeup::of(worker.event_fd());
        let messages = self.state.inbox.borrow().as_ref().map(|inbox| Wakeup::of(inbox.descriptor()));
        let left = event_loop::run_while(|| {
            if self.state.home.is_child() {
                return Ok(None);
            }
            if let Some(messages) = &messages {
                messages.forget();
                self.dispatch_messages(worker)?;
                messages.arm();
            }
            // Checked last: code that has just run may have received the stop request and drained the event descriptor.
            if worker.should_stop() || (messages.is_none() && !event_loop::is_alive()) {
                return Ok(None);
            }
            event_fd.arm();
            Ok(Some(self.state.inbox.borrow().as_ref().and_then(Inbox::next_deadline)))
        });
        self.finish_call(left.map(drop))?;
        self.shut_down(worker)?;
        self.call_last(&self.callbacks.worker_stop, vec![worker.id().into_zval()])
    }

    /// Starts a coroutine for each received message.
    fn dispatch_messages(&self, worker: &Worker) -> PhpResult<()> {
        while !worker.should_stop() {
            let taken = self.state.inbox.borrow_mut().as_mut().map(Inbox::take);
            let message = match taken {
                Some(Ok(Some(message))) => message,
                Some(Err(e)) => {
                    swoosh::log::error!("worker {}: {e}", worker.id());
                    return Ok(());
                }
                _ => return Ok(()),
            };
            let (state, worker, object) = (self.state.clone(), worker.clone(), self.object.clone());
            let Some(callable) = self.callbacks.message.clone() else { return Ok(()) };
            let begun = coroutine::spawn_event(move || {
                let data = message.data.as_slice().into_zval();
                state.messages.borrow_mut().insert(current_message_key(), message);
                let done = callable.call(&mut [object.into_zval(), data]).map(drop);
                // In a forked child: the parent answers the message.
                if state.home.is_child() {
                    return done;
                }
                let handled = state.messages.borrow_mut().remove(&current_message_key());
                // A message whose handler failed is not acknowledged.
                done?;
                if let (Some(message), Some(inbox)) = (handled, state.inbox.borrow_mut().as_mut()) {
                    inbox.complete(message);
                }
                if !worker.count_handled() {
                    worker.stop();
                }
                Ok(())
            });
            self.state.home.leave_if_child(begun)?;
        }
        Ok(())
    }

    /// Waits for the coroutines in progress, until the shutdown timeout.
    fn shut_down(&self, worker: &Worker) -> Flow {
        mark_stopped(&self.object, &self.slots);
        if let Some(inbox) = self.state.inbox.borrow_mut().as_mut() {
            inbox.stop_accepting();
        }
        // Shorter than the supervisor's timeout, so that onWorkerStop still runs.
        let until = Instant::now() + self.state.shutdown_timeout.get() * 4 / 5;
        let tells = self.callbacks.worker_exit.is_some();
        let mut tell_at = Instant::now();
        let ended = event_loop::run_while(|| {
            if self.state.home.is_child() {
                return Ok(None);
            }
            let kept = tells && event_loop::is_alive();
            if Instant::now() >= until || !(kept || coroutine::callbacks() > 0) {
                return Ok(None);
            }
            if kept && Instant::now() >= tell_at {
                tell_at = Instant::now() + EXIT_INTERVAL;
                if let Some(callable) = &self.callbacks.worker_exit {
                    callable.call(&mut [self.object.clone().into_zval(), worker.id().into_zval()])?;
                }
            }
            Ok(Some(Some(SHUTDOWN_POLL)))
        });
        if coroutine::callbacks() > 0 {
            coroutine::report_unfinished();
        }
        self.finish_call(ended.map(drop))
    }
}

impl Work for PoolBridge {
    fn start(&self, pool: &Supervisor) -> Flow {
        self.state.home.arm();
        *self.state.process.borrow_mut() = PoolProcess::Supervisor(pool.clone());
        self.object.set_slot(self.slots.master_pid, swoosh::sys::process::pid());
        self.call(&self.callbacks.start, Vec::new())
    }

    fn shutdown(&self, _: &Supervisor) -> Flow {
        self.object.set_slot(self.slots.running, false);
        self.call_last(&self.callbacks.shutdown, Vec::new())
    }

    fn tick(&self, _: &Supervisor) -> Flow<Option<Duration>> {
        self.finish_call(signals::run_due())?;
        self.finish_call(event_loop::hosted_tick())?;
        Ok(event_loop::hosted_sleep_limit())
    }

    fn worker_start(&self, worker: &Worker) -> Flow {
        let begin = self.worker_function(worker).or_else(|| self.callbacks.worker_start.clone());
        self.call(&begin, vec![worker.id().into_zval()])
    }

    fn takes_messages(&self) -> bool {
        self.callbacks.message.is_some() && self.state.ipc.get() != Ipc::None
    }

    fn message(&self, _: &Worker, message: &mut Message) -> Flow {
        let data = message.data.as_slice().into_zval();
        self.state.messages.borrow_mut().insert(0, std::mem::take(message));
        self.call(&self.callbacks.message, vec![data])?;
        if let Some(handled) = self.state.messages.borrow_mut().remove(&0) {
            *message = handled;
        }
        Ok(())
    }

    fn worker_exit(&self, worker: &Worker) -> Flow {
        self.call(&self.callbacks.worker_exit, vec![worker.id().into_zval()])
    }

    fn worker_stop(&self, worker: &Worker) -> Flow {
        mark_stopped(&self.object, &self.slots);
        self.call_last(&self.callbacks.worker_stop, vec![worker.id().into_zval()])
    }

    fn run_worker(&self, worker: &Worker, main_loop: &dyn Fn() -> i32) -> i32 {
        if let Some((_, apart)) = self.state.worker_functions.borrow().get(worker.id() as usize) {
            self.state.coroutine.set(*apart);
        }
        self.enter(worker);
        self.leave_termination_to_kernel(worker);
        let status = match self.state.coroutine.get() {
            true => self.run_event_loop(worker).map_or_else(|stop| stop.code, |()| 0),
            false => main_loop(),
        };
        runtime::end_process(status)
    }
}

/// A descriptor that wakes the loop.
struct Wakeup {
    fd: RawFd,
    watch: Option<Watch>,
}

impl Wakeup {
    fn of(fd: RawFd) -> Self {
        Wakeup { fd, watch: Watch::new(fd, Interest::READABLE).ok() }
    }

    fn forget(&self) {
        if let Some(watch) = &self.watch {
            watch.clear_read_ready();
        }
    }

    fn arm(&self) {
        let token = reactor::watcher_token(self.fd);
        let waker = reactor::waker(token);
        if let Some(watch) = &self.watch
            && watch.poll_read(&mut Context::from_waker(&waker)).is_ready()
        {
            reactor::wake(token);
        }
    }
}

/// Interval of onWorkerExit during shutdown.
const EXIT_INTERVAL: Duration = Duration::from_millis(100);
/// Longest sleep of the event loop during shutdown.
const SHUTDOWN_POLL: Duration = Duration::from_millis(10);
