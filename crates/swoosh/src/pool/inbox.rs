//! Where a worker's messages come in, whatever way they take.
//!
//! One descriptor tells that there may be some: whoever has an event loop watches [`Inbox::descriptor`].

use super::bus::Joiner;
use super::clients::Clients;
use super::{Ipc, Shared};
use crate::error::{Error, Result};
use crate::sys::message_queue::MessageBuffer;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A message.
#[derive(Debug, Default)]
pub struct Message {
    /// What it says.
    pub data: Vec<u8>,
    client: Option<RawFd>,
    reply: Vec<u8>,
}

impl Message {
    /// Adds to the reply, which the sender gets when the message is handled. `false`: it came from nobody who waits for
    /// one.
    pub fn reply(&mut self, data: &[u8]) -> bool {
        if self.client.is_some() {
            self.reply.extend_from_slice(data);
        }
        self.client.is_some()
    }

    fn from_nobody(data: Vec<u8>) -> Self {
        Message { data, client: None, reply: Vec::new() }
    }
}

/// The inbox of one worker.
pub struct Inbox {
    shared: Rc<Shared>,
    id: u32,
    watched: Epoll,
    clients: Clients,
    joiner: Joiner,
    /// Room for one datagram.
    room: Vec<u8>,
    buffer: MessageBuffer,
}

impl Inbox {
    pub(super) fn new(shared: Rc<Shared>, id: u32) -> Result<Self> {
        let failed = |e| Error::system("watch", "a worker's messages", e);
        let watched = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed)?;
        let mut room = Vec::new();
        if let Some((_, own)) = shared.pipes.get(id as usize) {
            watched.add(own, EpollEvent::new(EpollFlags::EPOLLIN, own.as_raw_fd() as u64)).map_err(failed)?;
            room.resize(LONGEST_DATAGRAM, 0);
        }
        let buffer = if shared.queue.is_some() { MessageBuffer::new() } else { MessageBuffer::with_capacity(0) };
        let clients = Clients::new(&shared, &watched)?;
        Ok(Inbox { shared, id, watched, clients, joiner: Joiner::default(), room, buffer })
    }

    /// Can be read when there may be a message. A System V queue has none: there is only [`wait`](Inbox::wait).
    pub fn descriptor(&self) -> RawFd {
        self.watched.0.as_raw_fd()
    }

    /// The next message; `None`: there is none now.
    ///
    /// Fails where the queue is gone.
    pub fn take(&mut self) -> Result<Option<Message>> {
        if let Some(queue) = &self.shared.queue {
            let received = queue.receive(0, false, &mut self.buffer)?;
            return Ok(received.map(|_| Message::from_nobody(self.buffer.data().to_vec())));
        }
        self.clients.look_at_clock(&self.shared.pool.listeners, &self.watched);
        loop {
            let mut events = [EpollEvent::empty(); 1];
            let count = self.watched.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            if count == 0 {
                return Ok(None);
            }
            let fd = events[0].data() as RawFd;
            let message = match self.shared.pipes.get(self.id as usize) {
                Some((_, own)) if own.as_raw_fd() == fd => self.datagram(fd),
                _ => self
                    .clients
                    .look_at(fd, &self.shared.pool.listeners, &self.watched)
                    .map(|(client, data)| Message { data, client: Some(client), reply: Vec::new() }),
            };
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    fn datagram(&mut self, fd: RawFd) -> Option<Message> {
        let len = crate::sys::socket::recv(fd, &mut self.room).ok()?;
        let data = match self.shared.pool.bus {
            true => self.joiner.take(&self.room[..len])?,
            false => self.room[..len].to_vec(),
        };
        Some(Message::from_nobody(data))
    }

    /// The message was handled: its reply goes.
    pub fn answer(&mut self, message: Message) {
        if let Some(client) = message.client {
            self.clients.answer(client, &message.reply, &self.watched);
        }
    }

    /// Waits until there may be a message, or `bell` can be read, or a signal comes; `limit` at most.
    ///
    /// Of a queue it waits for the message itself, which it gives, and takes no heed of the others.
    pub fn wait(&mut self, event_fd: RawFd, limit: Option<Duration>) -> Result<Option<Message>> {
        if let Some(queue) = &self.shared.queue {
            let received = queue.receive(0, true, &mut self.buffer)?;
            return Ok(received.map(|_| Message::from_nobody(self.buffer.data().to_vec())));
        }
        let limit = [limit, self.due()].into_iter().flatten().min();
        crate::sys::socket::wait_readable(&[self.descriptor(), event_fd], limit);
        Ok(None)
    }

    /// Takes no more clients; those that are here are served still.
    pub fn close_entrance(&mut self) {
        self.clients.close_entrance(&self.shared.pool.listeners, &self.watched);
    }

    /// How soon [`take`](Inbox::take) has something to do even if nothing comes.
    pub fn due(&self) -> Option<Duration> {
        self.clients.next_deadline().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// How many clients have not got their reply.
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    /// Whether messages can be waited for by [`descriptor`](Inbox::descriptor).
    pub fn has_descriptor(&self) -> bool {
        !matches!(self.shared.pool.ipc, Ipc::Queue(_))
    }
}

/// More than the kernel takes of a datagram unless its limits were raised (net.core.wmem_max).
const LONGEST_DATAGRAM: usize = 256 << 10;
