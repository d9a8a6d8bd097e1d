//! A PHP server: what it is before it starts, and what each of its processes knows of it while it runs.
//!
//! The callables that a user gave live in private properties of the PHP objects, where the garbage collector sees them;
//! they are looked up once, when the server starts.

use super::classes::server_slot;
use super::send_lines::Lines;
use super::{command_table, http_config, redis_commands};
use crate::runtime::fork::ForkGuard;
use crate::runtime::{event_loop, last_error, reactor};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use swoosh::context::Context;
use swoosh::handler::{SessionId, TaskEvent};
use swoosh::server::ServerBuilder;
use swoosh::{Error, Mode};
use swoosh_zend::{Callable, Object, PhpResult, Raised};

/// Where a server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It can be set up.
    New,
    /// `start` was called and has not returned.
    Running,
    /// It has ended in this process.
    Over,
}

/// One server.
pub struct State {
    /// Process or base mode.
    pub mode: Mode,
    /// What it will be; gone once it has started.
    pub builder: RefCell<Option<ServerBuilder>>,
    /// Where it is in its life.
    pub phase: Cell<Phase>,
    /// The task that is being handled.
    pub task: Cell<Option<TaskEvent>>,
    /// What `task` was told to call with a task's result, by the task's number.
    pub on_finish: RefCell<HashMap<u64, Rc<Callable>>>,
    /// Who waits for room to send.
    pub lines: Lines,
    /// What `addProcess` was given.
    pub processes: RefCell<Vec<UserProcess>>,
    /// What its settings say of HTTP, once it has started.
    pub http: OnceCell<http_config::Config>,
    /// What `addCommand` was given.
    pub commands: command_table::Commands,
    /// Its handlers of commands, where it speaks Redis.
    pub redis: redis_commands::Commands,
    /// The process whose callbacks run.
    pub fork_guard: ForkGuard,
    pub(super) node: RefCell<Option<Context>>,
    pub(super) calls: RefCell<Option<Rc<Calls>>>,
    /// User code cannot go on in this process, and how PHP goes on with that.
    pub(super) stop: Cell<Option<Raised>>,
}

/// What user code gave, ready to be called.
pub struct Calls {
    /// The server itself.
    pub server: Object,
    /// By [`ServerEvent`].
    pub own: Vec<Option<Rc<Callable>>>,
    /// By port, then by [`PortEvent`].
    pub ports: Vec<Vec<Option<Rc<Callable>>>>,
    /// Which forms callbacks take.
    pub forms: Forms,
    /// Where the server's properties are.
    pub slots: Slots,
}

impl Calls {
    /// Whether requests of HTTP to that port have a callback.
    pub fn answers_requests(&self, port: usize) -> bool {
        let Some(own) = self.ports.get(port) else { return false };
        own[PortEvent::Request as usize].is_some() || own[PortEvent::Message as usize].is_some()
    }
}

/// Settings that say what callbacks get.
#[derive(Debug, Clone, Copy, Default)]
pub struct Forms {
    /// `event_object`: one object in place of several arguments.
    pub event_object: bool,
    /// `enable_coroutine`: callbacks of workers run in coroutines of their own.
    pub coroutine: bool,
    /// `task_enable_coroutine`: those of task workers too.
    pub task_coroutine: bool,
    /// `hook_flags`: which hooks are on there; none unless it is said.
    pub hook_flags: i64,
    /// `task_object`, `task_use_object`, `task_enable_coroutine`: onTask gets a Task.
    pub task_object: bool,
}

/// Slots of the properties that differ between processes.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Slots {
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

/// What lives in a PHP object that belongs to a server, from its construction on.
#[derive(Default)]
pub struct Belongs {
    /// Whose it is.
    pub state: OnceCell<Rc<State>>,
    /// Of which port, where it is a port's.
    pub port: Cell<Option<usize>>,
}

impl Belongs {
    /// The server; `Err` (an `Error` is thrown) where the constructor did not run.
    #[inline]
    pub fn state(&self) -> PhpResult<&Rc<State>> {
        self.state.get().ok_or_else(|| {
            swoosh_zend::error::throw_error("the server is not constructed; call parent::__construct() first")
        })
    }
}

