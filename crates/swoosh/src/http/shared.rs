//! The state that the service and the responses of one process share.

use super::compress::Rules;
#[cfg(feature = "websocket")]
use super::websocket_state::SocketState;
#[cfg(feature = "websocket")]
use crate::handler::SessionId;
use crate::ids::SessionMap;
use std::cell::Cell;
#[cfg(feature = "websocket")]
use std::{cell::RefCell, rc::Rc};

/// The state that the service and the responses of one process share.
pub(super) struct Shared {
    pub(super) rules: Rules,
    /// The status for a handler that is dropped before its response has started.
    pub(super) fallback: Cell<u16>,
    #[cfg(feature = "websocket")]
    pub(super) websocket_compression: bool,
    #[cfg(feature = "websocket")]
    sockets: RefCell<SessionMap<Rc<SocketState>>>,
}

impl Shared {
    /// The state of a new service.
    pub(super) fn new(rules: Rules, websocket_compression: bool) -> Self {
        #[cfg(not(feature = "websocket"))]
        let _ = websocket_compression;
        Shared {
            rules,
            fallback: Cell::new(500),
            #[cfg(feature = "websocket")]
            websocket_compression,
            #[cfg(feature = "websocket")]
            sockets: RefCell::default(),
        }
    }
}

#[cfg(feature = "websocket")]
impl Shared {
    /// Registers a connection that speaks WebSocket from now on.
    pub(super) fn open_socket(&self, session: SessionId, max_message: u64) -> Rc<SocketState> {
        let socket = Rc::new(SocketState::new(max_message));
        self.sockets.borrow_mut().insert(session, socket.clone());
        socket
    }

    /// The WebSocket of a connection.
    pub(super) fn socket(&self, session: SessionId) -> Option<Rc<SocketState>> {
        self.sockets.borrow().get(&session).cloned()
    }

    /// Closes the WebSocket of a closed connection.
    pub(super) fn close_socket(&self, session: SessionId) {
        let socket = self.sockets.borrow_mut().remove(&session);
        if let Some(socket) = socket {
            socket.close();
        }
    }
}
