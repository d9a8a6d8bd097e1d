//! Errors of a connection as PHP sees them: a number and a message.

use crate::coroutine::wait::WaitOutcome;
use nix::errno::Errno;
use std::io;

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
    Err(Failure { code, message: Errno::from_raw(code).desc().to_owned() })
}

pub(super) fn failure_of(error: &h2::Error) -> Failure {
    let code = match (error.get_io().and_then(io::Error::raw_os_error), error.reason()) {
        (Some(code), _) => code,
        (None, Some(reason)) => u32::from(reason) as i32,
        (None, None) if error.is_io() => libc::ECONNRESET,
        (None, None) => libc::EINVAL,
    };
    Failure { code, message: error.to_string() }
}

pub(super) fn connection_lost() -> Failure {
    Failure { code: libc::ECONNRESET, message: "the server closed the connection".to_owned() }
}
