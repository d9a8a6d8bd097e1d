//! Sending to connections, from any process.

use super::connections::refused;
use super::{Context, Role};
use crate::config::{Framing, Mode, SlowConsumer};
use crate::conn::Parts;
use crate::conn::connection::ReadHold;
use crate::conn::owner::Owner;
use crate::conn::write::MAX_FILES_QUEUED;
use crate::error::{Code, Error, Result};
use crate::ids::{SessionId, WorkerId};
use crate::ipc::{Command, Message, Reading};
use crate::proto::http1::Refusal;
#[cfg(feature = "websocket")]
use crate::proto::websocket::deflate::DeflateParams;
use crate::shm::ring::RingFull;
use crate::shm::slots::ConnectionSlot;
use crate::state::registry::{ConnectionRow, Flags};
use crate::sys::{clock, socket};
use std::fs::File;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

impl Context {
    /// Sends `data` to a connection, all of it or nothing: it goes out in one piece, behind everything sent before.
    ///
    /// # Errors
    /// Where the connection does not exist or is closed, where `data` is empty or longer than `output_buffer_size`, and where
    /// the output queued for this peer would exceed its port's `socket_buffer_size`; with `slow_consumer` the connection is
    /// closed then, as by [`close`](Context::close) with `reset`.
    pub fn send(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.close_if_slow(session, self.offer(session, data))
    }

