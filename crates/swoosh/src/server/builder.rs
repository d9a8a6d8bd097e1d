//! [`Server`]: a builder whose handlers are closures.

use super::address;
use super::http_service::HttpService;
use super::{ServerBuilder, launch};
use crate::config::PortSettings;
use crate::config::{Framing, Mode, PortConfig, ServerConfig};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::handler::Outcome;
use crate::handler::{
    ConnectionEvent, Event, FinishEvent, Flow, Handler, MessageEvent, PacketEvent, SessionId, TaskEvent, WorkerError,
    WorkerId, receive_whole,
};
use crate::net::listener::BoundPort;
use crate::process::End;
use crate::static_files::Files;
use crate::sys::process;
use crate::sys::temp_file::TempFile;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;

/// A server to be built and started.
///
/// Handlers run in the process that each one names, one at a time, on that process's only thread. They get its
/// [`Context`]. A handler that returns an error has it logged; one that panics ends its worker, which is replaced.
///
/// ```no_run
/// use swoosh::{Mode, Server};
///
/// fn main() -> swoosh::Result<()> {
///     Server::bind("127.0.0.1:9501", Mode::Process)?
///         .workers(2)
///         .on_receive(|worker, conn, data| worker.send(conn, data))
///         .start()
/// }
/// ```
pub struct Server {
    builder: ServerBuilder,
    code: Code,
}

type Plain = Box<dyn Fn(&Context)>;
type OfConnection = Box<dyn Fn(&Context, SessionId)>;
type OfEvent<E> = Box<dyn Fn(&Context, &E)>;
type OfMessage<E> = Box<dyn Fn(&Context, &E, &[u8])>;
type OfBytes<Id> = Box<dyn Fn(&Context, Id, &[u8])>;

#[derive(Default)]
struct Code {
    start: Option<Plain>,
    before_shutdown: Option<Plain>,
    shutdown: Option<Plain>,
    manager_start: Option<Plain>,
    manager_stop: Option<Plain>,
    before_reload: Option<Plain>,
    after_reload: Option<Plain>,
    worker_start: Option<Plain>,
    worker_stop: Option<Plain>,
    worker_exit: Option<Plain>,
    worker_error: Option<OfEvent<WorkerError>>,
    connect: Option<OfConnection>,
    close: Option<OfConnection>,
    buffer_full: Option<OfConnection>,
    buffer_empty: Option<OfConnection>,
    /// By port; the first one serves every port without its own.
    receive: Vec<(Option<usize>, OfBytes<SessionId>)>,
    packet: Option<OfMessage<PacketEvent>>,
    task: Option<OfMessage<TaskEvent>>,
    finish: Option<OfMessage<FinishEvent>>,
    message: Option<OfBytes<WorkerId>>,
    processes: Vec<Plain>,
    http: Option<Rc<dyn HttpService>>,
}

macro_rules! plain_events {
    ($($(#[$doc:meta])* $setter:ident => $field:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $setter<R: Outcome>(mut self, code: impl Fn(&Context) -> R + 'static) -> Self {
                self.code.$field = Some(Box::new(move |context| code(context).settle(stringify!($field))));
                self
            }
        )*
    };
}

