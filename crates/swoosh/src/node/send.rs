//! Sending to connections, from any process.

use super::{Node, Role, refused};
use crate::config::{Framing, Mode, SlowConsumer};
use crate::conn::owner::Owner;
use crate::conn::registry::Flags;
use crate::error::{Code, Error, Result};
use crate::handler::SessionId;
use crate::ipc::{BEFORE_FILE, Head, Kind, Mailbox, spill};
use crate::proto::http1::Refusal;
use crate::proto::websocket::deflate::Agreed;
use crate::shm::ring::Full;
use crate::shm::slots::ConnectionSlot;
use crate::sys::{clock, socket};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

impl Node {
    /// Sends `data` to a connection, all of it or nothing: it goes out in one piece, behind everything sent before.
    ///
    /// Fails where the connection does not exist or is closed, where `data` is empty or longer than
    /// `output_buffer_size`, and where what waits for this peer would exceed its port's `socket_buffer_size`; there
    /// `slow_consumer` may have the connection closed, as by [`close`](Node::close) with `reset`.
    pub fn send(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.told_of_slowness(session, self.offer(session, data))
    }

    /// The same for whoever waits for room and tries again: a peer that reads slowly is not closed.
    pub fn offer(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.send_bytes(session, data, Behind::Unknown)
    }

    /// As [`send`](Node::send), with the last bytes of an answer. Where this worker has the connection's next request in
    /// hand already, they may go out together with its answer.
    pub fn send_answer(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.told_of_slowness(session, self.send_bytes(session, data, Behind::NextAnswer))
    }

    /// As [`send`](Node::send), with bytes behind which a file comes at once ([`send_open_file`](Node::send_open_file)):
    /// both may go out together.
    pub fn send_head(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.told_of_slowness(session, self.offer_head(session, data))
    }

    /// The same for whoever waits for room and tries again.
    pub(crate) fn offer_head(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.send_bytes(session, data, Behind::File)
    }

    /// What was sent, where a peer that does not read may have to be closed.
    fn told_of_slowness(&self, session: SessionId, sent: Result<()>) -> Result<()> {
        if let Err(e) = &sent
            && e.code() == Code::OutputBufferOverflow as i32
            && self.closes_slow_consumers(session)
        {
            // Where others close it already, it is as it should be.
            let _ = self.close(session, true);
        }
        sent
    }

    fn closes_slow_consumers(&self, session: SessionId) -> bool {
        let port = self.0.state.registry.find(session).map(|(_, slot)| slot.port.load(Relaxed) as usize);
        port.is_some_and(|port| self.0.state.ports[port].config.slow_consumer == SlowConsumer::Close)
    }

    fn send_bytes(&self, session: SessionId, data: &[u8], behind: Behind) -> Result<()> {
        const ACT: &str = "send to";
        if data.is_empty() {
            return Err(refused(ACT, session, Code::NoPayload));
        }
        if data.len() as u64 > self.0.state.config.output_buffer_size {
            return Err(refused(ACT, session, Code::DataLengthTooLarge));
        }
        let slot = self.sendable(ACT, session)?;
        self.reserve(ACT, session, slot, data.len() as u64)?;
        if let Some(slot) = self.own_slot() {
            slot.responses.store(slot.responses.load(Relaxed) + 1, Relaxed);
        }
        if let Some((owner, conn)) = self.own_connection(session) {
            match behind {
                Behind::File => owner.write_head(&conn, data, true),
                Behind::NextAnswer => owner.write_answer(&conn, data, true),
                // Each reply of Redis is one command's, and a whole one.
                Behind::Unknown if matches!(conn.port.config.framing, Framing::Redis) => {
                    owner.write_answer(&conn, data, true);
                }
                Behind::Unknown => owner.write(&conn, data, true),
            }
            return Ok(());
        }
        let flags = if behind == Behind::File { BEFORE_FILE } else { 0 };
        let sent = self.order(slot, Kind::Send, session, flags, data);
        if sent.is_err() {
            slot.send_queued.fetch_sub(data.len() as u64, Relaxed);
        }
        sent
    }

