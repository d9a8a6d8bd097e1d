//! Closing connections from the server's side.

use super::connections::refused;
use super::events::ConnectionEvent;
use super::{Context, Role};
use crate::clock::seconds;
use crate::config::{DispatchMode, Mode};
use crate::error::{Code, Result};
use crate::ids::SessionId;
use crate::ipc::Command;
use crate::shm::slots::ConnectionSlot;
use crate::state::registry::{ConnectionRow, Flags};
use crate::sys::clock;
use std::sync::atomic::Ordering::Relaxed;

impl Context {
    /// Closes a connection: user code gets a `close` event (reactor id -1), queued output is written, then the connection is
    /// gone. `reset`: queued output is dropped and the peer sees a reset.
    ///
    /// The `close` event runs before this returns where this is the connection's worker, else soon and there.
    ///
    /// # Errors
    /// Where the connection does not exist, is being closed, or is in its TLS handshake.
    pub fn close(&self, session: SessionId, reset: bool) -> Result<()> {
        const ACT: &str = "close";
        let found = self.state().registry().find(session);
        let (_, slot) = found.ok_or_else(|| refused(ACT, session, Code::SessionNotExist))?;
        if slot.flags().any(Flags::HANDSHAKING) {
            return Err(refused(ACT, session, Code::SslNotReady));
        }
        if self.is_in_close_event(session) {
            return Err(refused(ACT, session, Code::SessionClosing));
        }
        let before = slot.set_flags(Flags::CLOSING);
        if before.any(Flags::CLOSED | Flags::CLOSING) {
            return Err(refused(ACT, session, Code::SessionClosed));
        }
        if before.any(Flags::PEER_CLOSED) && self.state().mode() == Mode::Process {
            // Its close event is on the way to its worker already, which finishes it.
            slot.clear_flags(Flags::CLOSING);
            return Ok(());
        }
        if self.handles_events_of(session, slot) {
            self.close_own(session, slot, reset)
        } else {
            self.command(slot, session, Command::RequestClose { reset })
        }
    }

    /// Runs the close event, then finishes the connection. Called in the connection's worker, with CLOSING set.
    pub(crate) fn close_own(&self, session: SessionId, slot: &ConnectionSlot, reset: bool) -> Result<()> {
        let event = ConnectionEvent {
            session,
            reactor_id: -1,
            dispatch_time: seconds(clock::wall_nanos()),
            port: slot.port_index(),
        };
        self.run_close_event(slot, &event, reset)
    }

    /// Runs the close event of a connection, then has its owner finish it.
    pub(crate) fn run_close_event(&self, slot: &ConnectionSlot, event: &ConnectionEvent, reset: bool) -> Result<()> {
        // In base mode the close event may still send.
        let bits = if self.state().mode() == Mode::Process { Flags::CLOSING | Flags::CLOSED } else { Flags::CLOSING };
        slot.set_flags(bits);
        self.raise_close_event(event);
        match self.own_connection(event.session) {
            Some((owner, conn)) => {
                owner.finish(&conn, reset);
                Ok(())
            }
            None => self.command(slot, event.session, Command::Finish { reset }),
        }
    }

    /// Calls the close handler; while it runs, the connection cannot be closed again.
    pub(crate) fn raise_close_event(&self, event: &ConnectionEvent) {
        let outer = self.lifecycle().replace_closing(Some(event.session));
        let is_dispatched = self.state().dispatches_connection_events();
        let flow = if is_dispatched { self.handler().close(self, event) } else { Ok(()) };
        self.lifecycle().replace_closing(outer);
        self.lifecycle().record(flow);
    }

    /// Whether the close event of this connection is running.
    pub(super) fn is_in_close_event(&self, session: SessionId) -> bool {
        self.lifecycle().closing() == Some(session)
    }

    /// Whether this process handles the connection's events.
    fn handles_events_of(&self, session: SessionId, slot: &ConnectionSlot) -> bool {
        let state = self.state();
        let Some(id) = self.worker_id().filter(|_| self.role() == Role::Worker) else { return false };
        if state.mode() == Mode::Base {
            return slot.reactor.load(Relaxed) == id.0;
        }
        let workers = u64::from(state.config().worker_num);
        match state.config().dispatch_mode {
            // There is no close event in these modes: any process may finish the connection.
            _ if !state.dispatches_connection_events() => true,
            DispatchMode::Connection if state.config().dispatch_func.is_none() => {
                slot.dispatch_id(session) % workers == u64::from(id.0)
            }
            _ => workers == 1 || slot.bound_worker() == Some(id),
        }
    }
}
