//! Which worker gets what.
//!
//! Called by: `conn::drive`, in reactor threads. A worker that is slow fills its own backlog; the connections that feed
//! it are not read until there is room again, and nobody else waits.

use super::files::{self, Served};
use crate::config::{Dispatch, DispatchMode};
use crate::conn::connection::{Connection, HOLD_QUEUED, HOLD_STALL, Stage};
use crate::conn::datagram::Origin;
use crate::conn::owner::{ConnectionObserver, Owner, Verdict, add};
use crate::conn::registry::{Flags, Registry};
use crate::handler::SessionId;
use crate::ipc::backlog::Backlog;
use crate::ipc::{Head, Kind, NO_FILE, REACTOR, Sender, WITH_FILE};
use crate::proto::http1::Refusal;
use crate::shm::slots::WorkerSlot;
use crate::state::{Port, ServerState};
use crate::sys::clock;
use crate::sys::temp_file::TempFile;
use send_wrapper::SendWrapper;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

/// Hands events to workers.
pub struct Dispatcher {
    state: &'static ServerState,
    reactor: u32,
    sender: Rc<Sender>,
    /// One for each worker.
    backlogs: RefCell<Vec<Backlog>>,
    /// Connections that are not read because of their worker's backlog.
    stalled: RefCell<Vec<(u32, Rc<Connection>)>>,
    /// Connections that are not read because of what waits of them, and the incarnation of their worker.
    full: RefCell<Vec<(u32, u32, Rc<Connection>)>>,
    /// Whether a task flushes the backlogs now.
    flushing: Cell<bool>,
    weak: RefCell<std::rc::Weak<Dispatcher>>,
    /// What each worker was given last.
    given: Vec<Cell<Given>>,
    /// How often anything was given.
    gifts: Cell<u64>,
}

/// The last message that a worker got from this reactor.
#[derive(Debug, Clone, Copy, Default)]
struct Given {
    /// Its place among all messages.
    order: u64,
    /// How many answers the worker had sent before.
    responses: u64,
}

impl Dispatcher {
    /// For the reactor of that number.
    pub fn new(state: &'static ServerState, reactor: u32, sender: Rc<Sender>) -> Self {
        let backlogs = (0..state.config.worker_num).map(|_| Backlog::default()).collect();
        Dispatcher {
            state,
            reactor,
            sender,
            backlogs: RefCell::new(backlogs),
            stalled: RefCell::default(),
            full: RefCell::default(),
            flushing: Cell::new(false),
            weak: RefCell::default(),
            given: (0..state.config.worker_num).map(|_| Cell::default()).collect(),
            gifts: Cell::new(0),
        }
    }

