//! Socket streams (TCP, UDP, Unix) and `stream_select`: with them `fsockopen`, `http://`, and every client library that
//! is built on streams.

use super::{STREAM_FUNCTION, is_on};
use crate::bridge::reactor::Watch;
use crate::class::runtime::flags;
use crate::coroutine::wait::{self, Outside};
use crate::coroutine::{self, Wait};
use crate::zend::hook::{StreamHooks, StreamWait, front, stream_has_buffered, watch_streams};
use crate::zend::{Call, PhpResult, Zval, runtime};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::task::Poll;
use std::time::Duration;
use tokio::io::Interest;

/// The module starts.
pub fn start_up() {
    watch_streams(StreamHooks { wait: wait_for, wanted });
    front::<4, _, _>("stream_select", select);
}

fn wanted(flag: i64) -> bool {
    if flag == 0 { coroutine::may_wait() } else { flags() & flag != 0 }
}

fn wait_for(descriptor: i32, write: bool, seconds: f64) -> StreamWait {
    // A time of nothing is a look.
    let limit = (seconds >= 0.0).then(|| wait::duration(seconds));
    match wait::descriptor(descriptor, !write, write, limit) {
        Ok(Outside::Done(_)) => StreamWait::Ready,
        Ok(Outside::TimedOut) => StreamWait::TimedOut,
        // An exception is pending then: PHP throws it when the stream has given up.
        Ok(Outside::Cancelled) | Err(_) => StreamWait::Cancelled,
    }
}

/// Waits here until a stream is ready or the time is over; PHP's own function then finds out which.
fn select(call: &mut Call<'_>) -> PhpResult<Option<bool>> {
    if !is_on(STREAM_FUNCTION) || !(4..=5).contains(&call.count()) {
        return Ok(None);
    }
    let mut wanted: Vec<(i32, PollFlags)> = Vec::new();
    for (n, flags) in [(0, PollFlags::POLLIN), (1, PollFlags::POLLOUT), (2, PollFlags::POLLPRI)] {
        for (_, stream) in call.arg(n).and_then(Zval::array).into_iter().flatten() {
            if n == 0 && stream_has_buffered(stream) {
                return Ok(None);
            }
            match runtime::descriptor(stream) {
                Some(fd) => wanted.push((fd, flags)),
                None => return Ok(None),
            }
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
    wait_any(&wanted, limit)?;
    // Whatever there is now is there without waiting.
    call.replace(3, 0);
    call.replace(4, 0);
    Ok(None)
}

fn wait_any(wanted: &[(i32, PollFlags)], limit: Option<Duration>) -> PhpResult<()> {
    let is_ready = || {
        let mut fds: Vec<PollFd<'_>> =
            wanted.iter().map(|&(fd, flags)| PollFd::new(runtime::borrow_descriptor(fd), flags)).collect();
        poll(&mut fds, PollTimeout::ZERO).is_ok_and(|n| n > 0)
    };
    if is_ready() {
        return Ok(());
    }
    let interest = Interest::READABLE | Interest::WRITABLE;
    let watches: Vec<(Watch, PollFlags)> =
        wanted.iter().filter_map(|&(fd, flags)| Some((Watch::new(fd, interest).ok()?, flags))).collect();
    let waited = wait::poll(Wait::Io, limit, |cx| {
        if is_ready() {
            return Poll::Ready(());
        }
        for (watch, flags) in &watches {
            if flags.contains(PollFlags::POLLOUT) {
                watch.forget_write();
                let _ = watch.poll_write(cx);
            } else {
                watch.forget_read();
                let _ = watch.poll_read(cx);
            }
        }
        Poll::Pending
    });
    waited.map(drop)
}
