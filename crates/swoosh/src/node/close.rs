//! Closing connections from the server's side.

use super::{Node, Role, refused};
use crate::config::{DispatchMode, Mode};
use crate::conn::registry::Flags;
use crate::error::{Code, Result};
use crate::handler::{ConnectionEvent, SessionId, Stop};
use crate::ipc::Kind;
use crate::shm::slots::ConnectionSlot;
use crate::sys::clock;
use std::sync::atomic::Ordering::Relaxed;

impl Node {
    /// Closes a connection: user code is told (`close`, with reactor id -1), what waits is still written, then it is
    /// gone. `reset`: what waits is dropped and the peer sees a reset.
    ///
    /// `close` runs before this returns where this is the connection's worker, else soon and there.
    pub fn close(&self, session: SessionId, reset: bool) -> Result<()> {
        const ACT: &str = "close";
        let found = self.0.state.registry.find(session);
        let (_, slot) = found.ok_or_else(|| refused(ACT, session, Code::SessionNotExist))?;
        if Flags(slot.flags.load(Relaxed)).any(Flags::SHAKING) {
            return Err(refused(ACT, session, Code::SslNotReady));
        }
        if self.0.closing.get() == Some(session) {
            return Err(refused(ACT, session, Code::SessionClosing));
        }
        let before = Flags(slot.flags.fetch_or(Flags::CLOSING, Relaxed));
        if before.any(Flags::CLOSED | Flags::CLOSING) {
            return Err(refused(ACT, session, Code::SessionClosed));
        }
        if before.any(Flags::PEER_CLOSED) && self.0.state.mode == Mode::Process {
            // Its close event is on the way to its worker already, which finishes it.
            slot.flags.fetch_and(!Flags::CLOSING, Relaxed);
            return Ok(());
        }
        if self.is_at_home(session, slot) {
            self.tell_close(session, slot, reset)
        } else {
            self.order(slot, Kind::CloseWanted, session, u32::from(reset), &[])
        }
    }

    /// Tells user code and then the owner. Called in the connection's own worker, CLOSING being set.
    pub(crate) fn tell_close(&self, session: SessionId, slot: &ConnectionSlot, reset: bool) -> Result<()> {
        if self.0.state.mode == Mode::Process {
            slot.flags.fetch_or(Flags::CLOSED, Relaxed);
        }
        let event = self.connection_event(session, slot, -1, clock::wall_nanos());
        self.run_close(&event);
        if let Some((owner, conn)) = self.own_connection(session) {
            owner.finish(&conn, reset);
            return Ok(());
        }
        self.order(slot, Kind::Finished, session, u32::from(reset), &[])
    }

    /// Runs `close`, during which this connection is not closed once more.
    pub(crate) fn run_close(&self, event: &ConnectionEvent) {
        let outer = self.0.closing.replace(Some(event.session));
        let flow = if self.0.state.tells_life_of_connections() { self.0.handler.close(self, event) } else { Ok(()) };
        self.0.closing.set(outer);
        self.note_flow(flow);
    }

    pub(crate) fn note_flow(&self, flow: Result<(), Stop>) {
        if let Err(stop) = flow {
            self.0.fatal.set(Some(stop));
            self.0.wake.raise();
        }
    }

    /// Whether this process is where the connection's events are handled.
    fn is_at_home(&self, session: SessionId, slot: &ConnectionSlot) -> bool {
        let state = self.0.state;
        if self.role() != Role::Worker {
            return false;
        }
        let own = self.worker_id().map_or(u32::MAX, |id| id.0);
        if state.mode == Mode::Base {
            return slot.reactor.load(Relaxed) == own;
        }
        let workers = u64::from(state.config.worker_num);
        match state.config.dispatch_mode {
            // Nobody is told in these modes: whoever closes it, does.
            _ if !state.tells_life_of_connections() => true,
            DispatchMode::Connection if state.config.dispatch_func.is_none() => session.0 % workers == u64::from(own),
            _ => workers == 1 || slot.worker.get() == Some(own),
        }
    }

    pub(crate) fn connection_event(
        &self,
        session: SessionId,
        slot: &ConnectionSlot,
        reactor_id: i32,
        time: u64,
    ) -> ConnectionEvent {
        ConnectionEvent {
            session,
            reactor_id,
            dispatch_time: crate::conn::datagram::seconds(time),
            port: slot.port.load(Relaxed) as usize,
        }
    }
}