macro_rules! connection_events {
    ($($(#[$doc:meta])* $setter:ident => $field:ident;)*) => {
        $(
            $(#[$doc])*
            pub fn $setter<R: Outcome>(mut self, code: impl Fn(&Context, SessionId) -> R + 'static) -> Self {
                self.code.$field = Some(Box::new(move |context, conn| code(context, conn).settle(stringify!($field))));
                self
            }
        )*
    };
}

impl Server {
    /// A server on one address; more follow with [`listen`](Server::listen).
    ///
    /// `127.0.0.1:9501`, `[::1]:9501` and names: TCP. `udp://127.0.0.1:9502`: UDP. `unix:///run/app.sock` and
    /// `unixgram:///run/app.sock`: Unix sockets. Port 0: the kernel chooses, and [`port`](Server::port) tells.
    ///
    /// Fails where the address is in use or cannot be understood.
    pub fn bind(address: &str, mode: Mode) -> Result<Self> {
        Server { builder: ServerBuilder::new(mode), code: Code::default() }.listen(address)
    }

    /// Serves one more address.
    pub fn listen(mut self, address: &str) -> Result<Self> {
        let (kind, host, port) = address::parse(address)?;
        self.builder.add_port(BoundPort::bind(kind, &host, port)?);
        Ok(self)
    }

    /// The port number of the `index`th address, as the kernel has it; 0 for a Unix socket.
    pub fn port(&self, index: usize) -> u16 {
        self.builder.ports().nth(index).map_or(0, BoundPort::number)
    }

    /// How many workers run user code (default: the cores).
    pub fn workers(self, count: u32) -> Self {
        self.configure(|config| config.worker_num = count)
    }

    /// How many task workers there are (default: none).
    pub fn task_workers(self, count: u32) -> Self {
        self.configure(|config| config.task_worker_num = count)
    }

    /// How many reactor threads there are in process mode (default: the cores, 8 at most).
    pub fn reactors(self, count: u32) -> Self {
        self.configure(|config| config.reactor_num = count)
    }

    /// Changes any setting of the server.
    pub fn configure(mut self, change: impl FnOnce(&mut ServerConfig)) -> Self {
        change(self.builder.settings_mut().0);
        self
    }

    /// Changes any setting of the ports that have none of their own.
    pub fn ports(mut self, change: impl FnOnce(&mut PortConfig)) -> Self {
        let mut config = self.builder.port_settings().finish(self.builder.config(), false).unwrap_or_default();
        change(&mut config);
        *self.builder.settings_mut().1 = PortSettings::typed(config);
        self
    }

    /// Gives the port that was listened on last settings of its own.
    pub fn this_port(mut self, change: impl FnOnce(&mut PortConfig)) -> Self {
        let mut config = PortConfig::default();
        change(&mut config);
        if let Some(last) = self.builder.last_port() {
            self.builder.set_port_settings(last, PortSettings::typed(config));
        }
        self
    }

    plain_events! {
        /// Master: the server runs.
        on_start => start;
        /// Master: the server is about to stop.
        on_before_shutdown => before_shutdown;
        /// Master: the server has stopped.
        on_shutdown => shutdown;
        /// Manager: it has begun.
        on_manager_start => manager_start;
        /// Manager: it is about to end.
        on_manager_stop => manager_stop;
        /// Manager: workers are about to be replaced.
        on_before_reload => before_reload;
        /// Manager: workers have been replaced.
        on_after_reload => after_reload;
        /// Worker, task worker: it is ready.
        on_worker_start => worker_start;
        /// Worker, task worker: it is about to end.
        on_worker_stop => worker_stop;
        /// Worker, task worker: it is to end, but timers keep it; clear them here.
        on_worker_exit => worker_exit;
    }

    connection_events! {
        /// Worker: a connection was accepted.
        on_connect => connect;
        /// Worker: a connection is closed.
        on_close => close;
        /// Worker: the output that waits for a peer passed the high watermark.
        on_buffer_full => buffer_full;
        /// Worker: it is below the low watermark again.
        on_buffer_empty => buffer_empty;
    }

    /// Manager: a worker ended that should not have.
    pub fn on_worker_error<R: Outcome>(mut self, code: impl Fn(&Context, &WorkerError) -> R + 'static) -> Self {
        self.code.worker_error = Some(Box::new(move |context, error| code(context, error).settle("worker_error")));
        self
    }

    /// Worker: a packet (without framing: bytes) of a connection.
    pub fn on_receive<R: Outcome>(self, code: impl Fn(&Context, SessionId, &[u8]) -> R + 'static) -> Self {
        self.receive(None, code)
    }

    /// Like [`on_receive`](Self::on_receive), for the port that was added last only.
    pub fn on_receive_here<R: Outcome>(self, code: impl Fn(&Context, SessionId, &[u8]) -> R + 'static) -> Self {
        let here = self.builder.ports().len() - 1;
        self.receive(Some(here), code)
    }

    /// Worker: a packet of a connection, handled by a future on the worker's event loop: it may wait for databases and
    /// the like while the worker goes on with others. Futures of one connection may overtake each other.
    pub fn on_receive_async<F>(self, code: impl Fn(Context, SessionId, Vec<u8>) -> F + 'static) -> Self
    where
        F: Future<Output: Outcome> + 'static,
    {
        self.receive(None, move |context, conn, data| {
            let work = code(context.clone(), conn, data.to_vec());
            let request = context.keep_request();
            context.spawn(async move {
                work.await.settle("receive");
                drop(request);
            });
        })
    }

    fn receive<R: Outcome>(
        mut self,
        port: Option<usize>,
        code: impl Fn(&Context, SessionId, &[u8]) -> R + 'static,
    ) -> Self {
        let code: OfBytes<SessionId> = Box::new(move |context, conn, data| code(context, conn, data).settle("receive"));
        self.code.receive.push((port, code));
        self
    }

    /// Ports whose framing is HTTP are served by that.
    #[cfg(feature = "http")]
    pub(crate) fn serve_http(mut self, service: Rc<dyn HttpService>) -> Self {
        self.code.http = Some(service);
        self
    }

    /// Worker: a datagram.
    pub fn on_packet<R: Outcome>(mut self, code: impl Fn(&Context, &PacketEvent, &[u8]) -> R + 'static) -> Self {
        self.code.packet = Some(Box::new(move |context, event, data| code(context, event, data).settle("packet")));
        self
    }

    /// Task worker: a task; answer it with [`Context::finish_task`].
    pub fn on_task<R: Outcome>(mut self, code: impl Fn(&Context, &TaskEvent, &[u8]) -> R + 'static) -> Self {
        self.code.task = Some(Box::new(move |context, event, data| code(context, event, data).settle("task")));
        self
    }

    /// Worker: a task's answer.
    pub fn on_finish<R: Outcome>(mut self, code: impl Fn(&Context, &FinishEvent, &[u8]) -> R + 'static) -> Self {
        self.code.finish = Some(Box::new(move |context, event, data| code(context, event, data).settle("finish")));
        self
    }

    /// Worker, task worker: a message from another process.
    pub fn on_message<R: Outcome>(mut self, code: impl Fn(&Context, WorkerId, &[u8]) -> R + 'static) -> Self {
        self.code.message = Some(Box::new(move |context, from, data| code(context, from, data).settle("message")));
        self
    }

    /// Adds a process of its own, which the manager keeps alive: `code` runs in it, and is started anew when it returns.
    pub fn add_process<R: Outcome>(mut self, code: impl Fn(&Context) -> R + 'static) -> Self {
        self.code.processes.push(Box::new(move |context| code(context).settle("process")));
        self.builder.set_user_processes(self.code.processes.len());
        self
    }

    /// Runs the server until it is asked to end (SIGTERM, SIGINT, [`Context::shutdown`]).
    ///
    /// Only the process that calls this returns from it; workers end inside.
    ///
    /// # Errors
    /// Before anything is forked: a setting is invalid, or nothing handles a port's data or the tasks. Afterwards: the
    /// server cannot go on.
    pub fn start(self) -> Result<()> {
        self.check_handlers()?;
        match launch(self.builder, Rc::new(self.code))? {
            End::Head => Ok(()),
            End::Forked { code, .. } => {
                let _ = std::io::stdout().flush();
                process::exit_now(code)
            }
        }
    }
}

impl Server {
    /// Refuses a server that would read data and drop it.
    fn check_handlers(&self) -> Result<()> {
        let refused = |subject: &str, handler: &str| {
            let reason = format!("{subject} has no handler; set one with {handler}");
            Err(Error::State { operation: "start", reason })
        };
        for (index, port) in self.builder.ports().enumerate() {
            let is_received = || self.code.receive.iter().any(|(of, _)| of.is_none_or(|of| of == index));
            match port.kind().is_stream() {
                true if self.code.http.is_none() && !is_received() => {
                    return refused(&format!("port {}", port.name()), "on_receive");
                }
                false if self.code.packet.is_none() => return refused(&format!("port {}", port.name()), "on_packet"),
                _ => {}
            }
        }
        match self.builder.config().task_worker_num > 0 && self.code.task.is_none() {
            true => refused("task_worker_num", "on_task"),
            false => Ok(()),
        }
    }
}

/// Exit status of a worker whose handler panicked, as of any Rust program.
const PANICKED: i32 = 101;

impl Code {
    fn run(code: &Option<Plain>, context: &Context) -> Flow {
        if let Some(code) = code {
            code(context);
        }
        Ok(())
    }

    /// The HTTP service of a port that speaks HTTP.
    fn http(&self, context: &Context, port: usize) -> Option<&Rc<dyn HttpService>> {
        let port = context.state().ports().get(port)?;
        self.http.as_ref().filter(|_| matches!(port.config().framing, Framing::Http))
    }

    fn of_connection(code: &Option<OfConnection>, context: &Context, event: &ConnectionEvent) -> Flow {
        if let Some(code) = code {
            code(context, event.session);
        }
        Ok(())
    }
}

impl Handler for Code {
    fn start(&self, context: &Context) -> Flow {
        Self::run(&self.start, context)
    }
    fn before_shutdown(&self, context: &Context) -> Flow {
        Self::run(&self.before_shutdown, context)
    }
    fn shutdown(&self, context: &Context) -> Flow {
        Self::run(&self.shutdown, context)
    }
    fn manager_start(&self, context: &Context) -> Flow {
        Self::run(&self.manager_start, context)
    }
    fn manager_stop(&self, context: &Context) -> Flow {
        Self::run(&self.manager_stop, context)
    }
    fn before_reload(&self, context: &Context) -> Flow {
        Self::run(&self.before_reload, context)
    }
    fn after_reload(&self, context: &Context) -> Flow {
        Self::run(&self.after_reload, context)
    }
    fn worker_error(&self, context: &Context, error: &WorkerError) -> Flow {
        if let Some(code) = &self.worker_error {
            code(context, error);
        }
        Ok(())
    }
    fn worker_start(&self, context: &Context) -> Flow {
        // A panic is a worker's end, not only a task's: its state may be half changed.
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            report(panic);
            process::exit_now(PANICKED);
        }));
        Self::run(&self.worker_start, context)
    }
    fn worker_stop(&self, context: &Context) -> Flow {
        Self::run(&self.worker_stop, context)
    }
    fn worker_exit(&self, context: &Context) -> Flow {
        Self::run(&self.worker_exit, context)
    }
    fn connect(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        Self::of_connection(&self.connect, context, event)
    }
    fn receive(&self, context: &Context, event: &ConnectionEvent, data: &[u8]) -> Flow {
        if let Some(service) = self.http(context, event.port) {
            service.clone().receive(context, event, data, None);
            return Ok(());
        }
        let own = self.receive.iter().find(|(port, _)| *port == Some(event.port));
        if let Some((_, code)) = own.or_else(|| self.receive.iter().find(|(port, _)| port.is_none())) {
            code(context, event.session, data);
        }
        Ok(())
    }
    fn receive_stored(&self, context: &Context, event: &ConnectionEvent, head: &[u8], body: Rc<TempFile>) -> Flow {
        match self.http(context, event.port) {
            Some(service) => {
                service.clone().receive(context, event, head, Some(body));
                Ok(())
            }
            None => receive_whole(self, context, event, head, &body),
        }
    }
    fn refuse(&self, context: &Context, event: &ConnectionEvent, status: u16) -> Flow {
        match self.http(context, event.port) {
            Some(service) => service.refuse(context, event, status),
            None => context.refuse_request(event.session, status),
        }
        Ok(())
    }
    fn close(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        if let Some(service) = &self.http {
            service.closed(event.session);
        }
        if event.session.is_stream() && !context.was_websocket(event.session) {
            // A request of HTTP/2 has ended, and no connection.
            return Ok(());
        }
        Self::of_connection(&self.close, context, event)
    }
    fn packet(&self, context: &Context, event: &PacketEvent, data: &[u8]) -> Flow {
        if let Some(code) = &self.packet {
            code(context, event, data);
        }
        Ok(())
    }
    fn buffer_full(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        Self::of_connection(&self.buffer_full, context, event)
    }
    fn buffer_empty(&self, context: &Context, event: &ConnectionEvent) -> Flow {
        Self::of_connection(&self.buffer_empty, context, event)
    }
    fn task(&self, context: &Context, event: &TaskEvent, data: &[u8]) -> Flow {
        if let Some(code) = &self.task {
            code(context, event, data);
        }
        Ok(())
    }
    fn finish(&self, context: &Context, event: &FinishEvent, data: &[u8]) -> Flow {
        if let Some(code) = &self.finish {
            code(context, event, data);
        }
        Ok(())
    }
    fn pipe_message(&self, context: &Context, event: &MessageEvent, data: &[u8]) -> Flow {
        if let Some(code) = &self.message {
            code(context, event.source, data);
        }
        Ok(())
    }
    fn user_process(&self, context: &Context, index: usize) -> Flow {
        if let Some(code) = self.processes.get(index) {
            code(context);
        }
        Ok(())
    }
    fn files(&self, _: usize) -> Option<Arc<Files>> {
        self.http.as_ref()?.files()
    }
    fn wants(&self, event: Event, _: usize) -> bool {
        match event {
            Event::WorkerExit => self.worker_exit.is_some(),
            Event::PipeMessage => self.message.is_some(),
            Event::Connect => self.connect.is_some(),
            Event::Close => self.close.is_some() || self.http.is_some(),
            Event::BufferFull => self.buffer_full.is_some(),
            Event::BufferEmpty => self.buffer_empty.is_some(),
        }
    }
    fn inline(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_handler_for_its_data_refuses_to_start() {
        let refusal = |server: Server| server.start().unwrap_err().to_string();
        let stream = Server::bind("127.0.0.1:0", Mode::Base).unwrap();
        let address = format!("127.0.0.1:{}", stream.port(0));
        assert_eq!(refusal(stream), format!("start: port {address} has no handler; set one with on_receive"));
        let datagrams = || Server::bind("udp://127.0.0.1:0", Mode::Process).unwrap();
        assert!(refusal(datagrams()).ends_with("has no handler; set one with on_packet"));
        let first_only = Server::bind("127.0.0.1:0", Mode::Base).unwrap().on_receive_here(|_, _, _| ());
        assert!(refusal(first_only.listen("127.0.0.1:0").unwrap()).ends_with("set one with on_receive"));
        let tasks = datagrams().on_packet(|_, _, _| ()).task_workers(1);
        assert_eq!(refusal(tasks), "start: task_worker_num has no handler; set one with on_task");
    }
}
