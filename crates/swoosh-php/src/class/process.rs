//! `Swoole\Process`: a function in a process of its own, and a pipe to it.

use crate::bridge::{event_loop, last_error, signals};
use crate::class::{exception, socket};
use crate::coroutine::{self, socket::Link};
use crate::zend::error::{throw, uncaught, warning};
use crate::zend::{
    Array, Call, Callable, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Raised, Value, Zval, runtime,
};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill as send_signal};
use nix::sys::socket::{
    AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, recv, send, setsockopt, shutdown, socketpair, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::cell::{Cell, RefCell};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;
use swoosh::Error;
use swoosh::sys::affinity;
use swoosh::sys::process::{self as system, Fork};
use swoosh::sys::queue::{Letter, Queue, key_of};
use swoosh::sys::signal::AlarmClock;

/// The class.
pub static PROCESS: ClassSlot = ClassSlot::new();

/// The pipe of a process. Both ends live in the parent until the child takes its own.
#[derive(Default)]
pub struct Pipe {
    kind: Cell<i64>,
    /// Runs in a coroutine.
    coroutine: Cell<bool>,
    /// A time was set for reads and writes.
    timed: Cell<bool>,
    queue: Cell<Option<Messages>>,
    /// What `exportSocket` gave.
    exported: RefCell<Option<Object>>,
    redirects: Cell<bool>,
    parents: RefCell<Option<OwnedFd>>,
    childs: RefCell<Option<OwnedFd>>,
    /// This is the child.
    in_child: Cell<bool>,
}

crate::payload!(Pipe);

/// The message queue of a process.
#[derive(Clone, Copy)]
struct Messages {
    queue: Queue,
    /// Messages are for one process each, else for whoever comes first.
    addressed: bool,
    waits: bool,
}

/// Registers the class.
pub fn register() {
    ClassBuilder::new("Swoole\\Process")
        .alias("swoole_process")
        .payload::<Pipe>()
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
        .method("set(array $settings): void", set)
        .method("static signal(int $signal_no, ?callable $callback = null): bool", signal)
        .method("static alarm(int $usec, int $type = 0): bool", alarm)
        .method("static setAffinity(array $cpu_settings): bool", set_affinity)
        .method("static getAffinity(): array", get_affinity)
        .method("setPriority(int $which, int $priority, ?int $who = null): bool", set_priority)
        .method("getPriority(int $which, ?int $who = null): int|false", get_priority)
        .method("useQueue(int $key = 0, int $mode = 2, int $capacity = -1): bool", use_queue)
        .method("statQueue(): array|false", stat_queue)
        .method("freeQueue(): bool", free_queue)
        .method("push(string $data): bool", push)
        .method("pop(int $size = 65536): string|false", pop)
        .method("exportSocket(): Swoole\\Coroutine\\Socket|false", export_socket)
        .method("setTimeout(float $seconds): bool", set_timeout)
        .method("setBlocking(bool $blocking): bool", set_blocking)
        .method("start(): int|bool", start)
        .method("write(string $data): int|false", write)
        .method("close(int $which = 0): bool", close)
        .method("read(int $size = 8192): string|false", read)
        .method("exit(int $exit_code = 0): void", exit)
        .method("exec(string $exec_file, array $args): bool", exec)
        .method("name(string $process_name): bool", name)
        .register(&PROCESS);
}

fn slot(property: &str) -> PhpResult<usize> {
    PROCESS.get().slot(property).ok_or(Raised::Exception)
}

fn construct(call: &mut Call<'_>) -> PhpResult<()> {
    call.callable(0)?;
    let (redirects, kind, coroutine) = (call.bool_or(1, false)?, call.int_or(2, PIPE_DGRAM)?, call.bool_or(3, false)?);
    let Some(this) = call.this() else { return Ok(()) };
    let pipe = call.payload::<Pipe>();
    // What is printed has no packets.
    pipe.kind.set(if redirects { PIPE_STREAM } else { kind });
    pipe.redirects.set(redirects);
    pipe.coroutine.set(coroutine);
    this.set_slot(slot("callback")?, call.arg(0).cloned().unwrap_or(Zval::null()));
    let id = NEXT_ID.get();
    NEXT_ID.set(id + 1);
    set_id(this, id);
    prepare(this).map_err(|error| throw(exception::EXCEPTION.get(), &error.to_string(), error.code().into()))
}

/// The process of a pool's worker. `end`: of its pipe, the worker's own where this is that worker (`own`).
pub fn of_pool(id: i64, pid: i32, end: Option<OwnedFd>, own: bool) -> PhpResult<Object> {
    let process = Object::new(PROCESS.get())?;
    set_id(&process, id);
    process.set_slot(slot("pid")?, pid);
    if let (Some(end), Some(pipe)) = (end, process.payload::<Pipe>()) {
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
    let Some(pipe) = process.payload::<Pipe>() else { return Ok(()) };
    let kind = match pipe.kind.get() {
        PIPE_STREAM => SockType::Stream,
        PIPE_DGRAM.. => SockType::Datagram,
        _ => return Ok(()),
    };
    if pipe.parents.borrow().is_some() {
        return Ok(());
    }
    let (parents, childs) = socketpair(AddressFamily::Unix, kind, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|e| Error::system("open", "a process's pipe", e))?;
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
    run(process)
}

fn become_child(process: &Object) -> PhpResult<()> {
    process.set_slot(slot("pid")?, system::pid());
    let Some(pipe) = process.payload::<Pipe>() else { return Ok(()) };
    pipe.in_child.set(true);
    let childs = pipe.childs.borrow();
    if let Some(end) = childs.as_ref() {
        process.set_slot(slot("pipe")?, end.as_raw_fd());
        if pipe.redirects.get() {
            let _ = nix::unistd::dup2_stdin(end);
            let _ = nix::unistd::dup2_stdout(end);
        }
    }
    Ok(())
}

fn run(process: &Object) -> PhpResult<()> {
    let callable = Callable::new(&process.slot(slot("callback")?).clone()).map_err(|_| Raised::Exception)?;
    let mut arguments = [process.clone().into_zval()];
    if process.payload::<Pipe>().is_some_and(|pipe| pipe.coroutine.get()) {
        return event_loop::run_coroutines(|| {
            coroutine::run_callback(true, move || callable.call(&mut arguments).map(drop))
        });
    }
    callable.call(&mut arguments)?;
    // Timers and the like that the function began keep the process alive.
    event_loop::run()
}

fn start(call: &mut Call<'_>) -> PhpResult<Zval> {
    let Some(this) = call.this() else { return Ok(false.into_zval()) };
    if this.slot(slot("pid")?).int().is_some_and(|pid| send_signal(Pid::from_raw(pid as i32), None).is_ok()) {
        last_error::refuse("this process runs already");
        return Ok(false.into_zval());
    }
    let forked = prepare(this).and_then(|()| system::fork());
    match forked {
        Ok(Fork::Parent(pid)) => {
            this.set_slot(slot("pid")?, pid);
            if let Some(pipe) = this.payload::<Pipe>() {
                drop(pipe.childs.borrow_mut().take());
            }
            Ok(pid.into_zval())
        }
        Ok(Fork::Child) => {
            signals::start_over();
            coroutine::begin_child();
            become_child(this)?;
            if let Some(pipe) = this.payload::<Pipe>() {
                drop(pipe.parents.borrow_mut().take());
            }
            let status = match run(this).map_err(uncaught) {
                Ok(()) => 0,
                Err(_) => runtime::exit_status(),
            };
            runtime::end_process(status)
        }
        Err(e) => {
            last_error::set(e.code());
            warning(&e.to_string());
            Ok(false.into_zval())
        }
    }
}

/// Does something with this process's end of the pipe.
fn with_end<T>(call: &Call<'_>, act: impl FnOnce(&OwnedFd) -> nix::Result<T>) -> PhpResult<Option<T>> {
    let pipe = call.payload::<Pipe>();
    // Nothing is borrowed any more when PHP hears of a failure.
    let done = {
        let end = if pipe.in_child.get() { &pipe.childs } else { &pipe.parents };
        end.borrow().as_ref().map(act)
    };
    let Some(done) = done else {
        last_error::refuse("this process has no pipe");
        return Ok(None);
    };
    Ok(match done {
        Ok(value) => Some(value),
        Err(Errno::EAGAIN) if pipe.timed.get() => {
            last_error::set(TIMED_OUT);
            None
        }
        Err(errno) => {
            last_error::set(errno as i32);
            warning(&format!("the pipe of the process: {}", errno.desc()));
            None
        }
    })
}

fn write(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let data = call.bytes(0)?;
    if data.is_empty() {
        last_error::refuse("there are no bytes to write");
        return Ok(OrFalse(None));
    }
    with_end(call, |end| again(|| send(end.as_raw_fd(), data, MsgFlags::MSG_NOSIGNAL))).map(OrFalse)
}

fn read(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let size = call.int_or(0, 8192)?.clamp(1, 64 << 20) as usize;
    let mut buffer = vec![0; size];
    let got = with_end(call, |end| again(|| recv(end.as_raw_fd(), &mut buffer, MsgFlags::empty())))?;
    // Nothing at all comes from a stream whose other end is closed.
    Ok(OrFalse(got.filter(|len| *len > 0).map(|len| {
        buffer.truncate(len);
        buffer
    })))
}

fn again<T>(mut act: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match act() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
}

/// Closes the pipe: both ends that are here (0), one of them, or one direction.
fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let which = call.int_or(0, 0)?;
    let direction = match which {
        PIPE_READ => Some(Shutdown::Read),
        PIPE_WRITE => Some(Shutdown::Write),
        _ => None,
    };
    if let Some(direction) = direction {
        return with_end(call, |end| shutdown(end.as_raw_fd(), direction)).map(|done| done.is_some());
    }
    let pipe = call.payload::<Pipe>();
    let parents = if which == PIPE_WORKER { None } else { pipe.parents.borrow_mut().take() };
    let childs = if which == PIPE_MASTER { None } else { pipe.childs.borrow_mut().take() };
    if parents.is_none() && childs.is_none() {
        last_error::refuse("this process has no pipe, or it is closed already");
        return Ok(false);
    }
    Ok(true)
}

fn set_timeout(call: &mut Call<'_>) -> PhpResult<bool> {
    let seconds = call.float(0)?;
    let time = TimeVal::microseconds((seconds.max(0.0) * 1e6) as i64);
    call.payload::<Pipe>().timed.set(seconds > 0.0);
    let set = with_end(call, |end| {
        setsockopt(end, sockopt::ReceiveTimeout, &time)?;
        setsockopt(end, sockopt::SendTimeout, &time)
    })?;
    Ok(set.is_some())
}

fn set_blocking(call: &mut Call<'_>) -> PhpResult<bool> {
    let blocking = call.bool(0)?;
    let set = with_end(call, |end| {
        let socket = socket2::SockRef::from(end);
        socket.set_nonblocking(!blocking).map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0)))
    })?;
    Ok(set.is_some())
}

