//! Messages to other processes.

use super::{Context, Role};
use crate::error::{Code, Error, Result};
use crate::ids::WorkerId;
use crate::ipc::spill::Outgoing;
use crate::ipc::{Mailbox, Message};
use crate::shm::ring::RingFull;
use crate::sys::clock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

impl Context {
    /// Sends a message to a worker, task worker or user process; it gets a `pipe_message` event.
    ///
    /// `flags`: the sender's own bits, the lower eight only.
    ///
    /// # Errors
    /// Where the target is this process, does not exist, or has more unread messages than its mailbox holds.
    pub fn send_message(&self, to: WorkerId, data: &[u8], flags: u32) -> Result<()> {
        let state = self.state();
        let Some(mailbox) = state.mailboxes().messages(to) else {
            let why = format!("process {}: the highest number is {}", to.0, state.processes() as i64 - 1);
            return Err(Error::State { operation: ACT, reason: why });
        };
        if self.worker_id() == Some(to) {
            return Err(Error::State {
                operation: ACT,
                reason: format!("process {}: that is this process itself", to.0),
            });
        }
        self.push_message(mailbox, data, flags)?
            .map_err(|RingFull| Error::refused(ACT, format!("process {}", to.0), Code::ServerPipeBufferFull))
    }

    /// Sends a message to the manager; it gets a `pipe_message` event.
    ///
    /// `flags`: as in [`send_message`](Self::send_message).
    ///
    /// # Errors
    /// Where there is no manager, where it is this process, and where it has more unread messages than its mailbox holds.
    pub fn send_to_manager(&self, data: &[u8], flags: u32) -> Result<()> {
        if self.manager_pid() == 0 || self.role() == Role::Manager {
            let why = if self.manager_pid() == 0 { "this server has none" } else { "that is this process itself" };
            return Err(Error::State { operation: ACT, reason: format!("the manager: {why}") });
        }
        self.push_message(self.state().mailboxes().to_manager(), data, flags)?
            .map_err(|RingFull| Error::refused(ACT, "the manager", Code::ServerPipeBufferFull))
    }

    fn push_message(&self, to: &Mailbox, data: &[u8], flags: u32) -> Result<std::result::Result<(), RingFull>> {
        let payload = Outgoing::new(&self.state().config().task_tmpdir, data)?;
        let message = Message::PipeMessage {
            id: self.state().server().messages.fetch_add(1, Relaxed),
            source: self.source(),
            time: clock::wall_nanos(),
            flags: flags as u8,
            content: payload.content(),
        };
        let pushed = self.mail().sender().push_all(to, self.source(), &message, TIMEOUT);
        if pushed.is_err() {
            payload.discard();
        }
        Ok(pushed)
    }

    /// Sends a datagram; see [`net::datagram::send_to`](crate::net::datagram::send_to).
    ///
    /// # Errors
    /// As listed there.
    pub fn send_to(&self, address: &str, port: i64, data: &[u8], server_socket: i32) -> Result<()> {
        crate::net::datagram::send_to(self.state().ports(), address, port, data, server_socket)
    }
}

const ACT: &str = "send a message to";
/// How long a sender waits for room in a mailbox whose receiver runs user code.
const TIMEOUT: Duration = Duration::from_millis(500);