    /// Hands a datagram to a worker.
    pub fn datagram(self: &Rc<Self>, port: &Port, from: &Origin, data: &[u8]) {
        self.remember_self();
        let key =
            from.address.bytes().fold(0xcbf29ce484222325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100000001b3));
        let worker = match self.state.config.dispatch_mode {
            DispatchMode::RoundRobin => self.next_round(),
            DispatchMode::Idle | DispatchMode::Stream => self.idle(),
            _ => (key % u64::from(self.workers())) as u32,
        };
        add(&self.state.reactor_slot(self.reactor).recv_bytes, data.len() as u64);
        if self.backlogs.borrow_mut()[worker as usize].drops_datagram() {
            return;
        }
        let mut payload = from.encode();
        payload.extend_from_slice(data);
        let head = self.head(Kind::Packet, 0, 0, port.index, clock::wall_nanos());
        self.deliver(worker, head, payload.into());
    }

    /// An event of a connection, to the worker that the mode says.
    fn event(&self, owner: &Owner, conn: &Rc<Connection>, kind: Kind, flags: u32, data: Cow<'_, [u8]>) -> Verdict {
        match self.worker_of(conn, kind, &data) {
            Ok(n) => self.hand_over(owner, conn, n, kind, flags, data),
            Err(verdict) => verdict,
        }
    }

    /// The worker that gets an event, else what becomes of the connection.
    fn worker_of(&self, conn: &Rc<Connection>, kind: Kind, data: &[u8]) -> Result<u32, Verdict> {
        match self.choose_worker(conn, kind, data) {
            Dispatch::Worker(n) => Ok(n),
            Dispatch::Close => Err(Verdict::Close),
            Dispatch::Discard | Dispatch::Fallback => Err(Verdict::Go),
        }
    }

    fn hand_over(
        &self,
        owner: &Owner,
        conn: &Rc<Connection>,
        worker: u32,
        kind: Kind,
        flags: u32,
        data: Cow<'_, [u8]>,
    ) -> Verdict {
        let slot = conn.slot();
        if slot.worker.get() != Some(worker) {
            self.fix(conn, worker);
        }
        if kind == Kind::Data {
            slot.last_dispatch.store(owner.now(), Relaxed);
            add(&owner.slot().requests, 1);
            conn.given.set(conn.given.get().wrapping_add(1));
            if !self.state.tells_life_of_connections() {
                slot.in_flight.fetch_add(1, SeqCst);
            }
            // Before the worker can say that it is told.
            if conn.note_given(self.state.config.queued_bytes_limit(), data.len()) {
                let incarnation = self.state.workers[worker as usize].generation.load(Relaxed);
                self.full.borrow_mut().push((worker, incarnation, conn.clone()));
                self.flush_later();
            }
        }
        let head = self.head(kind, conn.session.0, flags, conn.port.index, owner.now());
        self.deliver(worker, head, data);
        if self.backlogs.borrow()[worker as usize].is_heavy() {
            self.stalled.borrow_mut().push((worker, conn.clone()));
            return Verdict::Stall;
        }
        Verdict::Go
    }

    /// Which worker gets this connection's event.
    fn choose_worker(&self, conn: &Rc<Connection>, kind: Kind, data: &[u8]) -> Dispatch {
        let config = &self.state.config;
        if let Some(decide) = &config.dispatch_func {
            // A close event has to reach a worker whatever the function says of it.
            let told = matches!(kind, Kind::Data | Kind::Close | Kind::Connect);
            match if told { decide(conn.session.0, kind as u8, data) } else { Dispatch::Fallback } {
                Dispatch::Worker(n) if n < self.workers() => return Dispatch::Worker(n),
                Dispatch::Worker(n) => {
                    crate::log::warn!("dispatch_func answered worker {n}: the last is {}", self.workers() - 1);
                    if kind == Kind::Data {
                        return Dispatch::Discard;
                    }
                }
                Dispatch::Fallback => {}
                answer if kind == Kind::Data || kind == Kind::Connect => return answer,
                _ => {}
            }
        }
        let slot = conn.slot();
        let fixed = slot.worker.get();
        let by_id = (conn.session.0 % u64::from(self.workers())) as u32;
        let stays = kind != Kind::Data || fixed.is_some() && self.has_to_stay(conn);
        Dispatch::Worker(match config.dispatch_mode {
            _ if self.workers() == 1 => 0,
            DispatchMode::Connection | DispatchMode::User => by_id,
            // What is told of a connection's life goes where its last packet went.
            DispatchMode::RoundRobin | DispatchMode::Idle | DispatchMode::Stream if stays => fixed.unwrap_or(by_id),
            DispatchMode::RoundRobin => self.next_round(),
            DispatchMode::Idle | DispatchMode::Stream => self.idle(),
            DispatchMode::Address => match Registry::peer(slot).ip {
                Some(IpAddr::V4(ip)) => ip.to_bits() % self.workers(),
                Some(IpAddr::V6(ip)) => (ip.to_bits() % u128::from(self.workers())) as u32,
                None => by_id,
            },
            DispatchMode::Uid => match slot.uid.load(Relaxed) {
                0 => by_id,
                uid => uid % self.workers(),
            },
            DispatchMode::ConnectionLoad => fixed.unwrap_or_else(|| self.least(|w| w.connections.load(Relaxed))),
            DispatchMode::RequestLoad => self.least_queued(),
            DispatchMode::Concurrency => self.least(|w| w.concurrency.load(Relaxed)),
        })
    }

    /// Whether what a connection says now belongs to what it said before, wherever other packets may go: frames of one
    /// WebSocket, and requests of HTTP behind one that has no answer yet.
    fn has_to_stay(&self, conn: &Connection) -> bool {
        let slot = conn.slot();
        let waits = || slot.last_send.load(Relaxed) <= slot.last_dispatch.load(Relaxed);
        conn.port.config.framing.expects_replies()
            && (Flags(slot.flags.load(Relaxed)).any(Flags::WEBSOCKET | Flags::HANDLING) || waits())
    }

    fn workers(&self) -> u32 {
        self.state.config.worker_num
    }

    fn next_round(&self) -> u32 {
        self.state.server[0].next_worker.fetch_add(1, Relaxed) % self.workers()
    }

    /// The next worker that waits and has nothing in hand, else the one with the least. Among equals: one that has sent
    /// something since it was given its last request, for it is about to be idle; then the one that works the longest.
    fn idle(&self) -> u32 {
        let first = self.next_round();
        let order = (0..self.workers()).map(|n| (first + n) % self.workers());
        let free = |n: &u32| self.queued(*n) == 0 && self.state.workers[*n as usize].status.load(Relaxed) == 2;
        let rank = |n: &u32| {
            let given = self.given[*n as usize].get();
            let answers = self.state.workers[*n as usize].responses.load(Relaxed);
            (self.queued(*n), answers == given.responses, given.order)
        };
        order.clone().find(free).or_else(|| order.min_by_key(rank)).unwrap_or(0)
    }

    fn queued(&self, worker: u32) -> u64 {
        self.state.requests[worker as usize].len()
    }

    fn least_queued(&self) -> u32 {
        let busy = |n: u32| u64::from(self.state.workers[n as usize].status.load(Relaxed) != 2);
        let first = self.next_round();
        let order = (0..self.workers()).map(|n| (first + n) % self.workers());
        order.min_by_key(|n| self.queued(*n) + busy(*n)).unwrap_or(0)
    }

    fn least(&self, load: impl Fn(&WorkerSlot) -> u64) -> u32 {
        (0..self.workers()).min_by_key(|n| load(&self.state.workers[*n as usize])).unwrap_or(0)
    }

    fn fix(&self, conn: &Connection, worker: u32) {
        if self.state.config.dispatch_mode == DispatchMode::ConnectionLoad {
            self.state.workers[worker as usize].connections.fetch_add(1, Relaxed);
        }
        conn.slot().worker.set(Some(worker));
    }

    fn head(&self, kind: Kind, id: u64, flags: u32, port: usize, time: u64) -> Head {
        let reactor = self.reactor as u16;
        Head { kind, from: REACTOR + reactor, flags, id, time, extra: port as u32, reactor }
    }

    fn deliver(&self, worker: u32, head: Head, data: Cow<'_, [u8]>) {
        let to = &self.state.requests[worker as usize];
        let slot = &self.state.workers[worker as usize];
        slot.dispatched.fetch_add(1, Relaxed);
        self.gifts.set(self.gifts.get() + 1);
        self.given[worker as usize].set(Given { order: self.gifts.get(), responses: slot.responses.load(Relaxed) });
        let mut backlogs = self.backlogs.borrow_mut();
        let backlog = &mut backlogs[worker as usize];
        backlog.deliver(&self.sender, to, head, data);
        if !backlog.is_empty() {
            drop(backlogs);
            self.flush_later();
        } else if self.sender.waiting() > 0 && to.len() > RING_EARLY {
            // A long batch: let the worker begin while this thread goes on reading.
            self.sender.ring_all();
        }
    }

    /// Until every backlog is gone, tries again each millisecond, then more and more slowly while connections are full;
    /// those that have room again are read.
    fn flush_later(&self) {
        if self.flushing.replace(true) {
            return;
        }
        let Some(me) = self.weak.borrow().upgrade() else { return };
        tokio::spawn(SendWrapper::new(async move {
            let mut pause = 1;
            loop {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let flushed = me.flush();
                me.release_full();
                match (flushed, me.full.borrow().is_empty()) {
                    (false, _) => pause = 1,
                    (true, false) => pause = (pause * 2).min(LONGEST_PAUSE),
                    (true, true) => return me.flushing.set(false),
                }
            }
        }));
    }

    fn flush(&self) -> bool {
        let mut backlogs = self.backlogs.borrow_mut();
        let mut all = true;
        for (backlog, to) in backlogs.iter_mut().zip(&self.state.requests) {
            all &= backlog.flush(&self.sender, to);
        }
        self.sender.ring_all();
        self.stalled.borrow_mut().retain(|(worker, conn)| {
            let heavy = backlogs[*worker as usize].is_heavy();
            if !heavy {
                conn.release_hold(HOLD_STALL);
            }
            heavy
        });
        all
    }

    /// Reads again where there is room, and where the worker that had the bytes is gone, with them.
    fn release_full(&self) {
        let limit = self.state.config.queued_bytes_limit().unwrap_or(u64::MAX);
        self.full.borrow_mut().retain(|(worker, incarnation, conn)| {
            if conn.stage() == Stage::Dead {
                return false;
            }
            if self.state.workers[*worker as usize].generation.load(Relaxed) != *incarnation {
                conn.slot().unprocessed_bytes.store(0, Relaxed);
            }
            let full = conn.slot().unprocessed_bytes.load(Relaxed) > limit;
            if !full {
                conn.release_hold(HOLD_QUEUED);
            }
            full
        });
    }

    fn remember_self(self: &Rc<Self>) {
        if self.weak.borrow().strong_count() == 0 {
            *self.weak.borrow_mut() = Rc::downgrade(self);
        }
    }
}

