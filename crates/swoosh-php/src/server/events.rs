//! Engine event -> PHP callback.
//!
//! Runs in: every process of the server, always its first thread, between the engine's own steps. An exception that
//! nobody catches is reported as PHP reports it and ends the process; so do `exit` and a fatal error.

use super::state::{Calls, PortEvent, ServerEvent, State};
use super::{commands, http, http_deadline, http_order, redis, task, values, websocket};
use crate::coroutine::{self, Job, hook_flags};
use crate::runtime::{event_loop, reactor, scheduler};
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
use swoosh_zend::{Array, Callable, IntoZval, PhpResult, Raised, Zval, call_function, runtime, set_process_title};

/// The engine's handler for one PHP server.
pub struct Bridge {
    state: Rc<State>,
    /// Whether the user had named the process before the server began to.
    keeps_title: Cell<Option<bool>>,
}

impl Bridge {
    /// For that server.
    pub fn new(state: Rc<State>) -> Self {
        Bridge { state, keeps_title: Cell::new(None) }
    }

    #[inline]
    fn calls(&self, node: &Context) -> Result<Rc<Calls>, Stop> {
        self.state.enter(node);
        self.state.calls().ok_or(Stop { code: 255 })
    }

    /// Calls a callback here, and gives what it gave.
    #[inline]
    fn call(&self, callable: &Callable, args: &mut [Zval]) -> Result<Zval, Stop> {
        self.settle(callable.call(args))
    }

    /// Calls a callback in a coroutine of its own, where that is wanted.
    #[inline]
    fn run<const N: usize>(&self, callable: &Rc<Callable>, args: [Zval; N]) -> Flow {
        self.run_for(None, callable, args)
    }

