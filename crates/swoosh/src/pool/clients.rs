//! Clients of a pool: each sends one message, framed by its length, and gets one reply in the same form.
//!
//! A worker serves one message at a time, but no client that is slow to send or to read keeps others waiting. One that
//! has not sent its message in time is disconnected.

use super::Shared;
use crate::error::{Error, Result};
use crate::sys::socket;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use socket2::Socket;
use std::collections::BTreeMap;
use std::io;
use std::io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// Those of one worker.
pub struct Clients {
    /// None are taken for a moment: there was no room for one.
    rests_until: Option<Instant>,
    longest: usize,
    clients: BTreeMap<RawFd, Client>,
}

struct Client {
    socket: Socket,
    /// What came, or what is to go.
    bytes: Vec<u8>,
    stage: Stage,
    /// Disconnected at that moment.
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Sends,
    IsServed,
    Receives,
}

impl Clients {
    /// Nobody yet; whoever connects to the pool's listeners is reported by `queue`.
    pub fn new(shared: &Shared, queue: &Epoll) -> Result<Self> {
        watch(&shared.pool.listeners, queue).map_err(|e| Error::system("watch", "a pool's port", e))?;
        Ok(Clients { rests_until: None, longest: shared.pool.max_package, clients: BTreeMap::new() })
    }

    /// Takes no more of them.
    pub fn close_entrance(&mut self, listeners: &[Socket], queue: &Epoll) {
        self.rests_until = None;
        unwatch(listeners, queue);
    }

    /// How many have not got their reply.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// When the next one is to be disconnected.
    pub fn next_deadline(&self) -> Option<Instant> {
        let slow = self.clients.values().filter(|client| client.stage != Stage::IsServed).map(|client| client.until);
        slow.chain(self.rests_until).min()
    }

    /// Disconnects those that are too slow, and takes new ones again after a rest.
    pub fn look_at_clock(&mut self, listeners: &[Socket], queue: &Epoll) {
        let now = Instant::now();
        if self.rests_until.is_some_and(|until| until <= now) {
            self.rests_until = if watch(listeners, queue).is_ok() { None } else { Some(now + REST) };
        }
        self.clients.retain(|_, client| client.stage == Stage::IsServed || client.until > now);
    }

    /// Something has happened at a descriptor. The message that is whole now, and whose it is.
    pub fn look_at(&mut self, fd: RawFd, listeners: &[Socket], queue: &Epoll) -> Option<(RawFd, Vec<u8>)> {
        if let Some(listener) = listeners.iter().find(|listener| listener.as_raw_fd() == fd) {
            // One at a time: the next may be another worker's.
            return match self.accept(listener, queue) {
                Ok(fd) => self.read(fd, queue),
                Err(e) if matches!(e.kind(), WouldBlock | Interrupted | ConnectionAborted) => None,
                Err(e) => {
                    crate::log::warn!("pool: accept a client: {e}");
                    unwatch(listeners, queue);
                    self.rests_until = Some(Instant::now() + REST);
                    None
                }
            };
        }
        match self.clients.get(&fd)?.stage {
            Stage::Sends => self.read(fd, queue),
            Stage::Receives => {
                self.write(fd);
                None
            }
            // It has gone, or sends what nobody asked for.
            Stage::IsServed => None,
        }
    }

    fn accept(&mut self, listener: &Socket, queue: &Epoll) -> io::Result<RawFd> {
        let (socket, _) = listener.accept()?;
        socket.set_nonblocking(true)?;
        let fd = socket.as_raw_fd();
        queue.add(&socket, EpollEvent::new(EpollFlags::EPOLLIN, fd as u64))?;
        let until = Instant::now() + PATIENCE;
        self.clients.insert(fd, Client { socket, bytes: Vec::new(), stage: Stage::Sends, until });
        Ok(fd)
    }

    fn read(&mut self, fd: RawFd, queue: &Epoll) -> Option<(RawFd, Vec<u8>)> {
        let client = self.clients.get_mut(&fd)?;
        let mut room = [0; 16384];
        loop {
            let missing = match client.bytes.first_chunk::<HEADER>() {
                None => HEADER - client.bytes.len(),
                Some(header) => {
                    let length = u32::from_be_bytes(*header) as usize;
                    if length > self.longest {
                        crate::log::warn!(
                            "pool: a client announces {length} bytes, more than max_package_size: it is disconnected"
                        );
                        self.clients.remove(&fd);
                        return None;
                    }
                    HEADER + length - client.bytes.len()
                }
            };
            if missing == 0 {
                client.stage = Stage::IsServed;
                let _ = queue.delete(client.socket.as_fd());
                return Some((fd, client.bytes.split_off(HEADER)));
            }
            // Not a byte more than the message: what follows it is nobody's.
            let len = missing.min(room.len());
            match socket::recv(fd, &mut room[..len]) {
                Ok(0) => break,
                Ok(len) => client.bytes.extend_from_slice(&room[..len]),
                Err(e) if e.kind() == Interrupted => {}
                Err(e) if e.kind() == WouldBlock => return None,
                Err(_) => break,
            }
        }
        self.clients.remove(&fd);
        None
    }

    /// Sends a reply, if there is one, and then disconnects the client.
    pub fn answer(&mut self, fd: RawFd, reply: &[u8], queue: &Epoll) {
        let Some(client) = self.clients.get_mut(&fd) else { return };
        let Some(length) = u32::try_from(reply.len()).ok().filter(|length| *length > 0) else {
            self.clients.remove(&fd);
            return;
        };
        client.bytes.clear();
        client.bytes.extend_from_slice(&length.to_be_bytes());
        client.bytes.extend_from_slice(reply);
        client.stage = Stage::Receives;
        client.until = Instant::now() + PATIENCE;
        if queue.add(&client.socket, EpollEvent::new(EpollFlags::EPOLLOUT, fd as u64)).is_err() {
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

fn unwatch(listeners: &[Socket], queue: &Epoll) {
    for listener in listeners {
        let _ = queue.delete(listener);
    }
}

fn watch(listeners: &[Socket], queue: &Epoll) -> nix::Result<()> {
    // Of many sleeping workers one is woken.
    let flags = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
    listeners.iter().try_for_each(|listener| queue.add(listener, EpollEvent::new(flags, listener.as_raw_fd() as u64)))
}

/// Bytes of a message's length.
const HEADER: usize = 4;
/// How long a client may take to send its message, or to read its reply.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long none are taken after one could not be.
const REST: Duration = Duration::from_millis(100);
