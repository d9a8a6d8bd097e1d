//! Hooks socket streams (TCP, UDP, Unix, TLS) and `stream_select`, and thereby `fsockopen`, `http://` and client libraries
//! that use streams.

use super::descriptors;
use crate::coroutine;
use crate::coroutine::hook_flags::{STREAM_FUNCTION, flags, is_on};
use crate::coroutine::{dns, service_resolvers, wait};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use swoosh::sys::poll::PollFlags;
use swoosh_zend::hook::{
    Resolution, StreamHooks, StreamWait, install_stream_hooks, stream_has_buffered, wrap_function,
};
use swoosh_zend::{Call, PhpResult, Zval, runtime};

/// Installs the hooks during module startup.
pub(super) fn start_up() {
    install_stream_hooks(StreamHooks {
        wait: wait_for,
        is_enabled,
        resolve,
        before_close: descriptors::before_close,
        may_use: descriptors::may_use,
        was_cancelled: || coroutine::current().is_some_and(|me| me.is_cancelled()),
    });
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
    // A negative number means no timeout; zero waits for the shortest possible time.
    descriptors::wait_for(descriptor, write, (seconds >= 0.0).then(|| wait::duration(seconds)))
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
