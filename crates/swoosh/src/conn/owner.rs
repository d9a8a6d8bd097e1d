//! The owner of connections: a reactor thread, or a worker in base mode.
//!
//! Runs in: the thread that owns the connections, and only there. It accepts, finds, writes to and ends them; `drive`
//! reads from them. What happens is told to an [`ConnectionObserver`].

use super::batch::Batch;
use super::connection::{Connection, HOLD_CONFIRM, Stage};
use super::drive;
use super::registry::{Flags, Peer, SlotIndex};
use super::tasks::Tasks;
use crate::error::{Code, Error, Result};
use crate::handler::SessionId;
use crate::proto::http1::Refusal;
use crate::shm::slots::ReactorSlot;
use crate::state::{Port, ServerState};
use crate::sys::clock;
use crate::sys::temp_file::TempFile;
use crate::{log, sys};
use send_wrapper::SendWrapper;
use socket2::{SockRef, Socket};
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::Duration;
use tokio::io::Interest;

/// What the owner tells about its connections.
pub trait ConnectionObserver {
    /// A connection was accepted.
    fn connect(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) -> Verdict;
    /// A packet is whole.
    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict;
    /// A long packet is whole, and its bytes are given away.
    fn whole_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: Vec<u8>) -> Verdict {
        self.packet(owner, conn, &data)
    }
    /// A request of HTTP is whole, whose body is too long for memory. `head`: the request without its body.
    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> Verdict;
    /// Nothing more will be read from it. The answer is [`Owner::finish`], now or later; a connection whose answer
    /// does not come is ended after a while.
    fn close(&self, owner: &Rc<Owner>, conn: &Rc<Connection>);
    /// Its output passed the high watermark (`true`) or is below the low one again.
    fn watermark(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, above: bool);
}

/// What becomes of a connection after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Go,
    /// Go on with what is read already, but read no more until told so.
    Stall,
    /// Close it.
    Close,
}

/// The connections of one thread.
pub struct Owner {
    /// What crosses the fork.
    pub state: &'static ServerState,
    /// Number of the reactor thread, or of the worker in base mode.
    pub id: u32,
    upcall: Rc<dyn ConnectionObserver>,
    connections: RefCell<Vec<Option<Rc<Connection>>>>,
    /// Nanoseconds since the epoch when this turn of the loop began: cheaper than asking for each packet.
    now: Cell<u64>,
    scratch: Cell<Vec<u8>>,
    /// What the bytes of one read say, where they were sealed.
    plain: Cell<Vec<u8>>,
    accepting: Cell<bool>,
    /// Answers that wait for one another now.
    batch: Batch,
    sweeping: Cell<bool>,
    /// What drives its connections, and ends those that do not end: whoever runs the thread's runtime polls them.
    pub tasks: Tasks,
}

impl Owner {
    /// An owner of no connections yet.
    pub fn new(state: &'static ServerState, id: u32, upcall: Rc<dyn ConnectionObserver>) -> Rc<Self> {
        Rc::new(Owner {
            state,
            id,
            upcall,
            connections: RefCell::default(),
            now: Cell::new(clock::wall_nanos()),
            scratch: Cell::default(),
            plain: Cell::default(),
            accepting: Cell::new(true),
            batch: Batch::default(),
            sweeping: Cell::new(false),
            tasks: Tasks::default(),
        })
    }

