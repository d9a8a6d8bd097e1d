//! The commands that a server knows, and the sockets through which they are answered.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::os::unix::net::UnixDatagram;
use std::rc::Rc;
use swoosh_zend::{Callable, Zval};

/// The commands of a server.
#[derive(Default)]
pub struct Commands {
    pub(super) known: RefCell<HashMap<String, (i64, Rc<Callable>)>>,
    /// Where answers go in, and where the master takes them.
    pub(super) answers: RefCell<Option<(UnixDatagram, UnixDatagram)>>,
    pub(super) asked: Cell<u64>,
}

impl Commands {
    /// Adds one, for processes of these types. Why it cannot be, if it cannot.
    pub fn add(&self, name: &str, types: i64, callable: Callable) -> Result<(), String> {
        if name.is_empty() || self.known.borrow().contains_key(name) {
            return Err(format!("a command needs a name of its own, unlike {name:?}"));
        }
        if self.answers.borrow().is_none() {
            let pair = UnixDatagram::pair().map_err(|e| format!("a command needs a pair of sockets: {e}"))?;
            *self.answers.borrow_mut() = Some(pair);
        }
        self.known.borrow_mut().insert(name.to_owned(), (types, Rc::new(callable)));
        Ok(())
    }

    /// Tells the cycle collector of the callables.
    pub fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Ok(known) = self.known.try_borrow() {
            known.values().filter(|(_, one)| Rc::strong_count(one) == 1).for_each(|(_, one)| one.trace(visit));
        }
    }

    /// The server's object is gone.
    pub fn clear(&self) {
        let gone = self.known.take();
        drop(gone);
    }

    /// The code of a command, where processes of that type take it.
    pub(super) fn find(&self, name: &str, kind: i64) -> Option<Rc<Callable>> {
        let known = self.known.borrow();
        known.get(name).filter(|(types, _)| types & kind != 0).map(|(_, callable)| callable.clone())
    }
}
