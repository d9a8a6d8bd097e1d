//! The payload of server objects, common to all server classes.

use crate::server::state::{PhpServer, ServerRef};
use swoosh_zend::{Call, Object, PhpResult, Zval};

/// Payload of a server object.
#[derive(Default)]
pub struct Server(pub ServerRef);

impl swoosh_zend::Payload for Server {
    fn handlers() -> &'static swoosh_zend::object::HandlerTable {
        static TABLE: swoosh_zend::object::HandlerTable = swoosh_zend::object::HandlerTable::new();
        &TABLE
    }
    const TRACES_VALUES: bool = true;
    fn trace(&self, visit: &mut dyn FnMut(&Zval)) {
        if let Some(state) = self.0.get() {
            state.trace(visit);
        }
    }
    fn before_free(&self, _server: &Object) {
        // A port object may outlive the server object.
        if let Some(state) = self.0.get() {
            state.release_objects();
        }
    }
}

/// The server that a method was called on.
#[inline]
pub fn state<'a>(call: &Call<'a>) -> PhpResult<&'a std::rc::Rc<PhpServer>> {
    call.payload::<Server>().0.state()
}
