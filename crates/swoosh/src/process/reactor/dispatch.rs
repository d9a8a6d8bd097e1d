//! Dispatch: which worker gets an event.
//!
//! Runs in: reactor threads. A slow worker fills its own backlog; the connections that feed it are not read until there is
//! room again, and no other connection waits.

use super::files::{self, Served};
use crate::config::{Dispatch, DispatchMode};
use crate::conn::connection::{Connection, ConnectionState, ReadHold};
use crate::conn::owner::{ConnectionObserver, Owner, ReadAction, add};
use crate::ids::WorkerId;
use crate::ipc::backlog::Backlog;
use crate::ipc::message::{FileNumber, Origin};
use crate::ipc::{Command, Message, Sender, Source};
use crate::net::{Port, datagram};
use crate::proto::http1::Refusal;
use crate::proto::http1::head_index::IndexEntry;
use crate::runtime;
use crate::shm::slots::WorkerSlot;
use crate::state::registry::{ConnectionRow, Flags, Registry};
use crate::state::{ServerState, WorkerRow};
use crate::sys::clock;
use crate::sys::temp_file::TempFile;
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;

/// Dispatches events to workers.
pub(super) struct Dispatcher {
    state: &'static ServerState,
    reactor: u32,
    sender: Rc<Sender>,
    /// By worker.
    backlogs: RefCell<Vec<Backlog>>,
    /// Connections that are not read because of their worker's backlog.
    stalled: RefCell<Vec<(u32, Rc<Connection>)>>,
    /// Connections that are not read because too many of their bytes are queued.
    over_limit: RefCell<Vec<OverLimit>>,
    /// A task flushes the backlogs.
    flushing: Cell<bool>,
    weak: RefCell<std::rc::Weak<Dispatcher>>,
    /// The last dispatch to each worker.
    last_dispatch: Vec<Cell<LastDispatch>>,
    /// Number of dispatched messages.
    dispatch_seq: Cell<u64>,
}

/// The last dispatch of this reactor to a worker.
#[derive(Debug, Clone, Copy, Default)]
struct LastDispatch {
    sequence: u64,
    /// Number of responses that the worker had sent before.
    responses: u64,
}

/// A connection that exceeds `max_queued_bytes`.
struct OverLimit {
    worker: u32,
    /// The incarnation of the worker that has the bytes.
    generation: u32,
    conn: Rc<Connection>,
}

/// The kinds of events, as far as dispatch distinguishes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EventKind {
    Packet,
    Connect,
    Close,
    Watermark,
}

impl EventKind {
    /// The type number that `dispatch_func` gets; `None` for events that it is not asked about.
    fn number(self) -> Option<u8> {
        match self {
            EventKind::Packet => Some(0),
            EventKind::Close => Some(4),
            EventKind::Connect => Some(5),
            EventKind::Watermark => None,
        }
    }
}

impl Dispatcher {
    /// The dispatcher of a reactor.
    pub(super) fn new(state: &'static ServerState, reactor: u32, sender: Rc<Sender>) -> Self {
        let backlogs = (0..state.config().worker_num).map(|_| Backlog::new(Source::reactor(reactor as u16))).collect();
        Dispatcher {
            state,
            reactor,
            sender,
            backlogs: RefCell::new(backlogs),
            stalled: RefCell::default(),
            over_limit: RefCell::default(),
            flushing: Cell::new(false),
            weak: RefCell::default(),
            last_dispatch: (0..state.config().worker_num).map(|_| Cell::default()).collect(),
            dispatch_seq: Cell::new(0),
        }
    }

    /// Dispatches a datagram.
    pub(super) fn datagram(self: &Rc<Self>, port: &Port, from: &datagram::Origin, data: &[u8]) {
        self.remember_self();
        // FNV-1a of the sender's address.
        let key =
            from.address.bytes().fold(0xcbf29ce484222325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100000001b3));
        let worker = match self.state.config().dispatch_mode {
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
        self.push(worker, Message::Datagram { port: port.index(), time: clock::wall_nanos(), data: payload.into() });
    }

    /// Dispatches an event without payload.
    fn dispatch(
        &self,
        owner: &Owner,
        conn: &Rc<Connection>,
        kind: EventKind,
        message: impl FnOnce(Origin) -> Message<Cow<'static, [u8]>>,
    ) -> ReadAction {
        match self.worker_of(conn, kind, &[]) {
            Ok(worker) => {
                self.bind_worker(conn, worker);
                self.push_event(conn, worker, message(self.origin(owner, conn)))
            }
            Err(action) => action,
        }
    }

