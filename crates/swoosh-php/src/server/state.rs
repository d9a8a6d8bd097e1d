//! A PHP server: configuration before `start()`, per-process state afterwards.
//!
//! Registered callables live in private properties of the PHP objects, where the cycle collector sees them; they are
//! resolved once, at the start of the server.

use super::callbacks::{Callbacks, ServerEvent};
use super::classes::server_slot;
use super::command_table::ServerCommands;
use super::http::settings::HttpSettings;
use super::redis::commands::RedisCommands;
use super::send_queues::SendQueues;
use crate::runtime::fork::ForkGuard;
use crate::runtime::{event_loop, last_error, reactor, server_process};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use swoosh::context::Context;
use swoosh::handler::{SessionId, TaskEvent};
use swoosh::server::ServerBuilder;
use swoosh::{Error, Mode};
use swoosh_zend::{Callable, Object, PhpResult, Raised, Zval};

/// Lifecycle of a server object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Can be configured.
    New,
    /// `start` was called and has not returned.
    Running,
    /// Has ended in this process.
    Over,
}

/// A server, as one process sees it.
pub struct PhpServer {
    mode: Mode,
    /// The configuration; taken by `start()`.
    builder: RefCell<Option<ServerBuilder>>,
    phase: Cell<Phase>,
    task: RefCell<Option<TaskEvent>>,
    /// By task id.
    on_finish: RefCell<HashMap<u64, Rc<Callable>>>,
    send_queues: SendQueues,
    processes: RefCell<Vec<UserProcess>>,
    http: OnceCell<HttpSettings>,
    commands: ServerCommands,
    redis: RedisCommands,
    home: ForkGuard,
    node: RefCell<Option<Context>>,
    callbacks: RefCell<Option<Rc<Callbacks>>>,
    /// Set after `exit`, a fatal error or an uncaught exception: this process stops.
    stop: Cell<Option<Raised>>,
}

/// Payload of a PHP object that belongs to a server.
#[derive(Default)]
pub struct ServerRef {
    state: OnceCell<Rc<PhpServer>>,
    port: Cell<Option<usize>>,
}

impl ServerRef {
    /// Attaches the object to a server, and to a port of it where it belongs to one; `false` where it is attached already.
    pub fn attach(&self, state: &Rc<PhpServer>, port: Option<usize>) -> bool {
        let is_new = self.state.set(state.clone()).is_ok();
        if is_new {
            self.port.set(port);
        }
        is_new
    }

    /// The server; `None` before the constructor.
    #[inline]
    pub fn get(&self) -> Option<&Rc<PhpServer>> {
        self.state.get()
    }

    /// The port's index, for objects of a port.
    pub fn port(&self) -> Option<usize> {
        self.port.get()
    }

    /// The engine's handle in this process, if the server is running.
    pub fn node(&self) -> Option<Context> {
        self.state.get()?.node()
    }

    /// The server.
    ///
    /// # Errors
    /// Throws an `Error` if the constructor did not run.
    #[inline]
    pub fn state(&self) -> PhpResult<&Rc<PhpServer>> {
        self.state.get().ok_or_else(|| {
            swoosh_zend::error::throw_error("the server is not constructed; call parent::__construct() first")
        })
    }
}

impl PhpServer {
    /// A server without ports.
    pub fn new(mode: Mode) -> Rc<Self> {
        Rc::new(PhpServer {
            mode,
            builder: RefCell::new(Some(ServerBuilder::new(mode))),
            phase: Cell::new(Phase::New),
            task: RefCell::new(None),
            on_finish: RefCell::default(),
            send_queues: SendQueues::default(),
            processes: RefCell::default(),
            http: OnceCell::new(),
            commands: ServerCommands::default(),
            redis: RedisCommands::default(),
            home: ForkGuard::default(),
            node: RefCell::new(None),
            callbacks: RefCell::new(None),
            stop: Cell::new(None),
        })
    }

    /// Process or base mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Sends that wait for room in an output buffer.
    pub fn send_queues(&self) -> &SendQueues {
        &self.send_queues
    }

    /// Commands registered with `addCommand`.
    pub fn commands(&self) -> &ServerCommands {
        &self.commands
    }

