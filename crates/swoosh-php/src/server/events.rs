//! Engine event to PHP callback.
//!
//! Runs in: every process of the server, in its first thread, between the engine's own steps. An raise_uncaught exception is
//! reported as PHP reports it and ends the process; so do `exit` and a fatal error.

use super::callbacks::{Callbacks, PortEvent, ServerEvent};
use super::http::{deadline, dispatch, form, response_order};
use super::state::PhpServer;
use super::{commands, event_objects, redis, task, websocket};
use crate::coroutine::{self, Job, hook_flags};
use crate::runtime::{blocking, event_loop, object_counts, reactor, scheduler, server_process, timers};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use swoosh::context::{Context, RequestGuard, Role};
use swoosh::handler::{
    ConnectionEvent, Event, FinishEvent, Flow, Handler, MessageEvent, PacketEvent, Stop, TaskEvent, WorkerError,
    receive_whole,
};
use swoosh::http::TempFile;
use swoosh::http::files::Files;
use swoosh_zend::error::raise_uncaught;
use swoosh_zend::system_calls::interrupt_databases;
use swoosh_zend::{Array, Callable, IntoZval, PhpResult, Raised, Zval, call_function, runtime, set_process_title};

/// The engine's handler for one PHP server.
pub struct EventBridge {
    state: Rc<PhpServer>,
    /// Whether user code set a process title before the server did; cached on first use.
    keeps_title: Cell<Option<bool>>,
}

impl EventBridge {
    /// A handler for one server.
    pub fn new(state: Rc<PhpServer>) -> Self {
        EventBridge { state, keeps_title: Cell::new(None) }
    }

    #[inline]
    fn callbacks(&self, node: &Context) -> Result<Rc<Callbacks>, Stop> {
        self.state.enter(node);
        self.state.callbacks().ok_or(Stop { code: 255 })
    }

    /// Calls a callback on this stack and returns its value.
    #[inline]
    fn call(&self, callable: &Callable, args: &mut [Zval]) -> Result<Zval, Stop> {
        self.finish_call(callable.call(args))
    }

    /// Calls a callback, in its own coroutine if `enable_coroutine` is on.
    #[inline]
    fn run<const N: usize>(&self, callable: &Rc<Callable>, args: [Zval; N]) -> Flow {
        self.run_for(None, callable, args)
    }

    /// Like [`Self::run`]; the request counts as in progress until the coroutine ends.
    #[inline]
    fn run_for<const N: usize>(
        &self,
        in_hand: Option<RequestGuard>,
        callable: &Rc<Callable>,
        mut args: [Zval; N],
    ) -> Flow {
        if !scheduler::callbacks_in_coroutines() {
            let flow = self.call(callable, &mut args).map(drop);
            drop(in_hand);
            return flow;
        }
        let job = Job::Event(callable.clone(), Vec::from(args), in_hand);
        self.finish_call(coroutine::create(job).map(drop))
    }

    /// Handles an HTTP request.
    fn request(&self, node: &Context, event: &ConnectionEvent, data: &[u8], stored: Option<Rc<TempFile>>) -> Flow {
        let begun = self.finish_call(dispatch::begin(&self.state, node, event, data, stored))?;
        let Some(wanted) = begun else { return Ok(()) };
        self.run_for(Some(node.keep_request()), &wanted.callable, wanted.args)?;
        wanted.completion.run(node);
        Ok(())
    }

    /// Ends this process after `exit`, a fatal error or an raise_uncaught exception.
    #[cold]
    fn stop(&self, raised: Raised) -> Stop {
        let raised = if raised == Raised::Exception { raise_uncaught(coroutine::take_exit(raised)) } else { raised };
        self.state.set_stop(raised);
        server_process::leave();
        Stop { code: if raised == Raised::Exit { runtime::exit_status() } else { 255 } }
    }

    /// Checks the result of user code. A child process that the callback forked does not return to the engine.
    #[inline]
    fn finish_call<T>(&self, result: PhpResult<T>) -> Result<T, Stop> {
        self.state.home().leave_if_child(result).map_err(|raised| self.stop(raised))
    }

