//! `Swoole\Coroutine\System`: system calls without blocking other coroutines.
//!
//! Files and commands run in the thread pool; names (`coroutine/names`), processes and signals are event sources.

use crate::coroutine::wait::WaitOutcome;
use crate::coroutine::{dns, wait};
use crate::runtime::last_error;
use crate::runtime::reactor::run_blocking;
use crate::runtime::watchers::{READ, WRITE};
use std::cell::Cell;
use std::fs;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use swoosh::sys::command::Termination;
use swoosh::sys::process::ChildExit;
use swoosh::sys::signal_fd::HeldSignals;
use swoosh::sys::{child, flock, machine};
use swoosh_zend::error::warning;
use swoosh_zend::{Array, Call, ClassBuilder, ClassSlot, OrFalse, PhpResult, Zval};

static SYSTEM: ClassSlot = ClassSlot::new();

thread_local! {
    static LISTENERS: Cell<usize> = const { Cell::new(0) };
}

/// Registers the class.
pub fn register(short_names: bool) {
    let mut class = ClassBuilder::new("Swoole\\Coroutine\\System");
    if short_names {
        class = class.alias("Co\\System");
    }
    methods(class).register(&SYSTEM);
}

/// Adds the methods, which `Swoole\Coroutine` has too.
pub fn methods(class: ClassBuilder) -> ClassBuilder {
    class
        .method("static gethostbyname(string $domain_name, int $type = AF_INET, float $timeout = -1): string|false", host_by_name)
        .method("static dnsLookup(string $domain_name, float $timeout = 60, int $type = AF_INET): string|false", dns_lookup)
        .method("static exec(string $command, bool $get_error_stream = false): array|false", exec)
        .method("static sleep(float $seconds): bool", sleep)
        .method(
            "static getaddrinfo(string $domain, int $family = AF_INET, int $socktype = SOCK_STREAM, int $protocol = STREAM_IPPROTO_TCP, ?string $service = null, float $timeout = -1): array|bool",
            addresses,
        )
        .method("static statvfs(string $path): array|false", statvfs)
        .method("static readFile(string $filename, int $flag = 0): string|false", read_file)
        .method("static writeFile(string $filename, string $fileContent, int $flags = 0): int|false", write_file)
        .method("static wait(float $timeout = -1): array|false", wait_any)
        .method("static waitPid(int $pid, float $timeout = -1): array|false", wait_pid)
        .method("static waitSignal(array|int $signals, float $timeout = -1): int|false", wait_signal)
        .method("static waitEvent(mixed $socket, int $events = SWOOLE_EVENT_READ, float $timeout = -1): int|false", wait_event)
}

/// How many coroutines wait for signals.
pub fn signal_listeners() -> usize {
    LISTENERS.get()
}

fn sleep(call: &mut Call<'_>) -> PhpResult<bool> {
    let seconds = call.float(0)?;
    wait::sleep(wait::duration(seconds))
}

/// Runs blocking work in the thread pool and waits for it. `None`, with the error code set, after a timeout or
/// cancellation.
fn blocking<T: Send + 'static>(
    limit: Option<Duration>,
    work: impl FnOnce() -> T + Send + 'static,
) -> PhpResult<Option<T>> {
    crate::coroutine::expect_current()?;
    let handle = match run_blocking(work) {
        Ok(handle) => handle,
        Err(e) => {
            last_error::set(e.raw_os_error().unwrap_or(libc::EAGAIN));
            return Ok(None);
        }
    };
    Ok(wait::future(handle, limit)?.or_set_error(wait::TIMED_OUT).and_then(Result::ok))
}

/// Like [`blocking`]; an I/O error sets the error code and warns.
fn attempt<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> PhpResult<OrFalse<T>> {
    Ok(OrFalse(match blocking(None, work)? {
        Some(Ok(value)) => Some(value),
        Some(Err(e)) => {
            last_error::set(e.raw_os_error().unwrap_or(libc::EIO));
            warning(&format!("{what}: {e}"));
            None
        }
        None => None,
    }))
}

fn path(call: &Call<'_>, n: usize) -> PhpResult<PathBuf> {
    Ok(PathBuf::from(std::ffi::OsStr::from_bytes(call.bytes(n)?)))
}

fn read_file(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let (path, flags) = (path(call, 0)?, call.int_or(1, 0)?);
    let what = format!("read {}", path.display());
    attempt(&what, move || {
        let file = fs::File::open(&path)?;
        let mut content = Vec::new();
        locked(&file, true, flags, |mut file| file.read_to_end(&mut content))?;
        Ok(content)
    })
}

