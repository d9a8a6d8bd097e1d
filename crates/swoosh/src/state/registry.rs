//! The connection registry: session id -> row, readable by every process of the server.
//!
//! Invariant: an id names one connection forever. A slot is reused, its id never is; a reader loads the slot's id last
//! and discards what it read if the id has changed.

pub use super::connection_flags::Flags;
use crate::error::Result;
use crate::ids::{SessionId, WorkerId};
use crate::shm::SharedSlice;
use crate::shm::slots::{ConnectionSlot, MapEntry, ServerSlot};
use crate::sys::clock;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};

/// All connections of a server. Copies are the same registry.
#[derive(Clone, Copy)]
pub struct Registry {
    slots: SharedSlice<ConnectionSlot>,
    /// The entries of connections, and those of streams of HTTP/2 behind them, so that neither keeps an id from the other.
    map: SharedSlice<MapEntry>,
    connection_entries: usize,
    server: SharedSlice<ServerSlot>,
    /// Connections open at once, at most.
    limit: u64,
    /// Streams of HTTP/2 open at once, at most.
    stream_limit: u64,
}

/// A slot's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotIndex(pub u32);

/// The remote address of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// `None` for a Unix socket.
    pub ip: Option<IpAddr>,
    /// 0 for a Unix socket.
    pub port: u16,
}

