//! The signals that end a server in order.

use crate::sys::signal::SignalSet;

/// Whether one of them has arrived: SIGTERM of a supervisor, or the keys of a terminal, SIGINT and SIGQUIT. Supervisors of PHP-FPM
/// send SIGQUIT.
pub(super) fn asks_to_end(arrived: SignalSet) -> bool {
    [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT].iter().any(|signal| arrived.contains(*signal))
}