fn exit(call: &mut Call<'_>) -> PhpResult<()> {
    let code = call.int_or(0, 0)?;
    if !call.payload::<Pipe>().in_child.get() {
        last_error::refuse("only the process itself can do this; use Process::kill()");
        return Ok(());
    }
    runtime::end_process(if (0..=255).contains(&code) { code as i32 } else { 1 })
}

fn exec(call: &mut Call<'_>) -> PhpResult<bool> {
    let file = call.text(0)?.into_owned();
    let mut words = vec![file.clone()];
    for (_, word) in call.array(1)? {
        words.push(word.to_zstr().ok_or(Raised::Exception)?.to_text().into_owned());
    }
    let words: Result<Vec<_>, _> = words.into_iter().map(std::ffi::CString::new).collect();
    let Ok(words) = words else { return Ok(false) };
    let Err(errno) = nix::unistd::execv(&words[0], &words);
    last_error::set(errno as i32);
    warning(&format!("run {file}: {}", errno.desc()));
    Ok(false)
}

fn name(call: &mut Call<'_>) -> PhpResult<bool> {
    let name = call.string(0)?.clone();
    let Ok(set) = Callable::new(&"cli_set_process_title".into_zval()) else { return Ok(false) };
    Ok(set.call(&mut [name.into_zval()])?.to_bool())
}