impl Registry {
    /// A registry with room for `max_conn` connections and `max_streams` streams of HTTP/2. The kernel provides the memory
    /// of rows that are used.
    pub fn new(max_conn: u32, max_streams: u32, server: SharedSlice<ServerSlot>) -> Result<Self> {
        let rows = max_conn as usize + max_streams as usize;
        let entries = |rows: u32| (rows as usize * 2).next_power_of_two().max(64);
        let stream_entries = if max_streams == 0 { 0 } else { entries(max_streams) };
        Ok(Registry {
            // Spare rows: an owner that is killed while it opens a connection leaks one.
            slots: SharedSlice::new(rows + SPARE_ROWS, "connections")?,
            map: SharedSlice::new(entries(max_conn) + stream_entries, "the map of connections")?,
            connection_entries: entries(max_conn),
            server,
            limit: u64::from(max_conn),
            stream_limit: u64::from(max_streams),
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.slots.len()
    }

    /// Connections open now.
    pub fn count(&self) -> u64 {
        self.server[0].connections.load(Relaxed)
    }

    /// Allocates a slot and an id; `None` where `max_conn` connections are open.
    pub fn open(&self, fd: i32, port: usize, reactor: u32, peer: Peer) -> Option<(SessionId, SlotIndex)> {
        // Counted first: several owners open connections concurrently.
        let open = &self.server[0].connections;
        open.fetch_update(Relaxed, Relaxed, |n| (n < self.limit).then_some(n + 1)).ok()?;
        let Some(index) = self.take_slot() else {
            open.fetch_sub(1, Relaxed);
            return None;
        };
        let slot = &self.slots[index.0 as usize];
        let now = clock::wall_nanos();
        slot.flags.store(0, Relaxed);
        slot.fd.store(fd, Relaxed);
        slot.port.store(port as u32, Relaxed);
        slot.reactor.store(reactor, Relaxed);
        slot.uid.store(0, Relaxed);
        let family = match peer.ip {
            None => 0,
            Some(IpAddr::V4(_)) => 4,
            Some(IpAddr::V6(_)) => 6,
        };
        let words = peer.ip.map_or([0, 0], words_of);
        slot.local_address.iter().for_each(|word| word.store(0, Relaxed));
        slot.family.store(family, Relaxed);
        slot.address[0].store(words[0], Relaxed);
        slot.address[1].store(words[1], Relaxed);
        slot.peer_port.store(u32::from(peer.port), Relaxed);
        slot.connect_time.store(now / 1_000_000_000, Relaxed);
        slot.last_recv.store(now, Relaxed);
        clear_activity(slot);
        slot.parent.store(0, Relaxed);
        slot.stream.store(0, Relaxed);
        let session = self.next_session(index, &self.server[0].next_session, 0);
        slot.session.store(session, Release);
        Some((SessionId(session), index))
    }

    /// Allocates a slot and an id for stream number `stream` of an HTTP/2 connection; `None` where the limit of streams is
    /// reached. The row is a copy of the connection's, as far as requests show it.
    pub fn open_stream(&self, parent: SessionId, of: SlotIndex, stream: u32) -> Option<(SessionId, SlotIndex)> {
        let open = &self.server[0].streams;
        open.fetch_update(Relaxed, Relaxed, |n| (n < self.stream_limit).then_some(n + 1)).ok()?;
        let Some(index) = self.take_slot() else {
            open.fetch_sub(1, Relaxed);
            return None;
        };
        let (slot, connection) = (&self.slots[index.0 as usize], &self.slots[of.0 as usize]);
        let copy = |to: &AtomicU64, from: &AtomicU64| to.store(from.load(Relaxed), Relaxed);
        slot.flags.store(Flags::HTTP2, Relaxed);
        slot.fd.store(connection.fd.load(Relaxed), Relaxed);
        slot.port.store(connection.port.load(Relaxed), Relaxed);
        slot.reactor.store(connection.reactor.load(Relaxed), Relaxed);
        slot.uid.store(connection.uid.load(Relaxed), Relaxed);
        slot.family.store(connection.family.load(Relaxed), Relaxed);
        slot.peer_port.store(connection.peer_port.load(Relaxed), Relaxed);
        slot.address.iter().zip(&connection.address).for_each(|(to, from)| copy(to, from));
        slot.local_address.iter().zip(&connection.local_address).for_each(|(to, from)| copy(to, from));
        copy(&slot.connect_time, &connection.connect_time);
        copy(&slot.last_recv, &connection.last_recv);
        clear_activity(slot);
        slot.parent.store(parent.0, Relaxed);
        slot.stream.store(stream, Relaxed);
        let session = self.next_session(index, &self.server[0].next_stream, FIRST_ID);
        slot.session.store(session, Release);
        Some((SessionId(session), index))
    }

    /// Releases a connection; its id is never valid again. Does nothing if it was released before.
    pub fn release(&self, session: SessionId, index: SlotIndex) {
        let slot = &self.slots[index.0 as usize];
        if slot.session.compare_exchange(session.0, 0, AcqRel, Relaxed).is_err() {
            return;
        }
        let entry = &self.map[self.entry_of(session.0)].0;
        let _ = entry.compare_exchange(pack(session.0, index), 0, AcqRel, Relaxed);
        let open = if session.is_stream() { &self.server[0].streams } else { &self.server[0].connections };
        open.fetch_sub(1, Relaxed);
        self.give_slot(index);
    }

    /// The connection with this id, while it is registered.
    pub fn find(&self, session: SessionId) -> Option<(SlotIndex, &ConnectionSlot)> {
        if session.0 == 0 {
            return None;
        }
        let entry = self.map[self.entry_of(session.0)].0.load(Acquire);
        let index = SlotIndex((entry & SLOT_MASK) as u32);
        if entry == 0 || entry != pack(session.0, index) {
            return None;
        }
        let slot = self.slots.get(index.0 as usize)?;
        (slot.session.load(Acquire) == session.0).then_some((index, slot))
    }

    /// The slot with this index, whichever connection uses it.
    pub fn slot(&self, index: SlotIndex) -> &ConnectionSlot {
        &self.slots[index.0 as usize]
    }

    /// Up to `count` ids of connections that satisfy `wanted`, starting behind the slot of `after` (id 0: at the first
    /// slot). `None`: `after` is not a registered connection. Streams of HTTP/2 are connections only as WebSockets.
    pub fn list(
        &self,
        after: SessionId,
        count: usize,
        wanted: impl Fn(&ConnectionSlot) -> bool,
    ) -> Option<Vec<SessionId>> {
        let first = match after.0 {
            0 => 0,
            _ => self.find(after)?.0.0 as usize + 1,
        };
        let used = (self.server[0].fresh_slots.load(Acquire) as usize).min(self.slots.len());
        let ids = self.slots.get(first..used).unwrap_or_default().iter().filter_map(|slot| {
            let session = slot.session.load(Acquire);
            let flags = Flags(slot.flags.load(Relaxed));
            let open = session != 0
                && (!SessionId(session).is_stream() || flags.any(Flags::WEBSOCKET))
                && !flags.any(Flags::CLOSING | Flags::CLOSED | Flags::HANDSHAKING);
            (open && wanted(slot) && slot.session.load(Acquire) == session).then_some(SessionId(session))
        });
        Some(ids.take(count).collect())
    }

    /// Every slot in use, with the id of its connection or stream.
    pub fn all(&self) -> impl Iterator<Item = (SessionId, SlotIndex, &ConnectionSlot)> {
        let used = (self.server[0].fresh_slots.load(Acquire) as usize).min(self.slots.len());
        self.slots[..used].iter().enumerate().filter_map(|(n, slot)| {
            let session = slot.session.load(Acquire);
            (session != 0).then_some((SessionId(session), SlotIndex(n as u32), slot))
        })
    }

    /// Stores the local address of a connection whose port is bound to every address.
    pub fn set_local_address(slot: &ConnectionSlot, ip: IpAddr) {
        let words = words_of(ip);
        slot.local_address.iter().zip(words).for_each(|(place, word)| place.store(word, Relaxed));
    }

    /// The address that [`set_local_address`](Self::set_local_address) has stored.
    pub fn local_address(slot: &ConnectionSlot) -> Option<IpAddr> {
        let stored = slot.local_address.iter().any(|word| word.load(Relaxed) != 0);
        address_of(slot.family.load(Relaxed), &slot.local_address).filter(|_| stored)
    }

    /// The remote address that was passed to [`open`](Self::open).
    pub fn peer(slot: &ConnectionSlot) -> Peer {
        let ip = address_of(slot.family.load(Relaxed), &slot.address);
        Peer { ip, port: slot.peer_port.load(Relaxed) as u16 }
    }

    fn next_session(&self, index: SlotIndex, counter: &AtomicU64, first: u64) -> u64 {
        loop {
            let session = first + counter.fetch_add(1, Relaxed);
            let entry = &self.map[self.entry_of(session)].0;
            // An old connection may still occupy this map entry; then the id is skipped.
            if session != 0 && entry.compare_exchange(0, pack(session, index), AcqRel, Relaxed).is_ok() {
                return session;
            }
        }
    }

    fn entry_of(&self, session: u64) -> usize {
        let (first, length) = match SessionId(session).is_stream() {
            true if self.stream_limit > 0 => (self.connection_entries, self.map.len() - self.connection_entries),
            _ => (0, self.connection_entries),
        };
        first + (session as usize & (length - 1))
    }

    fn take_slot(&self) -> Option<SlotIndex> {
        let server = &self.server[0];
        let mut top = server.free_slots.load(Acquire);
        while top as u32 != 0 {
            let index = top as u32 - 1;
            let next = self.slots[index as usize].next_free.load(Relaxed);
            let tagged = (top >> 32).wrapping_add(1) << 32 | u64::from(next);
            match server.free_slots.compare_exchange_weak(top, tagged, SeqCst, Acquire) {
                Ok(_) => return Some(SlotIndex(index)),
                Err(now) => top = now,
            }
        }
        let fresh =
            server.fresh_slots.fetch_update(AcqRel, Acquire, |n| (n < self.slots.len() as u32).then_some(n + 1));
        fresh.ok().map(SlotIndex)
    }

    fn give_slot(&self, index: SlotIndex) {
        let server = &self.server[0];
        let mut top = server.free_slots.load(Acquire);
        loop {
            self.slots[index.0 as usize].next_free.store(top as u32, Relaxed);
            let tagged = (top >> 32).wrapping_add(1) << 32 | u64::from(index.0 + 1);
            match server.free_slots.compare_exchange_weak(top, tagged, SeqCst, Acquire) {
                Ok(_) => return,
                Err(now) => top = now,
            }
        }
    }
}

/// Typed access to a connection's row.
pub trait ConnectionRow {
    /// Its state bits.
    fn flags(&self) -> Flags;
    /// Sets bits; the bits before.
    fn set_flags(&self, bits: u32) -> Flags;
    /// Clears bits; the bits before.
    fn clear_flags(&self, bits: u32) -> Flags;
    /// The worker that its last event was dispatched to; `None` before the first.
    fn bound_worker(&self) -> Option<WorkerId>;
    /// Records the worker that its events are dispatched to.
    fn bind_worker(&self, id: WorkerId);
    /// Index of the port that accepted it.
    fn port_index(&self) -> usize;
    /// The id that events are dispatched by: the streams of an HTTP/2 connection go to one worker.
    fn dispatch_id(&self, session: SessionId) -> u64;
}

impl ConnectionRow for ConnectionSlot {
    fn flags(&self) -> Flags {
        Flags(self.flags.load(Relaxed))
    }

    fn set_flags(&self, bits: u32) -> Flags {
        Flags(self.flags.fetch_or(bits, Relaxed))
    }

    fn clear_flags(&self, bits: u32) -> Flags {
        Flags(self.flags.fetch_and(!bits, Relaxed))
    }

    // The row stores the number plus one, so that a zeroed row means "none".
    fn bound_worker(&self) -> Option<WorkerId> {
        self.worker.get().map(WorkerId)
    }

    fn bind_worker(&self, id: WorkerId) {
        self.worker.set(Some(id.0));
    }

    fn port_index(&self) -> usize {
        self.port.load(Relaxed) as usize
    }

    fn dispatch_id(&self, session: SessionId) -> u64 {
        if session.is_stream() { self.parent.load(Relaxed) } else { session.0 }
    }
}

/// The id of the first stream. Its low bits are not 0: with them, the first slot would be an empty entry.
const FIRST_ID: u64 = SessionId::FIRST_STREAM + 1;

/// Removes the worker, counters and times that the last connection or stream of the row has left.
fn clear_activity(slot: &ConnectionSlot) {
    slot.worker.set(None);
    slot.close_errno.store(0, Relaxed);
    slot.last_send.store(0, Relaxed);
    slot.last_dispatch.store(0, Relaxed);
    slot.send_queued.store(0, Relaxed);
    slot.files_queued.store(0, Relaxed);
    slot.recv_queued.store(0, Relaxed);
    slot.unprocessed_bytes.store(0, Relaxed);
    slot.in_flight.store(0, Relaxed);
    slot.responses_completed.store(0, Relaxed);
}

/// An entry of the map. The high bits of an id are lost; a reader compares the id in the slot too.
fn pack(session: u64, index: SlotIndex) -> u64 {
    session << SLOT_BITS | u64::from(index.0)
}

/// Bits of a slot index: there are fewer than 2^24 connections at once.
pub const SLOT_BITS: u32 = 24;
const SPARE_ROWS: usize = 1024;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;

/// An address as two words, high word first; an IPv4 address is in the first one.
fn words_of(ip: IpAddr) -> [u64; 2] {
    match ip {
        IpAddr::V4(ip) => [u64::from(ip.to_bits()), 0],
        IpAddr::V6(ip) => [(ip.to_bits() >> 64) as u64, ip.to_bits() as u64],
    }
}

fn address_of(family: u32, words: &[AtomicU64; 2]) -> Option<IpAddr> {
    let words = [words[0].load(Relaxed), words[1].load(Relaxed)];
    match family {
        4 => Some(IpAddr::V4((words[0] as u32).into())),
        6 => Some(IpAddr::V6((u128::from(words[0]) << 64 | u128::from(words[1])).into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Registry {
        /// A registry of its own.
        pub(crate) fn for_test(room: u32) -> Registry {
            let server = SharedSlice::<ServerSlot>::new(1, "a test").unwrap();
            server[0].next_session.store(1, Relaxed);
            Registry::new(room, 4, server).unwrap()
        }
    }

    const NOBODY: Peer = Peer { ip: None, port: 0 };

    #[test]
    fn an_id_is_never_valid_again_after_its_slot_is_used_anew() {
        let registry = Registry::for_test(4);
        let (first, slot) = registry.open(7, 0, 0, NOBODY).unwrap();
        registry.release(first, slot);
        for _ in 0..1000 {
            let (id, slot) = registry.open(8, 0, 0, NOBODY).unwrap();
            assert_ne!(id, first);
            assert!(registry.find(first).is_none());
            assert_eq!(registry.find(id).unwrap().0, slot);
            registry.release(id, slot);
            registry.release(id, slot);
        }
        assert_eq!(registry.count(), 0);
    }

    #[test]
    fn a_full_registry_refuses_and_takes_again_after_a_release() {
        let registry = Registry::for_test(3);
        let all: Vec<_> = (0..3).map(|n| registry.open(n, 0, 0, NOBODY).unwrap()).collect();
        assert!(registry.open(9, 0, 0, NOBODY).is_none());
        registry.release(all[1].0, all[1].1);
        let (id, slot) = registry.open(9, 0, 0, NOBODY).unwrap();
        assert_eq!(slot, all[1].1);
        assert_eq!(id, SessionId(4));
    }

    #[test]
    fn streams_have_ids_of_their_own_and_are_no_connections() {
        let registry = Registry::for_test(2);
        let peer = Peer { ip: Some("10.1.2.3".parse().unwrap()), port: 9 };
        let (parent, of) = registry.open(7, 0, 3, peer).unwrap();
        let all: Vec<_> = (0..4).map(|n| registry.open_stream(parent, of, 2 * n + 1).unwrap()).collect();
        assert!(registry.open_stream(parent, of, 9).is_none(), "the limit of streams is reached");
        assert!(all.iter().all(|(id, index)| registry.find(*id).is_some_and(|(found, _)| found == *index)));
        assert!(all.iter().all(|(id, _)| id.is_stream()) && !parent.is_stream());
        let (_, row) = registry.find(all[1].0).unwrap();
        assert_eq!((Registry::peer(row), row.stream.load(Relaxed), row.parent.load(Relaxed)), (peer, 3, parent.0));
        assert_eq!((registry.count(), registry.list(SessionId(0), 9, |_| true)), (1, Some(vec![parent])));
        row.set_flags(Flags::WEBSOCKET);
        assert_eq!(registry.list(SessionId(0), 9, |_| true).unwrap().len(), 2, "a WebSocket is listed");
        all.iter().for_each(|(id, index)| registry.release(*id, *index));
        assert_eq!((registry.count(), registry.open(8, 0, 0, NOBODY).unwrap().0), (1, SessionId(2)));
    }

    #[test]
    fn the_first_stream_is_found_in_the_first_slot() {
        let registry = Registry::for_test(2);
        let (first, index) = registry.open(7, 0, 0, NOBODY).unwrap();
        let (parent, of) = registry.open(8, 0, 0, NOBODY).unwrap();
        registry.release(first, index);
        let (stream, at) = registry.open_stream(parent, of, 1).unwrap();
        assert_eq!(at, index);
        assert!(registry.find(stream).is_some());
        let without_streams = Registry::new(2, 0, SharedSlice::<ServerSlot>::new(1, "a test").unwrap()).unwrap();
        assert!(without_streams.find(stream).is_none());
    }

    #[test]
    fn a_long_lived_connection_keeps_its_id_while_others_pass_it() {
        let registry = Registry::for_test(4);
        let (old, _) = registry.open(1, 0, 0, NOBODY).unwrap();
        for _ in 0..500 {
            let (id, slot) = registry.open(2, 0, 0, NOBODY).unwrap();
            assert!(registry.find(old).is_some());
            registry.release(id, slot);
        }
    }

    #[test]
    fn a_list_goes_on_behind_the_given_id_and_an_unknown_id_has_none() {
        let registry = Registry::for_test(10);
        for n in 0..5 {
            registry.open(n, n as usize % 2, 0, NOBODY).unwrap();
        }
        let ids = |after, count| {
            registry.list(SessionId(after), count, |_| true).map(|l| l.iter().map(|s| s.0).collect::<Vec<_>>())
        };
        assert_eq!(ids(0, 10), Some(vec![1, 2, 3, 4, 5]));
        assert_eq!(ids(2, 2), Some(vec![3, 4]));
        assert_eq!(ids(5, 2), Some(vec![]));
        assert_eq!(ids(99, 2), None);
        let odd = registry.list(SessionId(0), 9, |slot| slot.port.load(Relaxed) == 1).unwrap();
        assert_eq!(odd, vec![SessionId(2), SessionId(4)]);
    }

    #[test]
    fn a_peers_address_is_read_as_it_was_written() {
        let registry = Registry::for_test(4);
        for ip in ["127.0.0.1", "255.1.2.3", "::1", "fe80::1:2"] {
            let peer = Peer { ip: Some(ip.parse().unwrap()), port: 65535 };
            let (id, slot) = registry.open(3, 0, 0, peer).unwrap();
            assert_eq!(Registry::peer(registry.find(id).unwrap().1), peer);
            registry.release(id, slot);
        }
    }
}