fn write_file(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let (path, content, flags) = (path(call, 0)?, call.bytes(1)?.to_vec(), call.int_or(2, 0)?);
    let what = format!("write {}", path.display());
    attempt(&what, move || {
        let append = flags & APPEND != 0;
        let file = fs::OpenOptions::new().create(true).write(true).append(append).truncate(false).open(&path)?;
        locked(&file, false, flags, |mut file| {
            if !append {
                file.set_len(0)?;
            }
            file.write_all(&content).map(|()| content.len())
        })
    })
}

/// Works on a file, with its lock held if `flags` have LOCK_EX: alone, or `shared` with others that read.
fn locked<T>(
    file: &fs::File,
    shared: bool,
    flags: i64,
    work: impl FnOnce(&fs::File) -> io::Result<T>,
) -> io::Result<T> {
    if flags & LOCK == 0 {
        return work(file);
    }
    flock::lock(file, shared, true)?;
    let result = work(file);
    let _ = flock::unlock(file);
    result
}

fn statvfs(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let path = path(call, 0)?;
    let what = format!("look at {}", path.display());
    let found = attempt(&what, move || machine::file_system(&path))?;
    Ok(OrFalse(found.0.map(|found| {
        let mut array = Array::new();
        array.insert("bsize", found.block_size());
        array.insert("frsize", found.fragment_size());
        array.insert("blocks", found.blocks());
        array.insert("bfree", found.blocks_free());
        array.insert("bavail", found.blocks_available());
        array.insert("files", found.files());
        array.insert("ffree", found.files_free());
        array.insert("favail", found.files_available());
        array.insert("fsid", found.filesystem_id());
        array.insert("flag", found.flags().bits());
        array.insert("namemax", found.name_max());
        array
    })))
}

/// Runs a shell command: its output, exit status and terminating signal.
fn exec(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let (command, errors) = (call.bytes(0)?.to_vec(), call.bool_or(1, false)?);
    Ok(OrFalse(shell(command, errors)?.0.map(|(text, code, signal)| {
        let mut array = Array::new();
        array.insert("code", code);
        array.insert("signal", signal);
        array.insert("output", text);
        array
    })))
}

/// Terminates a command whose caller has given it up. One that has ended is not concerned.
struct OnDrop(Arc<Termination>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.request();
    }
}

/// Runs a shell command: output (with standard error if `errors`), exit status, terminating signal.
pub fn shell(command: Vec<u8>, errors: bool) -> PhpResult<OrFalse<(Vec<u8>, i32, i32)>> {
    let termination = Arc::new(Termination::default());
    let _terminates = OnDrop(termination.clone());
    attempt("run a command", move || {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(std::ffi::OsStr::from_bytes(&command));
        let (text, status) = swoosh::sys::command::output(&mut shell, errors, &termination)?;
        // -1: the program's own code reaped the child, and knows its status.
        let code = status.map_or(-1, |status| status.code().unwrap_or(0));
        Ok((text, code, status.and_then(|status| status.signal()).unwrap_or(0)))
    })
}

// ---- names ----

/// The first address of a name.
fn host_by_name(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    let (name, family) = (call.text(0)?.into_owned(), call.int_or(1, i64::from(libc::AF_INET))?);
    first_address(&name, family, wait::limit(call.float_or(2, -1.0)?))
}

/// The first address of a name.
pub fn dns_lookup(call: &mut Call<'_>) -> PhpResult<OrFalse<String>> {
    let (name, limit) = (call.text(0)?.into_owned(), wait::limit(call.float_or(1, 60.0)?));
    first_address(&name, call.int_or(2, i64::from(libc::AF_INET))?, limit)
}

fn first_address(name: &str, family: i64, limit: Option<Duration>) -> PhpResult<OrFalse<String>> {
    Ok(OrFalse(dns::address(name, family, limit)?.map(|ip| ip.to_string())))
}

fn addresses(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let (name, family) = (call.text(0)?.into_owned(), call.int_or(1, i64::from(libc::AF_INET))?);
    let limit = wait::limit(call.float_or(5, -1.0)?);
    let found = dns::addresses(&name, family, limit)?;
    Ok(OrFalse(found.map(|found| found.iter().map(IpAddr::to_string).collect())))
}

// ---- processes and signals ----

/// Waits for any child: its pid, exit status and signal.
fn wait_any(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    wait_for(-1, wait::limit(call.float_or(0, -1.0)?))
}

/// Waits for one child.
fn wait_pid(call: &mut Call<'_>) -> PhpResult<OrFalse<Array>> {
    let pid = i32::try_from(call.int(0)?).unwrap_or(i32::MAX);
    wait_for(pid, wait::limit(call.float_or(1, -1.0)?))
}

