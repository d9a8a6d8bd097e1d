//! A process's pipe: this process's end of it.

use super::data::{Holder, PIPE_STREAM};
use crate::api::socket;
use crate::coroutine::socket::CoroutineSocket;
use crate::runtime::last_error;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;
use swoosh::pool::Pipe;
use swoosh_zend::error::warning;
use swoosh_zend::{Call, Object, OrFalse, PhpResult};

/// Runs `act` with this process's end of the pipe.
fn with_end<T>(call: &Call<'_>, act: impl FnOnce(&Pipe) -> swoosh::Result<T>) -> PhpResult<Option<T>> {
    let holder = call.payload::<Holder>();
    // The borrow ends before a warning may run PHP code.
    let done = {
        let end = if holder.in_child.get() { &holder.childs } else { &holder.parents };
        end.borrow().as_ref().map(act)
    };
    let Some(done) = done else {
        last_error::warn_misuse("the process has no pipe");
        return Ok(None);
    };
    Ok(match done {
        Ok(value) => Some(value),
        Err(error) if error.code() == libc::EAGAIN && holder.timed.get() => {
            last_error::set(TIMED_OUT);
            None
        }
        Err(error) => {
            last_error::set(error.code());
            warning(&error.to_string());
            None
        }
    })
}

pub(super) fn write(call: &mut Call<'_>) -> PhpResult<OrFalse<usize>> {
    let data = call.bytes(0)?;
    if data.is_empty() {
        last_error::warn_misuse("the data to write is empty");
        return Ok(OrFalse(None));
    }
    with_end(call, |end| end.send(data)).map(OrFalse)
}

pub(super) fn read(call: &mut Call<'_>) -> PhpResult<OrFalse<Vec<u8>>> {
    let size = call.int_or(0, 8192)?.clamp(1, 64 << 20) as usize;
    let mut buffer = vec![0; size];
    let got = with_end(call, |end| end.receive(&mut buffer))?;
    // An empty read is the end of the stream.
    Ok(OrFalse(got.filter(|len| *len > 0).map(|len| {
        buffer.truncate(len);
        buffer
    })))
}

/// Closes the pipe: both ends that are here (0), one of them, or one direction.
pub(super) fn close(call: &mut Call<'_>) -> PhpResult<bool> {
    let which = call.int_or(0, 0)?;
    let direction = match which {
        PIPE_READ => Some(Shutdown::Read),
        PIPE_WRITE => Some(Shutdown::Write),
        _ => None,
    };
    if let Some(direction) = direction {
        return with_end(call, |end| end.shut_down(direction)).map(|done| done.is_some());
    }
    let holder = call.payload::<Holder>();
    let parents = if which == PIPE_WORKER { None } else { holder.parents.borrow_mut().take() };
    let childs = if which == PIPE_MASTER { None } else { holder.childs.borrow_mut().take() };
    if parents.is_none() && childs.is_none() {
        last_error::warn_misuse("the process has no pipe, or it was closed");
        return Ok(false);
    }
    Ok(true)
}

pub(super) fn set_timeout(call: &mut Call<'_>) -> PhpResult<bool> {
    let seconds = call.float(0)?;
    let time = if seconds > 0.0 { Duration::try_from_secs_f64(seconds).ok() } else { None };
    call.payload::<Holder>().timed.set(time.is_some());
    Ok(with_end(call, |end| end.set_timeout(time))?.is_some())
}

pub(super) fn set_blocking(call: &mut Call<'_>) -> PhpResult<bool> {
    let blocking = call.bool(0)?;
    Ok(with_end(call, |end| end.set_blocking(blocking))?.is_some())
}

/// This process's end of the pipe as a socket for coroutines, the same one each time.
pub(super) fn export_socket(call: &mut Call<'_>) -> PhpResult<OrFalse<Object>> {
    let holder = call.payload::<Holder>();
    if let Some(there) = holder.exported.borrow().clone() {
        return Ok(OrFalse(Some(there)));
    }
    let Some(copy) = with_end(call, Pipe::try_clone)? else { return Ok(OrFalse(None)) };
    let kind = if holder.kind.get() == PIPE_STREAM { libc::SOCK_STREAM } else { libc::SOCK_DGRAM };
    let object =
        socket::object(Rc::new(CoroutineSocket::from_socket(OwnedFd::from(copy).into())), libc::AF_UNIX, kind)?;
    *holder.exported.borrow_mut() = Some(object.clone());
    Ok(OrFalse(Some(object)))
}

/// Which end or direction `close` is about.
const PIPE_MASTER: i64 = 1;
const PIPE_WORKER: i64 = 2;
const PIPE_READ: i64 = 3;
const PIPE_WRITE: i64 = 4;
/// SWOOLE_ERROR_SOCKET_POLL_TIMEOUT.
const TIMED_OUT: i32 = 6002;
