//! Redis command handlers, and pipelined commands that wait for earlier ones of their connection.

use crate::server::classes::REDIS_SERVER;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use swoosh::context::{Context, Reading};
use swoosh::handler::SessionId;
use swoosh::request::pipeline::Pipeline;
use swoosh_zend::{Callable, Object, Zval};

/// Handlers and queued commands of a process.
#[derive(Default)]
pub struct RedisCommands {
    /// Resolved handlers by upper-case command name.
    handlers: RefCell<HashMap<Vec<u8>, Rc<Callable>>>,
    /// The connections with a command in progress, and the commands behind it.
    pub(super) pipeline: RefCell<Pipeline<Vec<u8>>>,
}

impl RedisCommands {
    /// Drops a cached handler after `setHandler`.
    pub fn forget(&self, name: &[u8]) {
        let gone = self.handlers.borrow_mut().remove(name);
        drop(gone);
    }

    /// Releases all handlers when the server has ended.
    pub fn clear(&self) {
        let gone = self.handlers.take();
        drop(gone);
    }

    /// Discards the queued commands of a closed connection.
    pub fn closed(&self, session: SessionId) {
        self.pipeline.borrow_mut().clear(session);
    }

    pub(super) fn handler(&self, server: &Object, name: &[u8]) -> Option<Rc<Callable>> {
        let name = name.to_ascii_uppercase();
        if let Some(known) = self.handlers.borrow().get(&name) {
            return Some(known.clone());
        }
        let given = handler(server, &name);
        let found = Callable::new(&given).ok().map(Rc::new)?;
        self.handlers.borrow_mut().insert(name, found.clone());
        Some(found)
    }

    /// The next command of a connection. `None` ends the connection's request, so that a later command starts a coroutine.
    pub(super) fn next(&self, node: &Context, session: SessionId) -> Option<Vec<u8>> {
        let mut pipeline = self.pipeline.borrow_mut();
        if pipeline.kept(session) == MAX_QUEUED {
            // Fails only when the connection is closed.
            let _ = node.set_reading(session, Reading::Resume);
        }
        let next = pipeline.next(session);
        if next.is_none() {
            node.end_request(session);
        }
        next
    }
}

/// Queued commands of one connection at which reading pauses.
pub(super) const MAX_QUEUED: usize = 1024;

/// The closure registered for a command (case-insensitive); null without one.
pub fn handler(server: &Object, command: &[u8]) -> Zval {
    let Some(slot) = REDIS_SERVER.get().slot(HANDLERS) else { return Zval::null() };
    let handlers = server.slot(slot).array();
    handlers.and_then(|all| all.find(&command.to_ascii_uppercase()).cloned()).unwrap_or_else(Zval::null)
}

/// Private property: closures by upper-case command name.
pub const HANDLERS: &str = "handlers";