    /// An event of the whole server: its callback takes the server and, if `numbered`, the worker id.
    fn server_event(&self, node: &Context, event: ServerEvent, numbered: bool) -> Flow {
        let callbacks = self.callbacks(node)?;
        update_process_properties(node, &callbacks, event);
        if event == ServerEvent::WorkerStart {
            let options = callbacks.options();
            let apart = if node.role() == Role::TaskWorker { options.task_coroutine } else { options.coroutine };
            scheduler::set_callbacks_in_coroutines(apart);
            deadline::warn_without_effect(&self.state, node, apart);
            hook_flags::set_flags(options.hook_flags);
            blocking::ensure_started();
            object_counts::loop_begins();
            swoosh::blocking::begin();
        }
        if event == ServerEvent::Start {
            scheduler::set_callbacks_in_coroutines(callbacks.options().coroutine);
        }
        let is_last = matches!(event, ServerEvent::WorkerStop | ServerEvent::ManagerStop | ServerEvent::Shutdown);
        if is_last {
            event_loop::leave_behind();
        }
        let Some(callable) = callbacks.of_server(event) else { return Ok(()) };
        let id = node.worker_id().map_or(-1, |id| i64::from(id.0));
        let mut args = [callbacks.server().clone().into_zval(), id.into_zval()];
        if event == ServerEvent::BeforeShutdown {
            // The loop of this process goes on, in base mode with a worker's coroutines.
            self.finish_call(event_loop::run_beside(|| callable.call(&mut args[..1]).map(drop)))?;
        } else if event == ServerEvent::WorkerStart {
            self.run(callable, args)?;
        } else if event == ServerEvent::Start {
            let [server, _] = args;
            self.run(callable, [server])?;
        } else {
            let count = if numbered { 2 } else { 1 };
            self.call(callable, &mut args[..count])?;
        }
        if is_last {
            // Coroutines and timers that it began.
            self.finish_call(event_loop::run())?;
        }
        if event == ServerEvent::Start {
            update_process_properties(node, &callbacks, ServerEvent::WorkerStart);
        }
        Ok(())
    }

    /// An event of a connection or a port.
    #[inline]
    fn port_event(&self, node: &Context, event: PortEvent, of: &ConnectionEvent, data: Option<&[u8]>) -> Flow {
        let callbacks = self.callbacks(node)?;
        let Some(callable) = callbacks.of_port(of.port, event) else {
            return Ok(());
        };
        let server = callbacks.server().clone().into_zval();
        let fd = of.session.0.into_zval();
        let in_hand = data.map(|_| node.keep_request());
        let watermark = matches!(event, PortEvent::BufferFull | PortEvent::BufferEmpty);
        if callbacks.options().event_object {
            let object = event_objects::event(of, data).map_err(|raised| self.stop(raised))?;
            return match watermark {
                true => self.call(callable, &mut [server, object.into_zval()]).map(drop),
                false => self.run_for(in_hand, callable, [server, object.into_zval()]),
            };
        }
        let reactor = of.reactor_id.into_zval();
        match data {
            Some(data) => self.run_for(in_hand, callable, [server, fd, reactor, data.into_zval()]),
            None if watermark => self.call(callable, &mut [server, fd]).map(drop),
            None => self.run(callable, [server, fd, reactor]),
        }
    }
}

/// Sets the server object's properties that differ between processes.
fn update_process_properties(node: &Context, callbacks: &Callbacks, event: ServerEvent) {
    let (server, slots) = (callbacks.server(), callbacks.slots());
    server.set_slot(slots.master_pid, node.master_pid());
    server.set_slot(slots.manager_pid, node.manager_pid());
    // In base mode the first worker runs onStart before it becomes a worker.
    let is_worker = matches!(node.role(), Role::Worker | Role::TaskWorker) && event != ServerEvent::Start;
    if let (true, Some(id)) = (is_worker, node.worker_id()) {
        server.set_slot(slots.worker_id, id.0);
        server.set_slot(slots.worker_pid, swoosh::sys::process::pid());
        server.set_slot(slots.taskworker, node.role() == Role::TaskWorker);
    } else {
        server.set_slot(slots.worker_id, -1);
        server.set_slot(slots.worker_pid, 0);
        server.set_slot(slots.taskworker, false);
    }
}

