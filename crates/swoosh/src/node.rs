//! One process of the server, as user code sees it: what it is, and what it can ask for.
//!
//! The same [`Node`] is handed to every event of its process. Calls that make no sense there are refused with an error
//! that says where they do.

use crate::config::Mode;
use crate::conn::owner::Owner;
use crate::conn::registry::{Flags, Registry};
use crate::conn::{datagram, registry};
use crate::error::{Code, Error, Result};
use crate::handler::{FinishEvent, Handler, SessionId, Stop, WorkerId};
use crate::ipc::{Assembler, FOREIGN_CHILD, FOREIGN_CHILDREN, Head, Kind, MANAGER, Message, Sender};
use crate::runtime::Signal;
use crate::shm::slots::{ConnectionSlot, WorkerSlot};
use crate::state::{ProcessKind, ServerPhase, ServerState};
use crate::sys::{clock, process, socket};
use crate::timer::{TimerId, TimerWheel};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

mod close;
mod files;
mod in_hand;
mod queued;
mod send;
mod stats;
mod tasks;

pub use in_hand::InHand;
pub use send::Reading;
pub(crate) use send::apply_reading;
pub use stats::Stats;
pub use tasks::{TaskResult, pack_task, unpack_task};
pub(crate) use tasks::{WAITED, from_queued_form, task_event};

/// What this process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Accepts connections and owns the reactor threads.
    Master,
    /// Forks, reaps, replaces.
    Manager,
    /// Handles requests.
    Worker,
    /// Handles tasks.
    TaskWorker,
    /// Runs what was added as a process of its own.
    User,
}

/// A process of the server. Clones are the same process.
#[derive(Clone)]
pub struct Node(pub(crate) Rc<Inner>);

/// A timer's code, for programs in Rust.
pub type TimerFn = Rc<dyn Fn(&Node, u64)>;

pub(crate) struct Inner {
    pub state: &'static ServerState,
    pub handler: Rc<dyn Handler>,
    pub role: Cell<Role>,
    pub id: Cell<Option<WorkerId>>,
    pub sender: Sender,
    /// The connections of this process, in base mode and where the master has no reactor threads.
    pub owner: OnceCell<Rc<Owner>>,
    /// What came while this process waited for something else.
    pub deferred: RefCell<VecDeque<Message>>,
    /// Joins what comes into this process's mailbox for messages.
    pub messages: Rc<RefCell<Assembler>>,
    pub results: RefCell<Assembler>,
    pub next_task: Cell<u64>,
    /// Futures that run beside the loop and have not ended.
    pub futures: Cell<usize>,
    /// Answers to waited tasks that came after the waiter had given up.
    pub late_answers: Cell<u64>,
    /// The connection whose `close` is being told because this process closes it.
    pub closing: Cell<Option<SessionId>>,
    /// This process has to end: user code cannot go on.
    pub fatal: Cell<Option<Stop>>,
    /// This process has to end, in order.
    pub stopping: Cell<bool>,
    pub timers: RefCell<TimerWheel<TimerFn>>,
    /// Requests that have come and are not over, and how many of these wait for others to end.
    pub in_hand: Cell<u64>,
    pub waiting: Cell<u64>,
    /// The request whose event is about to be told.
    pub arriving: Cell<Option<InHand>>,
    /// Its bytes, where they are many.
    pub packet: RefCell<Option<Rc<Vec<u8>>>>,
    /// No file answers the request that is being told: the connection's owner has looked.
    pub no_file: Cell<bool>,
    /// Files that came before the messages they belong to and could not be given back, by number.
    pub files: RefCell<Vec<(u64, std::fs::File)>>,
    /// Wakes the loop from within the runtime.
    pub wake: Rc<Signal>,
    /// The runtime's handle, where this process has one.
    pub runtime: OnceCell<tokio::runtime::Handle>,
    /// The runtime itself, where this process's loop is a worker's.
    pub worker_runtime: RefCell<Option<Rc<crate::runtime::ThreadRuntime>>>,
}

