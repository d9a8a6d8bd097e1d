//! `Swoole\Process\Pool`: workers that a supervisor replaces when they end.

use super::{exception, process};
use crate::coroutine;
use crate::coroutine::configure;
use crate::runtime::{event_loop, last_error};
use crate::server::pool;
use crate::server::pool::{PhpPool, PoolProcess};
use crate::server::pool_callbacks::{self, EVENTS, PoolSlots};
use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;
use swoosh::pool::{Ipc, Pipe, Pool};
use swoosh_zend::error::{fatal, throw, throw_error, warning};
use swoosh_zend::{Call, Callable, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Raised, Value, Zval};

/// The class.
pub static POOL: ClassSlot = ClassSlot::new();

/// The pool behind an object; empty before its constructor ran.
#[derive(Default)]
pub struct Holder(OnceCell<Rc<PhpPool>>);

impl swoosh_zend::Payload for Holder {
    fn handlers() -> &'static swoosh_zend::object::HandlerTable {
        static TABLE: swoosh_zend::object::HandlerTable = swoosh_zend::object::HandlerTable::new();
        &TABLE
    }
    const HAS_LAZY_PROPERTIES: bool = true;

    fn lazy_property(&self, _: usize) -> Zval {
        self.0.get().is_none_or(|state| state.running_property()).into_zval()
    }
}

/// Registers the class.
pub fn register() {
    let class = ClassBuilder::new("Swoole\\Process\\Pool")
        .alias("swoole_process_pool")
        .payload::<Holder>()
        .property("master_pid", Value::Int(-1))
        .property("workerPid", Value::Int(-1))
        .property("workerId", Value::Int(-1))
        .property("workers", Value::Null)
        .property("workerRunning", Value::Bool(true))
        .property("running", Value::Bool(true));
    EVENTS
        .iter()
        .fold(class, |class, (_, property)| class.private_property(property, Value::Null))
        .method(
            "__construct(int $worker_num, int $ipc_type = SWOOLE_IPC_NONE, int $msgqueue_key = 0, bool $enable_coroutine = false)",
            construct,
        )
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method("set(array $settings): void", set)
        .method("on(string $name, callable $callback): bool", on)
        .method("getProcess(int $work_id = -1): Swoole\\Process|false", get_process)
        .method("listen(string $host, int $port = 0, int $backlog = 2048): bool", listen)
        .method("write(string $data): bool", write)
        .method("sendMessage(string $data, int $dst_worker_id): bool", send_message)
        .method("detach(): bool", detach)
        .method("start(): ?false", start)
        .method("stop(): void", stop)
        .method("shutdown(): bool", shutdown)
        .register(&POOL);
}

fn state<'a>(call: &Call<'a>) -> PhpResult<&'a Rc<PhpPool>> {
    let state = call.payload::<Holder>().0.get();
    state.ok_or_else(exception::not_constructed)
}

fn slot(property: &str) -> PhpResult<usize> {
    POOL.get().slot(property).ok_or(Raised::Exception)
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    let (workers, ipc, key) = (call.int(0)?, call.int_or(1, 0)?, call.int_or(2, 0)?);
    let Some(workers) = u32::try_from(workers).ok().filter(|workers| (1..=MAX_WORKERS).contains(workers)) else {
        let why = format!("the number of workers must be 1 to {MAX_WORKERS}, not {workers}");
        return Err(throw(exception::EXCEPTION.get(), &why, 0));
    };
    let ipc = match ipc {
        IPC_UNIXSOCK => Ipc::UnixSocket,
        IPC_MSGQUEUE => Ipc::Queue(key as i32),
        IPC_SOCKET => Ipc::Socket,
        _ => Ipc::None,
    };
    let state = Rc::new(PhpPool::new(Pool::new(workers), ipc, call.bool_or(3, false)?, SHUTDOWN_TIMEOUT));
    if call.payload::<Holder>().0.set(state).is_err() {
        return Err(throw_error("the constructor of Swoole\\Process\\Pool must be called only once"));
    }
    Ok(())
}

