//! Connections: queries, and settings of a single connection.

use super::Context;
use crate::clock::seconds;
use crate::config::Mode;
use crate::error::{Code, Error, Result};
use crate::ids::SessionId;
use crate::shm::slots::ConnectionSlot;
use crate::state::registry::{ConnectionRow, Flags, Peer, Registry, SlotIndex};
use crate::sys::{clock, socket};
use std::sync::atomic::Ordering::Relaxed;

impl Context {
    /// Whether the connection is open and this process may send to it.
    pub fn exists(&self, session: SessionId) -> bool {
        self.lookup(session).is_some_and(|(_, slot)| !slot.flags().any(Flags::CLOSING | Flags::CLOSED))
    }

    /// Facts about a connection; `None` where there is no such connection, and in base mode where another worker owns it.
    pub fn client_info(&self, session: SessionId) -> Option<ClientInfo> {
        let (_, slot) = self.lookup(session)?;
        let port = self.state().ports().get(slot.port_index())?;
        let fd = slot.fd.load(Relaxed);
        let own = self.own_connection(session).is_some();
        // A descriptor is valid in its owner only.
        let in_kernel = if own { socket::queued(fd) } else { (0, 0) };
        let info = ClientInfo {
            server_port: port.number(),
            server_fd: std::os::fd::AsRawFd::as_raw_fd(&**port),
            socket_fd: fd,
            socket_type: port.kind() as i32,
            peer: Registry::peer(slot),
            reactor_id: slot.reactor.load(Relaxed),
            uid: slot.uid.load(Relaxed),
            connect_time: slot.connect_time.load(Relaxed),
            last_recv: seconds(slot.last_recv.load(Relaxed)),
            last_send: seconds(slot.last_send.load(Relaxed)),
            last_dispatch: seconds(slot.last_dispatch.load(Relaxed)),
            recv_queued: slot.recv_queued.load(Relaxed) + u64::from(in_kernel.0),
            send_queued: slot.send_queued.load(Relaxed) + u64::from(in_kernel.1),
            close_errno: slot.close_errno.load(Relaxed),
            port: port.index(),
        };
        (slot.session.load(Relaxed) == session.0).then_some(info)
    }

    /// Up to `count` connections behind `after` (id 0: from the first one on), of one port or of all. In base mode only
    /// those of this worker. `None`: `after` is not a known connection.
    pub fn client_list(&self, after: SessionId, count: usize, port: Option<usize>) -> Option<Vec<SessionId>> {
        self.state()
            .registry()
            .list(after, count, |slot| self.may_see(slot) && port.is_none_or(|p| slot.port_index() == p))
    }

    /// Number of open connections of the server, of one port or of all.
    pub fn connection_count(&self, port: Option<usize>) -> u64 {
        let registry = self.state().registry();
        match port {
            None => registry.count(),
            Some(p) => registry.all().filter(|(id, _, slot)| slot.port_index() == p && !id.is_stream()).count() as u64,
        }
    }

    /// Exempts a connection from the heartbeat, or ends the exemption.
    ///
    /// # Errors
    /// Where the connection is not open.
    pub fn protect(&self, session: SessionId, protected: bool) -> Result<()> {
        let (_, slot) = self.open_connection("protect", session)?;
        match protected {
            true => slot.set_flags(Flags::PROTECTED),
            false => slot.clear_flags(Flags::PROTECTED),
        };
        Ok(())
    }

    /// Binds a connection to a user id, once: in dispatch mode 5 all connections of an id go to one worker. `false`: it is
    /// bound already.
    ///
    /// # Errors
    /// Where the connection is not open.
    pub fn bind(&self, session: SessionId, uid: u32) -> Result<bool> {
        let (_, slot) = self.open_connection("bind", session)?;
        Ok(slot.uid.compare_exchange(0, uid, Relaxed, Relaxed).is_ok())
    }

    /// Connections from which nothing was received for their port's `heartbeat_idle_time`, except protected ones.
    pub fn idle_connections(&self) -> Vec<SessionId> {
        let now = clock::wall_nanos();
        let state = self.state();
        let idle = |slot: &ConnectionSlot| {
            let limit = state.ports()[slot.port_index()].config().heartbeat_idle_time;
            let idle_time = now.saturating_sub(slot.last_recv.load(Relaxed));
            let is_protected = slot.flags().any(Flags::PROTECTED);
            limit > 0 && !is_protected && idle_time > u64::from(limit) * 1_000_000_000
        };
        state.registry().list(SessionId(0), usize::MAX, |slot| self.may_see(slot) && idle(slot)).unwrap_or_default()
    }

    /// In base mode a worker sees its own connections only.
    fn may_see(&self, slot: &ConnectionSlot) -> bool {
        let owner = slot.reactor.load(Relaxed);
        self.state().mode() == Mode::Process || self.worker_id().is_some_and(|id| id.0 == owner)
    }

    pub(crate) fn lookup(&self, session: SessionId) -> Option<(SlotIndex, &'static ConnectionSlot)> {
        self.state().registry().find(session).filter(|(_, slot)| self.may_see(slot))
    }

    pub(crate) fn open_connection(
        &self,
        act: &'static str,
        session: SessionId,
    ) -> Result<(SlotIndex, &'static ConnectionSlot)> {
        let found = self.state().registry().find(session);
        let (index, slot) = found.ok_or_else(|| refused(act, session, Code::SessionNotExist))?;
        let flags = slot.flags();
        if flags.any(Flags::CLOSED) {
            return Err(refused(act, session, Code::SessionClosed));
        }
        if flags.any(Flags::HANDSHAKING) {
            return Err(refused(act, session, Code::SslNotReady));
        }
        Ok((index, slot))
    }

    /// The client certificate of a connection (DER), on a port that verifies its clients. In base mode only of a connection
    /// of this worker; in process mode only one of at most 8184 bytes.
    pub fn client_certificate(&self, session: SessionId) -> Option<Vec<u8>> {
        match self.state().certificates() {
            Some(certificates) => certificates.find(self.state().registry(), session),
            None => self.own_connection(session)?.1.peer_certificate(),
        }
    }
}

/// Facts about a connection.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct ClientInfo {
    /// Port number, 0 for a Unix socket.
    pub server_port: u16,
    /// Descriptor of the listening socket.
    pub server_fd: i32,
    /// Descriptor in the owner.
    pub socket_fd: i32,
    /// `SWOOLE_SOCK_*`.
    pub socket_type: i32,
    pub peer: Peer,
    pub reactor_id: u32,
    /// 0 where it is not bound to a user id.
    pub uid: u32,
    /// Seconds since the epoch, as are the next three.
    pub connect_time: u64,
    pub last_recv: f64,
    pub last_send: f64,
    pub last_dispatch: f64,
    /// Bytes received of an incomplete packet.
    pub recv_queued: u64,
    /// Bytes sent and not taken by the kernel yet.
    pub send_queued: u64,
    /// errno of the failure that closed it.
    pub close_errno: i32,
    /// Index of the port.
    pub port: usize,
}

pub(super) fn refused(act: &'static str, session: SessionId, code: Code) -> Error {
    Error::refused(act, format!("connection {}", session.0), code)
}