impl Node {
    pub(crate) fn new(state: &'static ServerState, handler: Rc<dyn Handler>, role: Role, id: Option<WorkerId>) -> Self {
        Node(Rc::new(Inner {
            state,
            handler,
            role: Cell::new(role),
            id: Cell::new(id),
            sender: Sender::at_once(),
            owner: OnceCell::new(),
            deferred: RefCell::default(),
            messages: Rc::default(),
            results: RefCell::default(),
            next_task: Cell::new(0),
            futures: Cell::new(0),
            late_answers: Cell::new(0),
            closing: Cell::new(None),
            fatal: Cell::new(None),
            stopping: Cell::new(false),
            timers: RefCell::new(TimerWheel::new(clock::monotonic_ms())),
            in_hand: Cell::new(0),
            waiting: Cell::new(0),
            arriving: Cell::new(None),
            packet: RefCell::default(),
            no_file: Cell::new(false),
            files: RefCell::default(),
            wake: Rc::default(),
            runtime: OnceCell::new(),
            worker_runtime: RefCell::default(),
        }))
    }

    /// What this process does.
    pub fn role(&self) -> Role {
        self.0.role.get()
    }

    /// Its number, where it is a worker, task worker or user process.
    pub fn worker_id(&self) -> Option<WorkerId> {
        self.0.id.get()
    }

