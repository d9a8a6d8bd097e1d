//! `Swoole\Process`: a function in a process of its own, and a pipe to it.

mod data;
mod pipe;
mod queue;

use super::exception::{self, constructed};
use data::{Holder, PIPE_DGRAM, PIPE_STREAM, ok_or_warn, slot};

use crate::coroutine;
use crate::runtime::{event_loop, fork, last_error, scheduler, script_end, signals};
pub use data::PROCESS;
use std::cell::Cell;
use std::ffi::OsStr;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;
use swoosh::pool::{Pipe, PipeKind};
use swoosh::sys::error_text;
use swoosh::sys::foreign_fd::ForeignFd;
use swoosh::sys::process::{self as system, Fork};
use swoosh::sys::signal::IntervalTimer;
use swoosh::sys::{affinity, child};
use swoosh_zend::error::{raise_uncaught, throw, warning};
use swoosh_zend::{
    Array, Call, Callable, ClassBuilder, IntoZval, Object, OrFalse, PhpResult, Raised, Value, Zval, runtime,
    set_process_title,
};

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Process")
        .alias("swoole_process")
        .payload::<Holder>()
        .constant("IPC_NOWAIT", Value::Int(256))
        .constant("PIPE_MASTER", Value::Int(1))
        .constant("PIPE_WORKER", Value::Int(2))
        .constant("PIPE_READ", Value::Int(3))
        .constant("PIPE_WRITE", Value::Int(4))
        .constant("PIPE_TYPE_NONE", Value::Int(0))
        .constant("PIPE_TYPE_STREAM", Value::Int(1))
        .constant("PIPE_TYPE_DGRAM", Value::Int(2))
        .property("pipe", Value::Null)
        .property("msgQueueId", Value::Null)
        .property("msgQueueKey", Value::Null)
        .property("pid", Value::Null)
        .property("id", Value::Null)
        .private_property("callback", Value::Null)
        .method(
            "__construct(callable $callback, bool $redirect_stdin_and_stdout = false, int $pipe_type = SOCK_DGRAM, bool $enable_coroutine = false)",
            construct,
        )
        .method("__destruct()", |_: &mut Call<'_>| Ok(()))
        .method("static wait(bool $blocking = true): array|false", wait)
        .method("static kill(int $pid, int $signal_no = SIGTERM): bool", kill)
        .method("static daemon(bool $nochdir = true, bool $noclose = true, array $pipes = []): bool", daemon)
        .method("set(array $settings): void", constructed::<Holder, _>(set))
        .method("static signal(int $signal_no, ?callable $callback = null): bool", signal)
        .method("static alarm(int $usec, int $type = 0): bool", alarm)
        .method("static setAffinity(array $cpu_settings): bool", set_affinity)
        .method("static getAffinity(): array", get_affinity)
        .method("setPriority(int $which, int $priority, ?int $who = null): bool", constructed::<Holder, _>(set_priority))
        .method("getPriority(int $which, ?int $who = null): int|false", constructed::<Holder, _>(get_priority))
        .method("useQueue(int $key = 0, int $mode = 2, int $capacity = -1): bool", constructed::<Holder, _>(queue::use_queue))
        .method("statQueue(): array|false", constructed::<Holder, _>(queue::stat_queue))
        .method("freeQueue(): bool", constructed::<Holder, _>(queue::free_queue))
        .method("push(string $data): bool", constructed::<Holder, _>(queue::push))
        .method("pop(int $size = 65536): string|false", constructed::<Holder, _>(queue::pop))
        .method("exportSocket(): Swoole\\Coroutine\\Socket|false", constructed::<Holder, _>(pipe::export_socket))
        .method("setTimeout(float $seconds): bool", constructed::<Holder, _>(pipe::set_timeout))
        .method("setBlocking(bool $blocking): bool", constructed::<Holder, _>(pipe::set_blocking))
        .method("start(): int|bool", start)
        .method("write(string $data): int|false", constructed::<Holder, _>(pipe::write))
        .method("close(int $which = 0): bool", constructed::<Holder, _>(pipe::close))
        .method("read(int $size = 8192): string|false", constructed::<Holder, _>(pipe::read))
        .method("exit(int $exit_code = 0): void", constructed::<Holder, _>(exit))
        .method("exec(string $exec_file, array $args): bool", constructed::<Holder, _>(exec))
        .method("name(string $process_name): bool", constructed::<Holder, _>(name))
        .register(&PROCESS);
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    call.callable(0)?;
    let (redirects, kind, coroutine) = (call.bool_or(1, false)?, call.int_or(2, PIPE_DGRAM)?, call.bool_or(3, false)?);
    let Some(this) = call.this() else { return Ok(()) };
    let pipe = call.payload::<Holder>();
    // Output is a byte stream.
    pipe.kind.set(if redirects { PIPE_STREAM } else { kind });
    pipe.redirects.set(redirects);
    pipe.coroutine.set(coroutine);
    pipe.constructed.set(true);
    this.set_slot(slot("callback")?, call.arg(0).cloned().unwrap_or(Zval::null()));
    let id = NEXT_ID.get();
    NEXT_ID.set(id + 1);
    set_id(this, id);
    prepare(this).map_err(|error| throw(exception::EXCEPTION.get(), &error.to_string(), error.code().into()))
}