impl ConnectionObserver for Rc<Dispatcher> {
    fn connect(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) -> Verdict {
        self.remember_self();
        if !self.state.tells_life_of_connections() {
            return Verdict::Go;
        }
        self.event(owner, conn, Kind::Connect, 0, Cow::default())
    }

    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict {
        let flags = match files::serve(owner, conn, data) {
            Served::Done => return Verdict::Go,
            Served::NoFile => NO_FILE,
            Served::NotLooked => 0,
        };
        self.event(owner, conn, Kind::Data, flags, data.into())
    }

    fn whole_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: Vec<u8>) -> Verdict {
        self.event(owner, conn, Kind::Data, 0, data.into())
    }

    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> Verdict {
        let worker = match self.worker_of(conn, Kind::Data, &head) {
            Ok(n) => n,
            Err(verdict) => return verdict,
        };
        // Each message is counted as it is delivered, so this one has a number of its own.
        let number = u64::from(self.reactor) << 48 | self.gifts.get();
        let given = match self.state.fd_channels.get(worker as usize) {
            Some(way) => way.send(number, body.file()),
            None => return Verdict::Close,
        };
        if let Err(e) = given {
            crate::log::warn!("a request of connection {} is answered 503: {e}", conn.session.0);
            let refusal = Refusal::new(503, "its worker is too far behind").to_packet();
            return self.hand_over(owner, conn, worker, Kind::Data, 0, Cow::Borrowed(&refusal));
        }
        let payload = [&number.to_le_bytes()[..], &head].concat();
        self.hand_over(owner, conn, worker, Kind::Data, WITH_FILE, payload.into())
    }

    fn close(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) {
        if !self.state.tells_life_of_connections() {
            // The last of its requests ends it (`process::worker::receive::done_with`): a peer that is done with sending
            // still gets its answers.
            if conn.slot().in_flight.load(SeqCst) == 0 {
                // Behind the answers that wait in this reactor's own mailbox.
                let head = self.head(Kind::Finished, conn.session.0, 0, conn.port.index, owner.now());
                if self.sender.push(&self.state.orders[self.reactor as usize], &head, &[]).is_err() {
                    owner.finish(conn, false);
                }
            }
            return;
        }
        let by_server = Flags(conn.slot().flags.load(Relaxed)).any(Flags::CLOSING);
        self.event(owner, conn, Kind::Close, u32::from(by_server), Cow::default());
    }

    fn watermark(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, above: bool) {
        let kind = if above { Kind::BufferFull } else { Kind::BufferEmpty };
        self.event(owner, conn, kind, 0, Cow::default());
    }
}

/// Which connection an event is about, where it is about one.
pub fn session_of(head: &Head) -> SessionId {
    SessionId(head.id)
}

/// Messages in a worker's mailbox above which it is woken before the turn ends.
const RING_EARLY: u64 = 64;
/// Between two looks at connections that are full, milliseconds.
const LONGEST_PAUSE: u64 = 16;
