//! The owner of connections: a reactor thread, or a worker in base mode.
//!
//! Runs in: the thread that owns the connections, and only there. This file keeps the set of connections; `accept`, `read`,
//! `write` and `close` are what the owner does with one of them. Events go to a [`ConnectionObserver`].

use super::connection::{Connection, ReadHold};
use super::http2::session::SpareBuffer;
use super::reply_batch::ReplyBatch;
use super::tasks::Tasks;
use crate::config::Mode;
use crate::ids::SessionId;
use crate::proto::http1::head_index::{HeadIndex, IndexEntry};
use crate::proto::http2::server::Workspace;
use crate::shm::slots::ReactorSlot;
use crate::state::ServerState;
use crate::state::registry::{Registry, SlotIndex};
use crate::sys::clock;
use crate::sys::temp_file::TempFile;
use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Receives the events of an owner's connections.
pub trait ConnectionObserver {
    /// A connection was accepted, and its handshake is done.
    fn connect(&self, owner: &Rc<Owner>, conn: &Rc<Connection>) -> ReadAction;
    /// A packet is complete. `head`: the entries of the index of an HTTP request's head; none where it has no index.
    fn packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: &[u8], head: &[IndexEntry]) -> ReadAction;
    /// A long packet is complete; its buffer is passed on.
    fn whole_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, data: Vec<u8>) -> ReadAction {
        self.packet(owner, conn, &data, &[])
    }
    /// An HTTP request is complete whose body is stored in a file. `head`: the request without its body.
    fn stored_packet(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, head: Vec<u8>, body: TempFile) -> ReadAction;
    /// The connection is not read any more. The observer calls [`Owner::finish`], now or later; a connection that is never
    /// finished is closed after a timeout.
    fn close(&self, owner: &Rc<Owner>, conn: &Rc<Connection>);
    /// The output passed the high watermark (`above`), or fell below the low one again.
    fn watermark(&self, owner: &Rc<Owner>, conn: &Rc<Connection>, above: bool);
}

/// How reading continues after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadAction {
    /// Go on reading.
    Continue,
    /// Handle what was read, but read no more until the hold is released ([`ReadHold::Backlog`]).
    ///
    /// [`ReadHold::Backlog`]: super::connection::ReadHold::Backlog
    Hold,
    /// Close the connection.
    Close,
}

impl ReadAction {
    /// This action, unless a later one asks for something else.
    pub(super) fn then(self, later: ReadAction) -> ReadAction {
        if later == ReadAction::Continue { self } else { later }
    }
}

/// The connections of one thread.
pub struct Owner {
    pub(super) state: &'static ServerState,
    id: u32,
    observer: Rc<dyn ConnectionObserver>,
    /// By index of the registry's row.
    connections: RefCell<Vec<Option<Rc<Connection>>>>,
    /// Nanoseconds since the epoch when this tick of the loop began: cheaper than a clock call per packet.
    now: Cell<u64>,
    /// The buffer that all connections of this thread are read into.
    read_buffer: Cell<Vec<u8>>,
    /// The buffer for decrypted bytes of one read.
    plaintext_buffer: Cell<Vec<u8>>,
    /// The index of the request that is being passed on.
    pub(super) head_index: Cell<HeadIndex>,
    /// Buffers of connections of HTTP/2.
    pub(super) http2_output: Rc<SpareBuffer>,
    /// Memory for requests of HTTP/2, while none is received.
    pub(super) http2_workspace: Cell<Workspace>,
    accepting: Cell<bool>,
    /// Files to send that arrived before their commands and did not fit back into the channel, by number.
    pub(super) early_files: RefCell<Vec<(u64, File)>>,
    /// Corked replies, flushed in one write.
    pub(super) batch: ReplyBatch,
    /// A task closes connections that make no progress.
    pub(super) sweeping: Cell<bool>,
    /// The tasks that drive connections, polled by the thread's loop.
    tasks: Tasks,
}

impl Owner {
    /// An owner without connections. `id`: number of the reactor thread, or of the worker in base mode.
    pub fn new(state: &'static ServerState, id: u32, observer: Rc<dyn ConnectionObserver>) -> Rc<Self> {
        Rc::new(Owner {
            state,
            id,
            observer,
            connections: RefCell::default(),
            now: Cell::new(clock::wall_nanos()),
            read_buffer: Cell::default(),
            plaintext_buffer: Cell::default(),
            head_index: Cell::default(),
            http2_output: Rc::default(),
            http2_workspace: Cell::default(),
            accepting: Cell::new(true),
            early_files: RefCell::default(),
            batch: ReplyBatch::default(),
            sweeping: Cell::new(false),
            tasks: Tasks::default(),
        })
    }

