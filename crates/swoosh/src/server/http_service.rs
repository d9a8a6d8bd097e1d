//! The interface between a server and the code that handles its HTTP ports.

use crate::context::Context;
use crate::handler::{ConnectionEvent, SessionId};
use crate::static_files::Files;
use crate::sys::temp_file::TempFile;
use std::rc::Rc;
use std::sync::Arc;

/// The code that handles the requests of a server's HTTP ports, in a worker.
pub(crate) trait HttpService {
    /// The static files that are served without the handler.
    fn files(&self) -> Option<Arc<Files>>;
    /// Handles a packet: a complete request, or a WebSocket frame. `stored`: the body, if it is not in `data`.
    fn receive(self: Rc<Self>, context: &Context, event: &ConnectionEvent, data: &[u8], stored: Option<Rc<TempFile>>);
    /// Refuses a request with a status, after the responses to earlier requests.
    fn refuse(&self, context: &Context, event: &ConnectionEvent, status: u16);
    /// Drops the queued requests of a closed connection.
    fn closed(&self, session: SessionId);
}