    /// Dispatches a packet.
    fn dispatch_packet(
        &self,
        owner: &Owner,
        conn: &Rc<Connection>,
        data: Cow<'_, [u8]>,
        files_checked: bool,
    ) -> ReadAction {
        match self.worker_of(conn, EventKind::Packet, &data) {
            Ok(worker) => {
                self.push_packet(owner, conn, worker, |origin| Message::Packet { origin, files_checked, data })
            }
            Err(action) => action,
        }
    }

    /// The worker that gets an event; `Err`: there is none, and reading continues so.
    fn worker_of(&self, conn: &Rc<Connection>, kind: EventKind, data: &[u8]) -> Result<u32, ReadAction> {
        match self.choose_worker(conn, kind, data) {
            Dispatch::Worker(n) => Ok(n),
            Dispatch::Close => Err(ReadAction::Close),
            Dispatch::Discard | Dispatch::Fallback => Err(ReadAction::Continue),
        }
    }

    /// Counts a packet and pushes it to a worker.
    fn push_packet<'a>(
        &self,
        owner: &Owner,
        conn: &Rc<Connection>,
        worker: u32,
        message: impl FnOnce(Origin) -> Message<Cow<'a, [u8]>>,
    ) -> ReadAction {
        self.bind_worker(conn, worker);
        let slot = conn.slot();
        slot.last_dispatch.store(owner.now(), Relaxed);
        add(&owner.slot().requests, 1);
        conn.count_dispatched();
        if !self.state.dispatches_connection_events() {
            slot.in_flight.fetch_add(1, SeqCst);
        }
        let message = message(self.origin(owner, conn));
        // Before the worker can report the packet as delivered.
        if conn.note_queued(self.state.config().queued_bytes_limit(), message.payload().len()) {
            let generation = self.state.workers()[worker as usize].current_generation();
            self.over_limit.borrow_mut().push(OverLimit { worker, generation, conn: conn.clone() });
            self.flush_later();
        }
        self.push_event(conn, worker, message)
    }

    fn push_event(&self, conn: &Rc<Connection>, worker: u32, message: Message<Cow<'_, [u8]>>) -> ReadAction {
        self.push(worker, message);
        if self.backlogs.borrow()[worker as usize].is_heavy() {
            self.stalled.borrow_mut().push((worker, conn.clone()));
            return ReadAction::Hold;
        }
        ReadAction::Continue
    }

    fn origin(&self, owner: &Owner, conn: &Connection) -> Origin {
        Origin { session: conn.session(), port: conn.port().index(), reactor: self.reactor as u16, time: owner.now() }
    }

    /// Chooses the worker by `dispatch_func` and `dispatch_mode`.
    fn choose_worker(&self, conn: &Rc<Connection>, kind: EventKind, data: &[u8]) -> Dispatch {
        let config = self.state.config();
        if let Some(decide) = &config.dispatch_func {
            // A close event has to reach a worker whatever the function answers.
            let answer = kind.number().map(|number| decide(conn.slot().dispatch_id(conn.session()), number, data));
            match answer.unwrap_or(Dispatch::Fallback) {
                Dispatch::Worker(n) if n < self.workers() => return Dispatch::Worker(n),
                Dispatch::Worker(n) => {
                    crate::log::warn!(
                        "dispatch_func answered worker {n}: it must answer 0 to {}, or SWOOLE_DISPATCH_RESULT_*",
                        self.workers() - 1
                    );
                    if kind == EventKind::Packet {
                        return Dispatch::Discard;
                    }
                }
                Dispatch::Fallback => {}
                answer if matches!(kind, EventKind::Packet | EventKind::Connect) => return answer,
                _ => {}
            }
        }
        let slot = conn.slot();
        let bound = slot.bound_worker().map(|id| id.0);
        let by_id = (slot.dispatch_id(conn.session()) % u64::from(self.workers())) as u32;
        let stays = kind != EventKind::Packet || bound.is_some() && self.has_to_stay(conn);
        let chosen = match config.dispatch_mode {
            _ if self.workers() == 1 => 0,
            DispatchMode::Connection | DispatchMode::User => by_id,
            // Connect and close events go where the last packet went.
            DispatchMode::RoundRobin | DispatchMode::Idle | DispatchMode::Stream if stays => bound.unwrap_or(by_id),
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
            DispatchMode::ConnectionLoad => bound.unwrap_or_else(|| self.least(|w| w.connections.load(Relaxed))),
            DispatchMode::RequestLoad => self.least_queued(),
            DispatchMode::Concurrency => self.least(|w| w.concurrency.load(Relaxed)),
        };
        Dispatch::Worker(if config.reload_on_change.is_empty() { chosen } else { self.running(chosen) })
    }

    /// During development: another worker instead of one that does not start with the files as they are.
    fn running(&self, chosen: u32) -> u32 {
        let runs = |n: &u32| self.state.workers()[*n as usize].pid.load(Relaxed) != 0;
        if runs(&chosen) { chosen } else { (0..self.workers()).find(runs).unwrap_or(chosen) }
    }

    /// Whether a packet belongs to earlier ones of its connection, and has to go to the same worker: frames of a WebSocket,
    /// parts of a body, and HTTP requests behind an unanswered one.
    fn has_to_stay(&self, conn: &Connection) -> bool {
        let slot = conn.slot();
        let is_unanswered = || slot.last_send.load(Relaxed) <= slot.last_dispatch.load(Relaxed);
        conn.port().config().framing.expects_replies()
            && (slot.flags().any(Flags::WEBSOCKET | Flags::STREAMED | Flags::HANDLING) || is_unanswered())
    }

    fn workers(&self) -> u32 {
        self.state.config().worker_num
    }

    fn next_round(&self) -> u32 {
        self.state.server().next_worker.fetch_add(1, Relaxed) % self.workers()
    }

    /// The next idle worker with an empty mailbox, else the one with the shortest queue. Among equals: one that has sent a
    /// response since its last dispatch, for it is about to be idle; then the one that was dispatched to first.
    fn idle(&self) -> u32 {
        let first = self.next_round();
        let order = (0..self.workers()).map(|n| (first + n) % self.workers());
        let free = |n: &u32| self.queued(*n) == 0 && self.state.workers()[*n as usize].is_idle();
        let rank = |n: &u32| {
            let last = self.last_dispatch[*n as usize].get();
            let responses = self.state.workers()[*n as usize].responses.load(Relaxed);
            (self.queued(*n), responses == last.responses, last.sequence)
        };
        order.clone().find(free).or_else(|| order.min_by_key(rank)).unwrap_or(0)
    }

    fn queued(&self, worker: u32) -> u64 {
        self.state.mailboxes().requests()[worker as usize].len()
    }

    fn least_queued(&self) -> u32 {
        let busy = |n: u32| u64::from(!self.state.workers()[n as usize].is_idle());
        let first = self.next_round();
        let order = (0..self.workers()).map(|n| (first + n) % self.workers());
        order.min_by_key(|n| self.queued(*n) + busy(*n)).unwrap_or(0)
    }

    fn least(&self, load: impl Fn(&WorkerSlot) -> u64) -> u32 {
        (0..self.workers()).min_by_key(|n| load(&self.state.workers()[*n as usize])).unwrap_or(0)
    }

    fn bind_worker(&self, conn: &Connection, worker: u32) {
        if conn.slot().bound_worker() == Some(WorkerId(worker)) {
            return;
        }
        if self.state.config().dispatch_mode == DispatchMode::ConnectionLoad {
            self.state.workers()[worker as usize].connections.fetch_add(1, Relaxed);
        }
        conn.slot().bind_worker(WorkerId(worker));
    }

    fn push(&self, worker: u32, message: Message<Cow<'_, [u8]>>) {
        let to = &self.state.mailboxes().requests()[worker as usize];
        let slot = &self.state.workers()[worker as usize];
        slot.dispatched.fetch_add(1, Relaxed);
        let sequence = self.dispatch_seq.get() + 1;
        self.dispatch_seq.set(sequence);
        self.last_dispatch[worker as usize].set(LastDispatch { sequence, responses: slot.responses.load(Relaxed) });
        let mut backlogs = self.backlogs.borrow_mut();
        let backlog = &mut backlogs[worker as usize];
        backlog.push(&self.sender, to, message);
        if !backlog.is_empty() {
            drop(backlogs);
            self.flush_later();
        } else if self.sender.pending_wakes() > 0 && to.len() > WAKE_EARLY {
            // A long batch: the worker starts while this thread goes on reading.
            self.sender.wake_receivers();
        }
    }

    /// Starts a task that flushes backlogs each millisecond until they are empty, then checks with growing pauses the
    /// connections that are over their limit.
    fn flush_later(&self) {
        if self.flushing.replace(true) {
            return;
        }
        let Some(me) = self.weak.borrow().upgrade() else { return };
        runtime::spawn(async move {
            let mut pause = 1;
            loop {
                tokio::time::sleep(Duration::from_millis(pause)).await;
                let flushed = me.flush();
                me.release_over_limit();
                match (flushed, me.over_limit.borrow().is_empty()) {
                    (false, _) => pause = 1,
                    (true, false) => pause = (pause * 2).min(LONGEST_PAUSE),
                    (true, true) => return me.flushing.set(false),
                }
            }
        });
    }

    fn flush(&self) -> bool {
        let mut backlogs = self.backlogs.borrow_mut();
        let mut all = true;
        for (backlog, to) in backlogs.iter_mut().zip(self.state.mailboxes().requests()) {
            all &= backlog.flush(&self.sender, to);
        }
        self.sender.wake_receivers();
        self.stalled.borrow_mut().retain(|(worker, conn)| {
            let heavy = backlogs[*worker as usize].is_heavy();
            if !heavy {
                conn.release_hold(ReadHold::Backlog);
            }
            heavy
        });
        all
    }

    /// Reads connections again that are below their limit, or whose worker is gone together with their bytes.
    fn release_over_limit(&self) {
        let limit = self.state.config().queued_bytes_limit().unwrap_or(u64::MAX);
        self.over_limit.borrow_mut().retain(|OverLimit { worker, generation, conn }| {
            if conn.state() == ConnectionState::Closed {
                return false;
            }
            if self.state.workers()[*worker as usize].current_generation() != *generation {
                conn.slot().unprocessed_bytes.store(0, Relaxed);
            }
            let is_over = conn.slot().unprocessed_bytes.load(Relaxed) > limit;
            if !is_over {
                conn.release_hold(ReadHold::QueueLimit);
            }
            is_over
        });
    }

    fn remember_self(self: &Rc<Self>) {
        if self.weak.borrow().strong_count() == 0 {
            *self.weak.borrow_mut() = Rc::downgrade(self);
        }
    }
}

