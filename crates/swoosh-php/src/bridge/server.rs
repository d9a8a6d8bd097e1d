//! A PHP server: what it is before it starts, and what each of its processes knows of it while it runs.
//!
//! The callables that a user gave live in private properties of the PHP objects, where the garbage collector sees them;
//! they are looked up once, when the server starts.

use super::child::Home;
use super::send_yield::Lines;
use super::server_events::Bridge;
use super::{commands, event_loop, http, last_error, reactor, redis, server_settings};
use crate::class::{http_server, redis_server, server, server_port, websocket};
use crate::coroutine;
use crate::zend::error::fatal;
use crate::zend::{Callable, Object, PhpResult, Raised, runtime};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use swoosh::handler::{SessionId, TaskEvent};
use swoosh::node::Node;
use swoosh::process::End;
use swoosh::server::{ServerBuilder, launch};
use swoosh::{Error, Mode};

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
    pub processes: RefCell<Vec<Object>>,
    /// What its settings say of HTTP, once it has started.
    pub http: OnceCell<http::Config>,
    /// What `addCommand` was given.
    pub commands: commands::Commands,
    /// Its handlers of commands, where it speaks Redis.
    pub redis: redis::Commands,
    /// The process whose callbacks run.
    pub home: Home,
    node: RefCell<Option<Node>>,
    calls: RefCell<Option<Rc<Calls>>>,
    /// User code cannot go on in this process, and how PHP goes on with that.
    stop: Cell<Option<Raised>>,
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
            crate::zend::error::throw_error("the server is not constructed; call parent::__construct() first")
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
            commands: commands::Commands::default(),
            redis: redis::Commands::default(),
            home: Home::default(),
            node: RefCell::new(None),
            calls: RefCell::new(None),
            stop: Cell::new(None),
        })
    }

    /// This process of the running server; `None`, with a warning, where it does not run.
    #[inline]
    pub fn running(&self) -> Option<Node> {
        let node = self.node();
        if node.is_none() {
            last_error::refuse("the server does not run; call this in one of its callbacks");
        }
        node
    }

    /// This process of the running server.
    #[inline]
    pub fn node(&self) -> Option<Node> {
        self.node.borrow().clone()
    }

    /// Whether it can be set up still; a warning where it cannot.
    pub fn is_new(&self) -> bool {
        let new = self.phase.get() == Phase::New;
        if !new {
            last_error::refuse("the server was started already; do this before start()");
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
    pub fn enter(&self, node: &Node) {
        if self.node.borrow().is_none() {
            *self.node.borrow_mut() = Some(node.clone());
            reactor::host(node);
        }
    }

    /// This is another process now, which knows nothing of its own yet.
    pub fn after_fork(&self) {
        let parents = self.node.borrow_mut().take();
        drop(parents);
        self.home.enter();
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

/// Runs the server. Returns in the process that called it, when the server has ended; every other process ends here.
pub fn start(state: &Rc<State>, object: &Object) -> PhpResult<bool> {
    if !state.is_new() {
        return Ok(false);
    }
    let Some(mut builder) = state.builder.borrow_mut().take() else { return Ok(false) };
    let prepared = server_settings::apply(state, object, &mut builder)
        .and_then(|forms| collect(object, &builder, forms).map_err(Problem::Told));
    let calls = match prepared {
        Ok(calls) => calls,
        Err(Problem::Refused(why)) => {
            *state.builder.borrow_mut() = Some(builder);
            last_error::refuse(&why);
            return Ok(false);
        }
        Err(problem) => {
            drop(builder);
            return Err(match problem {
                Problem::Told(why) | Problem::Refused(why) => fatal(&why),
                Problem::Raised(raised) => raised,
            });
        }
    };
    builder.user_processes = state.processes.borrow().len();
    *state.calls.borrow_mut() = Some(Rc::new(calls));
    state.phase.set(Phase::Running);
    http::remember(state);
    event_loop::host();
    let end = launch(builder, Rc::new(Bridge::new(state.clone())));
    state.phase.set(Phase::Over);
    if let Some(raised) = state.stop.get() {
        event_loop::give_up();
        return Err(raised);
    }
    match end {
        Ok(End::Head) => {
            event_loop::end_hosting();
            let ended = coroutine::end_all(false);
            let held = (state.calls.borrow_mut().take(), state.node.borrow_mut().take());
            drop(held);
            state.redis.clear();
            ended?;
            Ok(true)
        }
        Ok(End::Forked { code, .. }) => runtime::end_process(code),
        Err(e) => {
            event_loop::give_up();
            let why = format!("the server cannot start: {e}");
            drop(e);
            Err(fatal(&why))
        }
    }
}

/// Why a server does not start.
pub enum Problem {
    /// In words.
    Told(String),
    /// In words; it may be put right, and the server started again.
    Refused(String),
    /// PHP has been told.
    Raised(Raised),
}

/// Looks up every callback; what is missing is told.
fn collect(object: &Object, builder: &ServerBuilder, forms: Forms) -> Result<Calls, String> {
    let look_up = |object: &Object, slot: Option<usize>, event: &str| match slot.map(|slot| object.slot(slot).clone()) {
        Some(value) if !value.is_null() => {
            Callable::new(&value).map(Some).map_err(|why| format!("the callback of {event} cannot be called: {why}"))
        }
        _ => Ok(None),
    };
    let own = SERVER_EVENTS
        .iter()
        .map(|(_, property)| {
            look_up(object, server::SERVER.get().slot(property), property).map(|found| found.map(Rc::new))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut ports: Vec<Vec<Option<Rc<Callable>>>> = Vec::new();
    for port in server_port::all(object) {
        let mut callbacks = Vec::new();
        for (at, (_, property)) in PORT_EVENTS.iter().enumerate() {
            let given = look_up(&port, server_port::PORT.get().slot(property), property)?.map(Rc::new);
            callbacks.push(given.or_else(|| ports.first().and_then(|first| first[at].clone())));
        }
        ports.push(callbacks);
    }
    for ((bound, _), callbacks) in builder.ports.iter().zip(&ports) {
        let answers = |event: PortEvent| callbacks[event as usize].is_some();
        if bound.kind.is_stream() && (answers(PortEvent::Request) || answers(PortEvent::Message)) {
            continue;
        }
        if bound.kind.is_stream() && redis_server::is_one(object) {
            continue;
        }
        let (event, name) = match bound.kind.is_stream() {
            true if websocket::is_one(object) => (PortEvent::Message, "message"),
            true if http_server::is_one(object) => (PortEvent::Request, "request"),
            true => (PortEvent::Receive, "receive"),
            false => (PortEvent::Packet, "packet"),
        };
        if callbacks[event as usize].is_none() {
            return Err(format!("port {} needs a callback: on('{name}', ...)", bound.name()));
        }
    }
    if builder.config.task_worker_num > 0 && own[ServerEvent::Task as usize].is_none() {
        return Err("task_worker_num is set, so the server needs a callback: on('task', ...)".to_owned());
    }
    let slot = |name| server::SERVER.get().slot(name).ok_or_else(|| format!("the server has no property {name}"));
    let slots = Slots {
        master_pid: slot("master_pid")?,
        manager_pid: slot("manager_pid")?,
        worker_id: slot("worker_id")?,
        worker_pid: slot("worker_pid")?,
        taskworker: slot("taskworker")?,
    };
    Ok(Calls { server: object.clone(), own, ports, forms, slots })
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
        Error::State { .. } | Error::Setting { .. } => last_error::refuse(&error.to_string()),
        _ => {
            let code = error.code();
            last_error::set(code);
            if !last_error::is_ignored(code) {
                swoosh::log::notice!("{error}");
            }
        }
    }
}
