//! Errors of a connection as PHP sees them: a number and a message.

use crate::coroutine::wait::WaitOutcome;
use std::io;
use swoosh::sys::error_text;

/// Why a connection is of no use any more: an error number and a message.
#[derive(Debug, Clone)]
pub struct Failure {
    /// An errno value, a `SWOOLE_ERROR_*` code or an HTTP/2 error code.
    pub code: i32,
    /// The message.
    pub message: String,
}

/// The result of a wait that may have ended early.
pub(super) fn outcome<T>(waited: WaitOutcome<T>) -> Result<T, Failure> {
    let code = match waited {
        WaitOutcome::Done(value) => return Ok(value),
        WaitOutcome::TimedOut => libc::ETIMEDOUT,
        WaitOutcome::Cancelled => libc::ECANCELED,
    };
    Err(Failure { code, message: error_text(code) })
}

/// The error of h2 on a connection to `peer`.
pub(super) fn failure_of(error: &h2::Error, peer: &str) -> Failure {
    let system = error.get_io().and_then(io::Error::raw_os_error);
    let code = match (system, error.reason()) {
        (Some(code), _) => code,
        (None, Some(reason)) => u32::from(reason) as i32,
        (None, None) if error.is_io() => libc::ECONNRESET,
        (None, None) => libc::EINVAL,
    };
    let message = match (system, error.reason()) {
        (Some(code), _) => format!("the connection to {peer} is lost: {}", error_text(code)),
        (None, _) if error.is_io() => format!("the connection to {peer} is lost: {error}"),
        (None, Some(reason)) if error.is_reset() && error.is_remote() => {
            format!("{peer} has reset the stream: {reason:?}, {}", reason.description())
        }
        (None, Some(reason)) if error.is_remote() => {
            format!("{peer} has ended the connection: {reason:?}, {}", reason.description())
        }
        (None, Some(reason)) if error.is_library() => {
            format!("{peer} violates HTTP/2: {reason:?}, {}", reason.description())
        }
        _ => format!("HTTP/2 with {peer}: {error}"),
    };
    Failure { code, message }
}

pub(super) fn connection_lost(peer: &str) -> Failure {
    Failure { code: libc::ECONNRESET, message: format!("{peer} has closed the connection") }
}

/// The peer has not answered with HTTP/2's frames.
pub(super) fn no_http2(peer: &str, is_http1: bool) -> Failure {
    let spoken =
        if is_http1 { "speaks HTTP/1, not HTTP/2" } else { "does not speak HTTP/2: its first frame is not SETTINGS" };
    Failure { code: libc::EPROTONOSUPPORT, message: format!("{peer} {spoken}") }
}