    /// The tasks that drive connections, polled by the thread's loop.
    pub(crate) fn tasks(&self) -> &Tasks {
        &self.tasks
    }

    /// Number of the reactor thread, or of the worker in base mode.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Its row in shared memory.
    pub fn slot(&self) -> &'static ReactorSlot {
        self.state.reactor_slot(self.id)
    }

    pub(super) fn observer(&self) -> &dyn ConnectionObserver {
        &*self.observer
    }

    /// Reads the clock; called once per tick of the loop.
    pub fn refresh_clock(&self) {
        self.now.set(clock::wall_nanos());
    }

    /// Nanoseconds since the epoch, as of the beginning of this tick.
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Whether connections are accepted.
    pub(super) fn is_accepting(&self) -> bool {
        self.accepting.get() && self.state.accepts()
    }

    /// The registry of connections.
    pub(super) fn registry(&self) -> Registry {
        *self.state.registry()
    }

    /// Bytes of the longest form with files.
    pub(super) fn max_form_length(&self) -> u64 {
        self.state.config().max_form_length
    }

    /// Accepts no more connections.
    pub fn stop_accepting(&self) {
        self.accepting.set(false);
    }

    pub(super) fn insert(&self, conn: Rc<Connection>) {
        let mut all = self.connections.borrow_mut();
        let at = conn.index().0 as usize;
        if all.len() <= at {
            all.resize(at + 1, None);
        }
        all[at] = Some(conn);
    }

    /// Removes a connection; whether it was here.
    pub(super) fn remove(&self, conn: &Connection) -> bool {
        let mut all = self.connections.borrow_mut();
        let place = all.get_mut(conn.index().0 as usize);
        place.and_then(|place| place.take_if(|c| c.session() == conn.session())).is_some()
    }

    /// The connection with this id, if this owner has it.
    pub fn find(&self, session: SessionId) -> Option<Rc<Connection>> {
        let (SlotIndex(index), _) = self.state.registry().find(session)?;
        let all = self.connections.borrow();
        let conn = all.get(index as usize)?.as_ref()?;
        (conn.session() == session).then(|| conn.clone())
    }

    /// Reads no more from its connections. A connection of HTTP/2 is ended in order: its streams go on, and in base mode
    /// those that the client opens before it knows of the end are still accepted.
    pub fn quiesce(&self) {
        for conn in self.all() {
            match conn.http2() {
                Some(session) => {
                    session.end_in_order(self.state.mode() == Mode::Process);
                    conn.wake();
                }
                // A request that was upgraded is answered once its client has spoken HTTP/2.
                None if conn.is_stream() || conn.is_upgrading() => {}
                None => conn.hold(ReadHold::Pause),
            }
        }
    }

    /// Whether a client of HTTP/2 may still open streams after [`quiesce`](Self::quiesce).
    pub(crate) fn awaits_clients(&self) -> bool {
        let connections = self.connections.borrow();
        let awaits = |conn: &Rc<Connection>| match conn.http2() {
            Some(session) => session.awaits_client(),
            None => conn.is_upgrading(),
        };
        connections.iter().flatten().any(awaits)
    }

    /// Accepts no more streams of HTTP/2.
    pub(crate) fn refuse_streams(&self) {
        self.all().iter().filter_map(|conn| conn.http2()).for_each(|session| session.end_in_order(true));
    }

    /// All its connections, and the streams of HTTP/2.
    pub fn all(&self) -> Vec<Rc<Connection>> {
        self.connections.borrow().iter().flatten().cloned().collect()
    }

    /// Takes the read buffer, of at least `size` bytes.
    pub(super) fn take_read_buffer(&self, size: usize) -> Vec<u8> {
        let mut buffer = self.read_buffer.take();
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        buffer
    }

    pub(super) fn put_read_buffer(&self, buffer: Vec<u8>) {
        self.read_buffer.set(buffer);
    }

    pub(super) fn take_plaintext_buffer(&self) -> Vec<u8> {
        self.plaintext_buffer.take()
    }

    pub(super) fn put_plaintext_buffer(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.plaintext_buffer.set(buffer);
    }
}

/// Adds to a counter that only this thread writes.
pub fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Relaxed) + n, Relaxed);
}

/// Whether an error says nothing about the socket's future.
pub(super) fn is_transient(e: &io::Error) -> bool {
    e.kind() == io::ErrorKind::Interrupted || matches!(e.raw_os_error(), Some(libc::ECONNABORTED | libc::EPROTO))
}

/// Bytes read at once.
pub(super) const READ_SIZE: usize = 64 << 10;