    /// The same, with the request that it handles.
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
        self.settle(coroutine::create(job).map(drop))
    }

    /// A request of HTTP.
    fn request(&self, node: &Context, event: &ConnectionEvent, data: &[u8], stored: Option<Rc<TempFile>>) -> Flow {
        let begun = self.settle(http::begin(&self.state, node, event, data, stored))?;
        let Some(wanted) = begun else { return Ok(()) };
        self.run_for(Some(node.keep_request()), &wanted.callable, wanted.args)?;
        wanted.then.run(node);
        Ok(())
    }

    /// What a callback left ends this process.
    #[cold]
    fn stop(&self, raised: Raised) -> Stop {
        let raised = if raised == Raised::Exception { raise_uncaught(raised) } else { raised };
        self.state.set_stop(raised);
        Stop { code: if raised == Raised::Exit { runtime::exit_status() } else { 255 } }
    }

    /// User code has returned, or waits: what it left behind. A child that it has forked stays here.
    #[inline]
    fn settle<T>(&self, result: PhpResult<T>) -> Result<T, Stop> {
        self.state.fork_guard.leave_if_child(result).map_err(|raised| self.stop(raised))
    }

    /// An event of the server with no arguments but the server, and the worker's number where `numbered`.
    fn tell(&self, node: &Context, event: ServerEvent, numbered: bool) -> Flow {
        let calls = self.calls(node)?;
        show_process(node, &calls, event);
        if event == ServerEvent::WorkerStart {
            let forms = calls.forms;
            let apart = if node.role() == Role::TaskWorker { forms.task_coroutine } else { forms.coroutine };
            scheduler::set_callbacks_in_coroutines(apart);
            http_deadline::tell_of_effect(&self.state, node, apart);
            hook_flags::set_flags(forms.hook_flags);
        }
        let Some(callable) = &calls.own[event as usize] else { return Ok(()) };
        let id = node.worker_id().map_or(-1, |id| i64::from(id.0));
        let mut args = [calls.server.clone().into_zval(), id.into_zval()];
        if event == ServerEvent::WorkerStart {
            self.run(callable, args)?;
        } else {
            let count = if numbered { 2 } else { 1 };
            self.call(callable, &mut args[..count])?;
        }
        if event == ServerEvent::Start {
            show_process(node, &calls, ServerEvent::WorkerStart);
        }
        Ok(())
    }

    /// An event of a connection.
    #[inline]
    fn tell_of(&self, node: &Context, event: PortEvent, of: &ConnectionEvent, data: Option<&[u8]>) -> Flow {
        let calls = self.calls(node)?;
        let Some(callable) = calls.ports.get(of.port).and_then(|port| port[event as usize].as_ref()) else {
            return Ok(());
        };
        let server = calls.server.clone().into_zval();
        let fd = of.session.0.into_zval();
        let in_hand = data.map(|_| node.keep_request());
        let watermark = matches!(event, PortEvent::BufferFull | PortEvent::BufferEmpty);
        if calls.forms.event_object {
            let object = values::event(of, data).map_err(|raised| self.stop(raised))?;
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

/// Shows in the server's properties which process this is.
fn show_process(node: &Context, calls: &Calls, event: ServerEvent) {
    let (server, slots) = (&calls.server, &calls.slots);
    server.set_slot(slots.master_pid, node.master_pid());
    server.set_slot(slots.manager_pid, node.manager_pid());
    // In base mode the first worker tells of the server's start before it is a worker.
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

impl Handler for Bridge {
    fn start(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::Start, false)
    }
    fn before_shutdown(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::BeforeShutdown, false)
    }
    fn shutdown(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::Shutdown, false)
    }
    fn manager_start(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::ManagerStart, false)
    }
    fn manager_stop(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::ManagerStop, false)
    }
    fn before_reload(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::BeforeReload, false)
    }
    fn after_reload(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::AfterReload, false)
    }
    fn worker_start(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::WorkerStart, true)
    }
    fn worker_stop(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::WorkerStop, true)
    }
    fn worker_exit(&self, node: &Context) -> Flow {
        self.tell(node, ServerEvent::WorkerExit, true)
    }

    fn worker_error(&self, node: &Context, error: &WorkerError) -> Flow {
        let calls = self.calls(node)?;
        show_process(node, &calls, ServerEvent::WorkerError);
        let Some(callable) = &calls.own[ServerEvent::WorkerError as usize] else { return Ok(()) };
        let server = calls.server.clone().into_zval();
        if calls.forms.event_object {
            let status = values::status(error).map_err(|raised| self.stop(raised))?;
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
        self.tell_of(node, PortEvent::Connect, event, None)
    }
    fn receive(&self, node: &Context, event: &ConnectionEvent, data: &[u8]) -> Flow {
        let calls = self.calls(node)?;
        if http::serves(&calls, node, event.port) {
            return self.request(node, event, data, None);
        }
        if redis::serves(&calls, node, event.port) {
            return self.settle(redis::receive(&self.state, &calls, node, event.session, data));
        }
        self.tell_of(node, PortEvent::Receive, event, Some(data))
    }
    fn receive_stored(&self, node: &Context, event: &ConnectionEvent, head: &[u8], body: Rc<TempFile>) -> Flow {
        let calls = self.calls(node)?;
        match http::serves(&calls, node, event.port) {
            true => self.request(node, event, head, Some(body)),
            false => receive_whole(self, node, event, head, &body),
        }
    }
    fn refuse(&self, node: &Context, event: &ConnectionEvent, status: u16) -> Flow {
        if !http_order::holds_refusal(event.session.0, status) {
            node.refuse_request(event.session, status);
        }
        Ok(())
    }
    fn close(&self, node: &Context, event: &ConnectionEvent) -> Flow {
        websocket::closed(event.session.0);
        http_order::closed(event.session.0);
        self.state.redis.closed(event.session);
        let calls = self.calls(node)?;
        let ended = PortEvent::Disconnect as usize;
        if calls.ports.get(event.port).is_some_and(|port| port[ended].is_some()) && !node.was_websocket(event.session) {
            return self.tell_of(node, PortEvent::Disconnect, event, None);
        }
        self.tell_of(node, PortEvent::Close, event, None)
    }
    fn buffer_full(&self, node: &Context, event: &ConnectionEvent) -> Flow {
        self.tell_of(node, PortEvent::BufferFull, event, None)
    }
    fn buffer_empty(&self, node: &Context, event: &ConnectionEvent) -> Flow {
        self.tell_of(node, PortEvent::BufferEmpty, event, None)
    }

    fn packet(&self, node: &Context, event: &PacketEvent, data: &[u8]) -> Flow {
        let calls = self.calls(node)?;
        let Some(callable) = calls.ports.get(event.port).and_then(|p| p[PortEvent::Packet as usize].as_ref()) else {
            return Ok(());
        };
        let server = calls.server.clone().into_zval();
        if calls.forms.event_object {
            let packet = values::packet(event, data).map_err(|raised| self.stop(raised))?;
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
        let calls = self.calls(node)?;
        let Some(callable) = &calls.own[ServerEvent::Task as usize] else { return Ok(()) };
        let Some(data) = task::open(data, event.flags) else {
            swoosh::log::error!("task {} of worker {} cannot be unserialised: it is dropped", event.id, event.source.0);
            return Ok(());
        };
        let server = calls.server.clone().into_zval();
        if scheduler::callbacks_in_coroutines() {
            let task = task::object(&self.state, event, data).map_err(|raised| self.stop(raised))?;
            let (state, callable, node, event) = (self.state.clone(), callable.clone(), node.clone(), *event);
            let run = move || {
                let result = callable.call(&mut [server, task.into_zval()])?;
                // The task is its parent's to answer.
                if result.is_null() || state.fork_guard.is_child() {
                    return Ok(());
                }
                task::answer(&node, &event, &result).map(drop)
            };
            return self.settle(coroutine::spawn_event(run));
        }
        let outer = self.state.task.replace(Some(*event));
        let result = if calls.forms.task_object {
            let task = task::object(&self.state, event, data).map_err(|raised| self.stop(raised))?;
            self.call(callable, &mut [server, task.into_zval()])
        } else {
            let (id, source) = (event.id.into_zval(), event.source.0.into_zval());
            self.call(callable, &mut [server, id, source, data])
        }?;
        if !result.is_null() {
            self.settle(task::answer(node, event, &result).map(drop))?;
        }
        self.state.task.set(outer);
        Ok(())
    }

    fn finish(&self, node: &Context, event: &FinishEvent, data: &[u8]) -> Flow {
        let calls = self.calls(node)?;
        let Some(data) = task::open(data, event.flags) else {
            swoosh::log::error!("the result of task {} cannot be unserialised: it is dropped", event.task_id);
            return Ok(());
        };
        let server = calls.server.clone().into_zval();
        let given = match event.flags & task::CALLBACK {
            0 => None,
            _ => self.state.on_finish.borrow_mut().remove(&event.task_id),
        };
        if let Some(callable) = given {
            return self.run(&callable, [server, event.task_id.into_zval(), data]);
        }
        let Some(callable) = &calls.own[ServerEvent::Finish as usize] else {
            swoosh::log::notice!("the result of task {} is dropped: there is no finish callback", event.task_id);
            return Ok(());
        };
        if calls.forms.event_object {
            let result = values::task_result(event, data).map_err(|raised| self.stop(raised))?;
            return self.run(callable, [server, result.into_zval()]);
        }
        self.run(callable, [server, event.task_id.into_zval(), data])
    }

    fn pipe_message(&self, node: &Context, event: &MessageEvent, data: &[u8]) -> Flow {
        let calls = self.calls(node)?;
        if commands::is_one(event.flags) {
            return self.settle(commands::answer(&self.state, &calls.server, event.flags, data));
        }
        let Some(callable) = &calls.own[ServerEvent::PipeMessage as usize] else { return Ok(()) };
        let Some(data) = task::open(data, event.flags) else {
            swoosh::log::error!("a message of process {} cannot be unserialised: it is dropped", event.source.0);
            return Ok(());
        };
        let server = calls.server.clone().into_zval();
        if calls.forms.event_object {
            let own = node.worker_id().map_or(-1, |id| i64::from(id.0));
            let message = values::message(event, own, data).map_err(|raised| self.stop(raised))?;
            return self.run(callable, [server, message.into_zval()]);
        }
        self.run(callable, [server, event.source.0.into_zval(), data])
    }

    fn user_process(&self, node: &Context, index: usize) -> Flow {
        let calls = self.calls(node)?;
        show_process(node, &calls, ServerEvent::Start);
        let process = self.state.processes.borrow().get(index).cloned();
        let Some(process) = process else { return Ok(()) };
        let id = node.worker_id().map_or(-1, |id| i64::from(id.0));
        // A loop of its own: nobody turns it but its code.
        event_loop::end_hosting();
        self.settle((process.run)(&process.object, id))
    }

    #[inline]
    fn tick(&self, node: &Context) -> Flow {
        self.state.enter(node);
        self.settle(event_loop::hosted_tick())?;
        self.settle(http_deadline::run_due(node))?;
        http_order::turn(self, node)
    }

    #[inline]
    fn sleep_limit(&self) -> Option<Duration> {
        [event_loop::hosted_sleep_limit(), http_deadline::sleep_limit()].into_iter().flatten().min()
    }

    fn pending(&self) -> usize {
        event_loop::pending_count()
    }

    fn unfinished(&self) -> usize {
        coroutine::callbacks()
    }

    fn gave_up(&self) {
        coroutine::report_pending_callbacks();
    }

    fn poll_ready(&self, cx: &mut std::task::Context<'_>) -> Poll<()> {
        reactor::poll_ready(cx)
    }

    fn wants(&self, event: Event, port: usize) -> bool {
        let Some(calls) = self.state.calls() else { return false };
        let of_port =
            |event: PortEvent| calls.ports.get(port).is_some_and(|callbacks| callbacks[event as usize].is_some());
        match event {
            Event::Connect => of_port(PortEvent::Connect),
            Event::Close => of_port(PortEvent::Close) || of_port(PortEvent::Disconnect),
            Event::BufferFull => of_port(PortEvent::BufferFull),
            Event::BufferEmpty => of_port(PortEvent::BufferEmpty),
            Event::PipeMessage => calls.own[ServerEvent::PipeMessage as usize].is_some(),
            Event::WorkerExit => calls.own[ServerEvent::WorkerExit as usize].is_some(),
        }
    }

    fn files(&self, port: usize) -> Option<Arc<Files>> {
        let calls = self.state.calls()?;
        self.state.http.get().filter(|_| calls.answers_requests(port))?.files.clone()
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
        // Where PHP cannot, the engine must not try either: PHP has the arguments' place.
        true
    }
}

/// The title that the user gave this process.
fn runtime_title() -> Option<Vec<u8>> {
    call_function("cli_get_process_title", &mut []).ok()??.bytes().map(<[u8]>::to_vec)
}

fn set_runtime_title(title: &str) {
    // Where it cannot be set it stays as it is.
    let _ = set_process_title(title.into_zval());
}
