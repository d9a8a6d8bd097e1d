//! Errors of system calls: operation, subject and cause.

use std::fmt;
use std::io;

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The text of an errno value, as strerror(3) has it.
///
/// ```
/// assert_eq!(swoosh_os::error_text(9), "Bad file descriptor");
/// ```
pub fn error_text(code: i32) -> String {
    let text = io::Error::from_raw_os_error(code).to_string();
    // The standard library appends the number.
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Why a call failed. Its text names the operation, the subject and the cause.
///
/// ```
/// let error = swoosh_os::Error::system("bind", "0.0.0.0:80", std::io::Error::from_raw_os_error(13));
/// assert_eq!(error.to_string(), "bind 0.0.0.0:80: Permission denied (os error 13)");
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
    /// The call is not possible in the present state of the process or of the object.
    #[error("{operation}: {reason}")]
    State {
        /// The operation.
        operation: &'static str,
        /// The reason, and what to do instead.
        reason: String,
    },
    /// An argument is outside its range.
    #[error("{name}: {value} is refused: {expected}")]
    Argument {
        /// The argument's name.
        name: &'static str,
        /// The value that was passed.
        value: String,
        /// The range of valid values.
        expected: String,
    },
}

/// Prints the message: a program whose `main` returns [`Result`] shows it to its user.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// Builds the error of a failed system call.
    pub fn system(operation: &'static str, subject: impl fmt::Display, cause: impl Into<io::Error>) -> Self {
        Error::System { operation, subject: subject.to_string(), cause: cause.into() }
    }
}
