//! A PHP server: configuration before `start()`, per-process state afterwards.
//!
//! Registered callables live in private properties of the PHP objects, where the cycle collector sees them; they are
//! resolved once, at the start of the server.

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
use swoosh_zend::{Callable, Object, PhpResult, Raised};

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
    /// Process or base mode.
    pub mode: Mode,
    /// The configuration; taken by `start()`.
    pub builder: RefCell<Option<ServerBuilder>>,
    /// The lifecycle phase.
    pub phase: Cell<Phase>,
    /// The task in progress, without coroutines.
    pub task: RefCell<Option<TaskEvent>>,
    /// Finish callbacks given to `task`, by task id.
    pub on_finish: RefCell<HashMap<u64, Rc<Callable>>>,
    /// Sends that wait for room in an output buffer.
    pub send_queues: SendQueues,
    /// Processes added with `addProcess`.
    pub processes: RefCell<Vec<UserProcess>>,
    /// HTTP settings; set by `start()`.
    pub http: OnceCell<HttpSettings>,
    /// Commands registered with `addCommand`.
    pub commands: ServerCommands,
    /// Handlers of a Redis server.
    pub redis: RedisCommands,
    /// The process whose callbacks run.
    pub home: ForkGuard,
    pub(super) node: RefCell<Option<Context>>,
    pub(super) callbacks: RefCell<Option<Rc<Callbacks>>>,
    /// Set after `exit`, a fatal error or an raise_uncaught exception: this process stops.
    pub(super) stop: Cell<Option<Raised>>,
}

/// Resolved callbacks.
pub struct Callbacks {
    /// The server object, their first argument.
    pub server: Object,
    /// By [`ServerEvent`].
    pub server_events: Vec<Option<Rc<Callable>>>,
    /// By port, then by [`PortEvent`].
    pub ports: Vec<Vec<Option<Rc<Callable>>>>,
    /// Settings that choose the callbacks' arguments.
    pub options: CallbackOptions,
    /// Slots of the server's properties.
    pub slots: ServerSlots,
}

impl Callbacks {
    /// Whether HTTP requests to a port have a callback.
    pub fn answers_requests(&self, port: usize) -> bool {
        let Some(own) = self.ports.get(port) else { return false };
        own[PortEvent::Request as usize].is_some() || own[PortEvent::Message as usize].is_some()
    }
}

/// Settings that choose how callbacks run and what arguments they get.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallbackOptions {
    /// `event_object`: one object in place of several arguments.
    pub event_object: bool,
    /// `enable_coroutine`: each callback of a worker runs in its own coroutine.
    pub coroutine: bool,
    /// `task_enable_coroutine`: likewise in task workers.
    pub task_coroutine: bool,
    /// `hook_flags` of workers; 0 by default.
    pub hook_flags: i64,
    /// `task_object`, `task_use_object`, `task_enable_coroutine`: onTask gets a Task.
    pub task_object: bool,
    /// `http_error_page`: exceptions of onRequest are shown to the client.
    pub error_page: bool,
}

/// Slots of the properties that differ between processes.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct ServerSlots {
    pub master_pid: usize,
    pub manager_pid: usize,
    pub worker_id: usize,
    pub worker_pid: usize,
    pub taskworker: usize,
}

macro_rules! events {
    ($(#[$doc:meta])* $name:ident in $table:ident: $($event:ident $lower:literal $property:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $($event,)* }
        /// The name in lower case, and the private property that holds the callback.
        pub const $table: &[(&str, &str)] = &[$(($lower, $property),)*];
    };
}

events! {
    /// Events of the whole server.
    ServerEvent in SERVER_EVENTS:
    Start "start" "onStart",
    BeforeShutdown "beforeshutdown" "onBeforeShutdown",
    Shutdown "shutdown" "onShutdown",
    WorkerStart "workerstart" "onWorkerStart",
    WorkerStop "workerstop" "onWorkerStop",
    BeforeReload "beforereload" "onBeforeReload",
    AfterReload "afterreload" "onAfterReload",
    WorkerExit "workerexit" "onWorkerExit",
    WorkerError "workererror" "onWorkerError",
    Task "task" "onTask",
    Finish "finish" "onFinish",
    ManagerStart "managerstart" "onManagerStart",
    ManagerStop "managerstop" "onManagerStop",
    PipeMessage "pipemessage" "onPipeMessage",
}

events! {
    /// Events of a port.
    PortEvent in PORT_EVENTS:
    Connect "connect" "onConnect",
    Receive "receive" "onReceive",
    Close "close" "onClose",
    Packet "packet" "onPacket",
    BufferFull "bufferfull" "onBufferFull",
    BufferEmpty "bufferempty" "onBufferEmpty",
    Request "request" "onRequest",
    Handshake "handshake" "onHandshake",
    BeforeHandshakeResponse "beforehandshakeresponse" "onBeforeHandshakeResponse",
    Open "open" "onOpen",
    Message "message" "onMessage",
    Disconnect "disconnect" "onDisconnect",
}

/// Payload of a PHP object that belongs to a server.
#[derive(Default)]
pub struct ServerRef {
    /// The server; set by the constructor.
    pub state: OnceCell<Rc<PhpServer>>,
    /// The port's index, for objects of a port.
    pub port: Cell<Option<usize>>,
}

impl ServerRef {
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
        self.callbacks().is_some_and(|callbacks| callbacks.server_events[ServerEvent::PipeMessage as usize].is_some())
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