    /// Its row in shared memory.
    pub fn slot(&self) -> &'static ReactorSlot {
        self.state.reactor_slot(self.id)
    }

    pub(super) fn upcall(&self) -> Rc<dyn ConnectionObserver> {
        self.upcall.clone()
    }

    /// Reads the clock; called once each turn of the loop.
    pub fn refresh_clock(&self) {
        self.now.set(clock::wall_nanos());
    }

    /// Nanoseconds since the epoch, as of the beginning of this turn.
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Accepts from `port` until the server ends. In process mode the socket goes to the reactor that `place` chooses;
    /// here it is taken where `place` answers `None`.
    pub async fn accept_from(self: Rc<Self>, port: Arc<Port>, place: impl Fn(Socket, Peer) -> Option<(Socket, Peer)>) {
        if !port.kind.is_stream() {
            return;
        }
        let Ok(listener) = sys::watch::watch(port.clone(), Interest::READABLE) else {
            log::error!("accept {}: the listening socket cannot be watched", port.address);
            return;
        };
        let mut reserve = File::open("/dev/null").ok();
        let mut complained = false;
        while self.accepting.get() && self.state.accepts() {
            let Ok(mut ready) = listener.readable().await else { return };
            if !self.accepting.get() || !self.state.accepts() {
                return;
            }
            match port.stream_socket().map(|l| l.accept_raw()) {
                Some(Ok((socket, address))) => {
                    complained = false;
                    let peer = peer_of(&address);
                    if self.state.registry.count() >= u64::from(self.state.config.max_conn) {
                        self.refuse(socket, &port).await;
                        continue;
                    }
                    if let Some((socket, peer)) = place(socket, peer) {
                        self.adopt(socket, peer, &port);
                    }
                }
                Some(Err(e)) if e.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Some(Err(e)) if matches!(e.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                    // No descriptor is left: give the reserve for the refusal, or the peer would wait for ever.
                    if reserve.take().is_some()
                        && let Some(Ok((socket, _))) = port.stream_socket().map(|l| l.accept_raw())
                    {
                        add(&self.slot().aborted, 1);
                        drop(socket);
                    }
                    reserve = File::open("/dev/null").ok();
                    if !complained {
                        complained = true;
                        log::warn!("accept {}: {e}; new connections are refused", port.address);
                    }
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
                Some(Err(e)) if fleeting(&e) => {}
                Some(Err(e)) => {
                    log::error!("accept {}: {e}", port.address);
                    tokio::time::sleep(EXHAUSTED_PAUSE).await;
                }
                None => return,
            }
        }
    }

    /// Closes one connection too many, then accepts none until others have left.
    async fn refuse(&self, socket: Socket, port: &Port) {
        let limit = self.state.config.max_conn;
        drop(socket);
        add(&self.slot().aborted, 1);
        log::warn!("accept {}: max_conn ({limit}) is reached; the next connections wait", port.address);
        while self.state.registry.count() >= u64::from(limit) && self.state.accepts() {
            tokio::time::sleep(FULL_PAUSE).await;
        }
    }

    /// Accepts no more.
    pub fn stop_accepting(&self) {
        self.accepting.set(false);
    }

    /// Makes the socket a connection of this owner.
    pub fn adopt(self: &Rc<Self>, socket: Socket, peer: Peer, port: &Arc<Port>) {
        port.tune(&socket);
        let fd = socket.as_raw_fd();
        let io = match sys::watch::watch(socket, Interest::READABLE | Interest::WRITABLE) {
            Ok(io) => io,
            Err(e) => {
                add(&self.slot().aborted, 1);
                return log::error!("watch a new connection of {}: {e}", port.address);
            }
        };
        let Some((session, index)) = self.state.registry.open(fd, port.index, self.id, peer) else {
            add(&self.slot().aborted, 1);
            let limit = self.state.config.max_conn;
            return log::info!("accept {}: max_conn ({limit}) is reached", port.address);
        };
        let tls = match port.tls.as_ref().map(|tls| tls.begin()).transpose() {
            Ok(tls) => tls,
            Err(e) => {
                add(&self.slot().aborted, 1);
                return log::error!("accept {}: {e}", port.address);
            }
        };
        if tls.is_some() {
            self.state.registry.slot(index).flags.fetch_or(Flags::SHAKING, Relaxed);
        }
        let hold = if self.state.config.enable_delay_receive { HOLD_CONFIRM } else { 0 };
        let conn = Connection::new(session, index, port.clone(), io, tls, hold, self.state.registry);
        let conn = Rc::new(conn);
        let mut all = self.connections.borrow_mut();
        let at = index.0 as usize;
        if all.len() <= at {
            all.resize(at + 1, None);
        }
        all[at] = Some(conn.clone());
        drop(all);
        let slot = self.slot();
        add(&slot.accepted, 1);
        slot.connections.store(slot.connections.load(Relaxed) + 1, Relaxed);
        self.tasks.begin(drive::run(self.clone(), conn));
    }

    /// The connection of that id, if this owner has it.
    pub fn find(&self, session: SessionId) -> Option<Rc<Connection>> {
        let (index, _) = self.state.registry.find(session)?;
        self.at(session, index)
    }

    fn at(&self, session: SessionId, index: SlotIndex) -> Option<Rc<Connection>> {
        let all = self.connections.borrow();
        let conn = all.get(index.0 as usize)?.as_ref()?;
        (conn.session == session).then(|| conn.clone())
    }

    /// Every connection it has.
    pub fn all(&self) -> Vec<Rc<Connection>> {
        self.connections.borrow().iter().flatten().cloned().collect()
    }

    /// Writes what the socket takes at once and keeps the rest. `counted`: the bytes are part of the row's
    /// `send_queued` already.
    pub fn write(self: &Rc<Self>, conn: &Rc<Connection>, data: &[u8], counted: bool) {
        self.put(conn, data, counted, false);
    }

    /// The same of bytes behind which a file comes at once ([`write_file`](Owner::write_file)).
    pub fn write_head(self: &Rc<Self>, conn: &Rc<Connection>, data: &[u8], counted: bool) {
        self.put(conn, data, counted, true);
    }

    fn put(self: &Rc<Self>, conn: &Rc<Connection>, data: &[u8], counted: bool, more: bool) {
        let slot = conn.slot();
        if matches!(conn.stage(), Stage::Finishing | Stage::Dead) {
            if counted {
                conn.note_unqueued(data.len() as u64);
            }
            return;
        }
        add(&self.slot().responses, 1);
        slot.last_send.store(self.now(), Relaxed);
        if conn.held.get() {
            return self.gather(conn, data, counted, false);
        }
        let mut rest = data;
        if conn.output.borrow().is_empty() {
            match conn.wire().send(data, more) {
                Ok(n) => {
                    add(&self.slot().send_bytes, n as u64);
                    rest = &data[n..];
                    if counted {
                        conn.note_unqueued(n as u64);
                    }
                }
                Err(e) if fleeting(&e) || e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => {
                    if counted {
                        conn.note_unqueued(data.len() as u64);
                    }
                    return self.fail(conn, &e);
                }
            }
        }
        if rest.is_empty() {
            if conn.has_sealed_output() {
                conn.wake();
            }
            return;
        }
        if !counted {
            slot.send_queued.fetch_add(rest.len() as u64, Relaxed);
        }
        conn.output.borrow_mut().push(rest);
        self.output_grew(conn);
    }

    /// What follows answers this connection (`None`: anything), and `again`: what comes right behind it answers it once
    /// more. Answers to pipelined requests wait for one another, so that they go out together.
    pub fn begin_answer(self: &Rc<Self>, session: Option<SessionId>, again: bool) {
        let over = self.batch.begin(session.map_or(0, |s| s.0), again && session.is_some());
        self.let_answers_go(over);
    }

    /// The answer is given, or will be given by others: what waited for it goes out where nothing comes right behind it.
    pub fn end_answer(self: &Rc<Self>, again: bool) {
        let over = self.batch.end(again);
        self.let_answers_go(over);
    }

    fn let_answers_go(self: &Rc<Self>, of: Option<u64>) {
        if let Some(conn) = of.and_then(|of| self.find(SessionId(of))) {
            self.let_go(&conn);
        }
    }

    /// Writes the last bytes of an answer: where another one follows at once, they wait for it.
    pub fn write_answer(self: &Rc<Self>, conn: &Rc<Connection>, data: &[u8], counted: bool) {
        if !self.batch.holds(conn.session.0) || matches!(conn.stage(), Stage::Finishing | Stage::Dead) {
            return self.write(conn, data, counted);
        }
        add(&self.slot().responses, 1);
        conn.slot().last_send.store(self.now(), Relaxed);
        self.gather(conn, data, counted, true);
    }

    fn gather(self: &Rc<Self>, conn: &Rc<Connection>, data: &[u8], counted: bool, hold: bool) {
        if !counted {
            conn.slot().send_queued.fetch_add(data.len() as u64, Relaxed);
        }
        conn.output.borrow_mut().push(data);
        conn.held.set(hold && conn.output.borrow().len() <= GATHERED);
        if !conn.held.get() {
            self.let_go(conn);
        }
    }

    /// Writes what was kept.
    fn let_go(self: &Rc<Self>, conn: &Rc<Connection>) {
        conn.held.set(false);
        if !drive::flush(self, conn) {
            self.output_grew(conn);
        }
    }

    /// Writes what the socket takes at once of a piece of a file, behind what waits, and keeps the rest.
    pub fn write_file(self: &Rc<Self>, conn: &Rc<Connection>, file: Rc<File>, offset: u64, end: u64) {
        if matches!(conn.stage(), Stage::Finishing | Stage::Dead) {
            return;
        }
        add(&self.slot().responses, 1);
        if conn.output.borrow().files() >= MAX_FILES {
            // One of them cannot be left out: the peer would take what follows for it.
            return self.break_off(conn, format_args!("{MAX_FILES} files wait for it and it does not read"));
        }
        let alone = !conn.has_output();
        conn.output.borrow_mut().push_file(file, offset, end);
        if !alone || !drive::flush(self, conn) {
            self.output_grew(conn);
        }
    }

    fn output_grew(self: &Rc<Self>, conn: &Rc<Connection>) {
        let waits = conn.output.borrow().len();
        if !conn.above.get() && waits > conn.port.config.high_watermark() {
            conn.above.set(true);
            self.upcall().watermark(self, conn, true);
        }
        conn.wake();
    }

    /// The socket failed: the peer is gone.
    pub(super) fn fail(self: &Rc<Self>, conn: &Rc<Connection>, cause: &io::Error) {
        conn.slot().close_errno.store(cause.raw_os_error().unwrap_or(0), Relaxed);
        conn.drop_output();
        self.end(conn);
    }

    /// Nothing more is read from it; user code is told, unless the server is closing it anyway.
    pub fn end(self: &Rc<Self>, conn: &Rc<Connection>) {
        if conn.stage() == Stage::Shaking {
            return self.finish(conn, false);
        }
        if conn.stage() != Stage::Open {
            return;
        }
        conn.stage.set(Stage::Ending);
        conn.since.set(clock::monotonic_ms());
        *conn.input.borrow_mut() = Vec::new();
        drop(conn.spool.take());
        self.sweep_later();
        let before = Flags(conn.slot().flags.fetch_or(Flags::PEER_CLOSED, SeqCst));
        if !before.any(Flags::CLOSING) {
            self.upcall().close(self, conn);
        }
        conn.wake();
    }

    /// The server wants it closed: its worker is told first, as of a connection that the peer closed.
    pub fn want_close(self: &Rc<Self>, conn: &Rc<Connection>, reset: bool) {
        if conn.stage() == Stage::Shaking {
            return self.finish(conn, reset);
        }
        if conn.stage() != Stage::Open {
            return;
        }
        if reset {
            conn.will_reset();
        }
        conn.stage.set(Stage::Ending);
        conn.since.set(clock::monotonic_ms());
        self.sweep_later();
        self.upcall().close(self, conn);
    }

    /// Writes what the socket takes now; whether something still waits.
    pub fn write_now(self: &Rc<Self>, conn: &Rc<Connection>) -> bool {
        drive::flush(self, conn);
        conn.has_output()
    }

    /// User code is done with it: writes what waits (with `reset`: drops it and resets the connection), closes it and
    /// forgets its id.
    pub fn finish(self: &Rc<Self>, conn: &Rc<Connection>, reset: bool) {
        if reset {
            conn.will_reset();
        }
        if conn.held.get() {
            self.let_go(conn);
        }
        if conn.stage() == Stage::Shaking || !conn.has_output() {
            conn.stage.set(Stage::Dead);
            self.forget(conn);
        } else {
            conn.stage.set(Stage::Finishing);
            conn.since.set(clock::monotonic_ms());
            conn.slot().flags.fetch_or(Flags::CLOSING | Flags::CLOSED, Relaxed);
            self.sweep_later();
        }
        conn.wake();
    }

    /// Forgets a connection. Its socket closes when its task ends.
    pub(super) fn forget(&self, conn: &Rc<Connection>) {
        let taken = {
            let mut all = self.connections.borrow_mut();
            let place = all.get_mut(conn.index.0 as usize);
            place.and_then(|p| p.take_if(|c| c.session == conn.session))
        };
        if taken.is_none() {
            return;
        }
        conn.stage.set(Stage::Dead);
        if !conn.resets.get() {
            drive::say_goodbye(conn);
            // What the peer has not seen yet still goes out; only a reset drops it.
            let _ = SockRef::from(conn.io.get_ref()).shutdown(std::net::Shutdown::Both);
        }
        let slot = self.slot();
        add(&slot.closed, 1);
        slot.connections.store(slot.connections.load(Relaxed).saturating_sub(1), Relaxed);
        self.state.release_connection(conn.session, conn.index);
    }

    /// Closes for a reason of ours, which is logged.
    pub fn break_off(self: &Rc<Self>, conn: &Rc<Connection>, why: std::fmt::Arguments<'_>) {
        log::warn!("connection {} from {} is closed: {why}", conn.session.0, conn.from());
        add(&self.slot().aborted, 1);
        self.end(conn);
    }

    /// Answers a bad request and ends its connection. What the peer is still sending is read for a while and thrown
    /// away: a socket that is closed over unread bytes resets, and the peer might lose the answer (RFC 9112 section 9.6).
    pub fn refuse_request(self: &Rc<Self>, conn: &Rc<Connection>, refusal: Refusal) {
        let from = conn.from();
        log::info!("connection {} from {from}: answered with {}: {}", conn.session.0, refusal.status, refusal.reason);
        add(&self.slot().aborted, 1);
        self.write(conn, &Refusal::response(refusal.status), false);
        if conn.has_output() {
            return self.end(conn);
        }
        drive::say_goodbye(conn);
        let _ = SockRef::from(conn.io.get_ref()).shutdown(std::net::Shutdown::Write);
        let (owner, conn) = (self.clone(), conn.clone());
        tokio::spawn(SendWrapper::new(async move {
            tokio::time::sleep(REFUSED_LINGER).await;
            owner.end(&conn);
        }));
    }

    /// Room for so many bytes at least.
    pub(super) fn take_scratch(&self, size: usize) -> Vec<u8> {
        let mut scratch = self.scratch.take();
        if scratch.len() < size {
            scratch.resize(size, 0);
        }
        scratch
    }

    pub(super) fn give_scratch(&self, scratch: Vec<u8>) {
        self.scratch.set(scratch);
    }

    pub(super) fn take_plain(&self) -> Vec<u8> {
        self.plain.take()
    }

    pub(super) fn give_plain(&self, plain: Vec<u8>) {
        self.plain.set(plain);
    }

    /// Closes connections from which nothing was received for their port's `heartbeat_idle_time`; for ever, as a task.
    pub async fn heartbeat(self: Rc<Self>, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            self.refresh_clock();
            for conn in self.all() {
                let idle = u64::from(conn.port.config.heartbeat_idle_time);
                let slot = conn.slot();
                let quiet = self.now().saturating_sub(slot.last_recv.load(Relaxed));
                let protected = Flags(slot.flags.load(Relaxed)).any(Flags::PROTECTED);
                if idle > 0 && !protected && conn.stage() == Stage::Open && quiet > idle * 1_000_000_000 {
                    self.break_off(&conn, format_args!("nothing was received for {idle} seconds"));
                }
            }
        }
    }

    /// Connections whose user code never answers, or whose peer never reads what waits, do not stay for ever.
    fn sweep_later(self: &Rc<Self>) {
        if self.sweeping.replace(true) {
            return;
        }
        let owner = self.clone();
        self.tasks.begin(async move {
            loop {
                tokio::time::sleep(SWEEP_INTERVAL).await;
                let now = clock::monotonic_ms();
                let ending: Vec<_> =
                    owner.all().into_iter().filter(|c| !matches!(c.stage(), Stage::Shaking | Stage::Open)).collect();
                if ending.is_empty() {
                    owner.sweeping.set(false);
                    return;
                }
                for conn in ending.iter().filter(|c| now.saturating_sub(c.since.get()) > LINGER_MS) {
                    conn.drop_output();
                    owner.finish(conn, false);
                }
            }
        });
    }

    /// Opens what `sendfile` names; the errors have the codes that its callers show.
    pub fn open_file(path: &str, offset: u64, length: u64) -> Result<(Rc<File>, u64, u64)> {
        let refused = |cause: io::Error| match cause.raw_os_error() {
            _ if path.contains('\0') => Error::refused("send file", format!("{path:?}"), Code::SystemCallFail),
            _ => Error::system("open", path, cause),
        };
        let file = sys::open::nonblocking(path.as_ref()).map_err(refused)?;
        let about = file.metadata().map_err(refused)?;
        if !about.is_file() {
            return Err(Error::refused("send file", path, Code::ServerNotRegularFile));
        }
        if offset >= about.len() {
            let subject = format!("{path} from byte {offset} of {}", about.len());
            return Err(Error::refused("send file", subject, Code::SystemCallFail));
        }
        let end = if length == 0 { about.len() } else { offset.saturating_add(length) };
        if end > about.len() {
            let subject = format!("{path} from byte {offset} to {end} of {}", about.len());
            return Err(Error::refused("send file", subject, Code::InvalidParams));
        }
        Ok((Rc::new(file), offset, end))
    }
}