/// Waits for a child: its id, exit status and signal.
fn wait(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let flags = if call.bool_or(0, true)? { WaitPidFlag::empty() } else { WaitPidFlag::WNOHANG };
    let (pid, code, signal) = match again(|| waitpid(None, Some(flags))) {
        Ok(WaitStatus::Exited(pid, code)) => (pid, code, 0),
        Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 0, signal as i32),
        _ => return Ok(OrFalse(None)),
    };
    let mut array = Array::new();
    array.insert("pid", pid.as_raw());
    array.insert("code", code);
    array.insert("signal", signal);
    Ok(OrFalse(Some(array)))
}

fn kill(call: &mut Call<'_>) -> PhpResult<bool> {
    let (pid, signal) = (call.int(0)?, call.int_or(1, libc::SIGTERM.into())?);
    let wanted = match signal {
        0 => Ok(None),
        n => i32::try_from(n).map_err(|_| Errno::EINVAL).and_then(Signal::try_from).map(Some),
    };
    let pid = i32::try_from(pid).map(Pid::from_raw).map_err(|_| Errno::ESRCH);
    match pid.and_then(|pid| wanted.and_then(|signal| send_signal(pid, signal))) {
        Ok(()) => Ok(true),
        Err(errno) => {
            last_error::set(errno as i32);
            if signal != 0 {
                warning(&format!("send signal {signal}: {}", errno.desc()));
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
    if let Err(errno) = nix::unistd::daemon(keeps_folder, keeps_output) {
        last_error::set(errno as i32);
        warning(&format!("go on in the background: {}", errno.desc()));
        return Ok(false);
    }
    let redirect = [nix::unistd::dup2_stdin, nix::unistd::dup2_stdout, nix::unistd::dup2_stderr];
    for (end, redirect) in ends.into_iter().zip(redirect) {
        if let Some(Err(errno)) = end.map(|fd| redirect(runtime::borrow_descriptor(fd))) {
            last_error::set(errno as i32);
            warning(&format!("redirect a standard stream: {}", errno.desc()));
        }
    }
    Ok(true)
}

fn set(call: &mut Call<'_>) -> PhpResult<()> {
    if let Some(coroutine) = call.array(0)?.get("enable_coroutine") {
        call.payload::<Pipe>().coroutine.set(coroutine.to_bool());
    }
    Ok(())
}

/// An error of the engine's as PHP sees it: the code, and a warning.
fn good<T>(result: swoosh::Result<T>) -> Option<T> {
    result
        .map_err(|error| {
            last_error::set(error.code());
            warning(&error.to_string());
        })
        .ok()
}

/// Has a function called in the loop whenever the signal comes; `null`: no longer.
fn signal(call: &mut Call<'_>) -> PhpResult<bool> {
    let number = call.int(0)?;
    let callback = call.callable_or_null(1)?;
    let Some(number) = i32::try_from(number).ok().filter(|number| (1..=64).contains(number)) else {
        last_error::refuse(&format!("there is no signal {number}"));
        return Ok(false);
    };
    let Some(callback) = callback else {
        let was = signals::forget(number);
        if !was {
            last_error::refuse(&format!("signal {number} has no handler"));
        }
        return Ok(was);
    };
    Ok(good(signals::handle(number, callback)).is_some())
}

/// Has the kernel send SIGALRM (or that of another clock) every so many microseconds; a negative number ends that.
fn alarm(call: &mut Call<'_>) -> PhpResult<bool> {
    let (interval, clock) = (call.int(0)?, call.int_or(1, 0)?);
    let clock = match clock {
        0 => AlarmClock::Real,
        1 => AlarmClock::Virtual,
        2 => AlarmClock::Profile,
        other => {
            last_error::refuse(&format!("there is no clock {other} for an alarm: use 0, 1 or 2"));
            return Ok(false);
        }
    };
    Ok(good(swoosh::sys::signal::alarm(Duration::from_micros(interval.max(0) as u64), clock)).is_some())
}

fn set_affinity(call: &mut Call<'_>) -> PhpResult<bool> {
    let mut cores = Vec::new();
    for (_, core) in call.array(0)? {
        cores.push(u32::try_from(core.to_int()).unwrap_or(u32::MAX));
    }
    Ok(good(affinity::bind_to(&cores)).is_some())
}

fn get_affinity(_: &mut Call<'_>) -> PhpResult<Array> {
    Ok(good(affinity::cores()).unwrap_or_default().into_iter().collect())
}

/// Whose priority is meant: a process without a number is this one.
fn whose(call: &Call<'_>, which: i64, who: usize) -> PhpResult<Option<system::Whose>> {
    let number = if call.has(who) {
        call.int(who)?
    } else if which == 0 {
        call.this().and_then(|this| this.slot(slot("pid").ok()?).int()).unwrap_or(0)
    } else {
        last_error::refuse("say whose priority: a group or a user has no number of its own here");
        return Ok(None);
    };
    match (u32::try_from(which), u32::try_from(number)) {
        (Ok(which), Ok(number)) => Ok(Some((which, number))),
        _ => {
            last_error::refuse("there is nobody with such a number");
            Ok(None)
        }
    }
}

fn set_priority(call: &mut Call<'_>) -> PhpResult<bool> {
    let (which, nice) = (call.int(0)?, call.int(1)?);
    let Some(whose) = whose(call, which, 2)? else { return Ok(false) };
    Ok(good(system::set_priority(whose, nice.clamp(-100, 100) as i32)).is_some())
}

fn get_priority(call: &mut Call<'_>) -> PhpResult<OrFalse<i32>> {
    let which = call.int(0)?;
    let Some(whose) = whose(call, which, 1)? else { return Ok(OrFalse(None)) };
    Ok(OrFalse(good(system::priority(whose))))
}

/// Takes the queue of a key, which is made if there is none; key 0 is that of the running script.
fn use_queue(call: &mut Call<'_>) -> PhpResult<bool> {
    let (key, mode, capacity) = (call.int_or(0, 0)?, call.int_or(1, 2)?, call.int_or(2, -1)?);
    let key = match key {
        0 => script()?.and_then(|path| good(key_of(Path::new(&path)))),
        key => Some(key as i32),
    };
    let Some(key) = key.filter(|key| *key != 0) else { return Ok(false) };
    let Some(queue) = good(Queue::open(key)) else { return Ok(false) };
    if capacity > 0 && good(queue.set_capacity(capacity as u64)).is_none() {
        return Ok(false);
    }
    let messages = Messages { queue, addressed: mode & !IPC_NOWAIT != 2, waits: mode & IPC_NOWAIT == 0 };
    call.payload::<Pipe>().queue.set(Some(messages));
    if let Some(this) = call.this() {
        this.set_slot(slot("msgQueueKey")?, key);
        this.set_slot(slot("msgQueueId")?, queue.id());
    }
    Ok(true)
}

/// The file that runs.
fn script() -> PhpResult<Option<String>> {
    let Ok(files) = Callable::new(&"get_included_files".into_zval()) else { return Ok(None) };
    let files = files.call(&mut [])?;
    Ok(files.array().and_then(|files| files.at(0)).and_then(Zval::string).map(|path| path.to_text().into_owned()))
}

fn queue(call: &Call<'_>) -> Option<Messages> {
    let queue = call.payload::<Pipe>().queue.get();
    if queue.is_none() {
        last_error::refuse("this process has no queue: call useQueue() first");
    }
    queue
}

/// The type of messages for this process: 1 and above.
fn address(call: &Call<'_>) -> PhpResult<i64> {
    let id = slot("id")?;
    Ok(1 + call.this().and_then(|this| this.slot(id).int()).unwrap_or(0).max(0))
}

fn stat_queue(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let held = queue(call).and_then(|messages| good(messages.queue.held()));
    Ok(OrFalse(held.map(|held| {
        let mut array = Array::new();
        array.insert("queue_num", held.messages);
        array.insert("queue_bytes", held.bytes);
        array
    })))
}

fn free_queue(call: &mut Call<'_>) -> PhpResult<bool> {
    let Some(messages) = queue(call) else { return Ok(false) };
    call.payload::<Pipe>().queue.set(None);
    Ok(good(messages.queue.remove()).is_some())
}

/// Appends a message; in a queue that waits, once there is room.
fn push(call: &mut Call<'_>) -> PhpResult<bool> {
    let data = call.bytes(0)?;
    let Some(messages) = queue(call) else { return Ok(false) };
    if data.is_empty() {
        last_error::refuse("there are no bytes to push");
        return Ok(false);
    }
    let address = address(call)?;
    loop {
        match good(messages.queue.send(address, data, messages.waits)) {
            Some(true) => return Ok(true),
            // A signal came: the loop handles it later.
            Some(false) if messages.waits => {}
            Some(false) => {
                last_error::set(Errno::EAGAIN as i32);
                return Ok(false);
            }
            None => return Ok(false),
        }
    }
}

/// Takes the oldest message (of those for this process, in a queue of addressed ones), which is at most `$size` long.
fn pop(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let size = call.int_or(0, 65536)?;
    let Some(messages) = queue(call) else { return Ok(OrFalse(None)) };
    let mut letter = Letter::of(size.clamp(1, 1 << 24) as usize);
    let kind = if messages.addressed { address(call)? } else { 0 };
    loop {
        match good(messages.queue.receive(kind, messages.waits, &mut letter)) {
            Some(Some(_)) => return Ok(OrFalse(Some(letter.data().to_vec()))),
            Some(None) if messages.waits => {}
            Some(None) => {
                last_error::set(Errno::ENOMSG as i32);
                return Ok(OrFalse(None));
            }
            None => return Ok(OrFalse(None)),
        }
    }
}

/// This process's end of the pipe as a socket for coroutines, the same one each time.
fn export_socket(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let pipe = call.payload::<Pipe>();
    if let Some(there) = pipe.exported.borrow().clone() {
        return Ok(OrFalse(Some(there)));
    }
    let copy = with_end(call, |end| end.try_clone().map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or(0))))?;
    let Some(copy) = copy else { return Ok(OrFalse(None)) };
    let kind = if pipe.kind.get() == PIPE_STREAM { libc::SOCK_STREAM } else { libc::SOCK_DGRAM };
    let object = socket::object(Rc::new(Link::of(copy.into())), libc::AF_UNIX, kind)?;
    *pipe.exported.borrow_mut() = Some(object.clone());
    Ok(OrFalse(Some(object)))
}

const PIPE_STREAM: i64 = 1;
const PIPE_DGRAM: i64 = 2;
/// Which end or direction `close` is about.
const PIPE_MASTER: i64 = 1;
const PIPE_WORKER: i64 = 2;
const PIPE_READ: i64 = 3;
const PIPE_WRITE: i64 = 4;
const IPC_NOWAIT: i64 = 256;
/// SWOOLE_ERROR_SOCKET_POLL_TIMEOUT.
const TIMED_OUT: i32 = 6002;

thread_local! {
    /// The number of the next process object.
    static NEXT_ID: Cell<i64> = const { Cell::new(1) };
}
