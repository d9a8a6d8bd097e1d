//! A pending call of a PHP callback for a request or a frame, and its completion.

use super::http::{response, response_order};
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh_zend::{Callable, Object, Zval};

/// A callback with its arguments.
pub struct PendingCall {
    /// The callback.
    pub callable: Rc<Callable>,
    /// Its arguments.
    pub args: [Zval; 2],
    /// Runs after the callback returns or first waits.
    pub completion: Completion,
}

/// The step after a callback.
pub enum Completion {
    /// No further step.
    None,
    /// Hold the connection's next requests if the response is incomplete and still referenced.
    CheckAnswered(Object, u64),
    /// Send this close frame and close the connection.
    CloseWith(SessionId, Vec<u8>),
}

impl Completion {
    /// Runs the step.
    pub fn run(self, node: &Context) {
        match self {
            Completion::None => {}
            Completion::CheckAnswered(response, session) => settle(response, session),
            Completion::CloseWith(session, frame) => close(node, session, &frame),
        }
    }
}

/// Sends the close frame and closes the connection.
pub fn close(node: &Context, session: SessionId, frame: &[u8]) {
    // Fails only when the peer has disconnected.
    let _ = node.send(session, frame);
    let _ = node.close(session, false);
}

/// The callback has returned. A response that other code still references is answered later; requests behind it wait.
fn settle(response: Object, session: u64) {
    if response::is_open(&response) && response.is_shared() {
        response_order::hold_requests(session);
    }
    // An unreferenced, unanswered response is ended by its destructor.
    drop(response);
}
