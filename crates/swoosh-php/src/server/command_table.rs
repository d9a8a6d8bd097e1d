//! The commands registered with `Server::addCommand`, and the socket pair that carries replies.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use swoosh_zend::{Callable, Zval};

/// The registered commands of a server.
#[derive(Default)]
pub struct ServerCommands {
    pub(super) commands: RefCell<HashMap<String, (i64, Rc<Callable>)>>,
    /// Replies: the end that processes write to, and the end that the master reads.
    pub(super) reply_sockets: RefCell<Option<(UnixDatagram, UnixDatagram)>>,
    pub(super) last_request: Cell<u64>,
}

impl ServerCommands {
    /// Adds a command for processes of these types (`SWOOLE_SERVER_COMMAND_*` bits).
    ///
    /// # Errors
    /// The message for PHP: the name is empty or taken, or no socket pair can be created.
    pub fn add(&self, name: &str, types: i64, callable: Callable) -> Result<(), String> {
        if name.is_empty() || self.commands.borrow().contains_key(name) {
            return Err(format!("command {name:?}: the name is empty or already registered"));
        }
        if self.reply_sockets.borrow().is_none() {
            let pair = UnixDatagram::pair().map_err(|e| format!("create the socket pair of commands: {e}"))?;
            *self.reply_sockets.borrow_mut() = Some(pair);
        }
        self.commands.borrow_mut().insert(name.to_owned(), (types, Rc::new(callable)));
        Ok(())
    }

    /// Reports the callables to the cycle collector.
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Ok(commands) = self.commands.try_borrow() {
            commands.values().filter(|(_, one)| Rc::strong_count(one) == 1).for_each(|(_, one)| one.trace(visit));
        }
    }

    /// Releases the callables when the server object is freed.
    pub fn clear(&self) {
        let gone = self.commands.take();
        drop(gone);
    }

    /// The callable of a command, if processes of that type accept it.
    pub(super) fn find(&self, name: &str, kind: i64) -> Option<Rc<Callable>> {
        let commands = self.commands.borrow();
        commands.get(name).filter(|(types, _)| types & kind != 0).map(|(_, callable)| callable.clone())
    }
}