impl ConnectionObserver for Rc<Dispatcher> {
    fn connect(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) -> ReadAction {
        self.remember_self();
        if !self.state.dispatches_connection_events() {
            return ReadAction::Continue;
        }
        self.dispatch(owner, conn, EventKind::Connect, Message::Connect)
    }

    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8], _: &[IndexEntry]) -> ReadAction {
        let files_checked = match files::serve(self.state, owner, conn, data) {
            Served::Sent => return ReadAction::Continue,
            Served::NoFile => true,
            Served::Unchecked => false,
        };
        self.dispatch_packet(owner, conn, data.into(), files_checked)
    }

    fn whole_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: Vec<u8>) -> ReadAction {
        self.dispatch_packet(owner, conn, data.into(), false)
    }

    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> ReadAction {
        let worker = match self.worker_of(conn, EventKind::Packet, &head) {
            Ok(n) => n,
            Err(action) => return action,
        };
        // Each message is counted when it is pushed, so the sequence number is this one's own.
        let file = FileNumber { reactor: self.reactor as u16, sequence: self.dispatch_seq.get() as u32 };
        let sent = match self.state.mailboxes().stored_bodies(WorkerId(worker)) {
            Some(channel) => channel.send(file.key(), body.file()),
            None => return ReadAction::Close,
        };
        self.push_packet(owner, conn, worker, |origin| match sent {
            Ok(()) => Message::StoredPacket { origin, file, head: head.into() },
            Err(e) => {
                crate::log::warn!("a request of connection {} is answered 503: {e}", conn.session().0);
                let refusal = Refusal::new(503, "its worker has too many requests with files queued");
                Message::Packet { origin, files_checked: false, data: refusal.to_packet().to_vec().into() }
            }
        })
    }

    fn close(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) {
        if !self.state.dispatches_connection_events() {
            // The last of its requests finishes it (`request::deliver`): a peer that has closed its side still gets its
            // responses.
            if conn.slot().in_flight.load(SeqCst) == 0 {
                // Behind the responses that wait in this reactor's own mailbox.
                let command = Command::Finish { reset: false };
                let message: Message<&[u8]> = Message::Command { session: conn.session(), command };
                let (to, source) =
                    (&self.state.mailboxes().commands()[self.reactor as usize], Source::reactor(self.reactor as u16));
                if self.sender.push(to, source, &message).is_err() {
                    owner.finish(conn, false);
                }
            }
            return;
        }
        let by_server = conn.slot().flags().any(Flags::CLOSING);
        self.dispatch(owner, conn, EventKind::Close, |origin| Message::Close { origin, by_server });
    }

    fn watermark(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, above: bool) {
        self.dispatch(owner, conn, EventKind::Watermark, |origin| Message::Watermark { origin, above });
    }
}

/// Messages in a worker's mailbox above which it is woken before the tick ends.
const WAKE_EARLY: u64 = 64;
/// Longest pause between two checks of connections over their limit, in milliseconds.
const LONGEST_PAUSE: u64 = 16;
