//! The engine's error type: the operation, its subject and the cause.

use std::fmt;
use std::io;

/// The result of the engine's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed.
///
/// ```
/// use swoosh::error::{Code, Error};
///
/// let error = Error::system("bind", "0.0.0.0:80", std::io::Error::from_raw_os_error(98));
/// assert_eq!(error.to_string(), "bind 0.0.0.0:80: Address already in use (os error 98)");
/// assert_eq!(error.code(), 98);
/// assert_eq!(Error::refused("send to", "connection 7", Code::SessionClosed).code(), 1004);
/// ```
#[derive(thiserror::Error)]
pub enum Error {
    /// A system call failed: `bind 0.0.0.0:9501: Address already in use (os error 98)`.
    #[error("{operation} {subject}: {cause}")]
    System {
        /// The operation: `bind`, `open`, `fork`.
        operation: &'static str,
        /// The address, path or process that it was applied to.
        subject: String,
        /// The kernel's reason.
        #[source]
        cause: io::Error,
    },
    /// A setting has a value of the wrong type or out of range.
    #[error("setting {name}: {value} is refused: {expected}")]
    Setting {
        /// The setting's name, as the user wrote it.
        name: String,
        /// The value, as the user wrote it.
        value: String,
        /// The type and range of valid values.
        expected: String,
    },
    /// The call is not possible now, or not in this process.
    #[error("{operation}: {reason}")]
    State {
        /// The operation.
        operation: &'static str,
        /// The reason, and what to do instead.
        reason: String,
    },
    /// An operation on a connection, worker or task failed for a reason that has a public code.
    #[error("{operation} {subject}: {code}")]
    Refused {
        /// The operation.
        operation: &'static str,
        /// The connection, worker or task.
        subject: String,
        /// The code that `swoole_last_error()` returns.
        code: Code,
    },
}

/// Prints the message: a program whose `main` returns [`Result`] shows it to its user.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<swoosh_os::Error> for Error {
    fn from(e: swoosh_os::Error) -> Self {
        match e {
            swoosh_os::Error::System { operation, subject, cause } => Error::System { operation, subject, cause },
            swoosh_os::Error::State { operation, reason } => Error::State { operation, reason },
            swoosh_os::Error::Argument { name, value, expected } => {
                Error::Setting { name: name.to_owned(), value, expected }
            }
        }
    }
}

impl From<swoosh_shm::table::TableError> for Error {
    fn from(refused: swoosh_shm::table::TableError) -> Self {
        swoosh_os::Error::from(refused).into()
    }
}

impl Error {
    /// A failed system call.
    pub fn system(operation: &'static str, subject: impl fmt::Display, cause: impl Into<io::Error>) -> Self {
        Error::System { operation, subject: subject.to_string(), cause: cause.into() }
    }

    /// An operation that failed with a public code.
    pub fn refused(operation: &'static str, subject: impl fmt::Display, code: Code) -> Self {
        Error::Refused { operation, subject: subject.to_string(), code }
    }

    /// The number that `swoole_last_error()` returns: an errno(3) or a [`Code`].
    pub fn code(&self) -> i32 {
        match self {
            Error::System { cause, .. } => cause.raw_os_error().unwrap_or(Code::SystemCallFail as i32),
            Error::Setting { .. } => Code::InvalidParams as i32,
            Error::State { .. } => Code::WrongOperation as i32,
            Error::Refused { code, .. } => *code as i32,
        }
    }
}

/// Public error codes: the values of the `SWOOLE_ERROR_*` constants with the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum Code {
    SystemCallFail = 502,
    NameTooLong = 504,
    InvalidParams = 505,
    QueueFull = 506,
    OperationNotSupport = 507,
    WrongOperation = 509,
    RuntimeNotice = 510,
    NoPayload = 550,
    DnsLookupFailed = 711,
    BadPort = 723,
    SessionClosing = 1003,
    SessionClosed = 1004,
    SessionNotExist = 1005,
    SessionInvalidId = 1006,
    SessionDiscardTimeoutData = 1007,
    OutputBufferOverflow = 1009,
    SslNotReady = 1011,
    PackageLengthTooLarge = 1201,
    DataLengthTooLarge = 1203,
    TaskPackageTooBig = 2001,
    TaskDispatchFail = 2002,
    TaskTimeout = 2003,
    ServerInvalidListenPort = 9004,
    ServerPipeBufferFull = 9006,
    ServerNoIdleWorker = 9007,
    ServerSendInMaster = 9009,
    ServerNotRegularFile = 9013,
    CoTimedout = 10018,
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Code::SystemCallFail => "the system call failed",
            Code::NameTooLong => "the name is too long",
            Code::InvalidParams => "a parameter has no such value",
            Code::QueueFull => "the queue is full",
            Code::OperationNotSupport => "the operation is not supported here",
            Code::WrongOperation => "the operation is not possible now",
            Code::RuntimeNotice => "a parameter is out of range",
            Code::NoPayload => "there are no bytes to send",
            Code::DnsLookupFailed => "the host name cannot be resolved",
            Code::BadPort => "the port is not between 0 and 65535",
            Code::SessionClosing => "the connection is being closed",
            Code::SessionClosed => "the connection is closed",
            Code::SessionNotExist => "there is no such connection",
            Code::SessionInvalidId => "this is not a connection's id",
            Code::SessionDiscardTimeoutData => "the request came from a connection that is closed by now",
            Code::OutputBufferOverflow => "its output buffer is full: the peer does not read",
            Code::SslNotReady => "TLS is not agreed upon yet",
            Code::PackageLengthTooLarge => "the packet is longer than package_max_length",
            Code::DataLengthTooLarge => "the data is longer than output_buffer_size",
            Code::TaskPackageTooBig => "the task is too big",
            Code::TaskDispatchFail => "no task was dispatched",
            Code::TaskTimeout => "the task timed out",
            Code::ServerInvalidListenPort => "the port is not between 0 and 65535",
            Code::ServerPipeBufferFull => "the queue of the target process is full",
            Code::ServerNoIdleWorker => "no worker is idle",
            Code::ServerSendInMaster => "this cannot be done in the master process",
            Code::ServerNotRegularFile => "this is not a regular file",
            Code::CoTimedout => "it timed out",
        };
        write!(f, "{text} (code {})", *self as i32)
    }
}