/// Settings of the pool; all others are the coroutines'.
fn set(call: &mut Call<'_>) -> PhpResult<()> {
    let (state, given) = (state(call)?, call.array(0)?);
    if !state.is_new() {
        return Ok(());
    }
    if let Some(on) = given.get("enable_coroutine") {
        state.set_coroutine(on.to_bool());
    }
    if let Some(on) = given.get("enable_message_bus") {
        state.configure(|pool| pool.message_bus(on.to_bool()));
    }
    if let Some(bytes) = given.get("max_package_size") {
        state.configure(|pool| pool.max_package(usize::try_from(bytes.to_int()).unwrap_or(0)));
    }
    if let Some(messages) = given.get("max_request") {
        state.configure(|pool| pool.max_requests(u64::try_from(messages.to_int()).unwrap_or(0)));
    }
    if let Some(seconds) = given.get("max_wait_time") {
        state.set_shutdown_timeout(Duration::try_from_secs_f64(seconds.to_float()).unwrap_or(SHUTDOWN_TIMEOUT));
    }
    configure::apply(given);
    Ok(())
}

fn on(call: &mut Call<'_>) -> PhpResult<bool> {
    let state = state(call)?;
    let name = call.text(0)?.to_ascii_lowercase();
    call.callable(1)?;
    if !state.is_new() {
        return Ok(false);
    }
    let Some((_, property)) = EVENTS.iter().find(|(lower, _)| *lower == name) else {
        last_error::warn_misuse(&format!("a pool has no event {name}"));
        return Ok(false);
    };
    if name == "message" && state.ipc() == Ipc::None {
        let why = "the pool receives no messages: its ipc_type is SWOOLE_IPC_NONE";
        return Err(throw(exception::EXCEPTION.get(), why, INVALID_PARAMS));
    }
    if let (Some(this), Some(callback)) = (call.this(), call.arg(1)) {
        this.set_slot(slot(property)?, callback.clone());
    }
    Ok(true)
}

/// The process object of a worker; -1: the calling worker. Its pipe is connected to that worker; in the worker itself, to
/// its senders.
fn get_process(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let (state, wanted) = (state(call)?, call.int_or(0, -1)?);
    let (own, pid, pipe) = match state.process() {
        PoolProcess::Worker(worker) => {
            let own = i64::from(worker.id());
            let id = number(if wanted == -1 { own } else { wanted });
            (id == worker.id(), worker.await_pid_of(id, START_LIMIT), worker.pipe_of(id).map(Pipe::try_clone))
        }
        PoolProcess::Supervisor(pool) => {
            (false, pool.pid_of(number(wanted)), pool.pipe_of(number(wanted)).map(Pipe::try_clone))
        }
        PoolProcess::Outside => {
            last_error::warn_misuse("the pool is not running; call this in one of its callbacks");
            return Ok(OrFalse(None));
        }
    };
    let (Some(pid), Some(this)) = (pid, call.this()) else {
        last_error::warn_misuse(&format!("there is no worker {wanted} now"));
        return Ok(OrFalse(None));
    };
    let id = if own { this.slot(slot("workerId")?).to_int() } else { wanted };
    let workers = slot("workers")?;
    let known = this.slot(workers).array().and_then(|known| known.at(id)).and_then(Zval::object).cloned();
    if let Some(process) = known.filter(|process| process::is_of(process, pid)) {
        return Ok(OrFalse(Some(process)));
    }
    let process = process::of_pool(id, pid, pipe.and_then(Result::ok), own)?;
    let mut known = this.slot(workers).array().cloned().unwrap_or_default();
    known.set(id, process.clone());
    this.set_slot(workers, known);
    Ok(OrFalse(Some(process)))
}

/// How long `getProcess` waits for a worker that is being started.
const START_LIMIT: Duration = Duration::from_millis(500);

fn number(id: i64) -> u32 {
    u32::try_from(id).unwrap_or(u32::MAX)
}

fn listen(call: &mut Call<'_>) -> PhpResult<bool> {
    let (host, port, backlog) = (call.text(0)?, call.int_or(1, 0)?, call.int_or(2, 2048)?);
    let state = state(call)?;
    if !state.is_new() {
        return Ok(false);
    }
    let listening = state.listen(&host, port, backlog.clamp(1, 65535) as i32);
    Ok(listening.is_some_and(|result| ok_or_warn(result).is_some()))
}

/// The value; on an error, sets the error code and warns.
fn ok_or_warn<T>(result: swoosh::Result<T>) -> Option<T> {
    result
        .map_err(|error| {
            last_error::set(error.code());
            warning(&error.to_string());
        })
        .ok()
}

