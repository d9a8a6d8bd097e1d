//! Base mode: a worker owns its connections, and the border between reactor and worker is a plain call.
//!
//! Handlers that may be called from within the runtime get each packet where it was read, without a copy. For the
//! others it is kept until the runtime has been left.

use super::admission::{self, Waiting};
use super::{Loop, receive};
use crate::conn::connection::{Connection, HOLD_PAUSE, Stage};
use crate::conn::datagram::{self, Origin};
use crate::conn::owner::{ConnectionObserver, Owner, Verdict, add};
use crate::conn::registry::{Flags, SlotIndex};
use crate::conn::timeouts;
use crate::handler::{ConnectionEvent, SessionId, Stop};
use crate::node::Node;
use crate::process::worker::Role;
use crate::runtime;
use crate::state::Port;
use crate::sys::clock;
use crate::sys::temp_file::TempFile;
use send_wrapper::SendWrapper;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Something that happened to a connection of this worker, for user code to be told outside the runtime.
#[derive(Debug)]
pub enum Frame {
    /// See [`Handler::connect`](crate::handler::Handler::connect).
    Connect(SessionId),
    /// A packet: the next so many bytes.
    Data(SessionId, usize),
    /// A long packet.
    Whole(SessionId, Rc<Vec<u8>>),
    /// A request whose body is stored: its head.
    Stored(SessionId, Vec<u8>, Rc<TempFile>),
    /// The peer is gone.
    Close(SessionId),
    /// The output passed a watermark.
    Watermark(SessionId, bool),
    /// A datagram: port, sender, the next so many bytes.
    Datagram(usize, Origin, usize),
}

impl Frame {
    /// The connection whose packet it is, kept with its fellows.
    pub fn packet_of(&self) -> Option<SessionId> {
        match self {
            Frame::Data(session, _) => Some(*session),
            _ => None,
        }
    }
}

/// Frames in order, and their bytes in one buffer.
#[derive(Debug, Default)]
pub struct Frames {
    queue: VecDeque<Frame>,
    bytes: Vec<u8>,
    /// How many of the bytes have been told.
    told: usize,
}

thread_local! {
    /// What waits to be told in this worker.
    static FRAMES: RefCell<Frames> = RefCell::default();
}

/// Makes this worker an owner of connections.
pub fn open(work: &Loop) {
    let node = &work.node;
    let id = node.worker_id().map_or(0, |w| w.0);
    let upcall: Rc<dyn ConnectionObserver> = match node.0.handler.inline() {
        true => Rc::new(Inline { node: node.clone(), limit: work.request_limit, handled: Cell::new(0) }),
        false => Rc::new(Queued(node.clone())),
    };
    FRAMES.with(|f| *f.borrow_mut() = Frames::default());
    // A server that ran in this process before has taken its bells' runtime with it.
    drop(WATCHED.take());
    let _ = node.0.owner.set(Owner::new(node.state(), id, upcall));
}

/// Begins to accept and to receive, on this worker's runtime.
pub fn begin(work: &Loop) {
    let node = &work.node;
    let Some(owner) = node.0.owner.get() else { return };
    let state = node.state();
    work.block_on(async {
        for port in &state.ports {
            let port = own_socket(port, owner.id);
            if port.kind.is_stream() {
                let accept = owner.clone().accept_from(port, |socket, peer| Some((socket, peer)));
                tokio::spawn(SendWrapper::new(accept));
            } else {
                let (node, inline) = (node.clone(), node.0.handler.inline());
                let deliver = move |port: &Port, from: Origin, data: &[u8]| datagram(&node, inline, port, from, data);
                tokio::spawn(SendWrapper::new(datagram::receive_from(state, port, deliver)));
            }
        }
        if let Some(every) = crate::conn::owner::heartbeat_interval(state) {
            tokio::spawn(SendWrapper::new(owner.clone().heartbeat(every)));
        }
        if let Some(every) = timeouts::interval(state) {
            tokio::spawn(SendWrapper::new(timeouts::watch(owner.clone(), every)));
        }
    });
}

/// With `enable_reuse_port` each worker has a listening socket of its own, and the kernel spreads connections.
fn own_socket(port: &std::sync::Arc<Port>, worker: u32) -> std::sync::Arc<Port> {
    let own = (worker as usize).checked_sub(1).and_then(|n| port.siblings.get(n));
    own.unwrap_or(port).clone()
}

/// This worker is to end: it accepts no more, and what it has not read yet it leaves.
pub fn quiesce(work: &Loop) {
    let Some(owner) = work.node.0.owner.get() else { return };
    owner.stop_accepting();
    owner.all().iter().for_each(|conn| conn.hold(HOLD_PAUSE));
}

