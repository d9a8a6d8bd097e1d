//! A reactor thread of process mode: owns connections, dispatches their packets to workers, carries out commands.
//!
//! Runs in: threads of the master (or its main thread, with `single_thread`). The only user code is `dispatch_func` and
//! `package_length_func`.

mod dispatch;
mod files;

use crate::conn::connection::ConnectionState;
use crate::conn::owner::Owner;
use crate::conn::timeouts;
use crate::error::Result;
use crate::ids::SessionId;
use crate::ipc::{Command, Message, Reassembly, Sender, sleep_if};
use crate::net::{Port, datagram};
use crate::runtime;
use crate::state::ServerState;
use crate::state::registry::Peer;
use crate::state::service_manager::ServiceManager;
use crate::sys::{affinity, clock, process, title};
use dispatch::Dispatcher;
use send_wrapper::SendWrapper;
use socket2::Socket;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// A command of the accepting thread.
pub(super) enum ReactorCommand {
    /// Take over a new connection.
    Adopt(Socket, Peer, Arc<Port>),
    /// Stop reading; replies of workers are still written.
    Quiesce,
    /// Workers have ended: write queued output, close everything and end.
    End,
}

/// The accepting thread's handle of a reactor.
pub(super) struct Handle {
    id: u32,
    commands: UnboundedSender<ReactorCommand>,
    /// It ended unasked.
    failed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Handle {
    /// Number of the reactor.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Sends a command; a reactor that has ended ignores it.
    pub(super) fn send(&self, command: ReactorCommand) {
        let _ = self.commands.send(command);
    }

    /// Whether it ended unasked.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    /// Waits until it has ended; runs this thread's runtime for a reactor on it.
    pub(super) fn join(&mut self, runtime: &tokio::runtime::Runtime) {
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
pub(super) fn start_thread(state: &'static ServerState, id: u32) -> Result<Handle> {
    let (commands, receiver) = unbounded_channel();
    let failed = Arc::<AtomicBool>::default();
    let alarm = EndAlarm { failed: failed.clone(), was_asked: false };
    let thread = std::thread::Builder::new()
        .name(format!("reactor {id}"))
        .spawn(move || {
            alarm.watch_tasks();
            let was_asked = run_thread(state, id, receiver);
            alarm.end(was_asked);
        })
        .map_err(|e| crate::error::Error::system("start", format!("reactor thread {id}"), e))?;
    Ok(Handle { id, commands, failed, thread: Some(thread), task: None })
}

/// Reports a reactor that ends unasked to the master: the server would go on without answering that reactor's connections.
struct EndAlarm {
    failed: Arc<AtomicBool>,
    was_asked: bool,
}

impl EndAlarm {
    /// Has a task of this thread that panics report the reactor: its other tasks cannot serve alone.
    fn watch_tasks(&self) {
        let failed = self.failed.clone();
        runtime::on_task_panic(move || report(&failed));
    }

    fn end(mut self, was_asked: bool) {
        self.was_asked = was_asked;
    }
}

impl Drop for EndAlarm {
    fn drop(&mut self) {
        if !self.was_asked {
            report(&self.failed);
        }
    }
}

fn report(failed: &AtomicBool) {
    failed.store(true, Relaxed);
    // Wakes the master's loop, which waits for signals.
    process::kill(process::pid(), libc::SIGCHLD);
}

/// Starts reactor `id` as tasks of the runtime that is entered; its loop calls [`Reactor::before_sleep`] and
/// [`Reactor::after_sleep`].
pub(super) fn start_here(state: &'static ServerState, id: u32) -> (Handle, Rc<Reactor>) {
    let (commands, receiver) = unbounded_channel();
    let reactor = Reactor::new(state, id);
    let task = reactor.clone();
    let failed = Arc::<AtomicBool>::default();
    let alarm = EndAlarm { failed: failed.clone(), was_asked: false };
    alarm.watch_tasks();
    let task = tokio::spawn(SendWrapper::new(async move {
        task.serve(receiver).await;
        alarm.end(true);
    }));
    (Handle { id, commands, failed, thread: None, task: Some(task) }, reactor)
}

/// Runs a reactor until it is to end; `false`: it could not start.
fn run_thread(state: &'static ServerState, id: u32, receiver: UnboundedReceiver<ReactorCommand>) -> bool {
    title::name_thread(&format!("swoosh reactor{id}"));
    if state.config().open_cpu_affinity {
        affinity::bind_to_nth(id as usize, &state.config().cpu_affinity_ignore);
    }
    let reactor = Reactor::new(state, id);
    let (before, after) = (reactor.clone(), reactor.clone());
    match runtime::for_this_thread(move || before.before_sleep(), move || after.after_sleep()) {
        Ok(runtime) => {
            runtime.block_on(reactor.serve(receiver));
            true
        }
        Err(e) => {
            crate::log::error!("reactor thread {id}: {e}");
            false
        }
    }
}

/// One reactor, in its thread.
pub(super) struct Reactor {
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

    /// Before the thread sleeps: wakes the receivers of what this tick has sent.
    pub(super) fn before_sleep(&self) {
        self.sender.wake_receivers();
    }

    /// After the thread has slept.
    pub(super) fn after_sleep(&self) {
        self.owner.refresh_clock();
    }

    async fn serve(self: Rc<Self>, mut receiver: UnboundedReceiver<ReactorCommand>) {
        let me = self.clone();
        let commands = runtime::spawn(async move { me.take_commands().await });
        let owner = self.owner.clone();
        let connections = runtime::spawn(async move { owner.tasks().run().await });
        self.watch_datagrams();
        timeouts::start(&self.owner);
        self.start_heartbeat();
        while let Some(command) = receiver.recv().await {
            match command {
                ReactorCommand::Adopt(socket, peer, port) => self.owner.adopt(socket, peer, &port),
                ReactorCommand::Quiesce => self.owner.quiesce(),
                ReactorCommand::End => break,
            }
        }
        commands.abort();
        let mut reassembly = Reassembly::default();
        while let Some(message) = self.state.mailboxes().commands()[self.id as usize].take(&mut reassembly) {
            self.execute(&message);
        }
        self.close_all().await;
        connections.abort();
        self.owner.tasks().clear();
        self.sender.wake_receivers();
    }

    /// Closes every connection; queued output is written, within a time limit.
    async fn close_all(&self) {
        for conn in self.owner.all().iter().filter(|conn| !conn.speaks_http2()) {
            self.owner.finish(conn, false);
        }
        for _ in 0..LAST_WRITES_MS / 10 {
            for conn in self.owner.all().iter().filter(|conn| conn.is_idle_http2()) {
                self.owner.finish(conn, false);
            }
            if self.owner.all().iter().all(|c| c.state() == ConnectionState::Closed) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for conn in self.owner.all() {
            self.owner.finish(&conn, false);
        }
    }

    async fn take_commands(&self) {
        let mailbox = &self.state.mailboxes().commands()[self.id as usize];
        let Ok(event_fd) = runtime::watch(mailbox.event_fd()) else {
            crate::log::error!("reactor {}: its event descriptor cannot be watched", self.id);
            return runtime::report_failure();
        };
        let sleeping = &self.owner.slot().sleeping;
        let mut reassembly = Reassembly::default();
        loop {
            let mut taken = 0;
            let mut next = mailbox.take(&mut reassembly);
            while let Some(message) = next {
                taken += 1;
                // No message is taken before this task yields: one in hand would be lost if the task ended there.
                next = if taken < COMMANDS_PER_TICK { mailbox.take(&mut reassembly) } else { None };
                let session = reply_of(&message);
                let more_follow = session.is_some() && next.as_ref().and_then(reply_of) == session;
                self.owner.begin_reply(session, more_follow);
                self.execute(&message);
                self.owner.end_reply(more_follow);
                if let Some(buffer) = message.into_payload() {
                    reassembly.recycle(buffer);
                }
                if taken == COMMANDS_PER_TICK {
                    taken = 0;
                    tokio::task::yield_now().await;
                    next = mailbox.take(&mut reassembly);
                }
            }
            if sleep_if(sleeping, || mailbox.is_empty()) {
                runtime::notified(&event_fd).await;
                sleeping.store(0, Relaxed);
            }
        }
    }

    /// Carries out a command. One for a connection that is gone is dropped: its peer is gone too.
    fn execute(&self, message: &Message) {
        let Message::Command { session, command } = message else { return };
        match self.owner.find(*session) {
            Some(conn) => self.owner.execute(&conn, command),
            None => self.owner.discard(command),
        }
    }

    /// Gives the master signs of life for its reports to the service manager.
    fn start_heartbeat(&self) {
        let Some(interval) = self.state.service_manager().and_then(ServiceManager::heartbeat) else { return };
        let slot = self.state.reactor_slot(self.id);
        runtime::spawn(async move {
            loop {
                slot.alive_at.store(clock::monotonic_ms(), Relaxed);
                tokio::time::sleep(interval).await;
            }
        });
    }

    fn watch_datagrams(&self) {
        let count = self.state.reactors().len();
        for port in self.state.ports() {
            if port.kind().is_stream() || port.index() % count != self.id as usize {
                continue;
            }
            let (dispatcher, state) = (self.dispatcher.clone(), self.state);
            let is_running = || state.accepts();
            let deliver =
                move |port: &Port, from: datagram::Origin, data: &[u8]| dispatcher.datagram(port, &from, data);
            runtime::spawn(datagram::receive_from(port.clone(), is_running, deliver));
        }
    }
}

/// The connection that a message sends bytes to.
fn reply_of(message: &Message) -> Option<SessionId> {
    match message {
        Message::Command { session, command: Command::Send { .. } } => Some(*session),
        _ => None,
    }
}

const COMMANDS_PER_TICK: u32 = 64;
/// How long a server that ends waits for peers that do not read.
const LAST_WRITES_MS: u64 = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_is_reported_and_one_that_was_asked_to_end_is_not() {
        for panics in [true, false] {
            let failed = Arc::<AtomicBool>::default();
            let alarm = EndAlarm { failed: failed.clone(), was_asked: false };
            let thread = std::thread::spawn(move || {
                assert!(!panics, "as wanted");
                alarm.end(true);
            });
            assert_eq!(thread.join().is_err(), panics);
            assert_eq!(failed.load(Relaxed), panics);
        }
    }
}
