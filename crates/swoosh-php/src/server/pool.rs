//! A PHP pool: what it is before it starts, and what each of its processes knows of it while it runs.
//!
//! A worker without coroutines lives as the engine has it ([`Work::run_worker`]): it sleeps in the kernel between messages.
//! One with coroutines runs the event loop, and its messages come in beside everything else.

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

/// One pool.
#[derive(Default)]
pub struct State {
    /// What it will be; gone once it has started.
    pub made: RefCell<Option<Pool>>,
    /// How messages come.
    pub ipc: Cell<Ipc>,
    /// Workers run the event loop, and callbacks in coroutines of their own.
    pub coroutine: Cell<bool>,
    /// How long workers may take to end.
    pub patience: Cell<Duration>,
    /// What each worker runs instead of the callback, with a coroutine or without: a manager's.
    pub jobs: RefCell<Vec<(Rc<Callable>, bool)>>,
    /// The process whose callbacks run.
    fork_guard: ForkGuard,
    side: RefCell<Side>,
    inbox: RefCell<Option<Inbox>>,
    /// Messages that are being handled, by coroutine; 0: outside of them.
    messages: RefCell<BTreeMap<u64, Message>>,
    stop: Cell<Option<Raised>>,
}

/// Which process this is.
#[derive(Default, Clone)]
pub enum Side {
    /// None of a running pool.
    #[default]
    Nobody,
    /// The one that called `start`.
    Supervisor(Supervisor),
    /// A worker.
    Worker(Worker),
}

/// What user code gave.
#[derive(Default)]
#[allow(missing_docs)]
pub struct Calls {
    pub start: Option<Rc<Callable>>,
    pub shutdown: Option<Rc<Callable>>,
    pub worker_start: Option<Rc<Callable>>,
    pub worker_stop: Option<Rc<Callable>>,
    pub worker_exit: Option<Rc<Callable>>,
    pub message: Option<Rc<Callable>>,
}

thread_local! {
    /// The worker that this process is, and where its pool shows that it is to end.
    static HERE: RefCell<Option<(Worker, Object, Slots)>> = const { RefCell::new(None) };
}

impl State {
    /// Which process this is.
    pub fn side(&self) -> Side {
        self.side.borrow().clone()
    }

    /// The worker that this process is; `None`, with a warning, where it is none.
    pub fn worker(&self) -> Option<Worker> {
        match self.side() {
            Side::Worker(worker) => Some(worker),
            _ => {
                last_error::warn_misuse("only a worker of the pool can do this; call it in onWorkerStart or onMessage");
                None
            }
        }
    }

    /// Whether it can be set up still; a warning where it cannot.
    pub fn is_new(&self) -> bool {
        let new = self.made.borrow().is_some();
        if !new {
            last_error::warn_misuse("the pool was started already, or its constructor was not called");
        }
        new
    }

    /// Adds to the reply to the message that is being handled; `false`: there is none, or nobody waits for a reply.
    pub fn reply(&self, data: &[u8]) -> bool {
        self.messages.borrow_mut().get_mut(&place()).is_some_and(|message| message.reply(data))
    }
}

/// Whose message is handled.
fn place() -> u64 {
    coroutine::current_id().unwrap_or(0)
}