fn write(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes(0)?;
    let written = !data.is_empty() && state(call)?.reply(data);
    if !written {
        last_error::warn_misuse("no reply is expected: call write() in onMessage of a pool with SWOOLE_IPC_SOCKET");
    }
    Ok(written)
}

fn send_message(call: &mut Call<'_>) -> PhpResult<bool> {
    let (data, to) = (call.bytes(0)?, number(call.int(1)?));
    let sent = match state(call)?.process() {
        PoolProcess::Worker(worker) => worker.send(to, data),
        PoolProcess::Supervisor(pool) => pool.send(to, data),
        PoolProcess::Outside => {
            last_error::warn_misuse("the pool is not running; call this in one of its callbacks");
            return Ok(false);
        }
    };
    Ok(ok_or_warn(sent).is_some())
}

fn detach(call: &mut Call<'_>) -> PhpResult<bool> {
    let worker = state(call)?.worker();
    if let Some(worker) = &worker {
        worker.detach();
    }
    Ok(worker.is_some())
}

fn stop(call: &mut Call<'_>) -> PhpResult<()> {
    if let Some(worker) = state(call)?.worker() {
        worker.stop();
        if let Some(this) = call.this() {
            this.set_slot(slot("workerRunning")?, false);
        }
    }
    Ok(())
}

fn shutdown(call: &mut Call<'_>) -> PhpResult<bool> {
    match state(call)?.process() {
        PoolProcess::Worker(worker) => Ok(worker.shut_down()),
        PoolProcess::Supervisor(pool) => Ok(pool.shut_down()),
        PoolProcess::Outside => {
            last_error::warn_misuse("the pool is not running");
            Ok(false)
        }
    }
}

/// Runs the pool until shutdown: `null`, or `false` if it cannot start.
fn start(call: &mut Call<'_>) -> PhpResult<Zval> {
    let Some(this) = call.this() else { return Ok(Zval::null()) };
    run(this, state(call)?).map(|ran| if ran { Zval::null() } else { false.into_zval() })
}

/// Runs a pool; `false`, with a warning, if it cannot start.
pub fn run(this: &Object, state: &Rc<PhpPool>) -> PhpResult<bool> {
    if !state.is_new() {
        return Ok(false);
    }
    if coroutine::current_id().is_some() || event_loop::is_running() {
        return Err(fatal("a pool must be started before the event loop and outside of coroutines"));
    }
    let mut callbacks = EVENTS.map(|_| None);
    for ((_, property), place) in EVENTS.iter().zip(&mut callbacks) {
        let value = this.slot(slot(property)?).clone();
        if !value.is_null() {
            let callable = Callable::new(&value);
            *place = Some(Rc::new(callable.map_err(|why| fatal(&format!("{property} cannot be called: {why}")))?));
        }
    }
    let calls = pool_callbacks::callbacks(callbacks);
    let begins = calls.worker_start.is_some() || state.has_worker_functions();
    if !begins && calls.message.is_none() {
        last_error::warn_misuse("a pool needs a callback: on('workerStart', ...) or on('message', ...)");
        return Ok(false);
    }
    if state.uses_coroutines() && calls.message.is_some() && matches!(state.ipc(), Ipc::Queue(_)) {
        last_error::warn_misuse("a System V queue cannot wake coroutines: use SWOOLE_IPC_UNIXSOCK, or no coroutines");
        return Ok(false);
    }
    let slots = PoolSlots {
        master_pid: slot("master_pid")?,
        worker_id: slot("workerId")?,
        worker_pid: slot("workerPid")?,
        worker_running: slot("workerRunning")?,
        running: slot("running")?,
    };
    pool::start(state, this, calls, slots)
}

/// The state behind a pool's object.
pub fn state_of(pool: &Object) -> Option<Rc<PhpPool>> {
    pool.payload::<Holder>().and_then(|holder| holder.0.get()).cloned()
}

/// Calls the constructor of a new pool.
pub fn make(workers: i64, ipc: i64, key: i64) -> PhpResult<Object> {
    let pool = Object::new(POOL.get())?;
    pool.construct(&mut [workers.into_zval(), ipc.into_zval(), key.into_zval()])?;
    Ok(pool)
}

const IPC_UNIXSOCK: i64 = 1;
const IPC_MSGQUEUE: i64 = 2;
const IPC_SOCKET: i64 = 3;
/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i64 = 505;
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(3);
const MAX_WORKERS: u32 = 100_000;
