//! The callbacks that user code registered, resolved at the start of the server.

use std::rc::Rc;
use swoosh_zend::{Callable, Object};

/// Resolved callbacks.
pub struct Callbacks {
    server: Object,
    /// By [`ServerEvent`].
    server_events: Vec<Option<Rc<Callable>>>,
    /// By port, then by [`PortEvent`].
    ports: Vec<Vec<Option<Rc<Callable>>>>,
    options: CallbackOptions,
    slots: ServerSlots,
}

impl Callbacks {
    /// The callbacks of the server object `server`: `server_events` by [`ServerEvent`], `ports` by port and then by
    /// [`PortEvent`].
    pub(super) fn new(
        server: Object,
        server_events: Vec<Option<Rc<Callable>>>,
        ports: Vec<Vec<Option<Rc<Callable>>>>,
        options: CallbackOptions,
        slots: ServerSlots,
    ) -> Self {
        Callbacks { server, server_events, ports, options, slots }
    }

    /// The server object, their first argument.
    #[inline]
    pub fn server(&self) -> &Object {
        &self.server
    }

    /// The callback of an event of the whole server.
    #[inline]
    pub fn of_server(&self, event: ServerEvent) -> Option<&Rc<Callable>> {
        self.server_events[event as usize].as_ref()
    }

    /// The callback of an event of a port; `None` also where there is no such port.
    #[inline]
    pub fn of_port(&self, port: usize, event: PortEvent) -> Option<&Rc<Callable>> {
        self.ports.get(port)?[event as usize].as_ref()
    }

    /// Settings that choose the callbacks' arguments.
    #[inline]
    pub fn options(&self) -> &CallbackOptions {
        &self.options
    }

    /// Slots of the server's properties.
    #[inline]
    pub fn slots(&self) -> &ServerSlots {
        &self.slots
    }

    /// Whether HTTP requests to a port have a callback.
    pub fn answers_requests(&self, port: usize) -> bool {
        self.of_port(port, PortEvent::Request).is_some() || self.of_port(port, PortEvent::Message).is_some()
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