    /// Handlers of a Redis server.
    pub fn redis(&self) -> &RedisCommands {
        &self.redis
    }

    /// The process whose callbacks run.
    pub fn home(&self) -> &ForkGuard {
        &self.home
    }

    /// HTTP settings; `None` before `start()`.
    #[inline]
    pub fn http(&self) -> Option<&HttpSettings> {
        self.http.get()
    }

    /// HTTP settings, the defaults before `start()`.
    #[inline]
    pub fn http_or_default(&self) -> &HttpSettings {
        self.http.get_or_init(HttpSettings::default)
    }

    /// Sets the HTTP settings, once.
    pub fn set_http(&self, settings: HttpSettings) {
        let _ = self.http.set(settings);
    }

    /// Changes the configuration; `None` after `start()`, which takes it.
    pub fn configure<R>(&self, change: impl FnOnce(&mut ServerBuilder) -> R) -> Option<R> {
        self.builder.borrow_mut().as_mut().map(change)
    }

    /// Takes the configuration, to start the server.
    pub fn take_builder(&self) -> Option<ServerBuilder> {
        self.builder.borrow_mut().take()
    }

    /// Adds a process of the user. Returns its index.
    pub fn add_process(&self, process: UserProcess) -> usize {
        let mut processes = self.processes.borrow_mut();
        processes.push(process);
        processes.len() - 1
    }

    /// The number of processes added with `addProcess`.
    pub fn process_count(&self) -> usize {
        self.processes.borrow().len()
    }

    /// The process with this index.
    pub fn process(&self, index: usize) -> Option<UserProcess> {
        self.processes.borrow().get(index).cloned()
    }

    /// Reports the objects that it holds to the cycle collector.
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Ok(processes) = self.processes.try_borrow() {
            processes.iter().for_each(|process| process.object.trace(visit));
        }
        self.commands.trace(visit);
    }

    /// Releases the objects that it holds when the server object is freed.
    pub fn release_objects(&self) {
        let processes = self.processes.take();
        drop(processes);
        self.commands.clear();
    }

    /// The task in progress, without coroutines.
    pub fn task(&self) -> Option<TaskEvent> {
        self.task.borrow().clone()
    }

    /// Replaces the task in progress. Returns the one before.
    pub fn replace_task(&self, task: Option<TaskEvent>) -> Option<TaskEvent> {
        self.task.replace(task)
    }

    /// Registers the finish callback that was given to `task`.
    pub fn set_on_finish(&self, task: u64, callable: Callable) {
        self.on_finish.borrow_mut().insert(task, Rc::new(callable));
    }

    /// Takes the finish callback that was given to `task`.
    pub fn take_on_finish(&self, task: u64) -> Option<Rc<Callable>> {
        self.on_finish.borrow_mut().remove(&task)
    }

    /// The server starts, with these callbacks.
    pub(super) fn begin(&self, callbacks: Callbacks) {
        *self.callbacks.borrow_mut() = Some(Rc::new(callbacks));
        self.phase.set(Phase::Running);
    }

    /// The server has ended in this process. Returns what ended it, if PHP code did.
    pub(super) fn end(&self) -> Option<Raised> {
        self.phase.set(Phase::Over);
        server_process::leave();
        self.stop.get()
    }

    /// Releases callbacks and handlers after the server's end.
    pub(super) fn release(&self) {
        let held = (self.callbacks.borrow_mut().take(), self.node.borrow_mut().take());
        drop(held);
        self.redis.clear();
    }

    /// The engine's handle in this process; `None`, with a warning, if the server is not running.
    #[inline]
    pub fn running(&self) -> Option<Context> {
        let node = self.node();
        if node.is_none() {
            last_error::warn_misuse("the server is not running; call this in one of its callbacks");
        }
        node
    }

    /// The engine's handle in this process, if the server is running.
    #[inline]
    pub fn node(&self) -> Option<Context> {
        self.node.borrow().clone()
    }

    /// Whether the server can still be configured; warns if not.
    pub fn is_new(&self) -> bool {
        let new = self.phase.get() == Phase::New;
        if !new {
            last_error::warn_misuse("the server was already started; call this before start()");
        }
        new
    }

    /// The resolved callbacks.
    #[inline]
    pub fn callbacks(&self) -> Option<Rc<Callbacks>> {
        self.callbacks.borrow().clone()
    }

    /// Whether `onPipeMessage` is registered.
    pub fn takes_messages(&self) -> bool {
        self.callbacks().is_some_and(|callbacks| callbacks.of_server(ServerEvent::PipeMessage).is_some())
    }

    /// Stores the engine's handle on the first event of a process.
    #[inline]
    pub fn enter(&self, node: &Context) {
        if self.node.borrow().is_none() {
            *self.node.borrow_mut() = Some(node.clone());
            reactor::host(node);
        }
    }

    /// Discards the parent's handle in a new process of the server.
    pub fn after_fork(&self) {
        let parents = self.node.borrow_mut().take();
        drop(parents);
        self.home.arm();
        server_process::enter();
        event_loop::host();
    }

    /// Detaches a process that user code forked from the server.
    pub fn step_out(&self) {
        if let Ok(node) = self.node.try_borrow()
            && let Some(node) = &*node
        {
            node.step_out();
        }
    }

    /// Records that this process must stop.
    pub fn set_stop(&self, raised: Raised) {
        self.stop.set(Some(raised));
    }

    /// Checked after calls that may run other callbacks: propagates the stop that one of them caused.
    #[inline]
    pub fn check(&self) -> PhpResult<()> {
        self.stop.get().map_or(Ok(()), Err)
    }
}