    /// Sends the bytes of a file from `offset` on, `length` of them (0: to its end), read by the kernel when the peer
    /// takes them. A range that does not lie within the file is refused ([`Code::InvalidParams`]).
    pub fn send_file(&self, session: SessionId, path: &str, offset: u64, length: u64) -> Result<()> {
        self.sendable(SEND_FILE, session)?;
        let (file, offset, end) = Owner::open_file(path, offset, length)?;
        self.send_open_file(session, &file, offset, end)
    }

    /// The same of a file that is open already, from `offset` up to `end`, which must lie within it.
    pub fn send_open_file(&self, session: SessionId, file: &Rc<File>, offset: u64, end: u64) -> Result<()> {
        let slot = self.sendable(SEND_FILE, session)?;
        if let Some((owner, conn)) = self.own_connection(session) {
            owner.write_file(&conn, file.clone(), offset, end);
            return Ok(());
        }
        // The owner opens it again, by a name that means the same there.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let absolute = std::fs::read_link(path).map_err(|e| Error::system("name", "a file that is to be sent", e))?;
        let mut data = Vec::new();
        data.extend(offset.to_le_bytes());
        data.extend((end - offset).to_le_bytes());
        data.extend(std::os::unix::ffi::OsStrExt::as_bytes(absolute.as_os_str()));
        self.order(slot, Kind::SendFile, session, 0, &data)
    }

    /// Sends and waits until the kernel has taken all of it, `timeout` at most. Only in base mode, to an own connection.
    pub fn send_wait(&self, session: SessionId, data: &[u8], timeout: Duration) -> Result<()> {
        const ACT: &str = "send and wait to";
        if data.is_empty() {
            return Err(refused(ACT, session, Code::NoPayload));
        }
        if self.0.state.mode == Mode::Process || self.role() != Role::Worker {
            return Err(Error::State { operation: ACT, reason: "this works in a worker of base mode only".into() });
        }
        self.sendable(ACT, session)?;
        let (owner, conn) = self.own_connection(session).ok_or_else(|| refused(ACT, session, Code::SessionNotExist))?;
        let until = clock::monotonic_ms() + timeout.as_millis() as u64;
        owner.write(&conn, data, false);
        while owner.write_now(&conn) {
            let left = until.saturating_sub(clock::monotonic_ms());
            if left == 0 || !socket::wait_writable(conn.fd(), left.min(i32::MAX as u64) as i32) {
                return Err(refused(ACT, session, Code::OutputBufferOverflow));
            }
        }
        Ok(())
    }

    /// Answers a request of HTTP that is refused, and closes its connection behind the answer.
    pub fn refuse_request(&self, session: SessionId, status: u16) {
        // Where the peer is gone there is nobody to be told.
        let _ = self.send(session, &Refusal::answer(status));
        let _ = self.close(session, false);
    }

    /// This worker has a request of HTTP in hand. Should it die before [`end_request`](Node::end_request), the connection
    /// is reset: a peer sees that its answer is broken, and never another answer in its place.
    #[inline]
    pub fn begin_request(&self, session: SessionId) {
        if let Some((_, slot)) = self.0.state.registry.find(session) {
            slot.flags.fetch_or(Flags::HANDLING, Relaxed);
        }
    }

    /// The answer is whole.
    #[inline]
    pub fn end_request(&self, session: SessionId) {
        if let Some((_, slot)) = self.0.state.registry.find(session)
            && Flags(slot.flags.fetch_and(!Flags::HANDLING, Relaxed)).any(Flags::HANDLING)
        {
            // Whoever sees this count sees what was sent before.
            slot.answered.fetch_add(1, Release);
        }
    }

    /// This worker is done with the request, whose answer others may still give.
    pub fn leave_request(&self, session: SessionId) {
        if let Some((_, slot)) = self.0.state.registry.find(session) {
            slot.flags.fetch_and(!Flags::HANDLING, Relaxed);
        }
    }

