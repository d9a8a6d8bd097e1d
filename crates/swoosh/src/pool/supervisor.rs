//! A pool, as code in its supervisor sees it.

use super::pipe::Pipe;
use super::shared::Shared;
use crate::error::Result;
use crate::sys::process;
use std::rc::Rc;

/// A pool, as code in its supervisor sees it: [`Work::start`](super::Work::start) gets one.
#[derive(Debug, Clone)]
pub struct Supervisor(pub(super) Rc<Shared>);

impl Supervisor {
    /// The process id of a worker; `None` if none with that number runs.
    pub fn pid_of(&self, id: u32) -> Option<i32> {
        self.0.pid(id)
    }

    /// Sends a message to a worker; see [`Worker::send`](super::Worker::send).
    ///
    /// # Errors
    /// As [`Worker::send`](super::Worker::send).
    pub fn send(&self, to: u32, data: &[u8]) -> Result<()> {
        self.0.send(to, data)
    }

    /// The sending end of a worker's pipe.
    pub fn pipe_of(&self, id: u32) -> Option<&Pipe> {
        self.0.pipes.get(id as usize).map(|pipe| &pipe.remote)
    }

    /// Tells the pool to end.
    pub fn shut_down(&self) -> bool {
        process::kill(self.0.supervisor, libc::SIGTERM)
    }
}
