//! A reactor thread of process mode: owns connections, hands packets to workers, carries out their orders.
//!
//! Runs in: threads of the master (or its own thread, with `single_thread`). No user code but the two functions that
//! settings may name: `dispatch_func` and `package_length_func`.

mod commands;
pub mod dispatch;
mod files;

use crate::conn::connection::{HOLD_PAUSE, Stage};
use crate::conn::datagram;
use crate::conn::owner::{Owner, heartbeat_interval};
use crate::conn::registry::Peer;
use crate::conn::timeouts;
use crate::error::Result;
use crate::handler::SessionId;
use crate::ipc::{Assembler, Kind, Message, Sender, sleep_if};
use crate::runtime;
use crate::state::{Port, ServerState};
use crate::sys::{affinity, title};
use dispatch::Dispatcher;
use send_wrapper::SendWrapper;
use socket2::Socket;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What the accepting thread tells a reactor.
pub enum ReactorCommand {
    /// A new connection of yours.
    Adopt(Socket, Peer, Arc<Port>),
    /// Read no more; what workers still answer is written.
    Quiesce,
    /// Workers have ended: write what waits, close everything and end.
    End,
}

/// A reactor as the accepting thread knows it.
pub struct Handle {
    /// Its number.
    pub id: u32,
    words: UnboundedSender<ReactorCommand>,
    thread: Option<JoinHandle<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Handle {
    /// Tells it something; a reactor that has ended hears nothing.
    pub fn tell(&self, word: ReactorCommand) {
        let _ = self.words.send(word);
    }

    /// Waits until it has ended; one that runs on this thread's runtime, by running that.
    pub fn join(&mut self, runtime: &tokio::runtime::Runtime) {
        if let Some(task) = self.task.take()
            && runtime.block_on(task).is_err()
        {
            crate::log::error!("reactor {} ended by a panic", self.id);
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            crate::log::error!("reactor thread {} ended by a panic", self.id);
        }
    }
}

/// Starts reactor `id` in a thread of its own.
pub fn start_thread(state: &'static ServerState, id: u32) -> Result<Handle> {
    let (words, heard) = unbounded_channel();
    let thread = std::thread::Builder::new()
        .name(format!("reactor {id}"))
        .spawn(move || run_thread(state, id, heard))
        .map_err(|e| crate::error::Error::system("start", format!("reactor thread {id}"), e))?;
    Ok(Handle { id, words, thread: Some(thread), task: None })
}

/// Starts reactor `id` as tasks of the runtime that is entered now; its loop calls [`Reactor::before_sleep`] and
/// [`Reactor::after_sleep`].
pub fn start_here(state: &'static ServerState, id: u32) -> (Handle, Rc<Reactor>) {
    let (words, heard) = unbounded_channel();
    let reactor = Reactor::new(state, id);
    let task = reactor.clone();
    let task = tokio::spawn(SendWrapper::new(async move { task.serve(heard).await }));
    (Handle { id, words, thread: None, task: Some(task) }, reactor)
}

fn run_thread(state: &'static ServerState, id: u32, heard: UnboundedReceiver<ReactorCommand>) {
    title::name_thread(&format!("swoosh reactor{id}"));
    if state.config.open_cpu_affinity {
        affinity::bind_to_nth(id as usize, &state.config.cpu_affinity_ignore);
    }
    let reactor = Reactor::new(state, id);
    let (before, after) = (reactor.clone(), reactor.clone());
    match runtime::for_this_thread(move || before.before_sleep(), move || after.after_sleep()) {
        Ok(runtime) => runtime.block_on(reactor.serve(heard)),
        Err(e) => crate::log::error!("reactor thread {id}: {e}"),
    }
}

/// One reactor, in its thread.
pub struct Reactor {
    state: &'static ServerState,
    id: u32,
    sender: Rc<Sender>,
    owner: Rc<Owner>,
    dispatcher: Rc<Dispatcher>,
}

impl Reactor {
    fn new(state: &'static ServerState, id: u32) -> Rc<Self> {
        let sender = Rc::new(Sender::default());
        let dispatcher = Rc::new(Dispatcher::new(state, id, sender.clone()));
        let owner = Owner::new(state, id, Rc::new(dispatcher.clone()));
        Rc::new(Reactor { state, id, sender, owner, dispatcher })
    }

