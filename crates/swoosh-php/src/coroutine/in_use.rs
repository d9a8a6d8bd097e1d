//! Marks an object of a client as used by one coroutine, from its first step to its last: a request and its response, or the
//! steps of connecting. Between the steps no wait of the socket shows the user.

use super::scheduler::{current_id, find};
use super::shutdown::cancel;
use std::cell::Cell;
use swoosh_zend::PhpResult;
use swoosh_zend::error::fatal;

/// The use of an object.
#[derive(Default)]
pub struct InUse {
    user: Cell<Option<u64>>,
    /// The descriptor that the user opens or has opened.
    descriptor: Cell<Option<i32>>,
}

/// Ends the use that it began when dropped.
pub struct Use<'a> {
    object: &'a InUse,
    before: Option<u64>,
}

impl InUse {
    /// Begins a use by the caller.
    pub fn begin(&self) -> Use<'_> {
        Use { object: self, before: self.user.replace(current_id()) }
    }

    /// Another coroutine that uses the object.
    pub fn other(&self) -> Option<u64> {
        // In a forked child the coroutines of its parent do not exist.
        self.user.get().filter(|&user| current_id() != Some(user) && find(user).is_some())
    }

    /// Notes the descriptor, for messages.
    pub fn opened(&self, descriptor: i32) {
        self.descriptor.set(Some(descriptor));
    }

    /// A fatal error, in Swoole's words, if another coroutine uses the object.
    pub fn check(&self) -> PhpResult<()> {
        let Some(other) = self.other() else { return Ok(()) };
        Err(fatal(&format!(
            "Socket#{} has already been bound to another coroutine#{other}, reading or writing of the same socket in \
             coroutine#{} at the same time is not allowed",
            self.descriptor.get().unwrap_or(-1),
            current_id().unwrap_or(0)
        )))
    }

    /// Cancels the wait of the coroutine that uses the object; it runs before this returns. False if no other one uses it.
    pub fn cancel(&self) -> PhpResult<bool> {
        self.other().map_or(Ok(false), |user| cancel(user, false))
    }
}

impl Drop for Use<'_> {
    fn drop(&mut self) {
        self.object.user.set(self.before);
    }
}
