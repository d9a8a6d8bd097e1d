//! The kinds of processes.

/// The kind of a process; as a number, the sign before its process id in the log.
///
/// ```
/// use swoosh::context::Role;
///
/// assert_eq!(Role::Worker as u8, b'*');
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Role {
    /// `#`: accepts connections and owns the reactor threads.
    Master = b'#' as isize,
    /// `$`: forks, reaps and replaces the others.
    Manager = b'$' as isize,
    /// `*`: handles requests.
    Worker = b'*' as isize,
    /// `^`: handles tasks.
    TaskWorker = b'^' as isize,
    /// `@`: runs a process that user code added. In the log also every process outside a server.
    #[default]
    User = b'@' as isize,
}
