//! `Swoole\Process`: a function in a process of its own, and a pipe to it.

use crate::bridge::{event_loop, last_error};
use crate::class::exception;
use crate::zend::error::{throw, uncaught};
use crate::zend::{
    Array, Call, Callable, ClassBuilder, ClassSlot, IntoZval, Object, OrFalse, PhpResult, Raised, Value, Zval, runtime,
};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill as send_signal};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::cell::{Cell, RefCell};
use std::os::fd::{AsRawFd, OwnedFd};
use swoosh::Error;
use swoosh::sys::process::{self as system, Fork};

/// The class.
pub static PROCESS: ClassSlot = ClassSlot::new();

/// The pipe of a process. Both ends live in the parent until the child takes its own.
#[derive(Default)]
pub struct Pipe {
    kind: Cell<i64>,
    redirects: Cell<bool>,
    parents: RefCell<Option<OwnedFd>>,
    childs: RefCell<Option<OwnedFd>>,
    /// This is the child.
    in_child: Cell<bool>,
}

crate::payload!(Pipe);

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
        .method("set(array $settings): void", |call: &mut Call<'_>| call.array(0).map(drop))
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
    let (redirects, kind) = (call.bool_or(1, false)?, call.int_or(2, PIPE_DGRAM)?);
    if !(0..=PIPE_DGRAM).contains(&kind) {
        let why = format!("pipe type {kind} is not known: use 0, SOCK_STREAM or SOCK_DGRAM");
        return Err(throw(exception::EXCEPTION.get(), &why, 0));
    }
    let Some(this) = call.this() else { return Ok(()) };
    let pipe = call.payload::<Pipe>();
    // What is printed has no packets.
    pipe.kind.set(if redirects { PIPE_STREAM } else { kind });
    pipe.redirects.set(redirects);
    this.set_slot(slot("callback")?, call.arg(0).cloned().unwrap_or(Zval::null()));
    Ok(())
}

/// Opens the pipe, once.
pub fn prepare(process: &Object) -> swoosh::Result<()> {
    let Some(pipe) = process.payload::<Pipe>() else { return Ok(()) };
    let kind = match pipe.kind.get() {
        PIPE_STREAM => SockType::Stream,
        PIPE_DGRAM => SockType::Datagram,
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
    callable.call(&mut [process.clone().into_zval()])?;
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
            crate::zend::error::warning(&e.to_string());
            Ok(false.into_zval())
        }
    }
}

/// Does something with this process's end of the pipe.
fn with_end<T>(call: &Call<'_>, act: impl FnOnce(&OwnedFd) -> nix::Result<T>) -> PhpResult<Option<T>> {
    let pipe = call.payload::<Pipe>();
    let end = if pipe.in_child.get() { &pipe.childs } else { &pipe.parents };
    let end = end.borrow();
    let Some(end) = end.as_ref() else {
        last_error::refuse("this process has no pipe");
        return Ok(None);
    };
    Ok(match act(end) {
        Ok(value) => Some(value),
        Err(errno) => {
            last_error::set(errno as i32);
            crate::zend::error::warning(&format!("the pipe of the process: {}", errno.desc()));
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
    Ok(OrFalse(got.map(|len| {
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

fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    call.int_or(0, 0)?;
    let pipe = call.payload::<Pipe>();
    let ends = (pipe.parents.borrow_mut().take(), pipe.childs.borrow_mut().take());
    if ends.0.is_none() && ends.1.is_none() {
        last_error::refuse("this process has no pipe, or it is closed already");
        return Ok(false);
    }
    Ok(true)
}

fn set_timeout(call: &mut Call<'_>) -> PhpResult<bool> {
    let time = TimeVal::microseconds((call.float(0)? * 1e6) as i64);
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
    crate::zend::error::warning(&format!("run {file}: {}", errno.desc()));
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
                crate::zend::error::warning(&format!("send signal {signal}: {}", errno.desc()));
            }
            Ok(false)
        }
    }
}

fn daemon(call: &mut Call<'_>) -> PhpResult<bool> {
    let (keeps_folder, keeps_output) = (call.bool_or(0, true)?, call.bool_or(1, true)?);
    Ok(nix::unistd::daemon(keeps_folder, keeps_output).is_ok())
}

const PIPE_STREAM: i64 = 1;
const PIPE_DGRAM: i64 = 2;