fn wait_for(pid: i32, limit: Option<Duration>) -> PhpResult<OrFalse<Array>> {
    crate::coroutine::expect_current()?;
    let end = limit.map(|limit| Instant::now() + limit);
    let mut interval = Duration::from_millis(1);
    loop {
        match child::wait(pid, false) {
            Ok(None) => {}
            Ok(Some(child)) => return Ok(OrFalse(Some(ended(child)))),
            Err(e) => {
                last_error::set(e.raw_os_error().unwrap_or(libc::ECHILD));
                return Ok(OrFalse(None));
            }
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            last_error::set(libc::ETIMEDOUT);
            return Ok(OrFalse(None));
        }
        // A single child has a pidfd to wait on; for any child, poll.
        let process = (pid > 0).then(|| swoosh::sys::process::pidfd_open(pid)).flatten();
        let goes_on = match process {
            Some(process) => {
                !matches!(wait::descriptor(process.as_raw_fd(), true, false, left)?, WaitOutcome::Cancelled)
            }
            None => {
                let time = left.map_or(interval, |left| left.min(interval));
                interval = (interval * 2).min(MAX_POLL_INTERVAL);
                wait::sleep(time)?
            }
        };
        if !goes_on {
            last_error::set(wait::CANCELED);
            return Ok(OrFalse(None));
        }
    }
}

fn ended(child: ChildExit) -> Array {
    let mut array = Array::new();
    array.insert("pid", child.pid);
    array.insert("code", child.exit_code());
    array.insert("signal", child.signal());
    array
}

/// Waits for one of these signals, which are held back from their handlers meanwhile: its number.
fn wait_signal(call: &mut Call<'_>) -> PhpResult<OrFalse<i32>> {
    let numbers: Vec<i64> = match call.arg(0).and_then(Zval::array) {
        Some(array) => array.iter().map(|(_, number)| number.to_int()).collect(),
        None => vec![call.int(0)?],
    };
    let limit = wait::limit(call.float_or(1, -1.0)?);
    crate::coroutine::expect_current()?;
    let mut wanted = Vec::new();
    for number in numbers {
        match i32::try_from(number).ok().filter(|number| HeldSignals::can_hold(*number)) {
            Some(signal) => wanted.push(signal),
            None => {
                last_error::warn_misuse(&format!("invalid signal number {number}"));
                return Ok(OrFalse(None));
            }
        }
    }
    let signals = match HeldSignals::new(&wanted) {
        Ok(signals) => signals,
        Err(e) => {
            last_error::set(e.raw_os_error().unwrap_or(libc::EINVAL));
            return Ok(OrFalse(None));
        }
    };
    LISTENERS.set(LISTENERS.get() + 1);
    let end = limit.map(|limit| Instant::now() + limit);
    let outcome = loop {
        if let Some(arrived) = signals.take() {
            break Ok(WaitOutcome::Done(arrived));
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
        match wait::descriptor(signals.as_raw_fd(), true, false, left) {
            Ok(WaitOutcome::Done(_)) => {}
            Ok(WaitOutcome::TimedOut) => break Ok(WaitOutcome::TimedOut),
            Ok(WaitOutcome::Cancelled) => break Ok(WaitOutcome::Cancelled),
            Err(raised) => break Err(raised),
        }
    };
    LISTENERS.set(LISTENERS.get().saturating_sub(1));
    drop(signals);
    Ok(OrFalse(outcome?.or_set_error(libc::ETIMEDOUT)))
}

/// Waits until a descriptor, stream or socket can be read or written: SWOOLE_EVENT_ bits.
fn wait_event(call: &mut Call<'_>) -> PhpResult<OrFalse<i64>> {
    let Some(fd) = call.arg(0).and_then(crate::api::event::descriptor_of) else {
        last_error::warn_misuse("the argument is not a descriptor, stream or socket");
        return Ok(OrFalse(None));
    };
    let events = call.int_or(1, READ)?;
    if events & (READ | WRITE) == 0 {
        last_error::warn_misuse("$events must contain SWOOLE_EVENT_READ or SWOOLE_EVENT_WRITE");
        return Ok(OrFalse(None));
    }
    crate::coroutine::expect_current()?;
    let limit = wait::limit(call.float_or(2, -1.0)?);
    let ready = wait::descriptor(fd, events & READ != 0, events & WRITE != 0, limit)?.or_set_error(libc::ETIMEDOUT);
    Ok(OrFalse(ready.map(|(read, write)| if read { READ } else { 0 } | if write { WRITE } else { 0 })))
}

/// FILE_APPEND and LOCK_EX.
const APPEND: i64 = 8;
const LOCK: i64 = 2;
const MAX_POLL_INTERVAL: Duration = Duration::from_millis(20);