/// Converts a connection id from PHP; an invalid number becomes 0, which no connection has.
#[inline]
pub fn session(fd: i64) -> SessionId {
    SessionId(u64::try_from(fd).unwrap_or(0))
}

/// Whether a call succeeded; reports its error to PHP.
#[inline]
pub fn succeeded(result: swoosh::Result<()>) -> bool {
    result.map_err(|e| report(&e)).is_ok()
}

/// Reports an error to PHP: misuse is a warning, other errors set the error code and write a log line.
#[cold]
pub fn report(error: &Error) {
    match error {
        Error::State { .. } | Error::Setting { .. } => last_error::warn_misuse(&error.to_string()),
        _ => {
            let code = error.code();
            last_error::set(code);
            match code {
                code if last_error::is_ignored(code) => {}
                // The peer has left, or does not read.
                GONE_FIRST..=GONE_LAST | BUFFER_FULL => swoosh::log::info!("{error}"),
                _ => swoosh::log::notice!("{error}"),
            }
        }
    }
}

/// SWOOLE_ERROR_SESSION_CLOSED_BY_SERVER to SWOOLE_ERROR_SESSION_NOT_EXIST.
const GONE_FIRST: i32 = 1001;
const GONE_LAST: i32 = 1005;
/// SWOOLE_ERROR_OUTPUT_BUFFER_OVERFLOW.
const BUFFER_FULL: i32 = 1009;

/// A process added with `addProcess`.
#[derive(Clone)]
pub struct UserProcess {
    /// The `Swoole\Process` object.
    pub object: Object,
    /// Entry point in the new process; the argument is the worker id.
    pub run: fn(&Object, i64) -> PhpResult<()>,
}

swoosh_zend::payload!(ServerRef);

thread_local! {
    /// The server of this process.
    static SERVER: RefCell<Weak<PhpServer>> = const { RefCell::new(Weak::new()) };
}

/// Makes a server the current one of this process.
pub fn remember(state: &Rc<PhpServer>) {
    SERVER.set(Rc::downgrade(state));
}

/// The server of this process.
pub fn current() -> Option<Rc<PhpServer>> {
    SERVER.with_borrow(Weak::upgrade)
}

/// Detaches this process, forked by user code, from the server. Runs in a fork hook: neither blocks nor panics.
pub fn step_out() {
    let server = SERVER.try_with(|server| server.try_borrow().ok().and_then(|server| server.upgrade()));
    if let Ok(Some(server)) = server {
        server.step_out();
    }
}

/// The ports of a server, in order.
pub fn ports(server: &Object) -> Vec<Object> {
    let Ok(slot) = server_slot("ports") else { return Vec::new() };
    let ports = server.slot(slot).array().cloned().unwrap_or_default();
    ports.iter().filter_map(|(_, port)| port.object().filter(|o| o.payload::<ServerRef>().is_some()).cloned()).collect()
}
