//! Clients of a pool: each sends one message with a length prefix and receives one reply in the same form.
//!
//! A worker handles one message at a time, but a client that is slow to send or to read delays no other. A client that does
//! not send its message in time is disconnected.

use super::shared::Shared;
use crate::error::{Error, Result};
use crate::sys::socket;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use socket2::Socket;
use std::collections::BTreeMap;
use std::io;
use std::io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// The clients of one worker.
pub(super) struct Clients {
    /// Accepting is suspended until then, because no descriptor was left.
    suspended_until: Option<Instant>,
    max_message: usize,
    clients: BTreeMap<RawFd, Client>,
}

struct Client {
    socket: Socket,
    /// The bytes received so far, or those still to send.
    bytes: Vec<u8>,
    state: ClientState,
    /// The client is disconnected at that time.
    deadline: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ClientState {
    /// The client sends its message.
    Sending,
    /// The message is being handled.
    InService,
    /// The client receives its reply.
    Receiving,
}

impl Clients {
    /// No clients yet; `epoll` reports connections to the pool's listeners.
    pub(super) fn new(shared: &Shared, epoll: &Epoll) -> Result<Self> {
        watch(&shared.options.listeners, epoll).map_err(|e| Error::system("watch", "a pool's port", e))?;
        Ok(Clients { suspended_until: None, max_message: shared.options.max_package, clients: BTreeMap::new() })
    }

    /// Stops accepting clients.
    pub(super) fn stop_accepting(&mut self, listeners: &[Socket], epoll: &Epoll) {
        self.suspended_until = None;
        unwatch(listeners, epoll);
    }

    /// The number of clients without a reply.
    pub(super) fn len(&self) -> usize {
        self.clients.len()
    }

    /// The time at which the next client is to be disconnected.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let slow =
            self.clients.values().filter(|client| client.state != ClientState::InService).map(|client| client.deadline);
        slow.chain(self.suspended_until).min()
    }

    /// Disconnects clients that are too slow, and resumes accepting after a suspension.
    pub(super) fn check_deadlines(&mut self, listeners: &[Socket], epoll: &Epoll) {
        let now = Instant::now();
        if self.suspended_until.is_some_and(|until| until <= now) {
            self.suspended_until = if watch(listeners, epoll).is_ok() { None } else { Some(now + SUSPENSION) };
        }
        self.clients.retain(|_, client| client.state == ClientState::InService || client.deadline > now);
    }

    /// Handles an event of a descriptor. Returns the message that is complete now, with its client's descriptor.
    pub(super) fn handle_event(&mut self, fd: RawFd, listeners: &[Socket], epoll: &Epoll) -> Option<(RawFd, Vec<u8>)> {
        if let Some(listener) = listeners.iter().find(|listener| listener.as_raw_fd() == fd) {
            // One at a time: another worker may take the next.
            return match self.accept(listener, epoll) {
                Ok(fd) => self.read(fd, epoll),
                Err(e) if matches!(e.kind(), WouldBlock | Interrupted | ConnectionAborted) => None,
                Err(e) => {
                    crate::log::warn!("pool: accept a client: {e}; no client is accepted for a while");
                    unwatch(listeners, epoll);
                    self.suspended_until = Some(Instant::now() + SUSPENSION);
                    None
                }
            };
        }
        match self.clients.get(&fd)?.state {
            ClientState::Sending => self.read(fd, epoll),
            ClientState::Receiving => {
                self.write(fd);
                None
            }
            // It has disconnected, or sends more than one message.
            ClientState::InService => None,
        }
    }

    fn accept(&mut self, listener: &Socket, epoll: &Epoll) -> io::Result<RawFd> {
        let (socket, _) = listener.accept()?;
        socket.set_nonblocking(true)?;
        let fd = socket.as_raw_fd();
        epoll.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, fd as u64))?;
        let deadline = Instant::now() + CLIENT_TIMEOUT;
        self.clients.insert(fd, Client { socket, bytes: Vec::new(), state: ClientState::Sending, deadline });
        Ok(fd)
    }

    fn read(&mut self, fd: RawFd, epoll: &Epoll) -> Option<(RawFd, Vec<u8>)> {
        let client = self.clients.get_mut(&fd)?;
        let mut buffer = [0; 16384];
        loop {
            let missing = match client.bytes.first_chunk::<HEADER>() {
                None => HEADER - client.bytes.len(),
                Some(header) => {
                    let length = u32::from_be_bytes(*header) as usize;
                    if length > self.max_message {
                        crate::log::info!(
                            "pool: disconnecting a client that announces {length} bytes, more than max_package_size"
                        );
                        self.clients.remove(&fd);
                        return None;
                    }
                    HEADER + length - client.bytes.len()
                }
            };
            if missing == 0 {
                client.state = ClientState::InService;
                let _ = epoll.delete(client.socket.as_fd());
                return Some((fd, client.bytes.split_off(HEADER)));
            }
            // Reads no byte beyond the message.
            let len = missing.min(buffer.len());
            match socket::recv(fd, &mut buffer[..len]) {
                Ok(0) => break,
                Ok(len) => client.bytes.extend_from_slice(&buffer[..len]),
                Err(e) if e.kind() == Interrupted => {}
                Err(e) if e.kind() == WouldBlock => return None,
                Err(_) => break,
            }
        }
        self.clients.remove(&fd);
        None
    }

    /// Sends a reply, if there is one, and then disconnects the client.
    pub(super) fn reply(&mut self, fd: RawFd, reply: &[u8], epoll: &Epoll) {
        let Some(client) = self.clients.get_mut(&fd) else { return };
        let Some(length) = u32::try_from(reply.len()).ok().filter(|length| *length > 0) else {
            self.clients.remove(&fd);
            return;
        };
        client.bytes.clear();
        client.bytes.extend_from_slice(&length.to_be_bytes());
        client.bytes.extend_from_slice(reply);
        client.state = ClientState::Receiving;
        client.deadline = Instant::now() + CLIENT_TIMEOUT;
        if epoll.add(&client.socket, EpollEvent::new(EpollFlags::EPOLLOUT, fd as u64)).is_err() {
            self.clients.remove(&fd);
            return;
        }
        self.write(fd);
    }

    fn write(&mut self, fd: RawFd) {
        let Some(client) = self.clients.get_mut(&fd) else { return };
        while !client.bytes.is_empty() {
            match socket::send(fd, &client.bytes) {
                Ok(sent) => drop(client.bytes.drain(..sent)),
                Err(e) if e.kind() == Interrupted => {}
                Err(e) if e.kind() == WouldBlock => return,
                Err(_) => break,
            }
        }
        self.clients.remove(&fd);
    }
}

fn unwatch(listeners: &[Socket], epoll: &Epoll) {
    for listener in listeners {
        let _ = epoll.delete(listener);
    }
}

fn watch(listeners: &[Socket], epoll: &Epoll) -> nix::Result<()> {
    // EPOLLEXCLUSIVE: a connection wakes one worker, not all.
    let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
    listeners.iter().try_for_each(|listener| epoll.add(listener, EpollEvent::new(flags, listener.as_raw_fd() as u64)))
}

/// Bytes of the length prefix.
const HEADER: usize = 4;
/// The time that a client may take to send its message, and to read its reply.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);
/// The suspension of accepting after an error.
const SUSPENSION: Duration = Duration::from_millis(100);