impl State {
    /// A server without ports.
    pub fn new(mode: Mode) -> Rc<Self> {
        Rc::new(State {
            mode,
            builder: RefCell::new(Some(ServerBuilder::new(mode))),
            phase: Cell::new(Phase::New),
            task: Cell::new(None),
            on_finish: RefCell::default(),
            lines: Lines::default(),
            processes: RefCell::default(),
            http: OnceCell::new(),
            commands: command_table::Commands::default(),
            redis: redis_commands::Commands::default(),
            fork_guard: ForkGuard::default(),
            node: RefCell::new(None),
            calls: RefCell::new(None),
            stop: Cell::new(None),
        })
    }

    /// This process of the running server; `None`, with a warning, where it does not run.
    #[inline]
    pub fn running(&self) -> Option<Context> {
        let node = self.node();
        if node.is_none() {
            last_error::warn_misuse("the server does not run; call this in one of its callbacks");
        }
        node
    }

    /// This process of the running server.
    #[inline]
    pub fn node(&self) -> Option<Context> {
        self.node.borrow().clone()
    }

    /// Whether it can be set up still; a warning where it cannot.
    pub fn is_new(&self) -> bool {
        let new = self.phase.get() == Phase::New;
        if !new {
            last_error::warn_misuse("the server was started already; do this before start()");
        }
        new
    }

    /// What user code gave.
    #[inline]
    pub fn calls(&self) -> Option<Rc<Calls>> {
        self.calls.borrow().clone()
    }

    /// Whether there is code for messages between processes.
    pub fn takes_messages(&self) -> bool {
        self.calls().is_some_and(|calls| calls.own[ServerEvent::PipeMessage as usize].is_some())
    }

    /// Remembers the process that this is.
    #[inline]
    pub fn enter(&self, node: &Context) {
        if self.node.borrow().is_none() {
            *self.node.borrow_mut() = Some(node.clone());
            reactor::host(node);
        }
    }

    /// This is another process now, which knows nothing of its own yet.
    pub fn after_fork(&self) {
        let parents = self.node.borrow_mut().take();
        drop(parents);
        self.fork_guard.arm();
        event_loop::host();
    }

    /// User code has forked this process, which is none of the server's.
    pub fn step_out(&self) {
        if let Ok(node) = self.node.try_borrow()
            && let Some(node) = &*node
        {
            node.step_out();
        }
    }

    /// User code cannot go on in this process.
    pub fn set_stop(&self, raised: Raised) {
        self.stop.set(Some(raised));
    }

    /// What a call that may have run other callbacks of this process ends with.
    #[inline]
    pub fn check(&self) -> PhpResult<()> {
        self.stop.get().map_or(Ok(()), Err)
    }
}

/// A connection's id as PHP has it; what cannot be one is the id that no connection has.
#[inline]
pub fn session(fd: i64) -> SessionId {
    SessionId(u64::try_from(fd).unwrap_or(0))
}

/// Whether a call went well; where it did not, PHP is told: a warning for a wrong use, else a code and a line of the log.
#[inline]
pub fn done(result: swoosh::Result<()>) -> bool {
    result.map_err(|e| tell(&e)).is_ok()
}

/// Tells PHP of a refusal.
#[cold]
pub fn tell(error: &Error) {
    match error {
        Error::State { .. } | Error::Setting { .. } => last_error::warn_misuse(&error.to_string()),
        _ => {
            let code = error.code();
            last_error::set(code);
            if !last_error::is_ignored(code) {
                swoosh::log::notice!("{error}");
            }
        }
    }
}

/// A process of the user's own, given to `addProcess`.
#[derive(Clone)]
pub struct UserProcess {
    /// The process as PHP has it.
    pub object: Object,
    /// Runs it in its process, with its number there.
    pub run: fn(&Object, i64) -> PhpResult<()>,
}

swoosh_zend::payload!(Belongs);

thread_local! {
    /// The server of this process.
    static SERVER: RefCell<Weak<State>> = const { RefCell::new(Weak::new()) };
}

/// This process is one of that server's.
pub fn remember(state: &Rc<State>) {
    SERVER.set(Rc::downgrade(state));
}

/// The server of this process.
pub fn current() -> Option<Rc<State>> {
    SERVER.with_borrow(Weak::upgrade)
}

/// This process was forked by user code: it is no process of the server. Neither waits nor panics.
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
    ports.iter().filter_map(|(_, port)| port.object().filter(|o| o.payload::<Belongs>().is_some()).cloned()).collect()
}