/// The process of a pool's worker. `end`: of its pipe, the worker's own where this is that worker (`own`).
pub fn of_pool(id: i64, pid: i32, end: Option<Pipe>, own: bool) -> PhpResult<Object> {
    let process = Object::new(PROCESS.get())?;
    set_id(&process, id);
    process.set_slot(slot("pid")?, pid);
    if let Some(state) = process.payload::<Holder>() {
        state.constructed.set(true);
    }
    if let (Some(end), Some(pipe)) = (end, process.payload::<Holder>()) {
        process.set_slot(slot("pipe")?, end.as_raw_fd());
        pipe.kind.set(PIPE_DGRAM);
        pipe.in_child.set(own);
        *if own { &pipe.childs } else { &pipe.parents }.borrow_mut() = Some(end);
    }
    Ok(process)
}

/// Whether it shows that process id.
pub fn is_of(process: &Object, pid: i32) -> bool {
    slot("pid").is_ok_and(|slot| process.slot(slot).int() == Some(pid.into()))
}

/// Opens the pipe, once.
pub fn prepare(process: &Object) -> swoosh::Result<()> {
    let Some(pipe) = process.payload::<Holder>() else { return Ok(()) };
    let kind = match pipe.kind.get() {
        PIPE_STREAM => PipeKind::Stream,
        PIPE_DGRAM.. => PipeKind::Datagram,
        _ => return Ok(()),
    };
    if pipe.parents.borrow().is_some() {
        return Ok(());
    }
    let (parents, childs) = Pipe::pair(kind)?;
    if let Ok(slot) = slot("pipe") {
        process.set_slot(slot, parents.as_raw_fd());
    }
    *pipe.parents.borrow_mut() = Some(parents);
    *pipe.childs.borrow_mut() = Some(childs);
    Ok(())
}

/// Shows its number.
pub fn set_id(process: &Object, id: i64) {
    if let Ok(slot) = slot("id") {
        process.set_slot(slot, id);
    }
}

/// Runs it as a process of a server, in that process.
pub fn run_in_server(process: &Object, id: i64) -> PhpResult<()> {
    set_id(process, id);
    become_child(process)?;
    run(process)?;
    // Timers and coroutines that the function began keep the process alive.
    event_loop::run_nested()
}

fn become_child(process: &Object) -> PhpResult<()> {
    process.set_slot(slot("pid")?, system::pid());
    let Some(pipe) = process.payload::<Holder>() else { return Ok(()) };
    pipe.in_child.set(true);
    let childs = pipe.childs.borrow();
    if let Some(end) = childs.as_ref() {
        process.set_slot(slot("pipe")?, end.as_raw_fd());
        if pipe.redirects.get() {
            ok_or_warn(end.redirect_standard_streams());
        }
    }
    Ok(())
}

fn run(process: &Object) -> PhpResult<()> {
    let apart = process.payload::<Holder>().is_some_and(|pipe| pipe.coroutine.get());
    scheduler::run_callback(apart, work(process)?)
}

/// A call of the callback.
fn work(process: &Object) -> PhpResult<impl FnOnce() -> PhpResult<()> + 'static> {
    let callable = Callable::new(&process.slot(slot("callback")?).clone()).map_err(|_| Raised::Exception)?;
    let mut arguments = [process.clone().into_zval()];
    Ok(move || callable.call(&mut arguments).map(drop))
}