impl Handler for EventBridge {
    fn start(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::Start, false)
    }
    fn before_shutdown(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::BeforeShutdown, false)
    }
    fn shutdown(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::Shutdown, false)
    }
    fn manager_start(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::ManagerStart, false)
    }
    fn manager_stop(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::ManagerStop, false)
    }
    fn before_reload(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::BeforeReload, false)
    }
    fn after_reload(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::AfterReload, false)
    }
    fn worker_start(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::WorkerStart, true)
    }
    fn worker_stop(&self, node: &Context) -> Flow {
        let flow = self.server_event(node, ServerEvent::WorkerStop, true);
        form::remove_all();
        flow
    }
    fn worker_exit(&self, node: &Context) -> Flow {
        self.server_event(node, ServerEvent::WorkerExit, true)
    }

    fn worker_error(&self, node: &Context, error: &WorkerError) -> Flow {
        let callbacks = self.callbacks(node)?;
        update_process_properties(node, &callbacks, ServerEvent::WorkerError);
        let Some(callable) = callbacks.of_server(ServerEvent::WorkerError) else { return Ok(()) };
        let server = callbacks.server().clone().into_zval();
        if callbacks.options().event_object {
            let status = event_objects::status(error).map_err(|raised| self.stop(raised))?;
            return self.call(callable, &mut [server, status.into_zval()]).map(drop);
        }
        let mut args = [
            server,
            error.worker.0.into_zval(),
            error.pid.into_zval(),
            error.exit_code.into_zval(),
            error.signal.into_zval(),
        ];
        self.call(callable, &mut args).map(drop)
    }

    fn connect(&self, node: &Context, event: &ConnectionEvent) -> Flow {
        self.port_event(node, PortEvent::Connect, event, None)
    }
    fn receive(&self, node: &Context, event: &ConnectionEvent, data: &[u8]) -> Flow {
        let callbacks = self.callbacks(node)?;
        if dispatch::serves(&callbacks, node, event.port) {
            return self.request(node, event, data, None);
        }
        if redis::dispatch::serves(&callbacks, node, event.port) {
            return self.finish_call(redis::dispatch::receive(&self.state, &callbacks, node, event.session, data));
        }
        self.port_event(node, PortEvent::Receive, event, Some(data))
    }
    fn receive_stored(&self, node: &Context, event: &ConnectionEvent, head: &[u8], body: Rc<TempFile>) -> Flow {
        let callbacks = self.callbacks(node)?;
        match dispatch::serves(&callbacks, node, event.port) {
            true => self.request(node, event, head, Some(body)),
            false => receive_whole(self, node, event, head, &body),
        }
    }
    fn refuse(&self, node: &Context, event: &ConnectionEvent, status: u16) -> Flow {
        if !response_order::queue_refusal(event.session.0, status) {
            node.refuse_request(event.session, status);
        }
        Ok(())
    }
    fn close(&self, node: &Context, event: &ConnectionEvent) -> Flow {
        websocket::dispatch::closed(event.session.0);
        response_order::connection_closed(event.session.0);
        self.state.redis().closed(event.session);
        if event.session.is_stream() && !node.was_websocket(event.session) {
            // A request of HTTP/2 has ended, and no connection.
            return Ok(());
        }
        let callbacks = self.callbacks(node)?;
        if callbacks.of_port(event.port, PortEvent::Disconnect).is_some() && !node.was_websocket(event.session) {
            return self.port_event(node, PortEvent::Disconnect, event, None);
        }
        self.port_event(node, PortEvent::Close, event, None)
    }
    fn buffer_full(&self, node: &Context, event: &ConnectionEvent) -> Flow {
        self.port_event(node, PortEvent::BufferFull, event, None)
    }
    fn buffer_empty(&self, node: &Context, event: &ConnectionEvent) -> Flow {
        self.port_event(node, PortEvent::BufferEmpty, event, None)
    }

    fn packet(&self, node: &Context, event: &PacketEvent, data: &[u8]) -> Flow {
        let callbacks = self.callbacks(node)?;
        let Some(callable) = callbacks.of_port(event.port, PortEvent::Packet) else {
            return Ok(());
        };
        let server = callbacks.server().clone().into_zval();
        if callbacks.options().event_object {
            let packet = event_objects::packet(event, data).map_err(|raised| self.stop(raised))?;
            return self.run_for(Some(node.keep_request()), callable, [server, packet.into_zval()]);
        }
        let mut from = Array::new();
        from.insert("server_socket", event.server_socket);
        from.insert("server_port", event.server_port);
        from.insert("address", event.address.as_str());
        if let Some(port) = event.peer_port {
            from.insert("port", port);
        }
        from.insert("dispatch_time", event.dispatch_time);
        self.run_for(Some(node.keep_request()), callable, [server, data.into_zval(), from.into_zval()])
    }

    fn task(&self, node: &Context, event: &TaskEvent, data: &[u8]) -> Flow {
        let callbacks = self.callbacks(node)?;
        let Some(callable) = callbacks.of_server(ServerEvent::Task) else { return Ok(()) };
        let Some(data) = task::decode(data, event.flags) else {
            swoosh::log::error!(
                "dropping task {} of worker {}: its data cannot be unserialized",
                event.id,
                event.source.0
            );
            return Ok(());
        };
        let server = callbacks.server().clone().into_zval();
        if scheduler::callbacks_in_coroutines() {
            let task = task::object(&self.state, event, data).map_err(|raised| self.stop(raised))?;
            let (state, callable, node, event) = (self.state.clone(), callable.clone(), node.clone(), event.clone());
            let run = move || {
                let result = callable.call(&mut [server, task.into_zval()])?;
                // In a forked child: the parent sends the result.
                if result.is_null() || event.is_answered() || state.home().is_child() {
                    return Ok(());
                }
                task::answer(&node, &event, &result).map(drop)
            };
            return self.finish_call(coroutine::spawn_event(run));
        }
        let outer = self.state.replace_task(Some(event.clone()));
        let result = if callbacks.options().task_object {
            let task = task::object(&self.state, event, data).map_err(|raised| self.stop(raised))?;
            self.call(callable, &mut [server, task.into_zval()])
        } else {
            let (id, source) = (event.id.into_zval(), event.source.0.into_zval());
            self.call(callable, &mut [server, id, source, data])
        }?;
        if !result.is_null() && !event.is_answered() {
            self.finish_call(task::answer(node, event, &result).map(drop))?;
        }
        self.state.replace_task(outer);
        Ok(())
    }

    fn finish(&self, node: &Context, event: &FinishEvent, data: &[u8]) -> Flow {
        let callbacks = self.callbacks(node)?;
        let Some(data) = task::decode(data, event.flags) else {
            swoosh::log::error!("dropping the result of task {}: it cannot be unserialized", event.task_id);
            return Ok(());
        };
        let server = callbacks.server().clone().into_zval();
        let given = match event.flags & task::CALLBACK {
            0 => None,
            _ => self.state.take_on_finish(event.task_id),
        };
        if let Some(callable) = given {
            return self.run(&callable, [server, event.task_id.into_zval(), data]);
        }
        let Some(callable) = callbacks.of_server(ServerEvent::Finish) else {
            swoosh::log::notice!("dropping the result of task {}: no finish callback is registered", event.task_id);
            return Ok(());
        };
        if callbacks.options().event_object {
            let result = event_objects::task_result(event, data).map_err(|raised| self.stop(raised))?;
            return self.run(callable, [server, result.into_zval()]);
        }
        self.run(callable, [server, event.task_id.into_zval(), data])
    }

    fn pipe_message(&self, node: &Context, event: &MessageEvent, data: &[u8]) -> Flow {
        let callbacks = self.callbacks(node)?;
        if commands::is_command(event.flags) {
            return self.finish_call(commands::reply(&self.state, callbacks.server(), event.flags, data));
        }
        let Some(callable) = callbacks.of_server(ServerEvent::PipeMessage) else { return Ok(()) };
        let Some(data) = task::decode(data, event.flags) else {
            swoosh::log::error!("dropping a message of process {}: it cannot be unserialized", event.source.0);
            return Ok(());
        };
        let server = callbacks.server().clone().into_zval();
        if callbacks.options().event_object {
            let own = node.worker_id().map_or(-1, |id| i64::from(id.0));
            let message = event_objects::message(event, own, data).map_err(|raised| self.stop(raised))?;
            return self.run(callable, [server, message.into_zval()]);
        }
        self.run(callable, [server, event.source.0.into_zval(), data])
    }

    fn user_process(&self, node: &Context, index: usize) -> Flow {
        let callbacks = self.callbacks(node)?;
        update_process_properties(node, &callbacks, ServerEvent::Start);
        let Some(process) = self.state.process(index) else { return Ok(()) };
        let id = node.worker_id().map_or(-1, |id| i64::from(id.0));
        // A user process runs its own event loop.
        event_loop::end_hosting();
        // It is the program's own process, which `exit` ends.
        server_process::leave();
        self.finish_call((process.run)(&process.object, id))
    }

    #[inline]
    fn tick(&self, node: &Context) -> Flow {
        self.state.enter(node);
        self.finish_call(event_loop::hosted_tick())?;
        self.finish_call(deadline::run_due(node))?;
        response_order::run_ready(self, node)
    }

    #[inline]
    fn sleep_limit(&self) -> Option<Duration> {
        [event_loop::hosted_sleep_limit(), deadline::sleep_limit()].into_iter().flatten().min()
    }

    fn pending(&self) -> usize {
        event_loop::pending_count()
    }

    fn unfinished(&self) -> usize {
        coroutine::unfinished()
    }

    fn due_within(&self, limit: Duration) -> usize {
        timers::due_within(limit)
    }

    fn gave_up(&self) {
        coroutine::report_unfinished();
        interrupt_databases();
        let left = timers::due_within(Duration::MAX);
        if left > 0 {
            swoosh::log::warn!(
                "{left} one-shot timers did not expire within max_wait_time: dropped; clear them in onWorkerExit, or raise max_wait_time"
            );
        }
    }

    fn poll_ready(&self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        reactor::poll_ready(cx)
    }

    fn wants(&self, event: Event, port: usize) -> bool {
        let Some(callbacks) = self.state.callbacks() else { return false };
        let of_port = |event| callbacks.of_port(port, event).is_some();
        match event {
            Event::Connect => of_port(PortEvent::Connect),
            Event::Close => of_port(PortEvent::Close) || of_port(PortEvent::Disconnect),
            Event::BufferFull => of_port(PortEvent::BufferFull),
            Event::BufferEmpty => of_port(PortEvent::BufferEmpty),
            Event::PipeMessage => callbacks.of_server(ServerEvent::PipeMessage).is_some(),
            Event::WorkerExit => callbacks.of_server(ServerEvent::WorkerExit).is_some(),
        }
    }

    fn files(&self, port: usize) -> Option<Arc<Files>> {
        let callbacks = self.state.callbacks()?;
        self.state.http().filter(|_| callbacks.answers_requests(port))?.files.clone()
    }

    fn after_fork(&self) {
        self.state.after_fork();
    }

    fn set_title(&self, title: &str) -> bool {
        let keeps = self.keeps_title.get().unwrap_or_else(|| {
            let named = runtime_title().is_some_and(|title| !title.is_empty());
            self.keeps_title.set(Some(named));
            named
        });
        if !keeps {
            set_runtime_title(title);
        }
        // `true` even on failure: PHP owns the argument memory, so the engine must not write a title there.
        true
    }
}

/// The process title set through PHP.
fn runtime_title() -> Option<Vec<u8>> {
    call_function("cli_get_process_title", &mut []).ok()??.bytes().map(<[u8]>::to_vec)
}

fn set_runtime_title(title: &str) {
    // The title is informational: a failure is ignored.
    let _ = set_process_title(title.into_zval());
}
