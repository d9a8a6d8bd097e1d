//! A callback that a request or a frame is to be given to, and what follows it.

use super::{http_order, http_response};
use std::rc::Rc;
use swoosh::context::Context;
use swoosh::handler::SessionId;
use swoosh_zend::{Callable, Object, Zval};

/// What is to be called, with what.
pub struct Wanted {
    /// The callback.
    pub callable: Rc<Callable>,
    /// Its arguments.
    pub args: [Zval; 2],
    /// What follows the callback.
    pub then: Then,
}

/// What follows a callback.
pub enum Then {
    /// Nothing.
    Nothing,
    /// The response must have been ended: else the handshake has failed.
    Settle(Object, u64),
    /// The connection is closed with this frame.
    Close(SessionId, Vec<u8>),
}

impl Then {
    /// Does it.
    pub fn run(self, node: &Context) {
        match self {
            Then::Nothing => {}
            Then::Settle(response, session) => settle(response, session),
            Then::Close(session, frame) => close(node, session, &frame),
        }
    }
}

/// Says the last frame and closes.
pub fn close(node: &Context, session: SessionId, frame: &[u8]) {
    // Where the peer is gone there is nobody to be told.
    let _ = node.send(session, frame);
    let _ = node.close(session, false);
}

/// The callback of a request has returned, or goes on elsewhere. `response`: its response, which nobody else may hold any
/// more.
fn settle(response: Object, session: u64) {
    if http_response::is_open(&response) && response.is_shared() {
        http_order::begin_holding(session);
    }
    // Where it was forgotten, this answers.
    drop(response);
}