fn start(call: &mut Call<'_>) -> PhpResult<Zval> {
    let Some(this) = call.this() else { return Ok(false.into_zval()) };
    if this.slot(slot("callback")?).is_null() {
        return Err(exception::not_constructed());
    }
    if this.slot(slot("pid")?).int().is_some_and(|pid| child::send_signal(pid as i32, 0).is_ok()) {
        last_error::warn_misuse("the process is already running");
        return Ok(false.into_zval());
    }
    let forked = prepare(this).and_then(|()| Ok(system::fork_with(fork::begin)?));
    match forked {
        Ok((Fork::Parent(pid), _)) => {
            this.set_slot(slot("pid")?, pid);
            if let Some(pipe) = this.payload::<Holder>() {
                drop(pipe.childs.borrow_mut().take());
            }
            Ok(pid.into_zval())
        }
        Ok((Fork::Child, _)) => {
            become_child(this)?;
            if let Some(pipe) = this.payload::<Holder>() {
                drop(pipe.parents.borrow_mut().take());
            }
            // It ends as a script does: shutdown functions, what coroutines and timers have left to do, destructors.
            let apart = this.payload::<Holder>().is_some_and(|pipe| pipe.coroutine.get());
            let ran = match coroutine::leave_parents() && !apart {
                true => work(this).and_then(coroutine::run_as_main),
                false => run(this),
            };
            // With a coroutine the loop runs before the shutdown functions, as within `Coroutine\run`.
            let ended = ran.and_then(|()| if apart { event_loop::run() } else { Ok(()) }).map_err(raise_uncaught);
            if ended.is_ok() || ended == Err(Raised::Exit) {
                script_end::prepare();
            } else {
                event_loop::shut_down();
            }
            runtime::end_script(0)
        }
        Err(e) => {
            last_error::set(e.code());
            warning(&e.to_string());
            Ok(false.into_zval())
        }
    }
}

fn exit(call: &mut Call<'_>) -> PhpResult<()> {
    let code = call.int_or(0, 0)?;
    if !call.payload::<Holder>().in_child.get() {
        last_error::warn_misuse("exit() must be called in the child process; use Process::kill()");
        return Ok(());
    }
    runtime::end_process(if (0..=255).contains(&code) { code as i32 } else { 1 })
}

fn exec(call: &mut Call<'_>) -> PhpResult<bool> {
    let file = PathBuf::from(OsStr::from_bytes(call.bytes(0)?));
    let mut words = Vec::new();
    for (_, word) in call.array(1)? {
        words.push(OsStr::from_bytes(word.to_zstr().ok_or(Raised::Exception)?.as_bytes()).to_owned());
    }
    let failed = swoosh::pool::exec(&file, &words);
    Ok(ok_or_warn::<(), _>(Err(failed)).is_some())
}

fn name(call: &mut Call<'_>) -> PhpResult<bool> {
    let name = call.string(0)?.clone();
    set_process_title(name.into_zval())
}

/// Waits for a child: its id, exit status and signal.
fn wait(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let ended = child::wait(-1, call.bool_or(0, true)?).ok().flatten();
    Ok(OrFalse(ended.map(|ended| {
        let mut array = Array::new();
        array.insert("pid", ended.pid);
        array.insert("code", ended.exit_code());
        array.insert("signal", ended.signal());
        array
    })))
}

fn kill(call: &mut Call<'_>) -> PhpResult<bool> {
    let (pid, signal) = (call.int(0)?, call.int_or(1, libc::SIGTERM.into())?);
    let sent = match (i32::try_from(pid), i32::try_from(signal)) {
        (Ok(pid), Ok(signal)) => child::send_signal(pid, signal).map_err(code),
        (Err(_), _) => Err(libc::ESRCH),
        (_, Err(_)) => Err(libc::EINVAL),
    };
    match sent {
        Ok(()) => Ok(true),
        Err(code) => {
            last_error::set(code);
            if signal != 0 {
                warning(&format!("send signal {signal}: {}", error_text(code)));
            }
            Ok(false)
        }
    }
}

/// Goes on in the background. `$pipes`: descriptors, or streams, that become standard input, output and error.
fn daemon(call: &mut Call<'_>) -> PhpResult<bool> {
    let (keeps_folder, keeps_output) = (call.bool_or(0, true)?, call.bool_or(1, true)?);
    let mut ends = Vec::new();
    if call.has(2) {
        for (_, end) in call.array(2)? {
            let number = end.int().and_then(|fd| i32::try_from(fd).ok()).filter(|fd| *fd >= 0);
            ends.push(number.or_else(|| runtime::descriptor(end)));
        }
    }
    if let Err(code) = child::to_background(keeps_folder, keeps_output).map_err(code) {
        last_error::set(code);
        warning(&format!("daemonize: {}", error_text(code)));
        return Ok(false);
    }
    for (number, end) in ends.into_iter().take(3).enumerate() {
        if let Some(Err(code)) = end.map(|fd| ForeignFd::new(fd).redirect_standard(number).map_err(code)) {
            last_error::set(code);
            warning(&format!("redirect a standard stream: {}", error_text(code)));
        }
    }
    Ok(true)
}

