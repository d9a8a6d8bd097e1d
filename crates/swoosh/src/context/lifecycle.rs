//! Stopping and reloading.

use super::{Context, Role};
use crate::config::Mode;
use crate::error::{Error, Result};
use crate::ids::{SessionId, WorkerId};
use crate::state::{ManagerRequest, ServerPhase};
use crate::sys::process;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

impl Context {
    /// Shuts the whole server down, in order.
    ///
    /// # Errors
    /// Where the server does not run.
    pub fn shutdown(&self) -> Result<()> {
        let head = self.state().head_pid();
        if head == process::pid() && self.role() == Role::Worker {
            self.state().enter(ServerPhase::Ending);
            self.lifecycle().stop();
            return Ok(());
        }
        if head != process::pid() && self.ask_manager(ManagerRequest::Shutdown) || process::kill(head, libc::SIGTERM) {
            return Ok(());
        }
        Err(Error::State { operation: "shut down", reason: "the server does not run".into() })
    }

    /// Replaces the workers and task workers (`tasks_only`: the task workers) by new processes, in order.
    ///
    /// # Errors
    /// Where the server has no manager.
    pub fn reload(&self, tasks_only: bool) -> Result<()> {
        let request = if tasks_only { ManagerRequest::ReloadTaskWorkers } else { ManagerRequest::Reload };
        if self.ask_manager(request) {
            return Ok(());
        }
        Err(Error::State { operation: "reload", reason: "this server has no manager to replace its one worker".into() })
    }

    /// Asks the manager for something; `false` in a server without a manager. No signal is sent: a worker that has dropped its
    /// privileges must not signal the manager (kill(2)).
    fn ask_manager(&self, request: ManagerRequest) -> bool {
        let state = self.state();
        if self.manager_pid() == 0 || state.phase() >= ServerPhase::Ended {
            return false;
        }
        state.server().manager_requests.fetch_or(request as u32, SeqCst);
        state.mailboxes().to_manager().event_fd().notify();
        true
    }

    /// Ends one worker, in order; the manager replaces it. `None`: this one.
    ///
    /// # Errors
    /// Where there is no such worker, or this process is not one.
    pub fn stop(&self, which: Option<WorkerId>) -> Result<()> {
        if which.is_none() && self.role() == Role::User {
            return Err(Error::State { operation: "stop", reason: "this process is no worker".into() });
        }
        if which.is_none() || which == self.worker_id() {
            self.lifecycle().stop();
            return Ok(());
        }
        let id = which.unwrap_or(WorkerId(0));
        let slot = self.worker_slot(id).filter(|s| process::kill(s.pid.load(Relaxed), libc::SIGTERM));
        slot.map(|_| ())
            .ok_or_else(|| Error::State { operation: "stop", reason: format!("there is no worker {}", id.0) })
    }

    /// Whether an HTTP/1.1 connection of this process ends with the process, so that a response announces it: a client that
    /// sent its next request on it would get none. In process mode connections stay.
    pub fn ends_connection(&self, session: SessionId) -> bool {
        self.is_stopping() && self.state().mode() == Mode::Base && !session.is_stream()
    }

    /// Whether this process is to end.
    pub fn is_stopping(&self) -> bool {
        self.lifecycle().is_stopping()
    }
}