/// How often to look for idle connections, if at all: as `heartbeat_check_interval` says, else often enough for the
/// shortest `heartbeat_idle_time`.
pub fn heartbeat_interval(state: &ServerState) -> Option<Duration> {
    let shortest = state.ports.iter().map(|p| p.config.heartbeat_idle_time).filter(|s| *s > 0).min()?;
    let every = match state.config.heartbeat_check_interval {
        0 => shortest.div_ceil(2),
        n => n,
    };
    Some(Duration::from_secs(u64::from(every)))
}

/// Adds to a counter that only this thread writes.
pub fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed) + n, Relaxed);
}

/// Failures that say nothing about the socket's future.
pub(super) fn fleeting(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::Interrupted || matches!(e.raw_os_error(), Some(libc::ECONNABORTED | libc::EPROTO))
}

fn peer_of(address: &socket2::SockAddr) -> Peer {
    match address.as_socket() {
        Some(a) => Peer { ip: Some(sys::socket::canonical_ip(a.ip())), port: a.port() },
        None => Peer { ip: None, port: 0 },
    }
}

/// Files that may wait for one peer: each is an open descriptor.
const MAX_FILES: usize = 256;
/// Bytes read at once.
pub(super) const READ_SIZE: usize = 64 << 10;
/// How long nothing is accepted once descriptors have run out.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);
/// How often a full server looks whether others have left.
const FULL_PAUSE: Duration = Duration::from_millis(20);
/// Bytes for one peer that may wait for what follows.
const GATHERED: u64 = 64 << 10;
/// How long what a refused peer is still sending is read.
const REFUSED_LINGER: Duration = Duration::from_secs(1);
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// How long a connection that ends may take over it, without a byte moving.
const LINGER_MS: u64 = 10_000;