fn set(call: &mut Call<'_>) -> PhpResult<()> {
    if let Some(coroutine) = call.array(0)?.get("enable_coroutine") {
        call.payload::<Holder>().coroutine.set(coroutine.to_bool());
    }
    Ok(())
}

/// The number of a system call's error.
fn code(error: std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// Registers a signal handler that runs in the event loop; `null` removes it.
fn signal(call: &mut Call<'_>) -> PhpResult<bool> {
    let number = call.int(0)?;
    let callback = call.callable_or_null(1)?;
    let Some(number) = i32::try_from(number).ok().filter(|number| (1..=64).contains(number)) else {
        last_error::warn_misuse(&format!("invalid signal number {number}"));
        return Ok(false);
    };
    let Some(callback) = callback else {
        let was = signals::remove(number);
        if !was {
            last_error::warn_misuse(&format!("signal {number} has no handler"));
        }
        return Ok(was);
    };
    Ok(ok_or_warn(signals::handle(number, callback)).is_some())
}

/// Starts a periodic SIGALRM (or SIGVTALRM, SIGPROF), interval in microseconds; a negative interval stops it.
fn alarm(call: &mut Call<'_>) -> PhpResult<bool> {
    let (interval, clock) = (call.int(0)?, call.int_or(1, 0)?);
    let clock = match clock {
        0 => IntervalTimer::Real,
        1 => IntervalTimer::Virtual,
        2 => IntervalTimer::Profile,
        other => {
            last_error::warn_misuse(&format!("unknown alarm type {other}: use 0, 1 or 2"));
            return Ok(false);
        }
    };
    Ok(ok_or_warn(swoosh::sys::signal::set_interval_timer(Duration::from_micros(interval.max(0) as u64), clock))
        .is_some())
}

fn set_affinity(call: &mut Call<'_>) -> PhpResult<bool> {
    let mut cores = Vec::new();
    for (_, core) in call.array(0)? {
        cores.push(u32::try_from(core.to_int()).unwrap_or(u32::MAX));
    }
    Ok(ok_or_warn(affinity::bind_to_cores(&cores)).is_some())
}

fn get_affinity(_: &mut Call<'_>) -> PhpResult<Array> {
    Ok(ok_or_warn(affinity::cores()).unwrap_or_default().into_iter().collect())
}

/// SWOOLE_ERROR_INVALID_PARAMS.
const INVALID_PARAMS: i32 = 505;

/// The target of a priority call; without an id, this object's process.
fn whose(call: &Call<'_>, which: i64, who: usize) -> PhpResult<Option<system::PriorityTarget>> {
    let number = if call.has(who) {
        call.int(who)?
    } else if which == 0 {
        call.this().and_then(|this| this.slot(slot("pid").ok()?).int()).unwrap_or(0)
    } else {
        let (code, why) = match which {
            1 | 2 => (INVALID_PARAMS, "$who is required for process groups and users"),
            _ => (libc::EINVAL, "$which must be PRIO_PROCESS, PRIO_PGRP or PRIO_USER"),
        };
        last_error::set(code);
        warning(why);
        return Ok(None);
    };
    match (u32::try_from(which), u32::try_from(number)) {
        (Ok(which), Ok(number)) => Ok(Some((which, number))),
        _ => {
            last_error::warn_misuse("$which and $who must not be negative");
            Ok(None)
        }
    }
}

fn set_priority(call: &mut Call<'_>) -> PhpResult<bool> {
    let (which, nice) = (call.int(0)?, call.int(1)?);
    let Some(whose) = whose(call, which, 2)? else { return Ok(false) };
    Ok(ok_or_warn(system::set_priority(whose, nice.clamp(-100, 100) as i32)).is_some())
}

fn get_priority(call: &mut Call<'_>) -> PhpResult<OrFalse<i32>> {
    let which = call.int(0)?;
    let Some(whose) = whose(call, which, 1)? else { return Ok(OrFalse(None)) };
    Ok(OrFalse(ok_or_warn(system::priority(whose))))
}

thread_local! {
    /// The number of the next process object.
    static NEXT_ID: Cell<i64> = const { Cell::new(1) };
}
