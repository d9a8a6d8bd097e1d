//! Starts a server: settings, callbacks, launch; and what follows when it has ended.

use super::classes::{self, PORT, SERVER};
use super::events::Bridge;
use super::settings::{self, Problem};
use super::state::{self, Calls, Forms, PORT_EVENTS, Phase, PortEvent, SERVER_EVENTS, ServerEvent, Slots, State};
use crate::coroutine;
use crate::runtime::{event_loop, last_error};
use std::rc::Rc;
use swoosh::process::End;
use swoosh::server::{ServerBuilder, launch};
use swoosh_zend::error::fatal;
use swoosh_zend::{Callable, Object, PhpResult, runtime};

/// Runs the server. Returns in the process that called it, when the server has ended; every other process ends here.
pub fn start(state: &Rc<State>, object: &Object) -> PhpResult<bool> {
    if !state.is_new() {
        return Ok(false);
    }
    let Some(mut builder) = state.builder.borrow_mut().take() else { return Ok(false) };
    let prepared = settings::apply(state, object, &mut builder)
        .and_then(|forms| collect(object, &builder, forms).map_err(Problem::Told));
    let calls = match prepared {
        Ok(calls) => calls,
        Err(Problem::Refused(why)) => {
            *state.builder.borrow_mut() = Some(builder);
            last_error::warn_misuse(&why);
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
    state::remember(state);
    event_loop::host();
    let end = launch(builder, Rc::new(Bridge::new(state.clone())));
    state.phase.set(Phase::Over);
    if let Some(raised) = state.stop.get() {
        event_loop::shut_down();
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
            event_loop::shut_down();
            let why = format!("the server cannot start: {e}");
            drop(e);
            Err(fatal(&why))
        }
    }
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
        .map(|(_, property)| look_up(object, SERVER.get().slot(property), property).map(|found| found.map(Rc::new)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut ports: Vec<Vec<Option<Rc<Callable>>>> = Vec::new();
    for port in state::ports(object) {
        let mut callbacks = Vec::new();
        for (at, (_, property)) in PORT_EVENTS.iter().enumerate() {
            let given = look_up(&port, PORT.get().slot(property), property)?.map(Rc::new);
            callbacks.push(given.or_else(|| ports.first().and_then(|first| first[at].clone())));
        }
        ports.push(callbacks);
    }
    for ((bound, _), callbacks) in builder.ports.iter().zip(&ports) {
        let answers = |event: PortEvent| callbacks[event as usize].is_some();
        if bound.kind.is_stream() && (answers(PortEvent::Request) || answers(PortEvent::Message)) {
            continue;
        }
        if bound.kind.is_stream() && classes::is_redis(object) {
            continue;
        }
        let (event, name) = match bound.kind.is_stream() {
            true if classes::is_websocket(object) => (PortEvent::Message, "message"),
            true if classes::is_http(object) => (PortEvent::Request, "request"),
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
    let slot = |name| SERVER.get().slot(name).ok_or_else(|| format!("the server has no property {name}"));
    let slots = Slots {
        master_pid: slot("master_pid")?,
        manager_pid: slot("manager_pid")?,
        worker_id: slot("worker_id")?,
        worker_pid: slot("worker_pid")?,
        taskworker: slot("taskworker")?,
    };
    Ok(Calls { server: object.clone(), own, ports, forms, slots })
}
