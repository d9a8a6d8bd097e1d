//! Blocking functions of the C library, as PHP and the libraries it uses call them: in a coroutine they wait without
//! blocking the process.
//!
//! Each replacement calls the function itself, without blocking, and asks [`WaitHooks`] only if it would have to wait. In
//! other threads, outside of coroutines and while a hook is off it only calls the function.

mod connections;
mod files;
mod processes;
mod sockets;
mod waits;

pub use connections::{hook_postgres, hook_sqlite, interrupt_databases};
pub use files::hook_files;
pub use processes::{hook_processes, set_starting};
pub use sockets::hook_sockets;
pub use waits::{hook_close, hook_name_lookup, hook_poll, hook_sleep};

use super::imports::{self, Object};
use super::thread;
use std::ffi::{CStr, CString, c_void};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::OnceLock;
use std::time::Duration;

/// Work for another thread: the result of a function and errno.
pub type Work = Box<dyn FnOnce() -> (isize, i32) + Send>;

/// An open(2) for another thread.
pub type OpenWork = Box<dyn FnOnce() -> io::Result<OwnedFd> + Send>;

/// A descriptor and its poll(2) events.
pub type PollEntry = (RawFd, i16);

/// A call that ends work in another thread early.
pub type Interrupt<'a> = Option<&'a dyn Fn()>;

/// How a wait ended: successfully, or with an error number.
pub type Waited = Result<(), i32>;

/// How an operation continues that would block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is tried again.
    Retry,
    /// It is performed in the usual way, even if it blocks.
    Perform,
    /// So many bytes of it are performed in the usual way.
    PerformPart(usize),
    /// It fails with this error number.
    Fail(i32),
}

/// The functions that wait. None of them panics, and exceptions stay pending until the hooked function has returned to PHP.
pub struct WaitHooks {
    /// Whether a hook (a `SWOOLE_HOOK_*` bit) is on and the caller may wait.
    pub is_enabled: fn(flag: i64) -> bool,
    /// Waits until one of the descriptors, none of which was ready, may have one of its poll(2) events, or the time is over.
    /// With `keeps` they may stay watched until [`unwatch`](Self::unwatch).
    pub poll: fn(wanted: &[PollEntry], limit: Option<Duration>, keeps: bool) -> Waited,
    /// A descriptor is about to be closed, in PHP's thread or in another one.
    pub unwatch: fn(fd: RawFd, in_php_thread: bool),
    /// Waits until a descriptor is readable (or writable). `EAGAIN`: the time is over.
    pub descriptor: fn(fd: RawFd, write: bool, limit: Option<Duration>) -> Waited,
    /// Sleeps; false if the wait was cancelled.
    pub sleep: fn(time: Duration) -> bool,
    /// Runs work in another thread; returns once it is done. A cancelled wait calls `interrupt`, and goes on.
    pub offload: fn(work: Work, interrupt: Interrupt<'_>) -> (isize, i32),
    /// Like [`offload`](Self::offload) for work on a stream's descriptor: a close of the stream waits for it.
    pub offload_on: fn(fd: RawFd, work: Work) -> (isize, i32),
    /// Waits until no other coroutine uses the object at an address. False if the wait was cancelled.
    pub enter: fn(object: usize) -> bool,
    /// Ends the use of an object that [`enter`](Self::enter) has begun.
    pub leave: fn(object: usize),
    /// A stream's read or write on a descriptor would block; `supported` is false if the kernel cannot tell.
    pub transfer: fn(fd: RawFd, write: bool, length: usize, supported: bool) -> Next,
    /// Opens a file whose open may take any time.
    pub open: fn(work: OpenWork) -> io::Result<OwnedFd>,
    /// Waits until an flock(2) of a descriptor would succeed.
    pub lock: fn(fd: RawFd, exclusive: bool) -> Next,
    /// Starts a shell command: this process's end of the pipe, and the child.
    pub spawn: fn(command: CString, reads: bool) -> io::Result<(OwnedFd, i32)>,
    /// Waits for the end of a child: its wait status.
    pub child: fn(pid: i32) -> Result<i32, i32>,
    /// The status of a child that `proc_open` has started belongs to its resource.
    pub claim: fn(pid: i32),
    /// The wait status of such a child, if a wait for any child has reaped it.
    pub kept: fn(pid: i32) -> Option<i32>,
    /// A child has been reaped.
    pub reaped: fn(pid: i32),
    /// A child that `proc_open` has started runs on, and no code can wait for it any more.
    pub given_up: fn(pid: i32),
    /// Whether a child that a wait for any child has reaped belongs to another caller, for which its status is kept.
    pub keep_status: fn(pid: i32, status: i32) -> bool,
    /// A stream's descriptor is about to be closed: ends all waits for it before it returns.
    pub before_close: fn(fd: RawFd),
}

static HOOKS: OnceLock<WaitHooks> = OnceLock::new();

/// Sets the functions that wait. Before the other functions of this module, during module startup.
pub fn install_wait_hooks(hooks: WaitHooks) {
    let _ = HOOKS.set(hooks);
}

/// Whether a library whose file name starts with `prefix` is loaded and calls the function `symbol`, or PHP for `None`.
fn replace(library: Option<&'static str>, symbol: &CStr, replacement: *const ()) -> bool {
    let object = library.map_or(Object::Php, Object::Library);
    // SAFETY: the callers in this module pass replacements with the signature of the C function, which act like it in other
    // threads; hooks are installed during module startup.
    unsafe { imports::replace(object, symbol, replacement.cast::<c_void>()) }
}

/// Like [`replace`] for the extension whose file is `library`, and which is loaded. An extension that is compiled into PHP
/// calls through PHP's own table.
fn replace_in_extension(library: &'static str, symbol: &CStr, replacement: *const ()) -> bool {
    replace(object_of(library), symbol, replacement)
}

/// The file that contains an extension, which is loaded: its own, or PHP for `None`.
fn object_of(library: &'static str) -> Option<&'static str> {
    imports::is_loaded(Object::Library(library)).then_some(library)
}

/// The hooks, if one of the flags is on and the caller may wait.
#[inline]
fn active(flags: i64) -> Option<&'static WaitHooks> {
    if !thread::is_php_thread() {
        return None;
    }
    HOOKS.get().filter(|hooks| (hooks.is_enabled)(flags))
}

fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn set_errno(code: i32) {
    // SAFETY: the address of this thread's errno is valid.
    unsafe { *libc::__errno_location() = code }
}

/// Stores errno and returns the result.
fn with_errno<T>((result, code): (T, i32)) -> T {
    set_errno(code);
    result
}

/// A pointer that another thread uses while its owner waits for that thread.
struct Shared<T>(*mut T);

// SAFETY: the owner does not touch the target until the other thread is done; see `WaitHooks::offload`.
unsafe impl<T> Send for Shared<T> {}

impl<T> Shared<T> {
    fn get(&self) -> *mut T {
        self.0
    }
}
