//! `Server::start`: applies settings, resolves callbacks, launches, and cleans up when the server has ended.

use super::callbacks::{CallbackOptions, Callbacks, PORT_EVENTS, PortEvent, SERVER_EVENTS, ServerEvent, ServerSlots};
use super::classes::{self, PORT, SERVER};
use super::events::EventBridge;
use super::settings::{self, StartError};
use super::state::{self, PhpServer};
use crate::coroutine;
use crate::runtime::{event_loop, signals};
use std::rc::Rc;
use swoosh::process::End;
use swoosh::server::{ServerBuilder, launch};
use swoosh_zend::error::fatal;
use swoosh_zend::{Callable, IntoZval, Object, PhpResult, call_function, runtime};

/// Runs the server. Returns in the calling process when the server has ended; every other process ends here.
pub fn start(state: &Rc<PhpServer>, object: &Object) -> PhpResult<bool> {
    if !state.is_new() {
        return Ok(false);
    }
    let Some(mut builder) = state.take_builder() else { return Ok(false) };
    let prepared = settings::apply(state, object, &mut builder)
        .and_then(|options| collect(object, &builder, options).map_err(StartError::Fatal));
    let callbacks = match prepared {
        Ok(callbacks) => callbacks,
        Err(problem) => {
            drop(builder);
            return Err(match problem {
                StartError::Fatal(why) => fatal(&why),
                StartError::Raised(raised) => raised,
            });
        }
    };
    builder.set_user_processes(state.process_count());
    state.begin(callbacks);
    state::remember(state);
    event_loop::host();
    signals::discard_unhandled();
    let end = launch(builder, Rc::new(EventBridge::new(state.clone())));
    if let Some(raised) = state.end() {
        event_loop::end_by(raised);
        return Err(raised);
    }
    match end {
        Ok(End::Head) => {
            event_loop::end_hosting();
            signals::request_end();
            signals::restore_discarded();
            let ended = coroutine::end_all(false);
            state.release();
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

/// Encloses a request callback in one that shows its exceptions to the client.
fn with_error_page(callback: &Callable, server: &Object) -> Result<Rc<Callable>, String> {
    // A class of the library, which PHP loads.
    match call_function(
        "Swoosh\\Internal\\ErrorPage::around",
        &mut [callback.value().clone(), server.clone().into_zval()],
    ) {
        Ok(Some(enclosed)) => Callable::new(&enclosed).map(Rc::new),
        _ => Err("http_error_page needs the library: swoole.enable_library is off".to_owned()),
    }
}

/// Resolves every callback.
///
/// # Errors
/// A message that names the missing or uncallable callback.
fn collect(object: &Object, builder: &ServerBuilder, options: CallbackOptions) -> Result<Callbacks, String> {
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
            let mut given = look_up(&port, PORT.get().slot(property), property)?.map(Rc::new);
            if options.error_page && at == PortEvent::Request as usize {
                given = given.map(|callback| with_error_page(&callback, object)).transpose()?;
            }
            callbacks.push(given.or_else(|| ports.first().and_then(|first| first[at].clone())));
        }
        ports.push(callbacks);
    }
    for (bound, callbacks) in builder.ports().zip(&ports) {
        let answers = |event: PortEvent| callbacks[event as usize].is_some();
        if bound.kind().is_stream() && (answers(PortEvent::Request) || answers(PortEvent::Message)) {
            continue;
        }
        if bound.kind().is_stream() && classes::is_redis(object) {
            continue;
        }
        let (event, name) = match bound.kind().is_stream() {
            true if classes::is_websocket(object) => (PortEvent::Message, "message"),
            true if classes::is_http(object) => (PortEvent::Request, "request"),
            true => (PortEvent::Receive, "receive"),
            false => (PortEvent::Packet, "packet"),
        };
        if callbacks[event as usize].is_none() {
            let event = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
            return Err(format!(
                "require on{event} callback: port {} has none; set it with on('{name}', ...)",
                bound.name()
            ));
        }
    }
    if builder.config().task_worker_num > 0 && own[ServerEvent::Task as usize].is_none() {
        return Err("require onTask callback: task_worker_num is set; set it with on('task', ...)".to_owned());
    }
    let slot = |name| SERVER.get().slot(name).ok_or_else(|| format!("the server has no property {name}"));
    let slots = ServerSlots {
        master_pid: slot("master_pid")?,
        manager_pid: slot("manager_pid")?,
        worker_id: slot("worker_id")?,
        worker_pid: slot("worker_pid")?,
        taskworker: slot("taskworker")?,
    };
    Ok(Callbacks::new(object.clone(), own, ports, options, slots))
}