    /// What all processes of the server share.
    pub fn state(&self) -> &'static ServerState {
        self.0.state
    }

    /// Process id of the master (in base mode of worker 0 or the only process).
    pub fn master_pid(&self) -> i32 {
        self.0.state.server[0].master_pid.load(Relaxed)
    }

    /// Process id of the manager, 0 where there is none.
    pub fn manager_pid(&self) -> i32 {
        self.0.state.server[0].manager_pid.load(Relaxed)
    }

    /// This process was forked by user code, in an event of the process that this node was: it is none of the server's, and
    /// knows its server as a user process without a number does. What is counted there is its parent's.
    pub fn step_out(&self) {
        self.0.role.set(Role::User);
        self.0.id.set(None);
    }

    pub(crate) fn own_slot(&self) -> Option<&'static WorkerSlot> {
        self.0.state.worker(self.worker_id()?)
    }

    /// The async runtime that this process's loop sleeps on. Workers whose handler is not called from within one get it
    /// with the first call; from then on their loop sleeps there. Fails where the kernel gives no descriptors, and in a
    /// process without a loop of the engine's.
    pub fn runtime(&self) -> Result<tokio::runtime::Handle> {
        if let Some(handle) = self.0.runtime.get() {
            return Ok(handle.clone());
        }
        if !matches!(self.role(), Role::Worker | Role::TaskWorker) {
            return Err(Error::State {
                operation: "make an event loop",
                reason: "this process has no loop of the engine's".into(),
            });
        }
        // Connections see the time after each sleep.
        let after = self.clone();
        let refresh = move || {
            if let Some(owner) = after.0.owner.get() {
                owner.refresh_clock();
            }
        };
        let runtime = crate::runtime::for_this_thread(|| (), refresh)?;
        let handle = self.0.runtime.get_or_init(|| runtime.handle().clone()).clone();
        *self.0.worker_runtime.borrow_mut() = Some(Rc::new(runtime));
        Ok(handle)
    }

    /// That process's row; `None` where there is no such process.
    pub fn worker_slot(&self, id: WorkerId) -> Option<&'static WorkerSlot> {
        self.0.state.worker(id)
    }

    // ---- connections ----

    /// Whether the connection is open and may be sent to from here.
    pub fn exists(&self, session: SessionId) -> bool {
        self.lookup(session)
            .is_some_and(|(_, slot)| !Flags(slot.flags.load(Relaxed)).any(Flags::CLOSING | Flags::CLOSED))
    }

    /// What is known of a connection; `None` where there is no such connection, and in base mode where it is another
    /// worker's.
    pub fn client_info(&self, session: SessionId) -> Option<ClientInfo> {
        let (_, slot) = self.lookup(session)?;
        let port = self.0.state.ports.get(slot.port.load(Relaxed) as usize)?;
        let fd = slot.fd.load(Relaxed);
        let own = self.own_connection(session).is_some();
        // Descriptors belong to a process: only the owner can ask the kernel.
        let in_kernel = if own { socket::queued(fd) } else { (0, 0) };
        let info = ClientInfo {
            server_port: port.number,
            server_fd: std::os::fd::AsRawFd::as_raw_fd(&port.socket),
            socket_fd: fd,
            socket_type: port.kind as i32,
            peer: Registry::peer(slot),
            reactor_id: slot.reactor.load(Relaxed),
            uid: slot.uid.load(Relaxed),
            connect_time: slot.connect_time.load(Relaxed),
            last_recv: datagram::seconds(slot.last_recv.load(Relaxed)),
            last_send: datagram::seconds(slot.last_send.load(Relaxed)),
            last_dispatch: datagram::seconds(slot.last_dispatch.load(Relaxed)),
            recv_queued: slot.recv_queued.load(Relaxed) + u64::from(in_kernel.0),
            send_queued: slot.send_queued.load(Relaxed) + u64::from(in_kernel.1),
            close_errno: slot.close_errno.load(Relaxed),
            port: port.index,
        };
        (slot.session.load(Relaxed) == session.0).then_some(info)
    }

    /// Up to `count` connections behind `after` (id 0: from the first one on), of one port or of all. In base mode only
    /// this worker's own. `None`: `after` is not a known connection.
    pub fn client_list(&self, after: SessionId, count: usize, port: Option<usize>) -> Option<Vec<SessionId>> {
        self.0
            .state
            .registry
            .list(after, count, |slot| self.may_see(slot) && port.is_none_or(|p| slot.port.load(Relaxed) as usize == p))
    }

    /// How many connections are open, of one port or of all, whoever owns them.
    pub fn connection_count(&self, port: Option<usize>) -> u64 {
        let registry = &self.0.state.registry;
        match port {
            None => registry.count(),
            Some(p) => registry.all().filter(|(_, _, slot)| slot.port.load(Relaxed) as usize == p).count() as u64,
        }
    }

    /// The heartbeat leaves this connection alone, or no longer.
    pub fn protect(&self, session: SessionId, protected: bool) -> Result<()> {
        let (_, slot) = self.open_connection("protect", session)?;
        match protected {
            true => slot.flags.fetch_or(Flags::PROTECTED, Relaxed),
            false => slot.flags.fetch_and(!Flags::PROTECTED, Relaxed),
        };
        Ok(())
    }

    /// Fixes a connection to a user id, once: in dispatch mode 5 all connections of an id go to one worker.
    /// `false`: it is bound already.
    pub fn bind(&self, session: SessionId, uid: u32) -> Result<bool> {
        let (_, slot) = self.open_connection("bind", session)?;
        Ok(slot.uid.compare_exchange(0, uid, Relaxed, Relaxed).is_ok())
    }

    /// Connections from which nothing was received for their port's `heartbeat_idle_time`, except protected ones.
    pub fn idle_connections(&self) -> Vec<SessionId> {
        let now = clock::wall_nanos();
        let state = self.0.state;
        let idle = |slot: &ConnectionSlot| {
            let limit = state.ports[slot.port.load(Relaxed) as usize].config.heartbeat_idle_time;
            let quiet = now.saturating_sub(slot.last_recv.load(Relaxed));
            let protected = Flags(slot.flags.load(Relaxed)).any(Flags::PROTECTED);
            limit > 0 && !protected && quiet > u64::from(limit) * 1_000_000_000
        };
        state.registry.list(SessionId(0), usize::MAX, |slot| self.may_see(slot) && idle(slot)).unwrap_or_default()
    }

    /// In base mode a worker sees its own connections only.
    fn may_see(&self, slot: &ConnectionSlot) -> bool {
        let owner = slot.reactor.load(Relaxed);
        self.0.state.mode == Mode::Process || self.worker_id().is_some_and(|id| id.0 == owner)
    }

    pub(crate) fn lookup(&self, session: SessionId) -> Option<(registry::SlotIndex, &'static ConnectionSlot)> {
        self.0.state.registry.find(session).filter(|(_, slot)| self.may_see(slot))
    }

    pub(crate) fn open_connection(
        &self,
        act: &'static str,
        session: SessionId,
    ) -> Result<(registry::SlotIndex, &'static ConnectionSlot)> {
        let found = self.0.state.registry.find(session);
        let (index, slot) = found.ok_or_else(|| refused(act, session, Code::SessionNotExist))?;
        let flags = Flags(slot.flags.load(Relaxed));
        if flags.any(Flags::CLOSED) {
            return Err(refused(act, session, Code::SessionClosed));
        }
        if flags.any(Flags::SHAKING) {
            return Err(refused(act, session, Code::SslNotReady));
        }
        Ok((index, slot))
    }

    // ---- other processes ----

    /// Sends a message to a worker, task worker or user process; it gets a `pipe_message`.
    ///
    /// `flags`: the sender's own bits, the lower eight only. Fails where the target is this process, does not exist, or
    /// has more unread messages than its queue holds.
    pub fn send_message(&self, to: WorkerId, data: &[u8], flags: u32) -> Result<()> {
        const ACT: &str = "send a message to";
        let state = self.0.state;
        let subject = || format!("process {}", to.0);
        let Some(mailbox) = state.messages.get(to.0 as usize) else {
            let why = format!("process {}: the highest number is {}", to.0, state.processes() as i64 - 1);
            return Err(Error::State { operation: ACT, reason: why });
        };
        if self.worker_id() == Some(to) {
            return Err(Error::State {
                operation: ACT,
                reason: format!("process {}: that is this process itself", to.0),
            });
        }
        let id = state.server[0].messages.fetch_add(1, Relaxed);
        let head = self.head(Kind::Message, id, flags & 0xFF);
        self.push_parcel(mailbox, head, data)?.map_err(|_| Error::refused(ACT, subject(), Code::ServerPipeBufferFull))
    }

    /// Sends a message to the manager; it gets a `pipe_message`, between two looks at its processes.
    ///
    /// `flags`: as of [`send_message`](Self::send_message). Fails where there is no manager, where it is this process, and
    /// where it has more unread messages than its queue holds.
    pub fn send_to_manager(&self, data: &[u8], flags: u32) -> Result<()> {
        const ACT: &str = "send a message to";
        let state = self.0.state;
        if self.manager_pid() == 0 || self.role() == Role::Manager {
            let why = if self.manager_pid() == 0 { "this server has none" } else { "that is this process itself" };
            return Err(Error::State { operation: ACT, reason: format!("the manager: {why}") });
        }
        let id = state.server[0].messages.fetch_add(1, Relaxed);
        let head = self.head(Kind::Message, id, flags & 0xFF);
        self.push_parcel(&state.to_manager, head, data)?
            .map_err(|_| Error::refused(ACT, "the manager", Code::ServerPipeBufferFull))
    }

    /// Ends the whole server, in order.
    pub fn shutdown(&self) -> Result<()> {
        let head = self.0.state.head_pid();
        if head == process::pid() && self.role() == Role::Worker {
            self.0.state.enter(ServerPhase::Ending);
            self.0.stopping.set(true);
            self.0.wake.raise();
            return Ok(());
        }
        if process::kill(head, libc::SIGTERM) {
            return Ok(());
        }
        Err(Error::State { operation: "shut down", reason: "the server does not run".into() })
    }

    /// Replaces the workers (`tasks_only`: the task workers) by new processes, in order.
    pub fn reload(&self, tasks_only: bool) -> Result<()> {
        let signal = if tasks_only { libc::SIGUSR2 } else { libc::SIGUSR1 };
        if process::kill(self.manager_pid(), signal) {
            return Ok(());
        }
        Err(Error::State { operation: "reload", reason: "this server has no manager to replace its one worker".into() })
    }

    /// Ends one worker, in order; the manager replaces it. `None`: this one.
    pub fn stop(&self, which: Option<WorkerId>) -> Result<()> {
        if which.is_none() && self.role() == Role::User {
            return Err(Error::State { operation: "stop", reason: "this process is no worker".into() });
        }
        if which.is_none() || which == self.worker_id() {
            self.0.stopping.set(true);
            self.0.wake.raise();
            return Ok(());
        }
        let id = which.unwrap_or(WorkerId(0));
        let slot = self.worker_slot(id).filter(|s| process::kill(s.pid.load(Relaxed), libc::SIGTERM));
        slot.map(|_| ())
            .ok_or_else(|| Error::State { operation: "stop", reason: format!("there is no worker {}", id.0) })
    }

    /// Whether this process has been told to end.
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.get()
    }

    // ---- datagrams ----

    /// Sends a datagram; see [`datagram::send_to`].
    pub fn send_to(&self, address: &str, port: i64, data: &[u8], server_socket: i32) -> Result<()> {
        datagram::send_to(self.0.state, address, port, data, server_socket)
    }

    // ---- time ----

    /// Runs `code` every `interval`, the first time after one interval, until the timer is cleared. The timer's number.
    pub fn tick(&self, interval: Duration, code: impl Fn(&Node, u64) + 'static) -> u64 {
        self.add_timer(interval, true, Rc::new(code))
    }

    /// Runs `code` once, after `delay`. The timer's number.
    pub fn after(&self, delay: Duration, code: impl Fn(&Node, u64) + 'static) -> u64 {
        self.add_timer(delay, false, Rc::new(code))
    }

    /// Clears a timer; `false` where there is none of that number.
    pub fn clear_timer(&self, id: u64) -> bool {
        {
            let cleared = self.0.timers.borrow_mut().cancel(TimerId(id));
            cleared.is_ok()
        }
    }

    fn add_timer(&self, delay: Duration, repeat: bool, code: TimerFn) -> u64 {
        let ms = (delay.as_millis() as u64).max(1);
        let now = clock::monotonic_ms();
        let mut timers = self.0.timers.borrow_mut();
        let id = if repeat { timers.every(now, ms, code) } else { timers.after(now, ms, code) };
        drop(timers);
        self.0.wake.raise();
        id.0
    }

    /// Runs a future on this process's event loop, beside everything else it does. A process that is to end waits for
    /// its futures first, as far as `max_wait_time` allows.
    pub fn spawn(&self, future: impl Future<Output = ()> + 'static) {
        match self.0.runtime.get() {
            Some(runtime) => {
                let running = Running::new(self);
                runtime.spawn(send_wrapper::SendWrapper::new(async move {
                    let _running = running;
                    future.await;
                }));
                self.0.wake.raise();
            }
            None => crate::log::error!("spawn a future: this process has no event loop"),
        }
    }

    // ---- what the rooms of the engine share ----

    pub(crate) fn head(&self, kind: Kind, id: u64, flags: u32) -> Head {
        let from = match self.worker_id() {
            Some(id) => id.0 as u16,
            // One that user code has forked.
            None if self.role() == Role::User => FOREIGN_CHILD + (process::known_pid() % FOREIGN_CHILDREN) as u16,
            None => MANAGER,
        };
        Head { kind, from, flags, id, time: clock::wall_nanos(), extra: 0, reactor: 0 }
    }
}