    /// From here on the connection speaks WebSocket: its packets are frames. To be called before the answer that says so
    /// is sent. `deflate`: what was agreed on about the compression of messages.
    pub fn begin_websocket(&self, session: SessionId, deflate: Option<Agreed>) {
        if let Some((_, slot)) = self.0.state.registry.find(session) {
            let compresses = match deflate {
                None => 0,
                Some(Agreed { narrow: false }) => Flags::DEFLATE,
                Some(Agreed { narrow: true }) => Flags::DEFLATE | Flags::NARROW,
            };
            slot.flags.fetch_or(Flags::WEBSOCKET | compresses, Relaxed);
        }
    }

    /// What was agreed on about the compression of a WebSocket's messages.
    pub fn deflate_of(&self, session: SessionId) -> Option<Agreed> {
        let (_, slot) = self.0.state.registry.find(session)?;
        let flags = Flags(slot.flags.load(Relaxed));
        flags.any(Flags::DEFLATE).then(|| Agreed { narrow: flags.any(Flags::NARROW) })
    }

    /// Whether the connection speaks WebSocket, and is open.
    pub fn is_websocket(&self, session: SessionId) -> bool {
        let flags = |(_, slot): (_, &ConnectionSlot)| Flags(slot.flags.load(Relaxed));
        let found = self.lookup(session).map(flags);
        found.is_some_and(|flags| flags.any(Flags::WEBSOCKET) && !flags.any(Flags::CLOSING | Flags::CLOSED))
    }

    /// Whether the connection has ever spoken WebSocket.
    pub fn was_websocket(&self, session: SessionId) -> bool {
        self.0
            .state
            .registry
            .find(session)
            .is_some_and(|(_, slot)| Flags(slot.flags.load(Relaxed)).any(Flags::WEBSOCKET))
    }

    /// Reads no more from it, reads again, or (`enable_delay_receive`) begins to read.
    pub fn set_reading(&self, session: SessionId, what: Reading) -> Result<()> {
        let (_, slot) = self.open_connection("change the reading of", session)?;
        let kind = match what {
            Reading::Pause => Kind::Pause,
            Reading::Resume => Kind::Resume,
            Reading::Confirm => Kind::Confirm,
        };
        match self.own_connection(session) {
            Some((_, conn)) => {
                apply_reading(&conn, kind);
                Ok(())
            }
            None => self.order(slot, kind, session, 0, &[]),
        }
    }

