//! Hooks socket streams (TCP, UDP, Unix, TLS) and `stream_select`, and thereby `fsockopen`, `http://` and client libraries
//! that use streams.
//!
//! Invariant: at most one coroutine waits for each direction of a stream, and none is left waiting for a descriptor when it
//! is closed, since the kernel may reuse its number.

use crate::coroutine;
use crate::coroutine::hook_flags::{STREAM_FUNCTION, flags, is_on};
use crate::coroutine::wait::WaitOutcome;
use crate::coroutine::{dns, service_resolvers, wait};
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use swoosh::sys::poll::PollFlags;
use swoosh_zend::error::throw_error;
use swoosh_zend::hook::{
    Resolution, StreamHooks, StreamWait, install_stream_hooks, stream_has_buffered, wrap_function,
};
use swoosh_zend::{Call, PhpResult, Zval, runtime};

/// Installs the hooks during module startup.
pub(super) fn start_up() {
    install_stream_hooks(StreamHooks { wait: wait_for, is_enabled, resolve, before_close });
    wrap_function::<4, _, _>("stream_select", select);
}

fn is_enabled(flag: i64) -> bool {
    if flag == 0 { coroutine::may_wait() } else { flags() & flag != 0 }
}

/// Resolves `host:port`.
fn resolve(name: &str) -> Resolution {
    let Some((host, Ok(port))) = name.rsplit_once(':').map(|(host, port)| (host, port.parse())) else {
        return Resolution::NotNeeded;
    };
    if host.starts_with('[') || host.contains('/') || host.parse::<IpAddr>().is_ok() {
        return Resolution::NotNeeded;
    }
    match service(host, port) {
        // The exception of a resolver is pending.
        Err(_) => return Resolution::NotFound,
        Ok(Some(nodes)) => return Resolution::Service(nodes),
        Ok(None) => {}
    }
    let find = |family| dns::address(host, i64::from(family), None).ok().flatten();
    match find(libc::AF_INET).or_else(|| find(libc::AF_INET6)) {
        Some(ip) => Resolution::Address(SocketAddr::new(ip, port)),
        None => Resolution::NotFound,
    }
}

/// The addresses of a service's nodes, IPv4 if it has any; `None` if no resolver knows the name.
fn service(name: &str, port: u16) -> PhpResult<Option<Vec<SocketAddr>>> {
    let Some(nodes) = service_resolvers::addresses(name, false, port)? else { return Ok(None) };
    match nodes.is_empty() {
        false => Ok(Some(nodes)),
        true => Ok(service_resolvers::addresses(name, true, port)?.filter(|nodes| !nodes.is_empty())),
    }
}

/// Waits until a stream is readable or writable.
fn wait_for(descriptor: i32, write: bool, seconds: f64) -> StreamWait {
    let key = (descriptor, write);
    let Some(me) = coroutine::current_id() else { return StreamWait::Ready };
    if is_closing(descriptor) {
        return StreamWait::Closed;
    }
    let other = WAITING.with_borrow(|waiting| waiting.get(&key).copied());
    // Entries of the parent process are stale in a forked child; `find` does not know their coroutines.
    if let Some(other) = other.filter(|&other| other != me && coroutine::find(other).is_some()) {
        let operation = if write { "writing" } else { "reading" };
        // The exception stays pending until the stream operation returns. The text is Swoole's.
        let _ = throw_error(&format!(
            "Socket#{descriptor} has already been bound to another coroutine#{other}, {operation} of the same socket in \
             coroutine#{me} at the same time is not allowed"
        ));
        return StreamWait::Cancelled;
    }
    WAITING.with_borrow_mut(|waiting| waiting.insert(key, me));
    // A negative number means no timeout; zero waits for the shortest possible time.
    let limit = (seconds >= 0.0).then(|| wait::duration(seconds));
    let waited = wait::descriptor(descriptor, !write, write, limit);
    WAITING.with_borrow_mut(|waiting| waiting.remove(&key));
    match waited {
        _ if is_closing(descriptor) => StreamWait::Closed,
        Ok(WaitOutcome::Done(_)) => StreamWait::Ready,
        Ok(WaitOutcome::TimedOut) => StreamWait::TimedOut,
        // A pending exception is thrown when the stream operation returns.
        Ok(WaitOutcome::Cancelled) | Err(_) => StreamWait::Cancelled,
    }
}

/// Ends all waits for a descriptor that is about to be closed. Each waiting coroutine runs before this returns, so that it
/// does not come back to a freed stream.
fn before_close(descriptor: i32) {
    for write in [false, true] {
        let other = WAITING.with_borrow(|waiting| waiting.get(&(descriptor, write)).copied());
        if let Some(other) = other.filter(|&other| coroutine::current_id() != Some(other)) {
            CLOSING.with_borrow_mut(|closing| closing.push(descriptor));
            // Its exceptions are handled in that coroutine.
            let _ = coroutine::cancel(other, false);
            CLOSING.with_borrow_mut(|closing| {
                if let Some(at) = closing.iter().rposition(|&fd| fd == descriptor) {
                    closing.remove(at);
                }
            });
        }
    }
}

fn is_closing(descriptor: i32) -> bool {
    CLOSING.with_borrow(|closing| closing.contains(&descriptor))
}

thread_local! {
    /// The coroutines that wait, by descriptor and direction (`true`: write).
    static WAITING: RefCell<HashMap<(i32, bool), u64>> = RefCell::default();
    /// The descriptors that are being closed while waiting coroutines run.
    static CLOSING: RefCell<Vec<i32>> = const { RefCell::new(Vec::new()) };
}

/// `stream_select`: waits until a stream is ready or the timeout expires; PHP's own function then polls the streams.
fn select(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if !is_on(STREAM_FUNCTION) || !(4..=5).contains(&call.count()) {
        return Ok(None);
    }
    let mut wanted: Vec<(i32, PollFlags)> = Vec::new();
    for (n, flags) in [(0, PollFlags::POLLIN), (1, PollFlags::POLLOUT), (2, PollFlags::POLLPRI)] {
        for (_, stream) in call.arg(n).and_then(Zval::array).into_iter().flatten() {
            let Some(fd) = runtime::descriptor(stream) else { return Ok(None) };
            // Casting a TLS stream to a descriptor moves its decrypted bytes to the stream's read buffer.
            if n == 0 && stream_has_buffered(stream) {
                return Ok(None);
            }
            wanted.push((fd, flags));
        }
    }
    let limit = match call.arg(3) {
        Some(seconds) if !seconds.is_null() => {
            let micros = if call.has(4) { call.int(4)? } else { 0 };
            let (Ok(seconds), Ok(micros)) = (u64::try_from(call.int(3)?), u64::try_from(micros)) else {
                return Ok(None);
            };
            Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
        }
        _ => None,
    };
    if wanted.is_empty() || limit == Some(Duration::ZERO) {
        return Ok(None);
    }
    wait::any_of(&wanted, limit)?;
    // PHP's function must not wait again.
    call.replace(3, 0);
    call.replace(4, 0);
    Ok(None)
}