    /// Before the thread waits: whoever was given something is woken, once.
    pub fn before_sleep(&self) {
        self.sender.ring_all();
    }

    /// After it has waited.
    pub fn after_sleep(&self) {
        self.owner.refresh_clock();
    }

    async fn serve(self: Rc<Self>, mut words: UnboundedReceiver<ReactorCommand>) {
        let me = self.clone();
        let orders = tokio::spawn(SendWrapper::new(async move { me.take_orders().await }));
        let owner = self.owner.clone();
        let connections = tokio::spawn(SendWrapper::new(async move { owner.tasks.run().await }));
        self.watch_datagrams();
        if let Some(every) = heartbeat_interval(self.state) {
            tokio::spawn(SendWrapper::new(self.owner.clone().heartbeat(every)));
        }
        if let Some(every) = timeouts::interval(self.state) {
            tokio::spawn(SendWrapper::new(timeouts::watch(self.owner.clone(), every)));
        }
        while let Some(word) = words.recv().await {
            match word {
                ReactorCommand::Adopt(socket, peer, port) => self.owner.adopt(socket, peer, &port),
                ReactorCommand::Quiesce => self.owner.all().iter().for_each(|c| c.hold(HOLD_PAUSE)),
                ReactorCommand::End => break,
            }
        }
        orders.abort();
        let mut assembler = Assembler::default();
        while let Some(message) = self.state.orders[self.id as usize].take(&mut assembler) {
            commands::carry_out(&self.owner, &message);
        }
        self.close_all().await;
        connections.abort();
        self.owner.tasks.clear();
        self.sender.ring_all();
    }

    /// Writes what waits for each peer, for a while, and closes.
    async fn close_all(&self) {
        for conn in self.owner.all() {
            self.owner.finish(&conn, false);
        }
        for _ in 0..LAST_WRITES_MS / 10 {
            if self.owner.all().iter().all(|c| c.stage() == Stage::Dead) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn take_orders(&self) {
        let mailbox = &self.state.orders[self.id as usize];
        let Ok(event_fd) = runtime::watch(mailbox.event_fd()) else {
            return crate::log::error!("reactor {}: its event_fd cannot be watched", self.id);
        };
        let sleeping = &self.owner.slot().sleeping;
        let mut assembler = Assembler::default();
        loop {
            let mut taken = 0;
            let mut next = mailbox.take(&mut assembler);
            while let Some(message) = next {
                taken += 1;
                // A message in hand must not be lost where this task ends: none is taken before it yields.
                next = if taken < ORDERS_A_TURN { mailbox.take(&mut assembler) } else { None };
                let of = |message: &Message| (message.head.kind == Kind::Send).then_some(SessionId(message.head.id));
                let session = of(&message);
                let again = session.is_some() && next.as_ref().and_then(of) == session;
                self.owner.begin_answer(session, again);
                commands::carry_out(&self.owner, &message);
                self.owner.end_answer(again);
                assembler.recycle(message);
                if taken == ORDERS_A_TURN {
                    taken = 0;
                    tokio::task::yield_now().await;
                    next = mailbox.take(&mut assembler);
                }
            }
            if sleep_if(sleeping, || mailbox.is_empty()) {
                runtime::rung(&event_fd).await;
                sleeping.store(0, Relaxed);
            }
        }
    }

    fn watch_datagrams(&self) {
        let count = self.state.reactors.len();
        for port in &self.state.ports {
            if port.kind.is_stream() || port.index % count != self.id as usize {
                continue;
            }
            let dispatcher = self.dispatcher.clone();
            let deliver =
                move |port: &Port, from: datagram::Origin, data: &[u8]| dispatcher.datagram(port, &from, data);
            tokio::spawn(SendWrapper::new(datagram::receive_from(self.state, port.clone(), deliver)));
        }
    }
}

const ORDERS_A_TURN: u32 = 64;
/// How long a server that ends goes on writing to peers that do not read.
const LAST_WRITES_MS: u64 = 2000;