    /// Like [`send`](Self::send), for callers that wait for room and try again: a slow peer is not closed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn offer(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.send_parts(session, data.into(), Follows::Unknown)
    }

    /// Like [`send`](Self::send), for the last bytes of a reply. Where this worker handles the connection's next request
    /// already, they may go out together with the next reply.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_answer<'a>(&self, session: SessionId, data: impl Into<Parts<'a>>) -> Result<()> {
        self.close_if_slow(session, self.offer_answer(session, data))
    }

    /// Like [`send_answer`](Self::send_answer), for callers that wait for room and try again: a slow peer is not closed.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn offer_answer<'a>(&self, session: SessionId, data: impl Into<Parts<'a>>) -> Result<()> {
        self.send_parts(session, data.into(), Follows::NextReply)
    }

    /// Like [`send`](Self::send), for bytes that a file follows at once ([`send_open_file`](Self::send_open_file)): both may
    /// go out together.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_head(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.close_if_slow(session, self.offer_head(session, data))
    }

    /// Like [`send_head`](Self::send_head), for callers that wait for room and try again.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn offer_head(&self, session: SessionId, data: &[u8]) -> Result<()> {
        self.send_parts(session, data.into(), Follows::File)
    }

    /// Applies `slow_consumer` to the outcome of a send.
    fn close_if_slow(&self, session: SessionId, sent: Result<()>) -> Result<()> {
        if let Err(e) = &sent
            && e.code() == Code::OutputBufferOverflow as i32
            && self.closes_slow_consumers(session)
        {
            // An error means that the connection is being closed already.
            let _ = self.close(session, true);
        }
        sent
    }

    /// Whether the connection's port closes peers that do not read (`slow_consumer`).
    pub fn closes_slow_consumers(&self, session: SessionId) -> bool {
        let port = self.state().registry().find(session).map(|(_, slot)| slot.port_index());
        port.is_some_and(|port| self.state().ports()[port].config().slow_consumer == SlowConsumer::Close)
    }

    fn send_parts(&self, session: SessionId, data: Parts<'_>, follows: Follows) -> Result<()> {
        const ACT: &str = "send to";
        if data.is_empty() {
            return Err(refused(ACT, session, Code::NoPayload));
        }
        if data.len() as u64 > self.state().config().output_buffer_size {
            return Err(refused(ACT, session, Code::DataLengthTooLarge));
        }
        let slot = self.sendable(ACT, session)?;
        self.reserve(ACT, session, slot, data.len() as u64)?;
        if let Some(slot) = self.own_slot() {
            slot.responses.store(slot.responses.load(Relaxed) + 1, Relaxed);
        }
        if let Some((owner, conn)) = self.own_connection(session) {
            match follows {
                Follows::File => owner.write_before_file(&conn, &data.joined(), true),
                Follows::NextReply => owner.write_reply(&conn, data, true),
                // Each send of a Redis server is one complete reply.
                Follows::Unknown if matches!(conn.port().config().framing, Framing::Redis) => {
                    owner.write_reply(&conn, data, true);
                }
                Follows::Unknown => owner.write(&conn, data, true),
            }
            return Ok(());
        }
        let sent =
            self.command(slot, session, Command::Send { data: &data.joined(), file_follows: follows == Follows::File });
        if sent.is_err() {
            slot.send_queued.fetch_sub(data.len() as u64, Relaxed);
        }
        sent
    }

    /// Sends the bytes of a file from `offset` on, `length` of them (0: to its end). The kernel reads them when the peer takes
    /// them.
    ///
    /// # Errors
    /// As [`send`](Self::send); where the file cannot be opened; [`Code::InvalidParams`] where the range does not lie within
    /// the file.
    pub fn send_file(&self, session: SessionId, path: &str, offset: u64, length: u64) -> Result<()> {
        let (file, offset, end) = self.open_file_for(session, path, offset, length)?;
        self.send_open_file(session, &file, offset, end)
    }

    /// Opens a file for [`send_open_file`](Self::send_open_file): the file, its first byte and its end.
    ///
    /// # Errors
    /// As [`send_file`](Self::send_file).
    pub fn open_file_for(
        &self,
        session: SessionId,
        path: &str,
        offset: u64,
        length: u64,
    ) -> Result<(Rc<File>, u64, u64)> {
        self.sendable(SEND_FILE, session)?;
        Owner::open_file(path, offset, length)
    }

    /// Like [`send_file`](Self::send_file), for a file that is open already, from `offset` up to `end`, which must lie within
    /// it.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Code::OutputBufferOverflow`] while 256 files wait for the peer.
    pub fn send_open_file(&self, session: SessionId, file: &Rc<File>, offset: u64, end: u64) -> Result<()> {
        let slot = self.sendable(SEND_FILE, session)?;
        if slot.files_queued.fetch_add(1, Relaxed) >= MAX_FILES_QUEUED {
            slot.files_queued.fetch_sub(1, Relaxed);
            return self.close_if_slow(session, Err(refused(SEND_FILE, session, Code::OutputBufferOverflow)));
        }
        if let Some((owner, conn)) = self.own_connection(session) {
            owner.write_file(&conn, file.clone(), offset, end, true);
            return Ok(());
        }
        let number = self.pass_file(slot.reactor.load(Relaxed), file).map(u64::to_le_bytes);
        let sent = number.and_then(|number| {
            self.command(slot, session, Command::SendFile { file: &number, offset, length: end - offset })
        });
        if sent.is_err() {
            slot.files_queued.fetch_sub(1, Relaxed);
        }
        sent
    }

    /// Passes an open file to the owner of a connection. Returns the number that the command names it by.
    ///
    /// The owner gets the descriptor, not the path: the file may be removed or replaced at once.
    fn pass_file(&self, owner: u32, file: &File) -> Result<u64> {
        let channel = self.state().mailboxes().files_to_send(owner);
        let channel = channel.ok_or_else(|| Error::refused(SEND_FILE, "its owner", Code::SessionNotExist))?;
        let number = self.channel_files().next_number();
        let deadline = clock::monotonic_ms() + WORKER_TIMEOUT.as_millis() as u64;
        loop {
            match channel.send(number, file) {
                Ok(()) => return Ok(number),
                Err(e) if clock::monotonic_ms() > deadline => return Err(e.into()),
                Err(_) => {
                    // The channel is full of files whose commands the owner has not carried out.
                    self.mail().sender().wake_receivers();
                    if !self.take_command() {
                        std::thread::sleep(Duration::from_micros(300));
                    }
                }
            }
        }
    }

    /// Sends and blocks until the kernel has taken all bytes, `timeout` at most. Only in base mode, to a connection of this
    /// worker.
    ///
    /// # Errors
    /// As [`send`](Self::send); where the kernel has not taken the bytes in time; in any other process.
    pub fn send_wait(&self, session: SessionId, data: &[u8], timeout: Duration) -> Result<()> {
        const ACT: &str = "send and wait to";
        if data.is_empty() {
            return Err(refused(ACT, session, Code::NoPayload));
        }
        if self.state().mode() == Mode::Process || self.role() != Role::Worker {
            return Err(Error::State { operation: ACT, reason: "this works in a worker of base mode only".into() });
        }
        self.sendable(ACT, session)?;
        let (owner, conn) = self.own_connection(session).ok_or_else(|| refused(ACT, session, Code::SessionNotExist))?;
        let deadline = clock::monotonic_ms() + timeout.as_millis() as u64;
        owner.write(&conn, data, false);
        while owner.write_now(&conn) {
            let left = deadline.saturating_sub(clock::monotonic_ms());
            if left == 0 || !socket::wait_writable(conn.fd(), left.min(i32::MAX as u64) as i32) {
                return Err(refused(ACT, session, Code::OutputBufferOverflow));
            }
        }
        Ok(())
    }

    /// Answers an HTTP request with an error status, and closes its connection behind the response.
    pub fn refuse_request(&self, session: SessionId, status: u16) {
        // Errors mean that the peer is gone.
        let _ = self.send(session, &Refusal::response(status));
        let _ = self.close(session, false);
    }

    /// This worker handles an HTTP request of the connection. If it dies before [`end_request`](Self::end_request), the
    /// connection is reset: the peer sees a broken response, and never another response in its place.
    #[inline]
    pub fn begin_request(&self, session: SessionId) {
        if let Some((_, slot)) = self.state().registry().find(session) {
            slot.set_flags(Flags::HANDLING);
        }
    }

    /// The response is complete.
    #[inline]
    pub fn end_request(&self, session: SessionId) {
        if let Some((_, slot)) = self.state().registry().find(session)
            && slot.clear_flags(Flags::HANDLING).any(Flags::HANDLING)
        {
            // Release: a reader of this count sees everything that was sent before.
            slot.responses_completed.fetch_add(1, Release);
        }
    }

    /// This worker is done with the request; another process may still answer it.
    pub fn leave_request(&self, session: SessionId) {
        if let Some((_, slot)) = self.state().registry().find(session) {
            slot.clear_flags(Flags::HANDLING);
        }
    }

    /// Upgrades the connection to WebSocket: its packets are frames from here on. To be called before the response to the
    /// upgrade is sent. `deflate`: what was negotiated about compression.
    #[cfg(feature = "websocket")]
    pub fn begin_websocket(&self, session: SessionId, deflate: Option<DeflateParams>) {
        if let Some((_, slot)) = self.state().registry().find(session) {
            let compression = match deflate {
                None => 0,
                Some(DeflateParams { small_window: false }) => Flags::DEFLATE,
                Some(DeflateParams { small_window: true }) => Flags::DEFLATE | Flags::NARROW,
            };
            slot.set_flags(Flags::WEBSOCKET | compression);
        }
    }

    /// The compression that was negotiated for a WebSocket's messages.
    #[cfg(feature = "websocket")]
    pub fn deflate_of(&self, session: SessionId) -> Option<DeflateParams> {
        let (_, slot) = self.state().registry().find(session)?;
        let flags = slot.flags();
        flags.any(Flags::DEFLATE).then(|| DeflateParams { small_window: flags.any(Flags::NARROW) })
    }

    /// Whether the connection was upgraded to WebSocket, and is open.
    pub fn is_websocket(&self, session: SessionId) -> bool {
        let flags = self.lookup(session).map(|(_, slot)| slot.flags());
        flags.is_some_and(|flags| flags.any(Flags::WEBSOCKET) && !flags.any(Flags::CLOSING | Flags::CLOSED))
    }

    /// Whether the body of the connection's request follows its head in parts (`http::request_parts`).
    pub fn is_streamed(&self, session: SessionId) -> bool {
        session.is_stream()
            && self.state().registry().find(session).is_some_and(|(_, slot)| slot.flags().any(Flags::STREAMED))
    }

    /// Whether the connection was upgraded to WebSocket.
    pub fn was_websocket(&self, session: SessionId) -> bool {
        self.state().registry().find(session).is_some_and(|(_, slot)| slot.flags().any(Flags::WEBSOCKET))
    }

    /// Stops reading the connection, reads it again, or (`enable_delay_receive`) starts to read it.
    ///
    /// # Errors
    /// Where the connection is not open, or its owner cannot be reached.
    pub fn set_reading(&self, session: SessionId, reading: Reading) -> Result<()> {
        let (_, slot) = self.open_connection("change the reading of", session)?;
        match self.own_connection(session) {
            Some((_, conn)) => {
                conn.set_reading(reading);
                Ok(())
            }
            None => self.command(slot, session, Command::SetReading(reading)),
        }
    }

    /// The connection's row, if bytes can be sent to it now.
    fn sendable(&self, act: &'static str, session: SessionId) -> Result<&'static ConnectionSlot> {
        let (_, slot) = self.open_connection(act, session)?;
        // In base mode the close event may still send: the connection is closed after it returns.
        let may_still_send = self.state().mode() == Mode::Base && self.is_in_close_event(session);
        let flags = slot.flags();
        if flags.any(Flags::HTTP2) && !session.is_stream() {
            // Only its streams carry bytes of user code.
            return Err(refused(act, session, Code::OperationNotSupport));
        }
        if flags.any(Flags::BROKEN) || flags.any(Flags::CLOSING) && !may_still_send {
            return Err(refused(act, session, Code::SessionClosed));
        }
        Ok(slot)
    }

    /// Counts bytes as queued for the peer, within its port's limit.
    fn reserve(&self, act: &'static str, session: SessionId, slot: &ConnectionSlot, bytes: u64) -> Result<()> {
        let limit = self.state().ports()[slot.port_index()].config().socket_buffer_size;
        let before = slot.send_queued.fetch_add(bytes, Relaxed);
        if before > 0 && before + bytes > limit {
            slot.send_queued.fetch_sub(bytes, Relaxed);
            return Err(refused(act, session, Code::OutputBufferOverflow));
        }
        Ok(())
    }

    /// Sends a command to a connection's owner.
    pub(crate) fn command(&self, slot: &ConnectionSlot, session: SessionId, command: Command<&[u8]>) -> Result<()> {
        let state = self.state();
        let owner = slot.reactor.load(Relaxed);
        // A reactor makes room soon. In another worker of base mode user code may run for long.
        let (to, timeout) = match state.mode() {
            Mode::Process => (state.mailboxes().commands().get(owner as usize), REACTOR_TIMEOUT),
            Mode::Base => (state.mailboxes().messages(WorkerId(owner)), WORKER_TIMEOUT),
        };
        let to = to.ok_or_else(|| refused("reach", session, Code::SessionNotExist))?;
        let message = Message::Command { session, command };
        self.mail()
            .sender()
            .push_while(to, self.source(), &message, timeout, || self.take_command())
            .map_err(|RingFull| refused("reach the owner of", session, Code::ServerPipeBufferFull))
    }

    /// Two workers of base mode may wait for room at each other: meanwhile each takes its own messages, carries out writes,
    /// and defers the rest. Returns whether there was a message.
    fn take_command(&self) -> bool {
        let Some(owner) = self.owner() else { return false };
        let own = self.worker_id().and_then(|id| self.state().mailboxes().messages(id));
        let Some(message) = own.and_then(|own| own.take(&mut self.mail().messages().borrow_mut())) else {
            return false;
        };
        if let Message::Command { session, command: command @ Command::Send { .. } } = &message
            && !self.mail().has_deferred()
            && let Some(conn) = owner.find(*session)
        {
            owner.execute(&conn, command);
            return true;
        }
        self.mail().defer(message);
        self.lifecycle().wake().raise();
        true
    }

    /// `bytes` of a connection's packets were delivered, or refused: they do not wait any more.
    pub(crate) fn note_dequeued_bytes(&self, session: SessionId, bytes: usize) {
        let Some(limit) = self.state().config().queued_bytes_limit() else { return };
        let Some((_, slot)) = self.state().registry().find(session) else { return };
        let subtract = |queued: u64| Some(queued.saturating_sub(bytes as u64));
        let before = slot.unprocessed_bytes.fetch_update(Relaxed, Relaxed, subtract).unwrap_or(0);
        // A reactor's connection is released by the reactor.
        if before.saturating_sub(bytes as u64) <= limit
            && let Some((_, conn)) = self.own_connection(session)
            && conn.is_held(ReadHold::QueueLimit)
        {
            conn.release_hold(ReadHold::QueueLimit);
        }
    }
}

/// Kind of the bytes that follow a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follows {
    Unknown,
    /// They end a reply.
    NextReply,
    File,
}

const SEND_FILE: &str = "send a file to";
const REACTOR_TIMEOUT: Duration = Duration::from_secs(10);
const WORKER_TIMEOUT: Duration = Duration::from_secs(2);