/// Closes this worker's connections: user code is told of each, and what waits is still written.
pub fn close_all(work: &Loop) {
    let node = &work.node;
    let Some(owner) = node.0.owner.get() else { return };
    owner.stop_accepting();
    for conn in owner.all() {
        if conn.stage() == Stage::Finishing {
            continue;
        }
        if conn.stage() == Stage::Shaking {
            owner.finish(&conn, true);
            continue;
        }
        let _ = node.close(conn.session, false);
    }
    // Less than what the manager waits: what peers never read is dropped here, in order, rather than by a kill.
    let limit = node.state().config.max_wait_time.as_millis() as u64 / 2;
    let until = clock::monotonic_ms() + limit;
    work.block_on(async {
        while !owner.all().is_empty() && clock::monotonic_ms() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // What peers never read is not waited for any longer.
        for conn in owner.all() {
            owner.finish(&conn, true);
        }
        tokio::task::yield_now().await;
    });
}

/// Gives the rows of a killed base worker's connections back. Called in the manager.
pub fn release_rows(node: &Node, id: u32) {
    let state = node.state();
    let lost: Vec<(SessionId, SlotIndex)> = state
        .registry
        .all()
        .filter(|(_, _, slot)| slot.reactor.load(Relaxed) == id)
        .map(|(session, index, _)| (session, index))
        .collect();
    for (session, index) in lost {
        state.release_connection(session, index);
        add(&state.reactor_slot(id).closed, 1);
    }
    state.reactor_slot(id).connections.store(0, Relaxed);
}

/// Waits on the runtime until there is something for user code, or `limit` is over.
pub async fn something(work: &Loop, limit: Option<Duration>) {
    let node = &work.node;
    let bells = WATCHED.with(|w| w.borrow().clone());
    let bells = match bells {
        Some(bells) if bells.0 == crate::sys::process::cached_pid() => bells,
        _ => {
            let made = || -> crate::error::Result<_> {
                Ok(Rc::new((
                    crate::sys::process::cached_pid(),
                    runtime::watch(work.mailboxes[0].event_fd())?,
                    runtime::watch(work.signals.event_fd())?,
                )))
            };
            let Ok(bells) = made() else { return };
            WATCHED.with(|w| *w.borrow_mut() = Some(bells.clone()));
            bells
        }
    };
    let timer = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = node.0.wake.raised() => {}
        () = runtime::rung(&bells.1) => {}
        () = runtime::rung(&bells.2) => {}
        () = std::future::poll_fn(|cx| node.0.handler.poll_ready(cx)) => {}
        () = timer => {}
    }
}

/// Lets the runtime see to its own work, without waiting.
pub async fn look(work: &Loop) {
    let handler = &work.node.0.handler;
    tokio::select! {
        biased;
        () = std::future::poll_fn(|cx| handler.poll_ready(cx)) => {}
        () = tokio::task::yield_now() => {}
    }
}

thread_local! {
    /// The two bells of this process, watched by its runtime.
    static WATCHED: RefCell<Option<Rc<(i32, EventFd, EventFd)>>> = const { RefCell::new(None) };
}
type EventFd = runtime::WatchedBell;

/// Whether something waits to be told.
pub fn has_frames(node: &Node) -> bool {
    node.role() == Role::Worker && FRAMES.with(|f| !f.borrow().queue.is_empty())
}

/// Everything that waits, taken out.
pub fn take_frames(node: &Node) -> Frames {
    if node.0.owner.get().is_none() {
        return Frames::default();
    }
    FRAMES.with(|frames| frames.take())
}

/// Puts back what was not told of a batch, before what has come since; keeps its memory for the next one.
pub fn give_back(mut batch: Frames) {
    FRAMES.with(|frames| {
        let mut now = frames.borrow_mut();
        batch.bytes.drain(..batch.told);
        batch.told = 0;
        if batch.bytes.is_empty() && batch.bytes.capacity() > KEPT {
            batch.bytes = Vec::new();
        }
        batch.queue.extend(now.queue.drain(..));
        batch.bytes.extend_from_slice(&now.bytes);
        *now = batch;
    });
}

