//! What a process knows of the commands of Redis: their handlers, and those that wait for others of their connection.

use super::classes::REDIS_SERVER;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use swoosh::context::{Context, Reading};
use swoosh::handler::SessionId;
use swoosh_zend::{Callable, Object, Zval};

/// What a process knows of its connections and handlers.
#[derive(Default)]
pub struct Commands {
    /// Handlers that were looked up, by the command's name in capitals.
    handlers: RefCell<HashMap<Vec<u8>, Rc<Callable>>>,
    /// By connection whose command is in hand: what it asked meanwhile.
    pub(super) waiting: RefCell<HashMap<u64, VecDeque<Vec<u8>>>>,
}

impl Commands {
    /// A command's handler is another one now.
    pub fn forget(&self, name: &[u8]) {
        let gone = self.handlers.borrow_mut().remove(name);
        drop(gone);
    }

    /// The server has ended: nothing of PHP's is held any longer.
    pub fn clear(&self) {
        let gone = self.handlers.take();
        drop(gone);
    }

    /// A connection is gone, and what it asked with it.
    pub fn closed(&self, session: SessionId) {
        if let Some(queue) = self.waiting.borrow_mut().get_mut(&session.0) {
            queue.clear();
        }
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

    /// The next command of a connection; its turn is over where there is none.
    pub(super) fn next(&self, node: &Context, session: SessionId) -> Option<Vec<u8>> {
        let mut waiting = self.waiting.borrow_mut();
        let queue = waiting.get_mut(&session.0)?;
        if queue.len() == MOST_WAITING {
            // Where it is closed there is nothing to read.
            let _ = node.set_reading(session, Reading::Resume);
        }
        let next = queue.pop_front();
        if next.is_none() {
            waiting.remove(&session.0);
            node.end_request(session);
        }
        next
    }
}

/// Commands of one connection that wait for those before them; with more it is not read.
pub(super) const MOST_WAITING: usize = 1024;

/// The closure that handles a command, by its name in any case; null where there is none.
pub fn handler(server: &Object, command: &[u8]) -> Zval {
    let Some(slot) = REDIS_SERVER.get().slot(HANDLERS) else { return Zval::null() };
    let handlers = server.slot(slot).array();
    handlers.and_then(|all| all.find(&command.to_ascii_uppercase()).cloned()).unwrap_or_else(Zval::null)
}

/// The private property that holds the closures of handlers.
pub const HANDLERS: &str = "handlers";
