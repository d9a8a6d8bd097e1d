//! Without the feature `http` there are no HTTP servers: no value of [`Service`] exists.

use super::files::Files;
use crate::context::Context;
use crate::handler::{ConnectionEvent, SessionId};
use crate::sys::temp_file::TempFile;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;

/// Dispatches requests to a handler of HTTP.
pub(crate) struct Service(Infallible);

impl Service {
    pub(crate) fn files(&self) -> Option<Arc<Files>> {
        match self.0 {}
    }

    pub(crate) fn receive(self: &Rc<Self>, _: &Context, _: &ConnectionEvent, _: &[u8], _: Option<Rc<TempFile>>) {
        match self.0 {}
    }

    pub(crate) fn refuse(&self, _: &Context, _: &ConnectionEvent, _: u16) {
        match self.0 {}
    }

    pub(crate) fn closed(&self, _: SessionId) {
        match self.0 {}
    }
}