impl Frames {
    /// Whether nothing waits in it.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next thing to tell, with its bytes; and whether it and the one behind it are packets of one connection.
    pub fn take_next(&mut self) -> Option<(Frame, &[u8], bool)> {
        let frame = self.queue.pop_front()?;
        let len = match &frame {
            Frame::Data(_, len) | Frame::Datagram(_, _, len) => *len,
            _ => 0,
        };
        let from = self.told;
        self.told += len;
        let session = frame.packet_of();
        let again = session.is_some() && self.queue.front().and_then(Frame::packet_of) == session;
        Some((frame, &self.bytes[from..from + len], again))
    }
}

/// Tells user code, now or when there is room for it. Whether it counts as a request.
pub fn handle_frame(node: &Node, frame: Frame, data: &[u8]) -> Result<bool, Stop> {
    let session = match &frame {
        Frame::Data(session, _) | Frame::Whole(session, _) | Frame::Stored(session, ..) | Frame::Close(session) => {
            *session
        }
        Frame::Datagram(..) => SessionId(0),
        Frame::Connect(_) | Frame::Watermark(..) => return tell(node, frame, data),
    };
    let is_close = matches!(frame, Frame::Close(_));
    let bytes = if let Frame::Whole(_, whole) = &frame { whole.len() } else { data.len() };
    let event = match node.own_connection(session) {
        Some((owner, conn)) => event_of(&owner, &conn),
        None if session.0 == 0 => NO_CONNECTION,
        None => return Ok(false),
    };
    let mut kept = Some(frame);
    let keep = || Waiting::Frame(kept.take().expect("asked for once"), data.to_vec());
    let goes = match is_close {
        true => admission::close(node, session, keep),
        false => {
            let verdict = admission::request(node, &event, keep)?;
            if verdict == admission::Verdict::Refused {
                node.note_told(session, bytes);
            }
            verdict == admission::Verdict::Go
        }
    };
    kept.filter(|_| goes).map_or(Ok(false), |frame| tell(node, frame, data))
}

/// Tells user code now. Whether it counts as a request.
pub fn tell(node: &Node, frame: Frame, data: &[u8]) -> Result<bool, Stop> {
    let told = tell_frame(node, frame, data);
    drop(node.0.packet.take());
    // Unless its handler has kept it, the request is over.
    drop(node.0.arriving.take());
    told
}

fn tell_frame(node: &Node, frame: Frame, data: &[u8]) -> Result<bool, Stop> {
    let handler = &node.0.handler;
    let (session, what) = match frame {
        Frame::Datagram(port, from, _) => {
            receive::packet(node, from, port, clock::wall_nanos(), data)?;
            return Ok(true);
        }
        Frame::Connect(s) => (s, 0),
        Frame::Data(s, _) => (s, 1),
        Frame::Whole(s, data) => return tell_whole(node, s, &data),
        Frame::Stored(s, head, body) => return tell_stored(node, s, &head, body),
        Frame::Close(s) => (s, 2),
        Frame::Watermark(s, above) => (s, if above { 3 } else { 4 }),
    };
    let Some((owner, conn)) = node.own_connection(session) else { return Ok(false) };
    let event = event_of(&owner, &conn);
    match what {
        0 => handler.connect(node, &event)?,
        1 => {
            node.note_told(session, data.len());
            if is_closed(&conn) {
                return Ok(false);
            }
            receive::count_request(node);
            receive::data(node, &event, data)?;
            return Ok(true);
        }
        2 => close(node, &owner, &conn),
        3 => handler.buffer_full(node, &event)?,
        _ => handler.buffer_empty(node, &event)?,
    }
    Ok(false)
}

fn tell_whole(node: &Node, session: SessionId, data: &Rc<Vec<u8>>) -> Result<bool, Stop> {
    node.offer_packet(data);
    tell_frame(node, Frame::Data(session, data.len()), data)
}

fn tell_stored(node: &Node, session: SessionId, head: &[u8], body: Rc<TempFile>) -> Result<bool, Stop> {
    let Some((owner, conn)) = node.own_connection(session) else { return Ok(false) };
    if is_closed(&conn) {
        return Ok(false);
    }
    receive::count_request(node);
    node.0.handler.receive_stored(node, &event_of(&owner, &conn), head, body)?;
    Ok(true)
}

fn is_closed(conn: &Connection) -> bool {
    Flags(conn.slot().flags.load(Relaxed)).any(Flags::CLOSED | Flags::CLOSING)
}

fn event_of(owner: &Owner, conn: &Connection) -> ConnectionEvent {
    ConnectionEvent {
        session: conn.session,
        reactor_id: owner.id as i32,
        dispatch_time: datagram::seconds(owner.now()),
        port: conn.port.index,
    }
}

