//! PHP's own functions and socket streams with something in front of them.
//!
//! The front is installed when the module starts and asks each time whether it is wanted: compiled code keeps the handler
//! that it saw first, so one that was put in place later would be passed by.

use super::{Call, IntoZval, PhpResult, Raised, Zval, ffi};
use std::ffi::c_char;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

type Handler = unsafe extern "C" fn(*mut ffi::zend_execute_data, *mut ffi::zval);

/// The functions behind the fronts.
static BEHIND: [AtomicPtr<()>; MOST] = [const { AtomicPtr::new(null_mut()) }; MOST];

/// Puts a front before a function: what it gives is the call's result, and with `None` the function itself goes on. `N`
/// is the front's own number, less than [`MOST`]. Nothing where PHP has no such function. Only while the module starts.
pub fn front<const N: usize, F, R>(name: &str, _: F)
where
    F: Fn(&mut Call<'_>) -> PhpResult<Option<R>> + Copy + 'static,
    R: IntoZval,
{
    const { assert!(N < MOST, "there is a place for each front") };
    const { assert!(size_of::<F>() == 0, "a front is a function and captures nothing") };
    let mut behind: ffi::zif_handler = None;
    // SAFETY: the bytes of one slice; the front has a handler's form.
    let there = unsafe {
        ffi::swoosh_replace_function(name.as_ptr().cast::<c_char>(), name.len(), Some(entry::<N, F, R>), &mut behind)
    };
    if there && let Some(behind) = behind {
        BEHIND[N].store(behind as *mut (), Ordering::Relaxed);
    }
}

unsafe extern "C" fn entry<const N: usize, F, R>(frame: *mut ffi::zend_execute_data, result: *mut ffi::zval)
where
    F: Fn(&mut Call<'_>) -> PhpResult<Option<R>> + Copy + 'static,
    R: IntoZval,
{
    // SAFETY: PHP calls this with the frame of the running function and a place for its result; a value of a type
    // without size is no bytes at all. What is behind was a handler when it was stored.
    unsafe {
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let handler = std::ptr::NonNull::<F>::dangling().read();
            handler(&mut Call::new(frame))
        }));
        match outcome {
            Ok(Ok(Some(value))) => value.write(&mut *result.cast::<Zval>()),
            Ok(Ok(None)) => {
                let behind = BEHIND[N].load(Ordering::Relaxed);
                if !behind.is_null() {
                    std::mem::transmute::<*mut (), Handler>(behind)(frame, result);
                }
            }
            Ok(Err(Raised::Bailout)) => ffi::swoosh_bailout(),
            Ok(Err(_)) => {}
            Err(_) => drop(super::error::throw_error("internal error in a hook, please report it")),
        }
    }
}

/// How a stream's wait for a descriptor ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamWait {
    /// It is ready.
    Ready,
    /// Not in time.
    TimedOut,
    /// The stream is to give up.
    Cancelled,
    /// The stream is being closed.
    Closed,
}

/// What a stream connects to.
#[derive(Debug)]
pub enum Host {
    /// No name that has to be asked for.
    Known,
    /// An address was found: it, with the port.
    At(SocketAddr),
    /// A service is at these, which are tried one after the other.
    Service(Vec<SocketAddr>),
    /// There is no address.
    Nowhere,
}

/// What socket streams ask.
pub struct StreamHooks {
    /// Waits until a descriptor can be read (or written); less than no seconds: for ever.
    pub wait: fn(descriptor: i32, write: bool, seconds: f64) -> StreamWait,
    /// Whether new streams of a kind (a SWOOLE_HOOK_ bit) are to be hooked; of 0: whether the caller may wait.
    pub wanted: fn(flag: i64) -> bool,
    /// The addresses of `host:port`.
    pub resolve: fn(name: &str) -> Host,
    /// A descriptor is about to be closed: whoever waits for it must have left it when this returns.
    pub leave: fn(descriptor: i32),
}

static STREAMS: OnceLock<StreamHooks> = OnceLock::new();

/// Hooks the socket streams. Only while the module starts.
pub fn watch_streams(hooks: StreamHooks) {
    unsafe extern "C" fn wait(descriptor: i32, write: bool, seconds: f64) -> i32 {
        let waited = STREAMS
            .get()
            .and_then(|hooks| catch_unwind(|| (hooks.wait)(descriptor, write, seconds)).ok())
            .unwrap_or(StreamWait::Cancelled);
        match waited {
            StreamWait::Ready => 1,
            StreamWait::TimedOut => 0,
            StreamWait::Cancelled => -1,
            StreamWait::Closed => -2,
        }
    }
    unsafe extern "C" fn wanted(flag: i32) -> bool {
        STREAMS.get().is_some_and(|hooks| catch_unwind(|| (hooks.wanted)(i64::from(flag))).unwrap_or(false))
    }
    unsafe extern "C" fn resolve(name: *const c_char, length: usize, addresses: *mut c_char, room: usize) -> isize {
        // SAFETY: the stream's own bytes, which it holds for the length of the call.
        let name = unsafe { std::slice::from_raw_parts(name.cast::<u8>(), length) };
        let host = std::str::from_utf8(name).ok().zip(STREAMS.get()).and_then(|(name, hooks)| {
            // A copy: what the stream holds is not looked at while others run.
            let name = name.to_owned();
            catch_unwind(|| (hooks.resolve)(&name)).ok()
        });
        let found = match host {
            Some(Host::At(found)) => found.to_string(),
            Some(Host::Service(nodes)) => lines(&nodes, room - 1),
            Some(Host::Nowhere) => return -1,
            Some(Host::Known) | None => return 0,
        };
        assert!(found.len() < room, "an address is short");
        // SAFETY: there is room for so many bytes and the zero byte behind them.
        unsafe {
            std::ptr::copy_nonoverlapping(found.as_ptr(), addresses.cast::<u8>(), found.len());
            *addresses.add(found.len()) = 0;
        }
        found.len() as isize
    }
    unsafe extern "C" fn leave(descriptor: i32) {
        if let Some(hooks) = STREAMS.get() {
            let _ = catch_unwind(|| (hooks.leave)(descriptor));
        }
    }
    let _ = STREAMS.set(hooks);
    // SAFETY: functions that live as long as the process.
    unsafe { ffi::swoosh_watch_streams(Some(wait), Some(wanted), Some(resolve), Some(leave)) }
}

/// A line for each address, as far as there is room.
fn lines(addresses: &[SocketAddr], room: usize) -> String {
    let mut lines = String::new();
    for line in addresses.iter().map(|address| format!("{address}\n")) {
        if lines.len() + line.len() <= room {
            lines += &line;
        }
    }
    lines
}

/// Whether bytes were read of a stream and not given out.
pub fn stream_has_buffered(stream: &Zval) -> bool {
    // SAFETY: a live zval that is a resource; PHP checks that it is a stream.
    stream.resource_id().is_some() && unsafe { ffi::swoosh_stream_has_buffered(stream.resolved().as_ptr().cast_mut()) }
}

/// Places for fronts.
pub const MOST: usize = 64;
