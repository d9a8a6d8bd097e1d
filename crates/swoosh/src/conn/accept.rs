//! From a listening socket to a connection.

use super::connection::{Connection, ReadHold};
use super::drive;
use super::owner::{Owner, add, is_transient};
use crate::net::Port;
use crate::proto::http1::request_framer::RequestRules;
use crate::state::registry::{ConnectionRow, Flags, Peer, Registry};
use crate::{log, sys};
use socket2::{SockRef, Socket};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::io::Interest;

impl Owner {
    /// Accepts from `port` until the server ends. `place` may pass the socket to another thread; a socket that it returns
    /// becomes a connection of this owner.
    pub async fn accept_from(self: Rc<Self>, port: Arc<Port>, place: impl Fn(Socket, Peer) -> Option<(Socket, Peer)>) {
        if !port.kind().is_stream() {
            return;
        }
        let Ok(listener) = sys::watch::watch(port.clone(), Interest::READABLE) else {
            log::error!("accept {}: the listening socket cannot be watched", port.address());
            return;
        };
        let mut reserve = File::open("/dev/null").ok();
        let mut has_warned = false;
        while self.is_accepting() {
            let Ok(mut ready) = listener.readable().await else { return };
            if !self.is_accepting() {
                return;
            }
            match port.stream_socket().map(|l| l.accept_raw()) {
                Some(Ok((socket, address))) => {
                    has_warned = false;
                    let peer = peer_of(&address);
                    if self.state.registry().count() >= u64::from(self.state.config().max_conn) {
                        self.refuse_until_room(socket, &port).await;
                        continue;
                    }
                    if let Some((socket, peer)) = place(socket, peer) {
                        self.adopt(socket, peer, &port);
                    }
                }
                Some(Err(e)) if e.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Some(Err(e)) if matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                    // No descriptor is left: release the reserved one to refuse this peer, which would wait otherwise.
                    if reserve.take().is_some()
                        && let Some(Ok((socket, _))) = port.stream_socket().map(|l| l.accept_raw())
                    {
                        add(&self.slot().aborted, 1);
                        drop(socket);
                    }
                    reserve = File::open("/dev/null").ok();
                    if !has_warned {
                        has_warned = true;
                        log::warn!(
                            "accept {}: {e}; new connections are refused: raise the limit of open files (ulimit -n)",
                            port.address()
                        );
                    }
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
                Some(Err(e)) if is_transient(&e) => {}
                Some(Err(e)) => {
                    log::error!("accept {}: {e}", port.address());
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
                None => return,
            }
        }
    }

    /// Closes a connection beyond `max_conn`, then accepts none until others have closed.
    async fn refuse_until_room(&self, socket: Socket, port: &Port) {
        let limit = self.state.config().max_conn;
        drop(socket);
        add(&self.slot().aborted, 1);
        log::warn!(
            "accept {}: max_conn ({limit}) is reached; the next connections wait: raise max_conn",
            port.address()
        );
        while self.state.registry().count() >= u64::from(limit) && self.state.accepts() {
            tokio::time::sleep(FULL_PAUSE).await;
        }
    }

    /// Makes an accepted socket a connection of this owner.
    pub fn adopt(self: &Rc<Self>, socket: Socket, peer: Peer, port: &Arc<Port>) {
        port.tune(&socket);
        let fd = socket.as_raw_fd();
        let io = match sys::watch::watch(socket, Interest::READABLE | Interest::WRITABLE) {
            Ok(io) => io,
            Err(e) => {
                add(&self.slot().aborted, 1);
                return log::error!("watch a new connection of {}: {e}", port.address());
            }
        };
        let registry = self.state.registry();
        let Some((session, index)) = registry.open(fd, port.index(), self.id(), peer) else {
            add(&self.slot().aborted, 1);
            let limit = self.state.config().max_conn;
            return log::info!("accept {}: max_conn ({limit}) is reached", port.address());
        };
        let tls = match port.tls().as_ref().map(|tls| tls.begin()).transpose() {
            Ok(tls) => tls,
            Err(e) => {
                add(&self.slot().aborted, 1);
                registry.release(session, index);
                return log::error!("accept {}: {e}", port.address());
            }
        };
        if tls.is_some() {
            registry.slot(index).set_flags(Flags::HANDSHAKING);
        }
        let conn = Rc::new(Connection::new(session, index, port.clone(), io, tls, *registry));
        if port.has_wildcard_address()
            && let Some(io) = conn.transport.socket()
            && let Some(local) = SockRef::from(io.get_ref()).local_addr().ok().and_then(|local| local.as_socket())
        {
            Registry::set_local_address(conn.slot(), local.ip());
        }
        conn.framer.borrow_mut().set_http_rules(RequestRules {
            requires_host: port.config().http_require_host,
            max_form: self.state.config().max_form_length,
        });
        if self.state.config().enable_delay_receive {
            conn.hold(ReadHold::Confirm);
        }
        self.insert(conn.clone());
        let slot = self.slot();
        add(&slot.accepted, 1);
        slot.connections.store(slot.connections.load(Relaxed) + 1, Relaxed);
        self.tasks().begin(drive::run(self.clone(), conn));
    }
}

fn peer_of(address: &socket2::SockAddr) -> Peer {
    match address.as_socket() {
        Some(a) => Peer { ip: Some(sys::socket::canonical_ip(a.ip())), port: a.port() },
        None => Peer { ip: None, port: 0 },
    }
}

/// How long nothing is accepted after descriptors have run out.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// How often a full server checks whether connections have closed.
const FULL_PAUSE: Duration = Duration::from_millis(20);