/// Runs the pool. Returns in the process that called it, when the pool has ended; workers end here.
pub fn start(state: &Rc<State>, object: &Object, calls: Calls, slots: Slots) -> PhpResult<bool> {
    let Some(pool) = state.made.borrow_mut().take() else { return Ok(false) };
    event_loop::host();
    let bridge = Bridge { state: state.clone(), object: object.clone(), calls: Rc::new(calls), slots };
    let ended = pool.run(&bridge);
    *state.side.borrow_mut() = Side::Nobody;
    if let Some(raised) = state.stop.get() {
        event_loop::shut_down();
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

/// Between two instructions of PHP: a worker that was told to end shows it.
pub fn between_instructions() {
    let here = HERE.with_borrow(|here| here.as_ref().filter(|(worker, ..)| worker.should_stop()).cloned());
    if let Some((_, object, slots)) = here {
        show_end(&object, &slots);
    }
}

fn show_end(object: &Object, slots: &Slots) {
    object.set_slot(slots.running, false);
    object.set_slot(slots.worker_running, false);
}

/// The engine's work for one PHP pool.
struct Bridge {
    state: Rc<State>,
    object: Object,
    calls: Rc<Calls>,
    slots: Slots,
}

impl Bridge {
    fn call(&self, callable: &Option<Rc<Callable>>, mut args: Vec<Zval>) -> Flow {
        let Some(callable) = callable else { return Ok(()) };
        args.insert(0, self.object.clone().into_zval());
        self.settle(callable.call(&mut args).map(drop))
    }

    /// What a callback left ends this process; a child that it has forked stays here.
    fn settle(&self, result: PhpResult<()>) -> Flow {
        self.state.fork_guard.leave_if_child(result).map_err(|raised| {
            let raised = if raised == Raised::Exception { raise_uncaught(raised) } else { raised };
            self.state.stop.set(Some(raised));
            Stop { code: if raised == Raised::Exit { runtime::exit_status() } else { 255 } }
        })
    }

    fn enter(&self, worker: &Worker) {
        self.state.fork_guard.arm();
        *self.state.side.borrow_mut() = Side::Worker(worker.clone());
        self.object.set_slot(self.slots.worker_id, worker.id());
        self.object.set_slot(self.slots.worker_pid, swoosh::sys::process::pid());
        HERE.set(Some((worker.clone(), self.object.clone(), self.slots)));
        swoosh::sys::signal::set_handler_hook(interrupt::request_from_signal_handler);
        scheduler::set_callbacks_in_coroutines(self.state.coroutine.get());
    }

    /// What a manager gave this worker to do.
    fn job(&self, worker: &Worker) -> Option<Rc<Callable>> {
        self.state.jobs.borrow().get(worker.id() as usize).map(|(callable, _)| callable.clone())
    }

    /// The life of a worker with an event loop.
    fn live(&self, worker: &Worker) -> Flow {
        let me = (self.object.clone(), worker.id());
        let begin = self.job(worker).or_else(|| self.calls.worker_start.clone());
        self.settle(coroutine::spawn_event(move || match begin {
            Some(begin) => begin.call(&mut [me.0.into_zval(), me.1.into_zval()]).map(drop),
            None => Ok(()),
        }))?;
        worker.mark_ready();
        let opened = if self.takes_messages() { worker.inbox().map(Some) } else { Ok(None) };
        match opened {
            Ok(inbox) => *self.state.inbox.borrow_mut() = inbox,
            Err(e) => swoosh::log::error!("worker {}: {e}", worker.id()),
        }
        let event_fd = Alarm::of(worker.event_fd());
        let messages = self.state.inbox.borrow().as_ref().map(|inbox| Alarm::of(inbox.descriptor()));
        let left = event_loop::run_while(|| {
            if self.state.fork_guard.is_child() {
                return Ok(None);
            }
            if let Some(messages) = &messages {
                messages.forget();
                self.take_messages(worker)?;
                messages.arm();
            }
            // Last: code that has just run may have been told, and then the bell is silent again.
            if worker.should_stop() || (messages.is_none() && !event_loop::is_alive()) {
                return Ok(None);
            }
            event_fd.arm();
            Ok(Some(self.state.inbox.borrow().as_ref().and_then(Inbox::next_deadline)))
        });
        self.settle(left.map(drop))?;
        self.end(worker)?;
        self.call(&self.calls.worker_stop, vec![worker.id().into_zval()])
    }

    /// A coroutine for each message that has come.
    fn take_messages(&self, worker: &Worker) -> PhpResult<()> {
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
            let Some(callable) = self.calls.message.clone() else { return Ok(()) };
            let begun = coroutine::spawn_event(move || {
                let data = message.data.as_slice().into_zval();
                state.messages.borrow_mut().insert(place(), message);
                let done = callable.call(&mut [object.into_zval(), data]).map(drop);
                // In a child the message is its parent's.
                if state.fork_guard.is_child() {
                    return done;
                }
                let handled = state.messages.borrow_mut().remove(&place());
                // Nobody is told that a message was handled which was not.
                done?;
                if let (Some(message), Some(inbox)) = (handled, state.inbox.borrow_mut().as_mut()) {
                    inbox.complete(message);
                }
                if !worker.count_handled() {
                    worker.stop();
                }
                Ok(())
            });
            self.state.fork_guard.leave_if_child(begun)?;
        }
        Ok(())
    }

    /// The worker was told to end, or has nothing left to do: what it has begun ends first.
    fn end(&self, worker: &Worker) -> Flow {
        show_end(&self.object, &self.slots);
        if let Some(inbox) = self.state.inbox.borrow_mut().as_mut() {
            inbox.stop_accepting();
        }
        // Less than what the supervisor waits: the last words are user code's.
        let until = Instant::now() + self.state.patience.get() * 4 / 5;
        let tells = self.calls.worker_exit.is_some();
        let mut tell_at = Instant::now();
        let ended = event_loop::run_while(|| {
            if self.state.fork_guard.is_child() {
                return Ok(None);
            }
            let kept = tells && event_loop::is_alive();
            if Instant::now() >= until || !(kept || coroutine::callbacks() > 0) {
                return Ok(None);
            }
            if kept && Instant::now() >= tell_at {
                tell_at = Instant::now() + EXIT_INTERVAL;
                if let Some(callable) = &self.calls.worker_exit {
                    callable.call(&mut [self.object.clone().into_zval(), worker.id().into_zval()])?;
                }
            }
            Ok(Some(Some(LAST_LOOK)))
        });
        if coroutine::callbacks() > 0 {
            coroutine::report_pending_callbacks();
        }
        self.settle(ended.map(drop))
    }
}

impl Work for Bridge {
    fn start(&self, pool: &Supervisor) -> Flow {
        self.state.fork_guard.arm();
        *self.state.side.borrow_mut() = Side::Supervisor(pool.clone());
        self.object.set_slot(self.slots.master_pid, swoosh::sys::process::pid());
        self.call(&self.calls.start, Vec::new())
    }

    fn shutdown(&self, _: &Supervisor) -> Flow {
        self.object.set_slot(self.slots.running, false);
        self.call(&self.calls.shutdown, Vec::new())
    }

    fn tick(&self, _: &Supervisor) -> Flow<Option<Duration>> {
        self.settle(signals::run_due())?;
        self.settle(event_loop::hosted_tick())?;
        Ok(event_loop::hosted_sleep_limit())
    }

    fn worker_start(&self, worker: &Worker) -> Flow {
        let begin = self.job(worker).or_else(|| self.calls.worker_start.clone());
        self.call(&begin, vec![worker.id().into_zval()])
    }

    fn takes_messages(&self) -> bool {
        self.calls.message.is_some() && self.state.ipc.get() != Ipc::None
    }

    fn message(&self, _: &Worker, message: &mut Message) -> Flow {
        let data = message.data.as_slice().into_zval();
        self.state.messages.borrow_mut().insert(0, std::mem::take(message));
        self.call(&self.calls.message, vec![data])?;
        if let Some(handled) = self.state.messages.borrow_mut().remove(&0) {
            *message = handled;
        }
        Ok(())
    }

    fn worker_exit(&self, worker: &Worker) -> Flow {
        self.call(&self.calls.worker_exit, vec![worker.id().into_zval()])
    }

    fn worker_stop(&self, worker: &Worker) -> Flow {
        show_end(&self.object, &self.slots);
        self.call(&self.calls.worker_stop, vec![worker.id().into_zval()])
    }

    fn run_worker(&self, worker: &Worker, main_loop: &dyn Fn() -> i32) -> i32 {
        if let Some((_, apart)) = self.state.jobs.borrow().get(worker.id() as usize) {
            self.state.coroutine.set(*apart);
        }
        self.enter(worker);
        let status = match self.state.coroutine.get() {
            true => self.live(worker).map_or_else(|stop| stop.code, |()| 0),
            false => main_loop(),
        };
        runtime::end_process(status)
    }
}

/// A descriptor that wakes the loop.
struct Alarm {
    fd: RawFd,
    watch: Option<Watch>,
}

impl Alarm {
    fn of(fd: RawFd) -> Self {
        Alarm { fd, watch: Watch::new(fd, Interest::READABLE).ok() }
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

/// The callbacks by their names, from the order of [`EVENTS`].
pub fn calls(mut callbacks: [Option<Rc<Callable>>; EVENTS.len()]) -> Calls {
    let mut take = |n: usize| callbacks[n].take();
    Calls {
        start: take(0),
        shutdown: take(1),
        worker_start: take(2),
        worker_stop: take(3),
        worker_exit: take(4),
        message: take(5),
    }
}

/// How often a worker that does not end is told of it.
const EXIT_INTERVAL: Duration = Duration::from_millis(100);
/// How long the last turns sleep at most.
const LAST_LOOK: Duration = Duration::from_millis(10);

/// Where the properties are that differ between processes.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Slots {
    pub master_pid: usize,
    pub worker_id: usize,
    pub worker_pid: usize,
    pub worker_running: usize,
    pub running: usize,
}

/// The events: the name in lower case, and the private property that holds the callback.
pub const EVENTS: [(&str, &str); 6] = [
    ("start", "onStart"),
    ("shutdown", "onShutdown"),
    ("workerstart", "onWorkerStart"),
    ("workerstop", "onWorkerStop"),
    ("workerexit", "onWorkerExit"),
    ("message", "onMessage"),
];