/// A future that has not ended.
struct Running(std::rc::Weak<Inner>);

impl Running {
    fn new(node: &Node) -> Self {
        node.0.futures.set(node.0.futures.get() + 1);
        Running(Rc::downgrade(&node.0))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(node) = self.0.upgrade() {
            node.futures.set(node.futures.get() - 1);
            if node.stopping.get() {
                node.wake.raise();
            }
        }
    }
}

/// What is known of a connection.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct ClientInfo {
    /// Port number, 0 for a Unix socket.
    pub server_port: u16,
    /// Descriptor of the listening socket.
    pub server_fd: i32,
    /// Descriptor in the owner.
    pub socket_fd: i32,
    /// `SWOOLE_SOCK_*`.
    pub socket_type: i32,
    pub peer: registry::Peer,
    pub reactor_id: u32,
    /// 0 where it is not bound.
    pub uid: u32,
    /// Seconds since the epoch, as are the next three.
    pub connect_time: u64,
    pub last_recv: f64,
    pub last_send: f64,
    pub last_dispatch: f64,
    /// Bytes received that are no whole packet yet.
    pub recv_queued: u64,
    /// Bytes sent that the kernel has not taken yet.
    pub send_queued: u64,
    /// errno of the failure that closed it.
    pub close_errno: i32,
    /// Index of the port.
    pub port: usize,
}

fn refused(act: &'static str, session: SessionId, code: Code) -> Error {
    Error::refused(act, format!("connection {}", session.0), code)
}

pub(crate) fn is_task_worker(node: &Node) -> bool {
    node.worker_id().is_some_and(|id| node.state().kind_of(id) == ProcessKind::TaskWorker)
}

pub(crate) type Answer = (FinishEvent, Vec<u8>);
