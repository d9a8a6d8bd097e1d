//! A worker's inbox: messages from sockets, a queue or clients.
//!
//! An event loop watches one descriptor, [`Inbox::descriptor`], whatever the source.

use super::clients::Clients;
use super::fragments::Reassembly;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::sys::message_queue::MessageBuffer;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// A message to a worker.
///
/// ```
/// let mut message = swoosh::pool::Message::default();
/// assert!(!message.reply(b"nobody waits"));
/// ```
#[derive(Debug, Default)]
pub struct Message {
    /// The message's bytes.
    pub data: Vec<u8>,
    client: Option<RawFd>,
    reply: Vec<u8>,
}

impl Message {
    /// Appends to the reply, which is sent when the message has been handled. False if the sender expects none.
    pub fn reply(&mut self, data: &[u8]) -> bool {
        if self.client.is_some() {
            self.reply.extend_from_slice(data);
        }
        self.client.is_some()
    }

    fn without_reply(data: Vec<u8>) -> Self {
        Message { data, client: None, reply: Vec::new() }
    }
}

/// The inbox of one worker: see [`Worker::inbox`](super::Worker::inbox).
pub struct Inbox {
    shared: Rc<Shared>,
    id: u32,
    epoll: Epoll,
    clients: Clients,
    reassembly: Reassembly,
    /// The buffer for one datagram.
    datagram: Vec<u8>,
    queue_buffer: MessageBuffer,
}

impl Inbox {
    pub(super) fn new(shared: Rc<Shared>, id: u32) -> Result<Self> {
        let failed = |e| Error::system("watch", "a worker's messages", e);
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(failed)?;
        let mut datagram = Vec::new();
        if let Some(pipe) = shared.pipes.get(id as usize) {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, pipe.local.as_raw_fd() as u64);
            epoll.add(&pipe.local, event).map_err(failed)?;
            datagram.resize(MAX_DATAGRAM, 0);
        }
        let queue_buffer = if shared.queue.is_some() { MessageBuffer::new() } else { MessageBuffer::with_capacity(0) };
        let clients = Clients::new(&shared, &epoll)?;
        Ok(Inbox { shared, id, epoll, clients, reassembly: Reassembly::default(), datagram, queue_buffer })
    }

    /// A descriptor that is readable when there may be a message. A System V queue has none: use [`wait`](Inbox::wait).
    pub fn descriptor(&self) -> RawFd {
        self.epoll.0.as_raw_fd()
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    /// If the queue was removed.
    pub fn take(&mut self) -> Result<Option<Message>> {
        if let Some(queue) = &self.shared.queue {
            let received = queue.receive(0, false, &mut self.queue_buffer)?;
            return Ok(received.map(|_| Message::without_reply(self.queue_buffer.data().to_vec())));
        }
        self.clients.check_deadlines(&self.shared.options.listeners, &self.epoll);
        loop {
            let mut events = [EpollEvent::empty(); 1];
            let count = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
            if count == 0 {
                return Ok(None);
            }
            let fd = events[0].data() as RawFd;
            let message = match self.shared.pipes.get(self.id as usize) {
                Some(pipe) if pipe.local.as_raw_fd() == fd => self.receive_datagram(fd),
                _ => self
                    .clients
                    .handle_event(fd, &self.shared.options.listeners, &self.epoll)
                    .map(|(client, data)| Message { data, client: Some(client), reply: Vec::new() }),
            };
            if message.is_some() {
                return Ok(message);
            }
        }
    }

    fn receive_datagram(&mut self, fd: RawFd) -> Option<Message> {
        let len = crate::sys::socket::recv(fd, &mut self.datagram).ok()?;
        let data = match self.shared.options.message_bus {
            true => self.reassembly.take(&self.datagram[..len])?,
            false => self.datagram[..len].to_vec(),
        };
        Some(Message::without_reply(data))
    }

    /// Sends the reply of a message that has been handled.
    pub fn complete(&mut self, message: Message) {
        if let Some(client) = message.client {
            self.clients.reply(client, &message.reply, &self.epoll);
        }
    }

    /// Waits until there may be a message, `event_fd` is readable or a signal arrives, at most `limit`.
    ///
    /// With a queue it blocks for the message itself, which it returns; only a signal interrupts it.
    ///
    /// # Errors
    /// If the queue was removed.
    pub fn wait(&mut self, event_fd: RawFd, limit: Option<Duration>) -> Result<Option<Message>> {
        if let Some(queue) = &self.shared.queue {
            let received = queue.receive(0, true, &mut self.queue_buffer)?;
            return Ok(received.map(|_| Message::without_reply(self.queue_buffer.data().to_vec())));
        }
        let limit = [limit, self.next_deadline()].into_iter().flatten().min();
        crate::sys::socket::wait_readable(&[self.descriptor(), event_fd], limit);
        Ok(None)
    }

    /// Stops accepting clients; connected ones are served.
    pub fn stop_accepting(&mut self) {
        self.clients.stop_accepting(&self.shared.options.listeners, &self.epoll);
    }

    /// The time after which [`take`](Inbox::take) must be called even without an event.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.clients.next_deadline().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// The number of clients without a reply.
    pub fn pending_clients(&self) -> usize {
        self.clients.len()
    }
}

/// More than the kernel accepts for a datagram unless net.core.wmem_max was raised.
const MAX_DATAGRAM: usize = 256 << 10;
