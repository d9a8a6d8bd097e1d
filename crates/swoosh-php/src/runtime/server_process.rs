//! Whether this process belongs to a running server, which `exit` needs to know.

use std::cell::Cell;
use swoosh_zend::runtime;

thread_local! {
    /// [`runtime::generation`] of the server's process, which tells it from processes that user code forks from it.
    static ENTERED: Cell<Option<u32>> = const { Cell::new(None) };
}

/// This process runs callbacks of a server from now on.
pub fn enter() {
    ENTERED.set(Some(runtime::generation()));
}

/// The server has ended, or an `exit` or a fatal error ends this process.
pub fn leave() {
    ENTERED.set(None);
}

/// Whether this process runs callbacks of a server.
pub fn is_current() -> bool {
    ENTERED.get() == Some(runtime::generation())
}