/// The peer closed it: user code is told, then it is finished.
fn close(node: &Node, owner: &Rc<Owner>, conn: &Rc<Connection>) {
    conn.slot().flags.fetch_or(Flags::CLOSING, Relaxed);
    node.run_close(&event_of(owner, conn));
    owner.finish(conn, false);
}

fn datagram(node: &Node, inline: bool, port: &Port, from: Origin, data: &[u8]) {
    if inline {
        let flow = receive::packet(node, from, port.index, clock::wall_nanos(), data);
        return node.note_flow(flow);
    }
    push(node, Frame::Datagram(port.index, from, data.len()), data);
}

fn push(node: &Node, frame: Frame, data: &[u8]) -> usize {
    let waits = FRAMES.with(|frames| {
        let mut frames = frames.borrow_mut();
        frames.queue.push_back(frame);
        frames.bytes.extend_from_slice(data);
        frames.bytes.len()
    });
    node.0.wake.raise();
    waits
}

/// A packet has come, of which so many bytes are in memory until it is told.
fn note_packet(node: &Node, owner: &Owner, conn: &Connection, bytes: usize) {
    add(&owner.slot().requests, 1);
    conn.slot().last_dispatch.store(owner.now(), Relaxed);
    conn.note_given(node.state().config.queued_bytes_limit(), bytes);
}

/// User code is called where the event happens.
struct Inline {
    node: Node,
    /// Requests after which this process is replaced.
    limit: Option<u64>,
    handled: Cell<u64>,
}

impl Inline {
    fn verdict(&self, flow: Result<(), Stop>) -> Verdict {
        self.node.note_flow(flow);
        Verdict::Go
    }

    fn count(&self) {
        self.handled.set(self.handled.get() + 1);
        if self.limit.is_some_and(|limit| self.handled.get() >= limit) {
            self.node.0.stopping.set(true);
            self.node.0.wake.raise();
        }
    }
}

impl ConnectionObserver for Inline {
    fn connect(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) -> Verdict {
        self.verdict(self.node.0.handler.connect(&self.node, &event_of(owner, conn)))
    }

    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict {
        note_packet(&self.node, owner, conn, data.len());
        self.count();
        self.verdict(handle_frame(&self.node, Frame::Data(conn.session, data.len()), data).map(drop))
    }

    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> Verdict {
        // Its body is on disk.
        note_packet(&self.node, owner, conn, 0);
        self.count();
        let frame = Frame::Stored(conn.session, head, Rc::new(body));
        self.verdict(handle_frame(&self.node, frame, &[]).map(drop))
    }

    fn close(&self, _: &Rc<Owner>, conn: &Rc<Connection>) {
        let flow = handle_frame(&self.node, Frame::Close(conn.session), &[]);
        self.node.note_flow(flow.map(drop));
    }

    fn watermark(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, above: bool) {
        let event = event_of(owner, conn);
        let handler = &self.node.0.handler;
        let flow =
            if above { handler.buffer_full(&self.node, &event) } else { handler.buffer_empty(&self.node, &event) };
        self.node.note_flow(flow);
    }
}

/// User code is called once the runtime has been left.
struct Queued(Node);

impl ConnectionObserver for Queued {
    fn connect(&self, _: &Rc<Owner>, conn: &Rc<Connection>) -> Verdict {
        push(&self.0, Frame::Connect(conn.session), &[]);
        Verdict::Go
    }

    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8]) -> Verdict {
        note_packet(&self.0, owner, conn, data.len());
        push(&self.0, Frame::Data(conn.session, data.len()), data);
        Verdict::Go
    }

    fn whole_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: Vec<u8>) -> Verdict {
        note_packet(&self.0, owner, conn, data.len());
        push(&self.0, Frame::Whole(conn.session, Rc::new(data)), &[]);
        Verdict::Go
    }

    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> Verdict {
        note_packet(&self.0, owner, conn, 0);
        push(&self.0, Frame::Stored(conn.session, head, Rc::new(body)), &[]);
        Verdict::Go
    }

    fn close(&self, _: &Rc<Owner>, conn: &Rc<Connection>) {
        push(&self.0, Frame::Close(conn.session), &[]);
    }

    fn watermark(&self, _: &Rc<Owner>, conn: &Rc<Connection>, above: bool) {
        push(&self.0, Frame::Watermark(conn.session, above), &[]);
    }
}

/// A datagram's, to which nobody is connected.
const NO_CONNECTION: ConnectionEvent =
    ConnectionEvent { session: SessionId(0), reactor_id: 0, dispatch_time: 0.0, port: usize::MAX };
/// Memory for bytes that wait is kept up to this size.
const KEPT: usize = 1 << 20;