    /// The connection's row, if bytes can be sent to it now.
    fn sendable(&self, act: &'static str, session: SessionId) -> Result<&'static ConnectionSlot> {
        let (_, slot) = self.open_connection(act, session)?;
        // In base mode what `onClose` sends still goes out: the connection is closed after it returns.
        let may_still = self.0.state.mode == Mode::Base && self.0.closing.get() == Some(session);
        let flags = Flags(slot.flags.load(Relaxed));
        if flags.any(Flags::BROKEN) || flags.any(Flags::CLOSING) && !may_still {
            return Err(refused(act, session, Code::SessionClosed));
        }
        Ok(slot)
    }

    /// Counts bytes as waiting for the peer, if that many may.
    fn reserve(&self, act: &'static str, session: SessionId, slot: &ConnectionSlot, bytes: u64) -> Result<()> {
        let limit = self.0.state.ports[slot.port.load(Relaxed) as usize].config.socket_buffer_size;
        let before = slot.send_queued.fetch_add(bytes, Relaxed);
        if before > 0 && before + bytes > limit {
            slot.send_queued.fetch_sub(bytes, Relaxed);
            return Err(refused(act, session, Code::OutputBufferOverflow));
        }
        Ok(())
    }

    /// Tells a connection's owner what to do with it.
    pub(crate) fn order(
        &self,
        slot: &ConnectionSlot,
        kind: Kind,
        session: SessionId,
        flags: u32,
        data: &[u8],
    ) -> Result<()> {
        let state = self.0.state;
        let owner = slot.reactor.load(Relaxed) as usize;
        let to = match state.mode {
            Mode::Process => state.orders.get(owner),
            Mode::Base => state.messages.get(owner),
        };
        let to = to.ok_or_else(|| refused("reach", session, Code::SessionNotExist))?;
        let head = self.head(kind, session.0, flags);
        // A reactor always makes room soon. In another base worker user code may run for long.
        let patience = if state.mode == Mode::Process { REACTOR_PATIENCE } else { OWNER_PATIENCE };
        self.0
            .sender
            .push_while(to, &head, data, patience, || self.write_for_others())
            .map_err(|Full| refused("reach the owner of", session, Code::ServerPipeBufferFull))
    }

    /// Two workers of base mode may each wait for room at the other: what the others want written is written
    /// meanwhile, and the rest kept for later. Whether there was anything.
    fn write_for_others(&self) -> bool {
        let Some(owner) = self.0.owner.get() else { return false };
        let own = self.worker_id().and_then(|id| self.0.state.messages.get(id.0 as usize));
        let Some(message) = own.and_then(|own| own.take(&mut self.0.messages.borrow_mut())) else { return false };
        match (message.head.kind, owner.find(SessionId(message.head.id))) {
            (Kind::Send, Some(conn)) if self.0.deferred.borrow().is_empty() => owner.write(&conn, &message.data, true),
            _ => {
                self.0.deferred.borrow_mut().push_back(message);
                self.0.wake.raise();
            }
        }
        true
    }

    /// Puts a payload of any length into a mailbox whose reader may be slow: a large one is spilled.
    pub(crate) fn push_parcel(
        &self,
        to: &Mailbox,
        mut head: Head,
        data: &[u8],
    ) -> Result<std::result::Result<(), Full>> {
        if data.len() <= spill::INLINE {
            return Ok(self.0.sender.push_patiently(to, &head, data, WORKER_PATIENCE));
        }
        let name = spill::spill(&self.0.state.config.task_tmpdir, data)?;
        head.flags |= spill::SPILLED;
        let pushed = self.0.sender.push_patiently(to, &head, &name, WORKER_PATIENCE);
        if pushed.is_err() {
            spill::discard(&name);
        }
        Ok(pushed)
    }

    /// The certificate that a peer showed in its handshake (DER), on a port that verifies its clients. In base mode only of
    /// an own connection; in process mode it has 8184 bytes at most.
    pub fn client_certificate(&self, session: SessionId) -> Option<Vec<u8>> {
        match &self.0.state.certificates {
            Some(certificates) => certificates.find(&self.0.state.registry, session),
            None => self.own_connection(session)?.1.peer_certificate(),
        }
    }

    pub(crate) fn own_connection(
        &self,
        session: SessionId,
    ) -> Option<(std::rc::Rc<Owner>, std::rc::Rc<crate::conn::connection::Connection>)> {
        // What a child of this connection's worker writes goes by way of the worker, as any other process's.
        let owner = self.0.owner.get().filter(|_| self.role() != Role::User)?;
        owner.find(session).map(|conn| (owner.clone(), conn))
    }
}

/// What is known of what comes behind some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Unknown,
    /// They end an answer.
    NextAnswer,
    File,
}

/// What [`Node::set_reading`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// Nothing is read; the peer's bytes stay in the kernel.
    Pause,
    /// Ends a pause.
    Resume,
    /// Ends the wait that `enable_delay_receive` begins a connection with.
    Confirm,
}

/// Carries out one of the three orders about reading.
pub(crate) fn apply_reading(conn: &crate::conn::connection::Connection, kind: Kind) {
    use crate::conn::connection::{HOLD_CONFIRM, HOLD_PAUSE};
    match kind {
        Kind::Pause => conn.hold(HOLD_PAUSE),
        Kind::Resume => conn.release_hold(HOLD_PAUSE),
        _ => conn.release_hold(HOLD_CONFIRM),
    }
}

const SEND_FILE: &str = "send a file to";
const REACTOR_PATIENCE: Duration = Duration::from_secs(10);
const OWNER_PATIENCE: Duration = Duration::from_secs(2);
const WORKER_PATIENCE: Duration = Duration::from_millis(500);
